from __future__ import annotations

import httpx
import pytest

from connectors.rasa_client import RasaClient, RasaUnavailableError, replies
from knowledge.settings import Settings


def client(handler) -> RasaClient:  # type: ignore[no-untyped-def]
    return RasaClient(Settings(), transport=httpx.MockTransport(handler))


async def test_an_actions_reply_travels_whole() -> None:
    custom = {"text": "Xin chào", "status": "answered", "procedure_code": "1.001193", "fields": ["fee"]}
    rasa = client(lambda request: httpx.Response(200, json=[{"recipient_id": "s", "custom": custom}]))
    (reply,) = await rasa.send("s", "chào")
    assert (reply.text, reply.status, reply.procedure_code, reply.fields) == ("Xin chào", "answered", "1.001193", ["fee"])


async def test_an_empty_list_is_a_failure_and_is_tried_once_more() -> None:
    calls = []

    def handler(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(200, json=[] if len(calls) == 1 else [{"text": "có"}])

    assert (await client(handler).send("s", "x"))[0].text == "có"
    assert len(calls) == 2


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, json=[]),
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"error": "x"}),
    ],
)
async def test_unusable_answers_are_unavailable(response: httpx.Response) -> None:
    with pytest.raises(RasaUnavailableError):
        await client(lambda request: response).send("s", "x")


async def test_no_connection_is_unavailable_and_not_ready() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    rasa = client(refuse)
    with pytest.raises(RasaUnavailableError):
        await rasa.send("s", "x")
    assert not await rasa.ready()


def test_a_response_of_the_domain_is_text_then_status() -> None:
    items = [{"text": "Chào"}, {"text": "anh chị"}, {"custom": {"status": "emergency"}}, {"text": "Thêm"}]
    first, second = replies(items)
    assert (first.text, first.status) == ("Chào\nanh chị", "emergency")
    assert (second.text, second.status) == ("Thêm", "small_talk")
