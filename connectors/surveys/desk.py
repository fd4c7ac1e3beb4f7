"""Where answers from pages and from paper come in: what they are about, without personal data, kept once."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

from sqlalchemy import Engine

from actions.feedback import instruments
from actions.feedback.instruments import ANSWER, Instrument
from actions.feedback.responses import About, Responses, Saved
from actions.feedback.scrub import scrub
from connectors.surveys.form import Filled
from connectors.surveys.gate import Gate
from connectors.surveys.tickets import Tickets
from knowledge.catalogue import Catalogue
from knowledge.procedure import Procedure
from knowledge.settings import Settings


@dataclass(frozen=True)
class SurveyDesk:
    """The parts that the pages share; on ``app.state.surveys``."""

    instruments: dict[str, Instrument]
    responses: Responses
    catalogue: Catalogue
    tickets: Tickets
    gate: Gate
    settings: Settings

    @classmethod
    def open(
        cls, engine: Engine, key: bytes, catalogue: Catalogue, settings: Settings, responses: Responses | None = None
    ) -> SurveyDesk:
        """
        Raises:
            InvalidInstrumentError: an instrument of the installation cannot be used.
        """
        return cls(
            instruments.load(settings.home / "instruments"),
            responses or Responses(engine, key),
            catalogue,
            Tickets(key),
            Gate(engine, settings.redis_url, key, settings.survey_rate_limit_per_hour),
            settings,
        )

    def questionnaire(self, id: str) -> Instrument | None:
        """An instrument that people fill in on their own; the rating of a chat's answer is none."""
        return None if id == ANSWER else self.instruments.get(id)

    def procedure(self, code: str) -> Procedure | None:
        return self.catalogue.get(code) if code and len(code) <= 40 and "\0" not in code else None

    def new_key(self) -> str:
        """The key of a response that is about no dossier."""
        return self.responses.token_key(secrets.token_urlsafe(16))

    def keep(
        self,
        instrument: Instrument,
        key: str,
        filled: Filled,
        now: dt.datetime,
        *,
        channel: str,
        unit: str = "",
        procedure_code: str = "",
        day: dt.date | None = None,
    ) -> Saved:
        """Keep answers, free words without personal data.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: nothing was kept.
        """
        procedure = self.procedure(procedure_code)
        about = About(
            channel,
            unit or self.settings.commune or None,
            procedure_code or None,
            procedure.field if procedure else None,
        )
        comments = {name: scrub(text) for name, text in filled.comments.items()}
        return self.responses.save(key, instrument, filled.answers, about, now, comments=comments, day=day)
