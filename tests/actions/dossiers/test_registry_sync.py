"""The one-stop system's own messages: the same twice, late, partly bad; and their signature."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest

from actions.dossiers import sync
from actions.dossiers.dossier import Found, Proof, State
from actions.dossiers.registry import Registry
from actions.dossiers.sync import SyncMessage, is_signed, sign

CODE = "H57.17.26-261110-0001"
FULL = {
    "MaHoSo": CODE, "TrangThaiHoSo": "2", "NgayTiepNhan": "20261110083000", "NgayHenTra": "20261113170000",
    "ChuHoSo": "Trần Thị Thử", "SoDienThoai": "0912345678",
}  # fmt: skip
LINE = {
    "MaHoSo": CODE, "NguoiXuLy": "Lê Thị Cán Bộ", "ThoiDiemXuLy": "20261111100000", "NoiDungXuLy": "ý kiến nội bộ",
    "TrangThai": "4", "NgayKetThucTheoQuyDinh": "20261112170000",
}  # fmt: skip
STATE = {"MaHoSo": CODE, "TrangThaiHoSo": "9", "NgayKetThucXuLy": "20261112150000"}


def send(registry: Registry, service: str, *items: dict[str, Any], **more: Any) -> sync.SyncReply:
    message = SyncMessage.model_validate({"service": service, "data": list(items)} | more)
    return sync.apply(registry, message)


def state_of(registry: Registry, code: str = CODE) -> State:
    result = registry.find(code, None)
    assert isinstance(result, Found)
    return result.dossier.state


MESSAGES = [(sync.FULL, FULL), (sync.PROGRESS, LINE), (sync.STATE, STATE)]


def test_a_dossier_its_progress_and_its_state(registry: Registry) -> None:
    for (service, item), state in zip(MESSAGES, (State.RECEIVED, State.PROCESSING, State.FINISHED), strict=True):
        reply = send(registry, service, item, session="s", madonvi="H57.17.26", isUpdating="True")
        assert (reply.error_code, reply.result[0].MaHoSo, reply.result[0].error_code) == ("0", CODE, "0")
        assert state_of(registry) is state
    result = registry.find(CODE, Proof("5678"))
    assert isinstance(result, Found)
    assert result.dossier.due_at == dt.datetime(2026, 11, 13, 17)
    assert result.dossier.finished_at == dt.datetime(2026, 11, 12, 15)
    for secret in ("Trần", "Cán Bộ", "nội bộ"):
        assert secret not in repr(result)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_any_order_and_any_repetition_end_in_the_same_state(registry: Registry, order: tuple[int, ...]) -> None:
    for index in (*order, *order[::-1], *order):
        send(registry, *MESSAGES[index])
    assert state_of(registry) is State.FINISHED
    assert isinstance(registry.find(CODE, Proof("5678")), Found) is (order[0] == 0)


def test_a_repeated_or_late_message_says_so_and_is_no_failure(registry: Registry) -> None:
    send(registry, *MESSAGES[0])
    assert send(registry, *MESSAGES[0]).result[0].message == "không có gì mới"
    send(registry, *MESSAGES[2])
    late = send(registry, *MESSAGES[1])
    assert (late.error_code, late.result[0].message) == ("0", "đã có thông tin mới hơn")


def test_a_state_without_a_date_moves_a_dossier_forward_only(registry: Registry) -> None:
    send(registry, sync.FULL, FULL)
    send(registry, sync.STATE, {"MaHoSo": CODE, "TrangThai": 10})
    assert state_of(registry) is State.RETURNED
    send(registry, sync.STATE, {"MaHoSo": CODE, "TrangThai": 4})
    send(registry, sync.FULL, FULL)
    assert state_of(registry) is State.RETURNED


@pytest.mark.parametrize("step", ["Chờ ký", "12", "", None])
def test_a_progress_line_with_a_step_of_its_own_leaves_the_state(registry: Registry, step: Any) -> None:
    send(registry, sync.FULL, FULL)
    assert send(registry, sync.PROGRESS, LINE | {"TrangThai": step}).error_code == "0"
    result = registry.find(CODE, None)
    assert isinstance(result, Found)
    assert (result.dossier.state, result.dossier.updated_at) == (State.RECEIVED, dt.datetime(2026, 11, 11, 10))


def test_good_items_are_stored_beside_bad_ones(registry: Registry) -> None:
    reply = send(registry, sync.FULL, {"MaHoSo": "079203001234"}, FULL, {"MaHoSo": CODE}, {})
    assert reply.error_code == "1"
    assert [(item.MaHoSo, item.error_code) for item in reply.result] == [
        (None, "1"),
        (CODE, "0"),
        (None, "1"),
        (None, "1"),
    ]
    assert "079203001234" not in reply.model_dump_json()
    assert state_of(registry) is State.RECEIVED
    assert send(registry, sync.FULL, {}).error_code == "-1"
    assert send(registry, sync.FULL).error_code == "0"


def test_progress_of_an_unknown_dossier_without_a_state_is_refused(registry: Registry) -> None:
    reply = send(registry, sync.PROGRESS, LINE | {"TrangThai": ""})
    assert (reply.error_code, reply.result[0].message) == ("-1", "chưa có hồ sơ này")
    assert registry.count() == 0


# -- the signature ------------------------------------------------------------------------------

SECRET, NOW, BODY = b"secret", 1_795_000_000, b'{"service": "x"}'


def test_the_signature_is_what_the_documentation_says() -> None:
    import hashlib
    import hmac

    assert sign(SECRET, "17", BODY) == hmac.new(SECRET, b"17." + BODY, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("offset", "changes", "right"),
    [
        (0, {}, True),
        (-300, {}, True),
        (300, {}, True),
        (-301, {}, False),
        (301, {}, False),
        (0, {"body": BODY + b" "}, False),
        (0, {"secret": b"other"}, False),
        (0, {"timestamp": str(NOW + 1)}, False),
        (0, {"timestamp": ""}, False),
        (0, {"timestamp": "-1"}, False),
        (0, {"timestamp": "٣"}, False),
        (0, {"timestamp": "9" * 50}, False),
        (0, {"signature": ""}, False),
        (0, {"signature": "é"}, False),
    ],
)
def test_signatures(offset: int, changes: dict[str, Any], right: bool) -> None:
    timestamp = str(NOW + offset)
    given = {"secret": SECRET, "timestamp": timestamp, "signature": sign(SECRET, timestamp, BODY), "body": BODY}
    assert is_signed(**(given | changes), now=NOW) is right


def test_a_signature_may_be_in_capitals() -> None:
    assert is_signed(SECRET, str(NOW), sign(SECRET, str(NOW), BODY).upper(), BODY, now=NOW)
