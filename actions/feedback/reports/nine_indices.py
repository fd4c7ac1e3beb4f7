"""The nine indices of the former Thông tư 01/2018/TT-VPCP, each graded 2, 1 or 0, with the class of their sum.

Two come from the dossiers, four from citizens' answers, three from the office (:func:`office_figures`). They are no longer
law; systems and people still use them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, RootModel, StringConstraints, ValidationError

from actions.feedback.instruments import Instrument
from actions.feedback.reports.dossier_figures import Case
from actions.feedback.reports.periods import Period
from actions.feedback.reports.satisfaction import Satisfaction

TITLES = {
    1: "Tổng thời gian giải quyết so với quy định",
    2: "Thời gian thực hiện của từng cơ quan tham gia",
    3: "Số lần phải liên hệ với nơi tiếp nhận",
    4: "Số cơ quan, đơn vị phải liên hệ",
    5: "Tỷ lệ thủ tục được giải quyết ngay tại nơi tiếp nhận",
    6: "Việc công khai thủ tục hành chính",
    7: "Thái độ của người tiếp nhận, giải quyết",
    8: "Việc tiếp thu, giải trình phản ánh, kiến nghị",
    9: "Tiến độ và chất lượng dịch vụ công trực tuyến",
}
MOST = 2.0
FROM_DOSSIERS, FROM_OFFICE = (1, 2), (5, 8, 9)
_POINTS = {"early": 2, "on_time": 1, "late": 0}
FIGURES_FILE = "agency-figures.yml"


class OfficeFiguresError(ValueError):
    """The office's own figures cannot be used; the message says where and why."""


_Quarter = Annotated[str, StringConstraints(pattern=r"^\d{4}-Q[1-4]$")]
_Index = Annotated[int, Field(ge=1, le=9)]
_Grade = Annotated[float, Field(ge=0, le=MOST)]


class _Figures(RootModel[dict[_Quarter, dict[_Index, _Grade]]]):
    """The form of the office's file: grades by index by quarter."""


@dataclass(frozen=True)
class Index:
    """One index; ``points`` is a mean grade from 0 to 2, None where it is missing and ``why`` says why."""

    number: int
    points: float | None
    n: int | None
    source: str
    why: str = ""

    @property
    def title(self) -> str:
        return TITLES[self.number]


@dataclass(frozen=True)
class NineIndices:
    """All nine with their sum; without one, only the range of sums and classes that can be reached."""

    indices: list[Index]
    instrument: Instrument

    @property
    def low(self) -> float:
        """The sum if every missing index were 0; rounded as it is shown, so that the class fits what is read."""
        return round(sum(i.points or 0.0 for i in self.indices), 2)

    @property
    def high(self) -> float:
        """The sum if every missing index were 2."""
        return round(sum(MOST if i.points is None else i.points for i in self.indices), 2)

    @property
    def complete(self) -> bool:
        return all(i.points is not None for i in self.indices)

    @property
    def classes(self) -> tuple[str | None, str | None]:
        """The classes of the lowest and the highest sum."""
        return self.instrument.grade(self.low), self.instrument.grade(self.high)


def office_figures(home: Path) -> dict[str, dict[int, float]]:
    """What the office says of indices 5, 8 and 9, by quarter (``2026-Q4: {5: 2, 8: 1, 9: 1}``); empty without a file.

    Raises:
        OfficeFiguresError: the file cannot be read, or holds something else.
    """
    path = home / FIGURES_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise OfficeFiguresError(f"{FIGURES_FILE}: cannot be read ({type(error).__name__})") from None
    try:
        figures = _Figures.model_validate(yaml.safe_load(text) or {}).root
    except yaml.YAMLError:
        raise OfficeFiguresError(f"{FIGURES_FILE}: is no YAML") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise OfficeFiguresError(f"{FIGURES_FILE}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    other = {number for grades in figures.values() for number in grades} - set(FROM_OFFICE)
    if other:
        raise OfficeFiguresError(f"{FIGURES_FILE}: index {min(other)} is not the office's to give (5, 8 and 9 are)")
    return figures


def nine_indices(
    cases: Iterable[Case],
    satisfaction: Satisfaction | None,
    figures: Mapping[str, Mapping[int, float]],
    period: Period,
    instrument: Instrument,
) -> NineIndices:
    """Grade a period.

    Args:
        cases: dossiers that touch the period; those ended in it are graded.
        satisfaction: answers to the service survey, None where there are none.
        figures: from :func:`office_figures`.
        period: of several quarters, the office's grades are averaged.
        instrument: the service survey, for its classes.
    """
    ended = [_POINTS[c.timing()] for c in cases if c.ended and period.has(c.ended)]
    indices = []
    for number in TITLES:
        if number in FROM_DOSSIERS:
            mean = sum(ended) / len(ended) if ended else None
            indices.append(
                Index(number, mean, len(ended), "hồ sơ", "" if ended else "không có hồ sơ kết thúc trong kỳ")
            )
        elif number in FROM_OFFICE:
            indices.append(_from_office(number, figures, period))
        else:
            indices.append(_from_answers(number, satisfaction))
    return NineIndices(indices, instrument)


def _from_office(number: int, figures: Mapping[str, Mapping[int, float]], period: Period) -> Index:
    grades = [figures.get(key, {}).get(number) for key in period.quarters]
    given = [grade for grade in grades if grade is not None]
    if len(given) < len(grades):
        return Index(number, None, None, "cơ quan nhập", "chưa nhập")
    return Index(number, sum(given) / len(given), None, "cơ quan nhập")


def _from_answers(number: int, satisfaction: Satisfaction | None) -> Index:
    measure = next((m for m in satisfaction.means if m.items[0][0].index == number), None) if satisfaction else None
    figure = satisfaction.figure(measure) if satisfaction and measure else None
    if figure is None:
        return Index(number, None, None, "người dân trả lời", "chưa đủ ý kiến")
    return Index(number, figure.value, figure.n, "người dân trả lời")
