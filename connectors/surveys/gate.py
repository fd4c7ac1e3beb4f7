"""How many answers and petitions are taken from one network address in an hour, over all processes."""

from __future__ import annotations

import logging

from sqlalchemy import Engine

from actions.dossiers.keys import Pseudonyms
from actions.dossiers.tries import HOUR, Claim, Full, Limit, StoreAwayError, network, store_for

logger = logging.getLogger(__name__)


class Gate:
    """Counts by keyed hashes of addresses, in Redis or the database.

    Args:
        engine: the installation's database, migrated.
        redis_url: where to count instead, if there is one.
        key: the installation's secret key.
        per_hour: how many an address may send.
    """

    def __init__(self, engine: Engine, redis_url: str | None, key: bytes, per_hour: int) -> None:
        self._store = store_for(engine, redis_url)
        self._pseudonyms = Pseudonyms(key, "survey-address")
        self._limit = Limit(per_hour, HOUR)

    def wait_s(self, address: str | None, what: str = "answer") -> int:
        """Count one ``what`` from ``address``; 0 where it may pass, else the seconds until the next may.

        Where nobody can count, it passes: a lost opinion is worse than one too many.
        """
        if not address:
            return 0
        try:
            taken = self._store.take([Claim(self._pseudonyms.of(what, network(address)), self._limit)])
        except StoreAwayError as error:
            logger.warning("survey answers cannot be counted: %s", error)
            return 0
        return taken.retry_after_s if isinstance(taken, Full) else 0
