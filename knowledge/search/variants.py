"""Near twins: procedures that differ only in a special case.

"Đăng ký khai sinh" has half a dozen siblings (foreign element, border area, mobile, again, linked ...).
A person who means a special one says so; a person who does not, means the plain one. The markers and
the words by which people mention them are data (``variants.json``), matched on folded text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from knowledge.text import fold

_FILE = Path(__file__).with_name("variants.json")


@dataclass(frozen=True)
class Variant:
    """One way in which twins differ; ``ask`` is the question that separates them.

    ``narrows``: its words are clear enough to move a talk from the plain procedure to its special twin.
    """

    key: str
    ask: str
    in_name: re.Pattern[str]
    in_question: re.Pattern[str]
    narrows: bool


@lru_cache(maxsize=1)
def variants() -> tuple[Variant, ...]:
    rows = json.loads(_FILE.read_text(encoding="utf-8"))
    return tuple(
        Variant(
            row["key"],
            row["ask"],
            re.compile("|".join(row["name"])),
            re.compile("|".join(row["question"])),
            row.get("narrows", False),
        )
        for row in rows
    )


class VariantTable:
    """Which procedures carry which marker."""

    def __init__(self, names: Sequence[str]) -> None:
        folded = [fold(name) for name in names]
        self.carries = np.asarray(
            [[bool(variant.in_name.search(name)) for variant in variants()] for name in folded], dtype=bool
        ).reshape(len(names), len(variants()))

    def mentioned(self, question: str) -> np.ndarray:
        """For every variant, whether the question mentions it."""
        folded = fold(question)
        return np.asarray([bool(variant.in_question.search(folded)) for variant in variants()], dtype=bool)

    def narrowed(self, position: int, question: str) -> np.ndarray:
        """Positions of procedures like the one at ``position`` but for a special case that the question brings up."""
        own = self.carries[position]
        brought_up = self.mentioned(question) & ~own & np.asarray([variant.narrows for variant in variants()])
        return np.flatnonzero((self.carries & brought_up).any(axis=1) & ~(self.carries & ~own & ~brought_up).any(axis=1))

    def surplus(self, question: str) -> np.ndarray:
        """For every procedure, how many of its markers the question does not mention."""
        return (self.carries & ~self.mentioned(question)).sum(axis=1).astype(np.float32)
