"""What the assistant says and keeps when it asks how it was, and when somebody petitions.

An answer never reaches Rasa: :meth:`FeedbackTalk.read` recognises it, leaves it in the vault and gives an opaque message
to send to Rasa in its place; Rasa's rule calls :meth:`FeedbackTalk.go_on`, which takes it, keeps it and says what comes next.
What it says goes past Rasa as well (:meth:`FeedbackTalk.hide`, :meth:`FeedbackTalk.shown`), because thanks fit the rating.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from actions.dossiers.reading import vietnam_now
from actions.dossiers.vault import Vault
from actions.feedback import wording
from actions.feedback.aside import is_aside
from actions.feedback.instruments import ANSWER, POLL, SERVICE, Answers, Instrument
from actions.feedback.moments import is_survey
from actions.feedback.pending import KEEP, Pending
from actions.feedback.petitions import Kind, PetitionError, Petitions, State, find_number, new_number
from actions.feedback.responses import About, Responses, Saved
from actions.feedback.reviews import Reviews
from actions.feedback.scrub import scrub
from actions.feedback.survey import (
    ANSWER_PAYLOAD,
    BUTTON,
    Given,
    Move,
    Survey,
    interrupted,
    options_of,
    pending,
    pressed,
    step,
    text_of,
    understood,
)
from actions.replies import Reply, ReplyOption
from knowledge.catalogue import Catalogue
from knowledge.settings import Settings

STATUS_PAYLOAD = "/petition_status"
"""What is sent to Rasa in place of a message that names a petition's number."""

PETITION = "petition"
_MORE, _RATING = "petition_more", "petition_rating"
_OWN: dict[str, Instrument] = {
    one.id: one
    for one in map(
        Instrument.model_validate, yaml.safe_load(Path(__file__).with_name("petition.yml").read_text(encoding="utf-8"))
    )
}

_VISIT = dt.timedelta(hours=1)
"""Silence after which somebody who writes again has come anew."""
_DONE = dt.timedelta(minutes=15)
"""How long the last reply of a survey is kept for a message that is delivered twice."""

PERSON = ReplyOption(label="Gặp cán bộ", payload="/human")
PETITION_OPTION = ReplyOption(label="Gửi phản ánh, kiến nghị", payload="/start_petition")
POLL_OPTION = ReplyOption(label="Trả lời vài câu ngắn", payload='/start_survey{"survey": "poll"}')
PAYLOADS = (ANSWER_PAYLOAD, STATUS_PAYLOAD, PETITION_OPTION.payload, "/start_survey", "/give_feedback")
"""Beginnings of what is ours among the messages to Rasa."""
_HIDDEN = Reply(text="(ý kiến)", status="feedback_recorded", card={"kind": "hidden"})
"""What Rasa's tracker keeps of a reply to an answer."""


@dataclass(frozen=True)
class Talked:
    """What is known of who is asked: the conversation, its channel, the procedure and dossier that it is about, and the last
    question that was answered."""

    conversation: str
    channel: str
    procedure_code: str | None = None
    dossier_code: str | None = None
    question: str | None = field(default=None, repr=False)


