"""The one question back that separates the candidates.

What can separate them: the province, the level, a marker of ``variants.json`` (foreign element, first time or
again, who applies ...), or the case that their names end with. A question is asked only when its answer settles
most of the candidates' probability; otherwise the general one stays.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from knowledge.places import present_province, provinces_in, without_places
from knowledge.search.index import Card, without_prefix
from knowledge.search.variants import VariantTable, variants
from knowledge.text import fold

MAX_OPTIONS = 5
MAX_LABEL = 90
_END = 55
"""Characters for the end of a name, where ends are what differs."""
ONE_PROCEDURE = 0.85
"""Share of the probability from which the records of one procedure are the only options."""
WORTH = 0.5
"""Bits that a question must bring at least."""
SETTLES = 0.75
"""Share of the probability for which the answer must leave one candidate only."""
ALIKE = 0.6
"""Share of the shorter name's words that twins have in common."""

_GENERAL = "Anh/chị muốn hỏi việc nào sau đây?"
_PROVINCE = "Việc “{topic}” mỗi tỉnh, thành phố công bố riêng. Anh/chị hỏi cho tỉnh nào?"
_HERE = "Việc “{topic}” có bản riêng của tỉnh và bản chung cả nước. Anh/chị hỏi bản nào?"
_LEVEL = "Việc “{topic}” làm được ở nhiều cấp. Anh/chị muốn nộp ở đâu?"
_CASE = "Về việc “{topic}”, anh/chị thuộc trường hợp nào?"
ELSEWHERE = "Nơi khác / cả nước"
_PLAIN_CASE = "Trường hợp thông thường"
_LEVELS = {"commune": "ở xã, phường", "province": "ở cấp tỉnh", "ministry": "ở trung ương", "other": "ở cơ quan khác"}
_ABROAD = "ở cơ quan đại diện Việt Nam tại nước ngoài"

_CODE = re.compile(r"\s*\(\s*\d\.\d{6}\s*\)")
_REFERENCE = re.compile(
    r"[\s,]*\(?\b(?:theo|quy định tại|quy định của|căn cứ|thực hiện|trong|tại)\s+"
    r"(?:các\s+|quy định\s+(?:tại|của)\s+|một trong các\s+)*"
    r"(?:khoản|điểm|điều|nghị định|thông tư|luật|nghị quyết|pháp lệnh|quyết định số)\b[^,;()]*\d[^,;()]*\)?",
    re.IGNORECASE,
)
_WHERE = re.compile(
    r"\b(?:tren dia ban|thuoc|tai|cua|o)\s*$"
    r"|\(?\b(?:(?:thuc hien )?tai (?:cong an )?)?cap (?:tinh|xa|bo|trung uong)\b\)?"
)
"""What a name says, once the province's name is out, of where the procedure is done."""
_JOINING = re.compile(r"\b(?:hoac|va|cac|viec)\b|[,;.()/-]")
_CASE_WORDS = re.compile(
    r"\(?(?:bằng|cho|có|của|do|đối với|để|giữa|khi|không|lại|lần|liên thông|lưu động|mới|ngoài|sau|tại|theo|thông qua|"
    r"thuộc|trong|trước|từ|vì|với)\b",
    re.IGNORECASE,
)
"""Words with which the part of a name begins that says for which case it is."""


@dataclass(frozen=True)
class Option:
    code: str
    label: str


@dataclass(frozen=True)
class Clarification:
    """A question with at most ``MAX_OPTIONS`` answers to choose from."""

    question: str
    options: list[Option]


@dataclass(frozen=True)
class _Candidate:
    position: int
    card: Card
    share: float  # of the candidates' probability

    @property
    def levels(self) -> str:
        if self.card.levels == ["other"] and "Ngoại giao" in self.card.promulgator:
            return _ABROAD
        return " hoặc ".join(_LEVELS[level] for level in sorted(self.card.levels, key=list(_LEVELS).index))


def clarification(
    cards: Sequence[Card],
    positions: Sequence[int],
    table: VariantTable,
    probabilities: Sequence[float] | None = None,
    question: str = "",
) -> Clarification:
    """The question that separates candidates.

    Args:
        cards: all procedures of the index.
        positions: the candidates, best first.
        table: which procedures carry which marker.
        probabilities: of the candidates; alike where they are not known.
        question: what was asked; what it mentions need not be asked again.
    """
    chosen = _candidates(cards, positions, probabilities)
    found = _of_one_procedure(chosen, question) or _by_marker(chosen, table, question)
    return found or _by_case(chosen) or Clarification(_GENERAL, _options(chosen, _labels(chosen)))


