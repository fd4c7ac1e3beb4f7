"""Everything about feedback in one running installation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from actions.dossiers.reading import vietnam_now
from actions.dossiers.vault import Vault
from actions.feedback.instruments import ANSWER, Instrument, load
from actions.feedback.pending import Pending
from actions.feedback.petitions import Petitions
from actions.feedback.responses import Responses, Saved
from actions.feedback.reviews import Reviews
from actions.feedback.scrub import scrub
from actions.feedback.talk import FeedbackTalk
from actions.procedures import ProcedureTalk
from knowledge.search.decision import Decision
from knowledge.settings import Settings


@dataclass(frozen=True)
class Feedback:
    """Surveys, petitions and ratings, for all channels."""

    talk: FeedbackTalk
    responses: Responses
    petitions: Petitions
    reviews: Reviews
    instruments: dict[str, Instrument]

    def rate_answer(
        self,
        *,
        answer: str,
        channel: str,
        useful: bool,
        reasons: Sequence[str] = (),
        comment: str | None = None,
        procedure_code: str | None = None,
        question: str | None = None,
    ) -> Saved:
        """Keep what somebody thinks of an answer; the same answer rated again within a day replaces the earlier rating.

        Args:
            answer: names the answer; only a keyed hash of it is kept, apart from the rating.
            channel: where it was given.
            useful: whether it helped.
            reasons: values of the instrument's reasons, of which the first is kept, and only with ``useful`` False.
            comment: free words, likewise; personal data is taken out.
            procedure_code: what the answer was about.
            question: what was asked, for the review list where it did not help; personal data is taken out.

        Raises:
            ValueError: there is no such reason.
            sqlalchemy.exc.SQLAlchemyError: the database is away.
        """
        answers: dict[str, int | str] = {"useful": int(useful)}
        if reasons and not useful:
            answers["reason"] = reasons[0]
        comments = {"comment": scrub(comment)} if comment and not useful else {}
        key, about = self.responses.token_key(f"answer:{answer}"), self.talk.about(channel, procedure_code)
        instrument, now = self.instruments[ANSWER], vietnam_now()
        saved = self.responses.save(key, instrument, answers, about, now, comments=comments)
        if saved is Saved.RECORDED:  # an edited rating must not count the question twice
            self.talk.review(question, answers, procedure_code, now)
        return saved

    def sweep(self, now: dt.datetime | None = None) -> None:
        """Remove what is over: waiting questions, and the links between tickets and answers."""
        now = now or vietnam_now()
        self.talk.waiting.sweep(now)
        self.responses.sweep(now)


def connect(engine: Engine, key: bytes, vault: Vault, procedures: ProcedureTalk, settings: Settings) -> Feedback:
    """All parts on one database.

    Args:
        engine: migrated.
        key: the installation's secret key.
        vault: what goes past Rasa, shared with dossiers.
        procedures: for the catalogue, and to tell questions from opinions.
        settings: the installation's.

    Raises:
        InvalidInstrumentError: an instrument file of the installation cannot be used.
    """
    instruments = load(settings.home / "instruments")
    responses, petitions, waiting = Responses(engine, key), Petitions(engine), Pending(engine, key)
    reviews = Reviews(engine)

    def names_procedure(text: str) -> bool:
        return procedures.engine.search(text).decision is Decision.ANSWER

    talk = FeedbackTalk(
        responses=responses,
        petitions=petitions,
        reviews=reviews,
        waiting=waiting,
        vault=vault,
        instruments=instruments,
        catalogue=procedures.catalogue,
        settings=settings,
        names_procedure=names_procedure,
    )
    return Feedback(talk, responses, petitions, reviews, instruments)
