"""What each adapter makes of every state of a dossier, and who may see it."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Iterator

import pytest

from actions.dossiers.adapters.remote import RemoteAdapter
from actions.dossiers.dossier import Dossier, Found, NotFoundOrMismatch, Proof, State, Unavailable
from tests.emulators import onestop
from tests.emulators.connected import PROTOCOLS, SECRETS, connected, leaks
from tests.emulators.onestop import BY_CODE, DOSSIERS, Emulator, FarDossier

STATES = dict(zip(map(str, range(1, 11)), State, strict=False))


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Emulator, str]]:
    emulator = Emulator()
    with onestop.running(emulator) as url:
        yield emulator, url


@pytest.fixture
def emulator(served: tuple[Emulator, str]) -> Emulator:
    served[0].reset()
    return served[0]


@pytest.fixture(params=PROTOCOLS)
async def adapter(
    request: pytest.FixtureRequest, served: tuple[Emulator, str], emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RemoteAdapter]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    adapter = connected(request.param, served[1])
    yield adapter
    await adapter.close()


async def dossier(adapter: RemoteAdapter, far: FarDossier) -> Dossier:
    result = await adapter.lookup(far.code, Proof(far.phone[-4:]) if far.phone else None)
    assert isinstance(result, Found)
    assert not leaks(repr(result))
    return result.dossier


@pytest.mark.parametrize("far", DOSSIERS, ids=lambda far: far.code)
async def test_every_dossier(adapter: RemoteAdapter, far: FarDossier) -> None:
    got = await dossier(adapter, far)
    assert got.code == far.code
    assert got.state is STATES.get(far.state, State.UNKNOWN)
    assert got.label in (onestop.STATE_NAMES.get(far.state, far.state), f"mã trạng thái {far.state}")
    assert "tỉnh Mẫu" in got.source
    assert got.procedure_name == far.procedure[1]
    assert (got.submitted_at, got.due_at, got.finished_at) == (far.submitted, far.due, far.finished)
    assert got.channel == {"1": "in_person", "2": "online", "3": "post"}[far.channel]
    vietnam = dt.datetime.now(dt.timezone(dt.timedelta(hours=7))).replace(tzinfo=None)
    assert abs(got.fetched_at - vietnam) < dt.timedelta(minutes=1)


@pytest.mark.parametrize("far", [far for far in DOSSIERS if far.phone], ids=lambda far: far.code)
async def test_phone_and_identity_prove_and_nothing_else_does(adapter: RemoteAdapter, far: FarDossier) -> None:
    for digits in (far.phone[-4:], far.identity[-4:], far.phone, far.identity, "+84" + far.phone[1:]):
        assert isinstance(await adapter.lookup(far.code, Proof(digits)), Found), digits
    for digits in (far.phone[:4], far.phone[-3:], "", "0000", far.phone[-4:] + "0", "9" + far.identity[-3:], "٠١٠١"):
        assert await adapter.lookup(far.code, Proof(digits)) == NotFoundOrMismatch(), digits


async def test_an_unknown_code_and_a_wrong_proof_look_the_same(adapter: RemoteAdapter) -> None:
    unknown = await adapter.lookup("H57.17.26-261123-9999", Proof("0101"))
    wrong = await adapter.lookup("H57.17.26-261123-0001", Proof("9876"))
    assert repr(unknown) == repr(wrong) == "NotFoundOrMismatch()"


async def test_a_dossier_without_numbers_is_for_staff_only(adapter: RemoteAdapter) -> None:
    code = "H57.17.26-261113-0015"
    assert await adapter.lookup(code, Proof("0000")) == NotFoundOrMismatch()
    assert isinstance(await adapter.lookup(code, None), Found)


async def test_staff_need_no_proof(adapter: RemoteAdapter) -> None:
    assert isinstance(await adapter.lookup("H57.17.26-261120-0002", None), Found)


def test_what_is_covered(adapter: RemoteAdapter) -> None:
    assert adapter.covers("H57.17.26-261123-0001")
    assert adapter.covers("000.17.22.H57-231114-0014")
    assert not adapter.covers("H56.17.26-261123-0001")
    assert not adapter.covers("G22.99-251225-020175")
    assert not adapter.covers("")


@pytest.mark.parametrize("adapter", ["national-sync", "mapped"], indirect=True)
async def test_the_papers_that_are_missing_are_told_without_the_persons(adapter: RemoteAdapter) -> None:
    got = await dossier(adapter, BY_CODE["H57.17.26-261110-0005"])
    (asked,) = got.supplements
    assert asked.asked_at == dt.datetime(2026, 11, 16, 14)
    assert asked.due_after == dt.datetime(2026, 11, 27, 17)
    assert "bổ sung bản chính giấy chứng nhận quyền sử dụng đất" in asked.content
    assert asked.content.startswith("Đề nghị ông [họ tên] (CCCD [số]) bổ sung")
    assert "<" not in asked.content


@pytest.mark.parametrize("adapter", ["national-sync", "mapped"], indirect=True)
async def test_what_is_to_be_paid(adapter: RemoteAdapter) -> None:
    got = await dossier(adapter, BY_CODE["H57.17.26-261112-0006"])
    assert got.payment
    assert got.payment.amount == 1_850_000
    assert got.payment.content == "Lệ phí trước bạ nhà đất; Phí thẩm định hồ sơ của bà [họ tên]"
    assert (await dossier(adapter, BY_CODE["H57.17.26-261118-0004"])).payment is None


@pytest.mark.parametrize("adapter", ["national-sync", "mapped"], indirect=True)
async def test_the_reason_is_told_and_internal_remarks_are_not(adapter: RemoteAdapter) -> None:
    refused = await dossier(adapter, BY_CODE["H57.17.26-261119-0003"])
    assert "thiếu giấy xác nhận tình trạng hôn nhân" in refused.reason
    assert "Nội bộ" not in repr(await dossier(adapter, BY_CODE["H57.17.26-261118-0004"]))


@pytest.mark.parametrize("adapter", ["national-sync"], indirect=True)
async def test_the_national_request_is_as_the_protocol_says(adapter: RemoteAdapter, emulator: Emulator) -> None:
    await dossier(adapter, BY_CODE["H57.17.26-261120-0002"])
    assert [json.loads(body) for body in emulator.bodies] == [
        {
            "session": onestop.SESSION,
            "madonvi": onestop.AGENCY,
            "service": "TraCuuHoSo",
            "mahoso": "H57.17.26-261120-0002",
        }
    ]


@pytest.mark.parametrize("adapter", ["igate"], indirect=True)
async def test_one_token_serves_many_and_is_renewed_when_refused(adapter: RemoteAdapter, emulator: Emulator) -> None:
    far = BY_CODE["H57.17.26-261120-0002"]
    results = await asyncio.gather(*(adapter.lookup(far.code, Proof(far.phone[-4:])) for _ in range(10)))
    assert all(isinstance(result, Found) for result in results)
    assert emulator.requests["/token"] == 1

    emulator.tokens.clear()  # revoked at the far end
    results = await asyncio.gather(*(adapter.lookup(far.code, Proof(far.phone[-4:])) for _ in range(10)))
    assert all(isinstance(result, Found) for result in results)
    assert emulator.requests["/token"] == 2


@pytest.mark.parametrize("adapter", ["igate"], indirect=True)
async def test_a_failing_token_server_is_asked_once_for_all(adapter: RemoteAdapter, emulator: Emulator) -> None:
    emulator.break_it("http-500")
    results = await asyncio.gather(*(adapter.lookup("H57.17.26-261120-0002", None) for _ in range(10)))
    assert results == [Unavailable("no token (HTTP 500)")] * 10
    assert emulator.asked == 1
