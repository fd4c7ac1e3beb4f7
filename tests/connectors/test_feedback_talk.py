"""Surveys, ratings and petitions in whole turns: the real Rasa with its rules, the real search and database."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import sqlite3
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from actions.dossiers.reading import vietnam_now
from actions.feedback.connect import Feedback, connect
from actions.feedback.petitions import State
from actions.feedback.responses import Response
from actions.procedures import ProcedureTalk
from actions.rasa import executor
from actions.replies import Reply
from actions.secret_key import installation_key
from actions.turns import TurnLog
from connectors import bot_process
from connectors.actions_endpoint import router as actions_router
from connectors.conversation import Conversations
from connectors.messages import Incoming, conversation_id
from connectors.outbox import Outbox
from connectors.rasa_client import RasaClient, RasaUnavailableError
from connectors.running import free_port
from knowledge.catalogue import Catalogue
from knowledge.search.engine import SearchEngine
from knowledge.settings import Settings
from tests.conftest import unavailable
from tests.connectors.test_conversation import dossier_talk
from tests.serving import serving

pytestmark = pytest.mark.rasa

FINISHED, LATE = "H57.17.26-261113-0010", "H57.17.26-261117-0004"
SIX = ["contacts", "bodies", "publicity", "attitude", "convenience", "overall"]


class Rasa:
    """A Rasa server, and the app in this process whose actions it calls."""

    def __init__(self, url: str, actions: FastAPI, talks: Path) -> None:
        self.url, self.actions, self.talks = url, actions, talks


@pytest.fixture(scope="module")
def rasa(starter_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rasa]:
    if not starter_settings.rasa_python.exists():
        unavailable("the Rasa environment is not installed (make install)")
    if not bot_process.is_trained(starter_settings):
        bot_process.train(starter_settings)
    actions = FastAPI()
    actions.include_router(actions_router, prefix="/api/v1")
    folder = tmp_path_factory.mktemp("feedback-rasa")
    with serving(actions) as app_url:
        settings = starter_settings.model_copy(update={"rasa_port": free_port()})
        child = bot_process.children(settings)[1]
        own = {"MOTCUA_ACTIONS_URL": f"{app_url}/api/v1/actions/webhook", "MOTCUA_RASA_DB": str(folder / "talks.db")}
        with (folder / "rasa.log").open("wb") as log:
            server = subprocess.Popen(
                child.command, cwd=child.directory, env=os.environ | child.environment | own, stdout=log, stderr=log
            )
        try:
            _wait(server, child.ready_url, folder / "rasa.log")
            yield Rasa(f"http://127.0.0.1:{settings.rasa_port}", actions, folder / "talks.db")
        finally:
            server.terminate()
            server.wait(20)


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + 120
    while True:
        assert server.poll() is None and time.monotonic() < until, log.read_text(errors="replace")[-3000:]
        try:
            if httpx.get(url, timeout=2.0).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.3)


class Person:
    """Somebody who writes in a conversation of their own."""

    def __init__(self, rasa: Rasa, settings: Settings, engine: SearchEngine, channel: str = "zalo") -> None:
        self.channel, self.sender = channel, uuid.uuid4().hex
        self._rasa, self._settings, self._engine = rasa, settings, engine
        self.deliveries = 0
        self.restart()

    def restart(self) -> None:
        """The app anew: nothing that a process remembers is left."""
        catalogue = Catalogue.open(self._settings)
        talk = ProcedureTalk(catalogue, self._engine, self._settings)
        dossiers = dossier_talk(talk, self._settings)
        key = installation_key(self._settings.home)
        self.feedback: Feedback = connect(catalogue.engine, key, dossiers.vault, talk, self._settings)
        self._rasa.actions.state.executor = executor(talk, dossiers, self.feedback.talk, self._settings)
        self.client = RasaClient(self._settings.model_copy(update={"rasa_url": self._rasa.url}))
        turns, outbox = TurnLog(catalogue.engine, self._settings.home), Outbox(catalogue.engine)
        self.talk = Conversations(self.client, talk, dossiers, outbox, turns, feedback=self.feedback.talk)
        self.engine = catalogue.engine

    async def say(self, said: str, key: str | None = None) -> list[Reply]:
        self.deliveries += 1
        key = key or f"{self.sender}-{self.deliveries}"
        answered = await self.talk.answer(Incoming(self.channel, self.sender, key, said))
        assert all("tra cứu nhanh" not in reply.text for reply in answered.replies), "answered without Rasa"
        assert all("sự cố" not in reply.text for reply in answered.replies)
        self.shown = answered.shown
        return answered.replies

    async def tap(self, replies: list[Reply], label: str) -> list[Reply]:
        return await self.say(next(o.payload for r in replies for o in r.options if o.label == label))

    def kept(self, instrument: str) -> list[Response]:
        today = vietnam_now().date()
        return self.feedback.responses.within(today, today, instrument)

    def tracker(self) -> str:
        """Everything that Rasa keeps of this conversation."""
        with sqlite3.connect(self._rasa.talks) as talks:
            rows = talks.execute(
                "select talk from talks where sender = ?", [conversation_id(self.channel, self.sender)]
            )
            return json.dumps(json.loads(rows.fetchone()[0]), ensure_ascii=False)


MakePerson = Callable[..., Person]


@pytest.fixture
async def person(rasa: Rasa, starter_settings: Settings, starter_engine: SearchEngine) -> MakePerson:
    made = lambda channel="zalo": Person(rasa, starter_settings, starter_engine, channel)  # noqa: E731
    someone = made()
    with someone.engine.begin() as connection:
        for table in ("survey_ticket", "survey_response", "survey_talk", "petition"):
            connection.execute(text(f"delete from {table}"))
    return made


async def finished_dossier(someone: Person) -> list[Reply]:
    """Look up a dossier that is finished; what follows the answer is its survey."""
    told, question = await someone.say(f"hồ sơ {FINISHED} số cuối 1010")
    assert told.status == "dossier_found"
    assert question.text.split("\n")[1].startswith("Câu 1/6.")
    return [question]


# -- the service survey -------------------------------------------------------------------------


async def test_the_service_survey_by_buttons(person: MakePerson) -> None:
    someone = person()
    replies = await finished_dossier(someone)
    for label in (
        "Phải đi thêm một lần", "Chỉ đến bộ phận một cửa", "Đầy đủ, dễ tìm", "Bình thường", "Thuận tiện", "Rất hài lòng", "Bỏ qua",
    ):  # fmt: skip
        replies = await someone.tap(replies, label)
        assert someone.shown == "[ý kiến]", "what is shown in transcripts"
    assert replies[0].text.startswith("Cảm ơn anh/chị đã đánh giá")
    assert replies[0].options == []
    (kept,) = someone.kept("service")
    assert kept.answers == dict(zip(SIX, (1, 1, 2, 1, 2, 2), strict=True))
    assert (kept.complete, kept.channel, kept.procedure_code, kept.field) == (True, "zalo", "1.001193", "Hộ tịch")


async def test_by_numbers_and_only_once_per_dossier(person: MakePerson) -> None:
    someone = person()
    await finished_dossier(someone)
    for number in "123121":
        await someone.say(number)
    (thanks,) = await someone.say("cửa một cửa nên mở sớm hơn")
    assert "Cảm ơn" in thanks.text
    (kept,) = someone.kept("service")
    assert list(kept.answers.values()) == [2, 1, 0, 2, 1, 2]
    assert kept.comments == {"comment": "cửa một cửa nên mở sớm hơn"}
    assert len(await someone.say("tra cứu hồ sơ")) == 1, "the same dossier in the same talk"
    (told,) = await person("telegram").say(f"{FINISHED} số cuối 1010")
    assert told.status == "dossier_found"


async def test_by_words_without_accents_and_skipping(person: MakePerson) -> None:
    someone = person()
    await finished_dossier(someone)
    for words in ("khong", "mot cua", "bo qua", "tan tinh a", "thuan tien", "rat hai long nhe"):
        await someone.say(words)
    await someone.say("khong co")
    (kept,) = someone.kept("service")
    assert kept.answers == {"contacts": 2, "bodies": 1, "attitude": 2, "convenience": 2, "overall": 2}
    assert (kept.complete, kept.comments) == (True, {})


async def test_stopping_keeps_what_was_said_as_partial(person: MakePerson) -> None:
    someone = person()
    await finished_dossier(someone)
    await someone.say("1")
    (bye,) = await someone.say("thôi ạ")
    assert bye.text == "Dạ vâng, cảm ơn anh/chị đã dành thời gian."
    (kept,) = someone.kept("service")
    assert (kept.answers, kept.complete) == ({"contacts": 2}, False)
    assert (await someone.say("2"))[-1].status != "feedback_recorded"


async def test_declining_is_counted_and_nothing_is_kept(person: MakePerson) -> None:
    someone = person()
    await finished_dossier(someone)
    await someone.say("thôi")
    assert someone.kept("service") == []
    today = vietnam_now().date()
    (declined,) = someone.feedback.responses.unanswered(today, today, "service")
    assert declined.declined


async def test_a_question_in_between_is_answered_and_the_survey_goes_on(person: MakePerson) -> None:
    someone = person()
    await finished_dossier(someone)
    await someone.say("1")
    fee, again = await someone.say("lệ phí bao nhiêu")
    assert (fee.procedure_code, fee.fields) == ("1.001193", ["fee"])
    assert again.text.startswith("Mình tiếp tục nhé: Câu 2/6.")
    assert len(await someone.say("thế nộp ở đâu")) == 1, "asked again once, not more"
    assert (await someone.say("2"))[0].text.startswith("Câu 3/6.")


async def test_a_dossier_look_up_in_between(person: MakePerson) -> None:
    someone = person()
    await finished_dossier(someone)
    await someone.say("1")
    (digits_wanted,) = await someone.say(LATE)
    assert "4 số cuối" in digits_wanted.text
    told, again = await someone.say("1004")
    assert "đã quá hẹn" in told.text
    assert again.text.startswith("Mình tiếp tục nhé: Câu 2/6.")
    await someone.say("3")
    assert someone.kept("service")[0].answers == {"contacts": 2, "bodies": 0}


async def test_nonsense_three_times_ends_the_asking(person: MakePerson) -> None:
    someone = person()
    await finished_dossier(someone)
    await someone.say("1")
    seen = [await someone.say(text) for text in ("asdf qwer", "zxcvb", "hjkl hjkl")]
    assert [any("Mình tiếp tục" in reply.text for reply in replies) for replies in seen] == [True, False, False]
    assert (await someone.say("con tôi mới sinh cần giấy tờ gì"))[-1].status == "answered"
    assert someone.kept("service")[0].complete is False


async def test_it_survives_a_restart_of_the_app(person: MakePerson) -> None:
    someone = person()
    await finished_dossier(someone)
    await someone.say("1")
    someone.restart()
    assert (await someone.say("2"))[0].text.startswith("Câu 3/6.")
    someone.restart()
    for words in ("đầy đủ", "tận tình", "thuận tiện", "hài lòng", "bỏ qua"):
        await someone.say(words)
    assert someone.kept("service")[0].answers == dict(zip(SIX, (2, 1, 2, 2, 2, 1), strict=True))


async def test_a_message_delivered_twice_is_one_answer(person: MakePerson) -> None:
    someone = person()
    replies = await finished_dossier(someone)
    first = await someone.say("1", key="a")
    assert await someone.say("1", key="a") == first
    tapped = replies[0].options[1].payload  # an old button: the first question anew, the second still waits
    assert (await someone.say(tapped))[0].text.startswith("Câu 2/6.")
    assert someone.kept("service")[0].answers == {"contacts": 1}
    for words in ("một cửa", "đầy đủ", "tận tình", "thuận tiện", "hài lòng"):
        await someone.say(words)
    last = await someone.say("không", key="z")
    assert await someone.say("không", key="z") == last
    assert len(someone.kept("service")) == 1


async def test_left_alone_it_is_reminded_of_once_at_the_next_visit(
    person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone = person()
    await finished_dossier(someone)
    later = vietnam_now() + dt.timedelta(hours=5)
    monkeypatch.setattr("actions.feedback.talk.vietnam_now", lambda: later)
    _, reminder = await someone.say("xin chào")
    assert reminder.text.startswith("Lần trước mình còn dở")
    monkeypatch.setattr("actions.feedback.talk.vietnam_now", lambda: later + dt.timedelta(hours=5))
    assert len(await someone.say("xin chào")) == 1
    monkeypatch.setattr("actions.feedback.talk.vietnam_now", lambda: later + dt.timedelta(days=2))
    assert len(await someone.say("xin chào")) == 1
    assert someone.kept("service") == []


async def test_while_the_dossier_form_waits_words_are_for_the_form(person: MakePerson) -> None:
    someone = person()
    replies = await finished_dossier(someone)
    await someone.say(LATE)
    assert "dừng việc tra hồ sơ" in (await someone.say("thôi"))[0].text
    assert (await someone.tap(replies, "Phải đi thêm một lần"))[0].text.startswith("Câu 2/6."), "a button still answers"


# -- ratings of answers -------------------------------------------------------------------------


async def test_an_answer_is_rated_after_thanks_once_a_day(person: MakePerson) -> None:
    someone = person()
    await someone.say("con tôi mới sinh cần giấy tờ gì")
    thanks, question = await someone.say("cảm ơn nhé")
    assert (thanks.status, question.text.splitlines()[0]) == (
        "small_talk",
        "Câu trả lời này có giúp được anh/chị không?",
    )
    (end,) = await someone.say("co a")
    assert "rất vui" in end.text
    (kept,) = someone.kept("answer")
    assert (kept.answers, kept.complete, kept.procedure_code) == ({"useful": 1}, True, "1.001193")
    await someone.say("lệ phí bao nhiêu")
    assert len(await someone.say("cảm ơn")) == 1, "never twice a day"


async def test_a_bad_rating_leads_to_a_petition_that_is_found_by_its_number(person: MakePerson) -> None:
    someone = person()
    await someone.say("con tôi mới sinh cần giấy tờ gì")
    replies = await someone.say("tạm biệt")
    assert [reply.status for reply in replies] == ["small_talk", "feedback_recorded"]
    replies = await someone.tap(replies, "Không")
    replies = await someone.say("2")
    (sorry,) = await someone.say("thiếu giờ làm việc, hỏi chị Lan 0912345678 cũng không biết")
    assert "Tôi xin lỗi" in sorry.text
    assert "Tôi đã bỏ tên" in sorry.text
    assert [option.label for option in sorry.options] == ["Gặp cán bộ", "Gửi phản ánh, kiến nghị"]
    (kept,) = someone.kept("answer")
    assert kept.answers == {"useful": 0, "reason": "incomplete"}
    assert kept.comments == {"comment": "thiếu giờ làm việc, hỏi chị [tên] [số điện thoại] cũng không biết"}
    (kinds,) = await someone.tap([sorry], "Gửi phản ánh, kiến nghị")
    assert "Khiếu nại" in kinds.text
    (words_wanted,) = await someone.tap([kinds], "Thái độ, việc làm của cán bộ")
    assert "đừng ghi tên" in words_wanted.text
    (received,) = await someone.say("Sáng nay cán bộ Lê C ở một cửa quát tôi, số tôi 0912345678")
    number = re.search(r"PA-\d{6}-\w{6}", received.text)[0]  # type: ignore[index]
    petition = someone.feedback.petitions.find(number)
    assert petition is not None
    assert petition.text == "Sáng nay cán bộ [tên] ở một cửa quát tôi, số tôi [số điện thoại]"
    for day in (petition.limits.refuse_by, petition.limits.ask_more_by, petition.limits.answer_by):
        assert f"{day:%d/%m/%Y}" in received.text
    assert "công thức Bộ chỉ số 766" in received.text
    someone.feedback.petitions.answer(number, "Đã nhắc nhở cán bộ và xin lỗi anh/chị.", vietnam_now())
    stranger = person("telegram")  # whoever has the number
    (state,) = await stranger.say(f"tra phan anh {number.lower()}")
    assert "Đã nhắc nhở cán bộ" in state.text
    assert "quát" not in state.text
    assert "Cảm ơn" in (await stranger.say("hài lòng"))[0].text
    found = stranger.feedback.petitions.find(number)
    assert found is not None and found.satisfied is True


async def test_on_zalo_every_fourth_answer_may_be_rated_but_not_under_the_pages_own_buttons(person: MakePerson) -> None:
    questions = ["con tôi mới sinh cần giấy tờ gì", "bao lâu thì xong", "nộp ở đâu", "nộp online được không"]
    on_zalo, on_web = person(), person("web")
    for channel, asks in ((on_zalo, True), (on_web, False)):
        channel.restart()
        seen = [await channel.say(question) for question in questions]
        assert [replies[0].status for replies in seen] == ["answered"] * 4
        assert [len(replies) for replies in seen] == [1, 1, 1, 1 + asks]
    on_zalo.restart()
    assert len(await on_zalo.say("cần giấy tờ gì")) == 1, "lightly: not asked again"
    assert (await on_zalo.say("2"))[-1].status != "feedback_recorded"


@pytest.mark.parametrize("text", ["tốt", "ok", "hài lòng", "rất hài lòng", "không", "bỏ qua", "5", "tuyệt vời"])
async def test_outside_a_survey_such_words_start_none(person: MakePerson, text: str) -> None:
    someone = person()
    replies = await someone.say(text)
    assert not any(reply.card and reply.card.get("kind") == "survey" for reply in replies)
    assert all(reply.status != "feedback_recorded" for reply in replies)


# -- opinions -----------------------------------------------------------------------------------


async def test_the_poll_on_a_word_by_words_numbers_and_skip(person: MakePerson) -> None:
    someone = person()
    (question,) = await someone.say("cho tôi làm khảo sát")
    assert "Câu 1/5." in question.text
    for answer in ("rat hai long", "2", "bo qua", "tạm được"):
        (question,) = await someone.say(answer)
    assert question.text.startswith("Câu 5/5.")
    await someone.tap([question], "Hài lòng")
    await someone.say("nên mở thêm quầy")
    (kept,) = someone.kept("poll")
    assert kept.answers == {"equipment": 5, "papers": 2, "punctual": 3, "handled": 4}
    assert (kept.complete, kept.comments) == (True, {"comment": "nên mở thêm quầy"})
    await someone.say('/start_survey{"survey": "poll"}')  # a link, on the same day: no second voice
    await someone.say("5")
    assert len(someone.kept("poll")) == 1


async def test_free_words_after_a_wish_to_say_something(person: MakePerson) -> None:
    someone = person()
    (offer,) = await someone.say("tôi muốn góp ý")
    assert {option.label for option in offer.options} >= {"Gửi phản ánh, kiến nghị", "Gặp cán bộ"}
    (thanks,) = await someone.say("nên có thêm ghế ngồi, gặp bà Trần Thị B thì bị quát")
    assert "tôi đã ghi lại" in thanks.text
    assert someone.kept("poll")[0].comments == {"comment": "nên có thêm ghế ngồi, gặp bà [tên] thì bị quát"}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("con tôi mới sinh cần giấy tờ gì", "answered"),
        ("đăng ký kết hôn", "answered"),
        ("cháy nhà rồi cứu với", "emergency"),
        ("gặp cán bộ", "handoff"),
        (LATE, "clarification"),
    ],
)
async def test_a_plain_question_is_not_taken_for_an_opinion(person: MakePerson, text: str, status: str) -> None:
    someone = person()
    await someone.say("tôi muốn góp ý")
    assert (await someone.say(text))[0].status == status
    assert someone.kept("poll") == []


async def test_an_opinion_in_the_first_message_is_kept_at_once(person: MakePerson) -> None:
    someone = person()
    (thanks,) = await someone.say("đề nghị lắp thêm quạt ở phòng chờ")
    assert "tôi đã ghi lại" in thanks.text
    assert someone.kept("poll")[0].comments == {"comment": "đề nghị lắp thêm quạt ở phòng chờ"}
    assert (await someone.say("không"))[-1].status != "feedback_recorded", "nothing waits"


async def test_praise_and_complaints(person: MakePerson) -> None:
    someone = person()
    (praised,) = await someone.say("cán bộ nhiệt tình lắm")
    assert praised.text.startswith("Cảm ơn anh/chị đã khen")
    (sorry,) = await someone.say("cán bộ đòi tiền bồi dưỡng")
    assert [option.label for option in sorry.options] == ["Gặp cán bộ", "Gửi phản ánh, kiến nghị"]
    assert (await someone.tap([sorry], "Gặp cán bộ"))[0].status == "handoff"


async def test_complaints_of_the_law_are_another_procedure(person: MakePerson) -> None:
    someone = person()
    replies = await someone.say("/start_petition")
    (told,) = await someone.tap(replies, "Khiếu nại, tố cáo")
    assert "theo luật riêng" in told.text
    assert someone.feedback.petitions.listed(today=vietnam_now().date()) == []


async def test_more_is_asked_for_and_sent(person: MakePerson) -> None:
    someone = person()
    await someone.say("/start_petition")
    await someone.say("2")
    (received,) = await someone.say("Nộp hồ sơ khai sinh online mà trang báo lỗi mãi, chờ ba ngày không ai trả lời")
    number = re.search(r"PA-\d{6}-\w{6}", received.text)[0]  # type: ignore[index]
    someone.feedback.petitions.change(number, State.NEEDS_MORE, vietnam_now(), "Xin cho biết ngày nộp.")
    (state,) = await someone.say(number)
    assert "Xin cho biết ngày nộp." in state.text
    assert number in (await someone.say("Tôi nộp sáng 19/11"))[0].text
    found = someone.feedback.petitions.find(number)
    assert found is not None and found.state is State.PROCESSING


async def test_an_unknown_number_and_a_look_up_without_one(person: MakePerson) -> None:
    someone = person()
    assert "không tìm thấy" in (await someone.say("PA-261124-222222"))[0].text
    assert "số hiệu" in (await someone.say("phản ánh của tôi tới đâu rồi"))[0].text


@pytest.mark.parametrize(
    "payload", ['/survey_answer{"survey": "service", "item": "overall", "value": "2"}', "/survey_answer{}"]
)
async def test_buttons_from_long_ago_are_answered(person: MakePerson, payload: str) -> None:
    (reply,) = await person().say(payload)
    assert reply.text


# -- what is kept where -------------------------------------------------------------------------


async def test_rasa_keeps_neither_answers_nor_words_nor_what_is_said_to_them(person: MakePerson) -> None:
    someone = person()
    await finished_dossier(someone)
    for words in (
        "nhiều lần",
        "3",
        "không thấy công khai",
        "hách dịch",
        "bất tiện",
        "rất thất vọng",
    ):
        await someone.say(words)
    await someone.say("bà Trần Thị B bắt chờ từ sáng đến chiều")
    await someone.say("/start_petition")
    await someone.say("thái độ")
    (received,) = await someone.say("Bà B quát tháo giữa phòng chờ")
    number = re.search(r"PA-\d{6}-\w{6}", received.text)[0]  # type: ignore[index]
    await someone.say(f"tra phản ánh {number}")
    tracker = someone.tracker()
    assert tracker.count("/survey_answer") >= 9, "Rasa did lead the turns"
    for piece in (
        "nhiều lần", "không thấy", "hách dịch", "bất tiện", "thất vọng", "Trần Thị B", "từ sáng", "quát tháo", number,
        "Điều gì làm anh/chị chưa hài lòng", "xin lỗi vì việc phục vụ", '"thái độ"',
    ):  # fmt: skip
        assert piece not in tracker.replace("Thái độ, việc làm của cán bộ", ""), piece
    with someone.engine.connect() as connection:
        for table in ("survey_ticket", "survey_response", "survey_talk", "petition"):
            everything = str(connection.execute(text(f"select * from {table}")).all())
            assert someone.sender not in everything
            assert "Trần Thị B" not in everything


async def test_without_rasa_a_survey_goes_on(person: MakePerson, monkeypatch: pytest.MonkeyPatch) -> None:
    someone = person()
    await finished_dossier(someone)

    async def away(*_: object) -> list[Reply]:
        raise RasaUnavailableError("away")

    monkeypatch.setattr(someone.client, "send", away)
    assert (await someone.say("1"))[0].text.startswith("Câu 2/6.")
    assert someone.kept("service")[0].answers == {"contacts": 2}
