"""Talking to the Rasa server over its REST channel."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import httpx

from actions.replies import Reply, ReplyOption
from knowledge.settings import Settings


class RasaUnavailableError(RuntimeError):
    """Rasa gave no usable answer."""


class RasaClient:
    """Sends messages to Rasa, a bounded number at a time.

    Rasa answers HTTP 200 with an empty list when something inside it fails, so an empty list counts
    as a failure and is tried once more.
    """

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(base_url=settings.rasa_url, timeout=settings.rasa_timeout_s, transport=transport)
        self._slots = asyncio.Semaphore(settings.rasa_concurrency)

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, sender: str, text: str, channel: str = "web") -> list[Reply]:
        """One turn.

        Args:
            sender: the conversation's id.
            text: the message, or a button's payload.
            channel: the channel that it came through, for actions that write later.

        Raises:
            RasaUnavailableError: no answer in time, or none that can be used.
        """
        async with self._slots:
            for _attempt in (1, 2):
                items = await self._post(sender, text, channel)
                if items:
                    return replies(items)
        raise RasaUnavailableError("Rasa returned an empty reply twice")

    async def forget(self, sender: str) -> None:
        """End a conversation on Rasa's side: a new session without the slots and words of the old one.

        Best effort, because Rasa may be away. The tracker store of one Rasa server keeps only the present session, so
        the old one is gone from it; what a store of several servers keeps is deleted there (docs/channels.md).
        """
        async with self._slots:
            for message in ("/session_start", "/restart"):
                with suppress(RasaUnavailableError):
                    await self._post(sender, message, "web")

    async def ready(self) -> bool:
        """Whether Rasa answers; it listens only once its model is loaded."""
        try:
            return (await self._http.get("/webhooks/rest/", timeout=2.0)).status_code == 200
        except httpx.HTTPError:
            return False

    async def _post(self, sender: str, text: str, channel: str) -> list[dict[str, Any]]:
        try:
            message = {"sender": sender, "message": text, "metadata": {"channel": channel}}
            response = await self._http.post("/webhooks/rest/webhook", json=message)
            response.raise_for_status()
            items = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise RasaUnavailableError(f"Rasa did not answer: {type(error).__name__}") from None
        return items if isinstance(items, list) else []


def replies(items: list[dict[str, Any]]) -> list[Reply]:
    """Neutral replies from what the REST channel returns.

    An action's reply travels whole in ``custom``. A response from ``domain.yml`` arrives as texts (one
    for every blank-line separated block) followed by its ``custom``, which holds the status.
    """
    out: list[Reply] = []
    texts: list[str] = []
    options: list[ReplyOption] = []
    for item in items:
        custom = item.get("custom") or {}
        if "text" in custom:
            out.append(Reply.model_validate(custom))
            continue
        if item.get("text"):
            texts.append(item["text"])
        options += [ReplyOption(label=b["title"], payload=b["payload"]) for b in item.get("buttons") or []]
        if "status" in custom and texts:
            out.append(Reply(text="\n".join(texts), status=custom["status"], options=options))
            texts, options = [], []
    if texts:
        out.append(Reply(text="\n".join(texts), status="small_talk", options=options))
    return out
