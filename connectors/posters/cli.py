"""``motcua qr …``: posters with a QR code to print, for procedures, the look-up of dossiers, surveys and the chat."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal, NoReturn
from urllib.parse import urlsplit

import typer
from rich.console import Console

from actions.feedback import instruments
from actions.feedback.instruments import ANSWER, InvalidInstrumentError
from connectors.posters.contents import Office, Poster
from connectors.surveys.units import unit_named
from knowledge.catalogue import Catalogue
from knowledge.procedure import Level, Procedure
from knowledge.settings import Settings
from knowledge.text import fold

app = typer.Typer(no_args_is_help=True, help=__doc__)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Format = Literal["pdf", "svg"]
Size = Literal["A4", "A5"]
Out = Annotated[
    Path | None, typer.Option("--out", help="File (.pdf or .svg), or a folder for one file each; default: a file here.")
]
PaperSize = Annotated[Size, typer.Option("--size", help="A4 or A5.", case_sensitive=False)]
Kind = Annotated[Format | None, typer.Option("--format", help="pdf or svg; default: by the file's name, else pdf.")]
Url = Annotated[str | None, typer.Option("--url", help="Public address in place of MOTCUA_PUBLIC_URL.")]
Telegram = Annotated[str, typer.Option("--telegram", help="The Telegram bot's public name, printed as t.me/NAME.")]


@app.callback()
def _qr(context: typer.Context) -> None:
    if context.obj is None:
        context.obj = Settings()


@app.command()
def procedure(  # noqa: PLR0917 (Typer takes them by name)
    context: typer.Context,
    codes: Annotated[list[str] | None, typer.Argument(help="Procedure codes, for example 1.001193.")] = None,
    field: Annotated[
        str | None, typer.Option(help="All commune-level procedures of fields whose name has this.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All commune-level procedures.")] = False,
    to: Out = None,
    size: PaperSize = "A4",
    format: Kind = None,
    url: Url = None,
    telegram: Telegram = "",
) -> None:
    """Posters that open the assistant on a procedure."""
    if bool(codes) + bool(field) + every != 1:
        _fail("name procedure codes, or --field, or --all")
    office = _office(context.obj, url, telegram)
    catalogue = Catalogue.open(context.obj)
    chosen = _by_code(catalogue, codes) if codes else _of_communes(catalogue, field)
    if not chosen:
        _fail(
            f"no commune-level procedure of a field with {field!r} in its name" if field else "the catalogue is empty"
        )
    _write([office.procedure(one) for one in chosen], to, size, format, "thu-tuc")


@app.command()
def dossiers(  # noqa: PLR0917 (Typer takes them by name)
    context: typer.Context,
    to: Out = None,
    size: PaperSize = "A4",
    format: Kind = None,
    url: Url = None,
    telegram: Telegram = "",
) -> None:
    """A poster that opens the look-up of dossiers."""
    _write([_office(context.obj, url, telegram).dossiers()], to, size, format)


@app.command()
def survey(  # noqa: PLR0917 (Typer takes them by name)
    context: typer.Context,
    instrument: Annotated[str, typer.Argument(help="service, poll or an instrument of the installation.")],
    office: Annotated[str, typer.Option(help="The office or commune that answers are about.")] = "",
    to: Out = None,
    size: PaperSize = "A4",
    format: Kind = None,
    url: Url = None,
) -> None:
    """A poster that opens a survey."""
    settings: Settings = context.obj
    try:
        known = instruments.load(settings.home / "instruments")
    except InvalidInstrumentError as error:
        _fail(str(error))
    known.pop(ANSWER, None)
    if instrument not in known:
        _fail(f"no survey {instrument!r}: there are {', '.join(sorted(known))}")
    unit = unit_named(office, settings) if office else ""
    if unit is None:
        _fail(f"{office!r} is no commune, and not in MOTCUA_COMMUNE or MOTCUA_SURVEY_OFFICES")
    _write([_office(settings, url, name=unit).survey(known[instrument], unit)], to, size, format)


@app.command()
def chat(  # noqa: PLR0917 (Typer takes them by name)
    context: typer.Context,
    to: Out = None,
    size: PaperSize = "A4",
    format: Kind = None,
    url: Url = None,
    telegram: Telegram = "",
) -> None:
    """A poster that opens the assistant."""
    _write([_office(context.obj, url, telegram).chat()], to, size, format)


def _office(settings: Settings, url: str | None, telegram: str = "", name: str = "") -> Office:
    address = (url or settings.public_url or "").rstrip("/")
    if not address:
        _fail("no public address: set MOTCUA_PUBLIC_URL=https://… (what citizens open) or give --url")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        _fail(f"{address!r} is no address such as https://motcua.example.vn")
    return Office(settings, address, dt.date.today(), telegram.lstrip("@"), name)


def _by_code(catalogue: Catalogue, codes: list[str]) -> list[Procedure]:
    found = [(code, catalogue.get(code)) for code in codes]
    missing = [code for code, one in found if one is None]
    if missing:
        _fail(f"no procedure {', '.join(missing)} in the catalogue")
    return [one for _, one in found if one]


def _of_communes(catalogue: Catalogue, field: str | None) -> list[Procedure]:
    return [
        one
        for one in catalogue.current()
        if Level.COMMUNE in one.levels and (field is None or fold(field) in fold(one.field or ""))
    ]


def _write(posters: list[Poster], to: Path | None, size: Size, format: Format | None, many: str = "") -> None:
    from connectors.posters.pdf import pdf
    from connectors.posters.svg import svg

    suffix = to.suffix.lower() if to else ""
    kind = format or ("svg" if suffix == ".svg" else "pdf")
    single = f"{posters[0].name if len(posters) == 1 else many}.{kind}"
    one_file = to if suffix in (".svg", ".pdf") else None
    if one_file and suffix != f".{kind}":
        _fail(f"--format {kind} does not fit the file name {one_file.name}")
    if kind == "svg" and len(posters) > 1 and one_file:
        _fail("an SVG holds one poster: give a folder as --out, or a .pdf file")
    try:
        if one_file or (to is None and (kind == "pdf" or len(posters) == 1)):
            _save(one_file or Path(single), pdf(posters, size) if kind == "pdf" else svg(posters[0], size).encode())
            return
        folder = to or Path(many)
        folder.mkdir(parents=True, exist_ok=True)
        for poster in posters:
            content = pdf([poster], size) if kind == "pdf" else svg(poster, size).encode()
            _save(folder / f"{poster.name}.{kind}", content)
    except OSError as error:
        _fail(f"cannot write: {error.strerror}")


def _save(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    out.print(str(path), markup=False)


def _fail(message: str) -> NoReturn:
    err.print(f"motcua: {message}", markup=False)
    raise typer.Exit(2)
