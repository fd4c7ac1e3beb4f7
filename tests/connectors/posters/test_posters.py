"""Posters: the code says the address, letters are right, everything is on the paper and nothing overlaps."""

from __future__ import annotations

import datetime as dt
import io
import re
import unicodedata
import zlib
from itertools import pairwise
from xml.etree import ElementTree

import pytest
import segno
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from actions.feedback import instruments
from connectors.posters.contents import Office, Poster
from connectors.posters.layout import HEIGHT, QUIET, WIDTH, Box, Code, Words, shapes
from connectors.posters.pdf import pdf
from connectors.posters.svg import svg
from connectors.posters.typeset import FILES, FONTS, face, fit
from knowledge.procedure import Level, Procedure, Source
from knowledge.settings import Settings

DAY = dt.date(2026, 11, 24)
SETTINGS = Settings(
    office="Trung tâm Phục vụ hành chính công xã Tân Lập",
    hotline="1900 1234",
    commune="Xã Tân Lập",
    survey_offices=["Chi nhánh số 2"],
    zalo_oa_id="2468013579",
)
OFFICE = Office(SETTINGS, "https://motcua.example.vn", DAY, telegram="motcua_bot")
SOURCE = Source(
    name="Cổng Dịch vụ công quốc gia",
    decision="163/QĐ-BTP",
    decision_date=dt.date(2026, 1, 16),
    url="https://dichvucong.gov.vn/x",
)


def procedure(title: str = "Làm giấy khai sinh cho trẻ mới sinh") -> Procedure:
    return Procedure(
        code="1.001193", name="Đăng ký khai sinh", plain_name=title, levels=[Level.COMMUNE], sources={"dvcqg": SOURCE}
    )


LONG = "Trợ cấp một lần cho bộ đội, dân quân tham gia chiến đấu sau 30/4/1975, dưới 15 năm công tác (người còn sống)"
POLL, SERVICE = (instruments.load()[name] for name in ("poll", "service"))
POSTERS = {
    "procedure": OFFICE.procedure(procedure()),
    "long name": OFFICE.procedure(procedure(LONG)),
    "very long name": OFFICE.procedure(procedure(LONG * 5)),
    "dossiers": OFFICE.dossiers(),
    "service": OFFICE.survey(SERVICE),
    "poll of an office": OFFICE.survey(POLL, "Chi nhánh số 2"),
    "chat": OFFICE.chat(),
    "bare": Office(Settings(), "http://10.0.0.1:8000", DAY).chat(),
}
each = pytest.mark.parametrize("poster", POSTERS.values(), ids=POSTERS)


def code_of(poster: Poster) -> Code:
    (code,) = [shape for shape in shapes(poster) if isinstance(shape, Code)]
    return code


def drawn(poster: Poster, per_mm: int = 8) -> Image.Image:
    """The code with its surroundings, as ink on paper."""
    picture = Image.new("L", (int(WIDTH * per_mm), int(HEIGHT * per_mm)), 255)
    draw = ImageDraw.Draw(picture)
    code = code_of(poster)
    for row, line in enumerate(code.modules):
        for column, dark in enumerate(line):
            if dark:
                x, y = code.x + column * code.module, code.y + row * code.module
                draw.rectangle(
                    [x * per_mm, y * per_mm, (x + code.module) * per_mm - 1, (y + code.module) * per_mm - 1], fill=0
                )
    return picture


# -- the code -----------------------------------------------------------------------------------


@each
def test_the_code_is_the_one_of_the_address(poster: Poster) -> None:
    code = segno.make(poster.url, error="m", micro=False)
    assert code.error in "MQH"
    assert code_of(poster).modules == tuple(tuple(map(bool, row)) for row in code.matrix)


@each
def test_a_reader_reads_the_address_from_the_drawn_code(poster: Poster) -> None:
    zxingcpp = pytest.importorskip(
        "zxingcpp", reason="zxing-cpp is not installed; the modules are compared in any case"
    )
    assert [found.text for found in zxingcpp.read_barcodes(drawn(poster))] == [poster.url]


@each
def test_the_code_is_large_and_has_its_quiet_zone_on_white(poster: Poster) -> None:
    everything, code = shapes(poster), code_of(poster)
    assert code.side >= 50
    quiet = QUIET * code.module - 1e-6
    white = [
        box
        for box in everything
        if isinstance(box, Box) and box.colour == "#ffffff"
        and box.x <= code.x - quiet and box.y <= code.y - quiet
        and box.x + box.width >= code.x + code.side + quiet and box.y + box.height >= code.y + code.side + quiet
    ]  # fmt: skip
    assert white
    for shape in everything:
        if isinstance(shape, Words):
            assert not code.y - quiet < shape.y < code.y + code.side + quiet


def test_links_lead_to_our_own_pages() -> None:
    assert POSTERS["procedure"].url == "https://motcua.example.vn/?tt=1.001193"
    assert POSTERS["dossiers"].url == "https://motcua.example.vn/?tra=ho-so"
    assert POSTERS["service"].url == "https://motcua.example.vn/khao-sat/service"
    assert POSTERS["poll of an office"].url == "https://motcua.example.vn/khao-sat/poll?don-vi=chi-nhanh-so-2"
    assert OFFICE.survey(POLL, "Xã Tân Lập").url == "https://motcua.example.vn/khao-sat/poll"
    assert OFFICE.survey(POLL, "Phường Láng").url.endswith("?don-vi=Ph%C6%B0%E1%BB%9Dng%20L%C3%A1ng")
    assert POSTERS["chat"].url == "https://motcua.example.vn/"


