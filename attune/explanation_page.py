"""One explanation as one HTML file to attach to a ticket: no script, nothing fetched, all text escaped."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from api.words import Words

_STYLE = """
:root { color-scheme: light dark; --page: #fafaf9; --card: #fff; --ink: #1c1917; --dim: #57534e; --line: #e7e5e4;
  --for: #0f766e; --against: #b45309; }
@media (prefers-color-scheme: dark) { :root { --page: #1c1917; --card: #292524; --ink: #fafaf9; --dim: #d6d3d1;
  --line: #44403c; --for: #2dd4bf; --against: #fbbf24; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 56rem; margin: 0 auto; padding: 2rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { margin: .5rem 0; } .dim { color: var(--dim); } .lead { font-size: 1.1rem; margin: 1rem 0; }
.score { font-variant-numeric: tabular-nums; font-weight: 600; }
ol { list-style: none; margin: 0; padding: 0; background: var(--card); border: 1px solid var(--line);
  border-radius: .5rem; }
li { padding: .75rem 1rem; border-bottom: 1px solid var(--line); } li:last-child { border: 0; }
.row { display: flex; gap: 1rem; justify-content: space-between; align-items: baseline; }
.track { position: relative; height: .75rem; margin: .35rem 0; background: var(--line); border-radius: .2rem; }
.zero { position: absolute; top: -.15rem; bottom: -.15rem; width: 1px; background: var(--dim); }
.bar { position: absolute; top: 0; bottom: 0; min-width: 2px; border-radius: .2rem; background: var(--for); }
.bar.against { background: var(--against); }
.path { color: var(--dim); font-size: .875rem; overflow-wrap: anywhere; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem; }
@media print { body { background: #fff; } .bar, .track, .zero { print-color-adjust: exact; } }
"""
# Whatever a title holds, a browser is told to load and run nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(answer: Mapping[str, Any], words: "Words", locale: str = "en") -> str:
    """Return the page of an answer that holds `model`, `item` and `user { externalId explain }`.

    `words`: those of the language that its sentences are told in, `locale`.
    """
    item, user, model = answer["item"], answer["user"], answer["model"]
    told = user["explain"]
    title = words["explain.page.title"].fill(title=item["title"] if item else "")
    asker = words["explain.page.user"].fill(user=user["externalId"])
    facts = _facts(item, words) if item else ""
    neighbors = told["neighbors"]["sentence"]
    body = (
        f"<h1>{escape(title)}</h1>"
        f'<p class="dim">{escape(asker)}{facts}</p>'
        f'<p class="lead">{escape(told["sentence"])}</p>'
        + (f'<p class="dim">{escape(words["explain.estimated"].fill())}</p>' if told["estimated"] else "")
        + _waterfall(told["contributions"], told["score"], words)
        + (f"<p>{escape(neighbors)}</p>" if neighbors else "")
        + f"<h2>{escape(words['explain.page.browser'].fill())}</h2><pre>{escape(told['cypher'])}</pre>"
        f'<p class="dim">{escape(_made(model, words) if model else "")}</p>'
    )
    return (
        f'<!doctype html>\n<html lang="{escape(locale)}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )


def kind(part: Mapping[str, Any], words: "Words") -> str:
    """Return what a kind of contribution is called."""
    return words[f"explain.kinds.{part['kind'].lower()}"].fill()


def _made(model: Mapping[str, Any], words: "Words") -> str:
    key = "explain.page.trained" if model["trained"] else "explain.page.untrained"
    return words[key].fill(version=model["version"], day=model["trainedAt"][:10])


def _facts(item: Mapping[str, Any], words: "Words") -> str:
    facts = [words["explain.page.item"].fill(item=item["externalId"])]
    if item["price"] is not None:
        facts.append(f"{item['price']:.2f} {item['currency'] or ''}".strip())
    facts += [item[name]["name"] for name in ("category", "brand") if item[name]]
    return "".join(f" · {escape(fact)}" for fact in facts)


def _waterfall(parts: Sequence[Mapping[str, Any]], score: float, words: "Words") -> str:
    """Return the contributions as bars, each from where the one before it ended, and the score below them."""
    ends = [0.0]
    for part in parts:
        ends.append(ends[-1] + part["value"])
    low, high = min(*ends, score), max(*ends, score)
    span = (high - low) or 1.0
    zero = f'<i class="zero" style="left:{-low / span:.2%}"></i>'

    def bar(start: float, end: float) -> str:
        kind = "bar against" if end < start else "bar"
        left, width = (min(start, end) - low) / span, abs(end - start) / span
        return f'<div class="track">{zero}<i class="{kind}" style="left:{left:.2%};width:{width:.2%}"></i></div>'

    rows = [
        f'<li><div class="row"><span>{escape(part["sentence"])}</span>'
        f'<span class="score">{part["value"]:+.4f}</span></div>{bar(start, start + part["value"])}'
        f'<div class="path">{escape(kind(part, words))}{_path(part["path"], words)}</div></li>'
        for start, part in zip(ends, parts, strict=False)
    ]
    rows.append(
        f'<li><div class="row"><strong>{escape(words["explain.page.sum"].fill())}</strong>'
        f'<span class="score">{score:+.4f}</span></div>{bar(0.0, score)}</li>'
    )
    return f"<ol>{''.join(rows)}</ol>"


def _path(path: Sequence[Mapping[str, Any]], words: "Words") -> str:
    names = [
        node.get("title") or node.get("name") or words[f"explain.nodes.{node['__typename'].lower()}"].fill()
        for node in path
    ]
    return f": {escape(' → '.join(names))}" if names else ""
