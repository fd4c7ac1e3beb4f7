"""Thirty dialogues on the web, on Zalo and on Telegram: the real app, the real Rasa, the same content on each channel."""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap
from typing import Any

import pytest

from tests.channels.installation import Installation
from tests.channels.people import PEOPLE, Heard, OnTelegram, OnTheWeb, OnZalo, Person

pytestmark = pytest.mark.rasa

_LINES = Path(__file__).with_name("dialogues.jsonl").read_text(encoding="utf-8").splitlines()
DIALOGUES: dict[str, dict[str, Any]] = {dialogue["id"]: dialogue for dialogue in map(json.loads, _LINES)}
_AT_ONCE = 4
_COLUMN = 62

Talks = dict[tuple[str, str], Future[list[Heard]]]


def talk(person: Person, dialogue: dict[str, Any]) -> list[Heard]:
    return [person.say(turn["say"]) if "say" in turn else person.tap(turn["tap"]) for turn in dialogue["turns"]]


@pytest.fixture(scope="module")
def talks(everywhere: Installation) -> Talks:
    """All dialogues on all channels, several at a time."""
    with ThreadPoolExecutor(_AT_ONCE) as people:
        return {
            (name, kind.channel): people.submit(_talked, kind, number, everywhere, dialogue)
            for name, dialogue in DIALOGUES.items()
            for number, kind in enumerate(PEOPLE, start=1)
        }


def _talked(kind: type[Person], number: int, everywhere: Installation, dialogue: dict[str, Any]) -> list[Heard]:
    # A dossier is surveyed once, so each channel has one of its own (dossiers.json).
    own = {"finished": f"H57.17.26-261113-{9000 + number}", "digits": str(9000 + number)}
    return talk(kind(everywhere, own), dialogue)


def test_there_are_thirty() -> None:
    assert len(DIALOGUES) == 30


@pytest.mark.parametrize("name", DIALOGUES)
def test_each_turn_gets_the_right_kind_of_answer(name: str, talks: Talks) -> None:
    for turn, heard in zip(DIALOGUES[name]["turns"], talks[name, "web"].result(), strict=True):
        assert heard.statuses == turn["status"], heard.text
        assert "tra cứu nhanh" not in heard.text, "answered without Rasa"
        if code := turn.get("procedure"):
            assert heard.procedures[-1] == code, heard.text


@pytest.mark.parametrize("channel", ["zalo", "telegram"])
@pytest.mark.parametrize("name", DIALOGUES)
def test_the_content_is_the_same(name: str, channel: str, talks: Talks) -> None:
    turns = zip(DIALOGUES[name]["turns"], talks[name, "web"].result(), talks[name, channel].result(), strict=True)
    for turn, web, other in turns:
        said = turn.get("say") or f"[{turn['tap']}]"
        assert other.content == web.content, f"after “{said}”:\n{side_by_side(web, other, channel)}"
        assert other.statuses == web.statuses, said
        assert other.procedures == web.procedures, said
        assert other.offers(web.options), f"after “{said}”: {web.options} on the web, {other.options} on {channel}"


def side_by_side(web: Heard, other: Heard, channel: str) -> str:
    """Both texts in columns; lines that differ are marked."""
    columns = [wrap(heard.content, _COLUMN) for heard in (web, other)]
    rows = zip_longest(["web", *columns[0]], [channel, *columns[1]], fillvalue="")
    return "\n".join(f"{left:{_COLUMN}} {'|' if left == right else '≠'} {right}" for left, right in rows)


FOUR_QUESTIONS = [
    "đăng ký kết hôn cần giấy tờ gì",
    "đăng ký kết hôn mất mấy ngày",
    "đăng ký kết hôn nộp ở đâu",
    "đăng ký kết hôn có nộp online được không",
]


@pytest.mark.parametrize("kind", [OnZalo, OnTelegram])
def test_only_where_no_page_has_buttons_for_it_is_a_rating_asked_in_between(
    kind: type[Person], everywhere: Installation
) -> None:
    """The one difference in what is asked: the widget shows “useful or not” under every answer."""
    on_the_web, person = OnTheWeb(everywhere, {}), kind(everywhere, {})
    for question in FOUR_QUESTIONS:
        web, other = on_the_web.say(question), person.say(question)
    assert web.statuses == ["answered"]
    assert other.statuses == ["answered", "feedback_recorded"]
    assert other.content.startswith(web.content)
