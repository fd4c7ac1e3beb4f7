"""A questionnaire within a talk, as a pure state machine: what is asked, what a message answers, where that leads.

Nothing here knows of databases, channels or Rasa; :mod:`actions.feedback.talk` does.
"""

from __future__ import annotations

import dataclasses
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Any

from actions.feedback import aside
from actions.feedback.instruments import Answers, Instrument, Item, Value
from actions.replies import ReplyOption
from knowledge.text import fold, normalize

ANSWER_PAYLOAD = "/survey_answer"
"""What is sent to Rasa in place of an answer, which Rasa never sees; buttons carry the answer behind it as JSON."""

_MOST_IGNORED = 2
"""Messages about something else, after the question was asked again, from which it is not asked any more."""
_SKIP_LABEL, _STOP_LABEL = "Bỏ qua", "Thôi"


class Move(StrEnum):
    """What a message does to the question that waits."""

    ANSWER = "answer"
    SKIP = "skip"
    STOP = "stop"


@dataclass(frozen=True)
class Given:
    """An answer: a scale's value or free words, or the wish to skip or stop. ``item`` is what it answers."""

    item: str
    move: Move = Move.ANSWER
    value: Value | None = field(default=None, repr=False)
    words: str | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Given:
        return cls(**data | {"move": Move(data["move"])})


@dataclass(frozen=True)
class Survey:
    """How far somebody has come.

    ``key``: the ticket's key, or a petition's number. ``only``: the one item that is asked, where it is just one.
    ``again``: the waiting question was asked a second time; ``ignored``: messages since then that did not answer it.
    ``paused``: another question of ours waits, so that only buttons answer this one. ``quiet``: likewise, and it is not
    asked again. ``question``: what led to the answer that is rated.
    """

    instrument: str
    version: int
    key: str
    about: dict[str, str | None]
    answers: Answers = field(default_factory=dict, repr=False)
    comments: dict[str, str] = field(default_factory=dict, repr=False)
    skipped: tuple[str, ...] = ()
    only: str | None = None
    again: bool = False
    ignored: int = 0
    paused: bool = False
    quiet: bool = False
    question: str | None = field(default=None, repr=False)

    @property
    def begun(self) -> bool:
        return bool(self.answers or self.comments or self.skipped)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Survey:
        return cls(**data | {"skipped": tuple(data["skipped"])})


def pending(instrument: Instrument, survey: Survey) -> Item | None:
    """The question that waits for an answer; None at the end."""
    done = {*survey.answers, *survey.comments, *survey.skipped}
    return next((item for item in _items(instrument, survey) if item.id not in done), None)


def _items(instrument: Instrument, survey: Survey) -> list[Item]:
    asked = instrument.asked(survey.answers, short=True)
    return [item for item in asked if survey.only in (None, item.id)]


def step(instrument: Instrument, survey: Survey, given: Given) -> Survey:
    """The survey after an answer. One that answers an earlier question anew replaces what was said."""
    skipped = tuple(name for name in survey.skipped if name != given.item)
    answers = {name: value for name, value in survey.answers.items() if name != given.item}
    comments = {name: words for name, words in survey.comments.items() if name != given.item}
    if given.words is not None:
        comments[given.item] = given.words
    elif given.value is not None:
        answers[given.item] = given.value
    else:
        skipped += (given.item,)
    answers = _applicable(instrument, answers)
    asked = {item.id for item in instrument.asked(answers)}
    return replace(
        survey,
        answers=answers,
        comments={name: words for name, words in comments.items() if name in asked},
        skipped=skipped,
        again=False,
        ignored=0,
        paused=False,
        quiet=False,
    )


def _applicable(instrument: Instrument, answers: Answers) -> Answers:
    """Without answers to questions that the others do not lead to."""
    while True:
        asked = {item.id for item in instrument.asked(answers)}
        kept = {name: value for name, value in answers.items() if name in asked}
        if kept == answers:
            return kept
        answers = kept


# -- interruptions ------------------------------------------------------------------------------

_WAITS = {"clarification", "no_such_procedure", "dossier_not_found_or_mismatch"}
"""Replies that ask something themselves: numbers and words now answer that."""
_URGENT = {"emergency", "error", "handoff", "refused_personal_data"}
"""Replies after which nobody is asked for opinions."""


def interrupted(survey: Survey, status: str, *, light: bool) -> tuple[Survey, bool]:
    """After a message that did not answer the waiting question.

    Args:
        survey: as it was.
        status: of the reply to that message.
        light: whether the question is not worth a second try.

    Returns:
        The survey, and whether its question is to be asked again now.
    """
    if survey.quiet or status in _URGENT:
        return survey, False
    if status in _WAITS:
        return replace(survey, paused=True), False
    survey = replace(survey, paused=False)
    if light:
        return replace(survey, quiet=True), False
    if not survey.again:
        return replace(survey, again=True), True
    ignored = survey.ignored + 1
    return replace(survey, ignored=ignored, quiet=ignored >= _MOST_IGNORED), False


