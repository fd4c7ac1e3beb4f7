"""What of a dossier was told last, and which differences are worth telling.

What was told is kept as a few dates and short hashes: enough to see a difference, and nothing that anybody could read.
What a system no longer says is no change: far ends leave fields out now and then, and a citizen must not hear of it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from actions.dossiers.dossier import Dossier, Payment, State, Supplement
from actions.dossiers.explanation import quote
from actions.dossiers.explanation import words as state_words
from actions.dossiers.standing import Standing
from knowledge.text import clean

WORDS_FILE = Path(__file__).with_name("watching.yml")

ENDED = frozenset({State.RETURNED, State.WITHDRAWN, State.NOT_ACCEPTED})
"""States after which nothing more will come."""

_HASH_DIGITS = 16


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """``watching.yml``."""
    return dict(yaml.safe_load(WORDS_FILE.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Seen:
    """What a person was told of a dossier. Texts are there as hashes; days without the time of day."""

    state: State
    label: str = ""  # only of a state that we do not know
    due: dt.date | None = None
    new_due: dt.date | None = None
    supplements: frozenset[str] = frozenset()
    payment: str = ""
    apology: bool = False

    @classmethod
    def of(cls, dossier: Dossier, now: dt.datetime) -> Seen:
        """What :func:`~actions.dossiers.explanation.explain` tells of ``dossier`` at ``now`` (local, naive)."""
        standing = Standing(dossier, now)
        return cls(
            state=dossier.state,
            label=_hash(clean(dossier.label)) if dossier.state is State.UNKNOWN else "",
            due=standing.system_due.date() if standing.system_due else None,
            new_due=standing.new_due.date() if standing.new_due else None,
            supplements=frozenset(map(_request, dossier.supplements)),
            payment=_payment(dossier.payment),
            apology=dossier.apology_sent,
        )

    def then(self, dossier: Dossier, now: dt.datetime) -> Seen:
        """What is known once ``dossier`` is told, too: where it is silent, what was told before stays."""
        new = Seen.of(dossier, now)
        return Seen(
            state=new.state,
            label=new.label,
            due=new.due or self.due,
            new_due=new.new_due or self.new_due,
            supplements=self.supplements | new.supplements,
            payment=new.payment or self.payment,
            apology=self.apology or new.apology,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "state": str(self.state),
            "label": self.label,
            "due": self.due and self.due.isoformat(),
            "new_due": self.new_due and self.new_due.isoformat(),
            "supplements": sorted(self.supplements),
            "payment": self.payment,
            "apology": self.apology,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Seen:
        day = lambda name: dt.date.fromisoformat(values[name]) if values[name] else None  # noqa: E731
        return cls(
            state=State(values["state"]),
            label=values["label"],
            due=day("due"),
            new_due=day("new_due"),
            supplements=frozenset(values["supplements"]),
            payment=values["payment"],
            apology=values["apology"],
        )


def headline(before: Seen, dossier: Dossier, now: dt.datetime) -> str:
    """One line that says what changed since ``before``; empty when nothing did."""
    changed = "; ".join(_changes(before, dossier, before.then(dossier, now)))
    return str(words()["head"]).format(changes=changed) if changed else ""


def _changes(before: Seen, dossier: Dossier, after: Seen) -> Iterator[str]:
    said = words()["changes"]
    moved = after.state is not before.state
    if moved:
        yield said["state"].format(before=_title(before.state), after=_title(after.state))
    elif after.label != before.label:
        label = quote(dossier.label)
        yield said["label" if label else "label_unnamed"].format(after=label)
    if not (moved and after.state is State.SUPPLEMENT):
        yield from _new_requests(before, dossier)
    if after.payment != before.payment and not (moved and after.state is State.PAYMENT):
        yield said["payment" if before.payment else "payment_first"]
    if after.due and after.due != before.due:
        days = {"before": _day(before.due), "after": _day(after.due)}
        yield said["due" if before.due else "due_first"].format(**days)
    if after.apology and not before.apology:
        yield said["apology"]
    if after.new_due and after.new_due != before.new_due:
        yield said["new_due"].format(after=_day(after.new_due))


def _new_requests(before: Seen, dossier: Dossier) -> Iterator[str]:
    """Papers that came in before anybody was told of the request need no telling."""
    if any(not item.done_at and _request(item) not in before.supplements for item in dossier.supplements):
        more = len(dossier.supplements) > len(before.supplements)
        yield words()["changes"]["supplement" if more else "supplement_rewritten"]


def _title(state: State) -> str:
    return str(state_words()["states"][state]["title"])


def _day(day: dt.date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else ""


def _request(item: Supplement) -> str:
    return _hash(f"{item.asked_at.date() if item.asked_at else ''}|{clean(item.content)}")


def _payment(payment: Payment | None) -> str:
    said = payment and (payment.amount or clean(payment.content))
    return _hash(f"{payment.amount or ''}|{clean(payment.content)}") if payment and said else ""


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HASH_DIGITS]
