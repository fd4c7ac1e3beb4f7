"""The guard around a turn, with a Rasa that answers, fails or is away."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.dossiers.registry import Registry
from actions.dossiers.routing import Dossiers
from actions.dossiers.talk import DossierTalk
from actions.dossiers.tries import DatabaseStore, Tries
from actions.dossiers.vault import MemoryVault
from actions.dossiers.watching import Watches
from actions.procedures import ProcedureTalk
from actions.replies import Reply
from actions.secret_key import installation_key
from actions.turns import Turn, TurnLog
from connectors.conversation import Conversations
from connectors.limits import Limits, MemoryStore
from connectors.outbox import Outbox
from connectors.rasa_client import RasaUnavailableError
from knowledge.settings import Settings


class Rasa:
    """Stands in for the network's far end: what was sent to it, and what it gives back."""

    def __init__(self, outcome: Exception | list[Reply] | None = None) -> None:
        self.outcome = outcome if outcome is not None else [Reply(text="đây", status="answered")]
        self.sent: list[str] = []
        self.running: set[str] = set()

    async def send(self, sender: str, text: str, channel: str = "web") -> list[Reply]:
        assert sender not in self.running, "two turns of one conversation at once"
        self.running.add(sender)
        await asyncio.sleep(0.01)
        self.running.discard(sender)
        self.sent.append(text)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def conversations(rasa: Rasa, talk: ProcedureTalk, settings: Settings, **changes: object) -> Conversations:
    changed = settings.model_copy(update=changes)
    turns = TurnLog(talk.catalogue.engine, settings.home)
    outbox, limits = Outbox(talk.catalogue.engine), Limits(MemoryStore(), installation_key(settings.home), changed)
    dossiers = dossier_talk(talk, settings)
    return Conversations(rasa, talk, dossiers, outbox, turns, limits=limits)  # type: ignore[arg-type]


def dossier_talk(talk: ProcedureTalk, settings: Settings) -> DossierTalk:
    """Dossiers in the built-in registry, which holds the sample."""
    engine, key = talk.catalogue.engine, installation_key(settings.home)
    registry = Registry(engine, key)
    tries, watches = Tries(DatabaseStore(engine), key), Watches(engine, Outbox(engine))
    return DossierTalk(Dossiers([registry]), tries, MemoryVault(), watches, talk.catalogue, settings)


def last_turn(talk: ProcedureTalk) -> Turn:
    with Session(talk.catalogue.engine) as session:
        return session.scalars(select(Turn).order_by(Turn.id.desc())).first()  # type: ignore[return-value]


async def test_a_turn_is_answered_and_its_status_stored(talk: ProcedureTalk, starter_settings: Settings) -> None:
    rasa = Rasa([Reply(text="x", status="not_published", procedure_code="1.001193", fields=["fee"])])
    (reply,) = await conversations(rasa, talk, starter_settings).handle("one", "lệ phí bao nhiêu", "web")
    assert reply.text == "x"
    turn = last_turn(talk)
    assert (turn.status, turn.procedure_code, turn.fields, turn.channel) == ("not_published", "1.001193", ["fee"], "web")
    assert turn.question == "lệ phí bao nhiêu"
    assert turn.conversation != "one"


async def test_identity_numbers_go_nowhere_and_the_user_is_told(talk: ProcedureTalk, starter_settings: Settings) -> None:
    rasa = Rasa([Reply(text="x", status="error")])
    both = await conversations(rasa, talk, starter_settings).handle("one", "cccd 079203001234 hết hạn đổi ở đâu", "web")
    assert both[0].status == "refused_personal_data"
    assert "079203001234" not in rasa.sent[0]
    assert "079203001234" not in (last_turn(talk).question or "")
    only = await conversations(rasa, talk, starter_settings).handle("two", "079203001234", "web")
    assert [reply.status for reply in only] == ["refused_personal_data"]
    assert len(rasa.sent) == 1


async def test_without_rasa_the_search_answers_and_says_so(talk: ProcedureTalk, starter_settings: Settings) -> None:
    chat = conversations(Rasa(RasaUnavailableError("away")), talk, starter_settings)
    (reply,) = await chat.handle("one", "con tôi mới sinh cần giấy tờ gì", "web")
    assert reply.procedure_code == "1.001193"
    assert "tra cứu nhanh" in reply.text
    (reply,) = await chat.handle("one", "thế lệ phí bao nhiêu", "web")
    assert (reply.procedure_code, reply.fields) == ("1.001193", ["fee"])
    (reply,) = await chat.handle("one", '/choose_option{"choice": "1.000656"}', "web")
    assert reply.procedure_code == "1.000656"
    (reply,) = await chat.handle("one", "/ask_time", "web")
    assert reply.fields == ["time"]


async def test_whatever_fails_the_user_gets_an_apology(talk: ProcedureTalk, starter_settings: Settings) -> None:
    (reply,) = await conversations(Rasa(ValueError("bug")), talk, starter_settings).handle("one", "khai sinh", "web")
    assert reply.status == "error"
    assert "sự cố" in reply.text


@pytest.mark.parametrize("text", ["", "   ", "\x00", "!!!", "😀"])
async def test_nothing_said_is_asked_about(text: str, talk: ProcedureTalk, starter_settings: Settings) -> None:
    rasa = Rasa()
    (reply,) = await conversations(rasa, talk, starter_settings).handle("one", text, "web")
    assert reply.status == "clarification"
    assert not rasa.sent


async def test_too_many_messages_are_slowed_down(talk: ProcedureTalk, starter_settings: Settings) -> None:
    chat = conversations(Rasa(), talk, starter_settings, rate_limit_per_minute=3)
    statuses = [(await chat.handle("one", "khai sinh", "web"))[0].status for _ in range(5)]
    assert statuses == ["answered"] * 3 + ["error"] * 2
    assert (await chat.handle("other", "khai sinh", "web"))[0].status == "answered"


async def test_turns_of_one_conversation_wait_for_each_other(talk: ProcedureTalk, starter_settings: Settings) -> None:
    rasa = Rasa()
    chat = conversations(rasa, talk, starter_settings)
    await asyncio.gather(*(chat.handle("one", f"câu {n}", "web") for n in range(8)), chat.handle("two", "khác", "web"))
    assert [text for text in rasa.sent if text != "khác"] == [f"câu {n}" for n in range(8)]


async def test_a_long_message_with_markup_is_cut_and_cleaned(talk: ProcedureTalk, starter_settings: Settings) -> None:
    rasa = Rasa()
    await conversations(rasa, talk, starter_settings).handle("one", "<b>khai sinh</b> " * 2_000, "web")
    assert len(rasa.sent[0]) <= 2_000
    assert "<" not in rasa.sent[0]


async def test_news_that_waits_comes_with_the_next_answer(talk: ProcedureTalk, starter_settings: Settings) -> None:
    outbox, there = Outbox(talk.catalogue.engine), conversations(Rasa(), talk, starter_settings)
    with talk.catalogue.engine.begin() as connection:
        reply, now = Reply(text="có tin", status="dossier_found"), dt.datetime(2026, 11, 24, 9)
        outbox.put(connection, channel="web", recipient="waiting", reply=reply, dedupe_key="w:1", now=now)
    assert [r.text for r in await there.handle("another", "xin chào", "web")] == ["đây"]
    assert [r.text for r in await there.handle("waiting", "xin chào", "web")] == ["có tin", "đây"]
    assert [r.text for r in await there.handle("waiting", "xin chào", "web")] == ["đây"]