class FeedbackTalk:
    """Surveys and petitions in a talk; what waits is in the database, so any app process can go on.

    Args:
        responses: keeps answers.
        petitions: keeps petitions.
        reviews: takes the questions whose answer is rated as bad.
        waiting: keeps which question waits in which conversation.
        vault: what goes past Rasa.
        instruments: by id.
        catalogue: for the field of a procedure.
        settings: for the office's names.
        names_procedure: whether the search finds a procedure that a message is about.
    """

    def __init__(
        self,
        *,
        responses: Responses,
        petitions: Petitions,
        reviews: Reviews,
        waiting: Pending,
        vault: Vault,
        instruments: Mapping[str, Instrument],
        catalogue: Catalogue,
        settings: Settings,
        names_procedure: Callable[[str], bool],
    ) -> None:
        self.responses, self.petitions, self.reviews, self.waiting = responses, petitions, reviews, waiting
        self._vault, self._instruments = vault, {**instruments, **_OWN}
        self._catalogue, self._settings, self._names_procedure = catalogue, settings, names_procedure

    def about(self, channel: str, procedure_code: str | None = None) -> About:
        """What an answer is about, as it is kept with it."""
        procedure = self._catalogue.get(procedure_code) if procedure_code else None
        return About(channel, self._settings.commune or None, procedure_code, procedure.field if procedure else None)

    # -- before Rasa --------------------------------------------------------------------------

    async def read(self, conversation: str, text: str, delivery: str = "") -> str | None:
        """What to send to Rasa in place of a message that answers us or names a petition; None for any other.

        Args:
            conversation: whose message it is.
            text: as typed, or a button's payload.
            delivery: the message's key; one that is delivered twice is answered once.
        """
        if number := find_number(text):
            await self._vault.leave("petition", conversation, number)
            return STATUS_PAYLOAD
        given = await asyncio.to_thread(self._read, conversation, text, delivery)
        if given is None:
            return None
        await self._vault.leave("given", conversation, json.dumps(given))
        return ANSWER_PAYLOAD

    def _read(self, conversation: str, text: str, delivery: str) -> dict[str, Any] | None:
        state = self.waiting.get(conversation, vietnam_now())
        button = BUTTON.fullmatch(text) is not None
        if state is None:
            return {"over": True} if button else None
        if delivery and state["delivery"] == delivery:
            return {"repeat": True}
        survey = self._survey(state)
        if survey is None:
            return {"over": True} if button else None
        instrument = self._instruments[survey.instrument]
        if button:
            given = pressed(instrument, text)
            return {"given": given.to_json(), "delivery": delivery} if given else {"over": True}
        if text.startswith("/"):
            return None
        given = understood(instrument, survey, text) or self._free_words(instrument, survey, text)
        return {"given": given.to_json(), "delivery": delivery} if given else None

    def _free_words(self, instrument: Instrument, survey: Survey, text: str) -> Given | None:
        """The message as the answer to a free question, unless it is plainly something else."""
        item = pending(instrument, survey)
        if item is None or not item.free or survey.paused or survey.quiet:
            return None
        aside = is_aside(text, self._names_procedure, again=survey.again)
        return None if aside else Given(item.id, words=text)

    # -- in Rasa's actions --------------------------------------------------------------------

    async def go_on(self, conversation: str) -> Reply:
        """Take the answer that waits in the vault, keep it, and say what comes next."""
        given = await self._vault.fetch("given", conversation)
        return await asyncio.to_thread(self._go_on, conversation, json.loads(given) if given else {"over": True})

    def _go_on(self, conversation: str, given: dict[str, Any]) -> Reply:
        now = vietnam_now()
        state = self.waiting.get(conversation, now)
        if given.get("repeat") and state and state["reply"]:
            return Reply.model_validate(state["reply"])
        survey = self._survey(state) if state else None
        if "given" not in given or survey is None:
            return Reply(text=wording.OVER, status="feedback_recorded")
        instrument, answer = self._instruments[survey.instrument], Given.from_json(given["given"])
        stopped = answer.move is Move.STOP or (answer.move is Move.SKIP and _declines(instrument, survey))
        after = survey if stopped else step(instrument, survey, answer)
        ended = stopped or pending(instrument, after) is None
        farewell = self._keep(instrument, after, ended=ended, stopped=stopped, now=now)
        reply = farewell or self._question(instrument, after)
        self._put(conversation, None if farewell else after, now, reply, given["delivery"])
        return reply

    def _put(
        self, conversation: str, survey: Survey | None, now: dt.datetime, reply: Reply | None, delivery: str
    ) -> None:
        state = {
            "survey": survey.to_json() if survey else None,
            "touched": now.isoformat(),
            "delivery": delivery,
            "reply": reply.model_dump(exclude_none=True) if reply and delivery else None,
        }
        self.waiting.put(conversation, state, now + (KEEP if survey else _DONE))

    def _keep(
        self, instrument: Instrument, survey: Survey, *, ended: bool, stopped: bool, now: dt.datetime
    ) -> Reply | None:
        """Keep what was said so far; what to say at the end, None where there is another question."""
        if instrument.id in _OWN:
            return self._petitioned(instrument, survey, stopped, now) if ended else None
        about = About(**survey.about)  # type: ignore[arg-type]
        saved = None
        comments = {name: scrub(words) for name, words in survey.comments.items()}
        if survey.answers or survey.comments:
            complete = ended and not stopped
            saved = self.responses.save(
                survey.key, instrument, survey.answers, about, now, comments=comments, complete=complete
            )
        elif ended:
            self.responses.decline(survey.key)
        if ended and instrument.id == ANSWER and saved is not Saved.CLOSED:
            self.review(survey.question, survey.answers, about.procedure_code, now)
        if saved is Saved.CLOSED:
            return Reply(text=wording.CLOSED, status="feedback_recorded")
        return self._thanks(instrument, survey, comments) if ended else None

    def review(self, question: str | None, answers: Answers, procedure_code: str | None, now: dt.datetime) -> None:
        """Put a question on the review list if its answer was rated as bad; without who asked."""
        if question and answers.get("useful") == 0:
            reason = answers.get("reason")
            # Numbers are masked there, as in the log of turns; names are not looked for: in a question they hide what it is about.
            self.reviews.rated_bad(question, procedure_code, str(reason) if reason else None, now.date())

    def _thanks(self, instrument: Instrument, survey: Survey, comments: Mapping[str, str]) -> Reply:
        satisfied = instrument.satisfied(survey.answers)
        if satisfied is None:
            text = "Cảm ơn anh/chị đã góp ý, tôi đã ghi lại." if comments else instrument.thanks.none
        else:
            text = instrument.thanks.good if satisfied else instrument.thanks.bad
        if comments != survey.comments:
            text = f"{text} {wording.SCRUBBED}"
        options = []
        if satisfied is False:
            text = f"{text} Anh/chị muốn gặp cán bộ, hoặc gửi phản ánh, kiến nghị, thì chọn dưới đây."
            options = [PERSON, PETITION_OPTION]
        return Reply(text=text, status="feedback_recorded", options=options)

    # -- petitions ----------------------------------------------------------------------------

    def _petitioned(self, instrument: Instrument, survey: Survey, stopped: bool, now: dt.datetime) -> Reply:
        words = survey.comments.get("words", "")
        if survey.answers.get("kind") == "complaint":
            return Reply(text=wording.NOT_TAKEN.format(office=self._settings.office), status="feedback_recorded")
        if instrument.id == _RATING and "level" in survey.answers:
            satisfied = instrument.satisfied(survey.answers) is True
            self.petitions.rate(survey.key, satisfied)
            text = instrument.thanks.good if satisfied else instrument.thanks.bad
            return Reply(text=text, status="feedback_recorded", options=[] if satisfied else [PERSON])
        if stopped or not words:
            return Reply(text=instrument.thanks.none, status="feedback_recorded")
        try:
            if instrument.id == _MORE:
                self.petitions.add_words(survey.key, words, now)
                return Reply(
                    text=f"Tôi đã gửi phần bổ sung cho phản ánh số {survey.key}. Cảm ơn anh/chị.",
                    status="feedback_recorded",
                )
            kind = Kind(str(survey.answers.get("kind", Kind.DIFFICULTY)))
            sent = self.petitions.submit(kind, words, About(**survey.about), now, survey.key)  # type: ignore[arg-type]
        except PetitionError as error:
            return Reply(text=str(error), status="feedback_recorded")
        return Reply(text=wording.received(sent, scrubbed=scrub(words) != words), status="feedback_recorded")

    async def petition_status(self, talked: Talked) -> Reply:
        """The state of the petition whose number waits in the vault; asks for a number where there is none."""
        number = await self._vault.fetch("petition", talked.conversation)
        if number is None:
            return Reply(text=wording.ASK_NUMBER, status="clarification")
        return await asyncio.to_thread(self._petition_status, talked, number)

    def _petition_status(self, talked: Talked, number: str) -> Reply:
        petition = self.petitions.find(number)
        if petition is None:
            return Reply(text=wording.NO_SUCH.format(number=number), status="feedback_recorded")
        text, follow = wording.state_text(petition), None
        if petition.state is State.NEEDS_MORE:
            follow = _MORE
        elif petition.answer and petition.satisfied is None:
            follow = _RATING
        if follow is None:
            return Reply(text=text, status="feedback_recorded")
        survey = Survey(follow, 1, number, asdict(self.about(talked.channel)))
        question = self._question(self._instruments[follow], survey)
        self._put(talked.conversation, survey, vietnam_now(), None, "")
        return question.model_copy(update={"text": f"{text}\n{question.text}"})

    async def start_petition(self, talked: Talked) -> Reply:
        """Ask what the petition is about."""
        about, now = self.about(talked.channel, talked.procedure_code), vietnam_now()
        survey = Survey(PETITION, 1, new_number(now.date()), asdict(about))
        return await asyncio.to_thread(self._begin, talked.conversation, survey, now)

    # -- beginning ----------------------------------------------------------------------------

    async def start(self, talked: Talked, instrument: str, *, words_only: bool = False) -> Reply:
        """Begin a survey that somebody asked for.

        Args:
            talked: who, and about what; a service survey without a dossier becomes the poll.
            instrument: its id.
            words_only: ask for the free words alone.
        """
        return await asyncio.to_thread(self._start, talked, instrument, words_only)

    async def note(self, talked: Talked, words: str) -> Reply:
        """Keep an opinion that somebody gave without being asked."""
        await self.start(talked, POLL, words_only=True)
        item = self._instruments[POLL].items[-1].id
        given = {"given": Given(item, words=words).to_json(), "delivery": ""}
        return await asyncio.to_thread(self._go_on, talked.conversation, given)

    def _start(self, talked: Talked, name: str, words_only: bool) -> Reply:
        now = vietnam_now()
        if name not in (SERVICE, ANSWER) or (name == SERVICE and not talked.dossier_code):
            name = POLL
        key, about = self._key(talked, name, now), self.about(talked.channel, talked.procedure_code)
        self.responses.ask(key, name, about, now)
        only = self._instruments[name].items[-1].id if words_only else None
        question = talked.question if name == ANSWER else None
        survey = Survey(name, self._instruments[name].version, key, asdict(about), only=only, question=question)
        return self._begin(talked.conversation, survey, now)

    def _begin(self, conversation: str, survey: Survey, now: dt.datetime) -> Reply:
        instrument = self._instruments[survey.instrument]
        question = self._question(instrument, survey)
        self._put(conversation, survey, now, None, "")
        if survey.only or instrument.id == ANSWER or not instrument.intro:
            return question
        return question.model_copy(update={"text": f"{instrument.intro}\n{question.text}"})

    def _key(self, talked: Talked, name: str, now: dt.datetime) -> str:
        """The ticket's: one for a dossier, else one for each conversation and day, so that nobody answers twice."""
        if name == SERVICE and talked.dossier_code:
            return self.responses.dossier_key(talked.dossier_code)
        return self.responses.token_key(f"{name}:{now.date()}:{talked.conversation}")

    async def offer(self, talked: Talked, instrument: str) -> Reply | None:
        """Ask at a moment that is ours to choose; None where this person was asked before or something else waits."""
        return await asyncio.to_thread(self._offer, talked, instrument)

    def _offer(self, talked: Talked, name: str) -> Reply | None:
        now = vietnam_now()
        state = self.waiting.get(talked.conversation, now)
        waiting = self._survey(state) if state else None
        if waiting and not waiting.quiet:
            return None
        if name == ANSWER and not self.waiting.first_today(talked.conversation, "rating", now):
            return None
        asked = self.responses.ask(
            self._key(talked, name, now), name, self.about(talked.channel, talked.procedure_code), now
        )
        return self._start(talked, name, False) if asked is None else None

    def open_words(self) -> Reply:
        """What is said to "tôi muốn góp ý": the next message may be the words themselves."""
        return Reply(
            text=wording.OPEN_WORDS,
            status="small_talk",
            options=[POLL_OPTION, PETITION_OPTION, PERSON],
            card={"kind": "survey"},
        )

    def praised(self) -> Reply:
        return Reply(text=wording.PRAISED, status="small_talk", options=[POLL_OPTION])

    def sorry(self) -> Reply:
        """What is said to a complaint."""
        return Reply(text=wording.SORRY, status="small_talk", options=[PERSON, PETITION_OPTION])

    # -- after Rasa ---------------------------------------------------------------------------

    async def resume(self, conversation: str, replies: Sequence[Reply]) -> Reply | None:
        """The waiting question once more, where it is time for that after a message that did not answer it.

        Args:
            conversation: whose message it was.
            replies: to that message.
        """
        if not replies or any(is_survey(reply.card) or reply.status == "feedback_recorded" for reply in replies):
            return None
        return await asyncio.to_thread(self._resume, conversation, replies[-1].status)

    def _resume(self, conversation: str, status: str) -> Reply | None:
        now = vietnam_now()
        state = self.waiting.get(conversation, now)
        survey = self._survey(state) if state else None
        if state is None or survey is None:
            return None
        instrument = self._instruments[survey.instrument]
        away = now - dt.datetime.fromisoformat(state["touched"]) > _VISIT
        light = not survey.begun and instrument.id in (ANSWER, _RATING)
        after, again = interrupted(survey, status, light=light)
        if again and away and instrument.id not in _OWN and not self.responses.remind(survey.key):
            after, again = replace(after, quiet=True), False
        if after != survey:
            self._put(conversation, after, now, None, "")
        if not again:
            return None
        question = self._question(instrument, after)
        return question.model_copy(update={"text": f"{wording.BACK if away else wording.AGAIN}{question.text}"})

    async def hide(self, conversation: str, reply: Reply) -> Reply:
        """Leave a reply in the vault; gives what Rasa's tracker may keep in its place."""
        await self._vault.leave("reply", conversation, reply.model_dump_json(exclude_none=True))
        return _HIDDEN

    async def shown(self, conversation: str, replies: Sequence[Reply]) -> list[Reply]:
        """The replies of a turn with the hidden one in its place."""
        out = []
        for reply in replies:
            if reply.card != _HIDDEN.card:
                out.append(reply)
            elif kept := await self._vault.fetch("reply", conversation):
                out.append(Reply.model_validate_json(kept))
            else:
                out.append(Reply(text=wording.OVER, status="feedback_recorded"))
        return out

    async def forget(self, conversation: str) -> None:
        """Forget what waits in a conversation; what was answered stays, because nobody can tell whose it is."""
        await asyncio.to_thread(self.waiting.drop, conversation)

    async def without_rasa(self, talked: Talked, payload: str) -> Reply:
        """The reply to one of our payloads while Rasa is away."""
        name = payload.partition("{")[0]
        if name == ANSWER_PAYLOAD:
            return await self.go_on(talked.conversation)
        if name == STATUS_PAYLOAD:
            return await self.petition_status(talked)
        if name == PETITION_OPTION.payload:
            return await self.start_petition(talked)
        return await self.start(talked, survey_of(payload))

    def _question(self, instrument: Instrument, survey: Survey) -> Reply:
        item = pending(instrument, survey)
        assert item is not None
        return Reply(
            text=text_of(instrument, survey, item),
            status="feedback_recorded",
            options=options_of(instrument, survey, item),
            card={"kind": "survey", "survey": instrument.id},
        )

    def _survey(self, state: Mapping[str, Any]) -> Survey | None:
        """The survey that waits, unless its questions have changed since."""
        survey = Survey.from_json(state["survey"]) if state["survey"] else None
        instrument = self._instruments.get(survey.instrument) if survey else None
        return (
            survey
            if instrument and survey and instrument.version == survey.version and pending(instrument, survey)
            else None
        )


def _declines(instrument: Instrument, survey: Survey) -> bool:
    """Whether skipping the waiting question ends it all: there is only this one, or it leads to all others."""
    item = pending(instrument, survey)
    return not survey.begun and (survey.only is not None or instrument.id in (ANSWER, *_OWN)) and item is not None


def survey_of(payload: str) -> str:
    """The survey's id that a start button names; the poll where it names none."""
    found = _SURVEY.search(payload)
    return found[1] if found else POLL


_SURVEY = re.compile(r"\"survey\": ?\"([a-z_]+)\"")