# -- what is shown ------------------------------------------------------------------------------


def text_of(instrument: Instrument, survey: Survey, item: Item) -> str:
    """The question with numbered answers, ready to show."""
    scale = instrument.scale_of(item)
    if scale is None:
        return item.ask if survey.only else f"{item.ask} Không có thì nhắn “bỏ qua”."
    questions = [one for one in _items(instrument, survey) if not one.free]
    place = next((number for number, one in enumerate(questions, 1) if one.id == item.id), 0)
    count = f"Câu {place}/{len(questions)}. " if len(questions) > 2 else ""
    listed = "\n".join(f"{number}. {option.label}" for number, option in enumerate(scale.options, 1))
    hint = "\nAnh/chị bấm chọn hoặc nhắn số. “Bỏ qua” để sang câu sau, “thôi” để dừng." if count else ""
    return f"{count}{item.ask}\n{listed}{hint}"


def options_of(instrument: Instrument, survey: Survey, item: Item) -> list[ReplyOption]:
    """The buttons under a question; each says which question it answers, so that an old one cannot answer another."""
    scale = instrument.scale_of(item)
    chosen = [_button(option.label, instrument, item, value=option.value) for option in scale.options] if scale else []
    leave = [] if item.free or len(instrument.items) <= 3 else [_button(_STOP_LABEL, instrument, item, move=Move.STOP)]
    return [*chosen, _button(_SKIP_LABEL, instrument, item, move=Move.SKIP), *leave]


def _button(label: str, instrument: Instrument, item: Item, **says: Any) -> ReplyOption:
    data = {"survey": instrument.id, "item": item.id} | {name: str(value) for name, value in says.items()}
    return ReplyOption(label=label, payload=ANSWER_PAYLOAD + json.dumps(data, ensure_ascii=True))


# -- what is understood -------------------------------------------------------------------------

BUTTON = re.compile(ANSWER_PAYLOAD + r"(\{[\x20-\x7e]{1,200}\})")


def pressed(instrument: Instrument, text: str) -> Given | None:
    """The answer behind a button of this questionnaire; None for anything else."""
    found = BUTTON.fullmatch(text)
    try:
        data = json.loads(found[1]) if found else {}
    except ValueError:
        return None
    item = instrument.item(str(data.get("item"))) if data.get("survey") == instrument.id else None
    if item is None:
        return None
    if data.get("move") in (Move.SKIP, Move.STOP):
        return Given(item.id, Move(data["move"]))
    scale = instrument.scale_of(item)
    values = {str(option.value): option.value for option in scale.options} if scale else {}
    value = values.get(str(data.get("value")))
    return None if value is None else Given(item.id, value=value)


def understood(instrument: Instrument, survey: Survey, text: str) -> Given | None:
    """What a message in numbers or words answers; None where it is no answer to the waiting choice.

    Words count only when nothing else is said but politeness: "không tốt lắm" is never taken for "tốt".
    """
    item = pending(instrument, survey)
    if item is None or survey.paused or survey.quiet:
        return None
    said = _words(text)
    scale = instrument.scale_of(item)
    if scale is None:
        return _leaving(item, said, _list("nothing"))
    by_words = {" ".join(_words(way)): o.value for o in reversed(scale.options) for way in [*o.words, o.label]}
    for part in _cores(said):
        if part in by_words:
            return Given(item.id, value=by_words[part])
    if leaving := _leaving(item, said, frozenset()):
        return leaving
    number = next((_NUMBERS[part] for part in _cores(said) if part in _NUMBERS), 0)
    return Given(item.id, value=scale.options[number - 1].value) if 0 < number <= len(scale.options) else None


def _leaving(item: Item, said: list[str], more: frozenset[str]) -> Given | None:
    for part in _cores(said):
        if part in _list("stop"):
            return Given(item.id, Move.STOP)
        if part in _list("skip") or part in more:
            return Given(item.id, Move.SKIP)
    return None


def _words(text: str) -> list[str]:
    """Words without accents, case and signs; abbreviations written out."""
    plain = unicodedata.normalize("NFKC", text)
    return re.findall(r"[a-z0-9]+", fold(normalize(plain)))


def _cores(said: list[str]) -> Iterator[str]:
    """What is said without polite words at both ends, the longest first."""
    begin = next((at for at, word in enumerate(said) if word not in _list("polite")), len(said))
    end = next((at for at in range(len(said), begin, -1) if said[at - 1] not in _list("polite")), begin)
    for start in range(begin + 1):
        for stop in range(len(said), end - 1, -1):
            if start < stop:
                yield " ".join(said[start:stop])


@cache
def _list(kind: str) -> frozenset[str]:
    return frozenset(aside.words(kind))


_NUMBERS = {str(number): number for number in range(1, 10)} | {
    "mot": 1, "hai": 2, "ba": 3, "bon": 4, "nam": 5, "dau tien": 1, "thu nhat": 1, "thu hai": 2, "thu ba": 3,
    "thu tu": 4, "thu nam": 5,
}  # fmt: skip
