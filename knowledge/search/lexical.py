"""The lexical half: BM25 over folded syllables, pairs of syllables and accented words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bm25s
import numpy as np

from knowledge.text import fold, tokens


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


class LexicalIndex:
    """BM25 scores of a query against every indexed text."""

    def __init__(self, retriever: bm25s.BM25 | None, size: int) -> None:
        self._retriever, self._size = retriever, size

    @classmethod
    def build(cls, texts: Sequence[str]) -> LexicalIndex:
        corpus = [terms(text) for text in texts]
        if not any(corpus):
            return cls(None, len(texts))
        retriever = bm25s.BM25(method="lucene", k1=1.2, b=0.6)
        retriever.index(corpus, show_progress=False)
        return cls(retriever, len(texts))

    def save(self, folder: Path) -> None:
        if self._retriever is not None:
            self._retriever.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path, size: int) -> LexicalIndex:
        if not folder.exists():
            return cls(None, size)
        return cls(bm25s.BM25.load(folder, mmap=True, show_progress=False), size)

    def scores(self, text: str) -> np.ndarray:
        """BM25 score of every text, float32."""
        known = [term for term in terms(text) if self._retriever and term in self._retriever.vocab_dict]
        if self._retriever is None or not known:
            return np.zeros(self._size, dtype=np.float32)
        return np.asarray(self._retriever.get_scores(known), dtype=np.float32)
