"""A turn from any channel: guard the message, ask Rasa, keep the status, answer whatever happens."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections import OrderedDict, deque

from actions.dossiers.asking import read
from actions.dossiers.talk import PROOF_PAYLOAD, DossierTalk, code_payload
from actions.dossiers.vault import Kept
from actions.privacy import mask, without_marks
from actions.procedures import Message, ProcedureTalk, Talk
from actions.replies import Reply
from actions.turns import TurnLog
from connectors.outbox import Outbox
from connectors.rasa_client import RasaClient, RasaUnavailableError
from knowledge.settings import Settings
from knowledge.text import clean

logger = logging.getLogger(__name__)

_PULLED = {"web"}
"""Channels that get their messages with the answer to the next one."""
_REMEMBERED = 5_000
"""Conversations whose state is kept in this process: locks, pace, and the talk while Rasa is away."""

_ID_NOTICE = (
    "Tôi không lưu và không dùng số giấy tờ tùy thân, số hộ chiếu trong tin nhắn; tôi đã bỏ số đó khỏi nội dung. "
    "Anh/chị đừng gửi số hoặc ảnh giấy tờ tùy thân vào đây nhé."
)
_EMPTY = "Anh/chị cần hỏi việc gì ạ? Ví dụ: “làm giấy khai sinh cần giấy tờ gì”."
_TOO_FAST = "Anh/chị gửi nhanh quá, tôi chưa kịp trả lời. Xin đợi một phút rồi nhắn tiếp ạ."
_REDUCED = "(Trợ lý đang chạy ở chế độ tra cứu nhanh, có thể chưa hiểu hết câu hỏi nối tiếp.)"
_FAILED = "Xin lỗi anh/chị, hệ thống đang gặp sự cố. Anh/chị thử lại sau ít phút giúp ạ."


class _State:
    """What this process remembers of one conversation."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()  # turns of one conversation are answered in order
        self.times: deque[float] = deque()
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
        settings: Settings,
    ) -> None:
        self._rasa, self._talk, self._dossiers = rasa, talk, dossiers
        self._outbox, self._turns, self._settings = outbox, turns, settings
        self._states: OrderedDict[str, _State] = OrderedDict()

    async def handle(self, session: str, text: str, channel: str, address: str | None = None) -> list[Reply]:
        """Answer one message; never raises, never stays silent.

        Args:
            session: the conversation's id, meaningless outside its channel.
            text: the message as received, or the payload of a tapped option.
            channel: name of the channel, kept with the turn.
            address: the sender's network address, where the channel knows one; tries are counted by it.
        """
        started = time.perf_counter()
        state = self._state(session)
        kept = ""
        async with state.lock:
            try:
                found, kept = await self._answer(state, session, text, channel, address)
            except Exception:
                # The text is personal data and stays out of the log; the traceback tells where it failed.
                logger.exception("turn failed")
                found = [Reply(text=_FAILED, status="error")]
        await self._record(session, kept, channel, found, started)
        return [*await self._news(session, channel), *found]

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
        self, state: _State, session: str, text: str, channel: str, address: str | None
    ) -> tuple[list[Reply], str]:
        """The replies, and what may be kept of the message."""
        if self._too_fast(state):
            return [Reply(text=_TOO_FAST, status="error")], ""
        typed = _not_a_command(clean(text))
        about_dossier = await self._about_dossier(session, typed, address)
        if isinstance(about_dossier, Reply):
            return [about_dossier], ""
        if about_dossier:
            return await self._ask(state, session, about_dossier, channel), ""
        masked = mask(typed)
        notice = [Reply(text=_ID_NOTICE, status="refused_personal_data")] if masked.identity else []
        rest = without_marks(masked.text)  # the marks are words that search would look for
        if not any(c.isalnum() for c in rest):
            return notice or [Reply(text=_EMPTY, status="clarification")], ""
        return notice + await self._ask(state, session, rest, channel), rest

    async def _about_dossier(self, session: str, text: str, address: str | None) -> Reply | str | None:
        """What to send to Rasa in place of a message with a dossier's code or digits, or the reply to a mistyped one.

        Code and digits go past Rasa, whose tracker keeps what people write.
        """
        if text.startswith("/"):
            return None
        vault = self._dossiers.vault
        asked = read(text, expected=await vault.expects(session))
        if asked.digits:
            await vault.put(session, Kept(asked.digits, address))
        codes = asked.reading.codes
        if len(codes) > 1:
            return self._dossiers.several(codes)
        if codes:
            return code_payload(codes[0], proof_given=asked.digits is not None)
        return PROOF_PAYLOAD if asked.digits else self._dossiers.misread(asked)

    async def _ask(self, state: _State, session: str, text: str, channel: str) -> list[Reply]:
        try:
            return await self._rasa.send(session, text, channel)
        except RasaUnavailableError as error:
            logger.warning("answering without Rasa: %s", error)
            return await self._answer_without_rasa(state, session, text)

    async def _dossier_without_rasa(self, state: _State, session: str, text: str) -> Reply:
        entities = json.loads(text[text.index("{") :]) if "{" in text else {}
        state.dossier_code = entities.get("dossier_code", state.dossier_code)
        if not state.dossier_code:
            return self._dossiers.ask_code()
        return (await self._dossiers.tell(state.dossier_code, session, proved=False))[0]

    async def _answer_without_rasa(self, state: _State, session: str, text: str) -> list[Reply]:
        if text.startswith(("/dossier_status", "/give_proof")):
            return [await self._dossier_without_rasa(state, session, text)]
        reply, state.talk = await asyncio.to_thread(self._talk.respond, _plain_message(text), state.talk)
        return [reply.model_copy(update={"text": f"{reply.text}\n{_REDUCED}"})]

    def _too_fast(self, state: _State) -> bool:
        moment = time.monotonic()
        while state.times and moment - state.times[0] > 60:
            state.times.popleft()
        if len(state.times) >= self._settings.rate_limit_per_minute:
            return True
        state.times.append(moment)
        return False

    def _state(self, session: str) -> _State:
        state = self._states.pop(session, None) or _State()
        self._states[session] = state  # the newest is last
        if len(self._states) > _REMEMBERED:
            self._states.popitem(last=False)
        return state

    async def _record(self, session: str, text: str, channel: str, found: list[Reply], started: float) -> None:
        last = found[-1]
        try:
            await asyncio.to_thread(
                self._turns.record,
                channel=channel,
                conversation=session,
                status=last.status,
                procedure_code=last.procedure_code,
                fields=last.fields,
                question=text,
                ms=(time.perf_counter() - started) * 1000,
            )
        except Exception:
            logger.exception("turn not recorded")


_BUTTON = re.compile(
    r"/(?:ask_[a-z]+|watch_(?:dossier|consent)|choose_option\{\"choice\": ?\"[0-9A-Z.]+\"\}"
    r"|dossier_status(?:\{\"dossier_code\": ?\"[0-9A-Z.-]+\"\})?)",
    re.IGNORECASE,
)


def _not_a_command(text: str) -> str:
    """Rasa reads a leading slash as a command; only our own buttons may be one."""
    return text if _BUTTON.fullmatch(text) else text.lstrip("/ ")


def _plain_message(text: str) -> Message:
    """A message as the talk understands it without Rasa's intents; a button's payload is read."""
    if text.startswith("/choose_option"):
        return Message("", choice=json.loads(text[len("/choose_option") :])["choice"])
    if text.startswith("/"):
        return Message("", intent=text[1:])
    folded = text.strip().lower()
    return Message(text, intent="more" if folded in ("xem tiếp", "xem tiep") else "")
