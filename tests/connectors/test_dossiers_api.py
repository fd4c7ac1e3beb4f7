"""Look-up and sync over HTTP: one neutral answer, limits, signatures, and no 500 whatever is sent."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS

from actions.dossiers import sync
from actions.dossiers.dossier import NotThisSystem, Proof, RateLimited, Result, Unavailable
from actions.dossiers.importing import SAMPLE, import_file
from actions.dossiers.registry import Registry
from actions.dossiers.tries import DatabaseStore, Limit, Limits, Tries
from connectors import dossiers_api, errors
from knowledge.database import connect, migrate

KEY = b"a key for tests, of 32 bytes ...!"
SECRET = "shared with the one-stop system"
LOOKUP, SYNC = "/api/v1/dossiers/lookup", "/api/v1/dossiers/sync"
SUPPLEMENT = "H57.17.26-261112-0006"
ITEM = {
    "MaHoSo": "H57.17.26-261110-0077",
    "TrangThaiHoSo": "4",
    "NgayTiepNhan": "20261110083000",
    "SoDienThoai": "0912345678",
}


class Systems:
    """Stands in for the routing over several systems: asks the registry, or gives a fixed result."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.fixed: Result | None = None

    async def lookup(self, code: str, proof: Proof | None) -> Result:
        return self.fixed or await self.registry.lookup(code, proof)


def app_on(folder: Path) -> FastAPI:
    """Only these routes, on a registry with the sample."""
    engine = connect(f"sqlite:///{folder}/motcua.db")
    migrate(engine)
    registry = Registry(engine, KEY)
    import_file(registry, SAMPLE, sample=True)
    app = FastAPI()
    errors.install(app)
    app.include_router(dossiers_api.router, prefix="/api/v1", responses={422: {"model": errors.ErrorResponse}})
    app.state.registry, app.state.dossiers = registry, Systems(registry)
    app.state.tries = Tries(DatabaseStore(engine), KEY)
    app.state.dossier_sync_secret = SECRET
    return app


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return app_on(tmp_path)


@pytest.fixture
def http(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def ask(http: TestClient, code: str = SUPPLEMENT, digits: str = "1006", **more: Any) -> Any:
    return http.post(LOOKUP, json={"code": code, "digits": digits, **more})


def error_of(response: Any) -> dict[str, Any]:
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "details"}
    return dict(body["error"])


def push(http: TestClient, document: Any, *, secret: str = SECRET, shift: int = 0, body: bytes | None = None) -> Any:
    body = json.dumps(document).encode() if body is None else body
    timestamp = str(int(time.time()) + shift)
    headers = {"X-Motcua-Timestamp": timestamp, "X-Motcua-Signature": sync.sign(secret.encode(), timestamp, body)}
    return http.post(SYNC, content=body, headers=headers)


# -- look-up ------------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", ["1006", "2006"])
@pytest.mark.parametrize("code", [SUPPLEMENT, "h57.17.26 – 261112 – 0006", "Mã hồ sơ: H57,17,26-261112-0006."])
def test_who_knows_code_and_digits_gets_the_dossier(http: TestClient, code: str, digits: str) -> None:
    response = ask(http, code, digits)
    assert response.status_code == 200
    body = response.json()
    assert (body["code"], body["state"], body["label"]) == (SUPPLEMENT, "supplement", "Yêu cầu bổ sung giấy tờ")
    assert body["supplements"][0]["content"].startswith("Bản sao hợp lệ")
    assert (body["received_at"], body["due_at"]) == ("2026-11-12T10:10:00+07:00", "2026-11-17T17:00:00+07:00")
    assert {"procedure_code", "agency", "source", "fetched_at", "payment"} <= set(body)
    assert response.headers["cache-control"] == "no-store"


def test_nothing_of_persons_is_in_the_response_model(http: TestClient) -> None:
    names = set(http.get("/openapi.json").json()["components"]["schemas"]["DossierFound"]["properties"])
    assert not [
        name for name in names if any(part in name for part in ("owner", "phone", "identity", "proof", "digits"))
    ]


def test_unknown_code_and_wrong_digits_get_the_same_answer(http: TestClient) -> None:
    wrong, unknown = ask(http, digits="0000"), ask(http, "H57.17.26-261112-9999", "0000")
    assert wrong.status_code == unknown.status_code == 404
    assert wrong.content == unknown.content
    assert dict(wrong.headers) == dict(unknown.headers)
    assert error_of(wrong)["code"] == "dossier_not_found_or_mismatch"


def test_an_unknown_code_is_limited_like_a_known_one(http: TestClient) -> None:
    for code in (SUPPLEMENT, "H57.17.26-261112-9999"):
        answers = [ask(http, code, f"000{n}") for n in range(6)]
        assert [answer.status_code for answer in answers] == [404] * 5 + [429]
        assert 3_500 < int(answers[-1].headers["retry-after"]) <= 3_600
        assert error_of(answers[-1])["code"] == "too_many_tries"
        assert "60 phút" in error_of(answers[-1])["message"]
    assert ask(http).status_code == 429  # even with the right digits, from now on


