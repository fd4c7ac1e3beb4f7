"""Survey pages without JavaScript: what is kept, once; what the address never holds; mistakes; limits."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.feedback.responses import Response, TicketRow
from connectors.surveys.tickets import LIVES_S, Ticket, Tickets
from tests.connectors.surveys.site import FINISHED, KEY, PROCESSING, app_on, fill, hidden

EVER = dt.date(2000, 1, 1), dt.date(2100, 1, 1)


@pytest.fixture
def app(engine: sa.Engine, tmp_path: Path) -> FastAPI:
    return app_on(engine, tmp_path)


@pytest.fixture
def http(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def kept(app: FastAPI) -> list[Response]:
    return app.state.surveys.responses.within(*EVER)


def identified(http: TestClient, dossier: tuple[str, str] = FINISHED) -> Any:
    return http.post("/khao-sat/service/ho-so", data={"code": dossier[0], "digits": dossier[1]})


# -- the poll -----------------------------------------------------------------------------------


def test_an_answer_is_kept_with_what_the_link_says(http: TestClient, app: FastAPI) -> None:
    sent = fill(http, "/khao-sat/poll?don-vi=Phường Láng&tt=1.001193", seats="4", polite="2", comment=" Nên thêm ghế. ")
    assert (sent.status_code, sent.headers["location"]) == (303, "/khao-sat/poll/cam-on")
    (one,) = kept(app)
    assert (one.instrument, one.channel, one.complete) == ("poll", "qr", True)
    assert (one.commune, one.procedure_code, one.field) == ("Phường Láng", "1.001193", "Hộ tịch")
    assert (one.answers, one.comments) == ({"seats": 4, "polite": 2}, {"comment": "Nên thêm ghế."})


def test_without_a_unit_in_the_link_it_is_the_own_commune(http: TestClient, app: FastAPI) -> None:
    fill(http, "/khao-sat/poll", seats="4")
    assert kept(app)[0].commune == "Xã Mẫu"


def test_nothing_is_chosen_beforehand_and_no_opinion_is_always_there(http: TestClient) -> None:
    html = http.get("/khao-sat/poll").text
    assert " checked" not in html
    assert html.count("Không ý kiến") == html.count("<fieldset") == 16
    assert html.count('type="radio"') == 16 * 6
    assert "Xin đừng ghi tên" in html


def test_no_cookie_before_an_answer_and_then_one_for_this_page_only(http: TestClient) -> None:
    assert not http.get("/khao-sat/poll").cookies
    header = fill(http, "/khao-sat/poll", seats="4").headers["set-cookie"]
    assert header.startswith("phieu=")
    assert {"HttpOnly", "Path=/khao-sat/poll", f"Max-Age={LIVES_S}", "SameSite=lax"} <= set(header.split("; "))


def test_sent_twice_it_is_one_response_with_the_later_answers(http: TestClient, app: FastAPI) -> None:
    form = hidden(http.get("/khao-sat/poll").text)
    for seats in ("4", "4", "1"):
        assert http.post("/khao-sat/poll", data=form | {"seats": seats}).status_code == 303
    assert [one.answers for one in kept(app)] == [{"seats": 1}]


def test_two_people_at_one_device_are_two_responses(http: TestClient, app: FastAPI) -> None:
    fill(http, "/khao-sat/poll", seats="4")
    fill(http, "/khao-sat/poll", seats="2")
    assert sorted(one.answers["seats"] for one in kept(app)) == [2, 4]


def test_an_answer_can_be_changed_for_a_day_from_the_same_browser(http: TestClient, app: FastAPI) -> None:
    fill(http, "/khao-sat/poll?tt=1.001193", seats="4")
    assert "Sửa phiếu đã gửi" in http.get("/khao-sat/poll").text
    assert "Anh/chị đang sửa phiếu" in http.get("/khao-sat/poll?sua=1").text
    fill(http, "/khao-sat/poll?sua=1", seats="1")
    (one,) = kept(app)
    assert (one.answers, one.procedure_code) == ({"seats": 1}, "1.001193")


def test_after_a_day_the_ticket_is_gone_and_the_answers_come_back_to_send_anew(http: TestClient, app: FastAPI) -> None:
    old = Tickets(KEY, clock=lambda: 1_000_000.0).seal(Ticket("poll", "k" * 64))
    sent = http.post("/khao-sat/poll", data={"ma_phieu": old, "seats": "4", "comment": "Ghế < bàn"})
    assert sent.status_code == 422
    assert "quá một ngày" in sent.text
    assert 'name="seats" value="4" checked' in sent.text
    assert "Ghế &lt; bàn" in sent.text
    assert http.post("/khao-sat/poll", data=hidden(sent.text) | {"seats": "4"}).status_code == 303
    assert len(kept(app)) == 1


def test_somebody_else_at_the_device_can_start_anew(http: TestClient) -> None:
    fill(http, "/khao-sat/poll?tt=1.001193", seats="4")
    started = http.post("/khao-sat/poll/phieu-moi", data={"tt": "1.001193", "don-vi": "Phường Láng"})
    assert started.headers["location"] == "/khao-sat/poll?don-vi=Ph%C6%B0%E1%BB%9Dng+L%C3%A1ng&tt=1.001193"
    assert "Sửa phiếu" not in http.get(started.headers["location"]).text


def test_personal_numbers_are_not_kept(http: TestClient, app: FastAPI) -> None:
    fill(http, "/khao-sat/poll", comment="Gọi tôi theo số 0912 345 678 nhé")
    assert "345" not in kept(app)[0].comments["comment"]


def test_a_program_that_fills_in_everything_is_thanked_and_forgotten(http: TestClient, app: FastAPI) -> None:
    sent = fill(http, "/khao-sat/poll", seats="4", website="https://example.com")
    assert sent.headers["location"] == "/khao-sat/poll/cam-on"
    assert kept(app) == []


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({}, "chưa trả lời câu nào"),
        ({"seats": "9"}, "Lựa chọn này không có trong phiếu"),
        ({"seats": "4", "comment": "a" * 2_001}, "dài quá 2000 ký tự"),
    ],
)
def test_mistakes_are_named_and_what_was_filled_in_stays(
    http: TestClient, app: FastAPI, answers: dict[str, str], said: str
) -> None:
    sent = fill(http, "/khao-sat/poll", polite="", **answers)
    assert sent.status_code == 422
    assert said in sent.text
    assert 'role="alert"' in sent.text
    if answers.get("seats") == "4":
        assert 'name="seats" value="4" checked' in sent.text
        assert "a" * 2_001 in sent.text
    assert kept(app) == []


@pytest.mark.parametrize(
    "path",
    [
        "/khao-sat/answer", "/khao-sat/x", "/khao-sat/poll/x/y", "/khao-sat/poll?tt=9.999999", "/khao-sat/poll?tt=%00",
        "/khao-sat/poll?don-vi=Công ty Lừa Đảo", "/khao-sat/poll?don-vi=" + "a" * 3_000,
    ],
)  # fmt: skip
def test_links_that_lead_nowhere_get_a_page(http: TestClient, path: str) -> None:
    response = http.get(path)
    assert response.status_code == 404
    assert "<h1>Không có trang này</h1>" in response.text
    assert "Lừa Đảo" not in response.text


def test_pages_are_strict_and_load_nothing_from_elsewhere(http: TestClient) -> None:
    response = http.get("/khao-sat/poll")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http://" not in response.text
    assert "https://" not in response.text
    assert "<style" not in response.text
    assert " style=" not in response.text


def test_another_sites_form_is_refused(http: TestClient, app: FastAPI) -> None:
    form = hidden(http.get("/khao-sat/poll").text)
    sent = http.post("/khao-sat/poll", data=form | {"seats": "4"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert sent.status_code == 403
    assert kept(app) == []


def test_too_large_a_body_is_refused_as_a_page(http: TestClient) -> None:
    sent = http.post("/khao-sat/poll", data={"comment": "a" * 40_000})
    assert sent.status_code == 413
    assert "<h1>Nội dung quá dài</h1>" in sent.text


def test_one_address_may_send_so_many_in_an_hour(engine: sa.Engine, tmp_path: Path) -> None:
    app = app_on(engine, tmp_path, survey_rate_limit_per_hour=2)
    with TestClient(app, follow_redirects=False) as http:
        assert [fill(http, "/khao-sat/poll", seats="4").status_code for _ in range(3)] == [303, 303, 429]
        refused = fill(http, "/khao-sat/poll", seats="4")
    assert int(refused.headers["retry-after"]) > 3_000
    assert "Xin anh/chị đợi khoảng 60 phút" in refused.text
    assert len(kept(app)) == 2


def test_without_the_database_there_is_a_page_and_no_trace(
    http: TestClient, app: FastAPI, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_more: object) -> None:
        raise sa.exc.OperationalError("insert", {"comment": "bí mật"}, Exception("bí mật"))

    monkeypatch.setattr(app.state.surveys.responses, "save", away)
    with caplog.at_level(logging.INFO):
        sent = fill(http, "/khao-sat/poll", comment="bí mật")
    assert sent.status_code == 503
    assert "<h1>Hệ thống đang bận</h1>" in sent.text
    assert "bí mật" not in caplog.text


def test_a_fault_is_a_page_in_plain_words(http: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(app.state.surveys.responses, "save", broken)
    sent = fill(http, "/khao-sat/poll", seats="4")
    assert sent.status_code == 500
    assert "<h1>Chưa làm được</h1>" in sent.text
    assert "inside" not in sent.text


# -- thanks -------------------------------------------------------------------------------------


def test_thanks_fit_and_a_bad_rating_is_offered_a_person(http: TestClient) -> None:
    fill(http, "/khao-sat/poll", seats="5", polite="4")
    good = http.get("/khao-sat/poll/cam-on").text
    assert "cộng chung" in good
    assert "gặp cán bộ" not in good
    fill(http, "/khao-sat/poll", seats="1", polite="1")
    bad = http.get("/khao-sat/poll/cam-on").text
    assert "Tôi xin lỗi" in bad
    assert 'href="tel:19001234"' in bad
    assert 'href="/"' in bad


def test_how_somebody_rated_is_in_no_address(http: TestClient) -> None:
    sent = fill(http, "/khao-sat/poll", seats="1")
    assert sent.headers["location"] == "/khao-sat/poll/cam-on"
    assert "seats" not in sent.headers["set-cookie"]
    assert "bad" not in sent.headers["set-cookie"].partition(";")[0]


# -- the survey about a dossier -----------------------------------------------------------------


def test_code_and_digits_lead_to_the_form_without_the_code_in_any_address(http: TestClient, app: FastAPI) -> None:
    assert "Mã hồ sơ" in http.get("/khao-sat/service").text
    went = identified(http)
    assert (went.status_code, went.headers["location"]) == (303, "/khao-sat/service?buoc=2")
    assert FINISHED[0] not in went.headers["set-cookie"]
    form = http.get(went.headers["location"])
    assert "Đăng ký khai sinh" in form.text
    assert FINISHED[0] not in form.text
    assert http.post("/khao-sat/service", data=hidden(form.text) | {"overall": "2"}).status_code == 303
    (one,) = kept(app)
    assert (one.instrument, one.answers, one.procedure_code) == ("service", {"overall": 2}, "1.001193")
    assert "Mã hồ sơ" in http.get("/khao-sat/service").text  # the next at this device


def test_one_response_for_a_dossier_whoever_answers(app: FastAPI) -> None:
    for overall in ("2", "0"):
        with TestClient(app, follow_redirects=False) as http:
            form = hidden(http.get(identified(http).headers["location"]).text)
            assert http.post("/khao-sat/service", data=form | {"overall": overall}).status_code == 303
    assert [one.answers for one in kept(app)] == [{"overall": 0}]


def test_after_a_day_an_answer_about_a_dossier_stays_as_it_is(
    http: TestClient, app: FastAPI, engine: sa.Engine
) -> None:
    fill(http, identified(http).headers["location"], overall="2")
    with engine.begin() as connection:
        connection.execute(sa.update(TicketRow).values(open_until=dt.datetime(2026, 1, 1)))
    sent = fill(http, identified(http).headers["location"], overall="0")
    assert sent.status_code == 409
    assert "không sửa được nữa" in sent.text
    assert [one.answers for one in kept(app)] == [{"overall": 2}]


def test_unknown_wrong_and_unfinished_get_one_answer(http: TestClient) -> None:
    tries = [("H57.17.26-261113-9999", "1010"), (FINISHED[0], "0000"), PROCESSING]
    answers = [identified(http, dossier) for dossier in tries]
    assert {answer.status_code for answer in answers} == {404}
    said = {answer.text.partition('role="alert"')[2].partition("</div>")[0] for answer in answers}
    assert len(said) == 1
    assert "Không tìm thấy hồ sơ đã có kết quả" in said.pop()
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}


def test_guessing_digits_is_limited_as_in_the_look_up(http: TestClient) -> None:
    statuses = [identified(http, (FINISHED[0], f"{n:04}")).status_code for n in range(7)]
    assert statuses == [404] * 5 + [429] * 2
    assert "Retry-After" in identified(http, (FINISHED[0], "0009")).headers


def test_malformed_code_and_digits_are_told_beside_the_fields(http: TestClient) -> None:
    sent = http.post("/khao-sat/service/ho-so", data={"code": "hồ sơ của tôi", "digits": "12"})
    assert sent.status_code == 422
    assert 'id="code-error"' in sent.text
    assert 'id="digits-error"' in sent.text
    assert 'value="hồ sơ của tôi"' in sent.text


def test_a_code_in_the_address_is_not_taken(http: TestClient) -> None:
    shown = http.get(f"/khao-sat/service?ma={FINISHED[0]}").text
    assert FINISHED[0] not in shown


def test_without_a_code_there_is_the_poll(http: TestClient) -> None:
    shown = http.get("/khao-sat/service?don-vi=Phường Láng&tt=1.001193").text
    assert 'href="/khao-sat/poll?don-vi=Ph%C6%B0%E1%BB%9Dng+L%C3%A1ng&amp;tt=1.001193"' in shown


def test_a_browser_that_keeps_no_cookie_is_told(http: TestClient) -> None:
    location = identified(http).headers["location"]
    http.cookies.clear()
    assert "cookie bị chặn" in http.get(location).text


def test_questions_that_do_not_apply_say_so_and_are_left_out(http: TestClient, app: FastAPI) -> None:
    location = identified(http).headers["location"]
    form = http.get(location).text
    assert "Chỉ trả lời nếu ở câu 6 anh/chị chọn “Không hài lòng”." in form
    assert "Bỏ qua nếu ở câu 6 anh/chị chọn “Không hài lòng”." in form
    fill(http, location, overall="2", reason="không thuộc câu này", comment="Tốt")
    assert kept(app)[0].comments == {"comment": "Tốt"}


# -- whatever is sent ---------------------------------------------------------------------------

ITEMS = [
    "ma_phieu",
    "don-vi",
    "tt",
    "website",
    "seats",
    "polite",
    "overall",
    "comment",
    "reason",
    "code",
    "digits",
    "x",
]
ANYTHING = st.dictionaries(st.sampled_from(ITEMS), st.text(max_size=60), max_size=8)
PATHS = st.sampled_from(["poll", "service", "answer", "service/ho-so", "poll/phieu-moi", "poll/cam-on", "x"])


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS, data=ANYTHING | st.binary(max_size=200), with_ticket=st.booleans())
def test_no_input_breaks_a_page(http: TestClient, path: str, data: dict[str, str] | bytes, with_ticket: bool) -> None:
    if isinstance(data, dict) and with_ticket:
        data = data | hidden(http.get("/khao-sat/poll").text)
    body = {"data": data} if isinstance(data, dict) else {"content": data}
    response = http.post(f"/khao-sat/{path}", **body)
    assert response.status_code in (303, 404, 405, 413, 422, 429), response.text
    if response.status_code not in (303, 405):
        assert response.text.startswith("<!doctype html>")
