"""What all adapters to systems over HTTP share: whatever goes wrong becomes a result, and is told to operators."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import Counter
from pathlib import Path

import httpx

from actions.dossiers.adapters.config import SystemConfig
from actions.dossiers.adapters.coverage import Coverage
from actions.dossiers.adapters.far_end import FarEnd, FarEndBusyError, FarEndError, Limits
from actions.dossiers.adapters.reading import Reading
from actions.dossiers.dossier import Proof, RateLimited, Result, Unavailable

logger = logging.getLogger(__name__)


class RemoteAdapter(ABC):
    """An :class:`~actions.dossiers.dossier.Adapter` to one system over HTTP.

    Attributes:
        name: the system's short name, for logs.
        notes: what could not be read in answers so far, by kind and field, without values.
    """

    def __init__(
        self, config: SystemConfig, limits: Limits | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.name = config.name
        self.notes: Counter[str] = Counter()
        self._source = config.source
        self._coverage = Coverage(config.covers)
        self._far_end = FarEnd(limits, config.ca_file, transport)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    def covers(self, code: str) -> bool:
        """Whether this system may hold the (normalised) code, judged by its agency part."""
        return self.specificity(code) > 0

    def specificity(self, code: str) -> int:
        """How exactly this system's patterns name the code's agency; 0 when they do not."""
        return self._coverage.specificity(code)

    async def close(self) -> None:
        await self._far_end.close()

    async def lookup(self, code: str, proof: Proof | None) -> Result:
        """See :meth:`actions.dossiers.dossier.Adapter.lookup`."""
        try:
            return await self._lookup(code, proof)
        except FarEndBusyError as busy:
            return RateLimited(busy.retry_after_s)
        except FarEndError as error:
            return Unavailable(error.reason)
        except Exception as error:  # an answer that nobody thought of must not reach the citizen as a crash
            logger.error("%s: %s", self.name, where(error))
            return Unavailable(f"unexpected {type(error).__name__}")

    @abstractmethod
    async def _lookup(self, code: str, proof: Proof | None) -> Result:
        """Look up.

        Raises:
            FarEndError, FarEndBusyError: as :class:`FarEnd` raises them.
        """

    def _take_notes(self, reading: Reading) -> None:
        if reading.notes:
            self.notes += reading.notes
            told = ", ".join(f"{what} ×{count}" for what, count in sorted(reading.notes.items()))
            logger.warning("%s: in one answer: %s", self.name, told)


def where(error: BaseException) -> str:
    """An error's type and place. Its message is left out: it may quote what a person typed or a system returned."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f" in {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return f"unexpected {type(error).__name__}{place}"
