"""Search as the rest of motcua uses it: a message in, a decision and candidates out."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from knowledge import phrase_bank
from knowledge.catalogue import Catalogue
from knowledge.fields import asked_fields, strip_fields
from knowledge.search.clarify import Clarification, clarification
from knowledge.search.decision import Decision, Policy, evidence
from knowledge.search.encoder import Encoder
from knowledge.search.index import BuildReport, Card, Index, build, describe
from knowledge.search.ranking import Filters, Ranker, Signals, Weights
from knowledge.settings import Settings
from knowledge.text import normalize

_CODE = re.compile(r"(?<![\d.])\d\.\d{6}(?:\.[0-9A-Z.]+)?(?![\d])", re.IGNORECASE)


def contents_fingerprint(settings: Settings, catalogue: Catalogue) -> str:
    """Changes with the catalogue and with the phrase bank: what an index was built from."""
    return f"{catalogue.fingerprint()}/{phrase_bank.fingerprint(settings)}"


def is_current(settings: Settings, catalogue: Catalogue | None = None) -> bool:
    """Whether the installation's index was built from the present catalogue and phrases.

    Who has the catalogue open passes it: opening it makes a connection and checks the schema.
    """
    present = contents_fingerprint(settings, catalogue or Catalogue.open(settings))
    return describe(settings.index_dir).get("catalogue") == present


def rebuild(settings: Settings, progress: Callable[[int, int], None] | None = None) -> BuildReport:
    """Bring the installation's index up to date; only texts that changed are embedded."""
    catalogue = Catalogue.open(settings)
    procedures = phrase_bank.PhraseBank.of(settings).added_to(catalogue.current())
    encoder = Encoder.load(settings.encoder, threads=settings.encoder_threads, runtime=settings.encoder_runtime)
    return build(settings.index_dir, procedures, encoder, contents_fingerprint(settings, catalogue), progress)


@dataclass(frozen=True)
class Hit:
    """A procedure found; ``score`` is comparable within one result only."""

    code: str
    name: str
    field: str
    level: str
    score: float
    title: str

    def to_dict(self) -> dict[str, object]:
        return {"code": self.code, "name": self.name, "field": self.field, "level": self.level, "score": round(self.score, 4)}


@dataclass(frozen=True)
class SearchResult:
    """What was found for a message. ``fields`` are the kinds of facts it asks for."""

    query: str
    decision: Decision
    fields: list[str]
    results: list[Hit]
    ms: float
    clarification: Clarification | None = field(default=None)

    def to_dict(self) -> dict[str, object]:
        """The contract of ``motcua search --json``."""
        return {
            "query": self.query,
            "decision": str(self.decision),
            "field": self.fields[0] if self.fields else None,
            "fields": self.fields,
            "results": [hit.to_dict() for hit in self.results],
            "clarification": self.clarification
            and {
                "question": self.clarification.question,
                "options": [{"code": o.code, "label": o.label} for o in self.clarification.options],
            },
            "ms": round(self.ms, 2),
        }


class SearchEngine:
    """An opened index with its encoder; safe to share between threads."""

    def __init__(
        self, index: Index, encoder: Encoder, weights: Weights | None = None, policy: Policy | None = None
    ) -> None:
        self.index = index
        self.ranker = Ranker(index, encoder, weights)
        self.policy = policy or Policy.shipped()
        self._by_code = {c.code: position for position, c in enumerate(index.cards)}

    @classmethod
    def open(cls, settings: Settings) -> SearchEngine:
        """Open the installation's index.

        Raises:
            IndexMissingError: the index is missing or of another model.
        """
        encoder = Encoder.load(settings.encoder, threads=1, runtime=settings.encoder_runtime)
        return cls(Index.open(Path(settings.index_dir), encoder), encoder)

    def search(self, text: str, k: int = 5, filters: Filters = Filters()) -> SearchResult:
        """Find the procedures that a message is about.

        Args:
            text: the message as typed; any length.
            k: how many candidates to return.
            filters: restrict to a level, field or province.
        """
        started = time.perf_counter()
        message = normalize(text)
        fields = asked_fields(message)
        by_code = self._named_by_code(message)
        if by_code:
            return SearchResult(text, Decision.ANSWER, fields, by_code[:k], _ms_since(started))
        topic = strip_fields(message) or message
        if not any(c.isalnum() for c in topic) or not self.index.cards:
            return SearchResult(text, Decision.ABSTAIN, fields, [], _ms_since(started))
        signals = self.ranker.rank(topic, filters)
        decision = self.policy.decide(evidence(signals))
        hits = [self._hit(int(p), float(signals.score[p])) for p in signals.order[:k] if signals.score[p] > -1e9]
        question = self._clarify(signals) if decision is Decision.CLARIFY else None
        return SearchResult(text, decision, fields, hits, _ms_since(started), question)

    def card(self, code: str) -> Card | None:
        position = self._by_code.get(code)
        return None if position is None else self.index.cards[position]

    def _clarify(self, signals: Signals) -> Clarification:
        best = float(signals.score[signals.order[0]])
        first = [int(p) for p in signals.order[:8] if np.isfinite(signals.score[p])]
        near = [p for p in first if best - float(signals.score[p]) <= self.policy.near]
        return clarification(self.index.cards, near if len(near) > 1 else first[:3], self.ranker.variants)

    def _named_by_code(self, message: str) -> list[Hit]:
        codes = [match.group().upper().rstrip(".") for match in _CODE.finditer(message)]
        return [self._hit(self._by_code[code], 1.0) for code in dict.fromkeys(codes) if code in self._by_code]

    def _hit(self, position: int, score: float) -> Hit:
        c = self.index.cards[position]
        return Hit(c.code, c.name, c.field, c.levels[0] if c.levels else "", score, c.title)


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
