"""When somebody is asked how it was: seldom, and only where a talk has come to a point.

The assistant's own replies, as Rasa keeps them with the talk, say where it stands; what is asked once a day or once per
dossier is remembered elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

EVERY = 4
"""Answered turns after which an answer may be rated without being asked at the end."""

ASKED = "asked"
"""Stands among statuses for a question of ours about how it was."""


def turns(events: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """The statuses of the replies to each message, in order, from a tracker's events."""
    out: list[list[str]] = []
    for event in events:
        if event.get("event") == "user":
            out.append([])
        elif event.get("event") == "bot" and out:
            custom = (event.get("data") or {}).get("custom") or {}
            if status := (ASKED if is_survey(custom.get("card")) else custom.get("status")):
                out[-1].append(status)
    return out


def last_question(events: Iterable[Mapping[str, Any]]) -> str | None:
    """The last message in a tracker's events that was typed and answered; None where there is none."""
    typed, answered = None, None
    for event in events:
        if event.get("event") == "user":
            text = event.get("text") or ""
            typed = None if text.startswith("/") else text
        elif event.get("event") == "bot" and typed:
            custom = (event.get("data") or {}).get("custom") or {}
            if custom.get("status") == "answered":
                answered = typed
    return answered


def is_survey(card: Any) -> bool:
    """Whether a reply's card says that the reply asks how it was."""
    return isinstance(card, Mapping) and card.get("kind") == "survey"


def after_answer(said: list[list[str]]) -> bool:
    """Whether the latest turn was answered and is the ``EVERY``-th since somebody was last asked."""
    if not said or said[-1] != ["answered"]:
        return False
    answered = 0
    for statuses in reversed(said):
        if ASKED in statuses:
            break
        answered += statuses == ["answered"]
    return answered >= EVERY


def at_leaving(said: list[list[str]]) -> bool:
    """Whether thanks or a goodbye, the latest turn, follows directly on an answer that nobody asked about yet."""
    return len(said) >= 2 and said[-2] == ["answered"]
