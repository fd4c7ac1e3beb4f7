"""Tables of what people answered, and of what made them dissatisfied."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from actions.feedback.instruments import ANSWER, POLL, SERVICE, Instrument
from actions.feedback.reports.document import Chart, Column, Kind, Section, Table, Value, table
from actions.feedback.reports.periods import Period
from actions.feedback.reports.satisfaction import (
    DIMENSIONS,
    UNKNOWN,
    Dimension,
    Distribution,
    Figure,
    Group,
    Measure,
    Satisfaction,
    time_dimension,
)
from actions.feedback.reports.suppression import LEAST

TOO_FEW = f"Trong kỳ có dưới {LEAST} ý kiến (hoặc chưa có ý kiến nào), nên không nêu số liệu."
KEPT_BACK = f"Có nhóm không nêu số liệu, vì dưới {LEAST} người trả lời hoặc để không ai suy ra được nhóm như vậy."
ADDED_UP = "Số của từng nhóm cộng các tháng mà báo cáo tháng có nêu nhóm đó, nên có thể ít hơn tổng."
CHANNELS = {
    "zalo": "Zalo",
    "telegram": "Telegram",
    "web": "Trang web",
    "hotline": "Tổng đài",
    "paper": "Phiếu giấy",
    "qr": "Mã QR",
    "console": "Cán bộ nhập",
}
_NAMES = {
    ANSWER: "Đánh giá câu trả lời",
    SERVICE: "Khảo sát việc giải quyết hồ sơ",
    POLL: "Thăm dò về phục vụ hành chính",
}
_NOT_NAMED = "(không nêu)"
_FIGURES = (Column(title="Tỷ lệ hài lòng", kind=Kind.RATE), *(Column(title=t, kind=Kind.RATE) for t in ("từ", "đến")))
_SHARE_OF_ALL = (Column(title="Số ý kiến", kind=Kind.COUNT), Column(title="Tỷ lệ", kind=Kind.RATE))
_MOST_BAD = 20

Names = Mapping[str, str]
"""Names of procedures by code."""


def survey_section(satisfaction: Satisfaction, names: Names, counted_until: dt.date) -> Section:
    """Everything that is told of one version of an instrument, answered up to a day."""
    instrument = satisfaction.instrument
    made = _Tables(satisfaction, names, counted_until)
    if satisfaction.n is None:
        return Section(id=made.id, title=survey_name(instrument), notes=[TOO_FEW])
    notes = [f"{period.label}: có dưới {LEAST} ý kiến nên không được cộng vào." for period in satisfaction.left_out]
    if instrument.factors:
        notes.append(
            "Đây là tỷ lệ hài lòng của những người tự chọn trả lời trên các kênh này, không phải chỉ số SIPAS."
        )
        notes.append("Tỷ lệ hài lòng: số câu trả lời hài lòng (mức 4 và 5) ÷ số câu trả lời.")
    if satisfaction.period.parts:
        notes.append(ADDED_UP)
    means = [m for m in satisfaction.columns if not m.share]
    if means:
        notes.append("Điểm trung bình các chỉ số: " + "; ".join(f"{_short(m)}: {m.title}" for m in means))
    tables = [made.summary(), *made.by_question(), *made.by_time(), *made.by_group()]
    return Section(id=made.id, title=survey_name(instrument), tables=tables, notes=notes)


def survey_name(instrument: Instrument) -> str:
    """How reports name a version of an instrument."""
    return f"{_NAMES.get(instrument.id, instrument.title)} (bản {instrument.version})"


class _Tables:
    """The tables of one version of an instrument."""

    def __init__(self, satisfaction: Satisfaction, names: Names, counted_until: dt.date) -> None:
        self._satisfaction, self._names, self._counted_until = satisfaction, names, counted_until
        self.id = f"{satisfaction.instrument.id}-{satisfaction.instrument.version}"

    def summary(self) -> Table:
        """In all."""
        columns = [
            Column(title="Số ý kiến", kind=Kind.COUNT),
            Column(title="Trong đó chưa trả lời hết", kind=Kind.COUNT),
            Column(title="Được hỏi, chưa trả lời", kind=Kind.COUNT),
            Column(title="Trong đó từ chối", kind=Kind.COUNT),
            Column(title="Tỷ lệ trả lời", kind=Kind.RATE),
            *_FIGURES,
        ]
        found = self._satisfaction
        row: list[Value] = [found.n, found.partial, found.not_answered, found.declined, found.rate]
        row += _values(found.figure(found.headline))
        notes = ["“từ – đến” là khoảng tin cậy 95%."]
        if found.rate is None:
            notes.append("Tỷ lệ trả lời không tính được: các kênh này không hỏi từng người, hoặc có quá ít ý kiến.")
        return table(f"{self.id}-summary", "Tổng hợp", columns, [row], notes=notes)

    # -- by question ----------------------------------------------------------------------

    def by_question(self) -> list[Table]:
        """The headline's levels, factors, every question, and every answer."""
        return [*self._levels(), *self._factors(), self._items(), self._answers()]

    def _levels(self) -> list[Table]:
        headline = self._satisfaction.instrument.headline
        levels = self._satisfaction.distribution(headline) if headline else None
        if headline is None or levels is None or not levels.counts:
            return []
        columns = [Column(title="Mức"), *_SHARE_OF_ALL]
        rows = _levels(levels)
        return [table(f"{self.id}-levels", headline.ask, columns, rows, chart=Chart(kind="bar", label=0, values=[2]))]

    def _factors(self) -> list[Table]:
        found = self._satisfaction
        if not found.factors:
            return []
        rows: list[list[Value]] = []
        for title, measure in [*((m.title, m) for m in found.factors), ("Chung", found.headline)]:
            figure = found.figure(measure)
            rows.append([title, figure.n if figure else None, *_values(figure)])
        columns = [Column(title="Yếu tố"), Column(title="Số người trả lời", kind=Kind.COUNT), *_FIGURES]
        chart = Chart(kind="bar", label=0, values=[2], low=3, high=4)
        notes = ["Tỷ lệ câu trả lời hài lòng; gộp các câu có đủ người trả lời."]
        return [table(f"{self.id}-factors", "Theo yếu tố", columns, rows, total=True, chart=chart, notes=notes)]

    def _items(self) -> Table:
        found = self._satisfaction
        shares = {m.items[0][0].id: found.figure(m) for m in found.shares}
        means = {m.items[0][0].id: found.figure(m) for m in found.means}
        rows: list[list[Value]] = []
        for item in found.instrument.items:
            if item.id in shares or item.id in means:
                share, mean = shares.get(item.id), means.get(item.id)
                known = share or mean
                rows.append([item.ask, known.n if known else None, *_values(share), *_values(mean)])
        means_of = (Column(title=title, kind=Kind.NUMBER) for title in ("Điểm trung bình", "từ", "đến"))
        columns = [Column(title="Câu hỏi"), Column(title="Số người trả lời", kind=Kind.COUNT), *_FIGURES, *means_of]
        notes = [
            f"Câu có dưới {LEAST} người trả lời không nêu số liệu. Câu không có mức “hài lòng” chỉ có điểm trung bình."
        ]
        return table(f"{self.id}-items", "Theo câu hỏi", columns, rows, notes=notes)

    def _answers(self) -> Table:
        rows: list[list[Value]] = []
        for item in self._satisfaction.instrument.items:
            levels = self._satisfaction.distribution(item)
            rows += [[item.ask, *row] for row in _levels(levels)] if levels and levels.counts else []
        columns = [Column(title="Câu hỏi"), Column(title="Trả lời"), *_SHARE_OF_ALL]
        return table(f"{self.id}-answers", "Các câu trả lời", columns, rows)

    # -- by group -------------------------------------------------------------------------

    def by_group(self) -> list[Table]:
        """By field, procedure, commune and channel."""
        fields, communes, channels = DIMENSIONS
        found = self._satisfaction.groups(fields)
        return [
            self._flat(fields, "Theo lĩnh vực", [group for group in found if len(group.path) == 1]),
            self._procedures([group for group in found if len(group.path) == 2]),
            self._flat(communes, "Theo đơn vị", self._satisfaction.groups(communes)),
            self._flat(channels, "Theo kênh", self._satisfaction.groups(channels)),
        ]

    def _flat(self, dimension: Dimension, title: str, groups: list[Group]) -> Table:
        rows = [[CHANNELS.get(g.path[0], g.path[0]) or _NOT_NAMED, *self._row(g)] for g in groups]
        hidden = self._satisfaction.kept_back(dimension)
        return self._table(dimension.id, title, [Column(title=dimension.title)], rows, hidden=hidden)

    def _procedures(self, groups: list[Group]) -> Table:
        rows: list[list[Value]] = []
        for group in sorted(groups, key=lambda group: (-group.n, group.path)):
            field, code = group.path
            named = [code, self._names.get(code, "")] if code else [_NOT_NAMED, _NOT_NAMED]
            rows.append([field or _NOT_NAMED, *named, *self._row(group)])
        labels = [Column(title=title) for title in ("Lĩnh vực", "Mã thủ tục", "Thủ tục")]
        return self._table(
            "procedure", "Theo thủ tục", labels, rows, hidden=self._satisfaction.kept_back(DIMENSIONS[0])
        )

    def by_time(self) -> list[Table]:
        """By week, and by month where there are several."""
        period = self._satisfaction.period
        dimension = time_dimension(period)
        groups = {group.path: group for group in self._satisfaction.groups(dimension)}
        months = [month for month in period.months if month.since <= self._counted_until]
        weeks = [week for month in months for week in month.weeks if week.since <= self._counted_until]
        hidden = self._satisfaction.kept_back(dimension)
        found = {path[-1]: group for path, group in groups.items() if len(path) == dimension.depth}
        made = [
            self._in_time("week", "Theo tuần", "Tuần", [(w, found.get(w.since.isoformat())) for w in weeks], hidden)
        ]
        made[0].notes.append("Tuần tính từ thứ Hai, cắt ở đầu và cuối tháng.")
        if dimension.depth > 1:
            by_month = [(m, groups.get((m.since.isoformat(),))) for m in months]
            made.insert(0, self._in_time("month", "Theo tháng", "Tháng", by_month, hidden))
        return made

    def _in_time(
        self, id: str, title: str, label: str, found: list[tuple[Period, Group | None]], hidden: bool
    ) -> Table:
        rows: list[list[Value]] = [[period.label, *self._row(group)] for period, group in found]
        return self._table(id, title, [Column(title=label)], rows, hidden=hidden, line=True)

    def _row(self, group: Group | None) -> list[Value]:
        columns = self._satisfaction.columns
        if group is None:
            return [None] * (5 + len(columns))
        others = [figure.value if (figure := group.figures[m.id]) else None for m in columns]
        return [group.n, group.rate, *_values(group.figures["headline"]), *others]

    def _table(
        self, id: str, title: str, labels: list[Column], rows: list[list[Value]], *, hidden: bool, line: bool = False
    ) -> Table:
        measures = self._satisfaction.columns
        columns = [
            *labels,
            Column(title="Số ý kiến", kind=Kind.COUNT),
            Column(title="Tỷ lệ trả lời", kind=Kind.RATE),
            *_FIGURES,
            *(Column(title=_short(m), kind=Kind.RATE if m.share else Kind.NUMBER) for m in measures),
        ]
        notes = [KEPT_BACK] if hidden else []
        first = len(labels)
        chart = Chart(
            kind="line" if line else "bar", label=first - 1, values=[first + 2], low=first + 3, high=first + 4
        )
        return table(f"{self.id}-{id}", title, columns, rows, chart=chart if len(rows) > 1 else None, notes=notes)


