"""The last good answers."""

from api.identity import NOBODY, Identity, Scope
from api.last_known import LastKnown

ANALYST = Identity("key:1", frozenset({Scope.ANALYST}))


def test_an_answer_is_kept_for_its_own_question_and_caller() -> None:
    last = LastKnown()
    key = last.key(NOBODY, "{ a }", {"x": 1}, None)
    last.keep(key, {"a": 1})
    kept = last.get(key)
    assert kept is not None
    assert kept.data == {"a": 1}
    for other in (
        last.key(ANALYST, "{ a }", {"x": 1}, None),
        last.key(Identity("", frozenset({Scope.CUSTOMER})), "{ a }", {"x": 1}, None),
        last.key(NOBODY, "{ b }", {"x": 1}, None),
        last.key(NOBODY, "{ a }", {"x": 2}, None),
        last.key(NOBODY, "{ a }", {"x": 1}, "A"),
        last.key(NOBODY, "{ a }", {"x": "\ud800"}, None),
    ):
        assert last.get(other) is None


def test_answers_grow_old_are_bounded_and_can_be_forgotten() -> None:
    now = 1_000.0
    last = LastKnown(most=2, age_s=10, clock=lambda: now)
    keys = [last.key(NOBODY, str(n), None, None) for n in range(3)]
    for key in keys:
        last.keep(key, {})
    assert [last.get(key) is not None for key in keys] == [False, True, True]
    now = 1_011.0
    assert last.get(keys[2]) is None
    last.keep(keys[2], {})
    last.forget()
    assert last.get(keys[2]) is None


def test_while_the_database_is_away_one_caller_at_a_time_looks_again() -> None:
    now = 0.0
    last = LastKnown(retry_s=2, clock=lambda: now)
    assert not last.away()
    last.failed()
    assert [last.away(), last.away()] == [True, True]
    now = 2.5
    assert [last.away(), last.away()] == [False, True]
    last.keep(None, None)
    assert not last.away()
