"""The phrase bank: how people ask for procedures, keyed by procedure code.

Shipped files stand in ``knowledge/phrases/``; an office adds its own words in ``<home>/phrases/*.yml``,
in the same form: a mapping of codes to lists of phrases.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from knowledge.procedure import Procedure
from knowledge.settings import Settings

SHIPPED = Path(__file__).with_name("phrases")


class PhraseFileError(ValueError):
    """A phrase file is not in the form; the message names the file."""


def fingerprint(settings: Settings) -> str:
    """Changes with any phrase file of the installation; reads the files without parsing them."""
    digest = hashlib.sha256()
    for path in _files(_folders(settings)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _folders(settings: Settings) -> list[Path]:
    return [SHIPPED, settings.home / "phrases"]


def _files(folders: Iterable[Path]) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.glob("*.yml"))]


class PhraseBank:
    """Phrases by procedure code."""

    def __init__(self, phrases: dict[str, list[str]]) -> None:
        self.phrases = phrases

    @classmethod
    def load(cls, folders: Iterable[Path]) -> PhraseBank:
        """Read every ``*.yml`` of the folders that exist.

        Raises:
            PhraseFileError: a file is not a mapping of codes to lists of phrases.
        """
        phrases: dict[str, list[str]] = {}
        for path in _files(folders):
            for code, added in _read(path).items():
                phrases[code] = list(dict.fromkeys([*phrases.get(code, []), *added]))
        return cls(phrases)

    @classmethod
    def of(cls, settings: Settings) -> PhraseBank:
        """The shipped phrases and those of the installation."""
        return cls.load(_folders(settings))

    def added_to(self, procedures: Iterable[Procedure]) -> Iterator[Procedure]:
        """The procedures, each with its phrases from the bank beside its own."""
        for procedure in procedures:
            extra = self.phrases.get(procedure.code)
            if extra:
                procedure.phrases = list(dict.fromkeys([*procedure.phrases, *extra]))
            yield procedure


def _read(path: Path) -> dict[str, list[str]]:
    try:
        data = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PhraseFileError(f"{path.name}: not YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(data, dict) or not all(isinstance(v, list) for v in data.values()):
        raise PhraseFileError(f"{path.name}: not a mapping of procedure codes to lists of phrases")
    return {str(code): [str(phrase).strip() for phrase in phrases if str(phrase).strip()] for code, phrases in data.items()}