# -- the words ----------------------------------------------------------------------------------


def lines_of(poster: Poster) -> list[str]:
    return [shape.text for shape in shapes(poster) if isinstance(shape, Words)]


@each
def test_all_words_are_on_the_paper_and_in_no_other_words(poster: Poster) -> None:
    words = [shape for shape in shapes(poster) if isinstance(shape, Words)]
    for line in words:
        assert line.x >= 5
        assert line.x + face(line.bold).width(line.text, line.size) <= WIDTH - 5
        assert 5 < line.y < HEIGHT - 3
    for above, below in pairwise(sorted({line.y: line for line in words}.values(), key=lambda line: line.y)):
        beside = (
            above.x + face(above.bold).width(above.text, above.size) <= below.x
            or below.x + face(below.bold).width(below.text, below.size) <= above.x
        )
        assert beside or below.y - above.y >= 0.85 * below.size, (above.text, below.text)


def test_a_poster_says_who_what_how_and_since_when() -> None:
    said = " ".join(lines_of(POSTERS["procedure"]))
    for words in (
        "Trung tâm Phục vụ hành chính công xã Tân Lập", "Làm giấy khai sinh cho trẻ mới sinh", "Đăng ký khai sinh",
        "Mở máy ảnh hoặc Zalo", "Bấm đường dẫn", "motcua.example.vn/?tt=1.001193", "1900 1234", "zalo.me/2468013579",
        "t.me/motcua_bot", "Quyết định 163/QĐ-BTP ngày 16/01/2026", "In ngày 24/11/2026",
    ):  # fmt: skip
        assert words in said


def test_the_title_can_be_read_from_afar() -> None:
    """About 3 mm of letter for each metre: capitals of 6 mm and more for two metres."""
    title = next(
        shape for shape in shapes(POSTERS["long name"]) if isinstance(shape, Words) and shape.text.startswith("Trợ cấp")
    )
    assert title.size * 0.74 >= 6


def test_a_name_that_is_too_long_is_cut_at_a_word() -> None:
    title = [shape.text for shape in shapes(POSTERS["very long name"]) if isinstance(shape, Words)]
    assert any(line.endswith("…") for line in title)


VIETNAMESE = [
    *"aàảãáạăằẳẵắặâầẩẫấậbcdđeèẻẽéẹêềểễếệfghiìỉĩíịjklmnoòỏõóọôồổỗốộơờởỡớợpqrstuùủũúụưừửữứựvwxyỳỷỹýỵz0123456789",
    *"!\"#%&'()*+,-./:;<=>?@[]_“”‘’–—…·₫°²³",
]


@pytest.mark.parametrize("bold", [False, True])
def test_the_font_has_every_vietnamese_letter(bold: bool) -> None:
    for letter in VIETNAMESE:
        for form in (letter, letter.upper()) if len(letter.upper()) == 1 else (letter,):
            assert face(bold).known(form) == form, (form, unicodedata.name(form))
            assert face(bold).known(unicodedata.normalize("NFD", form)) == form


def test_the_font_is_small_and_free() -> None:
    assert sum(path.stat().st_size for path in FONTS.iterdir()) < 300_000
    assert "SIL Open Font License, Version 1.1" in (FONTS / "OFL.txt").read_text(encoding="utf-8")
    for path in FILES.values():
        assert "OFL" in str(TTFont(path)["name"].getDebugName(14))


@given(st.text(max_size=80), st.floats(20, 180), st.integers(1, 4))
def test_any_text_is_set_within_its_lines(text: str, width: float, most: int) -> None:
    assert len(fit(text, width, (12.0, 4.0), most, bold=True).lines) <= max(most, 1)


# -- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "width", "height"), [("A4", 595.28, 841.89), ("A5", 419.53, 595.28)])
def test_a_pdf_has_a_page_each_of_the_right_size(size: str, width: float, height: float) -> None:
    document = pdf(POSTERS.values(), size)
    ((found_width, found_height),) = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", document)
    assert document.count(b"/Type /Page\n") == len(POSTERS)
    assert (float(found_width), float(found_height)) == pytest.approx((width, height), abs=0.5)
    assert b"/Lang (vi)" in document
    assert len(document) < 200_000


def unpacked(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return stream


def test_letters_of_a_pdf_are_embedded_and_can_be_copied() -> None:
    document = pdf([POSTERS["procedure"]], "A4")
    assert document.count(b"/FontFile2") == 2
    parts = [unpacked(part) for part in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", document, re.DOTALL)]
    mapped = b"".join(part for part in parts if b"beginbfchar" in part).upper()
    for letter in "ấờụ":
        assert f"<{ord(letter):04X}>".encode() in mapped


@each
def test_an_svg_is_well_formed_and_draws_the_same_code(poster: Poster) -> None:
    root = ElementTree.fromstring(svg(poster, "A5"))
    assert root.get("width") == "148mm"
    assert not root.findall(".//{*}text")
    assert poster.title in (root.findtext("{*}title") or "")
    paths = [node for node in root.findall("{*}path") if node.get("fill") == "#000000"]
    (code,) = paths
    dark = sum(int(run) for run in re.findall(r"h(\d+)v1", code.get("d") or ""))
    assert dark == sum(map(sum, code_of(poster).modules))


def test_words_from_outside_cannot_break_an_svg() -> None:
    tricky = OFFICE.procedure(procedure('Giấy <b> & "khai" \x07 ☃'))
    ElementTree.fromstring(svg(tricky, "A4"))
    assert pdf([tricky], "A4").startswith(b"%PDF")
    assert io.BytesIO(pdf([tricky], "A5")).read(4) == b"%PDF"
