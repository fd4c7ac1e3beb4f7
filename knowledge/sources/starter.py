"""Reader of the hand-written YAML: a list of entries with the keys of the model.

It is the format of the catalogue that ships, and the one that an office can write
itself. A path may be one file or a directory of ``*.yml`` files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from knowledge.procedure import Procedure

from .base import Item, Raw, SourceError, read_records
from .files import MEBIBYTE, check_file
from .parsing.text import clean_line

MAX_YAML = 20 * MEBIBYTE
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class StarterReader:
    """Reads entries that validate as Procedure."""

    name = "starter"
    is_full_list = False

    def read(self, path: Path) -> Iterator[Item]:
        """Yield a procedure or a refusal an entry; SourceError for an unusable file."""
        return read_records(lambda: _entries(path), convert)


def files_of(path: Path) -> list[Path]:
    """The YAML files of a directory in the order of their names, or the file itself."""
    if not path.is_dir():
        check_file(path)
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix in (".yml", ".yaml") and file.is_file())
    if not files:
        raise SourceError(f"{path}: the directory holds no .yml file")
    return files


def _entries(path: Path) -> Iterator[Raw]:
    position = 0
    for file in files_of(path):
        for entry in load(file):
            position += 1
            if not isinstance(entry, dict):
                yield Raw(position, None, None, problem=f"{file.name}: the entry is not a mapping")
            elif not isinstance(entry.get("code"), str):
                yield Raw(
                    position,
                    None,
                    None,
                    problem=f'{file.name}: code {entry.get("code")!r} must be text in quotes, such as "1.001193"',
                )
            else:
                yield Raw(position, clean_line(entry["code"]), entry, details=len(str(entry)))


def load(file: Path) -> list[Any]:
    """The list in a YAML file; SourceError if it is no list, uses aliases or is not YAML."""
    check_file(file)
    if file.stat().st_size > MAX_YAML:
        raise SourceError(f"{file}: larger than {MAX_YAML // MEBIBYTE} MiB; refused")
    try:
        text = file.read_text(encoding="utf-8-sig")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=_Loader)):
            raise SourceError(f"{file}: YAML aliases (*name) are not accepted")
        content = yaml.load(text, Loader=_Loader)
    except UnicodeDecodeError as error:
        raise SourceError(f"{file}: not UTF-8 text") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{file}: not YAML ({' '.join(str(error).split())[:160]})") from error
    if not isinstance(content, list) or not content:
        raise SourceError(f"{file}: not a list of procedures")
    return content


def convert(entry: dict[str, Any]) -> Procedure:
    """Validate one entry; ValueError names the first wrong key."""
    return Procedure.model_validate(entry)
