"""Answer, ask back or abstain: what a ranking is good for.

A wrong procedure is worse than a question back, and a question back is worse than a right answer.
Two calibrated probabilities decide: that the question is about any procedure at all, and that the
first procedure is the right one. Both are logistic functions of a few signals; their coefficients
are data (``decision.json``), fitted on development questions by ``tools/search/fit.py``.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from knowledge.search.ranking import Ranking

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

    nearest: float  # cosine of its nearest texts
    outside: float  # by how much nearer it is than any message known to be about no procedure
    words: float  # BM25 of its best text, as a share of the best possible
    covered: float  # share of the question's words that it mentions
    sure: float  # log odds that it is the right one among the candidates, at most 6
    level: float  # the ranking's own score
    asked: float  # how often people ask for it (0 to 3)
    unaccented: float  # 1 for a question typed without accents

    def vector(self) -> list[float]:
        return list(vars(self).values())


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
    """When to answer and when to abstain; ``near``: share of the first one's probability that makes another an option."""

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
        if evidence is None:
            return Decision.ABSTAIN
        in_scope = self.in_scope.probability(evidence)
        if in_scope < self.abstain_below:
            return Decision.ABSTAIN
        right = in_scope * self.correct.probability(evidence)
        return Decision.ANSWER if right >= self.answer_from else Decision.CLARIFY


def evidence(ranking: Ranking) -> Evidence | None:
    """The evidence of a ranking; None where nothing was ranked."""
    if not len(ranking.order):
        return None
    probability = float(ranking.probabilities[0])
    nearest = ranking.feature("nearest")
    return Evidence(
        nearest=nearest,
        outside=nearest - ranking.outside,
        words=ranking.feature("words"),
        covered=ranking.feature("covered"),
        sure=min(6.0, math.log(probability / max(1e-9, 1 - probability))),
        level=float(ranking.logits[0]),
        asked=ranking.feature("asked"),
        unaccented=float(ranking.unaccented),
    )
