"""Reader of records scraped from the portal's pages: text, with the cells of tables run together.

A file holds one record, a list of them, or is an archive (tar, tar.gz, zip) of such files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from knowledge.procedure import Note, Procedure, Source

from .base import Item, Raw, read_records
from .parsing import legal, money, names, papers
from .parsing.text import LOWER, clean, clean_line
from .portal_api import PORTAL, documents
from .record import ChannelRow, Record, build

SOURCE = "dvcqg"
_CHANNEL_HEAD = "Hình thức nộpThời gianPhí, lệ phíMô tả"
_FEE_HEAD = r"Miễn phí|Không có thông tin|\d{1,3}(?:,\d{3})*(?:\.\d+)?\s*(?:Việt Nam Đồng|VNĐ|USD)"
_ROW = re.compile(
    rf"(?P<kind>Trực tuyến|Dịch vụ bưu chính|Trực tiếp)\s*(?P<time>\d+(?:[.,]\d{{1,2}})?(?=\s*(?:Ngày|"
    rf"Giờ|Tháng|Phút|Năm))|1(?={_FEE_HEAD})|\d*?|Theo mô tả|"
    rf"Không[^\d]{{0,40}}?)\s*(?P<unit>Ngày làm việc|Giờ làm việc|Ngày|Giờ|Tháng|Phút|"
    rf"Năm)?\s*(?={_FEE_HEAD})"
)
_EMPTY = {"", "không có thông tin"}
_RESULT = re.compile(r"Mã:\s*(?:[A-Z0-9]+[.\-])+[A-Z]*\d+")


class PortalPageReader:
    """Reads page text with the keys ``ma_thu_tuc``, ``ten_thu_tuc``, ``thanh_phan_ho_so``, ..."""

    name = "portal-page"
    is_full_list = False

    def read(self, path: Path) -> Iterator[Item]:
        """Yield a procedure or a refusal a record; SourceError for an unusable file."""
        return read_records(lambda: documents(path, _raw), lambda content: convert(content, path.name))


def is_record(content: object) -> bool:
    """Whether a JSON value is a record of this format."""
    return isinstance(content, dict) and "ma_thu_tuc" in content and "ten_thu_tuc" in content


def _raw(position: int, content: Any, size: int) -> Raw:
    if not is_record(content):
        return Raw(position, None, None, problem="not a record of page text (ma_thu_tuc, ten_thu_tuc)")
    return Raw(position, clean_line(content["ma_thu_tuc"]) or None, content, details=size)


def convert(page: dict[str, Any], file_name: str) -> Procedure:
    """Turn one page into a procedure; ValueError where it cannot be one."""
    source = Source(name=PORTAL, url=_text(page, "detail_url"), file=file_name, decision=_text(page, "so_quyet_dinh"))
    rows, unread_rows = split_channels(_text(page, "cach_thuc_thuc_hien"))
    found, unread_papers = papers.split_table(_text(page, "thanh_phan_ho_so"))
    pairs, unread_legal = legal.split_table(_text(page, "can_cu_phap_ly"))
    record = Record(
        code=names.read_code(page.get("ma_thu_tuc")),
        name=_text(page, "ten_thu_tuc"),
        sources={SOURCE: source},
        field=_text(page, "linh_vuc"),
        levels=names.read_levels(_text(page, "cap_thuc_hien").split(",")),
        authorities=_offices(_text(page, "co_quan_thuc_hien")) or _offices(_text(page, "co_quan_co_tham_quyen")),
        place=clean_line(_known(_text(page, "dia_chi_tiep_nhan"))) or None,
        subjects=names.split_list(_text(page, "doi_tuong_thuc_hien"), rf"[;\n]|,\s(?=[A-ZĐ][{LOWER}]+ )(?![^()]*\))"),
        channels=rows,
        papers=found,
        steps=_text(page, "trinh_tu_thuc_hien"),
        conditions=_text(page, "yeu_cau_dieu_kien"),
        results=_RESULT.sub("\n", _text(page, "ket_qua_xu_ly")),
        legal=pairs,
    )
    unread_papers = None if _known(unread_papers or "") == "" else unread_papers
    for about, text in (
        ("channels", unread_rows),
        ("documents", unread_papers),
        ("legal_basis", _known(unread_legal or "")),
    ):
        if text:
            record.notes.append(Note(about=about, text=text, leftover=True, source=SOURCE))
    return build(record)


def _text(page: dict[str, Any], key: str) -> str:
    value = page.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is no text")
    return clean(value)


def _known(text: str) -> str:
    return "" if text.strip(" -.").lower() in _EMPTY else text


def _offices(text: str) -> list[str]:
    return names.split_list(_known(text), r"[;\n]|,\s(?=[A-ZĐ])")


def split_channels(text: str) -> tuple[list[ChannelRow], str | None]:
    """Split the table of ways to file; the second value is text that belongs to no row.

    A row is recognised by its kind with a time and a fee cell right behind it, as in
    ``Trực tiếp5 Ngày làm việc200,000 Việt Nam Đồng(...)``, so that the same words inside
    a remark start no row.
    """
    text = clean(text).replace(_CHANNEL_HEAD, "", 1).strip()
    matches = list(_ROW.finditer(text))
    rows: list[ChannelRow] = []
    for match, following in zip(matches, [*matches[1:], None], strict=True):
        body = text[match.end() : following.start() if following else len(text)]
        fees, note = money.split_printed(body)
        kind = names.read_channel(match["kind"])
        assert kind is not None  # the pattern names only known kinds
        rows.append(ChannelRow(kind, match["time"].strip(), match["unit"] or "", fees, note, SOURCE))
    before = _known(text[: matches[0].start()] if matches else text).strip()
    return rows, before or None
