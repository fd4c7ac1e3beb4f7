"""The readers' front door: telling formats apart, and bad files."""

from __future__ import annotations

import datetime as dt
import gc
import gzip
import io
import json
import tarfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from knowledge.procedure import ChannelKind, FeeStatus, Handling, Procedure, TimeStatus, TimeUnit
from knowledge.sources import FORMATS, Rejected, SourceError, detect_format, files, read
from knowledge.sources.portal_api import local_date

NATIONAL: dict[str, Any] = {
    "code": "1.000001",
    "name": "Cấp giấy thử",
    "field": "Thử nghiệm",
    "levels": ["Cấp xã"],
    "promulgator": "UBND tỉnh Lai Châu",
    "executing": "Ủy ban nhân dân cấp xã; ; Sở Tư pháp",
    "subjects": "Công dân Việt Nam; Tổ chức (không bao gồm doanh nghiệp, HTX)",
    "channels": [
        {
            "channel": "Trực tiếp",
            "time": "3",
            "unit": "Ngày làm việc",
            "fees": [{"type": "SERVICE_FEE", "value": 8000, "cur": "", "desc": "8.000 đồng/bản"}],
            "note": "",
            "src": "opengov",
        },
        {
            "channel": "Trực tuyến",
            "time": "3",
            "unit": "Ngày làm việc",
            "fees": [{"type": "SERVICE_FEE", "value": 8000, "cur": "", "desc": "8.000 đồng/bản"}],
            "note": "",
            "src": "opengov",
        },
    ],
    "documents": [
        {
            "case": "",
            "name": "- Tờ khai theo mẫu",
            "originals": 1,
            "copies": 0,
            "forms": ["Mẫu 1.docx"],
            "src": "opengov",
        }
    ],
    "steps": "Bước 1: nộp hồ sơ\nBước 2: nhận kết quả",
    "conditions": "Không",
    "legal_basis": [["123/2015/NĐ-CP", "Nghị định về thử nghiệm"]],
    "results": "Giấy thử",
    "url": "https://example.gov.vn/1",
    "keywords": "",
    "sources": ["opengov"],
    "decision": "1/QĐ-X",
    "has_details": True,
}
API: dict[str, Any] = {
    "code": "OK",
    "data": {
        "id": "abc",
        "code": "1.000002",
        "name": "Cấp giấy khác",
        "isWard": True,
        "isMinistry": False,
        "departmentPromulgateName": "Bộ Tư pháp",
        "departmentsExecuting": [{"name": "Ủy ban nhân dân cấp xã"}],
        "executionMethods": [
            {
                "submissionMethod": "DIRECT",
                "processingTime": 1,
                "processingTimeUnit": "OTHER",
                "description": "",
                "fees": [],
            }
        ],
        "executionCases": [
            {
                "name": "* Giấy tờ phải xuất trình:",
                "profileComponents": [{"name": "Thẻ căn cước", "originalQty": 1, "copyQty": 0, "attachments": []}],
            }
        ],
        "cases": [
            {
                "name": "Cấp giấy khác",
                "code": "1.000002.01",
                "processingDay": {"qty": 1, "type": "WORKING_DAY"},
                "profileComponents": [],
            }
        ],
        "legalBasisesDetails": [{"code": "60/2014/QH13", "name": "Luật Hộ tịch"}],
        "resultsDetails": [{"name": "Giấy khác"}],
        "subjectTypesDetails": [{"name": "Công dân Việt Nam"}],
        "procedureProposal": {
            "proposalNumber": "163/QĐ-BTP",
            "decisionDate": 1768496400000,
            "issuingAgency": {"name": "Bộ Tư pháp"},
        },
    },
}
PAGE: dict[str, Any] = {
    "ma_thu_tuc": "1.000003",
    "ten_thu_tuc": "Cấp thẻ",
    "cap_thuc_hien": "Cấp tỉnh, Cấp xã",
    "linh_vuc": "Thẻ",
    "doi_tuong_thuc_hien": "Công dân Việt Nam, Người nước ngoài",
    "cach_thuc_thuc_hien": (
        "Hình thức nộpThời gianPhí, lệ phíMô tảTrực tuyến5 Ngày làm việc200,000 Việt Nam Đồng(200.000 VNĐ/thẻ)"
        "Nộp Trực tuyến qua cổng.Trực tiếp1Miễn phí"
    ),
    "thanh_phan_ho_so": "--Tên giấy tờMẫu đơn, tờ khaiSố lượngTờ khai1 bản chính,1 bản sao",
    "can_cu_phap_ly": "Tên văn bản pháp lýMã văn bảnLuật Thẻ1/2020/QH14",
    "ket_qua_xu_ly": "ThẻMã: KQ.G01.000075Từ khóaKhông có thông tin",
    "yeu_cau_dieu_kien": "Không có thông tin",
}
STARTER = (
    '- code: "1.000004"\n  name: Thủ tục viết tay\n  levels: [commune]\n'
    "  sources: {dvcqg: {name: Cổng Dịch vụ công quốc gia}}\n"
)


