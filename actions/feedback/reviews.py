"""The review list: questions that went wrong, for officers to say what would have been right.

Two kinds come in: questions whose answer was rated as bad, and questions to which nothing was found. An officer marks the
right procedure (or that there is none); a second one approves. Only then does the mark leave the list, as **either** a
phrase for the search **or** a row of the office's evaluation file, never both: which one is decided by the question's own
text, so that what is measured on is not what was learnt. Nothing here changes what people are answered: phrases are
written to a file of the installation by :func:`export`, and become live with the next ``motcua index``.

A question is kept without personal data, without who asked and without the hour. Equal questions are one entry.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Date, Engine, Integer, String, Text, and_, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from actions.privacy import mask
from actions.turns import Turn
from knowledge.database import Base
from knowledge.text import fold, normalize

QUESTION_LENGTH = 300
_NOTHING_FOUND = ("no_such_procedure",)
_MARK = re.compile(r"\[[^\]]*\]")
_EVALUATED = 3
"""One question in so many is kept for evaluation."""


class ReviewRow(Base):
    """A question; ``id`` is a digest of its folded text."""

    __tablename__ = "review"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    question: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(12))
    answered_code: Mapped[str | None] = mapped_column(String(40))
    reason: Mapped[str | None] = mapped_column(String(30))
    count: Mapped[int] = mapped_column(Integer)
    last_on: Mapped[dt.date] = mapped_column(Date, index=True)
    state: Mapped[str] = mapped_column(String(10), index=True)
    right_code: Mapped[str | None] = mapped_column(String(40))
    used_for: Mapped[str | None] = mapped_column(String(10))
    marked_by: Mapped[str | None] = mapped_column(String(120))
    approved_by: Mapped[str | None] = mapped_column(String(120))


class State(StrEnum):
    """How far a question has come."""

    OPEN = "open"
    MARKED = "marked"
    APPROVED = "approved"
    DISMISSED = "dismissed"


class Kind(StrEnum):
    """Why a question is on the list."""

    BAD_RATING = "bad_rating"
    UNANSWERED = "unanswered"


class Use(StrEnum):
    """What an approved question is for."""

    PHRASE = "phrase"
    EVALUATION = "evaluation"


class ReviewError(ValueError):
    """A step that the entry's state or the house's rule does not allow; the message is for the officer."""


@dataclass(frozen=True)
class Review:
    """One entry of the list."""

    id: str
    question: str
    kind: Kind
    answered_code: str | None
    reason: str | None
    count: int
    last_on: dt.date
    state: State
    right_code: str | None
    used_for: Use | None
    marked_by: str | None
    approved_by: str | None


class Reviews:
    """The list. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`.

    Args:
        engine: the installation's database, migrated.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    # -- coming in ----------------------------------------------------------------------------

    def rated_bad(self, question: str, answered_code: str | None, reason: str | None, day: dt.date) -> None:
        """Put a question on the list whose answer did not help; one that was reviewed before is opened again."""
        text = _kept(question)
        if not text:
            return
        self._put(text, Kind.BAD_RATING, day, 1, answered_code=answered_code, reason=reason)

    def gather(self, since: dt.date, until: dt.date) -> int:
        """Put the questions of these days to which nothing was found on the list; returns how many are new.

        Counts are those of the days asked for, so gathering twice changes nothing.
        """
        query = select(Turn.question, func.date(Turn.at)).where(
            Turn.status.in_(_NOTHING_FOUND),
            Turn.question.is_not(None),
            Turn.at >= dt.datetime.combine(since, dt.time()),
            Turn.at < dt.datetime.combine(until + dt.timedelta(days=1), dt.time()),
        )
        with self._engine.connect() as connection:
            found = [(_kept(question), _day(day)) for question, day in connection.execute(query)]
        counts = Counter(_id(text) for text, _ in found if text)
        latest = {_id(text): (text, day) for text, day in sorted(found, key=lambda one: one[1]) if text}
        return sum(self._put(text, Kind.UNANSWERED, day, counts[id]) for id, (text, day) in latest.items())

    def _put(self, text: str, kind: Kind, day: dt.date, count: int, **more: str | None) -> bool:
        row: dict[str, Any] = {
            "id": _id(text), "question": text, "kind": kind, "count": count, "last_on": day, "state": State.OPEN, **more,
        }  # fmt: skip
        again = {"last_on": day} | ({"count": ReviewRow.count + 1, **more} if kind is Kind.BAD_RATING else {"count": count})
        same = update(ReviewRow).where(ReviewRow.id == row["id"])
        with self._engine.begin() as connection:
            new = self._insert(ReviewRow).values(row).on_conflict_do_nothing().returning(ReviewRow.id)
            if connection.execute(new).first() is not None:
                return True
            if kind is Kind.BAD_RATING:
                connection.execute(same.values(again))
                done = same.where(ReviewRow.state.in_([State.APPROVED, State.DISMISSED]))
                connection.execute(done.values(state=State.OPEN, right_code=None, marked_by=None, approved_by=None))
            else:
                connection.execute(same.where(ReviewRow.kind == Kind.UNANSWERED).values(again))
        return False

    # -- reviewing ----------------------------------------------------------------------------

    def entries(self, state: State = State.OPEN, limit: int = 100) -> list[Review]:
        """Entries in a state, the most asked first."""
        query = select(ReviewRow.__table__).where(ReviewRow.state == state)
        query = query.order_by(ReviewRow.count.desc(), ReviewRow.last_on.desc(), ReviewRow.id).limit(limit)
        with self._engine.connect() as connection:
            return [_review(row) for row in connection.execute(query).mappings()]

    def counts(self) -> dict[str, int]:
        """How many entries are in each state."""
        query = select(ReviewRow.state, func.count()).group_by(ReviewRow.state)
        with self._engine.connect() as connection:
            return dict.fromkeys(map(str, State), 0) | {state: number for state, number in connection.execute(query)}

    def mark(self, id: str, code: str | None, by: str) -> None:
        """Say which procedure would have been right; None: no procedure at all.

        Raises:
            ReviewError: the entry is not open or marked.
        """
        values = {"state": State.MARKED, "right_code": code, "marked_by": by, "approved_by": None}
        self._step(id, {State.OPEN, State.MARKED}, values, "Câu hỏi này đã được xử lý xong hoặc không còn trong danh sách.")

    def approve(self, id: str, by: str) -> Use:
        """Let a mark be used; whoever marked it cannot approve it.

        Raises:
            ReviewError: the entry is not marked, or was marked by the same officer.
        """
        values = {"state": State.APPROVED, "approved_by": by, "used_for": use_of(id)}
        others = ReviewRow.marked_by != by
        said = "Cần một người khác duyệt: câu này chưa được chọn thủ tục, hoặc do chính anh/chị chọn."
        self._step(id, {State.MARKED}, values, said, others)
        return use_of(id)

    def dismiss(self, id: str, by: str) -> None:
        """Take an entry off the list: nothing can be learnt from it.

        Raises:
            ReviewError: there is no such open or marked entry.
        """
        values = {"state": State.DISMISSED, "marked_by": by}
        self._step(id, {State.OPEN, State.MARKED}, values, "Câu hỏi này không còn trong danh sách.")

    def _step(self, id: str, states: Iterable[State], values: dict[str, Any], refused: str, *more: Any) -> None:
        allowed = and_(ReviewRow.id == id, ReviewRow.state.in_(list(states)), *more)
        with self._engine.begin() as connection:
            if connection.execute(update(ReviewRow).where(allowed).values(values)).rowcount != 1:
                raise ReviewError(refused)


def use_of(id: str) -> Use:
    """What an entry will be used for once it is approved; the same for the same question at any time."""
    return Use.EVALUATION if int(id, 16) % _EVALUATED == 0 else Use.PHRASE


def export(reviews: Reviews, home: Path) -> dict[str, int]:
    """Write what is approved into the installation's own files, anew each time.

    ``phrases/reviewed.yml`` is read by the next ``motcua index``; ``evaluation/reviewed.jsonl`` by ``motcua evaluate``.

    Returns:
        How many phrases, and how many evaluation rows, were written.
    """
    approved = reviews.entries(State.APPROVED, limit=1_000_000)
    phrases: dict[str, list[str]] = {}
    rows = []
    for one in sorted(approved, key=lambda one: one.id):
        if one.used_for is Use.EVALUATION:
            rows.append(_evaluation_row(one))
        elif one.right_code and not _MARK.search(one.question):  # nobody asks with a mark where a number stood
            phrases.setdefault(one.right_code, []).append(one.question)
    _replace(home / "phrases" / "reviewed.yml", yaml.safe_dump(phrases, allow_unicode=True, sort_keys=True))
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    _replace(home / "evaluation" / "reviewed.jsonl", lines)
    return {"phrases": sum(map(len, phrases.values())), "evaluation": len(rows)}


def _evaluation_row(one: Review) -> dict[str, Any]:
    return {
        "id": f"reviewed-{one.id[:12]}",
        "question": one.question,
        "behavior": "answer" if one.right_code else "abstain",
        "acceptable_codes": [one.right_code] if one.right_code else [],
        "fields": [],
        "style": "reviewed",
    }


def _replace(path: Path, text: str) -> None:
    """Whoever reads the file meanwhile sees the old or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(path.suffix + ".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def _kept(question: str) -> str:
    return " ".join(mask(question).text.split())[:QUESTION_LENGTH]


def _id(text: str) -> str:
    return hashlib.sha256(fold(normalize(text)).encode()).hexdigest()[:32]


def _day(value: Any) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(value)


def _review(row: Any) -> Review:
    values = dict(row) | {"kind": Kind(row["kind"]), "state": State(row["state"])}
    return Review(**values | {"used_for": Use(row["used_for"]) if row["used_for"] else None})
