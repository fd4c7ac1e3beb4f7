"""An emulator of one-stop systems. It is no real system, and every person, code and number in it is made up.

It speaks three protocols over the same dossiers:

* the national synchronisation protocol (service ``TraCuuHoSo``): ``POST /mapi/g``;
* an iGate-style search with a token: ``POST /token``, ``GET /pa/dossier-search/dvc``;
* a made-up JSON API of a province, the example of ``docs/dossier-mapping.md``: ``POST /api/ho-so/tra-cuu``.

Its answers hold full names, telephone and identity numbers, as real ones do: none of them may ever be seen on our side.
Telephone numbers begin with 030 and identity numbers with 000, which are given to nobody.

Faults are switched on for one request with the header ``X-Emulator-Fault: NAME``, or for the next ones with
``POST /_emulator/fault {"fault": NAME, "times": N}``. ``GET /_emulator/requests`` counts what came in.

Run: ``python -m tests.emulators.onestop --port 8900``; ``--list`` prints the dossiers and what proves them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import gzip
import json
import secrets
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

SESSION, AGENCY = "emulator-session", "000.00.00.H57"
CLIENT_ID, CLIENT_SECRET = "motcua", "emulator-client-secret"
API_KEY = "emulator-api-key"


class Fault(StrEnum):
    """What can go wrong at a far end."""

    SLOW = "slow"  # answers after Emulator.slow_s seconds
    LORIS_BODY = "loris-body"  # a byte now and then, for ever
    LORIS_HEAD = "loris-head"  # header after header, for ever
    HTTP_500 = "http-500"
    BROKEN_JSON = "broken-json"
    HTML = "html"
    HUGE = "huge"  # some megabytes, streamed
    BOMB = "bomb"  # compressed without being asked: a few kilobytes that unfold into many megabytes
    DEEP_JSON = "deep-json"
    OTHER_JSON = "other-json"  # JSON, but not what the protocol says
    RESET = "reset"  # the connection is torn off
    TRUNCATED = "truncated"  # torn off within the body
    REDIRECT = "redirect"
    BUSY = "busy"  # 429 with Retry-After
    EXPIRED_TOKEN = "expired-token"  # the session or token is no longer accepted
    WRONG_DATES = "wrong-dates"
    UNKNOWN_STATE = "unknown-state"
    WRONG_CODE = "wrong-code"  # about another dossier than the one asked for
    MISSING_FIELDS = "missing-fields"
    WRONG_TYPES = "wrong-types"  # lists where words should be, and words where lists should be


@dataclass(frozen=True)
class Asked:
    """A request for more papers."""

    at: dt.datetime
    content: str
    due_before: dt.datetime | None = None
    due_after: dt.datetime | None = None


@dataclass(frozen=True)
class FarDossier:
    """A dossier as a one-stop system keeps it, with its persons."""

    code: str
    state: str  # the national protocol's code, or a system's own word
    owner: str
    phone: str
    identity: str
    procedure: tuple[str, str]
    submitted: dt.datetime
    received: dt.datetime | None = None
    due: dt.datetime | None = None
    finished: dt.datetime | None = None
    returned: dt.datetime | None = None
    note: str = ""
    asked: tuple[Asked, ...] = ()
    fees: tuple[tuple[str, int], ...] = ()
    channel: str = "1"
    agency: str = "Phòng Tư pháp - Hộ tịch, UBND xã Mẫu Sơn Hạ"
    place: str = "Trung tâm Phục vụ hành chính công xã Mẫu Sơn Hạ"
    address: str = "Số 12, thôn Đồng Thử, xã Mẫu Sơn Hạ"
    email: str = "nguoi.dan@thu-nghiem.invalid"
    officer: str = "Tạ Quang Cán Bộ"

    @property
    def personal(self) -> tuple[str, ...]:
        """What must never be seen on our side."""
        return (self.owner, self.phone, self.identity, self.email, self.address, self.officer)


OFFICER_PHONE = "0300000999"


def _at(day: int, hour: int = 9, minute: int = 0, month: int = 11) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, minute)


_BIRTH = ("1.001193", "Đăng ký khai sinh")
_MARRIAGE = ("1.000894", "Đăng ký kết hôn")
_LAND = ("1.012753", "Đăng ký đất đai lần đầu")
_BUSINESS = ("1.001612", "Đăng ký thành lập hộ kinh doanh")

DOSSIERS: tuple[FarDossier, ...] = (
    FarDossier(
        "H57.17.26-261123-0001", "1", "Lò Thị Bưởi Mẫu", "0300000101", "000399007101", _BIRTH, _at(23), channel="2"
    ),
    FarDossier(
        "H57.17.26-261120-0002",
        "2",
        "Vàng A Thử Páo",
        "0300000102",
        "000399007102",
        _BIRTH,
        _at(20, 8),
        _at(20),
        _at(25, 17),
    ),
    FarDossier(
        "H57.17.26-261119-0003",
        "3",
        "Đinh Công Ví Dụ",
        "0300000103",
        "000399007103",
        _MARRIAGE,
        _at(19),
        note="Ông Đinh Công Ví Dụ nộp thiếu giấy xác nhận tình trạng hôn nhân, "
        "đã gọi 0300 000 103 nhưng không liên hệ được.",
    ),
    FarDossier(
        "H57.17.26-261118-0004",
        "4",
        "Trịnh Thị Giả Định",
        "0300000104",
        "000399007104",
        _LAND,
        _at(18),
        _at(18, 10),
        _at(11, 17, 0, month=12),
        note="Nội bộ: chị Trịnh Thị Giả Định hối nhiều lần.",
    ),
    FarDossier(
        "H57.17.26-261110-0005",
        "5",
        "Bế Văn Tưởng Tượng",
        "0300000105",
        "000399007105",
        _LAND,
        _at(10),
        _at(10, 10),
        _at(20, 17),
        asked=(
            Asked(
                _at(16, 14),
                "<p>Đề nghị ông BẾ VĂN TƯỞNG TƯỢNG (CCCD 000399007105) "
                "bổ sung bản chính giấy chứng nhận quyền sử dụng đất. Liên hệ Tạ Quang Cán Bộ, 0300.000.999.</p>",
                _at(20, 17),
                _at(27, 17),
            ),
        ),
    ),
    FarDossier(
        "H57.17.26-261112-0006",
        "6",
        "Hà Thị Minh Họa",
        "0300000106",
        "000399007106",
        _LAND,
        _at(12),
        _at(12, 10),
        _at(26, 17),
        fees=(("Lệ phí trước bạ nhà đất", 1_500_000), ("Phí thẩm định hồ sơ của bà Hà Thị Minh Họa", 350_000)),
    ),
    FarDossier(
        "H57.17.26-261105-0007",
        "7",
        "Quàng Văn Làm Mẫu",
        "0300000107",
        "000399007107",
        _BUSINESS,
        _at(5),
        _at(5, 10),
        _at(10, 17),
        finished=_at(9),
        note="Công dân tự nguyện rút hồ sơ.",
    ),
    FarDossier(
        "H57.17.26-261103-0008",
        "8",
        "Ma Thị Không Thật",
        "0300000108",
        "000399007108",
        _LAND,
        _at(3),
        _at(3, 10),
        _at(17, 17),
        finished=_at(17),
        note="Quá thời hạn bổ sung. Bà Ma Thị Không Thật, e-mail nguoi.dan@thu-nghiem.invalid.",
    ),
    FarDossier(
        "H57.17.26-261111-0009",
        "9",
        "Sùng A Bịa Đặt",
        "0300000109",
        "000399007109",
        _MARRIAGE,
        _at(11),
        _at(11, 10),
        _at(18, 17),
        finished=_at(17, 15),
        channel="3",
    ),
    FarDossier(
        "H57.17.26-261102-0010",
        "10",
        "Nông Thị Hư Cấu",
        "0300000110",
        "000399007110",
        _BIRTH,
        _at(2),
        _at(2, 10),
        _at(5, 17),
        finished=_at(4),
        returned=_at(5, 9),
    ),
    FarDossier(
        "H57.17.26-261101-0011",
        "11",
        "Phàn Văn Tự Chế",
        "0300000111",
        "000399007111",
        _BUSINESS,
        _at(1),
        _at(1, 10),
        _at(9, 17),
    ),
    FarDossier(
        "H57.17.26-261106-0012",
        "Chờ liên thông thuế",
        "Giàng Thị Thí Dụ",
        "0300000112",
        "000399007112",
        _LAND,
        _at(6),
        _at(6, 10),
        _at(20, 17),
    ),
    FarDossier(  # late
        "H57.17.26-261008-0013",
        "4",
        "Hoàng Văn Trễ Hẹn",
        "0300000113",
        "000399007113",
        _LAND,
        _at(8, month=10),
        _at(8, 10, month=10),
        _at(12, 17),
    ),
    FarDossier(  # the old order of the agency's segments
        "000.17.22.H57-231114-0014",
        "10",
        "Lục Thị Mã Cũ",
        "0300000114",
        "000399007114",
        _BIRTH,
        dt.datetime(2023, 11, 14, 8),
        dt.datetime(2023, 11, 14, 9),
        dt.datetime(2023, 11, 16, 17),
        returned=dt.datetime(2023, 11, 16, 10),
    ),
    FarDossier(  # no number that could prove anything
        "H57.17.26-261113-0015", "4", "Chu Văn Thiếu Số", "", "", _BUSINESS, _at(13), _at(13, 10), _at(19, 17)
    ),
)

BY_CODE = {dossier.code: dossier for dossier in DOSSIERS}

STATE_NAMES = {
    "1": "Mới đăng ký", "2": "Được tiếp nhận", "3": "Không được tiếp nhận", "4": "Đang xử lý",
    "5": "Yêu cầu bổ sung giấy tờ", "6": "Yêu cầu thực hiện nghĩa vụ tài chính", "7": "Công dân yêu cầu rút hồ sơ",
    "8": "Dừng xử lý", "9": "Đã xử lý xong", "10": "Đã trả kết quả",
}  # fmt: skip
PROVINCE_STATES = {
    "1": "MOI", "2": "TIEP_NHAN", "3": "TU_CHOI", "4": "DANG_XU_LY", "5": "BO_SUNG", "6": "CHO_NOP_TIEN", "7": "RUT",
    "8": "DUNG", "9": "CO_KET_QUA", "10": "DA_TRA",
}  # fmt: skip


@dataclass
class Emulator:
    """The emulator's state: what came in, which fault is on, which tokens hold."""

    fault: Fault | None = None
    times: int = 0  # requests that the fault still meets
    slow_s: float = 10.0
    drip_s: float = 0.05
    requests: Counter[str] = field(default_factory=Counter)
    bodies: list[bytes] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def break_it(self, fault: Fault | str, times: int = 1_000_000) -> None:
        """Let the next ``times`` requests meet the fault."""
        self.fault, self.times = Fault(fault), times

    def heal(self) -> None:
        self.fault, self.times = None, 0

    def reset(self) -> None:
        """As at the start."""
        self.heal()
        self.requests.clear()
        self.bodies.clear()
        self.tokens.clear()

    @property
    def asked(self) -> int:
        """Requests so far, of all protocols."""
        return self.requests.total()

    def next_fault(self, header: str | None) -> Fault | None:
        if header:
            return Fault(header)
        if self.fault is None or self.times <= 0:
            return None
        self.times -= 1
        return self.fault


