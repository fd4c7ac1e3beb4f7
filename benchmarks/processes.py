"""Memory and CPU time of processes, read from ``/proc`` (Linux)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_LISTENING = "0A"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    """Resident memory in MiB. ``file`` is mapped files (libraries, the index), which processes share."""

    resident: float
    own: float
    file: float
    peak: float


def memory(pid: int | str = "self") -> Memory:
    """Memory of a process now, and its peak so far."""
    found = dict(re.findall(r"^(\w+):\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE))
    read = lambda name: int(found.get(name, 0)) / 1024  # noqa: E731
    return Memory(read("VmRSS"), read("RssAnon"), read("RssFile") + read("RssShmem"), read("VmHWM"))


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and all its threads since it started."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def environment(pid: int) -> dict[str, str]:
    """The environment that a process was started with."""
    rows = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    return dict(row.split("=", 1) for row in rows if "=" in row)


def listening_on(port: int) -> int | None:
    """The process that listens on a TCP port of this machine; None where none of ours does."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if sockets and any(os.readlink(link) in sockets for link in (folder / "fd").iterdir()):
                return int(folder.name)
        except OSError:
            continue  # ended meanwhile, or another user's
    return None


def _listening_inodes(port: int) -> list[str]:
    rows = [row.split() for name in ("tcp", "tcp6") for row in _table(name)]
    return [row[9] for row in rows if row[3] == _LISTENING and int(row[1].rsplit(":", 1)[1], 16) == port]


def _table(name: str) -> list[str]:
    path = Path("/proc/net") / name
    return path.read_text().splitlines()[1:] if path.exists() else []
