"""The action endpoint: Rasa asks, ``actions`` answer, in the Rasa SDK's protocol.

Served from the app's own process by the SDK's executor, so there is no separate action server.
"""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import AllSlotsReset
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher

from actions.dossiers.rasa import dossier_actions
from actions.dossiers.reading import vietnam_now
from actions.dossiers.talk import DossierTalk
from actions.feedback.rasa import feedback_actions, rating_after
from actions.feedback.talk import FeedbackTalk
from actions.handoff import handoff_reply
from actions.procedures import ProcedureTalk
from actions.replies import Reply
from actions.tracked import procedure_answer
from knowledge.settings import Settings


class AnswerAction(Action):
    """``action_answer``: everything about procedures, and from time to time whether the answer helped."""

    def __init__(self, talk: ProcedureTalk, feedback: FeedbackTalk) -> None:
        self._talk, self._feedback = talk, feedback

    def name(self) -> str:
        return "action_answer"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        reply, events = await procedure_answer(self._talk, tracker)
        dispatcher.utter_message(json_message=reply.model_dump(exclude_none=True))
        if rating := await rating_after(self._feedback, tracker, reply):
            dispatcher.utter_message(json_message=rating.model_dump(exclude_none=True))
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


class HandoffAction(Action):
    """``action_handoff``: what to expect of the wish for a person at this hour."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def name(self) -> str:
        return "action_handoff"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        reply = handoff_reply(self._settings, vietnam_now())
        dispatcher.utter_message(json_message=reply.model_dump(exclude_none=True))
        return []


def executor(
    talk: ProcedureTalk, dossiers: DossierTalk, feedback: FeedbackTalk, settings: Settings
) -> ActionExecutor:
    """The SDK's executor with all of motcua's actions."""
    out = ActionExecutor()
    actions = (AnswerAction(talk, feedback), HandoffAction(settings), _RESTART)
    for action in (*actions, *dossier_actions(dossiers, talk), *feedback_actions(feedback)):
        out.register_action(action)
    return out


_RESTART = FixedAction(
    "action_restart_talk",
    Reply(text="Mình bắt đầu lại nhé. Anh/chị cần làm việc gì ạ?", status="small_talk"),
    forget=True,
)
