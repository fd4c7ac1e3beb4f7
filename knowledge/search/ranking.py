"""Ranking: what the vectors and the words say, brought to one order of procedures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from knowledge.search.encoder import Encoder
from knowledge.search.index import Index
from knowledge.search.variants import VariantTable
from knowledge.text import fold


@dataclass(frozen=True)
class Weights:
    """How much each signal counts. Chosen on development questions; see docs/search.md."""

    dense: float = 0.5
    dense_unaccented: float = 0.45
    names: float = 4.0
    bodies: float = 4.0
    missing_variant: float = 0.4  # taken off for a special variant that the question does not mention
    commune: float = 0.15
    province: float = 0.08
    curated: float = 0.15
    name_only: float = -0.4
    one_province: float = -0.35  # a province's own procedure, unless that province is named


@dataclass(frozen=True)
class Filters:
    """Restrictions of a search; None allows everything."""

    level: str | None = None
    field: str | None = None
    province: str | None = None


_EVERYTHING = Filters()
_RANKED = 60
"""Procedures that are put in order; nobody looks further down."""


@dataclass(frozen=True)
class Signals:
    """All that the decision looks at, for one question."""

    order: np.ndarray  # positions of the best procedures, best first
    score: np.ndarray  # fused score of every procedure
    cosine: np.ndarray  # best cosine of every procedure
    words: float  # BM25 of the first one's nearest text, as a share of the best possible
    coverage: float  # share of the question's words that the first procedure mentions
    unaccented: bool  # whether the question was typed without accents


class Ranker:
    """Ranks the procedures of one index."""

    def __init__(self, index: Index, encoder: Encoder, weights: Weights | None = None) -> None:
        self.index, self.encoder, self.weights = index, encoder, weights or Weights()
        # The plain title where there is one: official names list every case that they cover.
        self.variants = VariantTable([c.title for c in index.cards])
        self._prior = self._static_prior()
        self._provinces = np.asarray([fold(c.province) for c in index.cards])
        self._province_names = sorted(set(self._provinces.tolist()) - {""})
        self._elsewhere = np.where(self._provinces != "", self.weights.one_province, 0.0).astype(np.float32)
        self._fields = [fold(c.field) for c in index.cards]

    def rank(self, text: str, filters: Filters = Filters()) -> Signals:
        """Order all procedures for a normalised question."""
        count = len(self.index.cards)
        unaccented = self.index.accents.needs_accents(text)
        restored = self.index.accents.restore(text) if unaccented else text
        cosine = self._dense(restored, count)
        names = self._best_per_procedure(self.index.names.scores(text), count)
        bodies = self.index.bodies.scores(text)
        w = self.weights
        score = (
            (w.dense_unaccented if unaccented else w.dense) * _standard(cosine)
            + w.names * names
            + w.bodies * bodies
            + self._prior
            - w.missing_variant * self.variants.surplus(text)
            + self._place(text)
        )
        score[~self._allowed(filters)] = -np.inf
        order = _best(score, _RANKED)
        coverage = self.index.bodies.coverage(text, int(order[0])) if count else 0.0
        words = float(names[order[0]]) if count else 0.0
        return Signals(order, score, cosine, words, coverage, unaccented)

    def _dense(self, text: str, count: int) -> np.ndarray:
        query = self.encoder.encode_queries([text])
        total = self.index.vectors.ntotal
        scores = np.full(count, -1.0, dtype=np.float32)
        if total:
            found, positions = self.index.vectors.search(query, min(total, 2000))
            np.maximum.at(scores, self.index.owners[positions[0]], found[0])
            scores[scores < 0] = found[0].min()
        return scores

    def _best_per_procedure(self, scores: np.ndarray, count: int) -> np.ndarray:
        best = np.zeros(count, dtype=np.float32)
        np.maximum.at(best, self.index.owners, scores)
        return best

    def _static_prior(self) -> np.ndarray:
        w = self.weights
        return np.asarray(
            [
                (w.commune if "commune" in c.levels else w.province if "province" in c.levels else 0.0)
                + (w.curated if c.curated else 0.0)
                + (0.0 if c.has_details else w.name_only)
                for c in self.index.cards
            ],
            dtype=np.float32,
        )

    def _place(self, text: str) -> np.ndarray:
        """What a province's own procedures lose, unless the question names that province."""
        folded = fold(text)
        named = [p for p in self._province_names if p in folded]
        if not named:
            return self._elsewhere
        return np.where(np.isin(self._provinces, named), 0.0, self._elsewhere)

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
            wanted = fold(filters.province)
            allowed &= np.isin(self._provinces, ["", wanted])
        return allowed


def _best(score: np.ndarray, count: int) -> np.ndarray:
    """Positions of the highest scores, highest first; equal ones in the index's order."""
    if len(score) > count:
        chosen = np.sort(np.argpartition(-score, count)[:count])
        return chosen[np.argsort(-score[chosen], kind="stable")]
    return np.argsort(-score, kind="stable")


def _standard(values: np.ndarray) -> np.ndarray:
    """Z-scores, so that signals of different scale can be added."""
    spread = float(values.std())
    return (values - values.mean()) / spread if spread > 1e-9 else np.zeros_like(values)
