"""The web channel's API, with the real inbox, path and transcript."""

from __future__ import annotations

import datetime as dt
import time

import httpx
import pytest
from fastapi import FastAPI

from tests.connectors.web.conftest import PORTAL, Visitor


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


# -- sessions and tokens ------------------------------------------------------------------------


def test_a_session_has_what_a_page_shows_first(visitor: Visitor) -> None:
    assert {"session", "token", "expires_in_s", "greeting", "consent_text", "help_phone"} == set(visitor.opened)
    assert "trợ lý máy" in visitor.opened["greeting"]["text"]
    assert "30 ngày" in visitor.opened["consent_text"]
    assert visitor.opened["help_phone"] == "1022"


def test_a_message_is_answered_by_the_call_itself(visitor: Visitor) -> None:
    body = visitor.say("xin chào", wait=True).json()
    assert body["session"] == visitor.session
    assert [message["text"] for message in body["messages"]] == ["Tôi nghe: xin chào"]


def test_a_program_needs_the_session_alone(visitor: Visitor) -> None:
    response = visitor.http.post("/messages", json={"session": visitor.session, "text": "xin chào"})
    assert response.json()["messages"][0]["text"] == "Tôi nghe: xin chào"
    assert code_of(visitor.http.post("/messages", json={"text": "xin chào"})) == (401, "token_missing")


def test_a_page_of_another_site_needs_the_token(visitor: Visitor) -> None:
    body = {"session": visitor.session, "text": "xin chào"}
    refused = visitor.http.post("/messages", json=body, headers={"Origin": PORTAL})
    assert code_of(refused) == (401, "token_missing")
    taken = visitor.http.post("/messages", json=body, headers=visitor.signed | {"Origin": PORTAL})
    assert taken.status_code == 200


def test_everybody_can_be_made_to_show_the_token(
    app: FastAPI, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state.settings, "web_require_token", "always")
    body = {"session": visitor.session, "text": "xin chào"}
    assert code_of(visitor.http.post("/messages", json=body)) == (401, "token_missing")
    assert visitor.say("xin chào", wait=True).status_code == 200


def test_a_token_speaks_for_its_own_session_only(base: str, visitor: Visitor) -> None:
    other = Visitor(base)
    assert code_of(visitor.say("xin chào", session=other.session)) == (403, "session_mismatch")
    visitor.say("của riêng tôi", wait=True)
    assert other.history() == []


@pytest.mark.parametrize("path", ["/history", "/events"])
def test_what_was_said_needs_the_token_even_from_our_own_pages(visitor: Visitor, path: str) -> None:
    assert code_of(visitor.http.get(path)) == (401, "token_missing")
    assert code_of(visitor.http.get(path, headers={"Authorization": "Bearer forged"})) == (401, "token_invalid")


def test_an_expired_token_is_renewed(app: FastAPI, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor.say("xin chào", wait=True)
    monkeypatch.setattr(app.state.web.sessions, "token_s", -1)
    assert code_of(visitor.http.get("/history", headers=visitor.signed)) == (401, "token_expired")
    assert code_of(visitor.say("xin chào")) == (401, "token_expired")
    renewed = visitor.http.post("/sessions/renew", headers=visitor.signed).json()
    monkeypatch.undo()
    assert renewed["session"] == visitor.session
    visitor.signed = {"Authorization": f"Bearer {renewed['token']}"}
    assert len(visitor.history()) == 2
    assert code_of(visitor.http.post("/sessions/renew")) == (401, "token_missing")
    forged = visitor.http.post("/sessions/renew", headers={"Authorization": "Bearer forged"})
    assert code_of(forged) == (401, "token_invalid")


def test_ending_a_session_erases_what_was_said(visitor: Visitor) -> None:
    visitor.say("xin chào", wait=True)
    assert visitor.http.post("/sessions/end", headers=visitor.signed).status_code == 204
    assert visitor.history() == []


# -- messages -----------------------------------------------------------------------------------


def test_a_message_sent_again_is_the_same_message(app: FastAPI, visitor: Visitor) -> None:
    before = app.state.script.turns
    answers = [visitor.say("xin chào", wait=True, client_msg_id="m-1").json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert app.state.script.turns == before + 1
    assert len(visitor.history()) == 2
    visitor.say("xin chào", wait=True, client_msg_id="m-2")
    assert app.state.script.turns == before + 2


def test_one_message_id_in_two_conversations_is_two_messages(base: str, visitor: Visitor) -> None:
    assert visitor.say("một", wait=True, client_msg_id="m").json()["messages"][0]["text"] == "Tôi nghe: một"
    assert Visitor(base).say("hai", wait=True, client_msg_id="m").json()["messages"][0]["text"] == "Tôi nghe: hai"


def test_without_waiting_the_answer_comes_as_an_event(visitor: Visitor) -> None:
    response = visitor.say("xin chào")
    assert (response.status_code, response.json()) == (202, {"session": visitor.session, "with_person": False})
    events = visitor.poll()
    assert [event["who"] for event in events] == ["citizen", "bot"]
    assert events[0]["text"] == "xin chào"
    assert events[1]["reply"]["text"] == "Tôi nghe: xin chào"
    assert dt.datetime.fromisoformat(events[0]["at"]).utcoffset() == dt.timedelta(hours=7)


def test_personal_numbers_do_not_come_back(visitor: Visitor) -> None:
    visitor.say("số căn cước của tôi là 079203001234", wait=True)
    assert "079203001234" not in str(visitor.history()[0])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": "x" * 20_001},
        {"text": "x", "session": "079203001234"},
        {"text": "x", "client_msg_id": "a b"},
        {"text": 5},
        {"text": "x", "wait": "maybe"},
    ],
)
def test_bad_messages_get_the_one_error_shape(visitor: Visitor, body: dict[str, object]) -> None:
    response = visitor.http.post("/messages", json=body, headers=visitor.signed)
    assert code_of(response) == (422, "invalid_input")
    assert "079203001234" not in response.text


