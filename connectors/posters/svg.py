"""Posters as SVG: letters are outlines, so that every program and print shop shows them alike."""

from __future__ import annotations

from html import escape

from connectors.posters.contents import Poster
from connectors.posters.layout import SIZES, WIDTH, Box, Code, Shape, Words, shapes
from connectors.posters.typeset import face


def svg(poster: Poster, size: str) -> str:
    """The document.

    Args:
        poster: what it says.
        size: a key of :data:`~connectors.posters.layout.SIZES`.
    """
    width, height = SIZES[size]
    room = height * WIDTH / width
    described = " ".join(
        part for part in (poster.office, poster.promise, poster.typed, poster.hotline, poster.source) if part
    )
    body = "\n".join(_drawn(shape) for shape in shapes(poster))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" '
        f'viewBox="0 0 {WIDTH:g} {room:.3f}" role="img" lang="vi" aria-labelledby="title desc">\n'
        f'<title id="title">{_readable(poster.title)}</title>\n<desc id="desc">{_readable(described)}</desc>\n'
        f'<rect width="{WIDTH:g}" height="{room:.3f}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _readable(text: str) -> str:
    return escape("".join(c for c in text if c.isprintable()))


def _drawn(shape: Shape) -> str:
    match shape:
        case Box(x, y, width, height, colour, radius):
            return f'<rect x="{x:.3f}" y="{y:.3f}" width="{width:.3f}" height="{height:.3f}" rx="{radius:.3f}" fill="{colour}"/>'
        case Words(x, y, size, text, bold, colour):
            return f'<path fill="{colour}" d="{face(bold).outline(text, x, y, size)}"/>'
        case Code(x, y, _, modules):
            where = f"translate({x:.4f} {y:.4f}) scale({shape.module:.6f})"
            return f'<path fill="#000000" shape-rendering="crispEdges" transform="{where}" d="{_runs(modules)}"/>'


def _runs(modules: tuple[tuple[bool, ...], ...]) -> str:
    """Path data of the dark modules, neighbours in a row as one."""
    return "".join(f"M{start} {row}h{end - start}v1h-{end - start}z" for row, start, end in runs(modules))


def runs(modules: tuple[tuple[bool, ...], ...]) -> list[tuple[int, int, int]]:
    """Dark runs as row, first column and the column after the last."""
    out = []
    for row, line in enumerate(modules):
        column = 0
        while column < len(line):
            start = column
            while column < len(line) and line[column]:
                column += 1
            if column > start:
                out.append((row, start, column))
            column += 1
    return out