def test_right_look_ups_are_not_wrong_tries(http: TestClient) -> None:
    assert {ask(http).status_code for _ in range(8)} == {200}


def test_a_conversation_is_limited_too(app: FastAPI, http: TestClient) -> None:
    wide = (Limit(1_000),)
    limits = Limits(wide, (Limit(2),), wide, wide, wide)
    app.state.tries = Tries(DatabaseStore(app.state.registry.engine), KEY, limits)
    session = "a" * 24
    assert [ask(http, digits="0000", session=session).status_code for _ in range(3)] == [404, 404, 429]
    assert ask(http, digits="0000", session="b" * 24).status_code == 404


@pytest.mark.parametrize(
    ("result", "status", "code"),
    [
        (NotThisSystem(), 404, "dossier_not_this_system"),
        (Unavailable("a reason for operators"), 503, "dossier_unavailable"),
        (RateLimited(100_000), 429, "too_many_tries"),
        (RateLimited(0), 429, "too_many_tries"),
    ],
)
def test_other_results(app: FastAPI, http: TestClient, result: Result, status: int, code: str) -> None:
    app.state.dossiers.fixed = result
    response = ask(http)
    assert (response.status_code, error_of(response)["code"]) == (status, code)
    assert "operators" not in response.text
    if status == 429:
        assert int(response.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "x",
        {"code": SUPPLEMENT},
        {"code": SUPPLEMENT, "digits": "079203001234"},
        {"code": SUPPLEMENT, "digits": 1006},
        {"code": SUPPLEMENT, "digits": "１００６"},
        {"code": SUPPLEMENT, "digits": "1006\n"},
        {"code": "", "digits": "1006"},
        {"code": None, "digits": "1006"},
        {"code": "079203001234", "digits": "1006"},
        {"code": "x" * 101, "digits": "1006"},
        {"code": "H57.17.26-261312-0006", "digits": "1006"},
        {"code": f"{SUPPLEMENT} {SUPPLEMENT[:-1]}7", "digits": "1006"},
        {"code": SUPPLEMENT, "digits": "1006", "session": "../"},
    ],
)
def test_bad_input_gets_the_one_error_shape_and_is_not_given_back(http: TestClient, body: Any) -> None:
    response = http.post(LOOKUP, json=body)
    assert response.status_code == 422
    assert error_of(response)["message"]
    assert "079203001234" not in response.text


def test_digits_travel_in_the_body_only(http: TestClient) -> None:
    assert http.get(LOOKUP, params={"code": SUPPLEMENT, "digits": "1006"}).status_code == 405
    assert http.post(LOOKUP, params={"code": SUPPLEMENT, "digits": "1006"}).status_code == 422


def test_nothing_of_a_look_up_is_logged(http: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="actions")
    caplog.set_level("DEBUG", logger="connectors")
    ask(http)
    ask(http, digits="0000")
    for record in caplog.records:
        if record.name.startswith(("actions", "connectors")):
            assert SUPPLEMENT not in record.getMessage()
            assert "1006" not in record.getMessage()


# -- sync ---------------------------------------------------------------------------------------


def test_a_pushed_dossier_can_be_looked_up(http: TestClient) -> None:
    reply = push(
        http, {"session": "s", "madonvi": "H57.17.26", "service": sync.FULL, "isUpdating": "False", "data": [ITEM]}
    )
    assert reply.status_code == 200
    assert set(reply.json()) == {"error_code", "message", "result"}
    assert reply.json()["error_code"] == "0"
    assert ask(http, ITEM["MaHoSo"], "5678").json()["state"] == "processing"
    again = push(http, {"service": sync.FULL, "data": [ITEM]})
    assert again.json()["result"][0]["message"] == "không có gì mới"


def test_without_a_secret_nothing_is_taken(app: FastAPI, http: TestClient) -> None:
    for secret in (None, ""):
        app.state.dossier_sync_secret = secret
        response = push(http, {"service": sync.FULL, "data": [ITEM]}, secret="")
        assert (response.status_code, error_of(response)["code"]) == (403, "sync_disabled")


@pytest.mark.parametrize("wrong", [{"secret": "another"}, {"shift": -301}, {"shift": 302}])
def test_a_wrong_or_old_signature_is_refused(http: TestClient, wrong: dict[str, Any]) -> None:
    response = push(http, {"service": sync.FULL, "data": [ITEM]}, **wrong)
    assert (response.status_code, error_of(response)["code"]) == (403, "bad_signature")
    assert ask(http, ITEM["MaHoSo"], "5678").status_code == 404


def test_an_unsigned_message_is_refused(http: TestClient) -> None:
    assert error_of(http.post(SYNC, json={"service": sync.FULL, "data": [ITEM]}))["code"] == "bad_signature"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"\xff", 400), (b"[" * 100_000, 400), (b"[]", 422), (b"{}", 422), (b'"x"', 422),
        (b'{"service": "TraCuuHoSo", "data": []}', 422), (b'{"service": "DongBoHoSoMC"}', 422),
        (b'{"service": "DongBoHoSoMC", "data": {}}', 422), (b'{"service": "DongBoHoSoMC", "data": [1]}', 422),
        (b'{"service": "DongBoHoSoMC", "data": [], "isUpdating": "maybe"}', 422), (b"1" * 5_000, 400),
        (json.dumps({"service": sync.FULL, "data": [{}] * 1_001}).encode(), 422),
    ],
)  # fmt: skip
def test_what_is_no_message_gets_the_one_error_shape(http: TestClient, body: bytes, status: int) -> None:
    response = push(http, None, body=body)
    assert response.status_code == status
    assert error_of(response)["message"]


