"""A circuit breaker that spares a far end in trouble.

Our own, because none of the kept libraries fits (read on 24 November 2026). aiobreaker 1.2 (last release 2021) and
purgatory 3.0 let every waiting call through once the rest is over, while a far end that has just come back should get
one. aiobreaker does not see a cancelled call at all and stays half open after it, purgatory takes a citizen who leaves
for a failure of the system, and pybreaker's asynchronous calls need Tornado.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class Breaker:
    """Opens after ``threshold`` failures in a row, rests ``rest_s`` seconds, then lets one probe through.

    Every admitted call gets a ticket and reports with it. Reports of calls that were under way when the breaker opened
    are out of date, and change nothing.
    """

    def __init__(self, threshold: int = 5, rest_s: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._threshold, self._rest_s, self._clock = threshold, rest_s, clock
        self._failures = self._round = 0
        self._open = self._probing = False
        self._rest_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are held back now (apart from the probe)."""
        return self._open

    def admit(self) -> int | None:
        """A ticket for one call, or None when the far end is to be spared."""
        if not self._open:
            return self._round
        if self._probing or self._clock() < self._rest_until:
            return None
        self._probing = True
        return self._round

    def report(self, ticket: int, well: bool | None) -> bool:
        """How the call went; None when nobody can tell, because the asker left. True when this opens the breaker."""
        if ticket != self._round:
            return False
        if well is None:
            self._probing = False
        elif well:
            self._failures, self._open, self._probing = 0, False, False
        else:
            self._failures += 1
            if self._open or self._failures >= self._threshold:
                self._open, self._probing = True, False
                self._round += 1
                self._rest_until = self._clock() + self._rest_s
                return True
        return False
