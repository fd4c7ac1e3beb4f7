"""What is known of a candidate for a question: the numbers that the ranking weighs.

Each feature means the same in a commune's catalogue of 300 procedures and in the nation's 5,776, so
one set of weights (``ranking.json``) serves both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import faiss
import numpy as np

from knowledge.search.index import Index
from knowledge.search.lexical import syllables
from knowledge.search.variants import VariantTable

FEATURES = (
    "nearest",  # mean cosine of the two texts of the procedure that are nearest to the question
    "name",  # cosine of its official name
    "words",  # BM25 of its best text, as a share of the best possible
    "body",  # BM25 of its papers, conditions and results, likewise
    "covered",  # share of the question's words that the procedure mentions
    "spelt_out",  # share of its title's words that the question mentions
    "surplus",  # special cases in its title that the question does not mention
    "asked",  # how often people ask for it (0 to 3)
    "commune",
    "province",
    "ministry",
    "name_only",  # known by name only
    "elsewhere",  # a province's own procedure, and the question does not name that province
)


@dataclass(frozen=True)
class FirstLook:
    """What is known of every procedure for one question, before the candidates are looked at more closely."""

    score: np.ndarray  # the quick score
    vector: np.ndarray  # of the question
    words: np.ndarray  # BM25 of the best text, as a share of the best possible
    bodies: np.ndarray  # BM25 of papers, conditions and results, likewise
    surplus: np.ndarray  # special cases in the title that the question does not mention
    elsewhere: np.ndarray  # 1 for another province's own procedure, less than 0 for the named one's
    unaccented: bool  # whether the question was typed without accents


class FeatureTable:
    """Computes the features of candidates of one index."""

    def __init__(self, index: Index, variants: VariantTable) -> None:
        self._index, self._variants = index, variants
        cards = index.cards
        # FAISS's own rows, not a copy: asking FAISS for each candidate's rows costs more than multiplying them.
        stored = faiss.downcast_index(index.vectors)
        self._vectors = faiss.rev_swig_ptr(stored.get_xb(), stored.ntotal * stored.d).reshape(-1, stored.d)
        bounds = np.searchsorted(index.owners, np.arange(len(cards) + 1))
        self._first, self._end = bounds[:-1], bounds[1:]
        levels = [set(card.levels) for card in cards]
        self._fixed = np.asarray(
            [
                [
                    card.asked,
                    "commune" in level,
                    "province" in level and "commune" not in level,
                    level == {"ministry"},
                    not card.has_details,
                ]
                for card, level in zip(cards, levels, strict=True)
            ],
            dtype=np.float32,
        ).reshape(len(cards), 5)
        self._title_words = lru_cache(maxsize=20_000)(self._title_words_of)

    def of(self, question: str, seen: FirstLook, candidates: np.ndarray) -> np.ndarray:
        """The features of ``candidates`` (positions), one row each, in the order of ``FEATURES``."""
        asked_words = syllables(question)
        nearest, name = self._cosines(seen.vector, candidates)
        spelt_out = [self._spelt_out(int(position), asked_words) for position in candidates]
        return np.column_stack(
            [
                nearest,
                name,
                seen.words[candidates],
                seen.bodies[candidates],
                self._index.bodies.coverage(asked_words, candidates),
                np.asarray(spelt_out, dtype=np.float32),
                seen.surplus[candidates],
                self._fixed[candidates],
                seen.elsewhere[candidates],
            ]
        ).astype(np.float32)

    def name_vector(self, position: int) -> np.ndarray:
        """The vector of a procedure's official name, the first of its texts."""
        return self._vectors[self._first[position]]

    def _cosines(self, vector: np.ndarray, candidates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        nearest = np.zeros(len(candidates), dtype=np.float32)
        name = np.zeros(len(candidates), dtype=np.float32)
        for row, (first, end) in enumerate(zip(self._first[candidates], self._end[candidates], strict=True)):
            cosines = self._vectors[first:end] @ vector
            name[row] = cosines[0]
            best = cosines if len(cosines) <= 2 else np.partition(cosines, -2)[-2:]
            nearest[row] = best.sum() / len(best)
        return nearest, name

    def _title_words_of(self, position: int) -> dict[str, float]:
        return {word: self._index.bodies.rarity(word) for word in syllables(self._index.cards[position].title)}

    def _spelt_out(self, position: int, asked: frozenset[str]) -> float:
        rarity = self._title_words(position)
        total = sum(rarity.values())
        return sum(value for word, value in rarity.items() if word in asked) / total if total else 0.0
