"""Opening files that other people made: bounded, without following paths inside archives.

Every function closes what it opens, also when the caller stops early.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .base import SourceError

MEBIBYTE = 1024 * 1024
MAX_LINE = 8 * MEBIBYTE
"""Longest line of a JSON-lines file; the longest real one is about 0.3 MB."""
MAX_MEMBER = 16 * MEBIBYTE
"""Largest record inside an archive; the largest real one is about 0.3 MB."""
MAX_UNPACKED = 1024 * MEBIBYTE
"""Most bytes that one file may unpack to."""
MAX_MEMBERS = 100_000
MAX_DOCUMENT = 200 * MEBIBYTE
"""Largest single JSON document or unpacked spreadsheet."""
MAX_RATIO = 200
"""Highest compression ratio of a believable spreadsheet (real ones reach about 15)."""

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
UNPACKING_ERRORS = (
    OSError,
    EOFError,
    zlib.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
)


def check_file(path: Path) -> None:
    """Raise SourceError unless ``path`` is a file with content."""
    if not path.exists():
        raise SourceError(f"{path}: no such file")
    if not path.is_file():
        raise SourceError(f"{path}: is not a file")
    if path.stat().st_size == 0:
        raise SourceError(f"{path}: the file is empty")


@contextmanager
def open_unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open a plain or gzip file for reading its bytes; damage becomes a SourceError."""
    check_file(path)
    with path.open("rb") as file:
        packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if not packed:
            yield file
            return
        with gzip.GzipFile(fileobj=file) as unpacked, unpacking(path):
            yield unpacked  # type: ignore[misc]


@contextmanager
def unpacking(path: Path) -> Iterator[None]:
    """Turn the errors of the archive libraries into one clear SourceError."""
    try:
        yield
    except SourceError:
        raise
    except UNPACKING_ERRORS as error:
        raise SourceError(f"{path}: the archive is damaged or cut off ({error or type(error).__name__})") from error


def read_lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Yield (line number, line) of a plain or gzip file; a line longer than MAX_LINE comes as None."""
    total = 0
    number = 0
    with open_unpacked(path) as file:
        while line := file.readline(MAX_LINE + 1):
            number += 1
            too_long = len(line) > MAX_LINE
            while True:
                total += len(line)
                if total > MAX_UNPACKED:
                    raise SourceError(f"{path}: unpacks to more than {MAX_UNPACKED // MEBIBYTE} MiB; refused")
                if line.endswith(b"\n") or not too_long:
                    break
                line = file.readline(MAX_LINE)
                if not line:
                    break
            if too_long:
                yield number, None
            elif line.strip():
                yield number, line


def read_document(path: Path) -> bytes:
    """All bytes of a plain or gzip file, at most MAX_DOCUMENT."""
    with open_unpacked(path) as file:
        content = file.read(MAX_DOCUMENT + 1)
    if len(content) > MAX_DOCUMENT:
        raise SourceError(f"{path}: larger than {MAX_DOCUMENT // MEBIBYTE} MiB; refused")
    return content


def read_head(path: Path, size: int = MEBIBYTE) -> bytes:
    """The first ``size`` unpacked bytes of a plain or gzip file."""
    with open_unpacked(path) as file:
        return file.read(size)


def is_zip(path: Path) -> bool:
    """Whether the file starts as a zip archive (also an XLSX) does."""
    with path.open("rb") as file:
        return file.read(4) == ZIP_MAGIC


def is_tar(head: bytes) -> bool:
    """Whether unpacked bytes start as a tar archive does."""
    return head[257:262] == b"ustar"


def read_members(path: Path, suffix: str = ".json") -> Iterator[tuple[str, bytes | None]]:
    """Yield (name, content) of each ``suffix`` file in a tar, tar.gz or zip, in the archive's order.

    Nothing is written to disk, so names that climb out of the archive do no harm;
    they are only names. A member larger than MAX_MEMBER comes as None.
    """
    check_file(path)
    members = _zip_members(path, suffix) if is_zip(path) else _tar_members(path, suffix)
    total = 0
    with unpacking(path):
        for count, (name, content) in enumerate(members, start=1):
            total += len(content or b"")
            if total > MAX_UNPACKED or count > MAX_MEMBERS:
                raise SourceError(f"{path}: unpacks to more than this reader accepts; refused")
            yield name, content


def _tar_members(path: Path, suffix: str) -> Iterator[tuple[str, bytes | None]]:
    with open_unpacked(path) as file, tarfile.open(fileobj=_Bounded(file, path), mode="r|") as archive:
        for member in archive:
            if not member.isfile() or not member.name.endswith(suffix):
                continue
            if member.size > MAX_MEMBER:
                yield member.name, None
                continue
            content = archive.extractfile(member)
            yield member.name, content.read() if content else None


def _zip_members(path: Path, suffix: str) -> Iterator[tuple[str, bytes | None]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir() or not info.filename.endswith(suffix):
                continue
            if info.file_size > MAX_MEMBER:
                yield info.filename, None
                continue
            with archive.open(info) as file:
                content = file.read(MAX_MEMBER + 1)
            yield info.filename, content if len(content) <= MAX_MEMBER else None


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more than MAX_UNPACKED bytes (a tar skips a member by reading it)."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file, self._path, self._total = file, path, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size if size >= 0 else MEBIBYTE)
        self._total += len(data)
        if self._total > MAX_UNPACKED:
            raise SourceError(f"{self._path}: unpacks to more than {MAX_UNPACKED // MEBIBYTE} MiB; refused")
        return data


def check_spreadsheet(path: Path) -> None:
    """Raise SourceError for a spreadsheet that would unpack to far more than it should (a zip bomb)."""
    check_file(path)
    with unpacking(path), zipfile.ZipFile(path) as archive:
        unpacked = sum(info.file_size for info in archive.infolist())
    packed = path.stat().st_size
    if unpacked > MAX_DOCUMENT or (unpacked > 10 * MEBIBYTE and unpacked / packed > MAX_RATIO):
        raise SourceError(
            f"{path}: unpacks to {unpacked // MEBIBYTE} MiB from {packed // 1024} KiB; refused as a zip bomb"
        )
