"""A turn from any channel: guard the message, ask Rasa, keep the status, answer whatever happens."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from sqlalchemy import Connection

from actions.dossiers.asking import read
from actions.dossiers.talk import PROOF_PAYLOAD, DossierTalk, code_payload
from actions.dossiers.vault import Kept
from actions.feedback.moments import is_survey
from actions.feedback.survey import BUTTON as SURVEY_BUTTON
from actions.feedback.talk import PAYLOADS, FeedbackTalk, Talked
from actions.privacy import mask, without_marks
from actions.procedures import Message, ProcedureTalk, Talk
from actions.replies import Reply
from actions.turns import TurnLog
from connectors.limits import Admission, Limits
from connectors.messages import Incoming
from connectors.outbox import Outbox
from connectors.rasa_client import RasaClient, RasaUnavailableError
from knowledge.text import clean

logger = logging.getLogger(__name__)

_PULLED = {"web"}
"""Channels that get their messages with the answer to the next one."""
_REMEMBERED = 5_000
"""Conversations whose state is kept in this process: locks, and the talk while Rasa is away."""

_ID_NOTICE = (
    "Tôi không lưu và không dùng số giấy tờ tùy thân, số hộ chiếu trong tin nhắn; tôi đã bỏ số đó khỏi nội dung. "
    "Anh/chị đừng gửi số hoặc ảnh giấy tờ tùy thân vào đây nhé."
)
_EMPTY = "Anh/chị cần hỏi việc gì ạ? Ví dụ: “làm giấy khai sinh cần giấy tờ gì”."
OPINION_MARK = "[ý kiến]"
"""Stands in transcripts for an answer to a survey or a petition, which nobody who reads them may know."""
_PROOF_MARK = "[4 số cuối]"
"""Stands in transcripts where the digits were that prove the right to know."""
_REDUCED = "(Trợ lý đang chạy ở chế độ tra cứu nhanh, có thể chưa hiểu hết câu hỏi nối tiếp.)"
FAILED = Reply(
    text="Xin lỗi anh/chị, hệ thống đang gặp sự cố. Anh/chị thử lại sau ít phút giúp ạ.", status="error"
)
TOO_FAST = Reply(
    text="Anh/chị gửi nhanh quá, tôi chưa kịp trả lời. Xin đợi một phút rồi nhắn tiếp ạ.", status="error"
)


@dataclass(frozen=True)
class Answered:
    """The replies to one message, and what may be kept of it.

    ``question``: for the log of turns, empty where nothing may be kept. ``shown``: for the transcript, without personal
    numbers and digits. ``ms``: milliseconds that it took.
    """

    replies: list[Reply] = field(repr=False)
    question: str = field(repr=False)
    shown: str = field(repr=False)
    ms: float


class _State:
    """What this process remembers of one conversation."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()  # turns of one conversation are answered in order
        self.talk = Talk()  # used only while Rasa is away
        self.dossier_code: str | None = None  # likewise


