"""Search within a talk: does a message go on about the present procedure, narrow it, or name a new one?

Three readings are compared: the message alone, the message together with what the talk is about, and
the message as a choice among the options that were offered. Thresholds were set on
``tools/search/questions/dialogues.jsonl``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from knowledge.fields import content_words, strip_fields
from knowledge.search.decision import Decision
from knowledge.search.engine import SearchEngine, SearchResult
from knowledge.text import fold, normalize

CHOOSE = 0.6
"""Share of the probability that one offered option needs to be taken as chosen."""
ALIKE = 0.75
"""Cosine of two names from which procedures count as near twins."""
STRANGE = 0.05
"""Below this probability of being about any procedure, a message that asks for no fact has left the subject."""
LEAVE_CONFIDENCE, LEAVE_WORD, LEAVE_MARKER, LEAVE_FROM = 2.3, 0.85, 1.2, 3.2
"""What speaks for another subject: confidence in it, each word that carries a topic (at most 6), an announcement."""

_MARKER = re.compile(
    r"^(?:(?:da|vang|ok|oke|a|u|uh|the|vay|thoi|ma|roi|cam on(?: em| anh| chi| ban)?)[ ,]+)*"
    r"(?:con(?! (?:toi|em|minh|tui|chau|trai|gai|be|duoi|tren|cua))|tien(?: the| day)? (?:cho )?hoi|tien the|"
    r"cho (?:em |toi |minh |chau )?hoi them|hoi them|nhan tien|sang (?:viec|chuyen)|chuyen qua)\b"
)


@dataclass(frozen=True)
class Context:
    """What a talk is about: the present procedure, options on offer, and the words that led there."""

    current: str | None = None
    offered: tuple[str, ...] = ()
    topic: str = ""


def search_in_context(engine: SearchEngine, text: str, context: Context, k: int = 8) -> SearchResult:
    """Like ``engine.search``, with what was said before taken into account.

    Returns:
        A result whose first procedure is the present one where the message goes on about it.
    """
    alone = engine.search(text, k)
    if not context.current and not context.offered:
        return alone
    if context.offered and (chosen := _choice(engine, text, context, alone)):
        return _answer(engine, alone, chosen)
    return _beside(engine, text, context.current, alone) if context.current else alone


def _choice(engine: SearchEngine, text: str, context: Context, alone: SearchResult) -> str | None:
    """The offered option that the message means; None where it means none of them."""
    first = alone.results[0].code if alone.results else None
    if alone.decision is Decision.ANSWER:
        return first
    if _announced(text) or (alone.decision is Decision.CLARIFY and _leaves(text, alone) and not _near(alone, context)):
        return None
    best = engine.likeliest(f"{context.topic} {text}", context.offered)
    return best[0] if best and best[1] >= CHOOSE else None


def _near(alone: SearchResult, context: Context) -> bool:
    """Whether an offered option is among the best for the message alone."""
    return any(hit.code in context.offered for hit in alone.results[:5])


def _beside(engine: SearchEngine, text: str, current: str, alone: SearchResult) -> SearchResult:
    """The message beside the present procedure."""
    if engine.card(current) is None or not alone.results:
        return alone
    if alone.results[0].code == current:
        return _answer(engine, alone, current)
    if alone.decision is not Decision.ANSWER and (twin := _twin(engine, text, current)):
        return _answer(engine, alone, twin)
    strange = alone.in_scope < STRANGE and not alone.fields
    if strange or _elsewhere(text, current, alone) or (alone.decision is not Decision.ABSTAIN and _leaves(text, alone)):
        return alone
    return _answer(engine, alone, current)


def _elsewhere(text: str, current: str, alone: SearchResult) -> bool:
    """Whether the message asks for no fact and what it is about leads to other procedures only: better asked back than wrong."""
    about = len(content_words(strip_fields(text))) >= 2
    return about and not alone.fields and alone.decision is Decision.CLARIFY and all(hit.code != current for hit in alone.results)


def _twin(engine: SearchEngine, text: str, current: str) -> str | None:
    """The near twin of the present procedure for a special case that the message brings up."""
    twins = [code for code in engine.twins(current, text) if engine.alike(current, code) >= ALIKE]
    card = engine.card(current)
    best = engine.likeliest(f"{card.title} {text}", twins) if card and twins else None
    return best[0] if best and best[1] >= CHOOSE else None


def _leaves(text: str, alone: SearchResult) -> bool:
    """Whether the message speaks of something else."""
    words = min(6, len(content_words(strip_fields(text))))
    score = LEAVE_CONFIDENCE * alone.confidence + LEAVE_WORD * words + LEAVE_MARKER * _announced(text)
    return score >= LEAVE_FROM


def _announced(text: str) -> bool:
    """Whether the message announces another subject ("còn …", "tiện hỏi luôn …")."""
    return bool(_MARKER.match(fold(normalize(text)).strip()))


def _answer(engine: SearchEngine, found: SearchResult, code: str) -> SearchResult:
    """The result with ``code`` as the answer."""
    others = [hit for hit in found.results if hit.code != code]
    return replace(found, decision=Decision.ANSWER, results=[engine.hit(code), *others], clarification=None)