def test_a_body_that_is_too_large_is_refused(http: TestClient) -> None:
    response = push(http, None, body=b" " * (dossiers_api.MAX_SYNC_BYTES + 1))
    assert (response.status_code, error_of(response)["code"]) == (413, "too_large")


def test_an_error_tells_nothing_of_the_item(http: TestClient) -> None:
    response = push(
        http, {"service": sync.FULL, "data": [{"MaHoSo": "079203001234", "ChuHoSo": "Trần Thị Thử"}, "0912345678"]}
    )
    for secret in ("079203001234", "Trần", "0912345678"):
        assert secret not in response.text
    broken = push(http, {"service": sync.FULL, "data": [{"MaHoSo": "079203001234", "ChuHoSo": "Trần Thị Thử"}]})
    assert broken.json()["error_code"] == "-1"
    assert "079203001234" not in broken.text


def test_a_registry_that_is_away_says_so(app: FastAPI, http: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with app.state.registry.engine.begin() as connection:
        connection.exec_driver_sql("drop table dossier")
    response = push(http, {"service": sync.FULL, "data": [ITEM]})
    assert (response.status_code, error_of(response)["code"]) == (503, "registry_unavailable")
    assert error_of(ask(http))["code"] == "dossier_unavailable"
    assert ITEM["MaHoSo"] not in caplog.text


# -- whatever is sent ---------------------------------------------------------------------------


_HELD = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
_FUZZ = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """An app without limits on tries, so that look-ups are reached."""
    app = app_on(tmp_path_factory.mktemp("fuzzed"))
    wide = (Limit(1_000_000),)
    app.state.tries = Tries(DatabaseStore(app.state.registry.engine), KEY, Limits(wide, wide, wide, wide, wide))
    return app


def cases(app: FastAPI, path: str) -> st.SearchStrategy[Any]:
    """Requests that Schemathesis makes from the OpenAPI document (its own pytest plugin fails on pytest 9.2)."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", app).include(path=path)
    (operation,) = [found.ok() for found in schema.get_all_operations()]
    modes = list(schemathesis.GenerationMode)
    return st.one_of(operation.as_strategy(generation_mode=mode) for mode in modes)


@pytest.mark.parametrize("path", [LOOKUP, SYNC])
def test_no_request_breaks_an_endpoint_or_its_description(fuzzed: FastAPI, path: str) -> None:
    statuses: set[int] = set()

    @given(cases(fuzzed, path), st.sampled_from([{}, {"code": SUPPLEMENT}, {"code": SUPPLEMENT, "digits": "1006"}]))
    @_FUZZ
    def send(case: Any, known: dict[str, str]) -> None:
        if path == LOOKUP and isinstance(case.body, dict):
            case.body |= known
        response = case.call()
        case.validate_response(response, checks=CHECKS.get_by_names(_HELD))
        statuses.add(response.status_code)

    send()
    assert statuses >= ({200, 404, 422} if path == LOOKUP else {403})
    assert statuses <= {200, 400, 403, 404, 422}


def test_no_signed_message_breaks_the_endpoint(fuzzed: FastAPI) -> None:
    statuses: set[int] = set()
    with TestClient(fuzzed, raise_server_exceptions=False) as client:

        @given(cases(fuzzed, SYNC))
        @_FUZZ
        def send(case: Any) -> None:
            statuses.add(push(client, case.body if isinstance(case.body, (dict, list)) else str(case.body)).status_code)

        send()
    assert 200 in statuses
    assert statuses <= {200, 400, 422}


_VALUE = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.sampled_from(["20261110083000", "4", "x"])
)
_NAME = st.sampled_from(
    [*ITEM, "NgayHenTra", "NgayKetThucXuLy", "TrangThai", "ThoiDiemXuLy", "DanhSachLePhi", "TenTTHC"]
)
_ITEM = st.dictionaries(_NAME, _VALUE | st.lists(st.dictionaries(st.sampled_from(["Gia", "NoiDungBoSung"]), _VALUE)))


@given(service=st.sampled_from([sync.FULL, sync.PROGRESS, sync.STATE]), items=st.lists(_ITEM, max_size=3))
@_FUZZ
def test_no_item_breaks_the_endpoint(fuzzed: FastAPI, service: str, items: list[dict[str, Any]]) -> None:
    client = TestClient(fuzzed, raise_server_exceptions=False)
    documents = [{"service": service, "data": [ITEM | item for item in items]}, {"service": service, "data": items}]
    for document in documents:
        response = push(client, document)
        assert response.status_code == 200
        assert len(response.json()["result"]) == len(items)
