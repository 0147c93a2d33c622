"""A question that the graph could not answer now has failed; one that nobody can answer is wrong use."""

import pytest

from api.errors import Code
from attune.ask import AskError


@pytest.mark.parametrize(
    ("code", "ends_with"),
    [
        (Code.DATABASE_TIMEOUT, 1),
        (Code.DATABASE_UNAVAILABLE, 1),
        (Code.INTERNAL, 1),
        (Code.BAD_USER_INPUT, 2),
        (Code.MODEL_UNAVAILABLE, 2),
    ],
)
def test_the_code_of_an_error_says_how_a_command_ends(code: Code, ends_with: int) -> None:
    assert AskError("said", str(code)).exit_code == ends_with