def save(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return path


def sheet(path: Path, *rows: tuple[Any, ...]) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["DANH SÁCH THỦ TỤC HÀNH CHÍNH"])
    book.active.append(["Mã số", "Tên", "Cơ quan ban hành", "Cơ quan thực hiện", "Lĩnh vực"])
    for row in rows:
        book.active.append(list(row))
    book.save(path)
    return path


def tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def everything(path: Path, format: str = "auto") -> tuple[list[Procedure], list[Rejected]]:
    items = list(read(path, format)[1])
    return [item for item in items if isinstance(item, Procedure)], [
        item for item in items if isinstance(item, Rejected)
    ]


# --- one record of each format ------------------------------------------------------------------


def test_national_record(tmp_path: Path) -> None:
    path = save(tmp_path / "national-2026-07.jsonl", NATIONAL)
    assert detect_format(path) == "national"
    ((procedure,), rejected) = everything(path)
    assert rejected == []
    assert (procedure.code, procedure.province) == ("1.000001", "Lai Châu")
    assert procedure.authorities == ["Ủy ban nhân dân cấp xã", "Sở Tư pháp"]
    assert procedure.subjects == ["Công dân Việt Nam", "Tổ chức (không bao gồm doanh nghiệp, HTX)"]
    (fee,) = procedure.fees  # equal over both channels, so it stands once
    assert (fee.amount, fee.per, fee.channels, fee.source) == (8000, "bản", [], "opengov")
    assert [(limit.quantity, limit.channels) for limit in procedure.time_limits] == [(3, [])]
    assert [form.name for form in procedure.documents[0].forms] == ["Mẫu 1.docx"]
    assert procedure.conditions == []
    source = procedure.sources["opengov"]
    assert (source.file, source.decision, source.retrieved) == ("national-2026-07.jsonl", "1/QĐ-X", None)


def test_the_day_comes_from_a_file_name_that_has_one(tmp_path: Path) -> None:
    ((procedure,), _) = everything(save(tmp_path / "national-2026-07-20.jsonl", NATIONAL))
    assert procedure.sources["opengov"].retrieved == dt.date(2026, 7, 20)


def test_portal_api_record(tmp_path: Path) -> None:
    path = save(tmp_path / "anything", API)
    assert detect_format(path) == "portal-api"
    ((procedure,), _) = everything(path)
    (limit,) = procedure.time_limits  # the way to file has no unit, the procedure's case has one
    assert (limit.status, limit.quantity, limit.unit, limit.case) == (TimeStatus.STATED, 1, TimeUnit.WORKING_DAY, None)
    assert [(paper.handling, paper.case) for paper in procedure.documents] == [(Handling.SHOW, None)]
    source = procedure.sources["dvcqg"]
    assert (source.decision, source.decision_date, source.issuer) == ("163/QĐ-BTP", dt.date(2026, 1, 16), "Bộ Tư pháp")
    assert source.retrieved is None


