"""Conversations that wait for a person: claimed by one, answered, given back; and answers sent to a caller's own chat."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from actions.dossiers.reading import vietnam_now
from actions.replies import Reply
from connectors.console.hotline import canned
from connectors.console.hotline.send_codes import VALID_MINUTES, SendCodes
from connectors.messages import Incoming
from connectors.staff.roles import Role
from tests.connectors.console.desk import BIRTH, VISITOR, wants_person
from tests.connectors.pathway import Rasa, messaging, run_until
from tests.signed_in import signed_in_client

API = "/api/v1/console/conversations"


def ref_of(client) -> str:  # type: ignore[no-untyped-def]
    return client.get(API).json()["conversations"][0]["ref"]


def test_the_queue_names_nobody_and_shows_the_last_lines(hotline: FastAPI) -> None:
    wants_person(hotline, VISITOR, "giấy tờ sao rồi", "cho tôi gặp cán bộ")
    answer = signed_in_client(hotline, Role.AGENT).get(API)
    assert "visitor" not in answer.text
    (one,) = answer.json()["conversations"]
    assert (one["channel"], one["state"], one["reason"]) == ("Trang web", "waiting", "Muốn gặp cán bộ")
    assert [line["text"] for line in one["last"]] == ["cho tôi gặp cán bộ", "Tôi đã chuyển tới cán bộ."]
    assert answer.json()["canned"]


def test_what_was_said_to_opinions_is_not_for_staff(hotline: FastAPI, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        thanks = Reply(text="Cảm ơn anh/chị đã chấm 1 điểm.", status="feedback_recorded")
        hotline.state.transcripts.append(connection, VISITOR, "bot", thanks)
    hotline.state.handoffs.request(VISITOR, "web", "asked for a person")
    client = signed_in_client(hotline, Role.AGENT)
    assert "1 điểm" not in client.get(API).text
    talk = client.get(f"{API}/{ref_of(client)}")
    assert len(talk.json()["lines"]) == 1
    assert "1 điểm" not in talk.text


def test_of_two_agents_who_claim_one_gets_it_and_the_reply_arrives(hotline: FastAPI) -> None:
    wants_person(hotline)
    clients = {name: signed_in_client(hotline, Role.AGENT, name) for name in ("lan", "minh")}
    ref = ref_of(clients["lan"])
    with ThreadPoolExecutor(2) as pool:
        statuses = dict(
            zip(clients, pool.map(lambda c: c.post(f"{API}/{ref}/claim").status_code, clients.values()), strict=True)
        )
    assert sorted(statuses.values()) == [200, 409]
    winner, loser = sorted(statuses, key=lambda name: statuses[name])
    assert clients[loser].post(f"{API}/{ref}/reply", json={"text": "tôi"}).status_code == 409
    assert clients[winner].post(f"{API}/{ref}/reply", json={"text": " Dạ, em\r\nnghe. "}).status_code == 200
    assert clients[winner].post(f"{API}/{ref}/reply", json={"text": " \x00"}).status_code == 422
    said = hotline.state.transcripts.recent(VISITOR)[-1]
    assert (said.who, said.text, said.member) == ("staff", "Dạ, em\nnghe.", winner)
    talk = clients[winner].get(f"{API}/{ref}", params={"after": said.id - 1}).json()
    assert [line["text"] for line in talk["lines"]] == ["Dạ, em\nnghe."]
    assert talk["conversation"]["mine"]
    assert clients[loser].post(f"{API}/{ref}/release").status_code == 409
    assert clients[winner].post(f"{API}/{ref}/release").status_code == 200
    assert hotline.state.handoffs.holder(VISITOR) is None


def test_closing_is_for_who_has_it_and_for_supervisors(hotline: FastAPI) -> None:
    wants_person(hotline)
    lan, boss = signed_in_client(hotline, Role.AGENT, "lan"), signed_in_client(hotline, Role.SUPERVISOR)
    ref = ref_of(lan)
    assert lan.post(f"{API}/{ref}/close").status_code == 409, "nobody has it"
    lan.post(f"{API}/{ref}/claim")
    assert signed_in_client(hotline, Role.AGENT, "minh").post(f"{API}/{ref}/close").status_code == 409
    assert boss.post(f"{API}/{ref}/release").status_code == 200
    assert boss.post(f"{API}/{ref}/close").status_code == 200
    assert lan.get(f"{API}/{ref}").status_code == 404


def test_a_contact_is_for_who_has_claimed_it_and_looking_is_noted(hotline: FastAPI) -> None:
    wants_person(hotline)
    hotline.state.handoffs.request(VISITOR, "web", "asked for a person", contact_wanted=True)
    assert hotline.state.handoffs.take_contact(VISITOR, "0912345678 anh Bình")
    lan, minh = (signed_in_client(hotline, Role.AGENT, name) for name in ("lan", "minh"))
    ref = ref_of(lan)
    assert lan.get(API).json()["conversations"][0]["has_contact"]
    assert lan.post(f"{API}/{ref}/contact").status_code == 409
    lan.post(f"{API}/{ref}/claim")
    assert minh.post(f"{API}/{ref}/contact").status_code == 409
    assert lan.post(f"{API}/{ref}/contact").json() == {"contact": "0912345678 anh Bình"}
    assert [entry.what for entry in hotline.state.staff.audit.entries(who="lan")] == [
        "contact_shown",
        "conversation_claimed",
    ]


def test_sentences_are_the_installations_own_where_it_has_them(tmp_path: Path) -> None:
    shipped = canned.load(tmp_path)
    assert shipped
    own = tmp_path / "console" / "canned_replies.yml"
    own.parent.mkdir()
    own.write_text("- {title: Chào, text: Xin chào ạ.}\n", encoding="utf-8")
    assert [one.text for one in canned.load(tmp_path)] == ["Xin chào ạ."]
    own.write_text("- just: wrong\n", encoding="utf-8")
    assert canned.load(tmp_path) == shipped


# -- answers to a caller's own chat -------------------------------------------------------------


@pytest.fixture
def codes(hotline: FastAPI) -> SendCodes:
    return hotline.state.send_codes


def typed(text: str, sender: str = "an") -> Incoming:
    return Incoming("zalo", sender, "k", text)


@pytest.mark.parametrize("words", ["nhận {}", "Nhan ma {}", "NHẬN {}.", "nhận câu trả lời {}"])
def test_the_digits_bring_the_answer_to_one_conversation(codes: SendCodes, words: str) -> None:
    digits = codes.make(BIRTH, None, "lan")
    told = codes.pick_up(typed(words.format(f"{digits[:3]} {digits[3:]}")))
    assert told and told.procedure_code == BIRTH
    assert "Giấy tờ cần chuẩn bị" in told.text and "Nguồn:" in told.text
    assert codes.pick_up(typed(words.format(digits))) == told, "answered anew after a crash"
    other = codes.pick_up(typed(words.format(digits), "binh"))
    assert other and other.status == "clarification"


def test_other_messages_are_left_to_the_bot(codes: SendCodes) -> None:
    for text in ("nhận", "nhận con nuôi", "123456", "nhận 12345", "nhận kết quả 123456 ở đâu", "mã 123456"):
        assert codes.pick_up(typed(text)) is None


def test_digits_are_over_after_a_while_and_kept_as_a_hash(codes: SendCodes, engine: sa.Engine) -> None:
    digits = codes.make(BIRTH, None, "lan", vietnam_now() - dt.timedelta(minutes=VALID_MINUTES + 1))
    told = codes.pick_up(typed(f"nhận {digits}"))
    assert told and told.status == "clarification"
    with engine.connect() as connection:
        assert digits not in str(connection.execute(sa.text("select code_key from hotline_send")).all())
    codes.make(BIRTH, None, "lan")
    with engine.connect() as connection:
        assert connection.execute(sa.text("select count(*) from hotline_send")).scalar_one() == 1


def test_sending_needs_a_procedure(hotline: FastAPI) -> None:
    client = signed_in_client(hotline, Role.AGENT)
    made = client.post("/api/v1/console/send", json={"procedure_code": BIRTH, "case": 1}).json()
    assert len(made["digits"]) == 6
    for code in ("9.999999", "\x00"):
        assert client.post("/api/v1/console/send", json={"procedure_code": code}).status_code == 404


async def test_the_answer_goes_the_way_of_every_message(hotline: FastAPI, engine: sa.Engine, tmp_path: Path) -> None:
    rasa = Rasa()
    parts = messaging(engine, tmp_path, rasa)
    parts.path.pick_up = hotline.state.send_codes.pick_up
    digits = hotline.state.send_codes.make(BIRTH, None, "lan")
    parts.inbox.put(Incoming("web", "visitor", "k1", f"nhận {digits}"))
    parts.inbox.put(Incoming("web", "visitor", "k2", "cảm ơn"))
    await run_until(parts, lambda: parts.inbox.counts()["done"] == 2)
    texts = [entry.text for entry in parts.transcripts.recent("web:visitor")]
    assert "Giấy tờ cần chuẩn bị" in texts[1]
    assert [text for _, text in rasa.heard] == ["cảm ơn"]
