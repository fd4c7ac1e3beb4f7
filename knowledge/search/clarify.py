"""The one question back that separates the candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from knowledge.search.index import Card
from knowledge.search.variants import VariantTable, variants
from knowledge.text import fold

MAX_OPTIONS = 5
_GENERAL = "Anh/chị muốn hỏi việc nào sau đây?"
_PROVINCE = "Thủ tục này mỗi tỉnh, thành phố công bố riêng. Anh/chị hỏi cho nơi nào?"
_LEVEL = "Anh/chị làm việc này ở cấp nào?"
_LEVEL_NAMES = {"commune": "cấp xã", "province": "cấp tỉnh", "ministry": "cấp bộ", "other": "cơ quan khác"}


@dataclass(frozen=True)
class Option:
    code: str
    label: str


@dataclass(frozen=True)
class Clarification:
    """A question with at most ``MAX_OPTIONS`` answers to choose from."""

    question: str
    options: list[Option]


def clarification(cards: Sequence[Card], positions: Sequence[int], table: VariantTable) -> Clarification:
    """The question for the candidates at ``positions``, best first."""
    chosen = list(positions)[:MAX_OPTIONS]
    names = {fold(cards[p].name) for p in chosen}
    if len(names) == 1 and len({cards[p].province for p in chosen}) == len(chosen):
        labels = [cards[p].province or "Cả nước" for p in chosen]
        return Clarification(_PROVINCE, _options(cards, chosen, labels))
    if len(names) == 1 and len({tuple(cards[p].levels) for p in chosen}) == len(chosen):
        labels = [", ".join(_LEVEL_NAMES[level] for level in cards[p].levels) or cards[p].title for p in chosen]
        return Clarification(_LEVEL, _options(cards, chosen, labels))
    return Clarification(_separating_question(chosen, table), _options(cards, chosen, _titles(cards, chosen)))


def _separating_question(chosen: Sequence[int], table: VariantTable) -> str:
    """The question of the one marker that tells two candidates apart; more of them differ in other ways too."""
    if len(chosen) != 2:
        return _GENERAL
    carries = table.carries[np.asarray(chosen)]
    splitting = [i for i in range(carries.shape[1]) if carries[:, i].any() and not carries[:, i].all()]
    return variants()[splitting[0]].ask if len(splitting) == 1 else _GENERAL


def _titles(cards: Sequence[Card], chosen: Sequence[int]) -> list[str]:
    """Titles that tell the candidates apart; equal ones get their authority or province."""
    titles = [cards[p].title for p in chosen]
    return [
        f"{title} ({cards[p].province or cards[p].promulgator})" if titles.count(title) > 1 else title
        for title, p in zip(titles, chosen, strict=True)
    ]


def _options(cards: Sequence[Card], chosen: Sequence[int], labels: Sequence[str]) -> list[Option]:
    return [Option(cards[p].code, label) for p, label in zip(chosen, labels, strict=True)]
