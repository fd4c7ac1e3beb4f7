"""Confidence intervals of shares and means, at 95 %."""

from __future__ import annotations

import math

from scipy.special import ndtri, stdtrit

LEVEL = 0.95


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's score interval of a share among ``n`` people (n ≥ 1), within 0 to 1.

    ``share`` may be of several answers a person; then ``n`` people are still no more than ``n`` independent draws, so the
    interval is rather too wide than too narrow.
    """
    z = float(ndtri((1 + LEVEL) / 2))
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def t_interval(mean: float, variance: float, n: int) -> tuple[float, float] | None:
    """Student's interval of a mean of ``n`` values with this sample variance; None for fewer than two values."""
    if n < 2:
        return None
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * math.sqrt(variance / n)
    return mean - half, mean + half