# -- the three protocols ----------------------------------------------------------------------------


def _found(code: str, fault: Fault | None) -> FarDossier | None:
    return BY_CODE["H57.17.26-261110-0005"] if fault is Fault.WRONG_CODE else BY_CODE.get(code)


def _spoilt(record: dict[str, Any], fault: Fault | None, keep: set[str]) -> dict[str, Any]:
    """The record with what the fault does to it; the keys in ``keep`` identify dossier and person, and stay."""
    if fault is Fault.MISSING_FIELDS:
        return {key: value for key, value in record.items() if key in keep}
    if fault is Fault.WRONG_TYPES:
        wrong = {key: "x" if isinstance(value, list) else [value] for key, value in record.items()}
        return wrong | {key: record[key] for key in keep}
    return record


def national(app: FastAPI, emulator: Emulator) -> None:
    """The national synchronisation protocol."""

    @app.post("/mapi/g")
    async def ask(request: Request) -> dict[str, Any]:
        emulator.bodies.append(await request.body())
        body = await request.json()
        fault = request.scope["fault"]
        if body.get("session") != SESSION or body.get("madonvi") != AGENCY or fault is Fault.EXPIRED_TOKEN:
            return {"error_code": "-2", "message": "Phiên làm việc không hợp lệ", "result": []}
        if body.get("service") != "TraCuuHoSo":
            return {"error_code": "-1", "message": "Dịch vụ không hỗ trợ", "result": []}
        dossier = _found(body.get("mahoso", ""), fault)
        if dossier is None:
            return {"error_code": "0", "message": "Không có dữ liệu", "result": []}
        return {"error_code": "0", "message": "Thành công", "result": [_national(dossier, fault)]}


