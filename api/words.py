"""The words of sentences: texts per language in `words/*.toml`, a shop's own in their place, checked before serving.

Nothing here knows what a sentence claims: `api.sentences` chooses the text and fills it with the figures.
"""

import json
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from pathlib import Path
from string import Formatter
from types import MappingProxyType
from typing import cast

from api.faults import BadWords

_OWN = Path(__file__).with_name("words")
_REST = "other"
_MONTHS = "date.months"
# Types of events are the shop's: it may have words for any of them.
_OPEN = "deeds."
# Characters of one text.
_LONGEST = 500


class Locale(StrEnum):
    """A language that sentences are told in."""

    EN = "en"
    ZH = "zh"


@dataclass(frozen=True, slots=True)
class Text:
    """One text, or several of which a count chooses: a form for exactly so many, `other` for all the rest."""

    forms: Mapping[str, str]

    def form(self, count: int | None = None) -> str:
        """Return the text for a count. English and Chinese need no more: English has its own form for exactly 1."""
        return self.forms.get(str(count)) or self.forms[_REST]

    def fill(self, count: int | None = None, **values: str) -> str:
        """Return the text with its placeholders filled; what is filled in is not looked at again."""
        filled = self.form(count) if count is not None else self.forms[_REST]
        if "{" in filled or "}" in filled:
            filled = filled.format_map({"count": str(count), **values})
        # Where a placeholder is empty (`bought {it} twice`) one of the spaces around it goes.
        return (re.sub(" {2,}", " ", filled) if "  " in filled else filled).strip()


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """Everything that is said in one language."""

    texts: Mapping[str, Text]
    """By dotted key, `reasons.item.for`."""
    months: tuple[str, ...]
    deeds: tuple[str, ...]
    """The types of events that there are words for, the one that tells most about a person first."""

    def __getitem__(self, key: str) -> Text:
        return self.texts[key]


Vocabulary = Mapping[Locale, Words]


@cache
def own() -> Vocabulary:
    """Return the words that come with Attune."""
    return MappingProxyType({locale: _built(_flat(_read(_OWN / f"{locale}.toml"))) for locale in Locale})


def read(path: Path | None) -> Vocabulary:
    """Return Attune's words with those of a shop's file in their place.

    The file is TOML, or JSON by its name: a table per language, in it the keys of `words/en.toml` that differ. Raises
    `BadWords` that names the key and what it may be.
    """
    if path is None:
        return own()
    given = _read(path)
    found: dict[Locale, Words] = {}
    for name in given:
        if name not in set(Locale):
            raise BadWords(f"{path}: `{name}` is not a language that sentences are told in; {_instead(name, Locale)}")
    for locale in Locale:
        changed = given.get(locale, {})
        if not isinstance(changed, dict):
            raise BadWords(f"{path}: `{locale}` must be a table of texts.")
        words = own()[locale]
        base: dict[str, object] = {key: text.forms for key, text in words.texts.items()}
        base[_MONTHS] = list(words.months)
        for key, value in _flat(cast("dict[str, object]", changed)).items():
            _check(str(path), locale, key, value, base.keys())
            base[key] = value
        found[locale] = _built(base)
    return MappingProxyType(found)


def _read(path: Path) -> dict[str, object]:
    try:
        text = path.read_text(encoding="utf-8")
        found: object = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise BadWords(f"The words in {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # of UTF-8, TOML and JSON alike
        raise BadWords(f"{path} is not {'JSON' if path.suffix == '.json' else 'TOML'}: {error}.") from None
    if not isinstance(found, dict):
        raise BadWords(f"{path} must hold a table per language, {' and '.join(Locale)}.")
    return cast("dict[str, object]", found)


def _flat(tree: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return dotted key -> value; a table whose keys are counts is a value."""
    found: dict[str, object] = {}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        inside = cast("dict[str, object]", value) if isinstance(value, dict) else None
        if inside is None or (_are_counts(inside) and key + "." != _OPEN):
            found[key] = value
        else:
            found |= _flat(inside, f"{key}.")
    return found


def _are_counts(names: Mapping[str, object]) -> bool:
    return _REST in names and all(name == _REST or re.fullmatch("[1-9][0-9]{0,3}", name) for name in names)


def _check(file: str, locale: Locale, key: str, value: object, known: Collection[str]) -> None:
    where = f"{file}: `{locale}.{key}`"
    if key not in known and not key.startswith(_OPEN):
        names = [f"{locale}.{name}" for name in known]
        raise BadWords(f"{where} is not a text that sentences are made of; {_instead(f'{locale}.{key}', names)}")
    if key == _MONTHS:
        months = cast("list[object]", value) if isinstance(value, list) else []
        if len(months) != 12 or not all(isinstance(month, str) and month for month in months):
            raise BadWords(f"{where} must be a list of twelve names.")
        return
    forms = cast("dict[str, object]", value) if isinstance(value, dict) else {_REST: value}
    allowed = _placeholders()[_OPEN if key.startswith(_OPEN) else key]
    for text in forms.values():
        if not isinstance(text, str) or not 0 < len(text.strip()) <= _LONGEST:
            raise BadWords(f"{where} must be a text of 1 to {_LONGEST} characters, or one per count with `{_REST}`.")
        try:
            used = set(_used(text))
        except ValueError as error:
            raise BadWords(f"{where}: {error}; write {{{{ and }}}} for braces.") from None
        if strange := sorted(used - allowed):
            may = ", ".join(f"{{{name}}}" for name in sorted(allowed)) or "none"
            raise BadWords(f"{where}: the placeholder {{{strange[0]}}} is unknown here; there is: {may}.")


def _used(text: str) -> list[str]:
    """Return the placeholders of a text, with all that is written in their braces."""
    found: list[str] = []
    for _, name, form, conversion in Formatter().parse(text):
        if name is not None:
            # `{name!r}`, `{name:>9}`, `{name.title}`: names alone are filled in.
            found.append(name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else ""))
    return found


@cache
def _placeholders() -> Mapping[str, frozenset[str]]:
    """Return what each text may be filled with: what Attune's own texts use in any language."""
    found: dict[str, set[str]] = {_OPEN: set()}
    for words in own().values():
        for key, text in words.texts.items():
            used = {name for form in text.forms.values() for name in _used(form)}
            found.setdefault(_OPEN if key.startswith(_OPEN) else key, set()).update(used)
    return {key: frozenset(names) for key, names in found.items()}


def _built(flat: Mapping[str, object]) -> Words:
    texts = {
        key: Text(cast("Mapping[str, str]", value) if isinstance(value, Mapping) else {_REST: str(value)})
        for key, value in flat.items()
        if key != _MONTHS
    }
    deeds = (key.removeprefix(_OPEN) for key in texts if key.startswith(_OPEN) and key != _OPEN + _REST)
    return Words(MappingProxyType(texts), tuple(cast("list[str]", flat[_MONTHS])), tuple(deeds))


def _instead(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(names)}."