def _values(figure: Figure | None) -> list[Value]:
    return [figure.value, figure.low, figure.high] if figure else [None, None, None]


def _levels(levels: Distribution) -> list[list[Value]]:
    """Each answer with its count and share."""
    return [[o.label, levels.counts[o.value], levels.counts[o.value] / levels.n] for o in levels.scale.options]


def _short(measure: Measure) -> str:
    index = measure.items[0][0].index if len(measure.items) == 1 else None
    return f"Chỉ số {index}" if index else measure.title


# -- what was bad -------------------------------------------------------------------------------


def shortcomings_section(surveys: list[Satisfaction], names: Names) -> Section:
    """Reasons of bad ratings of answers, and procedures with most bad ratings, of those whose figures are shown."""
    return Section(
        id="shortcomings",
        title="Điều chưa hài lòng",
        tables=[_reasons(surveys), _bad_procedures(surveys, names)],
        notes=[f"Chỉ gồm thủ tục có từ {LEAST} ý kiến và được nêu ở các biểu trên."],
    )


def _reasons(surveys: list[Satisfaction]) -> Table:
    rows: list[list[Value]] = []
    for survey in surveys:
        for item in survey.instrument.items:
            levels = survey.distribution(item)
            if item.when and levels and levels.counts:  # asked after a bad answer only
                ordered = sorted(levels.scale.options, key=lambda option: -levels.counts[option.value])
                name = survey_name(survey.instrument)
                rows += [[name, o.label, levels.counts[o.value], levels.counts[o.value] / levels.n] for o in ordered]
    columns = [
        Column(title="Khảo sát"),
        Column(title="Lý do"),
        Column(title="Số ý kiến", kind=Kind.COUNT),
        Column(title="Tỷ lệ", kind=Kind.RATE),
    ]
    chart = Chart(kind="bar", label=1, values=[2]) if len(rows) > 1 else None
    notes = [] if rows else [f"Có dưới {LEAST} người nêu lý do."]
    return table("bad-reasons", "Lý do chưa hài lòng với câu trả lời", columns, rows, chart=chart, notes=notes)


def _bad_procedures(surveys: list[Satisfaction], names: Names) -> Table:
    rows: list[list[Value]] = []
    for survey in surveys:
        for group in survey.groups(DIMENSIONS[0]):
            figure = group.figures["headline"]
            code = group.path[-1]
            if len(group.path) == 2 and code != UNKNOWN and figure and figure.value < 1:
                name = survey_name(survey.instrument)
                rows.append([code, names.get(code, ""), name, figure.n, 1 - figure.value])
    rows.sort(key=lambda row: (-(row[4] or 0) * (row[3] or 0), row[0]))  # type: ignore[operator]
    columns = [
        Column(title="Mã thủ tục"),
        Column(title="Thủ tục"),
        Column(title="Khảo sát"),
        Column(title="Số ý kiến", kind=Kind.COUNT),
        Column(title="Tỷ lệ chưa hài lòng", kind=Kind.RATE),
    ]
    notes = [] if rows else ["Không có thủ tục nào để nêu."]
    return table("bad-procedures", "Thủ tục có nhiều ý kiến chưa hài lòng", columns, rows[:_MOST_BAD], notes=notes)
