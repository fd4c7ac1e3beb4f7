"""Ranking: what the vectors and the words say, brought to one order of procedures.

Two steps. A quick score over all procedures picks the candidates; then a linear model over the
features of each candidate (``features.py``) puts them in order and says how sure it is. Its weights
are data (``ranking.json``), learned from development questions by ``tools/search/fit.py``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import faiss
import numpy as np

from knowledge.places import present_province, provinces_in
from knowledge.search.encoder import Encoder
from knowledge.search.features import FEATURES, FeatureTable, FirstLook
from knowledge.search.index import Index
from knowledge.search.variants import VariantTable
from knowledge.text import fold

_FILE = Path(__file__).with_name("ranking.json")
_CANDIDATES = 60
"""Procedures that are put in order; nobody looks further down."""

# The quick score's weights. It only has to bring the right procedure among the candidates.
_DENSE, _WORDS, _BODIES = 0.5, 4.0, 4.0
_NAMED = -0.5
"""What "elsewhere" is for a procedure of the province that is named: it goes before the nation's of the same name."""
_SURPLUS, _NAME_ONLY, _ELSEWHERE = 0.4, 0.4, 0.35


@dataclass(frozen=True)
class Filters:
    """Restrictions of a search; None allows everything."""

    level: str | None = None
    field: str | None = None
    province: str | None = None


_EVERYTHING = Filters()


@dataclass(frozen=True)
class Ranking:
    """The candidates for one question, best first."""

    order: np.ndarray  # positions of procedures
    features: np.ndarray  # a row for each, columns as in ``FEATURES``
    logits: np.ndarray  # the model's score of each
    vector: np.ndarray  # of the question
    outside: float  # cosine of the nearest message that is known to be about no procedure
    unaccented: bool  # whether the question was typed without accents

    @property
    def probabilities(self) -> np.ndarray:
        """How likely each candidate is the right one, if one of them is; they sum to 1."""
        if not len(self.logits):
            return self.logits
        odds = np.exp(self.logits - self.logits[0])
        return odds / odds.sum()

    def feature(self, name: str, place: int = 0) -> float:
        return float(self.features[place, FEATURES.index(name)])


@lru_cache(maxsize=1)
def shipped_weights() -> np.ndarray:
    """The learned weights, in the order of ``FEATURES``."""
    data = json.loads(_FILE.read_text(encoding="utf-8"))
    return np.asarray([data[name] for name in FEATURES], dtype=np.float32)


class Ranker:
    """Ranks the procedures of one index."""

    def __init__(self, index: Index, encoder: Encoder, weights: np.ndarray | None = None) -> None:
        self.index, self.encoder = index, encoder
        self.weights = shipped_weights() if weights is None else weights
        # The plain title where there is one: official names list every case that they cover.
        self.variants = VariantTable([c.title for c in index.cards])
        self._features = FeatureTable(index, self.variants)
        self._bare = np.asarray([not c.has_details for c in index.cards], dtype=np.float32)
        self._provinces = np.asarray([present_province(c.province) for c in index.cards])
        self._fields = [fold(c.field) for c in index.cards]

    def rank(
        self, text: str, filters: Filters = _EVERYTHING, only: Sequence[int] | None = None, *, message: str = ""
    ) -> Ranking:
        """Order the procedures that may be meant by a normalised question.

        Args:
            text: what the question is about.
            filters: restrict to a level, field or province.
            only: positions of the only procedures that come into question.
            message: the whole message, if the text is a part of it; names are easier to tell in it.
        """
        seen = self.quick(text, message)
        allowed = np.where(self._allowed(filters), seen.score, -np.inf)
        candidates = _best(allowed, _CANDIDATES) if only is None else np.unique(only)
        features = self._features.of(text, seen, candidates)
        logits = features @ self.weights
        order = np.argsort(-logits, kind="stable")
        outside = self._outside(seen.vector)
        return Ranking(candidates[order], features[order], logits[order], seen.vector, outside, seen.unaccented)

    def quick(self, text: str, message: str = "") -> FirstLook:
        """The quick score of every procedure, and what it is made of."""
        index = self.index
        unaccented = index.accents.needs_accents(text)
        vector = self.encoder.encode_queries([index.accents.restore(text) if unaccented else text])[0]
        words = self._best_per_procedure(index.names.scores(text))
        bodies = index.bodies.scores(text)
        surplus, elsewhere = self.variants.surplus(text), self._elsewhere(message or text)
        score = (
            _DENSE * _standard(self.nearest(vector))
            + _WORDS * words
            + _BODIES * bodies
            - _SURPLUS * surplus
            - _NAME_ONLY * self._bare
            - _ELSEWHERE * elsewhere
        )
        return FirstLook(score, vector, words, bodies, surplus, elsewhere, unaccented)

    def name_vector(self, position: int) -> np.ndarray:
        """The vector of a procedure's official name."""
        return self._features.name_vector(position)

    def nearest(self, vector: np.ndarray) -> np.ndarray:
        """For every procedure, the cosine of its nearest text."""
        scores = np.full(len(self.index.cards), -1.0, dtype=np.float32)
        total = self.index.vectors.ntotal
        if total:
            faiss.omp_set_num_threads(1)  # holds for this thread only; a second one is slower where the cores are busy
            found, positions = self.index.vectors.search(vector[None], min(total, 2000))
            np.maximum.at(scores, self.index.owners[positions[0]], found[0])
            scores[scores < 0] = found[0].min()
        return scores

    def _outside(self, vector: np.ndarray) -> float:
        return float((self.index.outside @ vector).max()) if len(self.index.outside) else 0.0

    def _best_per_procedure(self, scores: np.ndarray) -> np.ndarray:
        best = np.zeros(len(self.index.cards), dtype=np.float32)
        np.maximum.at(best, self.index.owners, scores)
        return best

    def _elsewhere(self, text: str) -> np.ndarray:
        """1 for a province's own procedures; less than 0 if the question names that province or a place in it."""
        named = np.isin(self._provinces, provinces_in(text))
        return np.where(named, _NAMED, self._provinces != "").astype(np.float32)

    def _allowed(self, filters: Filters) -> np.ndarray:
        cards = self.index.cards
        allowed = np.ones(len(cards), dtype=bool)
        if filters == _EVERYTHING:
            return allowed
        if filters.level:
            allowed &= np.asarray([filters.level in c.levels for c in cards], dtype=bool)
        if filters.field:
            allowed &= np.asarray([fold(filters.field) in f for f in self._fields], dtype=bool)
        if filters.province:
            allowed &= np.isin(self._provinces, ["", present_province(filters.province)])
        return allowed


def _best(score: np.ndarray, count: int) -> np.ndarray:
    """Positions of the ``count`` highest finite scores."""
    chosen = np.argpartition(-score, count)[:count] if len(score) > count else np.arange(len(score))
    return np.sort(chosen[np.isfinite(score[chosen])])


def _standard(values: np.ndarray) -> np.ndarray:
    """Z-scores, so that signals of different scale can be added."""
    spread = float(values.std())
    return (values - values.mean()) / spread if spread > 1e-9 else np.zeros_like(values)
