"""A questionnaire as a web form: what is shown, and what comes back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from actions.feedback.instruments import Answers, Instrument, Item, Option
from actions.feedback.responses import COMMENT_LENGTH

NO_OPINION = "Không ý kiến"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NO_CHOICE = "Lựa chọn này không có trong phiếu. Anh/chị chọn lại."
_TOO_LONG = "Ý kiến dài quá {most} ký tự. Anh/chị rút ngắn lại."
_NOTHING = "Anh/chị chưa trả lời câu nào. Xin chọn ít nhất một câu rồi gửi."


@dataclass(frozen=True)
class Question:
    """One item as shown; ``only_if`` says in words when it is meant."""

    item: Item
    number: int
    options: list[Option]
    only_if: str = ""
    given: str = ""
    error: str = ""

    @property
    def name(self) -> str:
        return self.item.id


@dataclass(frozen=True)
class Group:
    """Questions of one factor; ``title`` is empty where there is none."""

    title: str
    questions: list[Question]


@dataclass(frozen=True)
class Filled:
    """What somebody sent: ``given`` as typed, for showing it again; the rest as it is kept."""

    given: dict[str, str] = field(repr=False)
    answers: Answers
    comments: dict[str, str] = field(repr=False)
    errors: dict[str, str]

    @property
    def problem(self) -> str:
        """What is wrong with the whole, in words; empty where nothing is."""
        if self.errors:
            return "Có câu cần xem lại, ghi rõ ở dưới."
        return "" if self.answers or self.comments else _NOTHING


def groups(instrument: Instrument, filled: Filled | None = None) -> list[Group]:
    """All questions in order, by factor."""
    titles = {factor.id: factor.title for factor in instrument.factors}
    out: list[Group] = []
    for number, item in enumerate(instrument.items, start=1):
        title = titles.get(item.factor or "", "")
        if not out or out[-1].title != title:
            out.append(Group(title, []))
        scale = instrument.scale_of(item)
        given, error = (filled.given.get(item.id, ""), filled.errors.get(item.id, "")) if filled else ("", "")
        out[-1].questions.append(
            Question(item, number, scale.options if scale else [], _only_if(instrument, item), given, error)
        )
    return out


def _only_if(instrument: Instrument, item: Item) -> str:
    parts = [f"Chỉ trả lời nếu {_named(instrument, *rule)}" for rule in item.when.items()]
    parts += [f"Bỏ qua nếu {_named(instrument, *rule)}" for rule in item.unless.items()]
    return ". ".join(parts)


def _named(instrument: Instrument, name: str, values: list[int | str]) -> str:
    number = next(n for n, item in enumerate(instrument.items, start=1) if item.id == name)
    scale = instrument.scale_of(instrument.items[number - 1])
    labels = [f"“{option.label}”" for option in (scale.options if scale else []) if option.value in values]
    return f"ở câu {number} anh/chị chọn {' hoặc '.join(labels)}"


def read(instrument: Instrument, data: Mapping[str, str]) -> Filled:
    """What was sent, as far as this questionnaire asks for it; answers that do not apply are left out."""
    given = {item.id: tidy(data.get(item.id, "")) for item in instrument.items}
    answers: Answers = {}
    errors: dict[str, str] = {}
    for item in instrument.items:
        if item.free:
            if len(given[item.id]) > COMMENT_LENGTH:
                errors[item.id] = _TOO_LONG.format(most=COMMENT_LENGTH)
            continue
        try:
            answers |= instrument.checked({item.id: given[item.id]})
        except ValueError:
            errors[item.id] = _NO_CHOICE
    asked = {item.id for item in instrument.asked(answers)}
    comments = {
        item.id: given[item.id] for item in instrument.items if item.free and item.id in asked and given[item.id]
    }
    return Filled(given, {name: value for name, value in answers.items() if name in asked}, comments, errors)


def tidy(text: str) -> str:
    """Text without characters that no keyboard writes, and without blanks around it."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
