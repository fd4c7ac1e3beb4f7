"""Descriptions of systems: mistakes are told in one line, secrets stay out, and the documented examples work."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from actions.dossiers.adapters.config import ConfigError, checked
from actions.dossiers.adapters.mapped import MappedAdapter
from actions.dossiers.adapters.mapping import Mapping
from actions.dossiers.adapters.systems import load, load_folder, make
from actions.dossiers.dossier import Found, NotFoundOrMismatch, Proof, State, Unavailable
from tests.emulators import onestop
from tests.emulators.connected import PROTOCOLS, SECRETS, connected, described
from tests.emulators.onestop import Emulator

CODE, PROOF = "H57.17.26-261118-0004", Proof("0104")


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The documented mapping with one thing changed; None takes it out."""
    raw = described("mapped")
    *parents, last = path.split(".")
    at = raw
    for key in parents:
        at = at.setdefault(key, {})
    if value is None:
        del at[last]
    else:
        at[last] = value
    return raw


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("name", "Tỉnh Mẫu", "name: String should match pattern"),
        ("source", None, "source: is missing"),
        ("covers", [], "covers: Tuple should have at least 1 item"),
        ("covers", ["h57"], "covers: 'h57' is no agency"),
        ("coverz", ["H57"], "coverz: is not known"),
        ("protocol", "soap", "protocol: must be one of mapped, national-sync, igate"),
        ("request.url", "ftp://x/", "request.url: must be an https:// address"),
        ("request.url", "https://user:geheim@x.vn/{code}", "request.url: must hold no user name or password"),
        ("request.url", "http://motcua.example.vn/", "http:// is not encrypted"),
        ("request.url", "https://x.vn/?so={proof}", "request: {proof} and {secret} may not stand in url or query"),
        ("request.query", {"so": "{proof}"}, "request: {proof} and {secret} may not stand in url or query"),
        ("request.json", {"ma": "x"}, "request: {code} is sent nowhere"),
        ("request.json", {"ma": "{code}", "so": "{prof}"}, "request: {prof} is not known"),
        ("request.json", {"ma": "{code}", "so": "{proof}"}, "proof.send: true and {proof}"),
        ("request.json", {"ma": "{code}", "so": "{secret}"}, "auth.kind: body and {secret}"),
        ("request.method", "GET", "request: a GET request has no json or form"),
        ("request.method", "DELETE", "request.method: Input should be 'GET' or 'POST'"),
        ("request.form", {"ma": "{code}"}, "request: json and form exclude each other"),
        ("request.headers", {"Authorization": "geheim"}, "request.headers: keys and tokens do not belong in the file"),
        ("request.headers", {"X-Ma": "{code}"}, "request: headers are sent as they are"),
        ("auth.value_env", "geheim-123", "auth.header.value_env: must be the NAME of an environment variable"),
        ("auth.value_env", "NOT_SET_ANYWHERE", "the environment variable NOT_SET_ANYWHERE is not set"),
        ("auth.kind", "magic", "auth: Input tag 'magic'"),
        ("fields.due_at", "a..b", "fields.due_at: 'a..b' is not a JMESPath expression"),
        ("fields.code", None, "fields.code: is missing"),
        ("fields.owner", "nguoiNop.hoTen", "fields.owner: is not known"),
        ("not_found.when", "a ==", "not_found.when: 'a ==' is not a JMESPath expression"),
        ("states", {"X": "lost"}, "states.X: Input should be 'registered'"),
        ("channels", {"X": "pigeon"}, "channels.X: Input should be 'in_person'"),
        ("dates.formats", ["dd/MM"], "dates.formats.0: 'dd/MM' is neither iso"),
        ("dates.formats", ["%d/%Q"], "dates.formats.0: '%d/%Q' is not a strptime format"),
        ("proof", {}, "proof: needs send: true, or compare"),
        ("proof", None, "proof: is missing"),
        ("ca_file", "nowhere.pem", "ca_file: there is no file nowhere.pem"),
    ],
)
def test_a_mistake_is_told_in_one_line(path: str, value: Any, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make(changed(path, value), "tinh-mau.yml")
    message = str(caught.value)
    assert message.startswith("tinh-mau.yml: ")
    assert told in message
    assert "\n" not in message
    assert "geheim" not in message
    assert len(message) < 400


def test_all_mistakes_are_told_at_once() -> None:
    raw = changed("source", None) | {"covers": ["x"]}
    with pytest.raises(ConfigError, match=r"^f.yml: source: is missing; covers: 'x' is no agency"):
        make(raw, "f.yml")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_missing_secret_is_named(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = {"national-sync": "TRUC_TINH_SESSION", "igate": "IGATE_CLIENT_SECRET", "mapped": "TINH_MAU_API_KEY"}[
        protocol
    ]
    monkeypatch.delenv(name)
    with pytest.raises(ConfigError, match=f"the environment variable {name} is not set"):
        connected(protocol, "http://127.0.0.1:8900")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_secret_shows_in_an_adapter(protocol: str) -> None:
    adapter = connected(protocol, "http://127.0.0.1:8900")
    shown = repr(adapter) + repr(vars(adapter))
    assert not [value for name, value in SECRETS.items() if value in shown and name != "IGATE_CLIENT_ID"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "not YAML (line 1)"),
        ("- 1", "must be a mapping"),
        ("", "must be a mapping"),
        ("!!python/object/apply:os.getcwd []", "not YAML"),
        ("\x80", "cannot be read"),
    ],
)
def test_a_broken_file(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "x.yml")
    assert str(caught.value).startswith("x.yml: ")
    assert told in str(caught.value)
    with pytest.raises(ConfigError, match=r"none\.yml: cannot be read"):
        load(tmp_path / "none.yml")


