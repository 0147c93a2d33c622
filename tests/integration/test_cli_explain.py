"""`attune explain`: reasons that sum to the score, in two languages, in the terminal and on a page."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.command import Run

pytestmark = pytest.mark.integration


def test_explain_sums_to_the_score(attune: Run, trained: dict[str, Any]):
    assert trained
    top = json.loads(attune("recommend", "u0", "-k", "1", "--json").stdout)["recommendations"][0]
    explanation = json.loads(attune("explain", "u0", top["item_id"], "--json").stdout)
    assert set(explanation) == {"sentence", "score", "estimated", "contributions", "neighbors", "cypher"}
    assert sum(part["value"] for part in explanation["contributions"]) == pytest.approx(explanation["score"], abs=1e-5)
    assert explanation["score"] == pytest.approx(top["score"], abs=1e-5)
    printed = attune("explain", "u0", top["item_id"]).stdout
    assert "the sum of the above" in printed
    assert "not on the list" not in printed


def test_explain_says_in_a_line_why_an_item_is_not_on_the_list(attune: Run, trained: dict[str, Any]):
    assert trained
    listed = {row["item_id"] for row in json.loads(attune("recommend", "u0", "--json").stdout)["recommendations"]}
    absent = next(f"i{n}" for n in range(46) if f"i{n}" not in listed)
    (line,) = (row for row in attune("explain", "u0", absent).stdout.splitlines() if "not on the list" in row)
    assert line.startswith("It is not on the list: by score it stands at place ")
    told = attune("explain", "u0", absent, "--locale", "zh").stdout.splitlines()
    (chinese,) = (row for row in told if row.startswith("它不在列表上：按得分它排在第"))
    assert re.findall(r"[0-9][0-9,.]*[0-9]|[0-9]", chinese) == re.findall(r"[0-9][0-9,.]*[0-9]|[0-9]", line)


def test_explain_speaks_chinese_and_the_shops_own_words(attune: Run, trained: dict[str, Any], tmp_path: Path):
    assert trained
    top = json.loads(attune("recommend", "u0", "-k", "1", "--json").stdout)["recommendations"][0]["item_id"]
    assert json.loads(attune("explain", "u0", top, "--locale", "zh", "--json").stdout)["sentence"].startswith("因为")
    file = tmp_path / "words.toml"
    file.write_text("[en.summary]\none = 'Since {reason}!'\ntwo = 'Since {reason}, {other}!'\n")
    told = attune("explain", "u0", top, "--json", ATTUNE_SENTENCES=str(file)).stdout
    assert json.loads(told)["sentence"].startswith("Since ")
    file.write_text("[en.summary]\nones = 'Since {reason}!'\n")
    for said in (("explain", "u0", top), ("serve", "--port", "0")):
        refused = attune(*said, code=2, ATTUNE_SENTENCES=str(file))
        assert "`en.summary.ones` is not a text that sentences are made of" in refused.stderr
        assert "did you mean `en.summary.one`?" in refused.stderr


def test_explain_draws_bars_and_writes_a_page_with_the_same_numbers(
    attune: Run, trained: dict[str, Any], tmp_path: Path
):
    assert trained
    file = tmp_path / "tickets" / "why.html"
    explanation = json.loads(attune("explain", "u0", "i1", "--html", str(file), "--json").stdout)
    assert explanation == json.loads(attune("explain", "u0", "i1", "--json").stdout)
    text, printed = file.read_text(encoding="utf-8"), attune("explain", "u0", "i1").stdout
    for value in [explanation["score"], *(part["value"] for part in explanation["contributions"])]:
        assert f"{value:+.4f}" in text
        assert f"{value:+.4f}" in printed
    assert "│█" in printed
    assert trained["version"] in text
    refused = attune("explain", "u0", "i1", "--html", str(file / "below.html"), code=2)
    assert "cannot be written" in refused.stderr


@pytest.mark.parametrize("width", [60, 80, 200])
def test_every_bar_is_one_line_below_its_heading_at_any_width(
    monkeypatch: pytest.MonkeyPatch, attune: Run, trained: dict[str, Any], width: int
):
    assert trained
    parts = json.loads(attune("explain", "u0", "i1", "--json").stdout)["contributions"]
    with monkeypatch.context() as patched:
        patched.setattr("attune.console.OUT.width", width)
        printed = attune("explain", "u0", "i1").stdout
    table = printed.partition("\nIn Neo4j Browser")[0].splitlines()
    heading = next(line for line in table if "against │ for" in line)
    drawn = [line for line in table if set("│█▐▏▎▍▌▋▊▉") & set(line)]
    assert len(drawn) == len(parts) + 2
    assert {line.index("│") for line in drawn} == {heading.index("│")}