def essence(card: Card) -> str:
    """A procedure's name without what only says where: equal for one procedure that provinces publish one by one."""
    name = without_prefix(_CODE.sub("", card.name))
    name = fold(without_places(name) if card.province else name)
    return " ".join(_JOINING.sub(" ", _WHERE.sub(" ", name.strip(" .;,"))).split())


def short(name: str) -> str:
    """A name that fits on a button: without "Thủ tục" and legal references, at most ``MAX_LABEL`` characters."""
    return _cut(_plain(name))


def _plain(name: str) -> str:
    """A name without "Thủ tục", code and legal references."""
    name = without_prefix(" ".join(_CODE.sub("", name).split()))
    return _capital(_REFERENCE.sub("", name).strip(" .;,") or name)


def _candidates(
    cards: Sequence[Card], positions: Sequence[int], probabilities: Sequence[float] | None
) -> list[_Candidate]:
    likely = dict(zip(positions, [1.0] * len(positions) if probabilities is None else probabilities, strict=True))
    kept = list(likely.items())[:MAX_OPTIONS]
    total = sum(p for _position, p in kept) or 1.0
    return [_Candidate(position, cards[position], p / total) for position, p in kept]


# -- what separates them -------------------------------------------------------------------


def _of_one_procedure(chosen: Sequence[_Candidate], question: str) -> Clarification | None:
    """One procedure that several provinces, or several levels, have a record of."""
    records = [c for c in chosen if essence(c.card) == essence(chosen[0].card)]
    if len(records) < 2 or sum(c.share for c in records) < ONE_PROCEDURE:
        return None
    topic = min((short(c.card.title) for c in records), key=len)
    if here := _here(records, question):
        labels = [f"Riêng của {province}" if (province := c.card.province) else "Chung cả nước" for c in here]
        return Clarification(_HERE.format(topic=topic), _options(here, _told_apart(here, labels)))
    if len({c.card.province for c in records}) > 1:
        records.sort(key=lambda c: bool(c.card.province))  # the national record first
        labels = [present_province(c.card.province) or ELSEWHERE for c in records]
        return Clarification(_PROVINCE.format(topic=topic), _options(records, _told_apart(records, labels)))
    if all(c.levels for c in records) and len({c.levels for c in records}) == len(records):
        return Clarification(_LEVEL.format(topic=topic), _options(records, [_capital(c.levels) for c in records]))
    return None


def _here(records: Sequence[_Candidate], question: str) -> list[_Candidate]:
    """The records of the province that the question names, then the nation's; empty where there are not both."""
    named = provinces_in(question)
    own = [c for c in records if present_province(c.card.province) in named]
    national = [c for c in records if not c.card.province]
    return [*own, *national] if own and national else []


def _by_marker(chosen: Sequence[_Candidate], table: VariantTable, question: str) -> Clarification | None:
    """The marker that best divides the probability of twins."""
    if len(chosen) < 2 or not _twins(chosen, table):
        return None
    asked = table.mentioned(question)
    carries = table.carries[[c.position for c in chosen]]
    gains = [0.0 if asked[i] else _gain(chosen, carries[:, i].tolist()) for i in range(carries.shape[1])]
    best = int(np.argmax(gains))
    return Clarification(variants()[best].ask, _options(chosen, _labels(chosen))) if gains[best] >= WORTH else None


def _gain(chosen: Sequence[_Candidate], answers: Sequence[Hashable]) -> float:
    """Bits that a question brings, by what each candidate would answer; 0 where it leaves them unsettled."""
    groups: dict[Hashable, list[float]] = {}
    for candidate, given in zip(chosen, answers, strict=True):
        groups.setdefault(given, []).append(candidate.share)
    if len(groups) < 2 or sum(max(shares) for shares in groups.values()) < SETTLES:
        return 0.0
    masses = [sum(shares) for shares in groups.values()]
    return -sum(mass * math.log2(mass) for mass in masses if mass > 0)