# -- events -------------------------------------------------------------------------------------


def ids(visitor: Visitor, count: int, after: int = 0) -> list[int]:
    """The ids of the next events of the stream."""
    found: list[int] = []
    for line in visitor.lines(after):
        if line.startswith("id: "):
            found.append(int(line[4:]))
            if len(found) == count:
                break
    return found


def test_a_stream_begins_with_a_sign_of_life(visitor: Visitor) -> None:
    lines = visitor.lines()
    assert [next(lines) for _ in range(2)] == ["event: ready", "data: {}"]


def test_a_stream_goes_on_after_the_last_event_without_loss_or_doubling(visitor: Visitor) -> None:
    for number in range(3):
        visitor.say(f"tin {number}", wait=True)
    everything = [event["id"] for event in visitor.history()]
    assert len(everything) == 6
    first = ids(visitor, 2)
    second = ids(visitor, 3, after=first[-1])
    visitor.say("tin cuối", wait=True)
    third = ids(visitor, 3, after=second[-1])
    assert first + second + third == [event["id"] for event in visitor.history()]


def test_news_comes_while_the_stream_is_open(visitor: Visitor) -> None:
    lines = visitor.lines()
    next(lines)
    started = time.monotonic()
    visitor.say("xin chào")
    assert any("Tôi nghe: xin chào" in line for line in lines)
    assert time.monotonic() - started < 3


def test_a_long_poll_waits_for_news(app: FastAPI, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor.say("xin chào", wait=True)
    last = visitor.history()[-1]["id"]
    monkeypatch.setattr(app.state.script, "delay_s", 0.7)
    started = time.monotonic()
    visitor.say("mấy giờ rồi")
    assert [event["who"] for event in visitor.poll(last)] == ["citizen", "bot"]
    assert 0.6 < time.monotonic() - started < 4


def test_a_long_poll_without_news_ends_with_nothing(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.web.routes.POLL_S", 0.2)
    assert visitor.poll() == []


def test_what_another_process_writes_comes_here_too(on_database) -> None:  # type: ignore[no-untyped-def]
    here, there = Visitor(on_database()), on_database()
    lines = here.lines()
    next(lines)
    answered = httpx.post(f"{there}/api/v1/web/messages", json={"text": "xin chào"}, headers=here.signed)
    assert answered.json()["messages"][0]["text"] == "Tôi nghe: xin chào"
    assert any("Tôi nghe: xin chào" in line for line in lines)


# -- people and ratings -------------------------------------------------------------------------


def test_asking_for_a_person_makes_a_request_and_is_answered(app: FastAPI, visitor: Visitor) -> None:
    reply = visitor.http.post("/handoff", headers=visitor.signed).json()["reply"]
    assert reply["status"] == "handoff"
    assert [event["reply"]["text"] for event in visitor.history()] == [reply["text"]]
    assert any(one.conversation == f"web:{visitor.session}" for one in app.state.handoffs.queue())


def test_while_a_person_has_the_conversation_the_bot_is_silent(app: FastAPI, visitor: Visitor) -> None:
    conversation = f"web:{visitor.session}"
    visitor.http.post("/handoff", headers=visitor.signed)
    assert app.state.handoffs.claim(conversation, "lan")
    assert visitor.say("tôi cần gặp cán bộ").json()["with_person"]
    assert visitor.say("có ai không", wait=True).json()["messages"] == []
    assert app.state.handoffs.reply_as_staff(conversation, "Tôi đây ạ.", "lan")
    staff = next(event for event in visitor.poll() if event["who"] == "staff")
    assert staff["reply"]["text"] == "Tôi đây ạ."


def test_an_answer_can_be_rated_by_who_got_it(app: FastAPI, base: str, visitor: Visitor) -> None:
    visitor.say("khai sinh", wait=True)
    question, answer = visitor.history()
    rating = {"message_id": answer["id"], "rating": "not_useful", "reasons": ["incomplete"], "comment": "thiếu"}
    assert visitor.http.post("/feedback", json=rating, headers=visitor.signed).status_code == 204
    taken = app.state.feedback.taken[-1]
    assert taken["procedure_code"] == "1.001193"
    assert taken["question"] == "khai sinh", "for the review list"
    assert (taken["useful"], taken["reasons"], taken["comment"]) == (False, ["incomplete"], "thiếu")
    other = Visitor(base)
    for bad in (
        visitor.http.post("/feedback", json=rating | {"message_id": question["id"]}, headers=visitor.signed),
        other.http.post("/feedback", json=rating, headers=other.signed),
    ):
        assert code_of(bad) == (404, "no_such_answer")
    for wrong in ({"rating": "good"}, {"reasons": ["ugly"]}, {"message_id": 0}):
        bad = visitor.http.post("/feedback", json=rating | wrong, headers=visitor.signed)
        assert code_of(bad) == (422, "invalid_input")
