"""The web channel with all its real parts – inbox, path, transcript, handoffs – around scripted answers; also as a process:

python -m tests.connectors.web.site PORT HOME
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path as FilePath

import uvicorn
from fastapi import FastAPI
from sqlalchemy import Connection, Engine

from actions.dossiers.dossier import Dossier, State, Supplement
from actions.dossiers.explanation import explain
from actions.dossiers.talk import _card
from actions.replies import Reply, ReplyOption
from actions.secret_key import installation_key
from connectors import errors
from connectors.channel_switch import ChannelSwitch
from connectors.conversation import Answered, shown_of
from connectors.handoff import Handoffs
from connectors.inbox import Inbox
from connectors.messages import Incoming
from connectors.outbox import Outbox
from connectors.path import Path
from connectors.transcripts import PulledChannel, Transcripts
from connectors.web import headers, routes
from connectors.web.pages import Pages
from knowledge import sources
from knowledge.answers import answer
from knowledge.catalogue import Catalogue
from knowledge.database import connect, migrate
from knowledge.settings import ROOT, Settings

BIRTH = "1.001193"


class Script:
    """Answers by the first words that are in the message, like the assistant does, and counts its turns."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.delay_s, self.turns = 0.0, 0
        self.heard: list[str] = []
        self._catalogue = catalogue

    async def answer(self, incoming: Incoming) -> Answered:
        self.turns += 1
        self.heard.append(incoming.text)
        await asyncio.sleep(self.delay_s)
        return Answered([self.reply(incoming.text)], "", shown_of(incoming.text), 1.0)

    def record(self, incoming: Incoming, answered: Answered, connection: Connection | None = None) -> None:
        """Turns are not counted here."""

    def reply(self, text: str) -> Reply:
        asked = text.lower()
        if "hồ sơ" in asked:
            return dossier()
        if "con tôi" in asked or "khai sinh" in asked:
            return self._told(("documents",))
        if text == "/ask_time" or "mấy ngày" in asked:
            return self._told(("time", "place"))
        if "giấy" in asked:
            return offered()
        return Reply(text=f"Tôi nghe: {text}", status="small_talk")

    def _told(self, fields: tuple[str, ...]) -> Reply:
        procedure = self._catalogue.get(BIRTH)
        assert procedure
        told = answer(procedure, fields)
        return Reply(
            text=told.text,
            status="answered",
            procedure_code=BIRTH,
            fields=told.fields,
            options=[
                ReplyOption(label="Xem tiếp", payload="xem tiếp"),
                ReplyOption(label="Thời hạn", payload="/ask_time"),
            ],
            sources=told.sources,
            card=told.to_dict(),
        )


def offered() -> Reply:
    labels = ["Làm giấy khai sinh cho trẻ mới sinh", "Cấp lại giấy khai sinh", "Chứng thực bản sao từ bản chính"]
    listed = "\n".join(f"{number}. {label}" for number, label in enumerate(labels, 1))
    options = [
        ReplyOption(label=label, payload=f'/choose_option{{"choice": "1.00{n}"}}') for n, label in enumerate(labels)
    ]
    text = f"Anh/chị cần làm giấy nào ạ?\n{listed}\nAnh/chị nhắn số thứ tự hoặc bấm chọn."
    return Reply(text=text, status="clarification", options=options)


def dossier() -> Reply:
    now = dt.datetime(2026, 11, 20, 9, 0)
    found = Dossier(
        code="H57.17.26-261112-0006",
        state=State.SUPPLEMENT,
        label="Yêu cầu bổ sung giấy tờ",
        source="Sổ hồ sơ mẫu",
        fetched_at=now,
        procedure_name="Đăng ký kết hôn",
        place="Trung tâm Phục vụ hành chính công Xã Tân Lập",
        received_at=dt.datetime(2026, 11, 12, 10, 0),
        due_at=dt.datetime(2026, 11, 25, 17, 0),
        supplements=(Supplement(dt.datetime(2026, 11, 18), "Giấy xác nhận tình trạng hôn nhân"),),
    )
    explained = explain(found, now)
    options = [ReplyOption(label="Báo tôi khi có thay đổi", payload="/watch_dossier")]
    return Reply(text=explained.text, status="dossier_found", options=options, card=_card(explained))


class Ratings:
    """Takes ratings, as the feedback store does."""

    def __init__(self) -> None:
        self.taken: list[dict[str, object]] = []

    def rate_answer(self, **rating: object) -> None:
        self.taken.append(rating)


def web_app(settings: Settings) -> FastAPI:
    """The web channel on the settings' own database."""
    catalogue = Catalogue.open(settings)
    engine = catalogue.engine
    migrate(engine)
    if catalogue.get(BIRTH) is None:
        name, records = sources.read(ROOT / "knowledge" / "starter" / "ho-tich.yml", "auto")
        catalogue.import_records("starter", name, records)
    key = installation_key(settings.home)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        state = app.state
        working = asyncio.create_task(state.path.run())
        yield
        state.path.stop()
        await working

    app = FastAPI(lifespan=lifespan, docs_url=None)
    errors.install(app)
    headers.install(app, settings.web_origins)
    app.include_router(routes.router, prefix="/api/v1", responses={422: {"model": errors.ErrorResponse}})
    app.router.routes.append(Pages())
    state = app.state
    state.settings = settings
    routes.connect(app, engine, key, settings)
    state.script, state.feedback = Script(catalogue), Ratings()
    state.transcripts, outbox = Transcripts(engine), Outbox(engine)
    state.channels = {"web": PulledChannel("web", engine, state.transcripts)}
    state.inbox = Inbox(engine, key)
    state.handoffs = Handoffs(engine, key, outbox, state.transcripts, state.channels)
    state.path = Path(
        engine, state.inbox, state.script, outbox=outbox, transcripts=state.transcripts, handoffs=state.handoffs,
        switch=ChannelSwitch(engine), channels=state.channels, settings=settings,
    )  # fmt: skip
    state.erase = _eraser(engine, state)
    return app


def _eraser(engine: Engine, state: object) -> object:
    async def erase(conversation: str) -> None:
        with engine.begin() as connection:
            for part in (state.transcripts, state.inbox, state.handoffs):  # type: ignore[attr-defined]
                part.erase(connection, conversation)

    return erase


@contextlib.contextmanager
def served(app: FastAPI, port: int = 0) -> Iterator[str]:
    """The base URL of the app, served on the loopback address in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


if __name__ == "__main__":
    home = FilePath(sys.argv[2])
    migrate(connect(Settings(home=home).database))
    uvicorn.run(web_app(Settings(home=home)), port=int(sys.argv[1]), log_level="warning")
