from __future__ import annotations

import datetime as dt
import time

import pytest
import regex
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from actions.dossiers.codes import Flaw, Kind, Slip, agency_of, date_of, find_codes

steady = settings(derandomize=True, deadline=None, max_examples=300)

CODE = "H57.17.26-231114-0002"
SAMPLES = [
    "000.17.22.H56-210531-0001",
    "000.00.06.H56-231027-0361",
    "000.00.12.H62-201105-0004",
    "000.A0.01.H26-210212-9090",
    "H57.17.26-231114-0002",
    "H15.50.05.13-261008-0975",
    "G22.99.09-240114-0001",
    "G22.99-251225-020175",
    "G22.99.08-260921-896048",
]
"""The real shapes of domain.md A1."""


@pytest.mark.parametrize("code", SAMPLES)
def test_real_shapes_are_found_as_they_are(code: str) -> None:
    reading = find_codes(code)
    assert reading.codes == (code,)
    assert (reading.suggestions, reading.other, reading.problems) == ((), (), ())


@pytest.mark.parametrize(
    "text",
    [
        "h57.17.26 – 231114 – 0002",
        "H57,17,26-231114-0002",
        "h57.17.26_231114_0002",
        "H57.17.26 -231114- 0002.",
        "H57.17.26/231114/0002",
        "H57.17.26−231114‐0002",
        "H57.17.26--231114--0002",
        "H57. 17. 26 - 231114 - 0002",
        "H57.17.26-\n231114-0002",
        "Ｈ５７．１７．２６－２３１１１４－０００２",
        "H57.17.26\u00a0-\u00a0231114\u200b-0002",
        "“H57.17.26-231114-0002”",
        "(H57.17.26-231114-0002)",
        "Mã hồ sơ: H57.17.26-231114-0002",
        "mã hồ sơ:H57.17.26-231114-0002",
        "Ma ho so H57.17.26-231114-0002",
        "MHS H57.17.26-231114-0002",
        "mhs:h57.17.26-231114-0002",
        "mhsh57.17.26-231114-0002",
        "sốH57.17.26-231114-0002",
        "số hồ sơ 'H57.17.26-231114-0002'",
        "số biên nhận H57.17.26-231114-0002",
        "so bien nhan:h57.17.26-231114-0002",
        "biên nhậnH57.17.26-231114-0002",
        "cho em hỏi hồ sơ ạ,H57.17.26-231114-0002",
        "Chào em.H57.17.26-231114-0002 ạ",
        "Em nộp năm 2024. H57.17.26-231114-0002 tới đâu rồi",
        "H57.17.26-231114-0002ạ",
        "H57.17.26-231114-0002 luôn",
        "H57.17.26-231114-0002nhe",
        "tra giúp H57.17.26-231114-0002, cccd 079203001234",
        "https://example.vn/tra-cuu?ma=H57.17.26-231114-0002&lang=vi",
        "a" * 4_000 + " H57.17.26-231114-0002 " + "b" * 4_000,
    ],
)
def test_vectors_accepted(text: str) -> None:
    reading = find_codes(text)
    assert reading.codes == (CODE,)
    assert not reading.suggestions
    assert not reading.problems


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("079203001234", Kind.IDENTITY),
        ("cccd 0792 0300 1234", Kind.IDENTITY),
        ("cmnd 023456789", Kind.IDENTITY),
        ("0912345678", Kind.PHONE),
        ("+84 912 345 678", Kind.PHONE),
        ("02838123456", Kind.PHONE),
        ("H57, 0912015678", Kind.PHONE),
        ("1.002835", Kind.PROCEDURE_CODE),
        ("2.000635", Kind.PROCEDURE_CODE),
        ("1.002835.000.00.00.H56", Kind.PROCEDURE_CODE),
        ("1.012753.H19", Kind.PROCEDURE_CODE),
        ("G22.99.3-241219795252", Kind.PAYMENT),
        ("03706/2026/07906", Kind.INSURANCE_FILE),
        ("KQ.G15.000031", Kind.RESULT),
        ("KQ-H56.0000017", Kind.RESULT),
        ("H15-KQ000200", Kind.RESULT),
        ("f47ac10b-58cc-4372-a567-0e02b2c3d479", Kind.PORTAL_ID),
    ],
)
def test_vectors_that_are_something_else(text: str, kind: Kind) -> None:
    reading = find_codes(text)
    assert [item.kind for item in reading.other] == [kind]
    assert (reading.codes, reading.suggestions, reading.problems) == ((), (), ())


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("H57.17.26-231314-0002", Flaw.IMPOSSIBLE_DATE),
        ("H57.17.26-230230-0002", Flaw.IMPOSSIBLE_DATE),
        ("12-231114-0002", Flaw.NO_AGENCY),
        ("H57.17.26-231114", Flaw.INCOMPLETE),
        ("H57.17.26-231114-02", Flaw.INCOMPLETE),
        ("hát năm bảy chấm mười bảy chấm hai sáu", Flaw.SPELT_OUT),
        ("hat nam bay cham muoi bay gach hai ba", Flaw.SPELT_OUT),
    ],
)
def test_what_is_wrong_with_it_is_told(text: str, flaw: Flaw) -> None:
    reading = find_codes(text)
    assert [problem.flaw for problem in reading.problems] == [flaw]
    assert reading.codes == ()


