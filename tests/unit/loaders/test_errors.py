"""An error says what happened, where, and what to do; and carries it as data."""

import pytest

from loaders import errors
from loaders.errors import LoadError, StrictRejection, nearest


def test_the_place_comes_first_and_the_remedy_last() -> None:
    error = StrictRejection("not a time.", file="events.csv", row=3, column="at", remedy="Correct it.")
    assert str(error) == "events.csv, row 3, column at: not a time. Correct it."
    assert (error.file, error.row, error.column, error.remedy) == ("events.csv", 3, "at", "Correct it.")
    assert str(LoadError("no place.")) == "no place."


@pytest.mark.parametrize("name", ["MissingColumn", "EmptyFile", "UnreadableFile", "BadDeclaration", "StrictRejection"])
def test_every_error_is_a_load_error(name: str) -> None:
    assert issubclass(getattr(errors, name), LoadError)


def test_the_nearest_name_is_offered_only_when_it_is_near() -> None:
    assert nearest("itemid", ["item_id", "user_id"]) == "Did you mean 'item_id'?"
    assert nearest("zzz", ["item_id"]) == ""
