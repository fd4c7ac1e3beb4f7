"""A made-up office with dossiers, answers, petitions and questions, for tests of reports and for trying the dashboard.

``python -m tests.actions.feedback.made_up HOME`` fills an installation; everything in it is invented.
"""

from __future__ import annotations

import datetime as dt
import random
import sys
from pathlib import Path

import sqlalchemy as sa

from actions.dossiers.dossier import State, Supplement
from actions.dossiers.registry import Entry, Registry
from actions.feedback.instruments import ANSWER, POLL, SERVICE, Instrument, load
from actions.feedback.petitions import Kind, Petitions
from actions.feedback.petitions import State as Petition
from actions.feedback.responses import About, Responses
from actions.secret_key import installation_key
from actions.turns import Turn
from knowledge.database import connect, migrate
from knowledge.settings import Settings

PROCEDURES = [
    ("1.001193", "Hộ tịch"), ("1.000894", "Hộ tịch"), ("1.000656", "Hộ tịch"), ("2.000635", "Hộ tịch"),
    ("2.000815", "Chứng thực"), ("2.000884", "Chứng thực"), ("1.001612", "Thành lập hộ kinh doanh"),
    ("1.012753", "Đất đai"), ("1.004227", "Đất đai"), ("1.001776", "Bảo trợ xã hội"),
]  # fmt: skip
_LIKELY = [30, 14, 9, 6, 26, 10, 12, 9, 4, 3]
_COMMUNES = ["Phường Hoa Mai", "Xã Suối Trong", "Phường Bến Gỗ"]
_CHANNELS = {"zalo": 45, "web": 25, "telegram": 6, "qr": 12, "paper": 9, "hotline": 3}
_QUESTIONS = [
    ("xin giấy phép nuôi yến trong phố", "no_such_procedure", None),
    ("Lệ phí làm lại giấy khai sinh bị cháy", "not_published", "2.000635"),
    ("xin giay phep nuoi yen trong pho", "no_such_procedure", None),
    ("đăng ký câu lạc bộ dưỡng sinh", "no_such_procedure", None),
    ("thời hạn tách thửa bao lâu", "not_published", "1.012753"),
]


