"""What is asked back: on small made-up lists of procedures, and on the starter catalogue."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from knowledge.search.clarify import ELSEWHERE, MAX_LABEL, Clarification, clarification, essence, short
from knowledge.search.engine import SearchEngine
from knowledge.search.index import Card
from knowledge.search.variants import VariantTable

GENERAL = "Anh/chị muốn hỏi việc nào sau đây?"


def card(
    code: str, name: str, levels: Sequence[str] = ("commune",), province: str = "", promulgator: str = "Bộ A"
) -> Card:
    return Card(code, name, name, "", list(levels), province, promulgator, has_details=True, asked=0)


def ask(cards: Sequence[Card], probabilities: Sequence[float] | None = None, question: str = "") -> Clarification:
    table = VariantTable([c.title for c in cards])
    return clarification(cards, range(len(cards)), table, probabilities, question)


def labels(found: Clarification) -> list[str]:
    return [option.label for option in found.options]


def test_the_marker_that_divides_twins_is_asked_for() -> None:
    twins = [card("1", "Đăng ký kết hôn"), card("2", "Đăng ký kết hôn có yếu tố nước ngoài")]
    assert "nước ngoài" in ask(twins, [0.6, 0.4]).question
    again = [card("1", "Cấp thẻ hướng dẫn viên"), card("2", "Cấp lại thẻ hướng dẫn viên")]
    assert "lần đầu" in ask(again, [0.5, 0.5]).question


def test_what_the_question_mentions_is_not_asked_again() -> None:
    twins = [card("1", "Đăng ký kết hôn"), card("2", "Đăng ký kết hôn có yếu tố nước ngoài")]
    assert "nước ngoài không" not in ask(twins, [0.6, 0.4], "kết hôn với người nước ngoài").question


def test_a_marker_between_unlike_procedures_is_not_the_question() -> None:
    unlike = [card("1", "Đăng ký xe mô tô"), card("2", "Công nhận bằng đại học nước ngoài")]
    assert ask(unlike, [0.5, 0.5]).question == GENERAL


def test_the_marker_that_settles_more_of_the_probability_wins() -> None:
    cards = [
        card("1", "Đăng ký khai sinh"),
        card("2", "Đăng ký khai sinh có yếu tố nước ngoài"),
        card("3", "Đăng ký khai sinh lưu động"),
    ]
    assert "nước ngoài" in ask(cards, [0.48, 0.48, 0.04]).question
    assert "lưu động" in ask(cards, [0.48, 0.04, 0.48]).question


def test_no_single_marker_leaves_the_case_or_the_general_question() -> None:
    cards = [
        card("1", "Đăng ký khai sinh"),
        card("2", "Đăng ký khai sinh có yếu tố nước ngoài"),
        card("3", "Đăng ký khai sinh lưu động"),
    ]
    found = ask(cards, [0.34, 0.33, 0.33])
    assert found.question == "Về việc “đăng ký khai sinh”, anh/chị thuộc trường hợp nào?"
    assert labels(found) == ["Trường hợp thông thường", "Có yếu tố nước ngoài", "Lưu động"]
    unlike = [card("1", "Tách thửa đất"), card("2", "Cấp giấy phép xây dựng"), card("3", "Đăng ký tạm trú")]
    assert ask(unlike).question == GENERAL


def test_one_procedure_of_several_provinces_asks_for_the_province() -> None:
    records = [
        card("1", "Hỗ trợ học phí cho học sinh trên địa bàn tỉnh Đắk Lắk", province="Đắk Lắk"),
        card("2", "Thủ tục hỗ trợ học phí cho học sinh"),
        card("3", "Hỗ trợ học phí cho học sinh", province="Huế"),
    ]
    found = ask(records)
    assert "tỉnh nào" in found.question
    assert [(o.code, o.label) for o in found.options] == [("2", ELSEWHERE), ("1", "Đắk Lắk"), ("3", "Huế")]


def test_a_province_that_was_named_leaves_the_others_out() -> None:
    records = [card("1", "Giao đất"), card("2", "Giao đất", province="Huế"), card("3", "Giao đất", province="Lào Cai")]
    assert labels(ask(records, question="giao đất ở Yên Bái")) == ["Riêng của Lào Cai", "Chung cả nước"]


def test_records_of_one_province_are_told_apart_by_the_level() -> None:
    records = [
        card("1", "Giao đất", ["province"], "Đắk Lắk"),
        card("2", "Giao đất", ["commune"], "Đắk Lắk"),
        card("3", "Giao đất", ["province"]),
    ]
    assert labels(ask(records)) == [ELSEWHERE, "Đắk Lắk (ở cấp tỉnh)", "Đắk Lắk (ở xã, phường)"]


def test_one_procedure_at_several_levels_asks_where() -> None:
    records = [
        card("1", "Đổi thẻ"),
        card("2", "Đổi thẻ (thực hiện tại cấp tỉnh)", ["province"]),
        card("3", "Làm hộ chiếu"),
    ]
    found = ask(records, [0.6, 0.38, 0.02])
    assert found.question == "Việc “Đổi thẻ” làm được ở nhiều cấp. Anh/chị muốn nộp ở đâu?"
    assert labels(found) == ["Ở xã, phường", "Ở cấp tỉnh"]
    assert ask(records, [0.4, 0.3, 0.3]).question == GENERAL  # the third may be meant just as well


def test_names_that_say_the_same_are_told_apart_by_the_authority_or_the_code() -> None:
    same = [card("1", "Cấp thẻ"), card("2", "Cấp thẻ", promulgator="Bộ B"), card("3", "Tách thửa đất")]
    assert labels(ask(same, [0.4, 0.3, 0.3])) == ["Cấp thẻ (Bộ A)", "Cấp thẻ (Bộ B)", "Tách thửa đất"]
    copies = [card("1", "Cấp thẻ"), card("2", "Cấp thẻ"), card("3", "Tách thửa đất")]
    assert len(set(labels(ask(copies)))) == 3


@pytest.mark.parametrize(
    ("official", "label"),
    [
        ("Thủ tục cấp bản sao trích lục hộ tịch", "Cấp bản sao trích lục hộ tịch"),
        ("Hỗ trợ chi phí mai táng theo quy định tại Nghị định số 20/2021/NĐ-CP", "Hỗ trợ chi phí mai táng"),
        ("Hưởng trợ cấp (theo Nghị quyết số 12/2024/NQ-HĐND)", "Hưởng trợ cấp"),
        ("Đăng ký hộ tịch theo bản án, quyết định của tòa án", "Đăng ký hộ tịch theo bản án, quyết định của tòa án"),
        ("Cấp giấy phép môi trường ( 1.010727 )", "Cấp giấy phép môi trường"),
    ],
)
def test_official_names_are_shortened(official: str, label: str) -> None:
    assert short(official) == label


def test_long_names_end_with_a_whole_word_and_keep_what_differs() -> None:
    beginning = "Đề nghị thay đổi địa điểm sinh hoạt tập trung của người nước ngoài cư trú hợp pháp tại Việt Nam"
    one, two = f"{beginning} trong địa bàn một tỉnh", f"{beginning} đến địa bàn tỉnh khác"
    assert short(one).removesuffix("…") in one
    assert one[len(short(one)) - 1] == " "
    found = labels(ask([card("1", one), card("2", two), card("3", "Tách thửa đất")]))
    assert found[0].endswith("trong địa bàn một tỉnh")
    assert found[1].endswith("đến địa bàn tỉnh khác")
    assert all(len(label) <= MAX_LABEL for label in found)


def test_a_provinces_own_procedure_is_called_so() -> None:
    found = ask([card("1", "Tách thửa đất"), card("2", "Hỗ trợ tiền ăn trưa cho trẻ", province="Huế")])
    assert labels(found) == ["Tách thửa đất", "Hỗ trợ tiền ăn trưa cho trẻ (Huế)"]


def test_nothing_is_offered_twice_and_no_more_than_five() -> None:
    cards = [card(str(i), f"Việc số {word}") for i, word in enumerate(["một", "hai", "ba", "bốn", "năm", "sáu"])]
    found = clarification(cards, [0, 0, 1, 2, 3, 4, 5], VariantTable([c.title for c in cards]))
    assert [option.code for option in found.options] == ["0", "1", "2", "3", "4"]


def test_what_says_where_is_no_part_of_the_essence() -> None:
    assert essence(card("1", "Tách thửa hoặc hợp thửa đất.")) == essence(
        card("2", "Tách thửa, hợp thửa đất", province="Huế")
    )
    assert essence(card("1", "Tách thửa đất")) != essence(card("2", "Hợp thửa đất"))


@pytest.mark.parametrize(
    "question", ["thủ tục đất đai", "đăng ký xe", "giấy phép xây dựng", "cấp lại", "căn cước", "hỗ trợ"]
)
def test_the_starter_catalogue_gives_two_to_five_different_options(starter_engine: SearchEngine, question: str) -> None:
    found = starter_engine._clarify(starter_engine.ranker.rank(question), question)
    assert 2 <= len(found.options) <= 5
    assert len(set(labels(found))) == len({option.code for option in found.options}) == len(found.options)
    assert found.question.endswith("?")
    assert not any("Thủ tục" in label for label in labels(found))
