"""Offices that a survey page can be about (``?don-vi=``): never free text, which anybody could put into a link."""

from __future__ import annotations

import unicodedata

from knowledge.places import communes_in
from knowledge.settings import Settings
from knowledge.text import fold

LONGEST = 120


def unit_named(text: str, settings: Settings) -> str | None:
    """The unit as reports name it: the own commune, an office of the settings, or a present commune of the country.

    Args:
        text: its name, or that of an own office as :func:`link_name` writes it; a commune whose name is not unique may
            be followed by ", " and the province.

    Returns:
        None where there is no such unit.
    """
    given = _key(text)
    if not given or len(text) > LONGEST:
        return None
    for name in _own(settings):
        if given in (_key(name), _slug(name)):
            return name
    for commune in communes_in(text):
        full = f"{commune.name}, {commune.province}"
        if given == _key(commune.name):
            return commune.name
        if given in (_key(full), _key(f"{commune.name}, tỉnh {commune.province}")):
            return full
    return None


def link_name(unit: str, settings: Settings) -> str:
    """How a link names a unit: without accents and blanks where it is an own office that this tells from the others."""
    same = [name for name in _own(settings) if _slug(name) == _slug(unit)]
    return _slug(unit) if same == [unit] else unit


def _own(settings: Settings) -> list[str]:
    return list(dict.fromkeys(name for name in (settings.commune, *settings.survey_offices) if name))


def _slug(text: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in fold(text)).split())


def _key(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().replace(",", " ").split())
