"""How fast one chat is written to: a message a second, in a group 20 a minute.

Each process keeps its own pace; where several together are too fast, Telegram says so (429) and the outbox waits.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from aiolimiter import AsyncLimiter

LONGEST_WAIT_S = 5.0
"""Seconds that a message waits here for its turn; longer, it would keep others from being sent."""

_REMEMBERED = 2_000


class Pace:
    """Waits for a chat's turn."""

    def __init__(self) -> None:
        self._limiters: OrderedDict[int, list[AsyncLimiter]] = OrderedDict()

    async def wait(self, chat_id: int) -> bool:
        """Wait until a chat may be written to; False where that takes longer than :data:`LONGEST_WAIT_S`."""
        try:
            async with asyncio.timeout(LONGEST_WAIT_S):
                for limiter in self._of(chat_id):
                    await limiter.acquire()
        except TimeoutError:
            return False
        return True

    def _of(self, chat_id: int) -> list[AsyncLimiter]:
        found = self._limiters.pop(chat_id, None)
        if found is None:
            found = [AsyncLimiter(1, 1)]
            if chat_id < 0:
                # A leaky bucket lets through its size and, within the minute, what leaks: ten and ten.
                found.insert(0, AsyncLimiter(10, 60))
        self._limiters[chat_id] = found
        if len(self._limiters) > _REMEMBERED:
            self._limiters.popitem(last=False)
        return found
