"""Search as the rest of motcua uses it: a message in, a decision and candidates out."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from knowledge import phrase_bank
from knowledge.catalogue import Catalogue
from knowledge.fields import asked_fields, strip_fields
from knowledge.places import present_province
from knowledge.search.clarify import Clarification, clarification, essence
from knowledge.search.decision import Decision, Policy, evidence
from knowledge.search.encoder import Encoder
from knowledge.search.index import BuildReport, Card, Index, build, describe, shipped_fingerprint
from knowledge.search.ranking import Filters, Ranker, Ranking
from knowledge.settings import Settings
from knowledge.text import normalize

_OPTIONS = 3
"""Options that a question back offers at least."""
_CODE = re.compile(r"(?<![\d.])\d\.\d{6}(?:\.[0-9A-Z.]+)?(?![\d])", re.IGNORECASE)


def contents_fingerprint(settings: Settings, catalogue: Catalogue) -> str:
    """Changes with the catalogue and with the phrase bank: what an index was built from."""
    return f"{catalogue.fingerprint()}/{phrase_bank.fingerprint(settings)}/{shipped_fingerprint()}"


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
    """A procedure found; ``score`` says how likely it is the right one, if any is (0 to 1)."""

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
    """What was found for a message.

    ``fields`` are the kinds of facts it asks for; ``in_scope`` and ``confidence`` how likely it is that
    the message is about any procedure, and that the first one is the right one (0 to 1).
    """

    query: str
    decision: Decision
    fields: list[str]
    results: list[Hit]
    ms: float
    clarification: Clarification | None = field(default=None)
    in_scope: float = 1.0
    confidence: float = 1.0

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

    def __init__(self, index: Index, encoder: Encoder, policy: Policy | None = None) -> None:
        self.index = index
        self.ranker = Ranker(index, encoder)
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
        return self._judged(text, fields, self.ranker.rank(topic, filters, message=message), k, started)

    def likeliest(self, text: str, among: Sequence[str]) -> tuple[str, float] | None:
        """The procedure of a few known ones that a text fits best, and its share of their probability."""
        known = [code for code in among if code in self._by_code]
        if not known or not any(c.isalnum() for c in text):
            return None
        ranking = self.ranker.rank(normalize(text), only=[self._by_code[code] for code in known])
        return self.index.cards[int(ranking.order[0])].code, float(ranking.probabilities[0])

    def twins(self, code: str, text: str) -> list[str]:
        """Procedures for a special case that the text mentions and the procedure ``code`` is not for."""
        positions = self.ranker.variants.narrowed(self._by_code[code], text)
        return [self.index.cards[int(position)].code for position in positions]

    def alike(self, code: str, other: str) -> float:
        """How near two procedures are by name: cosine of the vectors of their names."""
        first, second = (self.ranker.name_vector(self._by_code[c]) for c in (code, other))
        return float(first @ second)

    def _judged(self, text: str, fields: list[str], ranking: Ranking, k: int, started: float) -> SearchResult:
        seen = evidence(ranking)
        decision = self.policy.decide(seen)
        likely = zip(ranking.order[:k], ranking.probabilities, strict=False)
        hits = [self._hit(int(position), float(probability)) for position, probability in likely]
        question = self._clarify(ranking, text) if decision is Decision.CLARIFY else None
        in_scope = self.policy.in_scope.probability(seen) if seen else 0.0
        confidence = in_scope * self.policy.correct.probability(seen) if seen else 0.0
        return SearchResult(text, decision, fields, hits, _ms_since(started), question, in_scope, confidence)

    def hit(self, code: str) -> Hit:
        """A known procedure as a sure hit.

        Raises:
            KeyError: the index does not hold it.
        """
        return self._hit(self._by_code[code], 1.0)

    def card(self, code: str) -> Card | None:
        position = self._by_code.get(code)
        return None if position is None else self.index.cards[position]

    def in_province(self, code: str, provinces: Collection[str]) -> str | None:
        """The record of a procedure that one of these provinces has published; None where none has its own."""
        of = self._by_code.get(code)
        alike = self._by_essence.get(essence(self.index.cards[of]), ()) if of is not None else ()
        own = [self.index.cards[i] for i in alike if present_province(self.index.cards[i].province) in provinces]
        return own[0].code if len(own) == 1 else None

    @cached_property
    def _by_essence(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for position, own in enumerate(self.index.cards):
            found.setdefault(essence(own), []).append(position)
        return found

    def _clarify(self, ranking: Ranking, text: str) -> Clarification:
        probabilities = ranking.probabilities
        near = max(int((probabilities >= self.policy.near * probabilities[0]).sum()), _OPTIONS)
        candidates = [int(position) for position in ranking.order[:near]]
        return clarification(self.index.cards, candidates, self.ranker.variants, probabilities[:near].tolist(), text)

    def _named_by_code(self, message: str) -> list[Hit]:
        codes = [match.group().upper().rstrip(".") for match in _CODE.finditer(message)]
        return [self._hit(self._by_code[code], 1.0) for code in dict.fromkeys(codes) if code in self._by_code]

    def _hit(self, position: int, score: float) -> Hit:
        c = self.index.cards[position]
        return Hit(c.code, c.name, c.field, c.levels[0] if c.levels else "", score, c.title)


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
