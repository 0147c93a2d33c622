"""What is said of failures: to a client, and to the log."""

import pytest

from api.errors import loggable


def test_a_log_tells_what_an_exception_is_and_where_it_arose_but_not_its_message() -> None:
    def deep(user: str) -> None:
        raise RuntimeError(f"the message names {user}")

    with pytest.raises(RuntimeError) as caught:
        deep("u0")
    told = loggable(caught.value)
    assert told["cause"] == "RuntimeError"
    assert "in deep" in told["trace"]
    assert "names u0" not in told["trace"]
    assert loggable(None) == {"cause": "NoneType", "trace": ""}
