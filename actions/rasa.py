"""The action endpoint: Rasa asks, ``actions`` answer, in the Rasa SDK's protocol.

Served from the app's own process by the SDK's executor, so there is no separate action server.
"""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import AllSlotsReset
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher

from actions.dossiers.rasa import dossier_actions
from actions.dossiers.talk import DossierTalk
from actions.procedures import ProcedureTalk
from actions.replies import Reply
from actions.tracked import procedure_answer
from knowledge.settings import Settings


class AnswerAction(Action):
    """``action_answer``: everything about procedures."""

    def __init__(self, talk: ProcedureTalk) -> None:
        self._talk = talk

    def name(self) -> str:
        return "action_answer"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        reply, events = await procedure_answer(self._talk, tracker)
        dispatcher.utter_message(json_message=reply.model_dump(exclude_none=True))
        return events


class FixedAction(Action):
    """An action that always says the same and remembers nothing."""

    def __init__(self, name: str, reply: Reply, *, forget: bool = False) -> None:
        self._name, self._reply, self._forget = name, reply, forget

    def name(self) -> str:
        return self._name

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        dispatcher.utter_message(json_message=self._reply.model_dump(exclude_none=True))
        return [AllSlotsReset()] if self._forget else []


def executor(talk: ProcedureTalk, dossiers: DossierTalk, settings: Settings) -> ActionExecutor:
    """The SDK's executor with all of motcua's actions."""
    out = ActionExecutor()
    for action in (AnswerAction(talk), *dossier_actions(dossiers, talk), *_fixed(settings)):
        out.register_action(action)
    return out


def _fixed(settings: Settings) -> list[FixedAction]:
    person = f"gọi {settings.hotline}" if settings.hotline else f"đến hoặc gọi {settings.office}"
    portal = settings.portal_url
    return [
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
