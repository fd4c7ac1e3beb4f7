"""Between Rasa's tracker and the talk about procedures: slots and entities in, slots out."""

from __future__ import annotations

import asyncio
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet

from actions.procedures import Message, ProcedureTalk, Talk
from actions.replies import Reply

_SLOTS = ("procedure_code", "earlier", "fields", "options", "guess", "topic", "page")


async def procedure_answer(talk: ProcedureTalk, tracker: Tracker) -> tuple[Reply, list[dict[str, Any]]]:
    """Answer the latest message from the catalogue; the events remember the talk in slots."""
    reply, after = await asyncio.to_thread(talk.respond, latest_message(tracker), talk_of(tracker))
    before = {name: tracker.get_slot(name) for name in _SLOTS}
    now = {name: getattr(after, name) for name in _SLOTS}
    return reply, [SlotSet(name, value) for name, value in now.items() if value != before[name]]


def latest_message(tracker: Tracker) -> Message:
    latest = tracker.latest_message or {}
    entities = latest.get("entities") or []
    value = {e.get("entity"): e.get("value") for e in reversed(entities)}
    text = latest.get("text") or ""
    return Message(
        text="" if text.startswith("/") else text,  # a tapped button: its intent and entities say it all
        intent=(latest.get("intent") or {}).get("name") or "",
        fields=list(dict.fromkeys(e["value"] for e in entities if e.get("entity") == "field")),
        choice=value.get("choice"),
        ordinal=int(value["ordinal"]) if "ordinal" in value else None,
    )


def talk_of(tracker: Tracker) -> Talk:
    slots = {name: tracker.get_slot(name) for name in _SLOTS}
    return Talk(
        procedure_code=slots["procedure_code"],
        earlier=list(slots["earlier"] or []),
        fields=list(slots["fields"] or []),
        options=list(slots["options"] or []),
        guess=slots["guess"],
        topic=slots["topic"] or "",
        page=int(slots["page"] or 1),
    )