def test_trap_the_decisions_day_is_the_day_in_vietnam() -> None:
    midnight_in_vietnam = 1768496400000  # 15 January 2026, 17:00 UTC
    assert local_date(midnight_in_vietnam) == dt.date(2026, 1, 16)
    assert local_date(None) is None
    assert local_date(10**18) is None


def test_portal_page_record(tmp_path: Path) -> None:
    path = save(tmp_path / "page.json", PAGE)
    assert detect_format(path) == "portal-page"
    ((procedure,), _) = everything(path)
    assert [channel.kind for channel in procedure.channels] == [ChannelKind.ONLINE, ChannelKind.IN_PERSON]
    assert procedure.channels[0].note == "Nộp Trực tuyến qua cổng."  # the same words inside a remark start no row
    assert [(fee.status, fee.amount, fee.per) for fee in procedure.fees] == [
        (FeeStatus.AMOUNT, 200_000, "thẻ"),
        (FeeStatus.NOT_PUBLISHED, None, None),
    ]
    assert [limit.status for limit in procedure.time_limits] == [TimeStatus.STATED, TimeStatus.UNIT_NOT_STATED]
    assert procedure.results == ["Thẻ"]
    assert [basis.number for basis in procedure.legal_basis] == ["1/2020/QH14"]
    assert procedure.subjects == ["Công dân Việt Nam", "Người nước ngoài"]


def test_portal_list(tmp_path: Path) -> None:
    path = sheet(
        tmp_path / "list",
        ("1.000005 ", "Tên thủ tục", "Bộ Tư pháp", "Sở Tư pháp\nỦy ban nhân dân cấp xã", "Luật sư"),
        (1.00101, "Mã là số", "", "", ""),
        ("x", "Sai mã", "", "", ""),
    )
    assert detect_format(path) == "portal-list"
    (procedure,), rejected = everything(path)
    assert (procedure.code, procedure.authorities, procedure.has_details) == (
        "1.000005",
        ["Sở Tư pháp", "Ủy ban nhân dân cấp xã"],
        False,
    )
    assert [item.position for item in rejected] == [4, 5]
    assert "zeros may be lost" in rejected[0].reason