def test_a_folder_of_systems(tmp_path: Path) -> None:
    for protocol in PROTOCOLS:
        (tmp_path / f"{protocol}.yml").write_text(yaml.safe_dump(described(protocol)), encoding="utf-8")
    (tmp_path / "readme.txt").write_text("not a system")
    assert [adapter.name for adapter in load_folder(tmp_path)] == ["igate-tinh", "tinh-mau", "truc-tinh"]
    (tmp_path / "again.yml").write_text(yaml.safe_dump(described("igate")), encoding="utf-8")
    with pytest.raises(ConfigError, match="two systems have the name igate-tinh"):
        load_folder(tmp_path)


# -- what is sent and read --------------------------------------------------------------------------


def adapter(raw: dict[str, Any], handler: Callable[[httpx.Request], httpx.Response]) -> MappedAdapter:
    async def handle(request: httpx.Request) -> httpx.Response:
        answer = handler(request)
        content = answer.content

        async def body() -> Any:
            yield content

        return httpx.Response(answer.status_code, content=body())

    return MappedAdapter(checked(Mapping, raw, "x.yml"), transport=httpx.MockTransport(handle))


def small(**changes: Any) -> dict[str, Any]:
    raw = {
        "name": "x",
        "source": "Hệ thống X",
        "covers": ["H57"],
        "request": {"url": "https://x.vn/ho-so/{code}"},
        "fields": {"code": "ma", "state": "tt"},
        "proof": {"compare": ["so"]},
    }
    return raw | changes


@pytest.mark.parametrize(
    ("auth", "header", "sent"),
    [
        ({"kind": "bearer", "token_env": "TINH_MAU_API_KEY"}, "Authorization", f"Bearer {onestop.API_KEY}"),
        ({"kind": "header", "header": "X-Key", "value_env": "TINH_MAU_API_KEY"}, "X-Key", onestop.API_KEY),
        (
            {"kind": "basic", "user_env": "IGATE_CLIENT_ID", "password_env": "IGATE_CLIENT_SECRET"},
            "Authorization",
            "Basic bW90Y3VhOmVtdWxhdG9yLWNsaWVudC1zZWNyZXQ=",
        ),
    ],
)
async def test_ways_to_say_who_we_are(auth: dict[str, str], header: str, sent: str) -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(404)

    raw = small(auth=auth, not_found={"status": [404]})
    assert await adapter(raw, handle).lookup(CODE, PROOF) == NotFoundOrMismatch()
    assert seen[0].headers[header] == sent
    assert str(seen[0].url) == f"https://x.vn/ho-so/{CODE}"


async def test_a_code_cannot_break_out_of_the_address_or_the_body() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(404)

    evil = "H57/../admin?x=1#{secret}\r\nX: y"
    raw = small(not_found={"status": [404]}, request={"url": "https://x.vn/{code}", "query": {"q": "{code}"}})
    await adapter(raw, handle).lookup(evil, PROOF)
    raw["request"] = {"url": "https://x.vn/", "method": "POST", "form": {"ma": "{code}", "s": "{secret}"}}
    raw["auth"] = {"kind": "body", "value_env": "TINH_MAU_API_KEY"}
    await adapter(raw, handle).lookup(evil, PROOF)
    first, second = seen
    assert first.url.path.startswith("/H57/../admin?x=1#")
    assert first.url.raw_path.startswith(b"/H57%2F..%2Fadmin%3Fx%3D1%23")
    assert first.url.params["q"] == evil
    assert second.content.count(onestop.API_KEY.encode()) == 1


