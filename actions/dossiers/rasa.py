"""The actions of the dossier form: what it asks for, what it does with the answer, how it is left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.dossiers.changes import Seen
from actions.dossiers.reading import vietnam_now
from actions.dossiers.talk import DossierTalk
from actions.procedures import ProcedureTalk
from actions.replies import Reply
from actions.tracked import procedure_answer
from knowledge.search.decision import Decision

Events = list[dict[str, Any]]
_Run = Callable[[Tracker], Awaitable[tuple[Reply, Events]]]


class _SayingAction(Action):
    """An action made of one function: what to say and which events follow."""

    def __init__(self, name: str, run: _Run) -> None:
        self._name, self._run = name, run

    def name(self) -> str:
        return self._name

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        reply, events = await self._run(tracker)
        dispatcher.utter_message(json_message=reply.model_dump(exclude_none=True))
        return events


class ValidateDossierForm(FormValidationAction):
    """What the form needs: a code, and digits unless this talk has proved the right to know that dossier."""

    def name(self) -> str:
        return "validate_dossier_form"

    async def required_slots(
        self, domain_slots: list[str], dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[str]:
        return [slot for slot in domain_slots if slot != "dossier_proof"] if _proved(tracker) else domain_slots


def dossier_actions(dossiers: DossierTalk, procedures: ProcedureTalk) -> Sequence[Action]:
    """All of them."""
    does = _Does(dossiers, procedures)
    named = {
        "action_ask_dossier_code": does.ask_code,
        "action_ask_dossier_proof": does.ask_proof,
        "action_dossier_status": does.tell,
        "action_dossier_cancel": does.cancel,
        "action_dossier_help": does.help_or_answer,
        "action_watch_dossier": does.offer_news,
        "action_watch_consent": does.start_news,
        "action_unwatch_dossier": does.stop_news,
    }
    return [ValidateDossierForm(), *(_SayingAction(name, run) for name, run in named.items())]


class _Does:
    """What each action does with the tracker."""

    def __init__(self, dossiers: DossierTalk, procedures: ProcedureTalk) -> None:
        self._dossiers, self._procedures = dossiers, procedures

    async def ask_code(self, _tracker: Tracker) -> tuple[Reply, Events]:
        return self._dossiers.ask_code(), []

    async def ask_proof(self, tracker: Tracker) -> tuple[Reply, Events]:
        return await self._dossiers.ask_proof(tracker.sender_id, tracker.get_slot("dossier_code") or ""), []

    async def tell(self, tracker: Tracker) -> tuple[Reply, Events]:
        code = tracker.get_slot("dossier_code")
        reply, dossier = await self._dossiers.tell(code, tracker.sender_id, proved=_proved(tracker))
        events = [SlotSet("dossier_proof", None)]
        if dossier:
            events.append(SlotSet("dossier_proved", code))
            events.append(SlotSet("dossier_seen", json.dumps(Seen.of(dossier, vietnam_now()).to_json())))
            if dossier.procedure_code:  # "lệ phí bao nhiêu" is now about this dossier's procedure
                events.append(SlotSet("procedure_code", dossier.procedure_code))
        return reply, events

    async def cancel(self, _tracker: Tracker) -> tuple[Reply, Events]:
        return self._dossiers.cancelled(), [SlotSet("dossier_code", None), SlotSet("dossier_proof", None)]

    async def help_or_answer(self, tracker: Tracker) -> tuple[Reply, Events]:
        """A message that the classifier does not know: a question after all, or a slip in the code?"""
        text = (tracker.latest_message or {}).get("text") or ""
        found = await asyncio.to_thread(self._procedures.engine.search, text)
        if found.decision is not Decision.ANSWER:
            return self._dossiers.help(), []
        return await procedure_answer(self._procedures, tracker)

    async def offer_news(self, tracker: Tracker) -> tuple[Reply, Events]:
        return self._dossiers.offer_news(tracker.get_slot("dossier_code"), proved=_proved(tracker)), []

    async def start_news(self, tracker: Tracker) -> tuple[Reply, Events]:
        code, seen = tracker.get_slot("dossier_code"), tracker.get_slot("dossier_seen")
        if not code or not seen or not _proved(tracker):
            return self._dossiers.offer_news(None, proved=False), []
        seen = Seen.from_json(json.loads(seen))
        return await self._dossiers.start_news(code, seen, _channel(tracker), _recipient(tracker)), []

    async def stop_news(self, tracker: Tracker) -> tuple[Reply, Events]:
        return await self._dossiers.stop_news(_channel(tracker), _recipient(tracker)), []


def _proved(tracker: Tracker) -> bool:
    """Whether this talk has proved the right to know the dossier that it is about."""
    code = tracker.get_slot("dossier_code")
    return code is not None and code == tracker.get_slot("dossier_proved")


def _channel(tracker: Tracker) -> str:
    """The channel that the latest message came through, as the app names it."""
    return ((tracker.latest_message or {}).get("metadata") or {}).get("channel") or "web"


def _recipient(tracker: Tracker) -> str:
    """Whom to write to, in the channel's own words: a conversation's id is ``channel:recipient``."""
    return str(tracker.sender_id).removeprefix(f"{_channel(tracker)}:")
