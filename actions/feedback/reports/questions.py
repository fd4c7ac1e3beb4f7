"""Questions that the catalogue could not answer, without personal data and without who asked."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from actions.dossiers.reading import VIETNAM
from actions.feedback.reports.periods import Period
from actions.feedback.scrub import scrub
from actions.turns import Turn
from knowledge.text import fold

NO_PROCEDURE, NOT_PUBLISHED = "no_such_procedure", "not_published"
MOST_QUESTIONS = 100


@dataclass(frozen=True)
class Question:
    """A question, in the words in which it was asked most; ``procedure_code`` where one was found that lacks the answer."""

    text: str
    status: str
    procedure_code: str | None
    count: int


@dataclass(frozen=True)
class Turns:
    """Turns of a period by status, and the questions without an answer, most frequent first."""

    by_status: Counter[str]
    questions: list[Question]

    @property
    def total(self) -> int:
        return self.by_status.total()


def turns(engine: Engine, period: Period) -> Turns:
    """What was asked in a period and how it was answered. Equal questions, but for accents and case, are one."""
    since, until = _utc(period.since), _utc(period.until + dt.timedelta(days=1))
    within = (Turn.at >= since, Turn.at < until)
    by_status = select(Turn.status, func.count()).where(*within).group_by(Turn.status)
    asked = (
        select(Turn.question, Turn.status, Turn.procedure_code, func.count())
        .where(*within, Turn.status.in_([NO_PROCEDURE, NOT_PUBLISHED]), Turn.question.is_not(None))
        .group_by(Turn.question, Turn.status, Turn.procedure_code)
    )
    with engine.connect() as connection:
        counts = Counter({status: count for status, count in connection.execute(by_status)})
        rows = [(str(text), status, code, count) for text, status, code, count in connection.execute(asked)]
    return Turns(counts, _grouped(rows))


def _grouped(rows: list[tuple[str, str, str | None, int]]) -> list[Question]:
    spellings: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for text, status, code, count in rows:
        words = scrub(text).strip()
        spellings[fold(words), status, code or ""][words] += count
    found = [
        Question(min(words, key=lambda text: (-words[text], text)), status, code or None, words.total())
        for (_, status, code), words in spellings.items()
    ]
    return sorted(found, key=lambda q: (-q.count, q.text))[:MOST_QUESTIONS]


def _utc(day: dt.date) -> dt.datetime:
    """The beginning of a day in Vietnam, as turns are stored: UTC without zone."""
    return dt.datetime.combine(day, dt.time(), VIETNAM).astimezone(dt.UTC).replace(tzinfo=None)
