"""Survey instruments as data: what is asked, in which words, and how answers are graded.

The shipped ones are beside this module in ``instruments/``; an office may put changed copies into its installation's
folder ``instruments/``. A changed copy needs a version of its own (see :mod:`actions.feedback.responses`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

SHIPPED = Path(__file__).with_name("instruments")
ANSWER, SERVICE, POLL = "answer", "service", "poll"
"""Ids of the instruments that the program itself refers to."""

Value = int | str
Answers = dict[str, Value]
"""Values of choices by item; free texts are kept apart."""
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,29}$")]


class InvalidInstrumentError(ValueError):
    """An instrument file that cannot be used; the message names file, place and reason."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Option(_Part):
    """One answer to choose; ``words`` are other ways to say it."""

    value: Value
    label: str = Field(min_length=1, max_length=60)
    words: list[str] = []


class Scale(_Part):
    """Options in the order in which they are shown; ``satisfied`` are the values that count as satisfied."""

    options: list[Option] = Field(min_length=2, max_length=9)
    satisfied: list[Value] = []

    @property
    def numeric(self) -> bool:
        return all(isinstance(option.value, int) for option in self.options)


class Factor(_Part):
    """A group of items that is reported together."""

    id: Name
    title: str


class Item(_Part):
    """One question: a choice on a scale, or free words.

    ``index``: its number among the nine indices (one-stop systems add 10 and 11). ``headline``: the item that says it all.
    ``short``: asked in a chat too, where an instrument has such items. ``when``/``unless``: asked only (not) after these answers.
    """

    id: Name
    ask: str = Field(min_length=1, max_length=300)
    scale: str | None = None
    free: bool = False
    factor: str | None = None
    index: int | None = Field(None, ge=1, le=11)
    headline: bool = False
    short: bool = False
    when: dict[str, list[Value]] = {}
    unless: dict[str, list[Value]] = {}

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.free == (self.scale is not None):
            raise ValueError(f"item {self.id}: either a scale or free words")
        return self


class Grade(_Part):
    """A class by total points."""

    at_least: float
    label: str


class Thanks(_Part):
    """What is said at the end, by the headline answer; ``none`` where it was skipped."""

    good: str
    bad: str
    none: str


