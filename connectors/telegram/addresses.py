"""Whom a conversation is with: a person alone, or one person in a group."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

Id = Annotated[int, Field(ge=-(2**53), le=2**53)]
"""An id of Telegram's: at most 52 bits."""

_SENDER = re.compile(r"(-?[0-9]{1,16})(?:\.([0-9]{1,16}))?", re.ASCII)


@dataclass(frozen=True, config=ConfigDict(strict=True))
class Address:
    """A chat, and in a group the person, so that people's talks in one group do not mix.

    Written as the sender of a conversation it is ``42`` for a private chat and ``-100123.42`` for a group.
    """

    chat_id: Id
    user_id: Id | None = None

    @property
    def in_group(self) -> bool:
        return self.user_id is not None

    @property
    def sender(self) -> str:
        return f"{self.chat_id}.{self.user_id}" if self.in_group else str(self.chat_id)

    @classmethod
    def of(cls, sender: str) -> Address:
        """Read a sender.

        Raises:
            ValueError: it is none of ours.
        """
        found = _SENDER.fullmatch(sender)
        if not found:
            raise ValueError("no sender of Telegram")
        chat, user = found.groups()
        return cls(int(chat), int(user) if user else None)
