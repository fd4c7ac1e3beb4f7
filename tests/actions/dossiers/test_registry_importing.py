"""Exports of one-stop systems into the registry: every format, bad rows, and nothing personal in what is reported."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from actions.dossiers.codes import find_codes
from actions.dossiers.dossier import Found, Payment, Proof, State
from actions.dossiers.entries import entry_of
from actions.dossiers.importing import SAMPLE, ImportFileError, import_file
from actions.dossiers.reading import (
    LABELS,
    ReadingError,
    names_of,
    read_amount,
    read_channel,
    read_code,
    read_moment,
    read_state,
    read_yes,
)
from actions.dossiers.registry import Registry

HEADER = [
    "STT", "Mã hồ sơ", "Chủ hồ sơ", "Số điện thoại", "Số CCCD", "Tên thủ tục", "Trạng thái", "Ngày nhận", "Hạn trả",
]  # fmt: skip
BIRTH, DEATH, AT_WORK = "Đăng ký khai sinh", "Đăng ký khai tử", "Đang xử lý"
ROWS: list[list[Any]] = [
    [1, "H57.17.26-261110-0001", "Trần Thị Thử", "0912 345 678", "079203001234", BIRTH, AT_WORK, "10/11/2026 08:30",
     "13/11/2026"],
    [2, "H57.17.26-261110-0002", "Lê Văn Thử", "0987.654.321", "", DEATH, 9, "20261110090000", "2026-11-12"],
    [3, "không phải mã", "Phạm Văn Lộ", "0911111111", "", "x", "4", "10/11/2026", ""],
    [4, "H57.17.26-261110-0004", "Phạm Văn Lộ", "0911111111", "", "x", AT_WORK, "31/02/2026", ""],
    [5, "H57.17.26-261110-0005", "Phạm Văn Lộ", "0911111111", "", "x", "", "10/11/2026", ""],
]  # fmt: skip
SECRETS = ("Trần Thị Thử", "Phạm Văn Lộ", "0911111111", "0912", "079203001234", "không phải mã", "31/02")
CODE = "H57.17.26-261110-0001"


def xlsx(path: Path, title_rows: int = 0) -> Path:
    book = Workbook()
    sheet = book.active
    for _ in range(title_rows):
        sheet.append(["SỔ THEO DÕI HỒ SƠ"])
    for row in [HEADER, *ROWS]:
        sheet.append(row)
    book.save(path)
    return path


def csv_file(path: Path, encoding: str = "utf-8", delimiter: str = ",") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([HEADER, *ROWS])
    return path


def as_records() -> list[dict[str, Any]]:
    return [dict(zip(HEADER, row, strict=True)) for row in ROWS]


def json_file(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


def lines_file(path: Path) -> Path:
    path.write_text("\n".join(json.dumps(record) for record in as_records()) + "\n\n", encoding="utf-8")
    return path


MAKERS = {
    "xlsx": lambda p: xlsx(p / "x.xlsx"),
    "xlsx with a title": lambda p: xlsx(p / "x.xlsx", 4),
    "csv": lambda p: csv_file(p / "x.csv"),
    "csv of Excel": lambda p: csv_file(p / "x.csv", "utf-8-sig", ";"),
    "text of Excel": lambda p: csv_file(p / "x.txt", "utf-16", "\t"),
    "json list": lambda p: json_file(p / "x.json", as_records()),
    "json lines": lambda p: lines_file(p / "x.jsonl"),
    "json lines named json": lambda p: lines_file(p / "x.json"),
    "sync message": lambda p: json_file(p / "x.json", {"service": "DongBoHoSoMC", "data": as_records()}),
    "sync reply": lambda p: json_file(p / "x.json", {"error_code": "0", "result": as_records()}),
}


@pytest.mark.parametrize("name", MAKERS)
def test_every_format_brings_the_same(sqlite_registry: Registry, tmp_path: Path, name: str) -> None:
    report = import_file(sqlite_registry, MAKERS[name](tmp_path))
    assert (report.rows, report.counts()) == (5, {"added": 2, "changed": 0, "unchanged": 0, "older": 0, "bad": 3})
    assert Counter(bad.reason for bad in report.bad_rows) == {
        "mã hồ sơ không đúng dạng": 1,
        "ngày tiếp nhận: không đọc được ngày": 1,
        "thiếu trạng thái hồ sơ": 1,
    }
    result = sqlite_registry.find(CODE, Proof("1234"))
    assert isinstance(result, Found)
    dossier = result.dossier
    assert (dossier.state, dossier.procedure_name) == (State.PROCESSING, "Đăng ký khai sinh")
    assert (dossier.received_at, dossier.due_at) == (dt.datetime(2026, 11, 10, 8, 30), dt.datetime(2026, 11, 13))
    other = sqlite_registry.find("H57.17.26-261110-0002", Proof("4321"))
    assert isinstance(other, Found)
    assert (other.dossier.state, other.dossier.label) == (State.FINISHED, "Đã xử lý xong")
    assert (other.dossier.received_at, other.dossier.due_at) == (
        dt.datetime(2026, 11, 10, 9),
        dt.datetime(2026, 11, 12),
    )


@pytest.mark.parametrize("name", MAKERS)
def test_bad_rows_are_named_by_number_and_reason_without_personal_data(
    sqlite_registry: Registry, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    report = import_file(sqlite_registry, MAKERS[name](tmp_path))
    first = {"xlsx with a title": 8}.get(name, 4 if "json" not in name and "sync" not in name else 3)
    assert [bad.row for bad in report.bad_rows] == [first, first + 1, first + 2]
    told = json.dumps(report.to_dict(), ensure_ascii=False) + caplog.text
    for secret in SECRETS:
        assert secret not in told


def test_names_and_numbers_do_not_reach_the_database(sqlite_registry: Registry, tmp_path: Path) -> None:
    import_file(sqlite_registry, xlsx(tmp_path / "x.xlsx"))
    sqlite_registry.engine.dispose()
    held = b"".join(file.read_bytes() for file in tmp_path.glob("registry.db*"))
    assert b"H57.17.26-261110-0001" in held
    for secret in ("Trần Thị Thử", "Lê Văn Thử", "0912345678", "0912 345 678", "079203001234"):
        assert secret.encode() not in held


def test_the_same_file_twice_changes_nothing_and_an_older_one_neither(
    sqlite_registry: Registry, tmp_path: Path
) -> None:
    file = csv_file(tmp_path / "x.csv")
    import_file(sqlite_registry, file)
    assert import_file(sqlite_registry, file).counts() == {
        "added": 0,
        "changed": 0,
        "unchanged": 2,
        "older": 0,
        "bad": 3,
    }
    newer = [{"Mã hồ sơ": CODE, "Trạng thái": 9, "Ngày xử lý xong": "12/11/2026 15:00"}]
    assert import_file(sqlite_registry, json_file(tmp_path / "n.json", newer)).counts()["changed"] == 1
    assert import_file(sqlite_registry, file).counts()["older"] == 1
    assert import_file(sqlite_registry, file, as_of=dt.datetime(2026, 11, 13)).counts()["older"] == 0


def test_a_dry_run_reports_and_changes_nothing(sqlite_registry: Registry, tmp_path: Path) -> None:
    report = import_file(sqlite_registry, csv_file(tmp_path / "x.csv"), dry_run=True)
    assert (report.counts()["added"], sqlite_registry.count()) == (2, 0)


def test_many_rows_go_in_by_batches_with_progress(sqlite_registry: Registry, tmp_path: Path) -> None:
    rows = [{"MaHoSo": f"H57.17.26-261110-{n:04d}", "TrangThaiHoSo": 4} for n in range(2_500)]
    seen: list[int] = []
    report = import_file(sqlite_registry, json_file(tmp_path / "x.json", rows), progress=seen.append)
    assert (report.counts()["added"], report.without_proof, seen) == (2_500, 2_500, [1000, 2000, 2500])


def test_the_name_of_the_source(sqlite_registry: Registry, tmp_path: Path) -> None:
    import_file(sqlite_registry, csv_file(tmp_path / "x.csv"), source="Hệ thống một cửa tỉnh Mẫu")
    result = sqlite_registry.find(CODE, None)
    assert isinstance(result, Found)
    assert result.dossier.source == "Hệ thống một cửa tỉnh Mẫu"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.xls", b"\xd0\xcf\x11\xe0", "not a format"),
        ("x.xlsx", b"not a zip", "not a workbook"),
        ("x.csv", "Mã hồ sơ;Trạng thái\n".encode("cp1258", "replace") + b"\xff\xfe\x81", "not UTF-8"),
        ("x.csv", b"a,b\n1,2\n", "no row names"),
        ("x.csv", b"", "no row names"),
        ("x.json", b'[{"MaHoSo": ', "broken"),
        ("x.json", b"[" * 100_000, "broken"),
        ("x.jsonl", b"\xff", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_export_says_why(
    sqlite_registry: Registry, tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImportFileError, match=says):
        import_file(sqlite_registry, tmp_path / name)


def test_records_that_are_none_are_bad_rows(sqlite_registry: Registry, tmp_path: Path) -> None:
    report = import_file(sqlite_registry, json_file(tmp_path / "x.json", [1, "x", None, [], {}]))
    assert (report.bad, report.bad_rows[-1].reason) == (5, "thiếu mã hồ sơ")


def test_a_workbook_with_a_wrong_size_is_read_to_the_end(sqlite_registry: Registry, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(xlsx(tmp_path / "x.xlsx")) as good, zipfile.ZipFile(tmp_path / "w.xlsx", "w") as wrong:
        for name in good.namelist():
            text = good.read(name)
            if name.endswith("sheet1.xml"):
                assert b'<dimension ref="A1:I6"' in text
                text = text.replace(b'<dimension ref="A1:I6"', b'<dimension ref="A1:B2"')
            wrong.writestr(name, text)
    assert import_file(sqlite_registry, tmp_path / "w.xlsx").rows == 5


def test_a_date_cell_of_a_workbook_is_a_date(sqlite_registry: Registry, tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["Mã hồ sơ", "Trạng thái", "Ngày tiếp nhận", "Ngày hẹn trả"])
    book.active.append([CODE, 4.0, dt.datetime(2026, 11, 10, 8, 30), 46339])
    book.save(tmp_path / "x.xlsx")
    import_file(sqlite_registry, tmp_path / "x.xlsx")
    result = sqlite_registry.find(CODE, None)
    assert isinstance(result, Found)
    assert (result.dossier.received_at, result.dossier.due_at) == (
        dt.datetime(2026, 11, 10, 8, 30),
        dt.datetime(2026, 11, 13),
    )


# -- the sample ---------------------------------------------------------------------------------


def test_the_sample_shows_every_state_and_proves_with_the_digits_it_names(sqlite_registry: Registry) -> None:
    report = import_file(sqlite_registry, SAMPLE, sample=True)
    assert (report.bad_rows, report.without_proof) == ([], 0)
    assert sqlite_registry.count(sample=True) == report.rows >= 15
    dossiers = []
    for record in json.loads(SAMPLE.read_text(encoding="utf-8"))["dossiers"]:
        number = int(record["code"][-4:])
        for digits in (f"{1000 + number}", f"{2000 + number}"):
            result = sqlite_registry.find(record["code"], Proof(digits))
            assert isinstance(result, Found), record["code"]
        dossiers.append(result.dossier)
    assert {dossier.state for dossier in dossiers} == set(State)
    assert all("mẫu" in dossier.source and dossier.code.startswith("H57.17.26-2611") for dossier in dossiers)
    assert any(d.state is State.SUPPLEMENT and d.supplements[0].content for d in dossiers)
    assert any(d.state is State.PAYMENT and d.payment and d.payment.amount for d in dossiers)
    assert any(d.due_at and d.finished_at and d.finished_at > d.due_at for d in dossiers)
    assert all(d.received_at.weekday() < 5 for d in dossiers if d.received_at)


def test_the_sample_names_nobody() -> None:
    words = SAMPLE.read_text(encoding="utf-8")
    known = set(names_of("columns"))
    for record in json.loads(words)["dossiers"]:
        assert all(name.replace("_", "") in known for name in record), record
    assert "ChuHoSo" not in words


# -- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("10/11/2026", "2026-11-10 00:00"),
        ("1/2/2026", "2026-02-01 00:00"),
        ("10-11-2026 08:30", "2026-11-10 08:30"),
        ("10.11.2026, 8:30:59", "2026-11-10 08:30:59"),
        ("08:30 10/11/2026", "2026-11-10 08:30"),
        ("8h30 ngày 10/11/2026", "2026-11-10 08:30"),
        ("20261110083000", "2026-11-10 08:30"),
        (20261110083000, "2026-11-10 08:30"),
        ("202611100830", "2026-11-10 08:30"),
        ("20261110", "2026-11-10 00:00"),
        ("2026-11-10", "2026-11-10 00:00"),
        ("2026-11-10T08:30:00", "2026-11-10 08:30"),
        ("2026-11-10T08:30:00.123+07:00", "2026-11-10 08:30"),
        ("2026-11-09T17:00:00Z", "2026-11-10 00:00"),  # a day is lost where the zone is cut off
        (46336, "2026-11-10 00:00"),
        ("46336", "2026-11-10 00:00"),
        (46336.354166666664, "2026-11-10 08:30"),
        (dt.date(2026, 11, 10), "2026-11-10 00:00"),
        (dt.datetime(2026, 11, 10, 8, 30, 0, 5), "2026-11-10 08:30"),
    ],
)
def test_moments(value: Any, moment: str) -> None:
    assert read_moment(value) == dt.datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "hôm qua",
        "31/02/2026",
        "2026-13-01",
        "11/10",
        "10/11/26",
        "20261310083000",
        "1",
        0,
        -1,
        True,
        float("nan"),
        float("inf"),
        "10/11/1026",
        "10/11/3026",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
        10**18,
    ],
)
def test_no_moments(value: Any) -> None:
    with pytest.raises(ReadingError) as raised:
        read_moment(value)
    assert not str(value) or str(value) not in str(raised.value) or len(str(value)) < 3


@pytest.mark.parametrize(("number", "state"), list(enumerate(list(State)[:10], start=1)))
def test_states_by_number_and_by_name(number: int, state: State) -> None:
    for value in (
        number,
        str(number),
        f"{number:02d}",
        float(number),
        LABELS[state],
        LABELS[state].upper(),
        state.value,
    ):
        assert read_state(value)[0] is state, value


@pytest.mark.parametrize(
    ("value", "state", "label"),
    [
        ("Chờ bổ sung", State.SUPPLEMENT, "Yêu cầu bổ sung giấy tờ"),
        ("da tra ket qua", State.RETURNED, "Đã trả kết quả"),
        ("Chờ ký số", State.UNKNOWN, "Chờ ký số"),
        ("11", State.UNKNOWN, "Trạng thái số 11"),
        (0, State.UNKNOWN, "Trạng thái số 0"),
        ("Đã gọi 0912345678", State.UNKNOWN, "Đã gọi [số điện thoại]"),
    ],
)
def test_other_states(value: Any, state: State, label: str) -> None:
    assert read_state(value) == (state, label)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (8000, 8000),
        ("8.000 đ", 8000),
        ("1.500.000", 1_500_000),
        ("8,000", 8000),
        ("8000.00", 8000),
        ("miễn phí", None),
        ("", None),
        (True, None),
        (-5, None),
        (float("nan"), None),
        ("8.00.0", None),
    ],
)
def test_amounts(value: Any, amount: int | None) -> None:
    assert read_amount(value) == amount


def test_channels_and_answers() -> None:
    channels = [read_channel(v) for v in (1, "2", "Bưu chính công ích", "trực tuyến", "chim bồ câu")]
    assert channels == ["in_person", "online", "post", "online", None]
    yes = [read_yes(v) for v in ("x", "Có", "true", True, dt.date(2026, 1, 1))]
    no = [read_yes(v) for v in ("chưa", "0", "FALSE", False)]
    assert (set(yes), set(no), read_yes("?")) == ({True}, {False}, None)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("H57.17.26-231114-0002", "H57.17.26-231114-0002"),
        (" h57.17.26 – 231114 – 0002 ", "H57.17.26-231114-0002"),
        ("000.A0.01.H26-210212-9090", "000.A0.01.H26-210212-9090"),
        ("G22.99.08-260921-896048", "G22.99.08-260921-896048"),
    ],
)
def test_codes(typed: str, code: str) -> None:
    assert read_code(typed) == code


@pytest.mark.parametrize(
    "typed", ["", "079203001234", "H57.17.26-231314-0002", "12-231114-0002", "H57.17.26-231114-O002", 5, None]
)
def test_no_codes(typed: Any) -> None:
    with pytest.raises(ReadingError):
        read_code(typed)


@given(st.from_regex(r"\A(H[0-9]{2}|G22)(\.[A-Z0-9]{2}){0,3}-(2[0-9])(0[1-9]|1[0-2])(0[1-9]|2[0-8])-[0-9]{3,7}\Z"))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_quick_way_reads_codes_as_a_talk_does(code: str) -> None:
    assert find_codes(code).codes == (read_code(code),)


# -- records ------------------------------------------------------------------------------------


def test_a_record_of_the_protocol() -> None:
    asked = "Bà Trần Thị Thử liên hệ chị Lê Thị Cán Bộ, 0911222333, nộp Giấy chứng sinh"
    entry = entry_of(
        {
            "MaHoSo": CODE,
            "MaTTHC": "1.001193",
            "TenTTHC": BIRTH,
            "KenhThucHien": "2",
            "ChuHoSo": "Trần Thị Thử",
            "TrichYeuHoSo": "Khai sinh cho Trần Văn Bé",
            "TrangThaiHoSo": "5",
            "NgayTiepNhan": "20261110083000",
            "NgayHenTra": "20261113170000",
            "NgayTra": "",
            "SoDienThoai": "0912345678 / 0987654321",
            "DinhDanhCHS": [
                {"LoaiDinhDanh": "2", "SoDinhDanh": "123456789"},
                {"LoaiDinhDanh": "1", "SoDinhDanh": "079203001234"},
            ],
            "DanhSachLePhi": [{"TenPhiLePhi": "Lệ phí", "Gia": "8000"}, {"TenPhiLePhi": "Bản sao", "Gia": 2000}],
            "DanhSachHoSoBoSung": [
                {"NguoiYeuCauBoSung": "Lê Thị Cán Bộ", "NgayBoSung": "20261111090000", "NoiDungBoSung": asked}
            ],
        }
    )
    assert (entry.state, entry.channel, entry.as_of) == (State.SUPPLEMENT, "online", dt.datetime(2026, 11, 11, 9))
    assert (entry.phone, entry.identity, entry.returned_at) == ("5678", "1234", None)
    assert entry.payment == Payment(10_000, "Lệ phí; Bản sao")
    (supplement,) = entry.supplements or ()
    assert "Giấy chứng sinh" in supplement.content
    for secret in ("Trần", "Lê Thị", "0911222333", "Bé"):
        assert secret not in repr(entry)


def test_what_happens_later_than_now_is_a_slip() -> None:
    with pytest.raises(ReadingError, match="tương lai"):
        entry_of({"Mã hồ sơ": CODE, "Trạng thái": 4, "Ngày tiếp nhận": "10/11/2062"})
    with pytest.raises(ReadingError, match="tương lai"):
        entry_of({"Mã hồ sơ": CODE, "Trạng thái": 5, "DanhSachHoSoBoSung": [{"NgayBoSung": "20620101000000"}]})
    assert entry_of({"Mã hồ sơ": CODE, "Trạng thái": 4, "Ngày hẹn trả": "10/11/2062"}).due_at


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from(
    [
        "MaHoSo",
        "TrangThaiHoSo",
        "NgayTiepNhan",
        "DanhSachHoSoBoSung",
        "DanhSachLePhi",
        "DinhDanhCHS",
        "SoDienThoai",
        "NoiDungBoSung",
        "KenhThucHien",
        "TenTTHC",
        "LyDo",
        "NgayBoSung",
        "Văn bản xin lỗi",
        "Số tiền",
        "TenTrangThai",
    ]
)


@given(st.dictionaries(_FIELDS, _JSON, max_size=8))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_record_breaks_the_reader_or_the_database(sqlite_registry: Registry, record: dict[str, Any]) -> None:
    base = {"MaHoSo": CODE, "TrangThaiHoSo": 4}
    for tried in (record, base | record, record | base):
        try:
            entry = entry_of(tried)
        except ReadingError:
            continue
        sqlite_registry.store([entry])
