"""Answer, ask back or abstain: what a ranking is good for.

A wrong procedure is worse than a question back, and a question back is worse than a right answer.
Two calibrated probabilities decide: that the question is about any procedure at all, and that the
first procedure is the right one. Both are logistic functions of a few signals; their coefficients
are data (``decision.json``), fitted on development questions by ``tools/search/calibrate.py``.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import numpy as np

from knowledge.search.ranking import Signals

_FILE = Path(__file__).with_name("decision.json")


class Decision(StrEnum):
    ANSWER = "answer"
    CLARIFY = "clarify"
    ABSTAIN = "abstain"


@dataclass(frozen=True)
class Evidence:
    """The signals about the first procedure of a ranking.

    None depends on how large the catalogue is: a commune's 300 procedures and the nation's 5,776 are
    judged by one model.
    """

    words: float  # BM25 of its nearest text, as a share of the best possible
    lead: float  # by how much it leads the second
    lead_third: float  # and the third
    cosine: float  # of its nearest text
    coverage: float  # share of the question's words that it mentions
    unaccented: float  # 1 for a question typed without accents

    def vector(self) -> list[float]:
        return list(asdict(self).values())


@dataclass(frozen=True)
class Model:
    """A logistic model over :class:`Evidence`: weights by signal, intercept and threshold."""

    weights: list[float]
    intercept: float

    def probability(self, evidence: Evidence) -> float:
        """Between 0 and 1."""
        total = self.intercept + sum(w * x for w, x in zip(self.weights, evidence.vector(), strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


@dataclass(frozen=True)
class Policy:
    """When to answer and when to abstain; ``near`` bounds how far behind the first an option may be."""

    in_scope: Model
    correct: Model
    abstain_below: float
    answer_from: float
    near: float

    @classmethod
    @lru_cache(maxsize=1)
    def shipped(cls) -> Policy:
        data = json.loads(_FILE.read_text(encoding="utf-8"))
        models = {name: Model(**data.pop(name)) for name in ("in_scope", "correct")}
        return cls(**models, **data)

    def decide(self, evidence: Evidence | None) -> Decision:
        """What to do with a ranking; without evidence there is nothing to answer with."""
        if evidence is None or self.in_scope.probability(evidence) < self.abstain_below:
            return Decision.ABSTAIN
        return Decision.ANSWER if self.correct.probability(evidence) >= self.answer_from else Decision.CLARIFY


def evidence(signals: Signals) -> Evidence | None:
    """The evidence of a ranking; None where nothing was ranked."""
    if not len(signals.order) or not np.isfinite(signals.score[signals.order[0]]):
        return None
    first = signals.order[0]
    score = float(signals.score[first])
    return Evidence(
        words=signals.words,
        lead=_lead(signals, score, 1),
        lead_third=_lead(signals, score, 2),
        cosine=float(signals.cosine[first]),
        coverage=signals.coverage,
        unaccented=float(signals.unaccented),
    )


def _lead(signals: Signals, score: float, place: int) -> float:
    """Distance to a later place, at most 5."""
    if len(signals.order) <= place:
        return 5.0
    other = float(signals.score[signals.order[place]])
    return min(5.0, score - other) if np.isfinite(other) else 5.0