@pytest.mark.parametrize(
    ("text", "slips"),
    [
        ("H57.17.262311140002", {Slip.LOST_DASH}),
        ("H57.17.26 231114 0002", {Slip.LOST_DASH}),
        ("H57.17.26.231114.0002", {Slip.LOST_DASH}),
        ("H57 17 26-231114-0002", {Slip.LOST_DOT}),
        ("H57 17 26 231114 0002", {Slip.LOST_DASH, Slip.LOST_DOT}),
        ("H57.17.26-2311140002", {Slip.LOST_DASH}),
        ("H57.17.26231114-0002", {Slip.LOST_DASH}),
        ("H57.17.26-23III4-0002", {Slip.LETTER_FOR_DIGIT}),
        ("h57.l7.26-23lll4-ooo2", {Slip.LETTER_FOR_DIGIT}),
        ("H57.17.26-231114-OOO2", {Slip.LETTER_FOR_DIGIT}),
        ("H57.17.26-231114-000Z", set()),
        ("H57.17.26-20231114-0002", {Slip.LONG_DATE}),
        ("H57.17.26-14112023-0002", {Slip.LONG_DATE}),
        ("mã hồ sơ H57.17.26 2023lll4 OOO2 ạ", {Slip.LONG_DATE, Slip.LETTER_FOR_DIGIT, Slip.LOST_DASH}),
    ],
)
def test_a_slip_is_offered_and_never_applied(text: str, slips: set[Slip]) -> None:
    reading = find_codes(text)
    assert CODE not in reading.codes
    assert [item.proposed for item in reading.suggestions] == ([CODE] if slips else [])
    assert all(set(item.slips) == slips and item.original in text for item in reading.suggestions)


def test_two_likely_readings_are_both_offered() -> None:
    proposed = [item.proposed for item in find_codes("H57.20100101-0002").suggestions]
    assert proposed == ["H57-100101-0002", "H57.20-100101-0002"]


def test_a_letter_in_the_agency_is_kept_and_questioned() -> None:
    reading = find_codes("H57.O7.26-231114-0002")
    assert reading.codes == ("H57.O7.26-231114-0002",)
    assert [item.proposed for item in reading.suggestions] == ["H57.07.26-231114-0002"]
    assert find_codes("000.A0.01.H26-210212-9090").suggestions == ()


def test_several_codes_in_one_message() -> None:
    text = "1. H57.17.26-231114-0002\n2.000.A0.01.H26-210212-9090; và h57.17.26-231114-0002/G22.99-251225-020175"
    assert find_codes(text).codes == (CODE, "000.A0.01.H26-210212-9090", "G22.99-251225-020175")


def test_everything_in_one_message() -> None:
    text = (
        "Em làm thủ tục 1.002835, mã H57.17.26-231114-0002 và H57.17.26-231115-OOO3, số cccd 079203001234, "
        "đt 0912 345 678, tiền G22.99.3-241219795252, còn H57.17.26-231399-0001 thì sao"
    )
    reading = find_codes(text)
    assert reading.codes == (CODE,)
    assert [item.proposed for item in reading.suggestions] == ["H57.17.26-231115-0003"]
    assert [item.kind for item in reading.other] == [Kind.PROCEDURE_CODE, Kind.IDENTITY, Kind.PHONE, Kind.PAYMENT]
    assert [problem.flaw for problem in reading.problems] == [Flaw.IMPOSSIBLE_DATE]


