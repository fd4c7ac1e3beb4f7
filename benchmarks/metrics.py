"""The arithmetic of the benchmarks, small enough to check by hand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np

RRF_K = 60
"""The customary constant of reciprocal rank fusion."""


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which ``percent`` of the values lie, between neighbours by linear interpolation."""
    return float(np.percentile(values, percent))


def first_right(ranking: Iterable[str], right: Collection[str]) -> int | None:
    """Rank (from 1) of the first right code; None where there is none."""
    return next((rank for rank, code in enumerate(ranking, start=1) if code in right), None)


def recall_at(k: int, ranks: Sequence[int | None]) -> float:
    """Share of questions with a right code among the first ``k``."""
    return sum(rank is not None and rank <= k for rank in ranks) / len(ranks)


def reciprocal_rank_fusion(rankings: Iterable[Sequence[int]], k: int = RRF_K) -> list[int]:
    """One ranking out of several: an item's score is the sum of 1 / (k + rank) over those that list it.

    Items of equal score stay in the order in which they are first met.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1 / (k + rank)
    return sorted(scores, key=lambda item: -scores[item])
