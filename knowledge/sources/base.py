"""What every reader shares: its interface, the report of a refused record, the error for an unusable file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from knowledge.procedure import Procedure


class SourceError(ValueError):
    """The whole file is unusable; the message is one English line for the operator."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """One record that could not be read.

    ``position`` is the line, row or record number in the file, counted from 1.
    """

    code: str | None
    position: int | None
    reason: str

    def __str__(self) -> str:
        where = f"record {self.position}" if self.position is not None else "record"
        return f"{where} ({self.code}): {self.reason}" if self.code else f"{where}: {self.reason}"


Item = Procedure | Rejected


class Reader(Protocol):
    """A reader of one official format.

    ``is_full_list`` says that the file lists all procedures of its scope, so that
    a procedure missing from it has been retired.
    """

    name: str
    is_full_list: bool

    def read(self, path: Path) -> Iterator[Item]:
        """Yield a procedure or a refusal for each record; raise SourceError for an unusable file."""
        ...


@dataclass(frozen=True, slots=True)
class Raw:
    """One record as it stands in the file: its position, its code (None if it has none) and its content.

    ``details`` measures how much the record says; of two records with one code the
    one that says more is kept. ``problem`` is set where there is no content to read.
    """

    position: int
    code: str | None
    content: Any
    details: int = 0
    problem: str | None = None


def read_records(records: Callable[[], Iterator[Raw]], convert: Callable[[Any], Procedure]) -> Iterator[Item]:
    """Read twice: first to find duplicate codes, then to convert, so that memory holds one record at a time."""
    winners: dict[str, tuple[int, int]] = {}
    for raw in records():
        if raw.problem is None and raw.code and raw.details > winners.get(raw.code, (0, -1))[1]:
            winners[raw.code] = (raw.position, raw.details)
    for raw in records():
        if raw.problem is not None:
            yield Rejected(raw.code, raw.position, raw.problem)
        elif raw.code and winners[raw.code][0] != raw.position:
            yield Rejected(raw.code, raw.position, f"duplicate of record {winners[raw.code][0]}, which is kept")
        else:
            yield _convert(raw, convert)


def _convert(raw: Raw, convert: Callable[[Any], Procedure]) -> Item:
    try:
        return convert(raw.content)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        return Rejected(raw.code, raw.position, one_line(error))


def one_line(error: Exception) -> str:
    """The gist of an exception on one line, without the library's hints."""
    problems = getattr(error, "errors", None)
    if callable(problems):
        first = problems()[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}" if where else first["msg"]
    text = " ".join(str(error).split())
    if isinstance(error, KeyError):
        return f"missing key {text}"
    return text[:300] or type(error).__name__