def test_no_number_of_a_person_is_kept() -> None:
    reading = find_codes("079203001234, 0912345678, 023456789, 03706/2026/07906")
    assert {item.kind for item in reading.other} == {Kind.IDENTITY, Kind.PHONE, Kind.INSURANCE_FILE}
    assert not any(digits in repr(reading) for digits in ("079203001234", "0912345678", "023456789", "07906"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "123",
        "nghị định 123/2015/NĐ-CP ngày 15/11/2015",
        "phí 150.000.000 đồng",
        "24/11/2026",
        "1900 1009",
        "H57",
    ],
)
def test_ordinary_texts_hold_nothing(text: str) -> None:
    reading = find_codes(text)
    assert (reading.codes, reading.suggestions, reading.other, reading.problems) == ((), (), (), ())


def test_a_system_may_have_codes_of_its_own() -> None:
    pattern = r"TTHC\d{8}/[A-Z]{2}"
    assert find_codes("hồ sơ tthc20231114/hn ạ", [pattern]).codes == ("TTHC20231114/HN",)
    assert find_codes("hồ sơ tthc20231114/hn ạ").codes == ()
    both = find_codes(f"{CODE} với TTHC20231114/HN", [pattern])
    assert both.codes == (CODE, "TTHC20231114/HN")
    assert find_codes("12-231114-0002", [r"\d{2}-\d{6}-\d{4}"]).codes == ("12-231114-0002",)
    assert find_codes(CODE, [r"\d{6}-\d{4}"]).codes == (CODE,), "no own pattern bites into a longer number"
    with pytest.raises(regex.error):
        find_codes("x", ["("])


def test_a_bad_pattern_of_a_system_holds_nobody_up() -> None:
    started = time.perf_counter()
    reading = find_codes(f"{'A' * 40}! {CODE}", [r"(A+)+B"])
    assert time.perf_counter() - started < 1
    assert reading.codes == (CODE,)


@pytest.mark.parametrize(
    ("code", "agency", "day"),
    [
        (CODE, "H57.17.26", dt.date(2023, 11, 14)),
        ("000.A0.01.H26-210212-9090", "000.A0.01.H26", dt.date(2021, 2, 12)),
        ("TTHC20231114/HN", None, None),
        ("H57-999999-0001", None, None),
        ("", None, None),
    ],
)
def test_parts_of_a_code(code: str, agency: str | None, day: dt.date | None) -> None:
    assert agency_of(code) == agency
    assert date_of(code) == day


@pytest.mark.parametrize(
    "piece",
    ["0-", "0-0", "H57.", "H57-", "1.H1.", "0 ", "H57.17.26 ", ".", " ", "H57 23 ", "A.A,", "MA SO ", "hai cham ",
     "000.00.17.H57-", "0", "H57   .   ", "H57 -   231114", "ẵ", "0912345678 ", "H57,23111O ", f"{CODE} ",
     "1.002835.00"],
)  # fmt: skip
def test_no_text_takes_long(piece: str) -> None:
    text = (piece * 10_000)[:10_000]
    find_codes(text)
    times = []
    for _ in range(3):
        started = time.process_time()
        find_codes(text)
        times.append(time.process_time() - started)
    assert min(times) < 0.05


# --- properties ---

pairs = st.from_regex(r"[0-9]{2}", fullmatch=True)
heads = st.from_regex(r"[GH][0-9]{2}", fullmatch=True)
new_order = st.tuples(heads, st.lists(pairs, max_size=3)).map(lambda t: ".".join([t[0], *t[1]]))
old_order = st.tuples(pairs, pairs, heads).map(lambda t: ".".join(["000", *t]))
dates = st.dates(dt.date(2010, 1, 1), dt.date(2039, 12, 31)).map(lambda day: f"{day:%y%m%d}")
serials = st.from_regex(r"[0-9]{4,7}", fullmatch=True)
codes = st.tuples(st.one_of(new_order, old_order), dates, serials)

