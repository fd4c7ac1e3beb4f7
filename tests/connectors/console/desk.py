"""The hotline's console with all its real parts, on an installation's search and a database of the test's own."""

from __future__ import annotations

import asyncio
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI

from actions.dossiers.connect import connect
from actions.dossiers.talk import DossierTalk
from actions.dossiers.vault import MemoryVault
from actions.dossiers.watching import Watches
from actions.procedures import ProcedureTalk
from actions.replies import Reply
from actions.secret_key import installation_key
from connectors.console.hotline import routes
from connectors.handoff import Handoffs
from connectors.outbox import Outbox
from connectors.transcripts import PulledChannel, Transcripts
from knowledge.settings import Settings
from tests.signed_in import staff_app

SECRET = "a secret of the telephone system"
VISITOR = "web:visitor0123456789abcdef"
BIRTH = "1.001193"


def desk(engine: sa.Engine, settings: Settings, talk: ProcedureTalk, dossiers_of: Settings | None = None) -> FastAPI:
    """The app; ``app.state.handoffs`` and ``.transcripts`` have one channel, ``web``.

    Args:
        engine: migrated.
        settings: of the app.
        talk: catalogue and search.
        dossiers_of: the installation whose registry is asked for dossiers; None: none is.
    """
    app = staff_app(engine, settings)
    routes.install(app)
    key = installation_key(settings.home)
    state = app.state
    state.talk = talk
    outbox, state.transcripts = Outbox(engine), Transcripts(engine)
    channels: dict[str, Any] = {"web": PulledChannel("web", engine, state.transcripts)}
    state.channels = channels
    state.handoffs = Handoffs(engine, key, outbox, state.transcripts, channels)
    home = dossiers_of or settings
    systems = connect(talk.catalogue.engine, home.home, None, 4.5, []) if dossiers_of else None
    watches = Watches(engine, outbox)
    state.dossier_talk = DossierTalk(systems, None, MemoryVault(), watches, talk.catalogue, settings)  # type: ignore[arg-type]
    routes.connect(app, engine, key, talk.catalogue)
    return app


def wants_person(app: FastAPI, conversation: str = VISITOR, *said: str) -> None:
    """Somebody wrote something, and is waiting for a person now."""
    transcripts: Transcripts = app.state.transcripts
    with app.state.staff.accounts._engine.begin() as connection:
        for text in said or ("cho tôi gặp cán bộ",):
            transcripts.append(connection, conversation, "citizen", text)
        transcripts.append(connection, conversation, "bot", Reply(text="Tôi đã chuyển tới cán bộ.", status="handoff"))
    app.state.handoffs.request(conversation, conversation.partition(":")[0], "asked for a person")


def answers(awaitable: Any) -> Any:
    """Run something that waits, from a test that does not."""
    return asyncio.run(awaitable)