class Instrument(_Part):
    """A questionnaire."""

    id: Name
    version: int = Field(ge=1)
    title: str
    intro: str
    thanks: Thanks
    scales: dict[str, Scale]
    items: list[Item] = Field(min_length=1, max_length=40)
    factors: list[Factor] = []
    classes: list[Grade] = []

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        seen: dict[str, Item] = {}
        factors = {factor.id for factor in self.factors}
        for item in self.items:
            if item.id in seen:
                raise ValueError(f"item {item.id}: twice")
            if item.scale is not None and item.scale not in self.scales:
                raise ValueError(f"item {item.id}: there is no scale {item.scale}")
            if item.factor is not None and item.factor not in factors:
                raise ValueError(f"item {item.id}: there is no factor {item.factor}")
            for earlier, values in (item.when | item.unless).items():
                if earlier not in seen or not set(values) <= self._values(seen[earlier]):
                    raise ValueError(f"item {item.id}: depends on {earlier}, which has no such answer before it")
            seen[item.id] = item
        if self.items[-1].free is False and any(item.free for item in self.items):
            raise ValueError("free words come last")
        self._check_scales()
        return self

    def _check_scales(self) -> None:
        for name, scale in self.scales.items():
            values = [option.value for option in scale.options]
            if len(set(values)) < len(values):
                raise ValueError(f"scale {name}: a value twice")
            if not set(scale.satisfied) <= set(values):
                raise ValueError(f"scale {name}: satisfied values that it has not")
        points = [grade.at_least for grade in self.classes]
        if points != sorted(points, reverse=True) or (points and points[-1] != 0):
            raise ValueError("classes go from the highest down to 0")

    def _values(self, item: Item) -> set[Value]:
        return {option.value for option in self.scales[item.scale].options} if item.scale else set()

    def item(self, name: str) -> Item | None:
        return next((item for item in self.items if item.id == name), None)

    def scale_of(self, item: Item) -> Scale | None:
        return self.scales[item.scale] if item.scale else None

    @property
    def headline(self) -> Item | None:
        return next((item for item in self.items if item.headline), None)

    def asked(self, answers: Mapping[str, Value], *, short: bool = False) -> list[Item]:
        """The items that these answers lead to, in order; ``short``: as in a chat."""
        shortened = short and any(item.short for item in self.items)
        return [
            item
            for item in self.items
            if (item.short or item.free or not shortened) and _applies(item, answers)
        ]

    def checked(self, answers: Mapping[str, Any]) -> Answers:
        """Answers that this instrument knows; empty ones are skipped items and left out.

        Raises:
            ValueError: an item or value that the instrument does not have.
        """
        out: Answers = {}
        for name, value in answers.items():
            if value is None or value == "":
                continue
            item = self.item(name)
            if item is None or item.free:
                raise ValueError(f"there is no item {name[:40]} with a scale")
            known = {str(known): known for known in self._values(item)}
            if str(value) not in known:
                raise ValueError(f"item {name}: no such value")
            out[name] = known[str(value)]
        return out

    def satisfied(self, answers: Mapping[str, Value]) -> bool | None:
        """Whether the headline answer is a satisfied one; None where it was not given."""
        item = self.headline
        scale = self.scale_of(item) if item else None
        if item is None or scale is None or item.id not in answers:
            return self._mostly(answers)
        return answers[item.id] in scale.satisfied

    def _mostly(self, answers: Mapping[str, Value]) -> bool | None:
        """Without a headline: whether satisfied answers are at least as many as the dissatisfied; None where neither."""
        if self.headline:
            return None
        good = bad = 0
        for name, value in answers.items():
            item = self.item(name)
            scale = self.scale_of(item) if item else None
            if scale is None or not scale.satisfied:
                continue
            worst = min(v for v in scale.satisfied if isinstance(v, int))
            good += value in scale.satisfied
            bad += isinstance(value, int) and value < worst - 1  # the middle counts for neither
        return None if good == bad == 0 else good >= bad

    def grade(self, points: float) -> str | None:
        """The class of so many points, from the highest down."""
        return next((grade.label for grade in self.classes if points >= grade.at_least), None)


def _applies(item: Item, answers: Mapping[str, Value]) -> bool:
    wanted = all(answers.get(name) in values for name, values in item.when.items())
    return wanted and not any(answers.get(name) in values for name, values in item.unless.items())


def read(path: Path) -> Instrument:
    """One instrument file.

    Raises:
        InvalidInstrumentError: it cannot be read, or is not an instrument.
    """
    try:
        return Instrument.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInstrumentError(f"{path.name}: cannot be read: {_first_line(error)}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "file"
        raise InvalidInstrumentError(f"{path.name}: {place}: {first['msg']}") from error


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"{type(error).__name__}{f' in line {mark.line + 1}' if mark else ''}"


def load(*folders: Path) -> dict[str, Instrument]:
    """All instruments by id: the shipped ones, replaced by those of the same id in ``folders`` that exist.

    Raises:
        InvalidInstrumentError: a file cannot be used, or two in one folder have one id.
    """
    out: dict[str, Instrument] = {}
    for folder in (SHIPPED, *folders):
        out |= _by_id(sorted(folder.glob("*.yml")))
    return out


def _by_id(paths: Iterable[Path]) -> dict[str, Instrument]:
    out: dict[str, Instrument] = {}
    for path in paths:
        instrument = read(path)
        if instrument.id in out:
            raise InvalidInstrumentError(f"{path.name}: a second instrument with the id {instrument.id}")
        out[instrument.id] = instrument
    return out


Channel = Literal["zalo", "telegram", "web", "hotline", "paper", "qr", "console"]
"""Where an answer came from, as reports name it."""
