"""When somebody is asked how it was."""

from __future__ import annotations

from typing import Any

import pytest

from actions.feedback.moments import after_answer, at_leaving, turns


def bot(status: str, card: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"event": "bot", "text": "…", "data": {"custom": {"status": status, "card": card}}}


USER: dict[str, Any] = {"event": "user"}
ASK = bot("feedback_recorded", {"kind": "survey"})


def test_statuses_by_turn_from_a_tracker() -> None:
    events = [
        {"event": "action"},
        bot("small_talk"),
        USER,
        bot("answered"),
        {"event": "slot"},
        USER,
        bot("small_talk"),
        ASK,
    ]
    assert turns(events) == [["answered"], ["small_talk", "asked"]]
    assert turns([USER, {"event": "bot", "data": {"custom": None}}, {"event": "bot"}]) == [[]]


@pytest.mark.parametrize(
    ("said", "asks"),
    [
        ("a a a a", True), ("a a a", False), ("a a a c", False), ("a c a c a a", True), ("a a a a! a a a", False),
        ("a a a a! a a a a", True), ("a a a e", False), ("", False),
    ],
)  # fmt: skip
def test_after_every_fourth_answer(said: str, asks: bool) -> None:
    names = {"a": ["answered"], "c": ["clarification"], "e": ["emergency"], "a!": ["answered", "asked"]}
    assert after_answer([names[turn] for turn in said.split()]) is asks


@pytest.mark.parametrize(
    ("before", "asks"),
    [
        (["answered"], True), (["clarification"], False), (["error"], False), (["emergency"], False), (["small_talk"], False),
        (["answered", "asked"], False), (["answered", "clarification"], False), (["dossier_found"], False),
    ],
)  # fmt: skip
def test_at_leaving_only_right_after_an_answer(before: list[str], asks: bool) -> None:
    assert at_leaving([["answered"], before, ["small_talk"]]) is asks
    assert not at_leaving([["small_talk"]])
