"""Plain search methods to compare motcua with: BM25, an encoder as it is, and their fusion.

They share nothing with motcua's own search but the splitting of text into words, and they see what
the person typed: no abbreviation is written out, no accent restored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import bm25s
import numpy as np

from benchmarks.metrics import reciprocal_rank_fusion
from knowledge.procedure import Handling, Procedure
from knowledge.search.encoder import Encoder
from knowledge.text import clean, fold, tokens

Ranking = list[int]
"""Positions of procedures, best first."""
Method = Callable[[str], Ranking]

DEPTH = 1_000
"""How many candidates a method names."""


@dataclass(frozen=True)
class Document:
    """What a baseline may read of a procedure."""

    code: str
    name: str
    papers: list[str]


def document(procedure: Procedure) -> Document:
    papers = [paper.name for paper in procedure.documents if paper.handling is not Handling.NOTE]
    return Document(procedure.code, clean(procedure.name), papers)


def folded_terms(text: str) -> list[str]:
    """Syllables without accents, and pairs of them."""
    words = [fold(word) for word in tokens(clean(text))]
    return [*words, *(f"{a}_{b}" for a, b in pairwise(words))]


def bm25(texts: Sequence[str]) -> Method:
    """BM25 (k1 1.5, b 0.75) over folded syllables and their pairs; texts that share no term are not named."""
    retriever = bm25s.BM25()
    retriever.index([folded_terms(text) for text in texts], show_progress=False)

    def rank(question: str) -> Ranking:
        known = [term for term in folded_terms(question) if term in retriever.vocab_dict]
        if not known:
            return []
        scores = retriever.get_scores(known)
        return [int(i) for i in np.argsort(-scores, kind="stable")[:DEPTH] if scores[i] > 0]

    return rank


def cosine(texts: Sequence[str], encoder: Encoder, cache: Path | None = None) -> Method:
    """The encoder alone: cosine between the question and every text.

    Args:
        cache: folder that keeps the texts' vectors for the next run.
    """
    vectors = _embedded(texts, encoder, cache)

    def rank(question: str) -> Ranking:
        scores = vectors @ encoder.encode_queries([clean(question)])[0]
        return [int(i) for i in np.argsort(-scores, kind="stable")[:DEPTH]]

    return rank


def _embedded(texts: Sequence[str], encoder: Encoder, cache: Path | None) -> np.ndarray:
    key = sha256("\n".join([encoder.fingerprint, *texts]).encode()).hexdigest()[:16]
    file = cache / f"names-{key}.npy" if cache else None
    if file and file.exists():
        return np.load(file)
    vectors = encoder.encode_passages(texts)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, vectors)
    return vectors


def fused(*methods: Method) -> Method:
    """Reciprocal rank fusion of several methods."""
    return lambda question: reciprocal_rank_fusion(method(question) for method in methods)
