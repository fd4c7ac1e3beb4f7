"""The emulator keeps Zalo's rules, so that a test against it means something."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from tests.emulators.zalo import APP_ID, APP_SECRET, CITIZEN, OA_ID, Zalo


@pytest.fixture
def api(far_end: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=far_end, trust_env=False) as client:
        yield client


def send(api: httpx.Client, token: str, message: dict[str, Any]) -> dict[str, Any]:
    body = {"recipient": {"user_id": CITIZEN}, "message": message}
    response = api.post("/v3.0/oa/message/cs", json=body, headers={"access_token": token})
    assert response.status_code == 200  # errors, too
    return response.json()


def buttons(*found: dict[str, Any]) -> dict[str, Any]:
    return {"text": "?", "attachment": {"type": "template", "payload": {"buttons": list(found)}}}


def button(**changes: Any) -> dict[str, Any]:
    return {"title": "x", "type": "oa.query.show", "payload": "#vg:x"} | changes


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"text": "a" * 2_000}, 0), ({"text": "a" * 2_001}, -201), ({"text": ""}, -201),
        (buttons(*[button()] * 5), 0), (buttons(*[button()] * 6), -201), (buttons(button(title="t" * 101)), -201),
        (buttons(button(payload="p" * 1_001)), -201), (buttons(button(type="oa.open.url")), -201),
        ({"text": "x", "attachment": {"type": "template", "payload": {"template_type": "list"}}}, -233),
    ],
)  # fmt: skip
def test_limits(api: httpx.Client, zalo: Zalo, message: dict[str, Any], code: int) -> None:
    zalo.age(CITIZEN, 0)
    assert send(api, zalo.pair()["access_token"], message)["error"] == code


def test_tokens(api: httpx.Client, zalo: Zalo) -> None:
    pair = zalo.pair()
    form = {"grant_type": "refresh_token", "app_id": APP_ID, "refresh_token": pair["refresh_token"]}
    assert api.post("/v4/oa/access_token", data=form).json()["error"] == -14004
    headers = {"secret_key": APP_SECRET}
    fresh = api.post("/v4/oa/access_token", data=form, headers=headers).json()
    assert fresh["expires_in"] == "90000"
    assert api.post("/v4/oa/access_token", data=form, headers=headers).json()["error"] == -14014  # used
    assert send(api, "nonsense", {"text": "x"})["error"] == -216
    zalo.expire()
    assert send(api, fresh["access_token"], {"text": "x"})["error"] == -220


def test_the_window(api: httpx.Client, zalo: Zalo) -> None:
    token = zalo.pair()["access_token"]
    assert send(api, token, {"text": "x"})["error"] == -230
    zalo.age(CITIZEN, 1)
    assert send(api, token, {"text": "x"})["data"]["quota"]["quota_type"] == "reply"
    zalo.age(CITIZEN, 3)
    assert "quota" not in send(api, token, {"text": "x"})["data"]


def test_reading(api: httpx.Client, zalo: Zalo) -> None:
    zalo.age(CITIZEN, 0)
    headers = {"access_token": zalo.pair()["access_token"]}
    send(api, headers["access_token"], {"text": "một"})
    asked = {"data": json.dumps({"user_id": CITIZEN, "offset": 0, "count": 5})}
    (row,) = api.get("/v2.0/oa/conversation", params=asked, headers=headers).json()["data"]
    assert (row["message"], row["from_id"]) == ("một", OA_ID)
    assert len(api.get("/v2.0/oa/listrecentchat", params=asked, headers=headers).json()["data"]) == 1
    assert api.get("/v2.0/oa/getoa", headers=headers).json()["data"]["oa_id"] == OA_ID
    assert api.get("/v3.0/oa/user/detail", params=asked, headers=headers).json()["error"] == 0
    quota = api.post("/v3.0/oa/quota/message", json={"user_id": CITIZEN}, headers=headers).json()
    assert quota["data"]["cs_reply"]["total"] == 8
    picture = {"file": ("a.png", b"x", "image/png")}
    assert api.post("/v2.0/oa/upload/image", files=picture, headers=headers).json()["data"]["attachment_id"]
    reaction = {"sender_action": {"react_icon": "/-strong", "react_message_id": "m"}, "recipient": {"user_id": CITIZEN}}
    assert api.post("/v2.0/oa/message", json=reaction, headers=headers).json()["error"] == 0
    closed = {"recipient": {"user_id": CITIZEN}, "message": {"text": "x"}}
    assert api.post("/v2.0/oa/message", json=closed, headers=headers).json()["error"] == -240


def test_retries_are_numbered_and_the_subscription_ends() -> None:
    numbers: list[str | None] = []

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            probe = self.rfile.read(int(self.headers["Content-Length"])) == b"{}"
            if not probe:
                numbers.append(self.headers["num_retry"])
            self.send_response(200 if probe else 500)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Busy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    zalo = Zalo()
    assert zalo.subscribe(f"http://127.0.0.1:{server.server_port}/")
    assert zalo.say("chào").statuses == [500] * 6
    assert numbers == [None, "1", "2", "3", "4", "5"] and not zalo.subscribed
    server.shutdown()
    zalo.close()
