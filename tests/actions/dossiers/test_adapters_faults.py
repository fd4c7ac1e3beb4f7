"""Whatever the far end does, the asker gets a sensible result in time, and nothing of any person comes through."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import trustme

from actions.dossiers.adapters.far_end import MAX_BODY, Answer, FarEnd, FarEndError, Limits
from actions.dossiers.dossier import Found, NotFoundOrMismatch, Proof, RateLimited, State, Unavailable
from tests.emulators import onestop
from tests.emulators.connected import PROTOCOLS, SECRETS, connected, leaks
from tests.emulators.onestop import Emulator, Fault

CODE, PROOF = "H57.17.26-261118-0004", Proof("0104")
QUICK = Limits(connect_s=0.3, read_s=0.3, total_s=0.5)
ENOUGH = Limits(connect_s=2.0, read_s=3.0, total_s=4.0)

NEVER_ENDS = (Fault.SLOW, Fault.LORIS_BODY, Fault.LORIS_HEAD)
UNREADABLE = {
    Fault.HTTP_500: "HTTP 500",
    Fault.BROKEN_JSON: "unreadable text instead of JSON",
    Fault.HTML: "HTML instead of JSON",
    Fault.HUGE: f"answer larger than {MAX_BODY} bytes",
    Fault.BOMB: "compressed answer, though none was asked for",
    Fault.DEEP_JSON: "unreadable text instead of JSON",
    Fault.OTHER_JSON: None,
    Fault.RESET: "broken answer (ReadError)",
    Fault.TRUNCATED: None,
    Fault.REDIRECT: "HTTP 302",
    Fault.EXPIRED_TOKEN: None,
}
IN_THE_DOSSIER = (Fault.WRONG_DATES, Fault.UNKNOWN_STATE, Fault.MISSING_FIELDS, Fault.WRONG_TYPES)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Emulator, str]]:
    emulator = Emulator()
    with onestop.running(emulator) as url:
        yield emulator, url


@pytest.fixture
def emulator(served: tuple[Emulator, str]) -> Emulator:
    served[0].reset()
    return served[0]


@pytest.fixture
def url(served: tuple[Emulator, str]) -> str:
    return served[1]


@pytest.fixture(autouse=True)
def nothing_leaks(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every logger listens at DEBUG, those of the HTTP library too; afterwards nobody's data may be in the records."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection", "asyncio", "actions"):
        caplog.set_level(logging.DEBUG, name)
    yield
    records = caplog.get_records("call")  # caplog's own list is that of the running phase, which is the teardown by now
    seen = "\n".join(f"{r.getMessage()} {r.args!r} {r.exc_info!r}" for r in records)
    assert not leaks(seen, logs=True)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fault", NEVER_ENDS)
async def test_answers_that_never_end_are_cut_off(protocol: str, fault: Fault, emulator: Emulator, url: str) -> None:
    adapter = connected(protocol, url, QUICK)
    emulator.break_it(fault)
    started = time.monotonic()
    result = await adapter.lookup(CODE, PROOF)
    assert time.monotonic() - started < QUICK.total_s + 0.4
    assert result == Unavailable("no answer in time")
    assert emulator.asked == 1
    await adapter.close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fault", UNREADABLE)
async def test_answers_that_nobody_can_read(protocol: str, fault: Fault, emulator: Emulator, url: str) -> None:
    adapter = connected(protocol, url, ENOUGH)
    assert isinstance(await adapter.lookup(CODE, PROOF), Found)  # so that a token is there already
    emulator.break_it(fault)
    result = await adapter.lookup(CODE, PROOF)
    assert isinstance(result, Unavailable)
    assert UNREADABLE[fault] in (None, result.reason)
    assert not leaks(repr(result), logs=True)
    emulator.heal()
    assert isinstance(await adapter.lookup(CODE, PROOF), Found)
    await adapter.close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_busy_far_end_is_left_alone(protocol: str, emulator: Emulator, url: str) -> None:
    adapter = connected(protocol, url, ENOUGH)
    emulator.break_it(Fault.BUSY, times=1)
    assert await adapter.lookup(CODE, PROOF) == RateLimited(17)
    asked = emulator.asked
    again = await adapter.lookup(CODE, PROOF)
    assert isinstance(again, RateLimited)
    assert 1 <= again.retry_after_s <= 17
    assert emulator.asked == asked
    await adapter.close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fault", IN_THE_DOSSIER)
async def test_what_can_be_read_of_a_spoilt_dossier_is_told(
    protocol: str, fault: Fault, emulator: Emulator, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    adapter = connected(protocol, url, ENOUGH)
    emulator.break_it(fault)
    result = await adapter.lookup(CODE, PROOF)
    assert isinstance(result, Found)
    assert not leaks(repr(result))
    got = result.dossier
    assert got.code == CODE
    if fault is Fault.UNKNOWN_STATE:
        assert got.due_at == dt.datetime(2026, 12, 11, 17)
    else:
        assert (got.submitted_at, got.received_at, got.due_at) == (None, None, None)
    if fault is Fault.WRONG_DATES:
        assert got.state is State.PROCESSING
        wrong = {kind: count for kind, count in adapter.notes.items() if kind.startswith("wrong date")}
        assert len(wrong) >= 2
        assert f"{adapter.name}: in one answer: wrong date:" in caplog.text
    else:
        assert got.state is State.UNKNOWN
        assert adapter.notes["unknown state: state"] == 1
        assert got.label
    if fault is Fault.UNKNOWN_STATE:
        assert got.label in ("mã trạng thái 42", "Luân chuyển đặc biệt")
    await adapter.close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fault", [*IN_THE_DOSSIER, Fault.WRONG_CODE])
async def test_a_spoilt_dossier_still_wants_its_proof(
    protocol: str, fault: Fault, emulator: Emulator, url: str
) -> None:
    adapter = connected(protocol, url, ENOUGH)
    emulator.break_it(fault)
    result = await adapter.lookup(CODE, Proof("9999"))
    assert result == NotFoundOrMismatch() or (fault is Fault.WRONG_CODE and isinstance(result, Unavailable))
    await adapter.close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_another_dossier_is_never_shown(protocol: str, emulator: Emulator, url: str) -> None:
    adapter = connected(protocol, url, ENOUGH)
    emulator.break_it(Fault.WRONG_CODE)
    for proof in (PROOF, Proof("0105"), None):  # 0105 would prove the dossier that comes
        result = await adapter.lookup(CODE, proof)
        # A search that finds only others has not found it; a look-up that answers about another one is broken.
        expected = NotFoundOrMismatch() if protocol == "igate" else Unavailable("the answer is about another dossier")
        assert result == expected
    await adapter.close()


async def test_a_token_that_ran_out_is_renewed(emulator: Emulator, url: str) -> None:
    adapter = connected("igate", url, ENOUGH)
    assert isinstance(await adapter.lookup(CODE, PROOF), Found)
    emulator.break_it(Fault.EXPIRED_TOKEN, times=1)
    assert isinstance(await adapter.lookup(CODE, PROOF), Found)
    assert emulator.requests == {"/token": 2, "/pa/dossier-search/dvc": 3}
    emulator.break_it(Fault.EXPIRED_TOKEN)
    assert await adapter.lookup(CODE, PROOF) == Unavailable("HTTP 401")  # and not again and again
    assert emulator.requests["/pa/dossier-search/dvc"] == 5
    await adapter.close()


# -- connections ------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_nobody_listens(protocol: str) -> None:
    adapter = connected(protocol, "http://127.0.0.1:9", QUICK)
    started = time.monotonic()
    assert await adapter.lookup(CODE, PROOF) == Unavailable("no connection (ConnectError)")
    assert time.monotonic() - started < 1.0
    await adapter.close()


async def test_only_a_failed_connection_is_tried_again() -> None:
    tries: list[str] = []

    def fail(error: Exception) -> FarEnd:
        def handle(request: httpx.Request) -> httpx.Response:
            tries.append(type(error).__name__)
            raise error

        return FarEnd(QUICK, transport=httpx.MockTransport(handle))

    for error in (httpx.ConnectError(CODE), httpx.ConnectTimeout(CODE), httpx.ReadError(CODE), httpx.ReadTimeout(CODE)):
        with pytest.raises(FarEndError) as caught:
            await fail(error).fetch("GET", "https://far.invalid/")
        assert CODE not in str(caught.value)
        assert caught.value.__cause__ is None
    assert tries == ["ConnectError"] * 2 + ["ConnectTimeout"] * 2 + ["ReadError", "ReadTimeout"]


async def test_a_second_connection_may_succeed() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"a": 1}'

    answers = [httpx.ConnectError(""), httpx.Response(200, content=body())]

    def handle(request: httpx.Request) -> httpx.Response:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    answer = await FarEnd(QUICK, transport=httpx.MockTransport(handle)).fetch("GET", "https://far.invalid/")
    assert answer.json() == {"a": 1}


@pytest.mark.parametrize("body", [b'{"a":' * 5_000, b"[" * 50_000, b'{"a": NaN}', b"", b"\xff\xfe\xfa", b"9" * 5_000])
def test_json_made_to_hurt(body: bytes) -> None:
    with pytest.raises(FarEndError):
        Answer(200, body).json()


async def test_the_silence_is_ours_alone(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Other users of httpx keep their logs; this also shows that the leak test listens where it would leak."""
    async with httpx.AsyncClient() as client:
        await client.get(url + "/_emulator/requests")
    assert "/_emulator/requests" in caplog.text
    assert any(record.name.startswith("httpcore") for record in caplog.records)