def test_starter(tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(
        STARTER + "- code: 1.000190\n  name: Mã không có ngoặc\n- code: '1.000006'\n  name: Thừa khóa\n  extra: 1\n",
        encoding="utf-8",
    )
    assert detect_format(path) == detect_format(tmp_path) == "starter"
    (procedure,), rejected = everything(tmp_path)
    assert procedure.code == "1.000004"
    assert "in quotes" in rejected[0].reason  # as a number it would lose its zeros
    assert rejected[1].code == "1.000006" and "extra" in rejected[1].reason


def test_archives_and_lists(tmp_path: Path) -> None:
    other = {**API, "data": {**API["data"], "code": "1.000009"}}
    members = {"./a.json": json.dumps(API).encode(), "sub/b.json": json.dumps(other).encode(), "readme.txt": b"no"}
    archive = tar(tmp_path / "api.bin", members)
    assert detect_format(archive) == "portal-api"
    assert [procedure.code for procedure in everything(archive)[0]] == ["1.000002", "1.000009"]
    with zipfile.ZipFile(tmp_path / "pages", "w") as file:
        file.writestr("p.json", json.dumps(PAGE))
    assert detect_format(tmp_path / "pages") == "portal-page"
    listed = save(tmp_path / "list.json", [API, other, 7])
    good, bad = everything(listed)
    assert (len(good), [item.position for item in bad]) == (2, [3])


def test_full_lists() -> None:
    assert {name for name, reader in FORMATS.items() if reader.is_full_list} == {"national", "portal-list"}


# --- duplicates and wrong types -----------------------------------------------------------------


def test_trap_of_two_records_with_one_code_the_fuller_is_kept(tmp_path: Path) -> None:
    short = {"code": " 1.000001", "name": "Chỉ có tên", "has_details": False, "channels": [], "sources": []}
    path = save(tmp_path / "n.jsonl", short, NATIONAL, NATIONAL)
    (procedure,), rejected = everything(path)
    assert procedure.name == "Cấp giấy thử"
    assert [(item.code, item.position) for item in rejected] == [("1.000001", 1), ("1.000001", 3)]
    assert rejected[0].reason == "duplicate of record 2, which is kept"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"channels": "Trực tiếp"}, "channels is no list of rows"),
        ({"documents": [1]}, "documents is no list of rows"),
        ({"steps": 5}, "steps is no text"),
        ({"levels": [3]}, "levels is no list of texts"),
        ({"name": ""}, "name"),
        ({"code": "1.1"}, "not a procedure code"),
    ],
)
def test_wrong_types_refuse_the_record_and_keep_the_others(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    good, bad = everything(save(tmp_path / "n.jsonl", {**NATIONAL, "code": "1.000007"}, {**NATIONAL, **change}))
    assert [procedure.code for procedure in good] == ["1.000007"]
    assert len(bad) == 1 and reason in bad[0].reason


def test_an_unknown_way_to_file_is_a_leftover(tmp_path: Path) -> None:
    record = {
        **NATIONAL,
        "channels": [{"channel": "Bồ câu", "time": "1", "unit": "Ngày", "fees": [], "note": "", "src": "opengov"}],
    }
    ((procedure,), _) = everything(save(tmp_path / "n.jsonl", record))
    assert [(note.about, note.leftover) for note in procedure.notes] == [("channels", True)]
    assert "Bồ câu" in procedure.notes[0].text


# --- bad files -----------------------------------------------------------------------------------


def refused(path: Path, format: str = "auto") -> str:
    with pytest.raises(SourceError) as caught:
        everything(path, format)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_files_that_are_not_there_or_empty(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "missing")
    assert "directory without .yml" in refused(tmp_path)
    (tmp_path / "empty").write_bytes(b"")
    assert "is empty" in refused(tmp_path / "empty")
    (tmp_path / "blank").write_bytes(b" \n ")
    assert "only blanks" in refused(tmp_path / "blank")
    assert "unknown format" in refused(tmp_path / "empty", "pdf")
    for name in ("national", "portal-api", "portal-page", "portal-list"):
        assert "not a file" in refused(tmp_path, name)


def test_an_html_error_page(tmp_path: Path) -> None:
    path = tmp_path / "national.jsonl"
    path.write_text("<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", encoding="utf-8")
    assert "HTML" in refused(path)
    assert "JSON" in refused(path, "national")
    assert "not JSON" in refused(path, "portal-api")
    assert "damaged" in refused(path, "portal-list")


def test_a_truncated_gzip(tmp_path: Path) -> None:
    lines = "".join(
        json.dumps({**NATIONAL, "code": f"1.{number:06}", "steps": str(number) * 50}) + "\n" for number in range(500)
    )
    packed = gzip.compress(lines.encode())
    path = tmp_path / "n.jsonl.gz"
    path.write_bytes(packed[: len(packed) // 2])
    assert "damaged or cut off" in refused(path)


def test_wrong_json(tmp_path: Path) -> None:
    path = tmp_path / "n"
    path.write_text(
        '{"code": "1.000001", "has_details": true}\n{"code": \n' + json.dumps(NATIONAL) + "\n[1]\n", encoding="utf-8"
    )
    good, bad = everything(path, "national")
    assert len(good) == 1
    assert [item.position for item in bad] == [1, 2, 4]
    path.write_text('{"code": "OK", "data": {', encoding="utf-8")
    assert "cut off" in refused(path)
    path.write_text('{"hello": 1}', encoding="utf-8")
    assert "no record of a known format" in refused(path)
    path.write_text("[" * 100_000, encoding="utf-8")
    assert refused(path)


def test_a_very_long_line_is_skipped_with_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "n.jsonl.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"x" * (3 * files.MAX_LINE) + b"\n" + json.dumps(NATIONAL).encode() + b"\n")
    good, bad = everything(path, "national")
    assert [procedure.code for procedure in good] == ["1.000001"]
    assert [(item.position, item.reason) for item in bad] == [(1, "line longer than 8 MiB")]
    monkeypatch.setattr(files, "MAX_UNPACKED", 2 * files.MAX_LINE)
    assert "unpacks to more than" in refused(path, "national")


def test_a_zip_bomb_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/workbook.xml", b"<workbook/>")
        file.writestr("xl/worksheets/sheet1.xml", b"0" * (60 * files.MEBIBYTE))
    assert detect_format(path) == "portal-list"
    assert "zip bomb" in refused(path)


def test_spreadsheets_without_a_list(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.save(tmp_path / "nothing.xlsx")
    assert "headings" in refused(tmp_path / "nothing.xlsx")
    assert "no procedure" in refused(sheet(tmp_path / "heads.xlsx"))
    (tmp_path / "broken.xlsx").write_bytes((tmp_path / "heads.xlsx").read_bytes()[:-200])
    assert refused(tmp_path / "broken.xlsx", "portal-list")


def test_archives_that_climb_or_burst(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = json.dumps(API).encode()
    climbing = tar(tmp_path / "climb.tar.gz", {"../../outside.json": record, "/etc/passwd.json": b"{"})
    good, bad = everything(climbing)
    assert (len(good), len(bad)) == (1, 1)
    assert not (tmp_path.parent.parent / "outside.json").exists()  # nothing is written
    with tarfile.open(tmp_path / "links.tar.gz", "w:gz") as archive:
        link = tarfile.TarInfo("link.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert "no record" in refused(tmp_path / "links.tar.gz")
    monkeypatch.setattr(files, "MAX_MEMBER", 1000)
    huge = tar(tmp_path / "huge.tar.gz", {"a.json": b" " * 2000, "b.json": json.dumps({**PAGE})[:900].encode()})
    _, bad = everything(huge, "portal-page")
    assert "larger than" in bad[0].reason and "not JSON" in bad[1].reason
    monkeypatch.setattr(files, "MAX_UNPACKED", 5000)
    assert "unpacks to more than" in refused(
        tar(tmp_path / "big.tar.gz", {"x.bin": b" " * 20_000, "a.json": record}), "portal-api"
    )
    packed = climbing.read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(packed[: len(packed) // 2])
    assert refused(tmp_path / "cut.tar.gz", "portal-api")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- &a {code: '1.000001', name: thử}\n- *a\n", "aliases"),
        ("- code: [\n", "not YAML"),
        ("key: value\n", "not a list"),
        ("- !!python/object/apply:os.system [echo]\n", "not YAML"),
        ("[]\n", "not a list"),
    ],
)
def test_bad_yaml(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.yml"
    path.write_text(text, encoding="utf-8")
    assert message in refused(path, "starter")


def test_no_file_stays_open_when_the_caller_stops_early(tmp_path: Path) -> None:
    paths = [
        save(tmp_path / "n.jsonl", NATIONAL, {**NATIONAL, "code": "1.000008"}),
        tar(tmp_path / "a.tar.gz", {f"{number}.json": json.dumps(API).encode() for number in range(3)}),
        sheet(tmp_path / "l.xlsx", ("1.000005", "Một thủ tục"), ("1.000006", "Hai thủ tục")),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for path in paths:
            items = read(path)[1]
            next(items)
            items.close()  # type: ignore[attr-defined]
            del items
            gc.collect()


def test_a_refusal_reads_well() -> None:
    assert str(Rejected("1.000001", 3, "no name")) == "record 3 (1.000001): no name"
    assert str(Rejected(None, None, "no name")) == "record: no name"
