"""Where everything stands on a poster: shapes in millimetres on A4, from which other sizes are scaled."""

from __future__ import annotations

from dataclasses import dataclass

import segno

from connectors.posters.contents import STEPS, Poster
from connectors.posters.typeset import LINE, Set, face, fit

WIDTH, HEIGHT = 210.0, 297.0
SIZES = {"A4": (210.0, 297.0), "A5": (148.0, 210.0)}
"""Paper sizes: width and height in mm. Posters are scaled by width."""
QUIET = 4
"""White modules around a QR code, as its standard asks for."""

BRAND, INK, MUTED, WHITE, TINT = "#0b5c4a", "#1b2420", "#4d5953", "#ffffff", "#e4f0eb"
_MARGIN = 16.0
_INNER = WIDTH - 2 * _MARGIN
_FOOT = 32.0


@dataclass(frozen=True)
class Box:
    """A filled rectangle; ``radius`` rounds its corners."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    radius: float = 0.0


@dataclass(frozen=True)
class Words:
    """One line of text; ``y`` is its baseline, ``size`` its font size in mm."""

    x: float
    y: float
    size: float
    text: str
    bold: bool
    colour: str


@dataclass(frozen=True)
class Code:
    """A QR code without its quiet zone: dark modules by row."""

    x: float
    y: float
    side: float
    modules: tuple[tuple[bool, ...], ...]

    @property
    def module(self) -> float:
        return self.side / len(self.modules)


Shape = Box | Words | Code


def qr_modules(url: str) -> tuple[tuple[bool, ...], ...]:
    """Modules of the QR code for an address, at error level M or better where that costs no space."""
    code = segno.make(url, error="m", micro=False, boost_error=True)
    return tuple(tuple(bool(module) for module in row) for row in code.matrix)


def shapes(poster: Poster) -> list[Shape]:
    """Everything on an A4 poster, from the back to the front."""
    out, y = _head(poster)
    foot_y, foot = _foot(poster)
    steps_y = foot_y - 46
    return [*out, *_code(poster, y, steps_y - y), *_steps(steps_y), *_address(poster, steps_y + 20), *foot]


def _head(poster: Poster) -> tuple[list[Shape], float]:
    office = fit(poster.office, _INNER, (9.0, 5.5), 2, bold=True)
    band = 12 + office.height
    out: list[Shape] = [Box(0, 0, WIDTH, band, BRAND), *_centred(office, 6, bold=True, colour=WHITE)]
    title = _title(poster.title)
    out += _centred(title, band + 8, bold=True, colour=BRAND)
    y = band + 8 + title.height + 2.5
    for text, sizes, lines, bold, colour in (
        (poster.note, (5.4, 4.6), 2, False, MUTED),
        (poster.promise, (8.4, 6.4), 2, False, INK),
    ):
        if text:
            line_set = fit(text, _INNER, sizes, lines, bold=bold)
            out += _centred(line_set, y, bold=bold, colour=colour)
            y += line_set.height + 2.5
    return out, y


def _title(text: str) -> Set:
    """Two large lines where that does; a long name gets smaller letters before it gets more lines."""
    large = fit(text, _INNER, (20.0, 13.0), 2, bold=True)
    return large if not large.lines[-1].endswith("…") else fit(text, _INNER, (13.0, 8.5), 4, bold=True)


def _code(poster: Poster, y: float, room: float) -> list[Shape]:
    modules = qr_modules(poster.url)
    frame = min(room - 4, 124.0)
    module = (frame - 4) / (len(modules) + 2 * QUIET)
    x, top = (WIDTH - frame) / 2, y + (room - frame) / 2
    inset = 2 + QUIET * module
    return [
        Box(x, top, frame, frame, BRAND, 5),
        Box(x + 2, top + 2, frame - 4, frame - 4, WHITE, 3.5),
        Code(x + inset, top + inset, module * len(modules), modules),
    ]


def _steps(y: float) -> list[Shape]:
    out: list[Shape] = []
    column = _INNER / len(STEPS)
    for number, step in enumerate(STEPS):
        x = _MARGIN + number * column
        out.append(Box(x, y + 2, 11, 11, BRAND, 2.5))
        digit = str(number + 1)
        out.append(Words(x + 5.5 - face(True).width(digit, 7) / 2, y + 10, 7, digit, True, WHITE))
        line_set = fit(step, column - 17, (6.2, 5.0), 2, bold=True)
        top = y + 7.5 - line_set.height / 2
        out += [Words(x + 13.5, base, line_set.size, line, True, INK) for line, base in _lines(line_set, top)]
    return out


def _address(poster: Poster, y: float) -> list[Shape]:
    lead = fit("Không quét được? Gõ địa chỉ này:", _INNER, (5.0, 5.0), 1, bold=False)
    address = _typed(poster.typed)
    return [
        Box(_MARGIN, y - 1, _INNER, 23, TINT, 4),
        *_centred(lead, y + 1.5, bold=False, colour=INK),
        *_centred(address, y + 8 + (13 - address.height) / 2, bold=True, colour=BRAND),
    ]


def _typed(address: str) -> Set:
    """The address; a long one breaks before its question mark only, so that nobody types a blank or a hyphen too many."""
    whole = fit(address, _INNER - 8, (8.5, 4.2), 1, bold=True)
    host, mark, query = address.partition("?")
    if whole.size > 6 or not mark:
        return whole
    parts = [host, mark + query]
    size = min(fit(part, _INNER - 8, (5.2, 3.6), 1, bold=True).size for part in parts)
    return Set(parts, size)


def _foot(poster: Poster) -> tuple[float, list[Shape]]:
    y = top = HEIGHT - _FOOT
    out: list[Shape] = []
    for text, sizes, bold in (
        (f"Cần người giúp: {poster.hotline}" if poster.hotline else "", (8.0, 5.0), True),
        (" · ".join(poster.also), (4.8, 3.6), False),
        (poster.source, (3.8, 3.2), False),
        (f"In ngày {poster.printed_on:%d/%m/%Y}", (3.8, 3.8), False),
    ):
        if text:
            line = fit(text, _INNER, sizes, 1, bold=bold)
            out += _centred(line, y, bold=bold, colour=INK if bold else MUTED)
            y += line.height + 0.8
    return top, out


def _lines(line_set: Set, top: float) -> list[tuple[str, float]]:
    """Lines with their baselines."""
    return [(line, top + (n + 0.86) * line_set.size * LINE) for n, line in enumerate(line_set.lines)]


def _centred(line_set: Set, top: float, *, bold: bool, colour: str) -> list[Shape]:
    return [
        Words((WIDTH - face(bold).width(line, line_set.size)) / 2, base, line_set.size, line, bold, colour)
        for line, base in _lines(line_set, top)
    ]
