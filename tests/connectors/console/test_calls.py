"""Calls over HTTP: from the telephone system to the page of who sits there, written up, looked up, taken to a file."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from actions.dossiers.reading import vietnam_now
from connectors.console.hotline.reports import harmless
from connectors.staff.roles import Role
from knowledge.settings import Settings
from tests.connectors.console.desk import BIRTH, SECRET, answers
from tests.signed_in import signed_in_client

API = "/api/v1/console"
PHONE = "0912345678"


def tell(app: FastAPI, happened: str, secret: str | None = SECRET, **more: object) -> int:
    body = {"call_id": "c1", "extension": "101", "phone": PHONE, "event": happened} | more
    headers = {"X-Motcua-Secret": secret} if secret is not None else {}
    return TestClient(app).post(f"{API}/calls", json=body, headers=headers).status_code


def test_only_the_telephone_system_may_tell(hotline: FastAPI) -> None:
    assert tell(hotline, "ringing", "another") == 403
    assert tell(hotline, "ringing", None) == 403
    assert tell(hotline, "ringing", "") == 403
    assert tell(hotline, "ringing") == 200
    for wrong in (
        {"event": "exploded"},
        {"call_id": ""},
        {"call_id": "a b"},
        {"extension": "x" * 21},
        {"extension": "1\x00"},
    ):
        assert tell(hotline, "ringing", **wrong) == 422
    hotline.state.settings = Settings(home=hotline.state.settings.home)
    assert tell(hotline, "ringing") == 403


def test_a_call_from_ring_to_log(hotline: FastAPI) -> None:
    lan, minh = (signed_in_client(hotline, Role.AGENT, name) for name in ("lan", "minh"))
    lan.put(f"{API}/seat", json={"extension": "101"})
    minh.put(f"{API}/seat", json={"extension": "102"})
    tell(hotline, "ringing")
    ringing = lan.get(f"{API}/now").json()["ringing"]
    assert [call["phone"] for call in ringing] == ["09••••••78"]
    assert minh.get(f"{API}/now").json()["ringing"] == []
    id = ringing[0]["id"]
    assert lan.post(f"{API}/calls/{id}/take").status_code == 200
    assert minh.post(f"{API}/calls/{id}/take").status_code == 409
    tell(hotline, "answered")
    tell(hotline, "hangup")
    current = lan.get(f"{API}/now").json()["current"]
    assert (current["id"], current["state"]) == (id, "open")
    assert lan.post(f"{API}/calls/{id}/number").json() == {"phone": PHONE}
    note = {
        "outcome": "answered",
        "field": "Hộ tịch",
        "procedure_code": BIRTH,
        "note": "anh Nguyễn Văn Bình hỏi khai sinh",
    }
    assert minh.post(f"{API}/calls/{id}/note", json=note).status_code == 409
    assert lan.post(f"{API}/calls/{id}/note", json=note).status_code == 200
    (today,) = lan.get(f"{API}/calls").json()["today"]
    assert (today["outcome"], today["field"], today["phone"]) == ("answered", "Hộ tịch", None)
    assert "Bình" not in today["note"]
    assert lan.post(f"{API}/calls/{id}/number").status_code == 404
    assert minh.get(f"{API}/calls").json()["today"] == []
    entries = hotline.state.staff.audit.entries(who="lan")
    assert [entry.what for entry in entries] == ["number_shown"]


def test_what_is_promised_has_a_day_and_comes_back_on_it(hotline: FastAPI) -> None:
    lan, minh = (signed_in_client(hotline, Role.AGENT, name) for name in ("lan", "minh"))
    id = lan.post(f"{API}/calls/begin", json={"phone": PHONE}).json()["id"]
    today = vietnam_now().date()

    def write(**more: object) -> int:
        return lan.post(f"{API}/calls/{id}/note", json={"outcome": "call_back"} | more).status_code

    assert write() == 422
    assert write(follow_up_on=str(today - dt.timedelta(days=1))) == 422
    assert write(follow_up_on=str(today + dt.timedelta(days=91))) == 422
    assert write(follow_up_on="9999-99-99") == 422
    assert write(follow_up_on=str(today)) == 200
    (due,) = minh.get(f"{API}/calls").json()["due"]
    assert due["phone"] == "09••••••78"
    tell(hotline, "ringing", call_id="c2")
    assert minh.get(f"{API}/now").json()["promised"]["id"] == id
    assert minh.post(f"{API}/calls/{id}/done").status_code == 200
    assert minh.post(f"{API}/calls/{id}/done").status_code == 409
    assert minh.get(f"{API}/now").json()["due"] == 0


def test_a_question_without_an_answer_goes_to_the_review_list_without_names(hotline: FastAPI) -> None:
    client = signed_in_client(hotline, Role.AGENT)
    asked = {"question": "chị Trần Thị Hoa 0912345678 hỏi nuôi cá sấu cảnh", "procedure_code": None}
    assert client.post(f"{API}/missing", json=asked).status_code == 200
    (entry,) = hotline.state.reviews.entries()
    assert entry.reason == "hotline"
    assert "nuôi cá sấu" in entry.question
    assert "Hoa" not in entry.question and PHONE not in entry.question


def test_control_characters_never_reach_the_database(hotline: FastAPI) -> None:
    client = signed_in_client(hotline, Role.AGENT)
    id = client.post(f"{API}/calls/begin", json={}).json()["id"]
    note = {"outcome": "answered", "field": "a\x00b", "note": "c\x00d\x1b", "procedure_code": "\x00"}
    assert client.post(f"{API}/calls/{id}/note", json=note).status_code == 200
    assert client.post(f"{API}/missing", json={"question": "gì\x00 đó"}).status_code == 200
    assert client.post(f"{API}/calls/{2**31}/take").status_code == 422


# -- dossiers -----------------------------------------------------------------------------------


def test_a_dossier_is_told_as_to_its_owner_and_the_look_up_is_noted(hotline: FastAPI) -> None:
    officer = signed_in_client(hotline, Role.OFFICER, "hoa")
    told = officer.post(f"{API}/dossiers/lookup", json={"code": "h57.17.26-261112-0006"})
    assert told.status_code == 200, told.text
    same = answers(hotline.state.dossier_talk.for_staff("H57.17.26-261112-0006"))
    assert told.json()["text"] == same.text
    assert officer.post(f"{API}/dossiers/lookup", json={"code": "H57.17.26-261112-9999"}).status_code == 404
    assert officer.post(f"{API}/dossiers/lookup", json={"code": "không phải mã"}).status_code == 422
    noted = hotline.state.staff.audit.entries(code="H57.17.26-261112-0006")
    assert [(entry.who, entry.what) for entry in noted] == [("hoa", "dossier_lookup")]
    assert len(hotline.state.staff.audit.entries(who="hoa")) == 2, "a miss is noted, too"
    shown = signed_in_client(hotline, Role.SUPERVISOR).get("/console/audit").text
    assert "Tra hồ sơ không cần 4 số cuối" in shown
    assert "261112" not in shown


# -- reports ------------------------------------------------------------------------------------


def test_the_file_holds_no_numbers_and_no_formulas(hotline: FastAPI) -> None:
    lan = signed_in_client(hotline, Role.AGENT, "lan")
    id = lan.post(f"{API}/calls/begin", json={"phone": PHONE}).json()["id"]
    note = {
        "outcome": "forwarded",
        "field": "=HYPERLINK(1)",
        "note": "+cmd|' /C calc'!A0",
        "follow_up_on": str(vietnam_now().date()),
    }
    lan.post(f"{API}/calls/{id}/note", json=note)
    supervisor = signed_in_client(hotline, Role.SUPERVISOR)
    response = supervisor.get("/console/calls.csv")
    assert response.content.startswith("\ufeff".encode())
    assert PHONE not in response.text and "••" not in response.text
    head, row = list(csv.reader(io.StringIO(response.text.removeprefix("\ufeff"))))
    filled = dict(zip(head, row, strict=True))
    assert filled["Kết quả"] == "Chuyển cơ quan khác"
    assert filled["Lĩnh vực"] == "'=HYPERLINK(1)"
    assert filled["Ghi chú"].startswith("'+")
    assert "Chuyển cơ quan khác" in supervisor.get("/console/calls").text


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", " =1", "＝1"])
def test_what_begins_a_formula_is_quoted(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize(
    "days",
    [
        "since=2026-13-01",
        "since=x",
        "since=2026-11-02&until=2026-11-01",
        "since=2020-01-01&until=2026-01-01",
        "until=0001-01-01",
    ],
)
def test_wrong_days_are_said_to_be_wrong(hotline: FastAPI, days: str) -> None:
    client = signed_in_client(hotline, Role.SUPERVISOR)
    assert client.get(f"/console/calls?{days}").status_code == 400
    assert client.get(f"/console/calls.csv?{days}").status_code == 400
