"""Subscriptions: with consent only, few, ending by themselves, gone when they end; and claimed by one process each."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from actions.dossiers.changes import ENDED, Seen
from actions.dossiers.dossier import Payment, State, Supplement
from actions.dossiers.watching import (
    MOST_DAYS,
    MOST_EACH,
    Subscribed,
    Watches,
    consent_text,
    consent_version,
    system_part,
)
from actions.replies import Reply
from tests.actions.dossiers.watched import DUE, NOW, SEEN, code, dossier, empty, messages, rows, subscribe, watches_on


@pytest.fixture(autouse=True)
def _empty(engine: sa.Engine) -> None:
    empty(engine)


@pytest.fixture
def watches(engine: sa.Engine) -> Watches:
    return watches_on(engine)


def tell(watches: Watches, now: dt.datetime = DUE) -> None:
    """Put one message for all that is due into the outbox."""
    for one in watches.claim(now):
        assert watches.told(one, SEEN, Reply(text="tin", status="dossier_found"), now, DUE)


# -- for the person -----------------------------------------------------------------------------


def test_consent_is_kept_with_time_and_version(watches: Watches, engine: sa.Engine) -> None:
    assert watches.subscribe(code(), "web", "r", SEEN, NOW) is Subscribed.YES
    assert watches.subscribe(code(2), "web", "r", SEEN, NOW, version="2025-01-01") is Subscribed.YES
    stored = [(str(row["consent_at"])[:16], row["consent_version"]) for row in rows(engine)]
    assert stored == [("2026-08-03 09:00", consent_version()), ("2026-08-03 09:00", "2025-01-01")]


def test_the_consent_text_says_what_is_kept_by_whom_and_for_how_long() -> None:
    text = consent_text(code(), "UBND phường B")
    for needed in (code(), "UBND phường B", f"{MOST_DAYS} ngày", "thôi đừng báo nữa", "đồng ý"):
        assert needed in text
    assert "{" not in text


def test_nothing_of_the_dossiers_texts_is_stored(watches: Watches, engine: sa.Engine) -> None:
    full = dossier(
        state=State.UNKNOWN,
        reason="bà Thử",
        supplements=(Supplement(NOW, "giấy của bà Thử, 0912345678"),),
        payment=Payment(60_000, "bà Thử nộp"),
        agency="bà Thử",
    )
    watches.subscribe(code(), "web", "r", Seen.of(full, NOW), NOW)
    stored = str(rows(engine))
    assert code() in stored
    assert "Thử" not in stored
    assert "0912345678" not in stored


def test_a_recipient_has_so_many_at_most(watches: Watches) -> None:
    done = [watches.subscribe(code(n), "web", "r", SEEN, NOW) for n in range(MOST_EACH + 1)]
    assert done == [Subscribed.YES] * MOST_EACH + [Subscribed.FULL]
    assert watches.subscribe(code(), "web", "other", SEEN, NOW) is Subscribed.YES
    assert watches.unsubscribe("web", "r", code(0)) == 1
    assert watches.subscribe(code(9), "web", "r", SEEN, NOW) is Subscribed.YES


def test_many_at_once_do_not_get_past_the_limit(watches: Watches) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: watches.subscribe(code(n), "web", "r", SEEN, NOW), range(16)))
    assert done.count(Subscribed.YES) == len(watches.active("web", "r", NOW)) == MOST_EACH
    assert set(done) == {Subscribed.YES, Subscribed.FULL}


def test_the_same_at_once_is_one_subscription(watches: Watches) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: watches.subscribe(code(), "web", "r", SEEN, NOW), range(8)))
    assert sorted(done) == [Subscribed.RENEWED] * 7 + [Subscribed.YES]
    assert watches.count() == 1


def test_asking_again_runs_anew_from_what_was_seen_now(watches: Watches, engine: sa.Engine) -> None:
    subscribe(watches, recipient="r")
    (asking,) = watches.claim(DUE)
    later = replace(SEEN, state=State.FINISHED)
    assert watches.subscribe(code(), "web", "r", later, DUE) is Subscribed.RENEWED
    reply = Reply(text="tin cũ", status="dossier_found")
    assert not watches.told(asking, later, reply, DUE, DUE), "the person has seen it meanwhile"
    assert messages(engine) == []
    (row,) = rows(engine)
    assert "finished" in str(row["seen"])
    assert str(row["ends_at"])[:10] == str((DUE + dt.timedelta(days=MOST_DAYS)).date())


@pytest.mark.parametrize("state", sorted(ENDED))
def test_a_dossier_that_is_over_is_not_watched(watches: Watches, state: State) -> None:
    assert watches.subscribe(code(), "web", "r", replace(SEEN, state=state), NOW) is Subscribed.OVER
    assert watches.count() == 0


@pytest.mark.parametrize(("channel", "recipient"), [("", "r"), ("web", ""), ("w" * 21, "r"), ("web", "r" * 201)])
def test_ids_that_cannot_be_kept_are_refused(watches: Watches, channel: str, recipient: str) -> None:
    with pytest.raises(ValueError, match="empty or too long"):
        watches.subscribe(code(), channel, recipient, SEEN, NOW)


def test_who_says_stop_hears_nothing_more_not_even_what_waits(watches: Watches, engine: sa.Engine) -> None:
    for number in (1, 2):
        subscribe(watches, number, "r")
        subscribe(watches, number, "other")
    tell(watches)
    assert watches.unsubscribe("web", "r", code(1)) == 1
    assert [who for who, _ in messages(engine)].count("r") == 1
    assert [one.code for one in watches.active("web", "r", NOW)] == [code(2)]
    assert watches.unsubscribe("web", "r") == 1
    assert watches.unsubscribe("web", "r") == 0
    assert {who for who, _ in messages(engine)} == {"other"}
    assert len(watches.active("web", "other", NOW)) == 2


def test_stop_in_the_middle_of_a_round_wins(watches: Watches, engine: sa.Engine) -> None:
    subscribe(watches, recipient="r")
    (asking,) = watches.claim(DUE)
    watches.unsubscribe("web", "r")
    assert not watches.told(asking, SEEN, Reply(text="tin", status="dossier_found"), DUE, None)
    assert messages(engine) == []


def test_the_same_id_in_another_channel_is_somebody_else(watches: Watches) -> None:
    watches.subscribe(code(), "web", "7", SEEN, NOW)
    watches.subscribe(code(), "zalo", "7", SEEN, NOW)
    assert watches.unsubscribe("zalo", "7") == 1
    assert len(watches.active("web", "7", NOW)) == 1


def test_erasing_leaves_nothing_of_a_recipient(watches: Watches, engine: sa.Engine) -> None:
    subscribe(watches, 1, "erased-one")
    subscribe(watches, 2, "other")
    tell(watches)
    assert watches.erase("web", "erased-one") == 1
    with engine.connect() as connection:
        held = str([connection.execute(sa.text(f"select * from {table}")).all() for table in ("watch", "outbox")])
    assert "erased-one" not in held
    assert code(1) not in held
    assert "other" in held


def test_a_subscription_ends_after_its_days(watches: Watches) -> None:
    subscribe(watches, recipient="r")
    end = NOW + dt.timedelta(days=MOST_DAYS)
    assert watches.expire(end - dt.timedelta(seconds=1)) == 0
    assert len(watches.active("web", "r", end - dt.timedelta(seconds=1))) == 1
    assert watches.active("web", "r", end) == []
    assert watches.expire(end) == 1
    assert watches.count() == 0


def test_representations_name_neither_code_nor_recipient(watches: Watches) -> None:
    subscribe(watches, recipient="someone")
    seen = repr(watches.active("web", "someone", NOW)) + repr(watches.claim(DUE))
    assert "someone" not in seen
    assert code() not in seen


# -- for the round ------------------------------------------------------------------------------


def test_only_what_is_due_is_claimed_and_once(watches: Watches) -> None:
    subscribe(watches)
    assert watches.claim(NOW) == []
    assert [one.code for one in watches.claim(DUE)] == [code()]
    assert watches.claim(DUE) == []
    assert watches.claim(DUE + watches.pace.lease - dt.timedelta(seconds=1)) == []
    assert len(watches.claim(DUE + watches.pace.lease)) == 1


def test_who_lost_a_claim_can_write_nothing(watches: Watches, engine: sa.Engine) -> None:
    subscribe(watches)
    (slow,) = watches.claim(DUE)
    (other,) = watches.claim(DUE + watches.pace.lease)
    reply = Reply(text="tin", status="dossier_found")
    assert not watches.told(slow, SEEN, reply, DUE, DUE)
    assert not watches.unchanged(slow, SEEN, None)
    assert not watches.put_off(slow, 1, DUE)
    assert messages(engine) == []
    assert watches.told(other, SEEN, reply, DUE, DUE)
    assert len(messages(engine)) == 1


def test_a_round_takes_a_part_and_of_each_system_a_smaller_one(engine: sa.Engine) -> None:
    watches = watches_on(engine, per_round=5, per_system=3)
    for number in range(6):
        subscribe(watches, number)
    subscribe(watches, 7, agency="H17.02")
    subscribe(watches, 8, agency="000.17.22.H56")
    systems = [sorted(one.system for one in watches.claim(DUE)) for _ in range(3)]
    assert systems == [["H17", "H56", "H57", "H57", "H57"], ["H57", "H57", "H57"], []]


def test_two_at_once_never_claim_the_same(watches: Watches) -> None:
    for number in range(40):
        subscribe(watches, number)
    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(lambda _: watches.claim(DUE), range(8)))
    claimed = [one.id for ours in claims for one in ours]
    assert len(claimed) == len(set(claimed)) == 40


@pytest.mark.parametrize(
    ("agency", "system"), [("H57.17.26", "H57"), ("000.17.22.H56", "H56"), ("G22", "G22"), ("BTP", "BTP")]
)
def test_the_system_is_the_province_or_ministry(agency: str, system: str) -> None:
    assert system_part(code(1, agency)) == system


def test_the_migrations_can_be_undone(tmp_path: object) -> None:
    from alembic import command
    from alembic.config import Config

    from knowledge.database import _MIGRATIONS, connect, migrate

    engine = connect(f"sqlite:///{tmp_path}/undo.db")
    migrate(engine)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
    tables = set(sa.inspect(engine).get_table_names())
    assert "dossier" in tables
    assert not tables & {"watch", "outbox"}
    engine.dispose()