async def test_an_api_that_proves_by_itself() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        right = b'"4321"' in request.content
        return httpx.Response(200, json={"ma": CODE, "tt": "1"} if right else {})

    raw = small(
        request={"url": "https://x.vn/", "method": "POST", "json": {"ma": "{code}", "so": "{proof}"}},
        proof={"send": True},
        not_found={"when": "!ma"},
        states={1: "received"},
    )
    asked = adapter(raw, handle)
    result = await asked.lookup(CODE, Proof("43 21"))
    assert isinstance(result, Found)
    assert result.dossier.state is State.RECEIVED
    assert await asked.lookup(CODE, Proof("4322")) == NotFoundOrMismatch()
    assert await asked.lookup(CODE, Proof("1")) == NotFoundOrMismatch()
    assert await asked.lookup(CODE, None) == Unavailable("this system itself asks for the second factor")


@pytest.mark.parametrize(
    ("body", "changes", "expected"),
    [
        ([], {}, NotFoundOrMismatch()),
        ({}, {}, Unavailable("the dossier cannot be read")),
        (None, {}, Unavailable("the dossier cannot be read")),
        (None, {"not_found": {"empty": True}}, NotFoundOrMismatch()),
        ({"ma": CODE, "so": "0300000104"}, {"ok": "ok"}, Unavailable("the answer does not say that all went well")),
        ([{"ma": "H57-1-1"}, 5, None], {}, NotFoundOrMismatch()),
        ([5, None, {}], {}, Unavailable("the dossier cannot be read")),
        ({"ma": [CODE]}, {}, Unavailable("the answer is about another dossier")),
        ({"ma": CODE, "so": "0300000105"}, {}, NotFoundOrMismatch()),
        ({"ma": CODE, "so": ["x", "0300000104"]}, {}, Found),
        ([{"ma": "H57-1-1"}, {"ma": f" {CODE.lower()} ", "so": "0300000104"}], {}, Found),
        # jmespath's own type error
        ({"ma": CODE, "so": "0300000104"}, {"not_found": {"when": "contains(ma, `1`)"}}, Found),
    ],
)
async def test_answers(body: Any, changes: dict[str, Any], expected: Any) -> None:
    answer = httpx.Response(200, content=json.dumps(body))
    result = await adapter(small(**changes), lambda request: answer).lookup(CODE, PROOF)
    assert result == expected or (expected is Found and isinstance(result, Found))


async def test_a_due_date_without_an_hour_ends_with_the_day() -> None:
    body = {"ma": CODE, "so": "0300000104", "hen": "2026-11-27", "nhan": "2026-11-20"}
    raw = small(fields={"code": "ma", "state": "tt", "due_at": "hen", "received_at": "nhan"})
    result = await adapter(raw, lambda request: httpx.Response(200, json=body)).lookup(CODE, PROOF)
    assert isinstance(result, Found)
    assert str(result.dossier.due_at) == "2026-11-27 17:00:00"
    assert str(result.dossier.received_at) == "2026-11-20 00:00:00"


# -- the emulator itself ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Emulator, str]]:
    emulator = Emulator()
    with onestop.running(emulator) as url:
        yield emulator, url


async def test_faults_can_be_switched_from_outside(served: tuple[Emulator, str]) -> None:
    _, url = served
    async with httpx.AsyncClient(base_url=url) as client:
        body = {"session": onestop.SESSION, "madonvi": onestop.AGENCY, "service": "TraCuuHoSo", "mahoso": CODE}
        assert (await client.post("/mapi/g", json=body)).json()["error_code"] == "0"
        assert (await client.post("/mapi/g", json=body, headers={"X-Emulator-Fault": "http-500"})).status_code == 500
        await client.post("/_emulator/fault", json={"fault": "html", "times": 1})
        assert "html" in (await client.post("/mapi/g", json=body)).text
        assert (await client.post("/mapi/g", json=body)).json()["result"][0]["TrangThaiHoSo"] == "4"
        assert (await client.post("/_emulator/fault", json={"fault": "nonsense"})).status_code == 422
        assert (await client.get("/_emulator/requests")).json() == {"/mapi/g": 4}
        assert (await client.post("/mapi/g", json=body | {"session": "x"})).json()["error_code"] == "-2"


def test_the_list_tells_what_proves_each_dossier(capsys: pytest.CaptureFixture[str]) -> None:
    onestop.main(["--list"])
    lines = capsys.readouterr().out.splitlines()[1:]
    assert len(lines) == len(onestop.DOSSIERS)
    assert re.match(r"H57\.17\.26-261118-0004 +4 Đang xử lý +0104 +7104 ", lines[3])
    assert {far.state for far in onestop.DOSSIERS} >= set(map(str, range(1, 11)))
