"""Answer, ask back or abstain: what a ranking is good for.

A wrong procedure is worse than a question back, so an answer needs a clear lead; a question that
nothing in the catalogue resembles gets no answer at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from knowledge.search.ranking import Signals


class Decision(StrEnum):
    ANSWER = "answer"
    CLARIFY = "clarify"
    ABSTAIN = "abstain"


@dataclass(frozen=True)
class Thresholds:
    """Chosen on development questions; see docs/search.md."""

    abstain_score: float = 3.2
    abstain_cosine: float = 0.80
    lead: float = 0.35
    near: float = 0.9  # candidates within this of the first are offered


def decide(signals: Signals, thresholds: Thresholds = Thresholds()) -> Decision:
    """What to do with a ranking."""
    if not len(signals.order):
        return Decision.ABSTAIN
    first = signals.order[0]
    score = float(signals.score[first])
    if not np.isfinite(score):
        return Decision.ABSTAIN
    if score < thresholds.abstain_score and float(signals.cosine[first]) < thresholds.abstain_cosine:
        return Decision.ABSTAIN
    if len(signals.order) > 1 and score - float(signals.score[signals.order[1]]) < thresholds.lead:
        return Decision.CLARIFY
    return Decision.ANSWER
