"""The webhook: every good message is kept once, everything else does no harm, and Zalo hears it within two seconds."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from actions.replies import ReplyOption
from connectors.messages import Incoming
from connectors.zalo import routes
from connectors.zalo.channel import connect as connect_zalo
from connectors.zalo.consent import States
from connectors.zalo.routes import MAX_BYTES
from connectors.zalo.signature import mac
from knowledge.database import connect, migrate
from tests.connectors.zalo.conftest import Site, outgoing, pair_of, settings_for
from tests.emulators import zalo as emulators
from tests.emulators.zalo import CITIZEN, OA_SECRET, Zalo

PATH = "/api/v1/webhooks/zalo"


def signed(event: dict[str, Any], **how: str) -> tuple[bytes, dict[str, str]]:
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    return body, emulators.signed(body, event, how.get("secret", OA_SECRET), how.get("sign_with", "body"))


def text_event(text: str, key: str = "m1", **more: Any) -> dict[str, Any]:
    return Zalo().event("user_send_text", CITIZEN, {"text": text, "msg_id": key}) | more


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    with TestClient(site.app, raise_server_exceptions=False) as client:
        yield client


def post(client: TestClient, event: dict[str, Any], **how: str) -> int:
    body, headers = signed(event, **how)
    return client.post(PATH, content=body, headers=headers).status_code


# -- messages -----------------------------------------------------------------------------------


def test_a_message_reaches_the_inbox_once(served: str, site: Site, zalo: Zalo) -> None:
    assert zalo.say("làm khai sinh", times=3).statuses == [200, 200, 200]
    (incoming,) = site.asked()
    assert (incoming.channel, incoming.sender, incoming.text) == ("zalo", CITIZEN, "làm khai sinh")
    assert site.woken == 3


@pytest.mark.parametrize("sign_with", ["header", "body"])
def test_both_variants_of_the_signature_are_counted(served: str, site: Site, zalo: Zalo, sign_with: str) -> None:
    assert zalo.say("chào", sign_with=sign_with).taken
    assert zalo.say("chào", secret="another").statuses == [403] * 6
    assert not zalo.subscribed  # as Zalo does after the last retry
    counts = site.counts()
    # Where both times are the same, both fit, and the header's is named.
    assert counts["signature:good:header"] == 1
    assert (counts["signature:bad"], counts["probe"]) == (6, 1)
    shown = TestClient(site.app).get(f"{PATH}/health").json()
    assert shown["last_variant"] == "header" and shown["counts"]["signature:bad"]["count"] == 6


def test_by_the_bodys_time_alone(client: TestClient, site: Site) -> None:
    body, headers = signed(text_event("chào"))
    del headers["X-ZEvent-Timestamp"]
    assert client.post(PATH, content=body, headers=headers).status_code == 200
    assert site.counts()["signature:good:body"] == 1


def test_a_button_comes_back_as_its_payload_and_a_number_too(served: str, site: Site, zalo: Zalo) -> None:
    zalo.conversations[CITIZEN].append(
        emulators.Said("oa", "?", "m", 1, [{"title": "Phí", "type": "oa.query.hide", "payload": "#vg:/ask_fee"}])
    )
    assert zalo.press(1).taken
    assert site.channel is not None
    site.channel.sends.offer(CITIZEN, ["/ask_fee", "/ask_time"])
    zalo.say("2")
    zalo.say("#vg:2")
    assert site.texts() == ["/ask_fee", "/ask_time", "2"]


def test_an_anonymous_visitor(served: str, site: Site, zalo: Zalo) -> None:
    zalo.visit("chào")
    (incoming,) = site.asked()
    assert incoming.sender == f"anonymous.1ffedc467f179649cf06.{zalo._visits['1ffedc467f179649cf06']}"


def test_messages_in_another_order_are_all_kept(client: TestClient, site: Site) -> None:
    events = [text_event(str(n), f"m{n}", timestamp=str(emulators.now_ms() - n * 1000)) for n in range(20)]
    assert {post(client, event) for event in reversed(events)} == {200}
    assert sorted(site.texts(), key=int) == [str(n) for n in range(20)]


# -- what is no text ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "words"),
    [("image", "giấy tờ tùy thân"), ("sticker", "bằng chữ"), ("location", "tên xã"), ("audio", "thoại"),
     ("business_card", "danh thiếp"), ("file", "chỉ đọc được tin nhắn chữ")],
)  # fmt: skip
def test_media_get_a_polite_answer_once(served: str, site: Site, zalo: Zalo, kind: str, words: str) -> None:
    zalo.media(kind, times=2)
    (told,) = site.told()
    assert words in told and site.texts() == []


def test_follow_and_first_chat_get_one_greeting(served: str, site: Site, zalo: Zalo) -> None:
    zalo.follow()
    zalo.follow(name="user_click_chatnow")
    zalo.follow(name="unfollow")
    (told,) = site.told()
    assert told.startswith("Xin chào anh/chị!")


def test_what_people_tell_of_themselves_is_kept_nowhere(
    served: str, site: Site, zalo: Zalo, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    zalo.submit_info({"name": "Người Thử Nghiệm", "phone": "84301234567"})
    (told,) = site.told()
    assert "Cảm ơn" in told
    with site.engine.connect() as connection:
        tables = sa.inspect(site.engine).get_table_names()
        rows = str([connection.execute(sa.text(f"select * from {table}")).all() for table in tables])
    assert "Thử Nghiệm" not in rows + caplog.text and "84301234567" not in rows + caplog.text


def test_too_many_pictures_get_no_answers(served: str, site: Site, zalo: Zalo) -> None:
    site.allowed = False
    assert zalo.media("image").taken
    assert site.told() == []


def test_staff_sees_that_a_picture_came_and_the_bot_is_silent(served: str, site: Site, zalo: Zalo) -> None:
    zalo.staff("Chào bác, tôi là cán bộ.")
    holder = site.handoffs.holder(f"zalo:{CITIZEN}")
    assert holder is not None and holder.until is not None
    zalo.media("image")
    assert (site.told(), site.texts()) == ([], ["[ảnh]"])


def test_while_the_channel_is_stopped_nothing_is_answered_here(served: str, site: Site, zalo: Zalo) -> None:
    site.switch.stop("zalo", "bảo trì", "tester")
    zalo.media("image")
    zalo.follow()
    assert (site.told(), site.texts()) == ([], ["[ảnh]"])


def test_the_counts_are_for_staff(site: Site) -> None:
    site.app.dependency_overrides.clear()
    site.app.state.staff = None  # nobody shows a session, so none is looked for
    assert TestClient(site.app).get(f"{PATH}/health").status_code == 401


def test_our_own_echo_pauses_nobody(served: str, site: Site, zalo: Zalo) -> None:
    zalo.age(CITIZEN, 0)
    zalo.take_message(CITIZEN, {"text": "Chào"})
    zalo.settle()
    assert site.handoffs.holder(f"zalo:{CITIZEN}") is None
    assert site.counts()["event:oa_send_text"] == 1


def test_a_wish_to_be_forgotten(served: str, site: Site, zalo: Zalo) -> None:
    assert site.channel is not None
    site.channel.sends.offer(CITIZEN, ["/ask_fee"])
    assert zalo.withdraw().taken
    assert site.erased == [f"zalo:{CITIZEN}"]
    assert site.channel.sends.chosen(CITIZEN, "1") == "1"


def test_unknown_events_are_counted_by_name(client: TestClient, site: Site) -> None:
    assert post(client, text_event("x") | {"event_name": "user_dreams"}) == 200
    assert site.counts()["event:user_dreams"] == 1 and site.texts() == []


# -- what is refused ----------------------------------------------------------------------------


def test_the_probe(client: TestClient) -> None:
    assert client.post(PATH, content=b"{}").status_code == 200
    assert client.post(PATH, content=b" {} \n").status_code == 200
    assert client.post(PATH, content=b"{}", headers={"X-ZEvent-Signature": "mac=" + "0" * 64}).status_code == 403


@pytest.mark.parametrize(("age_s", "status"), [(0, 200), (7_000, 200), (14_500, 403), (-200, 200), (-400, 403)])
def test_the_replay_window(client: TestClient, site: Site, age_s: int, status: int) -> None:
    assert post(client, text_event("x", timestamp=str(emulators.now_ms() - age_s * 1000))) == status
    assert len(site.texts()) == (status == 200)


def test_for_set_up_a_wrong_signature_is_only_counted(far_end: str, tmp_path: Path, engine: sa.Engine) -> None:
    site = Site(settings_for(far_end, tmp_path, zalo_signature="report"), engine)
    assert post(TestClient(site.app), text_event("x"), secret="wrong") == 200
    assert site.texts() == ["x"]


def test_the_applications_secret_signs_where_no_other_is_set(far_end: str, tmp_path: Path, engine: sa.Engine) -> None:
    site = Site(settings_for(far_end, tmp_path, zalo_oa_secret=None), engine)
    assert post(TestClient(site.app), text_event("x"), secret=emulators.APP_SECRET) == 200


def test_too_large(client: TestClient) -> None:
    assert client.post(PATH, content=b"x" * (MAX_BYTES + 1)).status_code == 413
    assert client.post(PATH, content=(b"x" * 65_536 for _ in range(20))).status_code == 413


def test_not_set_up(engine: sa.Engine, tmp_path: Path) -> None:
    site = Site(settings_for("http://127.0.0.1:1", tmp_path, zalo_app_secret=None), engine)
    response = TestClient(site.app).post(PATH, content=b"{}")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "channel_not_set_up")


def test_a_database_that_is_away_lets_zalo_come_again(
    served: str, site: Site, zalo: Zalo, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, failures = site.inbox.put, [1, 2]

    def failing(incoming: Any) -> bool:
        if failures:
            failures.pop()
            raise OperationalError("insert", {}, Exception("away"))
        return put(incoming)

    monkeypatch.setattr(site.inbox, "put", failing)
    assert zalo.say("đừng mất").statuses == [503, 503, 200]
    assert site.texts() == ["đừng mất"]


def test_a_slow_database_is_answered_in_time_and_nothing_is_doubled(
    served: str, site: Site, zalo: Zalo, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, slow = site.inbox.put, [1]

    def sleepy(incoming: Any) -> bool:
        if slow:
            slow.pop()
            time.sleep(2.2)
        return put(incoming)

    monkeypatch.setattr(site.inbox, "put", sleepy)
    started = time.monotonic()
    statuses = zalo.say("đừng mất").statuses
    assert statuses == [503, 200]
    assert time.monotonic() - started < 2.6
    time.sleep(1.0)
    assert site.texts() == ["đừng mất"]


def test_errors_hold_no_text(served: str, site: Site, zalo: Zalo, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    site.inbox.put = lambda incoming: 1 / 0  # type: ignore[method-assign]
    assert zalo.say("lời riêng").statuses == [503] * 6
    assert "ZeroDivisionError" in caplog.text
    assert "lời riêng" not in caplog.text and CITIZEN not in caplog.text


# -- anything at all ----------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
bodies = (
    st.binary(max_size=300)
    | st.text(max_size=100).map(lambda text: text.encode("utf-16"))
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.sampled_from(
        [b"[" * 50_000, b'{"a":' * 20_000, b"9" * 6_000, b'{"timestamp":1e999}', b"\x00" * 100, b"\xef\xbb\xbf{}"]
    )
)
headers = st.dictionaries(
    st.sampled_from(["X-ZEvent-Signature", "X-ZEvent-Timestamp", "num_retry", "Content-Type", "X-ZEvent-Server"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80),
)


@pytest.fixture(scope="module")
def one_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, TestClient]]:
    """One for all that hypothesis thinks of."""
    home = tmp_path_factory.mktemp("fuzz")
    engine = connect(f"sqlite:///{home}/fuzz.db")
    migrate(engine)
    site = Site(settings_for("http://127.0.0.1:1", home), engine)
    with TestClient(site.app, raise_server_exceptions=False) as client:
        yield site, client
    engine.dispose()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies, headers=headers, good=st.booleans(), sign=st.booleans(), data=st.data())
def test_no_body_breaks_it_and_good_messages_go_through(  # noqa: PLR0917
    one_site: tuple[Site, TestClient], body: bytes, headers: dict[str, str], good: bool, sign: bool, data: Any
) -> None:
    """Unsigned, or signed and senseless; between them a good message, delivered twice."""
    site, client = one_site
    if sign:  # even what Zalo itself signs may be anything
        moment = str(emulators.now_ms())
        digest = mac(emulators.APP_ID, body, moment, OA_SECRET)
        headers = {"X-ZEvent-Signature": f"mac={digest}", "X-ZEvent-Timestamp": moment}
    status = client.post(PATH, content=body, headers=headers).status_code
    assert status in ({200} if sign else {200, 403})
    assert sign or status == 403 or body.strip() == b"{}"
    if good:
        text = data.draw(st.text(max_size=30))
        event = text_event(text, f"m{time.monotonic_ns()}")
        assert post(client, event) == post(client, event) == 200
        assert len(site.asked()) == 1


# -- consent and verification -------------------------------------------------------------------

CALLBACK = "/api/v1/zalo/oauth/callback"
VERIFIER = "v" * 43


@pytest.fixture
def consenting(far_end: str, tmp_path: Path, engine: sa.Engine, zalo: Zalo) -> Site:
    zalo.challenge = emulators.challenge(VERIFIER)
    return Site(settings_for(far_end, tmp_path, zalo_code_verifier=VERIFIER, zalo_site_verifier="ABC-123"), engine)


def test_consent_brings_tokens(consenting: Site, zalo: Zalo) -> None:
    query = {"code": zalo.code(), "oa_id": emulators.OA_ID, "state": States(consenting.key).new()}
    with TestClient(consenting.app) as client:
        response = client.get(CALLBACK, params=query)
        again = client.get(CALLBACK, params=query)
    assert response.status_code == 200 and "Đã kết nối" in response.text
    assert response.headers["Content-Security-Policy"] == "default-src 'none'"
    assert consenting.channel is not None and consenting.channel.tokens.stored() is not None
    assert again.status_code == 503  # a code works once


@pytest.mark.parametrize("state", ["", "made.up.state", "x" * 500])
def test_consent_that_we_did_not_ask_for(consenting: Site, zalo: Zalo, state: str) -> None:
    query = {"code": zalo.code(), "oa_id": emulators.OA_ID, "state": state}
    assert TestClient(consenting.app).get(CALLBACK, params=query).status_code == 403
    assert consenting.channel is not None and consenting.channel.tokens.stored() is None


@pytest.mark.parametrize(
    ("set_up", "told", "status"),
    [(emulators.OA_ID, emulators.OA_ID, 200), ("99", "99", 403), ("99", emulators.OA_ID, 403)],
)
def test_consent_without_state_only_for_the_account_that_is_set_up(  # noqa: PLR0917
    far_end: str, tmp_path: Path, engine: sa.Engine, zalo: Zalo, set_up: str, told: str, status: int
) -> None:  # fmt: skip
    """Whatever the address says: the token itself must be for that account."""
    zalo.challenge = emulators.challenge(VERIFIER)
    site = Site(settings_for(far_end, tmp_path, zalo_code_verifier=VERIFIER, zalo_oa_id=set_up), engine)
    response = TestClient(site.app).get(CALLBACK, params={"code": zalo.code(), "oa_id": told})
    assert response.status_code == status
    assert site.channel is not None and (site.channel.tokens.stored() is not None) == (status == 200)


def test_the_site_is_ours(consenting: Site, far_end: str, tmp_path: Path) -> None:
    client = TestClient(consenting.app)
    tag = '<meta name="zalo-platform-site-verification" content="ABC-123" />'
    assert routes.verification_tag(consenting.settings) == tag
    assert tag in client.get("/zalo_verifierABC-123.html").text
    assert client.get("/zalo_verifierother.html").status_code == 404
    assert routes.verification_tag(settings_for(far_end, tmp_path)) == ""


def test_the_whole_way_there_and_back(served: str, site: Site, zalo: Zalo) -> None:
    """A question by the webhook, an answer by the API, a button pressed in it."""
    zalo.say("làm khai sinh cần gì")
    (incoming,) = site.asked()
    asyncio.run(answered(site, zalo, incoming))
    zalo.settle()
    zalo.press(1)
    assert site.texts() == ["/ask_fee"]


async def answered(site: Site, zalo: Zalo, incoming: Incoming) -> None:
    """Send an answer with a button, as the outbox does."""
    channel = connect_zalo(site.settings, site.engine, site.key)
    assert channel is not None
    channel.tokens.put(pair_of(zalo))
    reply = outgoing("Cần tờ khai.", options=[ReplyOption(label="Lệ phí", payload="/ask_fee")]).reply
    for part in channel.parts(reply):
        await channel.send(outgoing(part.text, to=incoming.sender, options=part.options))
    await channel.close()
