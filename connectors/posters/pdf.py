"""Posters as PDF, one a page, with the letters that they use embedded."""

from __future__ import annotations

from collections.abc import Iterable

from fpdf import FPDF

from connectors.posters.contents import Poster
from connectors.posters.layout import SIZES, WIDTH, Box, Code, Shape, Words, shapes
from connectors.posters.svg import runs
from connectors.posters.typeset import FILES, face

_FAMILY = "Be Vietnam Pro"
_MM_PER_POINT = 25.4 / 72


def pdf(posters: Iterable[Poster], size: str) -> bytes:
    """The document.

    Args:
        posters: what the pages say, at least one.
        size: a key of :data:`~connectors.posters.layout.SIZES`.
    """
    paper = SIZES[size]
    scale = paper[0] / WIDTH
    document = FPDF(unit="mm", format=paper)
    document.set_auto_page_break(False)
    document.set_lang("vi")
    document.set_creator("motcua")
    for bold, path in FILES.items():
        document.add_font(_FAMILY, "B" if bold else "", path)
    titles = []
    for poster in posters:
        document.add_page()
        titles.append(poster.title)
        for shape in shapes(poster):
            _draw(document, shape, scale)
    document.set_title(titles[0] if len(titles) == 1 else f"{len(titles)} tờ dán có mã QR")
    return bytes(document.output())


def _draw(document: FPDF, shape: Shape, scale: float) -> None:
    match shape:
        case Box(x, y, width, height, colour, radius):
            document.set_fill_color(colour)
            corners = {"round_corners": True, "corner_radius": radius * scale} if radius else {}
            document.rect(x * scale, y * scale, width * scale, height * scale, style="F", **corners)
        case Words(x, y, size, text, bold, colour):
            document.set_font(_FAMILY, "B" if bold else "", size * scale / _MM_PER_POINT)
            document.set_text_color(colour)
            document.text(x * scale, y * scale, face(bold).known(text))
        case Code(x, y, _, modules):
            document.set_fill_color("#000000")
            step = shape.module * scale
            for row, start, end in runs(modules):
                document.rect(x * scale + start * step, y * scale + row * step, (end - start) * step, step, style="F")
