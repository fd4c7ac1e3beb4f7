"""``GET /api/v1/console/search``: procedures while the question is still being typed.

The engine is the bot's own. It reads whole words, so the word that is being typed is completed first, by what follows the
word before it in the catalogue's names ("khai si" → "khai sinh"); and names that hold all words of the query, the last one
perhaps unfinished, are added to what the engine finds.
"""

from __future__ import annotations

import asyncio
import re
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from pydantic import BaseModel

from connectors.console.hotline.common import LEVELS, no_store
from connectors.staff.access import ACCESS_ERRORS, Member, Role, signed_in
from knowledge.phrase_bank import PhraseBank, PhraseFileError
from knowledge.search.decision import Decision
from knowledge.search.engine import SearchEngine
from knowledge.search.index import Card
from knowledge.settings import Settings
from knowledge.text import clean, fold, has_accents, normalize, tokens

router = APIRouter(prefix="/console", tags=["console"], dependencies=[Depends(no_store)])

SHOWN = 8
"""Results on the page; more than a caller waits for is no help."""
_RESERVED = 3
"""Of these, places for names that the engine does not have among the first."""
_OFTEN = 4
"""How much more a procedure counts for each step of how often it is asked for."""
_CODE = re.compile(r"[\d.\s]{3,12}(?:h\d[\w.]*)?", re.IGNORECASE)
_SHORT = 2
"""Letters of a word that is rather the beginning of another."""
_RATHER = 10
"""How much more often another word must occur, for a word to be taken as its beginning."""


class Found(BaseModel):
    """A procedure; ``level`` is for people."""

    code: str
    name: str
    field: str
    level: str
    province: str


class Hint(BaseModel):
    """The question that the bot would ask back, with its answers."""

    question: str
    options: list[tuple[str, str]]


class FoundList(BaseModel):
    """What was found; ``understood`` is the query with its last word completed.

    ``found`` is False where nothing fits: ``results`` are then only what is nearest. ``ms``: milliseconds of the search.
    """

    query: str
    understood: str
    found: bool
    decision: Literal["answer", "clarify", "abstain"]
    results: list[Found]
    hint: Hint | None = None
    ms: float = 0.0


class Finder:
    """Searches for somebody who is still typing.

    Args:
        engine: the installation's.
        phrases: how people ask, by procedure code; only to complete words.
    """

    def __init__(self, engine: SearchEngine, phrases: Mapping[str, Sequence[str]] = MappingProxyType({})) -> None:
        self.engine = engine
        self._cards = engine.index.cards
        self._often: Counter[str] = Counter()
        self._next: dict[str, Counter[str]] = defaultdict(Counter)
        written: dict[str, Counter[str]] = defaultdict(Counter)
        postings: dict[str, list[int]] = defaultdict(list)
        for position, card in enumerate(self._cards):
            names = dict.fromkeys((card.name, card.title))
            for text in (*names, *phrases.get(card.code, ())):
                self._learn(tokens(clean(text)), 1 + _OFTEN * card.asked, written)
            for word in {fold(word) for name in names for word in tokens(clean(name))}:
                postings[word].append(position)
        self._postings = {word: np.asarray(positions, dtype=np.int32) for word, positions in postings.items()}
        self._named_words, self._words = sorted(postings), sorted(self._often)
        self._written = {plain: forms.most_common(1)[0][0] for plain, forms in written.items()}
        self._order = np.asarray([(-card.asked, len(card.title)) for card in self._cards] or [(0, 0)], dtype=np.int32)
        self._by_digits = sorted((_digits(card.code), position) for position, card in enumerate(self._cards))

    def _learn(self, words: Sequence[str], weight: int, written: dict[str, Counter[str]]) -> None:
        folded = [fold(word) for word in words]
        for word, plain in zip(words, folded, strict=True):
            written[plain][word] += weight
            self._often[plain] += weight
        for before, after in pairwise(folded):
            self._next[before][after] += weight

    def find(self, query: str) -> FoundList:
        """Procedures for a query as far as it is typed.

        Args:
            query: any length; words, a code with or without dots, or a situation.
        """
        started = time.perf_counter()
        if _CODE.fullmatch(query.strip()) and (coded := self._by_code(query)):
            found = FoundList(query=query, understood=query, found=True, decision="answer", results=_shown(coded))
        else:
            found = self._by_words(query)
        return found.model_copy(update={"ms": round((time.perf_counter() - started) * 1000, 2)})

    def _by_words(self, query: str) -> FoundList:
        understood = normalize(query if query[-1:].isspace() else self.completed(clean(query)))
        judged = self.engine.search(understood, k=SHOWN)
        by_name = self._named(understood)
        by_engine = [card for hit in judged.results if (card := self.engine.card(hit.code))]
        sure = judged.decision is not Decision.ABSTAIN
        asked = judged.clarification
        return FoundList(
            query=query,
            understood=understood,
            found=sure or bool(by_name),
            decision=judged.decision.value,
            results=_shown(_merged(by_engine, by_name) if sure else _merged(by_name, by_engine)),
            hint=Hint(question=asked.question, options=[(o.code, o.label) for o in asked.options]) if asked else None,
        )

    def completed(self, text: str) -> str:
        """The text with its last word completed, where names and phrases tell how it goes on.

        A word that is one already stays, unless it seldom stands where it does and its beginning often begins another.
        """
        before, _, last = text.rpartition(" ")
        plain = fold(last)
        if not plain.isalpha():
            return text
        following = self._next.get(fold(normalize(before)).rpartition(" ")[2], Counter())
        if plain in following:
            return text
        likely = _likeliest(following, plain)
        if likely is None or (plain in self._often and len(plain) > _SHORT):
            likely = _likeliest(Counter({word: self._often[word] for word in _starting(self._words, plain)}), plain)
            if likely is None or self._often[likely] < _RATHER * self._often[plain]:
                return text
        word = self._written[likely] if has_accents(text) else likely
        return f"{before} {word}" if before else word

    def _named(self, text: str) -> list[Card]:
        """Procedures whose name holds every word, the last one at least as a beginning; the most asked first."""
        words = [fold(word) for word in tokens(text)]
        if not words:
            return []
        last = [self._postings[word] for word in _starting(self._named_words, words[-1])]
        if not last or any(word not in self._postings for word in words[:-1]):
            return []
        found = np.unique(np.concatenate(last))
        for word in words[:-1]:
            found = np.intersect1d(found, self._postings[word], assume_unique=True)
        order = np.lexsort((self._order[found, 1], self._order[found, 0]))[:SHOWN]
        return [self._cards[int(position)] for position in found[order]]

    def _by_code(self, query: str) -> list[Card]:
        digits = _digits(query)
        start = bisect_left(self._by_digits, (digits, -1))
        found = []
        for code, position in self._by_digits[start : start + SHOWN]:
            if not code.startswith(digits):
                break
            found.append(self._cards[position])
        return found


