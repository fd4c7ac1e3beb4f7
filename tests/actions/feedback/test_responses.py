"""Responses: one per dossier, edits within a day, secrecy of who answered."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.feedback.instruments import SERVICE, InvalidInstrumentError, load
from actions.feedback.responses import About, Responses, Saved, Ticket
from tests.actions.dossiers.conftest import KEY
from tests.databases import emptied

NOW = dt.datetime(2026, 11, 20, 9, 30)
LATER = NOW + dt.timedelta(hours=23)
TOO_LATE = NOW + dt.timedelta(days=1)
ABOUT = About("zalo", "Phường Thử", "1.001193", "Hộ tịch")
CODE = "H57.17.26-261117-0004"
INSTRUMENT = load()[SERVICE]


@pytest.fixture
def responses(engine: sa.Engine) -> Responses:
    return Responses(engine, KEY)


def all_of(responses: Responses) -> list:
    return responses.within(dt.date(2026, 1, 1), dt.date(2026, 12, 31))


def test_one_response_per_dossier_and_edits_within_a_day(responses: Responses) -> None:
    key = responses.dossier_key(CODE)
    assert responses.ask(key, SERVICE, ABOUT, NOW) is None
    assert responses.ask(key, SERVICE, ABOUT, NOW) is Ticket.ASKED
    assert responses.save(key, INSTRUMENT, {"overall": 2}, ABOUT, NOW, complete=False) is Saved.RECORDED
    assert responses.save(key, INSTRUMENT, {"overall": 0, "contacts": 1}, ABOUT, LATER) is Saved.EDITED
    assert responses.save(key, INSTRUMENT, {"overall": 2}, ABOUT, TOO_LATE) is Saved.CLOSED
    responses.sweep(TOO_LATE)
    assert responses.save(key, INSTRUMENT, {"overall": 2}, ABOUT, TOO_LATE) is Saved.CLOSED
    (kept,) = all_of(responses)
    assert (kept.answers, kept.complete, kept.day, kept.version) == ({"overall": 0, "contacts": 1}, True, NOW.date(), 1)
    assert responses.ask(key, SERVICE, ABOUT, TOO_LATE) is Ticket.COMPLETE


def test_who_does_not_answer_is_counted_and_reminded_once(responses: Responses) -> None:
    asked, declined, answered = (responses.token_key(name) for name in ("a", "b", "c"))
    for key in (asked, declined, answered):
        responses.ask(key, SERVICE, ABOUT, NOW)
    responses.decline(declined)
    responses.save(answered, INSTRUMENT, {"overall": 1}, ABOUT, NOW)
    assert sorted(one.declined for one in responses.unanswered(NOW.date(), NOW.date())) == [False, True]
    assert [responses.remind(asked), responses.remind(asked)] == [True, False]
    assert not responses.remind(declined)
    assert not responses.remind(answered)


def test_answers_that_the_instrument_does_not_have_are_refused_and_nothing_is_kept(responses: Responses) -> None:
    for answers in ({"overall": 7}, {"nonsense": 1}, {"comment": 1}):
        with pytest.raises(ValueError):
            responses.save(responses.token_key("x"), INSTRUMENT, answers, ABOUT, NOW)
    with pytest.raises(ValueError):
        responses.save(responses.token_key("x"), INSTRUMENT, {}, ABOUT, NOW, comments={"overall": "lời"})
    assert all_of(responses) == []


def test_skipped_items_are_left_out(responses: Responses) -> None:
    responses.save(responses.token_key("x"), INSTRUMENT, {"overall": "", "contacts": None, "bodies": "2"}, ABOUT, NOW)
    assert all_of(responses)[0].answers == {"bodies": 2}


def test_other_questions_under_the_same_version_are_refused(responses: Responses) -> None:
    responses.save(responses.token_key("x"), INSTRUMENT, {"overall": 1}, ABOUT, NOW)
    changed = INSTRUMENT.model_copy(update={"intro": "Khác"})
    with pytest.raises(InvalidInstrumentError, match="new version"):
        responses.save(responses.token_key("y"), changed, {"overall": 1}, ABOUT, NOW)
    newer = changed.model_copy(update={"version": 2})
    assert responses.save(responses.token_key("y"), newer, {"overall": 1}, ABOUT, NOW) is Saved.RECORDED
    assert responses.instrument(SERVICE, 1) == INSTRUMENT


def test_nothing_that_is_stored_joins_an_answer_to_who_gave_it(responses: Responses, engine: sa.Engine) -> None:
    """After the day of edits, whoever has the database *and* the key and knows all dossiers learns only who answered."""
    codes = [f"H57.17.26-261117-{number:04}" for number in range(20)]
    for number, code in enumerate(codes):
        key = responses.dossier_key(code)
        responses.ask(key, SERVICE, ABOUT, NOW)
        responses.save(key, INSTRUMENT, {"overall": number % 3}, ABOUT, NOW + dt.timedelta(minutes=number))
    responses.sweep(TOO_LATE + dt.timedelta(hours=1))
    with engine.connect() as connection:
        tickets = [dict(row) for row in connection.execute(sa.text("select * from survey_ticket")).mappings()]
        answers = [dict(row) for row in connection.execute(sa.text("select * from survey_response")).mappings()]
    told = {(t["instrument"], t["state"]) for t in tickets}
    others = {name for t in tickets for name, value in t.items() if value is not None} - {
        "key",
        "instrument",
        "state",
        "reminded",
    }
    assert told == {("service", "complete")}
    assert others == set(), "a ticket says nothing else"
    keys = {t["key"] for t in tickets}
    assert keys == {responses.dossier_key(code) for code in codes}
    everything = json.dumps(answers, default=str)
    assert not any(key in everything for key in keys)
    assert not any(code in everything for code in codes)
    assert {a["day"] if isinstance(a["day"], str) else str(a["day"]) for a in answers} == {"2026-11-20"}
    assert not any(isinstance(value, dt.datetime) for a in answers for value in a.values()), "no hour is kept"
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection, pytest.raises(sa.exc.OperationalError, match="rowid"):
            connection.execute(sa.text("select rowid from survey_response"))
    assert len({a["id"] for a in answers}) == 20


STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 40), st.integers(0, 2), st.booleans(), st.booleans()), max_size=25
)


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_comes_twice_or_late_there_is_one_response_a_key(databases, steps) -> None:  # type: ignore[no-untyped-def]
    """The model: the first answer opens a day in which others replace it."""
    from knowledge.database import connect

    engine = connect(emptied(databases("sqlite")))
    responses = Responses(engine, KEY)
    expected: dict[int, tuple[dt.datetime, int]] = {}
    now = NOW
    for who, hours, value, twice, sweeps in steps:
        now += dt.timedelta(hours=hours)
        if sweeps:
            responses.sweep(now)
        for _ in range(1 + twice):
            saved = responses.save(responses.token_key(str(who)), INSTRUMENT, {"overall": value}, ABOUT, now)
            if who not in expected:
                assert saved is Saved.RECORDED
                expected[who] = (now + dt.timedelta(days=1), value)
            elif now < expected[who][0]:
                assert saved is Saved.EDITED
                expected[who] = (expected[who][0], value)
            else:
                assert saved is Saved.CLOSED
    kept = responses.within(dt.date(2026, 1, 1), dt.date(2030, 1, 1))
    assert sorted(r.answers["overall"] for r in kept) == sorted(value for _, value in expected.values())
    engine.dispose()
