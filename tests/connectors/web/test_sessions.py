"""Tokens of web sessions: signed, short-lived, renewable within a session's life, and nobody else's."""

from __future__ import annotations

import time

import pytest

from connectors.web.sessions import Session, Sessions, TokenError, TokenExpiredError

KEY = b"a key for tests, of 32 bytes ...!"


def test_a_token_gives_its_session_back() -> None:
    sessions = Sessions(KEY, 60, 3600)
    session = sessions.open()
    assert sessions.read(sessions.token(session)) == session
    assert len({sessions.open().id for _ in range(100)}) == 100


def test_another_process_of_the_installation_reads_it_and_another_installation_does_not() -> None:
    token = Sessions(KEY, 60, 3600).token(Session("s" * 32, int(time.time())))
    assert Sessions(KEY, 60, 3600).read(token).id == "s" * 32
    with pytest.raises(TokenError):
        Sessions(b"another installation's key ......", 60, 3600).read(token)


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: t + "x", lambda t: "x" + t, lambda t: "", lambda t: "é.b.c"]
)
def test_a_changed_token_is_refused(change) -> None:  # type: ignore[no-untyped-def]
    sessions = Sessions(KEY, 60, 3600)
    token = sessions.token(sessions.open())
    for reading in (sessions.read, sessions.renewable):
        with pytest.raises(TokenError) as refused:
            reading(change(token))
        assert not isinstance(refused.value, TokenExpiredError)


def test_an_old_token_is_renewed_until_its_session_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions(KEY, 60, 3600)
    session = sessions.open()
    token, start = sessions.token(session), time.time()
    monkeypatch.setattr(time, "time", lambda: start + 120)
    with pytest.raises(TokenExpiredError):
        sessions.read(token)
    assert sessions.renewable(token) == session
    renewed = sessions.token(session)
    assert sessions.read(renewed) == session
    monkeypatch.setattr(time, "time", lambda: start + 3700)
    for reading in (sessions.read, sessions.renewable):
        for known in (token, renewed):
            with pytest.raises(TokenError) as refused:
                reading(known)
            assert not isinstance(refused.value, TokenExpiredError), "there is nothing to renew"


def test_nothing_of_a_session_is_in_its_repr() -> None:
    session = Sessions(KEY, 60, 3600).open()
    assert session.id not in repr(session)