# -- certificates -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def _ask_over_tls(
    protocol: str, emulator: Emulator, folder: Path, certificate: trustme.LeafCert, trusted: trustme.CA | None
) -> object:
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    changes = {}
    if trusted:
        trusted.cert_pem.write_to_path(str(folder / "authority.pem"))
        changes = {"ca_file": str(folder / "authority.pem")}

    async def ask(url: str) -> object:
        adapter = connected(protocol, url, ENOUGH, **changes)
        try:
            return await adapter.lookup(CODE, PROOF)
        finally:
            await adapter.close()

    pem = str(folder / "server.pem")
    with onestop.running(emulator, ssl_certfile=pem, ssl_keyfile=pem) as url:
        return asyncio.run(ask(url))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_certificate_of_the_systems_own_authority(
    protocol: str, emulator: Emulator, authority: trustme.CA, tmp_path: Path
) -> None:
    result = _ask_over_tls(protocol, emulator, tmp_path, authority.issue_cert("127.0.0.1"), authority)
    assert isinstance(result, Found)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("wrong", ["unknown authority", "other authority", "other name", "expired"])
def test_a_bad_certificate_is_refused(
    protocol: str, wrong: str, emulator: Emulator, authority: trustme.CA, tmp_path: Path
) -> None:
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = {
        "other name": lambda: authority.issue_cert("motcua.example"),
        "expired": lambda: authority.issue_cert("127.0.0.1", not_before=past, not_after=past.replace(year=2021)),
    }.get(wrong, lambda: authority.issue_cert("127.0.0.1"))()
    trusted = {"unknown authority": None, "other authority": trustme.CA()}.get(wrong, authority)
    result = _ask_over_tls(protocol, emulator, tmp_path, certificate, trusted)
    assert result == Unavailable("the certificate is not trusted")
    assert emulator.asked == 0  # neither code nor secret was sent
