"""The HTTP contract, on the real catalogue and index, with Rasa away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from connectors.app import create_app
from knowledge.settings import Settings


@pytest.fixture(scope="module")
def http(starter_settings: Settings) -> Iterator[TestClient]:
    away = starter_settings.model_copy(update={"rasa_url": "http://127.0.0.1:9", "rasa_timeout_s": 1.0})
    with TestClient(create_app(away), raise_server_exceptions=False) as client:
        yield client


def error_of(response) -> dict:  # type: ignore[no-untyped-def, type-arg]
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "details"}
    return body["error"]


def test_alive_and_each_part_of_ready_named(http: TestClient) -> None:
    assert http.get("/healthz").json() == {"status": "alive"}
    response = http.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"ready": False, "rasa": "unavailable", "database": "ready", "index": "ready"}


def test_search_is_the_contract(http: TestClient) -> None:
    body = http.get("/api/v1/search", params={"q": "giấy độc thân", "k": 2}).json()
    assert {"query", "decision", "field", "results", "ms"} <= set(body)
    assert body["results"][0]["code"] == "1.004873"
    assert set(body["results"][0]) == {"code", "name", "field", "level", "score"}
    assert len(body["results"]) == 2


def test_search_filters(http: TestClient) -> None:
    body = http.get("/api/v1/search", params={"q": "đăng ký xe", "level": "province", "k": 20}).json()
    assert body["results"]
    assert http.get("/api/v1/search", params={"q": "x", "field": "không có lĩnh vực này"}).json()["results"] == []


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("/api/v1/search", {}, 422),
        ("/api/v1/search", {"q": "x" * 3000}, 422),
        ("/api/v1/search", {"q": "x", "k": "nhiều"}, 422),
        ("/api/v1/search", {"q": "x", "level": "district"}, 422),
        ("/api/v1/procedures/9.999999", {}, 404),
        ("/api/v1/procedures/1.001193", {"page": 0}, 422),
        ("/api/v1/nowhere", {}, 404),
        ("/api/v1/web/messages", {}, 405),
    ],
)
def test_bad_requests_get_the_one_error_shape(http: TestClient, path: str, params: dict[str, str], status: int) -> None:
    response = http.get(path, params=params)
    assert response.status_code == status
    assert error_of(response)["message"]


def test_an_invalid_input_is_not_given_back(http: TestClient) -> None:
    response = http.post("/api/v1/web/messages", json={"session": "079203001234", "text": "x"})
    assert response.status_code == 422
    assert "079203001234" not in response.text
    assert http.post("/api/v1/web/messages", content=b"{", headers={"content-type": "application/json"}).status_code == 422


def test_a_procedure_with_its_answer(http: TestClient) -> None:
    body = http.get("/api/v1/procedures/1.001193", params={"fields": ["documents", "fee"]}).json()
    assert body["procedure"]["code"] == "1.001193"
    assert body["answer"]["fields"] == ["documents", "fee"]
    assert body["answer"]["sources"][0]["decision"]


def test_a_conversation_without_rasa_is_answered_from_search(http: TestClient) -> None:
    opened = http.post("/api/v1/web/sessions")
    assert opened.status_code == 201
    session = opened.json()["session"]
    sent = http.post("/api/v1/web/messages", json={"session": session, "text": "con tôi mới sinh cần giấy tờ gì"})
    (message,) = sent.json()["messages"]
    assert (message["status"], message["procedure_code"]) == ("answered", "1.001193")


def test_the_chat_page_and_the_openapi_document_are_served(http: TestClient) -> None:
    assert 'lang="vi"' in http.get("/").text
    paths = http.get("/openapi.json").json()["paths"]
    for path in ("/api/v1/search", "/api/v1/procedures/{code}", "/api/v1/web/messages", "/api/v1/actions/webhook"):
        assert path in paths


def test_rasas_action_call_speaks_the_sdks_protocol(http: TestClient) -> None:
    tracker = {
        "sender_id": "s", "slots": {}, "latest_message": {"text": "khai tử mất mấy ngày", "intent": {"name": "ask_time"},
        "entities": [{"entity": "field", "value": "time"}]}, "events": [], "paused": False, "followup_action": None,
        "active_loop": {}, "latest_action_name": None,
    }  # fmt: skip
    call = {"next_action": "action_answer", "sender_id": "s", "tracker": tracker, "domain": {}, "version": "3.6.21"}
    body = http.post("/api/v1/actions/webhook", json=call).json()
    assert body["responses"][0]["custom"]["procedure_code"] == "1.000656"
    assert {"event": "slot", "timestamp": None, "name": "procedure_code", "value": "1.000656"} in body["events"]
    assert http.post("/api/v1/actions/webhook", json=call | {"next_action": "action_unknown"}).status_code == 404