class Conversations:
    """Answers messages of all conversations."""

    def __init__(
        self,
        rasa: RasaClient,
        talk: ProcedureTalk,
        dossiers: DossierTalk,
        outbox: Outbox,
        turns: TurnLog,
        *,
        limits: Limits | None = None,
        feedback: FeedbackTalk | None = None,
    ) -> None:
        self._rasa, self._talk, self._dossiers = rasa, talk, dossiers
        self._outbox, self._turns, self._limits, self._feedback = outbox, turns, limits, feedback
        self._states: OrderedDict[str, _State] = OrderedDict()

    async def handle(self, session: str, text: str, channel: str, address: str | None = None) -> list[Reply]:
        """Answer one message at once, past inbox and outbox; never raises, never stays silent.

        Args:
            session: the sender's id in the channel.
            text: the message as received, or the payload of a tapped option.
            channel: name of the channel, kept with the turn.
            address: the sender's network address, where the channel knows one; tries are counted by it.
        """
        incoming = Incoming(channel, session, dedupe_key="", text=text, address=address)
        if self._limits:
            admitted = await asyncio.to_thread(self._limits.admit, channel, session, address)
            if admitted is not Admission.YES:
                return [TOO_FAST]
        answered = await self.answer(incoming)
        try:
            await asyncio.to_thread(self.record, incoming, answered)
        except Exception:
            logger.exception("turn not recorded")
        return [*await self._news(session, channel), *answered.replies]

    async def answer(self, incoming: Incoming) -> Answered:
        """The answer to one message; never raises, never stays silent, and writes nothing down."""
        started = time.perf_counter()
        state = self._state(incoming.conversation)
        question, shown = "", ""
        async with state.lock:
            try:
                expected = await self._dossiers.vault.expects(incoming.conversation)
                shown = shown_of(incoming.text, digits_expected=expected)
                found = await self._answer_feedback(state, incoming)
                if found:
                    shown = OPINION_MARK
                else:
                    found, question = await self._answer(state, incoming, digits_expected=expected)
                    found = await self._ask_again(incoming, found)
            except Exception:
                # The text is personal data and stays out of the log; the traceback tells where it failed.
                logger.exception("turn failed")
                found = [FAILED]
        return Answered(found, question, shown, (time.perf_counter() - started) * 1000)

    def record(self, incoming: Incoming, answered: Answered, connection: Connection | None = None) -> None:
        """Keep the turn's status, within the caller's transaction where there is one."""
        asked = [reply for reply in answered.replies if is_survey(reply.card)]
        last = next((reply for reply in reversed(answered.replies) if reply not in asked), answered.replies[-1])
        self._turns.record(
            channel=incoming.channel,
            conversation=incoming.conversation,
            status=last.status,
            procedure_code=last.procedure_code,
            fields=last.fields,
            question=answered.question,
            ms=answered.ms,
            connection=connection,
        )

    async def forget(self, conversation: str) -> None:
        """Remove what this process, the vault and Rasa remember of a conversation; a running turn ends first."""
        state = self._state(conversation)
        async with state.lock:
            await self._dossiers.vault.take(conversation)
            if self._feedback:
                await self._feedback.forget(conversation)
            await self._rasa.forget(conversation)
            self._states.pop(conversation, None)

    async def _news(self, session: str, channel: str) -> list[Reply]:
        """What waits in the outbox for somebody on a channel that cannot be written to on its own."""
        if channel not in _PULLED:
            return []
        try:
            return await asyncio.to_thread(self._outbox.collect, channel, session)
        except Exception:
            logger.exception("the outbox cannot be read")
            return []

    async def _answer(
        self, state: _State, incoming: Incoming, *, digits_expected: bool
    ) -> tuple[list[Reply], str]:
        """The replies, and what may be kept of the message."""
        conversation, channel = incoming.conversation, incoming.channel
        typed = _not_a_command(clean(incoming.text))
        about_dossier = await self._about_dossier(conversation, typed, incoming.address, digits_expected)
        if isinstance(about_dossier, Reply):
            return [about_dossier], ""
        if about_dossier:
            return await self._ask(state, conversation, about_dossier, channel), ""
        masked = mask(typed)
        notice = [Reply(text=_ID_NOTICE, status="refused_personal_data")] if masked.identity else []
        rest = without_marks(masked.text)  # the marks are words that search would look for
        if not any(c.isalnum() for c in rest):
            return notice or [Reply(text=_EMPTY, status="clarification")], ""
        return notice + await self._ask(state, conversation, rest, channel), rest

    async def _answer_feedback(self, state: _State, incoming: Incoming) -> list[Reply]:
        """The replies to an answer to our own question, or to a petition's number; none for any other message."""
        if self._feedback is None:
            return []
        conversation = incoming.conversation
        typed = _not_a_command(clean(incoming.text))
        payload = await self._feedback.read(conversation, typed, incoming.dedupe_key)
        if payload is None:
            return []
        return await self._feedback.shown(conversation, await self._ask(state, conversation, payload, incoming.channel))

    async def _ask_again(self, incoming: Incoming, replies: list[Reply]) -> list[Reply]:
        """The replies to a message that did not answer our question, with that question once more where it is time."""
        if self._feedback is None:
            return replies
        replies = await self._feedback.shown(incoming.conversation, replies)
        question = await self._feedback.resume(incoming.conversation, replies)
        return [*replies, question] if question else replies

    async def _about_dossier(
        self, conversation: str, text: str, address: str | None, digits_expected: bool
    ) -> Reply | str | None:
        """What to send to Rasa in place of a message with a dossier's code or digits, or the reply to a mistyped one.

        Code and digits go past Rasa, whose tracker keeps what people write.
        """
        if text.startswith("/"):
            return None
        asked = read(text, expected=digits_expected)
        if asked.digits:
            await self._dossiers.vault.put(conversation, Kept(asked.digits, address))
        codes = asked.reading.codes
        if len(codes) > 1:
            return self._dossiers.several(codes)
        if codes:
            return code_payload(codes[0], proof_given=asked.digits is not None)
        return PROOF_PAYLOAD if asked.digits else self._dossiers.misread(asked)

    async def _ask(self, state: _State, conversation: str, text: str, channel: str) -> list[Reply]:
        try:
            return await self._rasa.send(conversation, text, channel)
        except RasaUnavailableError as error:
            logger.warning("answering without Rasa: %s", error)
            return await self._answer_without_rasa(state, conversation, text, channel)

    async def _dossier_without_rasa(self, state: _State, conversation: str, text: str) -> Reply:
        entities = json.loads(text[text.index("{") :]) if "{" in text else {}
        state.dossier_code = entities.get("dossier_code", state.dossier_code)
        if not state.dossier_code:
            return self._dossiers.ask_code()
        return (await self._dossiers.tell(state.dossier_code, conversation, proved=False))[0]

    async def _answer_without_rasa(self, state: _State, conversation: str, text: str, channel: str) -> list[Reply]:
        if self._feedback and text.startswith(PAYLOADS):
            return [await self._feedback.without_rasa(Talked(conversation, channel), text)]
        if text.startswith(("/dossier_status", "/give_proof")):
            return [await self._dossier_without_rasa(state, conversation, text)]
        reply, state.talk = await asyncio.to_thread(self._talk.respond, _plain_message(text), state.talk)
        return [reply.model_copy(update={"text": f"{reply.text}\n{_REDUCED}"})]

    def _state(self, conversation: str) -> _State:
        state = self._states.pop(conversation, None) or _State()
        self._states[conversation] = state  # the newest is last
        if len(self._states) > _REMEMBERED:
            self._states.popitem(last=False)
        return state


