"""Petitions on the web: a number and days, found again by the number alone, which is in no address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.dossiers.reading import vietnam_now
from actions.feedback.petitions import Petitions, State
from tests.connectors.surveys.site import app_on, hidden

WORDS = "Bàn số 2 hay nghỉ sớm. Anh Hùng 0912345678 không tiếp."


@pytest.fixture
def app(engine: sa.Engine, tmp_path: Path) -> FastAPI:
    return app_on(engine, tmp_path)


@pytest.fixture
def http(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def send(http: TestClient, form: dict[str, str] | None = None, **fields: str) -> Any:
    form = hidden(http.get("/phan-anh").text) if form is None else form
    return http.post("/phan-anh", data=form | {"kind": "conduct", "text": WORDS, "website": ""} | fields)


def number_in(html: str) -> str:
    return re.findall(r'number-big">([^<]+)<', html)[0]


def test_a_petition_gets_a_number_and_its_days(http: TestClient, app: FastAPI) -> None:
    sent = send(http)
    assert sent.status_code == 200
    petition = app.state.petitions.find(number_in(sent.text))
    assert petition.limits.answer_by.strftime("%d/%m/%Y") in sent.text
    assert "Bộ chỉ số 766" in sent.text
    assert (petition.channel, petition.commune) == ("web", "Xã Mẫu")
    assert "Hùng" not in petition.text
    assert "0912" not in petition.text
    assert not sent.cookies


def test_sent_twice_it_is_one_and_a_change_is_not_swallowed_silently(http: TestClient, app: FastAPI) -> None:
    form = hidden(http.get("/phan-anh").text)
    first, again, changed = send(http, form), send(http, form), send(http, form, text="Khác hẳn")
    assert number_in(first.text) == number_in(again.text) == number_in(changed.text)
    assert "không được thêm vào" not in again.text
    assert "không được thêm vào" in changed.text
    assert len(app.state.petitions.listed(today=vietnam_now().date())) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": ""}, "chọn một loại"),
        ({"kind": "x"}, "chọn một loại"),
        ({"text": " "}, "viết nội dung"),
        ({"text": "a" * 4_001}, "dài quá"),
    ],
)
def test_mistakes_are_told_and_words_stay(http: TestClient, app: FastAPI, fields: dict[str, str], said: str) -> None:
    sent = send(http, **fields)
    assert sent.status_code == 422
    assert said in sent.text
    if "kind" in fields:
        assert "Bàn số 2 hay nghỉ sớm" in sent.text
    assert app.state.petitions.listed(today=vietnam_now().date()) == []


def test_an_old_form_comes_back_with_its_words(http: TestClient) -> None:
    sent = send(http, {})
    assert sent.status_code == 422
    assert "quá một ngày" in sent.text
    assert "Bàn số 2 hay nghỉ sớm" in sent.text


def test_a_program_gets_a_number_and_nothing_is_kept(http: TestClient, app: FastAPI) -> None:
    assert number_in(send(http, website="https://example.com").text).startswith("PA-")
    assert app.state.petitions.listed(today=vietnam_now().date()) == []


def test_its_sender_follows_adds_and_rates(http: TestClient, app: FastAPI) -> None:
    number, petitions = number_in(send(http).text), app.state.petitions
    ask = lambda: http.post("/phan-anh/tra-cuu", data={"number": number.lower().replace("-", " ")}).text  # noqa: E731
    assert "Mới tiếp nhận" in ask()
    petitions.change(number, State.NEEDS_MORE, vietnam_now(), "Ngày nào ạ?")
    assert "Ngày nào ạ?" in ask()
    assert "viết nội dung" in http.post("/phan-anh/bo-sung", data={"number": number, "text": ""}).text
    assert "Đang xử lý" in http.post("/phan-anh/bo-sung", data={"number": number, "text": "Thứ hai"}).text
    assert http.post("/phan-anh/bo-sung", data={"number": number, "text": "nữa"}).status_code == 409
    petitions.answer(number, "Đã nhắc <bàn 2>.", vietnam_now())
    assert "Đã nhắc &lt;bàn 2&gt;." in ask()
    assert (
        "Anh/chị đã đánh giá: không hài lòng"
        in http.post("/phan-anh/danh-gia", data={"number": number, "satisfied": "0"}).text
    )
    assert petitions.find(number).satisfied is False


@pytest.mark.parametrize(
    ("number", "status", "said"), [("x", 422, "chưa đúng dạng"), ("PA-261124-AAAAAA", 404, "Không có phản ánh")]
)
def test_numbers_that_lead_nowhere(http: TestClient, number: str, status: int, said: str) -> None:
    for path in ("tra-cuu", "bo-sung", "danh-gia"):
        answered = http.post(f"/phan-anh/{path}", data={"number": number, "text": "x"})
        assert answered.status_code == status
        assert said in answered.text
        assert answered.headers["cache-control"] == "no-store"


def test_guessing_numbers_is_limited(engine: sa.Engine, tmp_path: Path) -> None:
    with TestClient(app_on(engine, tmp_path, survey_rate_limit_per_hour=3)) as http:
        statuses = [http.post("/phan-anh/tra-cuu", data={"number": "PA-261124-AAAAAA"}).status_code for _ in range(5)]
    assert statuses == [404, 404, 404, 429, 429]


def test_without_the_database_there_is_a_page(http: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: object) -> None:
        raise sa.exc.OperationalError("insert", {}, Exception("away"))

    monkeypatch.setattr(Petitions, "submit", away)
    sent = send(http)
    assert sent.status_code == 503
    assert "<h1>Hệ thống đang bận</h1>" in sent.text


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["", "/tra-cuu", "/bo-sung", "/danh-gia"]),
    data=st.dictionaries(st.sampled_from(["kind", "text", "number", "satisfied", "ma_phieu"]), st.text(max_size=60)),
    with_ticket=st.booleans(),
)
def test_no_input_breaks_a_page(http: TestClient, path: str, data: dict[str, str], with_ticket: bool) -> None:
    if with_ticket:
        data = data | hidden(http.get("/phan-anh").text)
    response = http.post(f"/phan-anh{path}", data=data)
    assert response.status_code in (200, 404, 409, 413, 422, 429)
    assert response.text.startswith("<!doctype html>")
