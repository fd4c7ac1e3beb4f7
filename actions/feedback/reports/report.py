"""One report of one installation, assembled as a neutral document."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine, select

from actions.dossiers.reading import VIETNAM
from actions.feedback.instruments import SERVICE, Instrument, load
from actions.feedback.petitions import Petitions
from actions.feedback.reports.document import Column, Kind, Report, Section, Value, table
from actions.feedback.reports.dossier_figures import cases
from actions.feedback.reports.form_06a import Form, form_06a
from actions.feedback.reports.index_766 import handling_766, petitions_766
from actions.feedback.reports.methods import METHODS
from actions.feedback.reports.nine_indices import nine_indices, office_figures
from actions.feedback.reports.office_tables import dossier_section, index_766_section, nine_section, questions_section
from actions.feedback.reports.on_time import OnTime, on_time_766
from actions.feedback.reports.periods import Period
from actions.feedback.reports.questions import Turns, turns
from actions.feedback.reports.satisfaction import Satisfaction, by_version
from actions.feedback.reports.survey_tables import TOO_FEW, shortcomings_section, survey_name, survey_section
from actions.feedback.responses import Responses
from actions.secret_key import installation_key
from knowledge.catalogue import ProcedureVersion
from knowledge.settings import Settings

INSTRUMENTS_FOLDER = "instruments"


@dataclass(frozen=True)
class _Facts:
    """All that a report is made of."""

    surveys: list[Satisfaction]
    form: Form
    on_time: OnTime
    dislikes: int | None

    @property
    def service(self) -> Satisfaction | None:
        """The newest version of the service survey."""
        return next((s for s in reversed(self.surveys) if s.instrument.id == SERVICE), None)


class Reporter:
    """Makes reports of an installation.

    Args:
        engine: its database, migrated.
        settings: name the office, and the folder with its instruments and its own figures.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine, self._settings = engine, settings

    @cached_property
    def _responses(self) -> Responses:
        return Responses(self._engine, installation_key(self._home))

    @property
    def _home(self) -> Path:
        return self._settings.home

    def _office(self) -> str:
        """The office as a report names it: how answers speak of it to citizens ("nơi anh/chị ở") does not fit here."""
        office = self._settings.office
        return self._settings.commune if office == Settings.model_fields["office"].default else office

    def report(self, period: Period, now: dt.datetime) -> Report:
        """The report of a period.

        Args:
            period: what it is about.
            now: Vietnam's time, naive. Answers are counted up to the last Sunday before, the rest up to now.

        Raises:
            InvalidInstrumentError: an instrument of the office cannot be used.
            OfficeFiguresError: the office's own figures cannot be used.
            sqlalchemy.exc.SQLAlchemyError: the database does not answer.
        """
        today = now.date()
        until = min(period.until, last_closed_day(today))
        known = load(self._home / INSTRUMENTS_FOLDER)
        figures = office_figures(self._home)
        found = cases(self._engine, period)
        petitions = Petitions(self._engine).received(period.since, period.until)
        surveys = self._surveys(period, until, known)
        form, on_time = form_06a(found, period, today), on_time_766(found, period, today)
        facts = _Facts(surveys, form, on_time, _dislikes(surveys))
        asked = turns(self._engine, period)
        names = self._names(surveys, asked)
        handling = handling_766(on_time, petitions, facts.dislikes)
        nine = nine_indices(
            found, facts.service, figures, period, facts.service.instrument if facts.service else known[SERVICE]
        )
        sections = [
            _summary(facts, handling.rate if handling else None, until, period),
            *(survey_section(survey, names, until) for survey in surveys),
            shortcomings_section(surveys, names),
            dossier_section(form),
            index_766_section(on_time, petitions_766(petitions, today), handling),
            nine_section(nine),
            questions_section(asked, names),
        ]
        return Report(
            title=f"Báo cáo mức độ hài lòng và giải quyết thủ tục hành chính – {period.label}",
            office=self._office(),
            period=period.label,
            period_key=period.key,
            since=period.since,
            until=period.until,
            made_at=now.replace(microsecond=0, tzinfo=VIETNAM),
            sections=sections,
            methods=METHODS,
        )

    def _surveys(self, period: Period, until: dt.date, known: dict[str, Instrument]) -> list[Satisfaction]:
        """Every version of an instrument that was answered; those who did not answer are of its newest."""
        if until < period.since:
            return []
        found = by_version(self._responses.within(period.since, until))
        unanswered = self._responses.unanswered(period.since, until)
        newest = {id: version for id, version in found}
        out = []
        for (id, version), responses in found.items():
            instrument = self._responses.instrument(id, version) or known.get(id)
            if instrument is None:
                continue
            missing = [u for u in unanswered if u.instrument == id] if version == newest[id] else []
            out.append(Satisfaction(instrument, period, responses, missing))
        return out

    def _names(self, surveys: list[Satisfaction], asked: Turns) -> dict[str, str]:
        """Names of the procedures that the report is about, by code."""
        codes = {r.procedure_code for survey in surveys for r in survey.counted}
        codes |= {question.procedure_code for question in asked.questions}
        wanted = ProcedureVersion.code.in_(sorted(code for code in codes if code))
        query = select(ProcedureVersion.code, ProcedureVersion.data).where(wanted).order_by(ProcedureVersion.starts_at)
        with self._engine.connect() as connection:
            return {code: json.loads(data)["name"] for code, data in connection.execute(query)}