class MadeUp:
    """Fills a database with an office's life from one day to another."""

    def __init__(self, engine: sa.Engine, key: bytes, since: dt.date, until: dt.date, seed: int = 7) -> None:
        self._engine, self._key = engine, key
        self._days = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
        self._random = random.Random(seed)
        self._instruments = load()

    def all(self, size: int = 300) -> None:
        """Dossiers (twice ``size``), answers, petitions and turns."""
        self.dossiers(2 * size)
        self.answers(size)
        self.petitions(max(4, size // 40))
        self.turns(size)

    def dossiers(self, count: int) -> None:
        entries = [self._dossier(number) for number in range(count)]
        Registry(self._engine, self._key).store(entries)

    def _dossier(self, number: int) -> Entry:
        code, field = self._procedure()
        received = self._moment()
        due = received + dt.timedelta(days=self._random.choice([3, 5, 7, 15]))
        finished = due + dt.timedelta(days=self._random.choices([-3, -1, 0, 2], [30, 45, 18, 7])[0])
        over = max(finished, received + dt.timedelta(hours=2)) < dt.datetime.combine(self._days[-1], dt.time(17))
        asked = self._random.random() < 0.08
        return Entry(
            code=f"H57.17.26-{received:%y%m%d}-{number:05d}",
            state=State.RETURNED if over else State.PROCESSING,
            procedure_code=code,
            field=field,
            commune=self._random.choice(_COMMUNES),
            channel=self._random.choices(["online", "in_person", "post"], [55, 40, 5])[0],
            received_at=received,
            due_at=due,
            finished_at=max(finished, received + dt.timedelta(hours=2)) if over else None,
            supplements=(Supplement(received + dt.timedelta(days=1), "bản sao", received + dt.timedelta(days=2)),)
            if asked
            else None,
        )

    def answers(self, count: int) -> None:
        """Answers to the three instruments, and people who did not answer."""
        responses = Responses(self._engine, self._key)
        for number in range(count):
            instrument = self._instruments[self._random.choices([SERVICE, ANSWER, POLL], [5, 6, 4])[0]]
            channel = self._random.choices(list(_CHANNELS), list(_CHANNELS.values()))[0]
            code, field = self._procedure()
            about = About(channel, self._random.choice(_COMMUNES), code, field)
            key, now = responses.token_key(f"made up {number}"), self._moment()
            if channel in ("zalo", "web", "telegram"):
                responses.ask(key, instrument.id, about, now)
                if self._random.random() < 0.45:
                    if self._random.random() < 0.3:
                        responses.decline(key)
                    continue
            given = self._given(instrument, channel in ("zalo", "web", "telegram"), field)
            responses.save(key, instrument, given, about, now, complete=self._random.random() < 0.9)
        responses.sweep(dt.datetime.combine(self._days[-1] + dt.timedelta(days=30), dt.time()))

    def _given(self, instrument: Instrument, short: bool, field: str) -> dict[str, object]:
        mood = 0.7 if field == "Đất đai" else 0.88
        given: dict[str, object] = {}
        for item in instrument.asked({}, short=short):
            scale = instrument.scale_of(item)
            if scale is None or self._random.random() < 0.06:
                continue
            values = sorted((option.value for option in scale.options), key=str, reverse=True)  # the best first
            weights = [mood if n == 0 else (1 - mood) * 0.6**n * 2 for n in range(len(values))]
            given[item.id] = self._random.choices(values, weights)[0]
        if given.get("useful") == 0:
            given["reason"] = self._random.choice(
                ["wrong_procedure", "incomplete", "incomplete", "hard_to_read", "other"]
            )
        return given

    def petitions(self, count: int) -> None:
        petitions = Petitions(self._engine)
        for number in range(count):
            now = self._moment()
            kind = self._random.choice(list(Kind))
            made = petitions.submit(kind, "Bảng niêm yết bị che khuất", About("web", _COMMUNES[0]), now)
            if number % 3:
                petitions.change(made.number, Petition.PROCESSING, now + dt.timedelta(days=1))
                petitions.answer(made.number, "Đã sửa.", now + dt.timedelta(days=4))
                petitions.publish(made.number, now + dt.timedelta(days=5))
                petitions.rate(made.number, number % 2 == 0)

    def turns(self, count: int) -> None:
        """Turns of conversations, most of them answered."""
        rows = []
        for _ in range(count):
            text, status, code = self._random.choice(_QUESTIONS)
            if self._random.random() < 0.8:
                text, status, code = None, "answered", self._procedure()[0]
            rows.append(
                {"at": self._moment(), "channel": "web", "conversation": "0" * 32, "status": status, "procedure_code": code,
                 "fields": [], "question": text, "ms": 40}
            )  # fmt: skip
        with self._engine.begin() as connection:
            connection.execute(sa.insert(Turn), rows)

    def _procedure(self) -> tuple[str, str]:
        return self._random.choices(PROCEDURES, _LIKELY)[0]

    def _moment(self) -> dt.datetime:
        day = self._random.choice(self._days)
        return dt.datetime.combine(day, dt.time(self._random.choice([8, 9, 10, 14, 15]), self._random.randrange(60)))


def main(home: Path) -> None:
    """Fill the installation at ``home`` with a quarter."""
    settings = Settings(home=home)
    engine = connect(settings.database)
    migrate(engine)
    made = MadeUp(engine, installation_key(home), dt.date(2026, 9, 1), dt.date(2026, 11, 24))
    made.all(1500)
    (home / "agency-figures.yml").write_text(
        "2026-Q3: {5: 1, 8: 2, 9: 1}\n2026-Q4: {5: 2, 8: 1, 9: 1.5}\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