def finder_of(app: FastAPI) -> Finder:
    """The finder over the engine in use; made anew where `motcua index` has replaced that."""
    engine = app.state.talk.engine
    finder: Finder | None = getattr(app.state, "finder", None)
    if finder is None or finder.engine is not engine:
        finder = app.state.finder = Finder(engine, _phrases(app.state.settings))
    return finder


def _phrases(settings: Settings) -> Mapping[str, Sequence[str]]:
    try:
        return PhraseBank.of(settings).phrases
    except (OSError, PhraseFileError):  # `motcua index` names the file; here words are only completed less well
        return {}


@router.get("/search", responses=ACCESS_ERRORS)
async def search(
    request: Request,
    _member: Annotated[Member, Depends(signed_in(Role.AGENT))],
    q: Annotated[str, Query(min_length=1, max_length=500, description="What was typed so far.")],
) -> FoundList:
    """Procedures for what was typed so far, accents or not: words and their beginnings, a code, a situation."""
    return await asyncio.to_thread(lambda: finder_of(request.app).find(q))


def _shown(cards: list[Card]) -> list[Found]:
    return [
        Found(
            code=card.code,
            name=card.title,
            field=card.field,
            level=LEVELS.get(card.levels[0], "") if card.levels else "",
            province=card.province,
        )
        for card in cards
    ]


def _merged(first: list[Card], others: list[Card]) -> list[Card]:
    """The first, with places left for what only the others have."""
    codes = {card.code for card in first}
    more = [card for card in others if card.code not in codes]
    kept = first[: SHOWN - min(len(more), _RESERVED)]
    return [*kept, *more][:SHOWN]


def _starting(words: Sequence[str], prefix: str) -> Sequence[str]:
    """Those of the sorted words that begin so."""
    start = bisect_left(words, prefix)
    return words[start : bisect_left(words, prefix + "\uffff", start)]


def _likeliest(words: Counter[str], prefix: str) -> str | None:
    fitting = {word: count for word, count in words.items() if word.startswith(prefix)}
    return max(fitting, key=lambda word: (fitting[word], word)) if fitting else None


def _digits(code: str) -> str:
    """A code without dots and blanks, in capitals: ``1.012753.H19`` → ``1012753H19``."""
    return "".join(c for c in code.upper() if c.isalnum())
