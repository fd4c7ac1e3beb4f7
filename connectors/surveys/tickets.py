"""What a survey page knows of its visitor: a sealed ticket in a hidden field and, after an answer, in a cookie.

The ticket makes sending twice one response and lets an answer be changed for a day. Nobody but this installation can read or
make one; it holds no dossier code and nothing of a person.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from actions.feedback.responses import EDIT_FOR
from actions.sealing import SealBrokenError, Sealer

COOKIE = "phieu"
LIVES_S = int(EDIT_FOR.total_seconds())


@dataclass(frozen=True)
class Ticket:
    """``key`` as :class:`~actions.feedback.responses.Responses` has it, ``thanks`` the words after an answer (empty before)."""

    instrument: str
    key: str
    unit: str = ""
    procedure_code: str = ""
    thanks: str = ""
    dossier: bool = False

    @property
    def answered(self) -> bool:
        return bool(self.thanks)


class Tickets:
    """Seals and opens tickets.

    Args:
        key: the installation's secret key.
        clock: seconds since 1970.
    """

    def __init__(self, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._sealer, self._clock = Sealer(key, "survey-ticket"), clock

    def seal(self, ticket: Ticket) -> str:
        return self._sealer.seal(json.dumps([int(self._clock()), dataclasses.astuple(ticket)]))

    def open(self, sealed: str | None, instrument: str) -> Ticket | None:
        """The ticket; None where it is none of this instrument, or older than a day."""
        if not sealed:
            return None
        try:
            made_at, values = json.loads(self._sealer.open(sealed))
        except (SealBrokenError, ValueError):
            return None
        ticket = Ticket(*values)
        if ticket.instrument != instrument or self._clock() - made_at > LIVES_S:
            return None
        return ticket
