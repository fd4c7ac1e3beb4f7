"""The action endpoint: Rasa asks, ``actions`` answer, in the Rasa SDK's protocol.

Served from the app's own process by the SDK's executor, so there is no separate action server.
"""

from __future__ import annotations

import asyncio
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import AllSlotsReset, SlotSet
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher

from actions.procedures import Message, ProcedureTalk, Talk
from actions.replies import Reply
from knowledge.settings import Settings

_SLOTS = ("procedure_code", "earlier", "fields", "options", "guess", "topic", "page")


class AnswerAction(Action):
    """``action_answer``: everything about procedures."""

    def __init__(self, talk: ProcedureTalk) -> None:
        self._talk = talk

    def name(self) -> str:
        return "action_answer"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        message, talk = _message(tracker), _talk(tracker)
        reply, after = await asyncio.to_thread(self._talk.respond, message, talk)
        dispatcher.utter_message(json_message=reply.model_dump(exclude_none=True))
        before = {name: tracker.get_slot(name) for name in _SLOTS}
        now = {name: getattr(after, name) for name in _SLOTS}
        return [SlotSet(name, value) for name, value in now.items() if value != before[name]]


class FixedAction(Action):
    """An action that always says the same and remembers nothing."""

    def __init__(self, name: str, reply: Reply, *, forget: bool = False) -> None:
        self._name, self._reply, self._forget = name, reply, forget

    def name(self) -> str:
        return self._name

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        dispatcher.utter_message(json_message=self._reply.model_dump(exclude_none=True))
        return [AllSlotsReset()] if self._forget else []


def executor(talk: ProcedureTalk, settings: Settings) -> ActionExecutor:
    """The SDK's executor with all of motcua's actions."""
    out = ActionExecutor()
    out.register_action(AnswerAction(talk))
    for action in _fixed(settings):
        out.register_action(action)
    return out


def _fixed(settings: Settings) -> list[FixedAction]:
    person = f"gọi {settings.hotline}" if settings.hotline else f"đến hoặc gọi {settings.office}"
    portal = settings.portal_url
    return [
        FixedAction(
            "action_dossier_status",
            Reply(
                text="Kênh này chưa nối với hệ thống một cửa nên chưa tra được hồ sơ. Anh/chị tra bằng mã in trên giấy tiếp "
                f"nhận tại {portal}, hoặc {person}.",
                status="dossier_unavailable",
            ),
        ),
        FixedAction(
            "action_feedback",
            Reply(
                text="Cảm ơn anh/chị muốn góp ý. Kênh chat này chưa ghi nhận góp ý; phản ánh, kiến nghị xin gửi tại "
                f"{portal} (mục Phản ánh kiến nghị) hoặc {person}.",
                status="handoff",
            ),
        ),
        FixedAction(
            "action_handoff",
            Reply(text=f"Anh/chị muốn gặp cán bộ: xin {person} trong giờ làm việc. Trong lúc chờ, anh/chị cứ hỏi tôi về giấy tờ, lệ phí, thời hạn.", status="handoff"),
        ),
        FixedAction(
            "action_restart_talk",
            Reply(text="Mình bắt đầu lại nhé. Anh/chị cần làm việc gì ạ?", status="small_talk"),
            forget=True,
        ),
    ]


def _message(tracker: Tracker) -> Message:
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


def _talk(tracker: Tracker) -> Talk:
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
