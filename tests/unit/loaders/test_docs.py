"""docs/files.md says what the code does."""

import re
import tomllib
from pathlib import Path

import pytest

from graph.schema import EVENT_TYPES
from loaders import declarations, validate
from loaders.readers import NOT_AN_OBJECT, TOO_MANY_FIELDS
from loaders.records import REQUIRED, TABLES
from loaders.report import TAKEN

DOC = (Path(__file__).parents[3] / "docs" / "files.md").read_text(encoding="utf-8")


def test_the_example_of_source_toml_is_accepted_and_names_every_key() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOC, re.DOTALL)
    found = declarations.parse(tomllib.loads(example))
    assert found.model_fields_set == set(declarations.Declarations.model_fields)


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_documented(table: str) -> None:
    for name in (*TABLES[table], *REQUIRED[table]):
        assert f"`{name}`" in DOC, name


def test_every_event_type_is_documented() -> None:
    for name in EVENT_TYPES:
        assert f"`{name}`" in DOC, name


def test_every_reason_is_documented() -> None:
    source = Path(validate.__file__).read_text(encoding="utf-8")
    reasons = {*re.findall(r'\("[a-z]+", "([a-z0-9 ]+)"', source), *re.findall(r', "([a-z0-9 ]+)"\)', source)}
    reasons = {reason for reason in reasons if " " in reason}
    assert len(reasons) > 8
    for reason in (*reasons, validate.DUPLICATE_ID, validate.MISSING, TOO_MANY_FIELDS, NOT_AN_OBJECT, TAKEN):
        assert f"`{reason}`" in DOC, reason