def shown_of(text: str, *, digits_expected: bool = False) -> str:
    """A citizen's message as it may be shown and kept: personal numbers masked, no digits that prove anything.

    Args:
        text: as received.
        digits_expected: whether the conversation was just asked for such digits.
    """
    text = _not_a_command(clean(text))
    if text.startswith("/"):
        return text
    asked = read(text, expected=digits_expected)
    if asked.digits:
        text = f"{asked.rest} {_PROOF_MARK}".strip()
    return mask(text).text


_BUTTON = re.compile(
    r"/(?:ask_[a-z]+|watch_(?:dossier|consent)|human|give_feedback|start_petition|petition_status"
    r"|start_survey(?:\{\"survey\": ?\"(?:service|poll|answer)\"\})?|choose_option\{\"choice\": ?\"[0-9A-Z.]+\"\}"
    r"|dossier_status(?:\{\"dossier_code\": ?\"[0-9A-Z.-]+\"\})?)",
    re.IGNORECASE,
)


def _not_a_command(text: str) -> str:
    """Rasa reads a leading slash as a command; only our own buttons may be one."""
    return text if _BUTTON.fullmatch(text) or SURVEY_BUTTON.fullmatch(text) else text.lstrip("/ ")


def _plain_message(text: str) -> Message:
    """A message as the talk understands it without Rasa's intents; a button's payload is read."""
    if text.startswith("/choose_option"):
        return Message("", choice=json.loads(text[len("/choose_option") :])["choice"])
    if text.startswith("/"):
        return Message("", intent=text[1:])
    folded = text.strip().lower()
    return Message(text, intent="more" if folded in ("xem tiếp", "xem tiep") else "")
