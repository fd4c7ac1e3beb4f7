"""Instruments: the shipped ones, what a file must be, and which items apply."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from actions.feedback.instruments import ANSWER, POLL, SERVICE, SHIPPED, InvalidInstrumentError, load

ALL = load()


def changed(tmp_path: Path, name: str, **changes: object) -> Path:
    content = yaml.safe_load((SHIPPED / f"{name}.yml").read_text(encoding="utf-8")) | changes
    (tmp_path / f"{name}.yml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return tmp_path


def test_the_shipped_ones_are_what_the_law_and_the_surveys_ask() -> None:
    assert set(ALL) == {ANSWER, SERVICE, POLL}
    assert [item.index for item in ALL[SERVICE].items if item.index] == [3, 4, 6, 7, 10, 11]
    assert all(
        [o.value for o in ALL[SERVICE].scales[i.scale].options] == [2, 1, 0] for i in ALL[SERVICE].items if i.scale
    )
    sizes = {f.id: sum(i.factor == f.id for i in ALL[POLL].items) for f in ALL[POLL].factors}
    assert sizes == {"access": 3, "procedures": 4, "officers": 3, "result": 3, "petitions": 3}
    assert [o.value for o in ALL[POLL].scales["level"].options] == [1, 2, 3, 4, 5], "a typed number is the level"
    assert "SIPAS" not in (ALL[POLL].title + ALL[POLL].intro)


@pytest.mark.parametrize(
    ("points", "label"),
    [(18, "Xuất sắc"), (15, "Xuất sắc"), (14.99, "Tốt"), (12, "Tốt"), (11.9, "Khá"), (9, "Khá"), (8.9, "Trung bình"),
     (6, "Trung bình"), (5.99, "Yếu"), (0, "Yếu")],
)  # fmt: skip
def test_classes_have_no_hole(points: float, label: str) -> None:
    assert ALL[SERVICE].grade(points) == label


def test_items_follow_from_earlier_answers() -> None:
    assert [i.id for i in ALL[ANSWER].asked({"useful": 1})] == ["useful"]
    assert [i.id for i in ALL[ANSWER].asked({"useful": 0})] == ["useful", "reason", "comment"]
    assert [i.id for i in ALL[SERVICE].asked({"overall": 0})][-1] == "reason"
    assert [i.id for i in ALL[SERVICE].asked({"overall": 2})][-1] == "comment"
    chat = ALL[POLL].asked({}, short=True)
    assert [i.factor for i in chat] == ["access", "procedures", "officers", "result", "petitions", None]
    assert len(ALL[SERVICE].asked({}, short=True)) == len(ALL[SERVICE].asked({})), "no short form: all are asked"


def test_satisfied_by_the_headline_else_by_most() -> None:
    service, poll = ALL[SERVICE], ALL[POLL]
    assert [service.satisfied({"overall": value}) for value in (2, 1, 0)] == [True, True, False]
    assert service.satisfied({"contacts": 2}) is None
    assert poll.satisfied({"signs": 5, "seats": 1}) is True
    assert poll.satisfied({"signs": 2, "seats": 3}) is False
    assert poll.satisfied({"signs": 3}) is None


def test_an_office_replaces_an_instrument_by_its_own(tmp_path: Path) -> None:
    mine = load(changed(tmp_path, "answer", version=2, title="Của phường"))
    assert (mine[ANSWER].version, mine[ANSWER].title) == (2, "Của phường")
    assert mine[POLL] == ALL[POLL]
    assert load(tmp_path / "nothing-here") == ALL


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 0}, "version"),
        ({"colour": "red"}, "colour"),
        ({"items": []}, "items"),
        ({"items": [{"id": "useful", "ask": "?", "scale": "unknown"}]}, "no scale unknown"),
        ({"items": [{"id": "useful", "ask": "?"}]}, "either a scale or free words"),
        (
            {"items": [{"id": "a", "ask": "?", "free": True}, {"id": "b", "ask": "?", "scale": "useful"}]},
            "free words come last",
        ),
        ({"items": [{"id": "a", "ask": "?", "free": True, "when": {"b": [1]}}]}, "depends on b"),
        ({"items": [{"id": "a", "ask": "?", "scale": "useful"}] * 2}, "twice"),
        ({"classes": [{"at_least": 1, "label": "x"}]}, "down to 0"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidInstrumentError, match=r"^answer\.yml: ") as error:
        load(changed(tmp_path, "answer", **changes))
    assert reason in str(error.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a: [", b"- 1", b""])
def test_a_file_that_is_no_yaml_mapping(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.yml").write_bytes(content)
    with pytest.raises(InvalidInstrumentError, match=r"^x\.yml: "):
        load(tmp_path)


def test_answers_are_checked() -> None:
    assert ALL[ANSWER].checked({"useful": "1", "reason": ""}) == {"useful": 1}
    for wrong in ({"useful": 5}, {"nope": 1}, {"comment": "x"}):
        with pytest.raises(ValueError):
            ALL[ANSWER].checked(wrong)