def _national(dossier: FarDossier, fault: Fault | None) -> dict[str, Any]:
    def time(value: dt.datetime | None) -> str:
        if value is None:
            return ""
        return "20261332256199" if fault is Fault.WRONG_DATES else value.strftime("%Y%m%d%H%M%S")

    record = {
        "MaHoSo": dossier.code,
        "MaTTHC": dossier.procedure[0],
        "TenTTHC": dossier.procedure[1],
        "MaLinhVuc": "G15-HT",
        "TenLinhVuc": "Hộ tịch",
        "KenhThucHien": dossier.channel,
        "ChuHoSo": dossier.owner,
        "LoaiDoiTuong": "1",
        "MaDoiTuong": "",
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": dossier.identity}],
        "Email": dossier.email,
        "Fax": "",
        "SoDienThoai": dossier.phone,
        "TrichYeuHoSo": f"{dossier.procedure[1]} cho {dossier.owner}",
        "NgayNopHoSo": time(dossier.submitted),
        "NgayTiepNhan": time(dossier.received),
        "NgayHenTra": time(dossier.due),
        "NgayTuChoi": time(dossier.submitted if dossier.state == "3" else None),
        "NgayKetThucXuLy": time(dossier.finished),
        "NgayTra": time(dossier.returned),
        "ThongTinTra": "",
        "HinhThuc": "0",
        "TrangThaiHoSo": "42" if fault is Fault.UNKNOWN_STATE else dossier.state,
        "DonViXuLy": dossier.agency,
        "NoiNopHoSo": dossier.place,
        "GhiChu": dossier.note,
        "ThongTinKhac": f"Cán bộ thụ lý: {dossier.officer}, {OFFICER_PHONE}",
        "TaiLieuNop": [],
        "DanhSachLePhi": [
            {"TenPhiLePhi": name, "MaPhiLePhi": str(n), "HinhThucThu": "1", "Gia": str(amount), "LoaiPhiLePhi": "2"}
            for n, (name, amount) in enumerate(dossier.fees)
        ],
        "DanhSachTepDinhKemKhac": [],
        "DanhSachHoSoBoSung": [
            {
                "HoSoBoSungId": str(n),
                "NguoiYeuCauBoSung": dossier.officer,
                "NoiDungBoSung": asked.content,
                "NgayBoSung": time(asked.at),
                "TrangThaiBoSung": "0",
                "NgayHenTraTruoc": time(asked.due_before),
                "NgayHenTraMoi": time(asked.due_after),
            }
            for n, asked in enumerate(dossier.asked)
        ],
        "DanhSachGiayToKetQua": [],
        "HoSoCoThanhPhanSoHoa": "0",
        "TaiKhoanDuocXacThucVoiVNeID": "0",
        "DuocThanhToanTrucTuyen": "3",
        "DSKetNoiCSDL": [],
    }
    return _spoilt(record, fault, {"MaHoSo", "ChuHoSo", "SoDienThoai", "DinhDanhCHS"})