def _twins(chosen: Sequence[_Candidate], table: VariantTable) -> bool:
    """Whether all are one kind of procedure: of two unlike ones, no marker is the difference that matters."""
    words = [set(_without_markers(fold(short(c.card.title)), table.carries[c.position]).split()) for c in chosen]
    return all(len(words[0] & own) >= ALIKE * min(len(words[0]), len(own)) > 0 for own in words[1:])


def _without_markers(name: str, carried: np.ndarray) -> str:
    for variant, carries in zip(variants(), carried, strict=True):
        name = variant.in_name.sub(" ", name) if carries else name
    return name


def _by_case(chosen: Sequence[_Candidate]) -> Clarification | None:
    """Names that begin alike and end with the case: the case is asked for."""
    split = _shared_beginning([_plain(c.card.title) for c in chosen])
    if not split:
        return None
    topic, cases = split
    labels = [_cut(_capital(case)) if case else _PLAIN_CASE for case in cases]
    if len(set(labels)) < len(labels):
        return None
    return Clarification(_CASE.format(topic=topic[:1].lower() + topic[1:]), _options(chosen, labels))


def _shared_beginning(names: Sequence[str]) -> tuple[str, list[str]] | None:
    """The words that all names begin with, three or more, and what follows in each; at most one may end there."""
    words = [name.split() for name in names]
    for length in range(_shared_words(words), 2, -1):
        cases = [" ".join(own[length:]) for own in words]
        if len(cases) > 1 and cases.count("") <= 1 and all(not case or _CASE_WORDS.match(case) for case in cases):
            return " ".join(words[0][:length]).strip(" ,;:-"), cases
    return None


# -- labels --------------------------------------------------------------------------------


def _labels(chosen: Sequence[_Candidate]) -> list[str]:
    """Titles that tell the candidates apart; a province's own procedure is called so."""
    labels = [short(c.card.title) for c in chosen]
    for label in [label for label, count in Counter(labels).items() if count > 1]:
        same = [i for i, own in enumerate(labels) if own == label]
        ends = _with_ends([" ".join(without_prefix(chosen[i].card.title).split()) for i in same])
        for i, end in zip(same, ends, strict=True):
            labels[i] = end or label
    return _told_apart(
        chosen, [_with(label, present_province(c.card.province)) for label, c in zip(labels, chosen, strict=True)]
    )


def _with_ends(names: Sequence[str]) -> list[str]:
    """Of long names that begin alike, the beginning and the part that differs; empty where nothing does."""
    words = [name.split() for name in names]
    shared = _shared_words(words)
    start = max(0, shared - 2)  # two words more, to read the ends by
    ends = [_cut(" ".join(own[start:]), _END) for own in words]
    begins = [_cut(_capital(" ".join(words[0][:start])), MAX_LABEL - len(end) - 1) for end in ends]
    return [
        f"{begin} {end}".strip() if len(own) > shared else ""
        for own, begin, end in zip(words, begins, ends, strict=True)
    ]


def _shared_words(words: Sequence[Sequence[str]]) -> int:
    """How many words all begin with."""
    shared = 0
    while all(len(own) > shared for own in words) and len({fold(own[shared]) for own in words}) == 1:
        shared += 1
    return shared


def _told_apart(chosen: Sequence[_Candidate], labels: Sequence[str]) -> list[str]:
    """Equal labels with the province, the level or the authority that tells them apart, at last with the code."""
    labels = list(labels)
    attributes: list[Callable[[_Candidate], str]] = [
        lambda c: present_province(c.card.province),
        lambda c: c.levels,
        lambda c: c.card.promulgator,
        lambda c: f"mã {c.card.code}",
    ]
    for attribute in attributes:
        counts = Counter(labels)
        for label in [label for label, count in counts.items() if count > 1]:
            same = [i for i, own in enumerate(labels) if own == label]
            values = [attribute(chosen[i]) for i in same]
            if len(set(values)) > 1:
                for i, value in zip(same, values, strict=True):
                    labels[i] = _with(label, value)
    return labels


def _with(label: str, what: str) -> str:
    return f"{label} ({what})" if what else label


def _cut(label: str, most: int = MAX_LABEL) -> str:
    """At most ``most`` characters, ending with a whole word."""
    if len(label) <= most:
        return label
    return label[: most - 1].rsplit(" ", 1)[0].rstrip(" ,;:-(") + "…"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _options(chosen: Sequence[_Candidate], labels: Sequence[str]) -> list[Option]:
    return [Option(c.card.code, label) for c, label in zip(chosen, labels, strict=True)]