def last_closed_day(today: dt.date) -> dt.date:
    """The last Sunday before ``today``. Answers are counted up to it, so that nobody can compare two reports to see new ones."""
    return today - dt.timedelta(days=today.weekday() + 1)


def _dislikes(surveys: list[Satisfaction]) -> int | None:
    """Citizens who were not satisfied with how their dossier was handled; None where too few said anything."""
    figures = [s.figure(s.headline) for s in surveys if s.instrument.id == SERVICE]
    told = [figure for figure in figures if figure]
    return sum(round(figure.n * (1 - figure.value)) for figure in told) if told else None


def _summary(facts: _Facts, handling: float | None, until: dt.date, period: Period) -> Section:
    columns = [
        Column(title="Chỉ tiêu"),
        Column(title="Số lượng", kind=Kind.COUNT),
        Column(title="Tính trên"),
        Column(title="Tỷ lệ", kind=Kind.RATE),
        Column(title="từ", kind=Kind.RATE),
        Column(title="đến", kind=Kind.RATE),
    ]
    rows: list[list[Value]] = []
    for survey in facts.surveys:
        figure = survey.figure(survey.headline)
        if figure:
            rows.append(
                [
                    f"Hài lòng: {survey_name(survey.instrument)}",
                    figure.n,
                    "ý kiến",
                    figure.value,
                    figure.low,
                    figure.high,
                ]
            )
    form = facts.form.total
    rows.append(["Hồ sơ giải quyết đúng hạn (biểu 06a)", form.solved, "hồ sơ", form.on_time_rate, None, None])
    rows.append(
        ["Hồ sơ đúng hạn theo công thức 766, mục 2.1", facts.on_time.told, "hồ sơ", facts.on_time.rate, None, None]
    )
    rows.append(["Hài lòng theo công thức 766, mục 5.4 (ước tính)", None, "hồ sơ", handling, None, None])
    notes = [f"Ý kiến được tính đến hết ngày {until:%d/%m/%Y}."] if until >= period.since else []
    if not any(survey.n for survey in facts.surveys):
        notes.append(TOO_FEW)
    made = table(
        "summary",
        "Các chỉ tiêu chính",
        columns,
        rows,
        notes=["“từ – đến” là khoảng tin cậy 95%. Ô trống: không tính được."],
    )
    return Section(id="summary", title="Tóm tắt", tables=[made], notes=notes)
