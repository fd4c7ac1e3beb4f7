"""The lexical half: BM25 over folded syllables, pairs of syllables and accented words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import bm25s
import numpy as np

from knowledge.text import fold, tokens

_K1, _B = 1.2, 0.6


def terms(text: str) -> list[str]:
    """Index terms of a text.

    Folded syllables and their pairs find text typed without accents; each accented word is a term
    of its own (marked ``^``), so that typing accents counts for something.
    """
    words = tokens(text)
    folded = [fold(word) for word in words]
    pairs = [f"{a}_{b}" for a, b in zip(folded, folded[1:], strict=False)]
    accented = [f"^{word}" for word, plain in zip(words, folded, strict=True) if word != plain]
    return [*folded, *pairs, *accented]


def syllables(text: str) -> frozenset[str]:
    """The different folded syllables of a text."""
    return frozenset(fold(word) for word in tokens(text))


class LexicalIndex:
    """BM25 scores of a query against every indexed text."""

    def __init__(self, retriever: bm25s.BM25 | None, size: int) -> None:
        self._retriever, self._size = retriever, size

    @classmethod
    def build(cls, texts: Sequence[str]) -> LexicalIndex:
        corpus = [terms(text) for text in texts]
        if not any(corpus):
            return cls(None, len(texts))
        retriever = bm25s.BM25(method="lucene", k1=_K1, b=_B)
        retriever.index(corpus, show_progress=False)
        return cls(retriever, len(texts))

    def save(self, folder: Path) -> None:
        if self._retriever is not None:
            self._retriever.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path, size: int) -> LexicalIndex:
        if not folder.exists():
            return cls(None, size)
        retriever = bm25s.BM25.load(folder, mmap=True, show_progress=False)
        # Plain views of the mapped files: slicing numpy's memmap class costs more than the look-up itself.
        retriever.scores = {name: np.asarray(v) if isinstance(v, np.memmap) else v for name, v in retriever.scores.items()}
        return cls(retriever, size)

    def scores(self, text: str) -> np.ndarray:
        """BM25 score of every text, float32, as a share of what a text of average length with all the words would get.

        The share makes scores of questions of any length, and of catalogues of any size, comparable.
        """
        asked = terms(text)
        known = [term for term in asked if self._retriever and term in self._retriever.vocab_dict]
        if self._retriever is None or not known:
            return np.zeros(self._size, dtype=np.float32)
        best = sum(self.rarity(term) for term in asked) / (1 + _K1)
        return np.asarray(self._retriever.get_scores(known), dtype=np.float32) / best

    def coverage(self, words: frozenset[str], positions: np.ndarray) -> np.ndarray:
        """Share of folded ``words`` (0 to 1, rare ones counting more) that stands in each of the texts at ``positions``."""
        found = np.zeros(len(positions), dtype=np.float32)
        total = 0.0
        for word in words:
            rarity = self.rarity(word)
            total += rarity
            found += rarity * np.isin(positions, self._postings(word), assume_unique=True)
        return found / total if total else found

    def _postings(self, word: str) -> np.ndarray:
        column = self._retriever.vocab_dict.get(word) if self._retriever else None
        if self._retriever is None or column is None:
            return np.empty(0, dtype=np.int32)
        starts = self._retriever.scores["indptr"]
        return self._retriever.scores["indices"][starts[column] : starts[column + 1]]

    def rarity(self, term: str) -> float:
        """How telling a term is: its idf as in Lucene."""
        known = len(self._postings(term))
        return math.log(1 + (self._size - known + 0.5) / (known + 0.5))