def igate(app: FastAPI, emulator: Emulator) -> None:
    """A search with a token, as iGate 2 has it."""

    @app.post("/token")
    async def token(request: Request) -> JSONResponse:
        form = {key: values[0] for key, values in parse_qs((await request.body()).decode()).items()}
        wanted = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        if form != wanted:
            return JSONResponse({"error": "invalid_client"}, 401)
        await asyncio.sleep(0.02)  # long enough for others to ask as well
        made = secrets.token_urlsafe(24)
        emulator.tokens.add(made)
        return JSONResponse({"access_token": made, "token_type": "Bearer", "expires_in": 300})

    @app.get("/pa/dossier-search/dvc")
    async def search(request: Request, code: str = "") -> JSONResponse:
        fault = request.scope["fault"]
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if fault is Fault.EXPIRED_TOKEN:
            emulator.tokens.discard(bearer)
        if bearer not in emulator.tokens:
            return JSONResponse({"error": "invalid_token"}, 401)
        dossier = _found(code, fault)
        content = [_igate(dossier, fault)] if dossier else []
        return JSONResponse({"content": content, "numberOfElements": len(content), "first": True, "last": True})


def _igate(dossier: FarDossier, fault: Fault | None) -> dict[str, Any]:
    def time(value: dt.datetime | None) -> str | None:
        if value is None:
            return None
        if fault is Fault.WRONG_DATES:
            return "2026-13-32T25:61:00.000+0000"
        return (value - dt.timedelta(hours=7)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    state = STATE_NAMES.get(dossier.state, dossier.state)
    record = {
        "id": "65f0c0ffee",
        "code": dossier.code,
        "applicant": {
            "data": {
                "fullname": dossier.owner,
                "phoneNumber": dossier.phone,
                "identityNumber": dossier.identity,
                "email": dossier.email,
                "address": dossier.address,
            }
        },
        "procedure": {
            "translate": [{"languageId": 46, "name": "A procedure"}, {"languageId": 228, "name": dossier.procedure[1]}]
        },
        "statusCurrentTask": "Luân chuyển đặc biệt" if fault is Fault.UNKNOWN_STATE else state,
        "applyMethod": {"name": {"1": "Trực tiếp", "2": "Trực tuyến"}.get(dossier.channel, "Bưu chính công ích")},
        "appliedDate": time(dossier.submitted),
        "appointmentDate": time(dossier.due),
        "completedDate": time(dossier.finished),
    }
    return _spoilt(record, fault, {"code", "applicant"})


def province(app: FastAPI, emulator: Emulator) -> None:
    """The made-up API of the mapping's example. It compares ``soCuoi`` itself when that is sent."""

    @app.post("/api/ho-so/tra-cuu")
    async def ask(request: Request) -> JSONResponse:
        fault = request.scope["fault"]
        if request.headers.get("X-Api-Key") != API_KEY or fault is Fault.EXPIRED_TOKEN:
            return JSONResponse({"ok": False, "loi": "KHOA_KHONG_DUNG"}, 401)
        body = await request.json()
        dossier = _found(body.get("maHoSo", ""), fault)
        end = body.get("soCuoi")
        if dossier and end and not any(number.endswith(end) for number in (dossier.phone, dossier.identity)):
            dossier = None
        if dossier is None:
            return JSONResponse({"ok": False, "loi": "KHONG_TIM_THAY"})
        return JSONResponse({"ok": True, "duLieu": _province(dossier, fault)})


def _province(dossier: FarDossier, fault: Fault | None) -> dict[str, Any]:
    def time(value: dt.datetime | None, form: str = "%d/%m/%Y %H:%M") -> str | None:
        if value is None:
            return None
        return "32/13/2026 25:61" if fault is Fault.WRONG_DATES else value.strftime(form)

    state = PROVINCE_STATES.get(dossier.state, "LIEN_THONG"), STATE_NAMES.get(dossier.state, dossier.state)
    if fault is Fault.UNKNOWN_STATE:
        state = "KHAC", "Luân chuyển đặc biệt"
    record = {
        "maHoSo": dossier.code,
        "nguoiNop": {
            "hoTen": dossier.owner,
            "dienThoai": dossier.phone,
            "cccd": dossier.identity,
            "diaChi": dossier.address,
        },
        "canBo": {"ten": dossier.officer, "email": dossier.email},
        "tthc": {"ma": dossier.procedure[0], "ten": dossier.procedure[1]},
        "trangThai": {"ma": state[0], "ten": state[1]},
        "coQuan": dossier.agency,
        "noiNop": dossier.place,
        "kenh": {"1": "TT", "2": "ONLINE"}.get(dossier.channel, "BC"),
        "nopLuc": time(dossier.submitted),
        "nhanLuc": time(dossier.received),
        "henTra": time(dossier.due, "%d/%m/%Y"),
        "xongLuc": time(dossier.finished),
        "traLuc": time(dossier.returned),
        "lyDo": dossier.note if dossier.state in {"3", "7", "8"} else None,
        "boSung": [
            {"noiDung": asked.content, "ngay": time(asked.at), "henMoi": time(asked.due_after, "%d/%m/%Y")}
            for asked in dossier.asked
        ],
        "phaiNop": {
            "soTien": sum(amount for _, amount in dossier.fees),
            "noiDung": "; ".join(name for name, _ in dossier.fees),
        },
    }
    return _spoilt(record, fault, {"maHoSo", "nguoiNop"})


# -- faults below the protocols ---------------------------------------------------------------------

Send = Callable[[Any], Awaitable[None]]

_BODIES: dict[Fault, tuple[int, str, bytes]] = {
    Fault.HTTP_500: (500, "application/json", b'{"message": "NullReferenceException at ChuHoSo"}'),
    Fault.BROKEN_JSON: (200, "application/json", b'{"error_code": "0", "result": [{"MaHoSo": "H57.17.26-26'),
    Fault.HTML: (200, "text/html", "<!doctype html><title>Bảo trì</title><p>Hệ thống đang bảo trì".encode()),
    Fault.DEEP_JSON: (200, "application/json", b'{"a":' * 150_000 + b"1" + b"}" * 150_000),
    Fault.OTHER_JSON: (200, "application/json", b'[null, 1, "x", {"result": {"content": 3}}]'),
    Fault.REDIRECT: (302, "text/plain", b""),
    Fault.BUSY: (429, "application/json", b"{}"),
}
_MORE_HEADERS = {Fault.REDIRECT: [(b"location", b"http://127.0.0.1:9/")], Fault.BUSY: [(b"retry-after", b"17")]}


class Faulty:
    """The application with the faults that need no protocol; counts every request."""

    def __init__(self, app: FastAPI, emulator: Emulator) -> None:
        self._app, self._emulator = app, emulator

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_emulator"):
            await self._app(scope, receive, send)
            return
        self._emulator.requests[scope["path"]] += 1
        header = dict(scope["headers"]).get(b"x-emulator-fault")
        fault = scope["fault"] = self._emulator.next_fault(header.decode() if header else None)
        if fault in _BODIES:
            await _answer(send, *_BODIES[fault], _MORE_HEADERS.get(fault, []))
        elif fault in (Fault.RESET, Fault.LORIS_HEAD):
            await self._tear(fault, send)
        elif fault in (Fault.LORIS_BODY, Fault.HUGE, Fault.TRUNCATED):
            await self._stream(fault, receive, send)
        elif fault is Fault.BOMB:
            packed = gzip.compress(b'{"a": "' + b" " * 30_000_000 + b'"}', 1)
            await _answer(send, 200, "application/json", packed, [(b"content-encoding", b"gzip")])
        else:
            if fault is Fault.SLOW:
                await asyncio.sleep(self._emulator.slow_s)
            await self._app(scope, receive, send)

    async def _tear(self, fault: Fault, send: Send) -> None:
        """Work on the connection itself, below HTTP."""
        transport = send.__self__.transport  # type: ignore[attr-defined]  # uvicorn's own cycle
        if fault is Fault.LORIS_HEAD:
            transport.write(b"HTTP/1.1 200 OK\r\n")
            for n in range(400):
                if transport.is_closing():
                    return
                transport.write(b"X-Header-%d: x\r\n" % n)
                await asyncio.sleep(self._emulator.drip_s)
        # Without lingering, closing sends a reset instead of an orderly end.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    async def _stream(self, fault: Fault, receive: Any, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        if fault is Fault.TRUNCATED:
            await send({"type": "http.response.body", "body": b'{"error_code": "0", "resu', "more_body": True})
            await self._tear(Fault.RESET, send)
            return
        drip = (b" ", 400, self._emulator.drip_s)
        chunk, count, pause_s = drip if fault is Fault.LORIS_BODY else (b" " * 65_536, 160, 0)
        for _ in range(count):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await asyncio.sleep(pause_s)
            if send.__self__.disconnected:  # type: ignore[attr-defined]
                return
        await send({"type": "http.response.body", "body": b"{}"})


async def _answer(send: Send, status: int, kind: str, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    head = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


def control(app: FastAPI, emulator: Emulator) -> None:
    """Switches for whoever tries things out."""

    @app.post("/_emulator/fault")
    async def set_fault(request: Request) -> JSONResponse:
        body = await request.json()
        name = body.get("fault")
        if name and name not in set(Fault):
            return JSONResponse({"error": "unknown fault", "faults": list(Fault)}, 422)
        if name:
            emulator.break_it(name, int(body.get("times", 1_000_000)))
        else:
            emulator.heal()
        return JSONResponse({"fault": emulator.fault, "times": emulator.times})

    @app.get("/_emulator/requests")
    async def requests() -> dict[str, int]:
        return dict(emulator.requests)


def create_app(emulator: Emulator) -> Faulty:
    """The ASGI application."""
    app = FastAPI(title="motcua: one-stop emulator (not a real system)")
    for part in (national, igate, province, control):
        part(app, emulator)
    return Faulty(app, emulator)


_SERVER: dict[str, Any] = {"loop": "asyncio", "http": "h11", "lifespan": "off", "proxy_headers": False}
"""The faults reach into this very server's connections."""


@contextlib.contextmanager
def running(emulator: Emulator, **ssl: str) -> Iterator[str]:
    """The emulator's address, served by a thread of this process on a free port.

    Args:
        ssl: ``ssl_certfile`` and ``ssl_keyfile`` for https.
    """
    # With the protocol named, asyncio sends small answers at once instead of waiting for more (TCP_NODELAY).
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(emulator), log_level="critical", **_SERVER, **ssl)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"{'https' if ssl else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(5)
        listener.close()


def listing() -> str:
    """The dossiers with the digits that prove them."""
    lines = [f"{'code':<28}{'state':<40}{'phone ends':<12}{'id ends':<9}procedure"]
    for dossier in DOSSIERS:
        state = f"{dossier.state} {STATE_NAMES.get(dossier.state, '')}".strip()
        ends = f"{dossier.phone[-4:] or '-':<12}{dossier.identity[-4:] or '-':<9}"
        lines.append(f"{dossier.code:<28}{state:<40}{ends}{dossier.procedure[1]}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    about = "An emulator of one-stop systems. Everything in it is made up."
    parser = argparse.ArgumentParser(prog="python -m tests.emulators.onestop", description=about)
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--list", action="store_true", help="print the dossiers and what proves them, and end")
    chosen = parser.parse_args(arguments)
    if chosen.list:
        print(listing())
        return
    secret = {"session": SESSION, "madonvi": AGENCY, "client": f"{CLIENT_ID} / {CLIENT_SECRET}", "X-Api-Key": API_KEY}
    print(f"One-stop EMULATOR (not a real system) on http://127.0.0.1:{chosen.port}\n{json.dumps(secret, indent=1)}")
    uvicorn.run(create_app(Emulator()), host="127.0.0.1", port=chosen.port, **_SERVER)


if __name__ == "__main__":
    main()
