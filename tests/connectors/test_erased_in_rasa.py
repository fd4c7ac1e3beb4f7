"""What is erased is gone from the real Rasa's memory, too."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing

import httpx
import pytest

from knowledge.settings import Settings

pytestmark = pytest.mark.rasa


def holds(settings: Settings, word: str) -> bool:
    """Whether Rasa's store has a talk with this word; what a file keeps of overwritten pages is the database's affair."""
    with closing(sqlite3.connect(settings.home / "rasa-tracker.db")) as db:
        return any(word in talk for (talk,) in db.execute("select talk from talks"))


async def test_a_forgotten_conversation_is_gone_from_rasas_store(
    running_motcua: str, starter_settings: Settings
) -> None:
    word = f"rieng{uuid.uuid4().hex[:8]}"
    async with httpx.AsyncClient(base_url=f"{running_motcua}/api/v1", timeout=60.0) as http:
        opened = (await http.post("/web/sessions")).json()
        headers = {"Authorization": f"Bearer {opened['token']}"}
        sent = {"session": opened["session"], "text": f"khai sinh {word}"}
        assert (await http.post("/web/messages", json=sent, headers=headers)).status_code == 200
        assert holds(starter_settings, word)
        gone = await http.post("/web/sessions/end", headers=headers)
        assert gone.status_code in (200, 204), gone.status_code
    assert not holds(starter_settings, word)
