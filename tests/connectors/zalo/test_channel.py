"""Sending: what is sent is what was rendered, each error has its treatment, nothing is said twice that can be told."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path

import pytest
import sqlalchemy as sa

from actions.dossiers.adapters.far_end import Limits
from actions.dossiers.reading import vietnam_now
from actions.replies import ReplyOption
from actions.secret_key import installation_key
from connectors.delivery import deliver
from connectors.messages import SendError
from connectors.outbox import Outbox
from connectors.zalo import channel as channels
from connectors.zalo import refusals
from connectors.zalo.channel import ZaloChannel
from connectors.zalo.refusals import TABLE, Treatment, send_error
from knowledge.settings import Settings
from tests.connectors.zalo.conftest import outgoing, pair_of, settings_for
from tests.emulators import zalo as emulators
from tests.emulators.zalo import CITIZEN, Zalo

OPTIONS = [ReplyOption(label="Lệ phí", payload="/ask_fee"), ReplyOption(label="Thời hạn", payload="/ask_time")]
SEND, HISTORY, TOKEN = "/v3.0/oa/message/cs", "/v2.0/oa/conversation", "/v4/oa/access_token"


async def refused(channel: ZaloChannel, attempt: int = 1) -> SendError:
    with pytest.raises(SendError) as caught:
        await channel.send(outgoing(attempt=attempt))
    return caught.value


async def test_a_text_with_buttons_arrives(channel: ZaloChannel, zalo: Zalo) -> None:
    (part,) = channel.parts(outgoing("Cần tờ khai.", options=OPTIONS).reply)
    await channel.send(outgoing(part.text, options=part.options))
    (said,) = zalo.conversations[CITIZEN]
    assert said.text == "Cần tờ khai.\n\nAnh/chị nhắn số để chọn:\n1. Lệ phí\n2. Thời hạn"
    assert [button["payload"] for button in said.buttons] == ["#vg:/ask_fee", "#vg:/ask_time"]


async def test_to_a_visitor_without_identity(channel: ZaloChannel, zalo: Zalo) -> None:
    zalo._visits["1ff"] = "fa8"
    await channel.send(outgoing("Chào.", to="anonymous.1ff.fa8"))
    assert zalo.texts("1ff") == ["Chào."]
    assert await channel.arrived(outgoing("Chào.", to="anonymous.1ff.fa8")) is None


# -- errors -------------------------------------------------------------------------------------

EXPECTED = {
    Treatment.RETRY: 1, Treatment.DEFER: 3_600, Treatment.ALERT: 1_800, Treatment.UNREACHABLE: None, Treatment.DEFECT: None,
}  # fmt: skip
DOCUMENTED = (
    -32, -100, -200, -201, -202, -204, -205, -207, -208, -209, -210, -211, -212, -213, -214, -215, -216, -217, -218, -219,
    -220, -221, -223, -224, -227, -230, -232, -233, -234, -235, -240, -242, -244, -248, -249, -305, -311, -320, -321, -403,
)  # fmt: skip


def test_the_table_has_every_documented_code() -> None:
    assert set(TABLE) == set(DOCUMENTED)


async def test_each_code_has_its_treatment(channel: ZaloChannel, zalo: Zalo) -> None:
    codes = [code for code in DOCUMENTED if code not in refusals.ACCESS_TOKEN]
    for code in codes:
        zalo.break_it(code)
        error = await refused(channel)
        assert error.retry_after_s == EXPECTED[TABLE[code][0]], code
        assert str(code) in error.reason
    assert zalo.calls[SEND] == len(codes) and zalo.texts() == []


def test_unknown_codes_are_tried_again_and_failed_sends_only_twice() -> None:
    assert send_error(-9_999, 1).retry_after_s == 1
    assert [send_error(-200, attempt).retry_after_s for attempt in (1, 2, 3)] == [1, 1, None]


def test_the_administrator_is_alarmed(caplog: pytest.LogCaptureFixture) -> None:
    send_error(-223, 1)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize(
    ("fault", "retry_after_s"),
    [("http-500", 0), ("html", 0), ("lost", 0), ("refused-connection", 0), ("http-429", 1)],
)
async def test_no_answer_is_tried_again(channel: ZaloChannel, zalo: Zalo, fault: str, retry_after_s: int) -> None:
    """With 0, the outbox asks first whether it arrived."""
    zalo.break_it(fault)  # type: ignore[arg-type]
    assert (await refused(channel)).retry_after_s == retry_after_s


async def test_the_window_of_seven_days(channel: ZaloChannel, zalo: Zalo) -> None:
    zalo.age(CITIZEN, 7.1)
    error = await refused(channel)
    assert error.retry_after_s is None and "ZBS" in error.reason


async def test_what_is_billed_is_counted(channel: ZaloChannel, zalo: Zalo) -> None:
    await channel.send(outgoing(key="a"))
    zalo.age(CITIZEN, 3)
    await channel.send(outgoing(key="b"))
    channel.health.write()
    assert {"sent:reply": 1, "sent:billed": 1}.items() <= {n: c.count for n, c in channel.health.read().items()}.items()


# -- buttons ------------------------------------------------------------------------------------


async def test_buttons_in_the_wrong_form_are_left_out(channel: ZaloChannel, zalo: Zalo) -> None:
    zalo.button_style = "button"
    await channel.send(outgoing("1. Lệ phí\n2. Thời hạn", options=OPTIONS))
    (said,) = zalo.conversations[CITIZEN]
    assert said.buttons == [] and said.text == "1. Lệ phí\n2. Thời hạn"


async def test_the_other_form_by_setting(far_end: str, tmp_path: Path, engine: sa.Engine, zalo: Zalo) -> None:
    settings = settings_for(far_end, tmp_path, zalo_button_style="button")
    channel = channels.connect(settings, engine, installation_key(tmp_path))
    assert channel is not None
    channel.tokens.put(pair_of(zalo))
    zalo.age(CITIZEN, 0)
    zalo.button_style = "button"
    await channel.send(outgoing("1. Lệ phí\n2. Thời hạn", options=OPTIONS))
    assert len(zalo.conversations[CITIZEN][0].buttons) == 2
    await channel.close()


async def test_numbers_stand_for_the_choices_of_the_last_message(channel: ZaloChannel) -> None:
    def chosen(text: str) -> str:
        return channel.sends.chosen(CITIZEN, text)

    assert chosen("2") == "2"
    (part,) = channel.parts(outgoing("Cần tờ khai.", options=OPTIONS).reply)
    await channel.send(outgoing(part.text, key="a", options=part.options))
    assert [chosen(text) for text in ("1", " 2. ", "số 2", "chọn số 1")] == [
        "/ask_fee",
        "/ask_time",
        "/ask_time",
        "/ask_fee",
    ]
    assert [chosen(text) for text in ("3", "0", "12", "2 bản", "1004")] == ["3", "0", "12", "2 bản", "1004"]
    assert channel.sends.chosen("another", "1") == "1"
    await channel.send(outgoing("Chào.", key="b"))
    assert chosen("1") == "1"


# -- tokens -------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["expire", "revoke"])
async def test_a_token_that_is_not_accepted_is_renewed_once(channel: ZaloChannel, zalo: Zalo, how: str) -> None:
    getattr(zalo, how)()
    await channel.send(outgoing())
    assert zalo.texts() == ["Chào anh/chị."]
    assert (zalo.calls[TOKEN], zalo.calls[SEND]) == (1, 2)


@pytest.mark.parametrize("code", [-216, -220])
async def test_a_new_token_that_is_not_accepted_either(channel: ZaloChannel, zalo: Zalo, code: int) -> None:
    zalo.break_it(code, times=2)
    assert (await refused(channel)).retry_after_s == 300
    assert (zalo.calls[TOKEN], zalo.calls[SEND]) == (1, 2)


async def test_without_tokens_nothing_is_sent_and_it_is_said_why(
    settings: Settings, engine: sa.Engine, zalo: Zalo
) -> None:
    channel = channels.connect(settings, engine, installation_key(settings.home))
    assert channel is not None
    error = await refused(channel)
    assert "token import" in error.reason and error.retry_after_s
    await channel.close()


def test_not_set_up(engine: sa.Engine, tmp_path: Path) -> None:
    assert channels.connect(Settings(home=tmp_path), engine, b"k") is None
    assert channels.connect(Settings(home=tmp_path, zalo_app_id="1"), engine, b"k") is None


# -- did it arrive? -----------------------------------------------------------------------------


@pytest.fixture
def outbox(engine: sa.Engine) -> Outbox:
    """With one message for the citizen."""
    outbox = Outbox(engine)
    with engine.begin() as connection:
        outbox.put(
            connection, channel="zalo", recipient=CITIZEN, reply=outgoing().reply, dedupe_key="k", now=vietnam_now()
        )
    return outbox


async def sent(outbox: Outbox, channel: ZaloChannel, minutes: float = 0) -> dict[str, int]:
    return dict(await deliver(outbox, {"zalo": channel}, now=vietnam_now() + dt.timedelta(minutes=minutes)))


@pytest.mark.parametrize("fault", ["lost", "slow"])
async def test_a_message_whose_answer_was_lost_is_not_said_twice(
    channel: ZaloChannel, zalo: Zalo, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    zalo.slow_s = 0.6
    monkeypatch.setattr(channel.client._api, "_limits", Limits(0.2, 0.3, 0.4))
    zalo.break_it(fault)  # type: ignore[arg-type]
    assert await sent(outbox, channel) == {"failed": 1}
    assert await sent(outbox, channel, minutes=5) == {"sent": 1}
    assert zalo.texts() == ["Chào anh/chị."]


@pytest.mark.parametrize("fault", ["http-500", "refused-connection", -32])
async def test_a_message_that_did_not_arrive_is_said_again(
    channel: ZaloChannel, zalo: Zalo, outbox: Outbox, fault: str
) -> None:
    zalo.break_it(fault)  # type: ignore[arg-type]
    assert await sent(outbox, channel) == {"failed": 1}
    assert await sent(outbox, channel, minutes=5) == {"sent": 1}
    assert zalo.texts() == ["Chào anh/chị."]
    assert zalo.calls[HISTORY] == (fault != -32)  # a refusal leaves no doubt


async def test_while_it_cannot_be_told_nothing_is_said_again(channel: ZaloChannel, zalo: Zalo, outbox: Outbox) -> None:
    zalo.break_it("lost")
    zalo.break_it("http-500", at=HISTORY)
    assert await sent(outbox, channel) == await sent(outbox, channel, minutes=5) == {"failed": 1}
    assert await sent(outbox, channel, minutes=15) == {"sent": 1}
    assert zalo.texts() == ["Chào anh/chị."]


async def test_the_same_text_of_earlier_is_another_message(channel: ZaloChannel, zalo: Zalo, outbox: Outbox) -> None:
    await channel.send(outgoing(key="earlier"))
    zalo.conversations[CITIZEN][0].at_ms -= 60_000
    zalo.break_it("http-500")
    await sent(outbox, channel)
    assert await sent(outbox, channel, minutes=5) == {"sent": 1}
    assert len(zalo.texts()) == 2


async def test_what_the_citizen_said_is_not_ours(channel: ZaloChannel, zalo: Zalo) -> None:
    zalo.break_it("http-500")
    await refused(channel)
    zalo._keep(CITIZEN, "user", "Chào anh/chị.")
    assert await channel.arrived(outgoing()) is False


async def test_found_behind_a_page_of_later_messages(channel: ZaloChannel, zalo: Zalo) -> None:
    zalo.break_it("lost")
    await refused(channel)
    for number in range(14):
        zalo._keep(CITIZEN, "user", f"alo {number}")
    assert await channel.arrived(outgoing()) is True


async def test_never_called_and_not_to_be_told(channel: ZaloChannel, zalo: Zalo) -> None:
    assert await channel.arrived(outgoing(key="never")) is False
    zalo.break_it("http-500")
    await refused(channel)
    zalo.break_it(-212, at=HISTORY)
    assert await channel.arrived(outgoing()) is None


# -- nothing leaks ------------------------------------------------------------------------------


async def test_logs_and_errors_hold_no_person_text_or_token(
    channel: ZaloChannel, zalo: Zalo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stored = channel.tokens.stored()
    assert stored is not None
    seen = ""
    for number, fault in enumerate((-32, -223, -233, -230, "http-500", "lost", "html", -216)):
        zalo.break_it(fault)  # type: ignore[arg-type]
        try:
            await channel.send(outgoing("lời riêng 123", key=str(number), options=OPTIONS))
        except SendError as error:
            seen += error.reason
    await channel.arrived(outgoing("lời riêng 123", key="5"))
    seen += caplog.text + repr(stored) + repr(outgoing("lời riêng 123"))
    for secret in (CITIZEN, "lời riêng", stored.access, stored.refresh, emulators.APP_SECRET):
        assert secret not in seen
