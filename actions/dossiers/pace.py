"""How often the systems are asked about watched dossiers, and when nobody is disturbed.

Moments are Vietnam's, naive. They are spread a little at random, so that what was asked for at one time is not asked
for at one time ever after.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field

from actions.dossiers.working_days import add_working_minutes

DAY_BEGINS, DAY_ENDS = dt.time(7), dt.time(20)
_LONGEST_REST = 6
"""A system that does not answer is asked again after at most so many times the usual interval."""


def is_daytime(moment: dt.datetime) -> bool:
    """Whether people may get messages that they do not wait for."""
    return DAY_BEGINS <= moment.time() < DAY_ENDS


@dataclass(frozen=True)
class Pace:
    """How much is asked.

    ``interval_min``: minutes of office hours between two questions about a dossier; ``spread_min``: up to so many more,
    at random. ``per_round`` and ``per_system``: dossiers asked about in one round, altogether and of one system.
    ``lease_s``: seconds that a round has for what it took, then another may take it: more than ``per_system`` look-ups
    can last. ``patience``: unanswered questions in a row after which a system is left alone in this round.
    """

    interval_min: int = 240
    spread_min: int = 30
    per_round: int = 50
    per_system: int = 20
    lease_s: int = 600
    patience: int = 3
    chance: random.Random = field(default_factory=random.Random, repr=False)

    @property
    def lease(self) -> dt.timedelta:
        return dt.timedelta(seconds=self.lease_s)

    def next_at(self, now: dt.datetime, failures: int = 0, wait_s: int = 0) -> dt.datetime:
        """When to ask again, after ``failures`` unanswered questions in a row and not before ``wait_s`` seconds."""
        times = min(2 ** max(0, failures - 1), _LONGEST_REST) if failures < 10 else _LONGEST_REST
        earliest = now + dt.timedelta(seconds=wait_s)
        usual = add_working_minutes(now, self.interval_min * times)
        return max(usual, earliest) + dt.timedelta(seconds=self.chance.uniform(0, self.spread_min * 60))