USUAL_WORDS = [
    "cho",
    "em",
    "hỏi",
    "hồ sơ",
    "tôi",
    "ạ",
    "ơi.",
    "nhé,",
    "mã",
    "(gấp)",
    "1.",
    "2)",
    "năm",
    "2024.",
    "15/11",
]
odd_words = st.text(st.characters(categories=("L", "P", "S"), exclude_characters="-_/.,"), max_size=8)
words = st.lists(st.one_of(st.sampled_from(USUAL_WORDS), odd_words), max_size=6).map(" ".join)


@steady
@given(
    codes,
    st.sampled_from(["-", " - ", "–", " — ", "_", "/", "−", "- ", "‑"]),
    st.sampled_from([".", ",", ". ", " ."]),
    st.booleans(),
    st.tuples(
        st.sampled_from(["", "mã hồ sơ ", "MHS:", "mhs", "Số biên nhận: ", "so ho so ", '"', "(", "ma ho so:"]),
        st.sampled_from(["", ".", '"', ")", " ạ", "?", "ạ", "\n"]),
    ),
)
def test_every_spelling_gives_the_code(
    code: tuple[str, str, str], dash: str, dot: str, lower: bool, around: tuple[str, str]
) -> None:
    agency, date, serial = code
    typed = around[0] + dash.join([agency.replace(".", dot), date, serial]) + around[1]
    reading = find_codes(typed.lower() if lower else typed)
    assert reading.codes == (f"{agency}-{date}-{serial}",)
    assert not reading.suggestions


@steady
@given(codes, words, words)
def test_a_code_is_found_among_any_words(code: tuple[str, str, str], before: str, after: str) -> None:
    assert "-".join(code) in find_codes(f"{before} {'-'.join(code)} {after}").codes


@steady
@given(codes, st.sampled_from("OoIlL"), st.data())
def test_letters_for_digits_are_offered(code: tuple[str, str, str], letter: str, data: st.DataObject) -> None:
    agency, date, serial = code
    tail = f"{date}-{serial}"
    digit = {"o": "0"}.get(letter.lower(), "1")
    places = [n for n, char in enumerate(tail) if char == digit]
    assume(places)
    at = data.draw(st.sampled_from(places))
    reading = find_codes(f"{agency}-{tail[:at]}{letter}{tail[at + 1 :]}")
    assert f"{agency}-{tail}" not in reading.codes
    assert f"{agency}-{tail}" in [item.proposed for item in reading.suggestions]


@steady
@given(
    codes, st.sampled_from([("", "-"), ("-", ""), ("", ""), (" ", " "), (" ", "-"), ("-", " "), (".", "."), (".", "-")])
)
def test_lost_dashes_are_offered(code: tuple[str, str, str], gaps: tuple[str, str]) -> None:
    agency, date, serial = code
    assume(not (agency.startswith("G22") and len(serial) == 6))  # may be a payment number
    reading = find_codes(f"{agency}{gaps[0]}{date}{gaps[1]}{serial}")
    assert f"{agency}-{date}-{serial}" not in reading.codes
    assert f"{agency}-{date}-{serial}" in [item.proposed for item in reading.suggestions]


@steady
@given(codes)
def test_long_dates_are_offered(code: tuple[str, str, str]) -> None:
    agency, date, serial = code
    reading = find_codes(f"{agency}-20{date}-{serial}")
    assert reading.codes == ()
    assert f"{agency}-{date}-{serial}" in [item.proposed for item in reading.suggestions]


@steady
@given(st.text(max_size=400))
def test_no_text_does_harm(text: str) -> None:
    find_codes(text)


@steady
@given(st.text("0123456789GHhOoIl.,-_/ –\n", max_size=200))
def test_no_digit_soup_does_harm(text: str) -> None:
    reading = find_codes(text)
    for code in reading.codes:
        assert agency_of(code)
        assert date_of(code)
        assert find_codes(code).codes == (code,), "what is found is found again as it is"
    assert len(set(reading.codes)) == len(reading.codes)
    assert not {item.proposed for item in reading.suggestions} & set(reading.codes)
