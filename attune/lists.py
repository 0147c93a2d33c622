"""`attune recommend`: lists in the terminal, lists of everybody in a file."""

from pathlib import Path
from typing import Any

from attune import console, outputs
from attune.ask import answer
from attune.home import home, models

MODES = ("all", "discover", "rebuy")

# Before a score: the item is newer than the model.
_ESTIMATED = "≈"

_RECOMMEND = """
query Recommend($user: String!, $first: Int!, $mode: Mode!, $budget: Float) {
  user(id: $user) {
    externalId
    recommendations(first: $first, mode: $mode, budget: $budget) {
      edges { node { rank score estimated item { externalId title price } explanation { sentence } } }
    }
  }
}
"""


def recommend(user_id: str, *, k: int, mode: str, budget: float | None, json: bool) -> None:
    """Print one user's list."""
    variables: dict[str, object] = {"user": user_id, "first": k, "mode": _mode(mode).upper(), "budget": budget}
    user = answer(_RECOMMEND, variables)["user"]
    nodes = [edge["node"] for edge in user["recommendations"]["edges"]]
    if json:
        listed = [
            {"rank": node["rank"], "item_id": node["item"]["externalId"], "score": node["score"], **_details(node)}
            for node in nodes
        ]
        console.emit({"user_id": user_id, "mode": mode, "recommendations": listed})
        return
    rows = [
        [
            str(node["rank"]),
            node["item"]["externalId"],
            node["item"]["title"],
            _money(node["item"]["price"]),
            f"{_ESTIMATED if node['estimated'] else ''}{node['score']:.4f}",
            node["explanation"]["sentence"],
        ]
        for node in nodes
    ]
    console.table(["rank", "item", "title", "price", "score", "why"], rows, right=(0, 3, 4))
    if any(node["estimated"] for node in nodes):
        console.OUT.print(
            f"{_ESTIMATED} estimated: newer than the model; what nobody can know yet is that of other items",
            markup=False,
        )


def recommend_all(*, k: int, mode: str, budget: float | None, out: Path, json: bool) -> None:
    """Write every user's list to a Parquet or CSV file with the columns user_id, item_id, rank, score."""
    import polars as pl

    from attune import disputes, newcomers
    from gnn import output
    from gnn.ranking import Mode, Query
    from gnn.registry import Registry
    from graph import snapshot
    from graph.client import Client, settings
    from loaders.progress import Bars

    query = Query(mode=Mode(_mode(mode)), budget=budget)
    if out.suffix not in (".parquet", ".csv"):
        console.stop(f"--out {out} is neither .parquet nor .csv", "Name the file so.", code=console.WRONG_USE)
    outputs.file(out)
    artefact = Registry(models()).load()
    with console.step("Reading the graph"), Client(settings(home())) as client:
        seen = snapshot.read(client)
        disputed = disputes.everybody(client)
        artefact = newcomers.taken_in(artefact, client)
    with Bars(console.ERR) as progress:
        columns = output.lists(artefact, seen, k=k, query=query, disputes=disputed, progress=progress)
    frame = pl.DataFrame(
        {"user_id": columns.user_id, "item_id": columns.item_id, "rank": columns.rank, "score": columns.score},
        schema={"user_id": pl.String, "item_id": pl.String, "rank": pl.Int32, "score": pl.Float64},
    )
    # Nothing half-written stays visible under the name that was asked for.
    partial = out.with_name(f".{out.name}.partial")
    with outputs.writing(out):
        if out.suffix == ".csv":
            frame.write_csv(partial)
        else:
            frame.write_parquet(partial)
        partial.replace(out)
    users = frame["user_id"].n_unique()
    if json:
        console.emit({"out": str(out), "users": users, "rows": len(frame), "model": artefact.version})
    else:
        console.OUT.print(f"{len(frame):,} rows for {users:,} users in {out}")


def _mode(mode: str) -> str:
    if mode not in MODES:
        console.stop(f"--mode {mode!r} is unknown", f"Use one of {', '.join(MODES)}.", code=console.WRONG_USE)
    return mode


def _details(node: dict[str, Any]) -> dict[str, object]:
    return {
        "estimated": node["estimated"],
        "title": node["item"]["title"],
        "price": node["item"]["price"],
        "sentence": node["explanation"]["sentence"],
    }


def _money(price: float | None) -> str:
    return "" if price is None else f"{price:.2f}"
