"""The neutral message: what every channel turns its own messages into, and out of.

A channel is one class with four things: its name, how a reply is cut into what one call of its API carries, how such a
part is sent, and how it shows that an answer is being prepared.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from actions.replies import Reply

_SENTENCE_END = re.compile(r"(?<=[.!?…:;])\s+|\n")


@dataclass(frozen=True)
class Incoming:
    """A citizen's message, verified and understood by its channel.

    ``sender`` is whom to answer, in the channel's own words; ``dedupe_key`` is unique within the channel, so that a message
    that is delivered twice is answered once; ``text`` is what was typed, or the payload of the option that was tapped.
    """

    channel: str
    sender: str = field(repr=False)
    dedupe_key: str
    text: str = field(repr=False)
    address: str | None = field(default=None, repr=False)

    @property
    def conversation(self) -> str:
        """The conversation's id everywhere else, Rasa included."""
        return conversation_id(self.channel, self.sender)


def conversation_id(channel: str, sender: str) -> str:
    return f"{channel}:{sender}"


def sender_of(conversation: str) -> str:
    """The channel's own id of whom a conversation is with."""
    return conversation.partition(":")[2]


@dataclass(frozen=True)
class Outgoing:
    """A part of a reply to send now, for the ``attempt``-th time; ``dedupe_key`` is the same each time."""

    id: int
    channel: str
    recipient: str = field(repr=False)
    reply: Reply = field(repr=False)
    dedupe_key: str
    attempt: int


class SendError(Exception):
    """A channel did not take a message. ``reason`` is for operators and holds nothing of message or recipient.

    ``retry_after_s``: seconds after which it may be tried again; None where that is no use, 0 to leave it to us.
    """

    def __init__(self, reason: str, retry_after_s: int | None = 0) -> None:
        super().__init__(reason)
        self.reason, self.retry_after_s = reason, retry_after_s


class Channel(Protocol):
    """A way to people.

    A channel may also have ``start()`` and ``async close()`` for its connection's life, ``erase(sender) -> int`` for what it
    keeps of somebody itself, and ``async arrived(message) -> bool | None`` to tell whether a part reached its recipient.
    """

    name: str

    def parts(self, reply: Reply) -> list[Reply]:
        """The reply cut into what one call of the channel's API carries, in order; options stay on the last."""
        ...

    async def send(self, message: Outgoing) -> None:
        """Hand one part to the channel.

        Raises:
            SendError: it did not take it.
        """
        ...

    async def preparing(self, sender: str) -> None:
        """Show that an answer is being prepared, where the channel can; never raises."""
        ...


def split(text: str, limit: int, length: Callable[[str], int] = len) -> list[str]:
    """A text in pieces of at most ``limit``, counted by ``length``; cut after lines and sentences, else at spaces.

    Raises:
        ValueError: ``limit`` is not positive.
    """
    if limit < 1:
        raise ValueError("a limit must be positive")
    pieces: list[str] = []
    rest = text.strip()
    while length(rest) > limit:
        head = _longest_head(rest, limit, length)
        cut = _cut(head, rest[len(head) :])
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest or not pieces else pieces


def _longest_head(text: str, limit: int, length: Callable[[str], int]) -> str:
    low, high = 1, len(text)
    while low < high:  # the longest prefix that still fits; one character always goes through, so that it ends
        middle = (low + high + 1) // 2
        low, high = (middle, high) if length(text[:middle]) <= limit else (low, middle - 1)
    return text[:low]


def _cut(head: str, after: str) -> int:
    """Where to cut: after the last line or sentence in the second half of ``head``, else at a space, else at its end."""
    if after[:1] == "\n":
        return len(head)
    ends = [match.end() for match in _SENTENCE_END.finditer(head)]
    lines = [position + 1 for position, character in enumerate(head) if character == "\n"]
    spaces = [position + 1 for position, character in enumerate(head + after[:1]) if character.isspace()]
    for places, least in ((lines, len(head) // 2), (ends, len(head) // 2), (spaces, 0)):
        if places and places[-1] > least:
            return min(places[-1], len(head))
    return len(head)
