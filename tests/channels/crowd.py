"""Many people at once on all channels, and what each of them hears: which answers, when, and how often.

Every question of a conversation is about another procedure, and an answer begins with the procedure's name and code. So
each message that somebody hears is the answer to a certain question of theirs, whoever gave it, or none.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from knowledge.catalogue import Catalogue
from tests.channels.installation import WEBHOOKS, Installation
from tests.emulators import telegram, zalo

REDUCED = "chế độ tra cứu nhanh"
"""Words that the app adds to an answer it gave without Rasa."""
CHANNELS = ("web", "zalo", "telegram")

_PATIENCE_S = 180.0
_DRAIN_S = 300.0
_AGAIN_S = 1.0
_ASKED = ("cần giấy tờ gì", "mất mấy ngày", "nộp ở đâu", "lệ phí bao nhiêu")
_PHONES = 64


@dataclass(frozen=True)
class Question:
    """``head`` is how its answer begins."""

    text: str
    head: str


@dataclass
class Asked:
    """A question of somebody, and when its answer came, as often as it came (seconds of a rising clock)."""

    head: str
    at: float
    heard: list[float] = field(default_factory=list)
    reduced: bool = False


# -- the far ends -----------------------------------------------------------------------------------


class Refusing:
    """Answers 429 and 500 in turn until a moment."""

    def __init__(self) -> None:
        self._until, self._kinds = 0.0, itertools.cycle(["too fast", "error"])
        self.refused = 0

    def start(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def kind(self) -> str | None:
        if time.monotonic() >= self._until:
            return None
        self.refused += 1
        return next(self._kinds)


class BusyZalo(zalo.Zalo):
    """Calls each app in turn, and notes how long its calls take."""

    def __init__(self) -> None:
        super().__init__(ladder_scale=0.02)
        self.refusing, self.acknowledged_ms = Refusing(), list[float]()
        self.apps: list[str] = []
        self._turn = itertools.count()

    @property
    def webhook(self) -> str | None:
        return self.apps[next(self._turn) % len(self.apps)] + f"{WEBHOOKS}/zalo" if self.apps else self._first

    @webhook.setter
    def webhook(self, url: str | None) -> None:
        self._first = url

    def _post(self, body: bytes, headers: dict[str, str]) -> int:
        started = time.perf_counter()
        status = super()._post(body, headers)
        self.acknowledged_ms.append((time.perf_counter() - started) * 1000)
        return status

    def take_fault(self, path: str) -> zalo.Fault | None:
        kind = self.refusing.kind() if path.endswith("/message/cs") else None
        if kind is None:
            return super().take_fault(path)
        return "http-429" if kind == "too fast" else "http-500"


class BusyTelegram(telegram.Emulator):
    """Calls each app in turn, several calls at a time as the real one does, and notes how long they take."""

    def __init__(self) -> None:
        super().__init__()
        self.refusing, self.acknowledged_ms = Refusing(), list[float]()
        self.apps: list[str] = []
        self.on_sent: Callable[[int, str], None] = lambda chat, text: None

    async def deliver(self) -> None:
        self._loop, self._changed = asyncio.get_running_loop(), asyncio.Event()
        turn, calls = itertools.count(), set[asyncio.Task[None]]()
        async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
            while True:
                if not self.webhook.url or not self.pending:
                    await self.changed(0.2)
                    continue
                app = self.apps[next(turn) % len(self.apps)] if self.apps else ""
                url = f"{app}{WEBHOOKS}/telegram" if app else self.webhook.url
                call = asyncio.create_task(self._call(http, url, self.pending.popleft()))
                calls.add(call)
                call.add_done_callback(calls.discard)

    async def _call(self, http: httpx.AsyncClient, url: str, update: telegram.Json) -> None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook.secret}
        taken = False
        while not taken:
            started = time.perf_counter()
            with suppress(httpx.HTTPError):
                taken = (await http.post(url, json=update, headers=headers)).status_code < 300
            self.acknowledged_ms.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(0 if taken else _AGAIN_S)

    def next_fault(self, method: str) -> telegram._Planned | None:
        kind = self.refusing.kind() if method.lower() == "sendmessage" else None
        if kind is None:
            return super().next_fault(method)
        fault = telegram.Fault.TOO_FAST if kind == "too fast" else telegram.Fault.SERVER_ERROR
        return telegram._Planned(fault, None, 1, retry_after_s=3)

    def _do_sendmessage(self, given: telegram.Json) -> telegram.Json:
        message = super()._do_sendmessage(given)
        self.on_sent(message["chat"]["id"], message["text"])
        return message


# -- people -----------------------------------------------------------------------------------------


class Citizen(ABC):
    """Somebody who asks one question after the other, with a while to think in between.

    Args:
        crowd: whom they belong to.
        questions: each asked at most once.
    """

    channel: str

    def __init__(self, crowd: Crowd, questions: Sequence[Question]) -> None:
        self._crowd, self._questions = crowd, questions
        self.asked: list[Asked] = []
        self.others: list[str] = []
        self._heard = asyncio.Event()

    async def live(self, until: float) -> None:
        """Ask until that moment, then wait for the last answer."""
        chance = random.Random(id(self))
        await asyncio.sleep(chance.random() * self._crowd.think_s)
        for question in self._questions:
            if time.monotonic() >= until:
                return
            self._heard.clear()
            self.asked.append(Asked(question.head, time.monotonic()))
            await self._send(question.text)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._heard.wait(), _PATIENCE_S)
            await asyncio.sleep(self._crowd.think_s * (0.5 + chance.random()))

    def hear(self, text: str) -> None:
        """Something came; called from any thread."""
        asked = next((one for one in self.asked if text.startswith(one.head)), None)
        if asked is None:
            self.others.append(text)
            return
        asked.heard.append(time.monotonic())
        self._crowd.loop.call_soon_threadsafe(self._heard.set)

    def hear_rest(self, text: str) -> None:
        """The mark of a reduced answer stands at the end of what may be several parts."""
        if REDUCED in text and self.asked:
            self.asked[-1].reduced = True

    @abstractmethod
    async def _send(self, text: str) -> None: ...


class WebCitizen(Citizen):
    """Writes with POST and reads the stream of events; both go on after an error, as the widget does."""

    channel = "web"

    def __init__(self, crowd: Crowd, questions: Sequence[Question], app: str, reading: str) -> None:
        super().__init__(crowd, questions)
        self._app, self._reading = app, reading
        self._headers: dict[str, str] = {}

    async def open(self) -> None:
        opened = (await self._crowd.http.post(f"{self._app}/api/v1/web/sessions")).json()
        self._headers = {"Authorization": f"Bearer {opened['token']}"}

    async def _send(self, text: str) -> None:
        sent = {"text": text, "client_msg_id": uuid.uuid4().hex, "wait": False}
        while True:
            started = time.perf_counter()
            with suppress(httpx.HTTPError):
                url = f"{self._app}/api/v1/web/messages"
                status = (await self._crowd.http.post(url, json=sent, headers=self._headers)).status_code
                if status == 202:
                    self._crowd.acknowledged_ms["web"].append((time.perf_counter() - started) * 1000)
                    return
                self._crowd.refused[f"web {status}"] += 1
            await asyncio.sleep(_AGAIN_S)

    async def listen(self) -> None:
        last = 0
        while True:
            with suppress(httpx.HTTPError):
                url = f"{self._reading}/api/v1/web/events?last_event_id={last}"
                async with self._crowd.http.stream("GET", url, headers=self._headers, timeout=60) as response:
                    async for line in response.aiter_lines():
                        name, _, value = line.partition(":")
                        if name == "id":
                            last = int(value)
                        elif name == "data" and '"who":"bot"' in value:
                            self._read(value)
            await asyncio.sleep(_AGAIN_S)

    def _read(self, data: str) -> None:
        text = httpx.Response(200, content=data).json()["reply"]["text"]
        self.hear_rest(text)
        self.hear(text)


class ZaloCitizen(Citizen):
    """Writes through the emulator, which signs and repeats."""

    channel = "zalo"

    def __init__(self, crowd: Crowd, questions: Sequence[Question], user: str) -> None:
        super().__init__(crowd, questions)
        self.user = user

    async def _send(self, text: str) -> None:
        await self._crowd.loop.run_in_executor(self._crowd.phones, self._crowd.zalo.say, text, self.user)


class TelegramCitizen(Citizen):
    channel = "telegram"

    def __init__(self, crowd: Crowd, questions: Sequence[Question], chat: int) -> None:
        super().__init__(crowd, questions)
        self.chat = chat

    async def _send(self, text: str) -> None:
        self._crowd.telegram.say(self.chat, text)


@dataclass
class ChannelOutcome:
    """What the people of one channel saw. ``later``: parts of an answer, and questions how it was."""

    channel: str
    people: int
    asked: int
    answered: int
    reduced: int
    missing: int
    doubled: int
    later: int
    apologies: int
    acknowledged_ms: list[float]
    turn_s: list[float]


class Crowd:
    """A third of the people on each channel.

    Args:
        installation: with :class:`BusyZalo` and :class:`BusyTelegram`.
        people: how many, all together.
        think_s: seconds between an answer and the next question, on average.
        questions: what is asked.
    """

    def __init__(self, installation: Installation, people: int, think_s: float, questions: Sequence[Question]) -> None:
        assert isinstance(installation.zalo, BusyZalo) and isinstance(installation.telegram, BusyTelegram)
        self.installation, self.think_s = installation, think_s
        self.zalo, self.telegram = installation.zalo, installation.telegram
        self.refused: Counter[str] = Counter()
        self.acknowledged_ms: dict[str, list[float]] = {
            "web": [],
            "zalo": self.zalo.acknowledged_ms,
            "telegram": self.telegram.acknowledged_ms,
        }
        self._people, self._all_questions = people, questions
        self.citizens: list[Citizen] = []

    async def run(self, seconds: float, *events: Awaitable[None]) -> list[ChannelOutcome]:
        """Let them talk, let ``events`` happen meanwhile, and wait until everything is answered and sent."""
        self.loop, self.phones = asyncio.get_running_loop(), ThreadPoolExecutor(_PHONES)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
        async with httpx.AsyncClient(timeout=30.0, limits=limits, trust_env=False) as self.http:
            self.citizens = self._gathered()
            self._listen_at_the_far_ends()
            web = [citizen for citizen in self.citizens if isinstance(citizen, WebCitizen)]
            await asyncio.gather(*(citizen.open() for citizen in web))
            listening = [asyncio.create_task(citizen.listen()) for citizen in web]
            until = time.monotonic() + seconds
            await asyncio.gather(*(citizen.live(until) for citizen in self.citizens), *events)
            await self._drain()
            for task in listening:
                task.cancel()
            await asyncio.gather(*listening, return_exceptions=True)
        self.phones.shutdown()
        return [self._outcome(channel) for channel in CHANNELS]

    def _gathered(self) -> list[Citizen]:
        urls = self.installation.urls
        self.zalo.apps = self.telegram.apps = urls
        citizens: list[Citizen] = []
        for number in range(self._people // 3):
            mine = [
                random.Random(3 * number + n).sample(self._all_questions, len(self._all_questions)) for n in range(3)
            ]
            app, other = urls[number % len(urls)], urls[(number + 1) % len(urls)]
            citizens.append(WebCitizen(self, mine[0], app, reading=other))
            citizens.append(ZaloCitizen(self, mine[1], f"2468458835{number:08}"))
            citizens.append(TelegramCitizen(self, mine[2], 10_000 + number))
        return citizens

    def _listen_at_the_far_ends(self) -> None:
        on_zalo = {citizen.user: citizen for citizen in self.citizens if isinstance(citizen, ZaloCitizen)}
        on_telegram = {citizen.chat: citizen for citizen in self.citizens if isinstance(citizen, TelegramCitizen)}
        lock = threading.Lock()

        def hear(citizen: Citizen | None, text: str) -> None:
            if citizen:
                with lock:
                    citizen.hear_rest(text)
                    citizen.hear(text)

        self.zalo.on_said = lambda user, said: hear(on_zalo.get(user), said.text) if said.by == "oa" else None
        self.telegram.on_sent = lambda chat, text: hear(on_telegram.get(chat), text)

    async def _drain(self) -> None:
        """Until nothing waits any more; a little longer, so that a second answer would be seen."""
        until = time.monotonic() + _DRAIN_S
        while await asyncio.to_thread(self.installation.waiting) and time.monotonic() < until:
            await asyncio.sleep(0.5)
        await asyncio.sleep(3)

    def _outcome(self, channel: str) -> ChannelOutcome:
        mine = [citizen for citizen in self.citizens if citizen.channel == channel]
        asked = [one for citizen in mine for one in citizen.asked]
        others = [text for citizen in mine for text in citizen.others]
        return ChannelOutcome(
            channel=channel,
            people=len(mine),
            asked=len(asked),
            answered=sum(bool(one.heard) for one in asked),
            reduced=sum(one.reduced for one in asked),
            missing=sum(not one.heard for one in asked),
            doubled=sum(len(one.heard) > 1 for one in asked),
            later=len(others),
            apologies=sum("sự cố" in text or "nhanh quá" in text for text in others),
            acknowledged_ms=list(self.acknowledged_ms[channel]),
            turn_s=[one.heard[0] - one.at for one in asked if one.heard],
        )


# -- questions --------------------------------------------------------------------------------------


def learned(installation: Installation, number: int) -> list[Question]:
    """Questions that are answered at once, each about another procedure; they are asked here once."""
    found: list[Question] = []
    http = httpx.Client(base_url=installation.urls[0], timeout=60.0, trust_env=False)
    procedures = [one for one in Catalogue.open(installation.settings).current() if one.has_details]
    for place, procedure in enumerate(sorted(procedures, key=lambda one: one.code)):
        text = f"{procedure.plain_name or procedure.name} {_ASKED[place % len(_ASKED)]}"
        reply = _ask(http, text)
        if reply["status"] in ("answered", "not_published") and reply["procedure_code"] == procedure.code:
            found.append(Question(text, reply["text"].split("\n")[0]))
        if len(found) == number:
            break
    assert len({question.head for question in found}) == len(found) >= min(number, 10)
    return found


def _ask(http: httpx.Client, text: str) -> dict[str, Any]:
    session = http.post("/api/v1/web/sessions").json()
    headers = {"Authorization": f"Bearer {session['token']}"}
    answer = http.post("/api/v1/web/messages", json={"text": text}, headers=headers).raise_for_status().json()
    reply: dict[str, Any] = answer["messages"][-1]
    return reply


# -- what happens meanwhile -------------------------------------------------------------------------


async def rasa_dies(installation: Installation, after_s: float, away_s: float) -> None:
    """Kill Rasa, and start it again some time later; it is ready when its model is loaded."""
    assert installation.rasa is not None
    await asyncio.sleep(after_s)
    await asyncio.to_thread(installation.rasa.kill)
    await asyncio.sleep(away_s)
    installation.rasa.start()


async def channels_refuse(crowd: Crowd, after_s: float, for_s: float) -> None:
    """Zalo and Telegram answer 429 and 500 for a while."""
    await asyncio.sleep(after_s)
    for emulator in (crowd.zalo, crowd.telegram):
        emulator.refusing.start(for_s)


def median_and_p95(values: Sequence[float]) -> tuple[float | None, float | None]:
    if len(values) < 2:
        return (values[0], values[0]) if values else (None, None)
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[94]
