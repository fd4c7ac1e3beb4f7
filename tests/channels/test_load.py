"""Thirty people at once while Rasa is killed and started again and the channels refuse: nothing lost, nothing doubled.

``benchmarks/channels.py`` does the same with three hundred people, for minutes, and prints how fast it was.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from connectors.inbox import Inbox
from connectors.outbox import Outbox
from knowledge.settings import Settings
from tests.channels.crowd import (
    CHANNELS,
    BusyTelegram,
    BusyZalo,
    Crowd,
    channels_refuse,
    learned,
    median_and_p95,
    rasa_dies,
)
from tests.channels.installation import installed

pytestmark = [pytest.mark.rasa, pytest.mark.slow]

PEOPLE, SECONDS, THINK_S = 30, 20, 4
KILLED_AT_S, AWAY_S = 4, 4
REFUSED_AT_S, REFUSED_S = 13, 4


def test_nothing_is_lost_or_doubled(trained: Settings, tmp_path: Path) -> None:
    with installed(
        trained,
        tmp_path,
        zalo_emulator=BusyZalo(),
        telegram_emulator=BusyTelegram(),
        office_hours="",
        rate_limit_per_address="10000",
    ) as running:
        crowd = Crowd(running, PEOPLE, THINK_S, learned(running, 20))
        outcomes = asyncio.run(
            crowd.run(SECONDS, rasa_dies(running, KILLED_AT_S, AWAY_S), channels_refuse(crowd, REFUSED_AT_S, REFUSED_S))
        )
        inbox, outbox = Inbox(running.engine, b"").counts(), Outbox(running.engine).counts()
    for outcome in outcomes:
        acknowledged, turn = median_and_p95(outcome.acknowledged_ms), median_and_p95(outcome.turn_s)
        print(
            f"\n{outcome.channel}: {outcome.asked} asked, {outcome.answered} answered, {outcome.reduced} of them reduced; "
            f"acknowledged p50 {acknowledged[0]:.0f} ms, p95 {acknowledged[1]:.0f} ms; "
            f"turn p50 {turn[0]:.2f} s, p95 {turn[1]:.2f} s"
        )
    assert [outcome.channel for outcome in outcomes] == list(CHANNELS)
    for outcome in outcomes:
        assert outcome.asked >= outcome.people, "everybody asked, or this proves nothing"
        assert outcome.missing == 0, "none lost"
        assert outcome.doubled == 0, "none doubled"
        assert outcome.reduced > 0, "Rasa was missed, and people were told"
        assert outcome.apologies == 0
    assert crowd.zalo.refusing.refused and crowd.telegram.refusing.refused, "the refusals were felt"
    assert (inbox["waiting"], inbox["dead"], outbox["waiting"], outbox["dead"]) == (0, 0, 0, 0)
