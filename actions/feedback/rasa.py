"""The actions of surveys and petitions: what Rasa's rules call."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.dossiers.dossier import State
from actions.feedback import moments
from actions.feedback.aside import says_something
from actions.feedback.instruments import ANSWER, POLL, SERVICE
from actions.feedback.talk import FeedbackTalk, Talked
from actions.replies import Reply
from knowledge.text import fold, normalize

_RATED_BY_THE_PAGE = {"web"}
"""Channels whose page has buttons under every answer, so that nobody is asked in between."""
_OVER = (State.FINISHED, State.RETURNED)
_PETITION = re.compile(r"\b(?:phan anh|kien nghi)\b")
_SURVEY = re.compile(r"\b(?:khao sat|phieu|danh gia|cham diem|\d+ (?:sao|diem))\b")


class _FeedbackAction(Action):
    """An action made of one function, which gives what to say, or None to say nothing."""

    def __init__(self, name: str, run: Callable[[Tracker], Awaitable[Reply | None]]) -> None:
        self._name, self._run = name, run

    def name(self) -> str:
        return self._name

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        if reply := await self._run(tracker):
            dispatcher.utter_message(json_message=reply.model_dump(exclude_none=True))
        return []


def feedback_actions(feedback: FeedbackTalk) -> Sequence[Action]:
    """All of them."""
    does = _Does(feedback)
    named = {
        "action_ask_feedback": does.ask,
        "action_survey": does.survey,
        "action_feedback": does.feedback,
        "action_petition": does.petition,
        "action_petition_status": does.petition_status,
    }
    return [_FeedbackAction(name, run) for name, run in named.items()]


async def rating_after(feedback: FeedbackTalk, tracker: Tracker, reply: Reply) -> Reply | None:
    """The question whether an answer helped, where it is time for it after ``reply``."""
    if tracker.active_loop.get("name") or channel_of(tracker) in _RATED_BY_THE_PAGE:
        return None
    said = moments.turns(tracker.events)
    if said:
        said[-1].append(reply.status)
    if not moments.after_answer(said):
        return None
    typed = (tracker.latest_message or {}).get("text") or ""
    question = None if typed.startswith("/") else typed
    return await feedback.offer(replace(_talked(tracker, reply.procedure_code), question=question), ANSWER)


class _Does:
    """What each action does with the tracker."""

    def __init__(self, feedback: FeedbackTalk) -> None:
        self._feedback = feedback

    async def ask(self, tracker: Tracker) -> Reply | None:
        """After thanks, a goodbye, or a dossier's state: ask how it was, if this is the moment."""
        said = moments.turns(tracker.events)
        talked = _talked(tracker)
        if said and said[-1] == ["dossier_found"]:
            return await self._feedback.offer(talked, SERVICE) if talked.dossier_code else None
        return await self._feedback.offer(talked, ANSWER) if moments.at_leaving(said) else None

    async def survey(self, tracker: Tracker) -> Reply:
        """An answer, which waits in the vault, or the wish to begin; what is said to an answer goes past Rasa."""
        if _intent(tracker) == "start_survey":
            return await self._feedback.start(_talked(tracker), _entity(tracker, "survey") or POLL)
        return await self._feedback.hide(tracker.sender_id, await self._feedback.go_on(tracker.sender_id))

    async def feedback(self, tracker: Tracker) -> Reply:
        """Praise, a complaint, or the wish to give an opinion."""
        match _intent(tracker):
            case "praise":
                return self._feedback.praised()
            case "complain" if not self._wants_petition(tracker):
                return self._feedback.sorry()
        talked = _talked(tracker)
        if self._wants_petition(tracker):
            return await self._feedback.start_petition(talked)
        text = (tracker.latest_message or {}).get("text") or ""
        wants_survey = _SURVEY.search(fold(normalize(text))) is not None
        if not wants_survey and not text.startswith("/") and says_something(text):
            return await self._feedback.note(talked, text)
        if wants_survey or talked.dossier_code:
            return await self._feedback.start(talked, SERVICE if talked.dossier_code else POLL)
        await self._feedback.start(talked, POLL, words_only=True)
        return self._feedback.open_words()

    @staticmethod
    def _wants_petition(tracker: Tracker) -> bool:
        """Whether somebody says that they want to petition, and not yet about what."""
        text = (tracker.latest_message or {}).get("text") or ""
        return _PETITION.search(fold(normalize(text))) is not None and not says_something(text)

    async def petition(self, tracker: Tracker) -> Reply:
        return await self._feedback.start_petition(_talked(tracker))

    async def petition_status(self, tracker: Tracker) -> Reply:
        """The state of a petition; its number and what is said of it go past Rasa."""
        reply = await self._feedback.petition_status(_talked(tracker))
        return await self._feedback.hide(tracker.sender_id, reply)


def _talked(tracker: Tracker, procedure_code: str | None = None) -> Talked:
    """Who is asked; with the dossier only where its state was told as finished to who proved the right to know it."""
    return Talked(
        conversation=tracker.sender_id,
        channel=channel_of(tracker),
        procedure_code=procedure_code or tracker.get_slot("procedure_code"),
        dossier_code=tracker.get_slot("dossier_proved") if _is_over(tracker.get_slot("dossier_seen")) else None,
        question=moments.last_question(tracker.events),
    )


def _is_over(seen: str | None) -> bool:
    return bool(seen) and json.loads(seen).get("state") in _OVER


def _intent(tracker: Tracker) -> str:
    return ((tracker.latest_message or {}).get("intent") or {}).get("name") or ""


def _entity(tracker: Tracker, name: str) -> str | None:
    found = [e["value"] for e in (tracker.latest_message or {}).get("entities") or [] if e.get("entity") == name]
    return str(found[-1]) if found else None


def channel_of(tracker: Tracker) -> str:
    """The channel that the latest message came through, as the app names it."""
    return ((tracker.latest_message or {}).get("metadata") or {}).get("channel") or "web"
