"""Readers of the official formats: one module a format, shared parsing in ``parsing/``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from . import portal_api, portal_page
from .base import Item, Reader, Rejected, SourceError
from .files import GZIP_MAGIC, MEBIBYTE, check_file, is_tar, is_zip, read_document, read_head, read_members
from .national import NationalReader
from .portal_api import PortalApiReader
from .portal_list import PortalListReader, is_spreadsheet
from .portal_page import PortalPageReader
from .starter import StarterReader

__all__ = ["FORMATS", "Item", "Reader", "Rejected", "SourceError", "detect_format", "read"]

FORMATS: dict[str, Reader] = {
    reader.name: reader
    for reader in (PortalApiReader(), PortalPageReader(), PortalListReader(), NationalReader(), StarterReader())
}


def read(path: Path, format: str = "auto") -> tuple[str, Iterator[Item]]:
    """The format of a file and its procedures and refusals, read while they are asked for.

    Raises SourceError for an unknown format or an unusable file; some damage shows only
    while the records are read, so the iterator can raise it too.
    """
    path = Path(path)
    name = detect_format(path) if format == "auto" else format
    if name not in FORMATS:
        raise SourceError(f"unknown format {name!r}; known are {', '.join(FORMATS)}")
    return name, FORMATS[name].read(path)


def detect_format(path: Path) -> str:
    """Tell the format of a file by its content, whatever its name; SourceError if none fits."""
    path = Path(path)
    if path.is_dir():
        if any(file.suffix in (".yml", ".yaml") for file in path.iterdir()):
            return "starter"
        raise SourceError(f"{path}: is a directory without .yml files")
    check_file(path)
    if is_spreadsheet(path):
        return "portal-list"
    head = read_head(path)
    if is_zip(path) or is_tar(head):
        return _format_of_archive(path)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] in (b"{", b"["):
        return _format_of_json(path, start)
    if start[:1] == b"<":
        raise SourceError(f"{path}: an HTML or XML page, not data (an error or sign-in page may have been saved)")
    if not start:
        raise SourceError(f"{path}: the file holds only blanks")
    with path.open("rb") as file:
        packed = file.read(2) == GZIP_MAGIC
    if not packed and b"\0" not in start and _looks_like_yaml(start):
        return "starter"
    raise SourceError(f"{path}: none of the known formats ({', '.join(FORMATS)})")


def _looks_like_yaml(start: bytes) -> bool:
    lines = (line.strip() for line in start.split(b"\n"))
    first = next((line for line in lines if line and not line.startswith((b"#", b"---"))), b"")
    return first.startswith(b"- ") or first == b"-"


def _format_of_archive(path: Path) -> str:
    for _, content in read_members(path):
        if content is not None and (name := _format_of_record(_parsed(content))):
            return name
    raise SourceError(f"{path}: the archive holds no record of a known format")


def _format_of_json(path: Path, start: bytes) -> str:
    line = start.split(b"\n", 1)[0]
    record = _parsed(line) if len(line) < MEBIBYTE or b"\n" in start else None
    if record is None:
        record = _parsed(read_document(path))
    if record is None:
        raise SourceError(f"{path}: begins like JSON and is not (it may be cut off)")
    if isinstance(record, list):
        record = record[0] if record else None
    name = _format_of_record(record)
    if not name:
        raise SourceError(f"{path}: JSON, but no record of a known format")
    return name


def _parsed(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _format_of_record(record: object) -> str | None:
    if portal_page.is_record(record):
        return "portal-page"
    if portal_api.is_record(record):
        return "portal-api"
    if (
        isinstance(record, dict)
        and "code" in record
        and ("has_details" in record or "channels" in record or "sources" in record)
    ):
        return "national"
    return None
