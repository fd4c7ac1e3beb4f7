"""All routes of ``/openapi.json``, in the whole app without Rasa: no request breaks them or what they say of themselves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from connectors.app import create_app
from connectors.staff.access import CSRF_HEADER
from connectors.staff.roles import Role
from knowledge.settings import Settings
from tests.emulators import telegram, zalo
from tests.serving import serving
from tests.signed_in import session_of

_HELD = [status_code_conformance, content_type_conformance, response_schema_conformance]
"""A documented 503 is an answer, so that “no server error” is held apart: never a 500."""
_TRIES = tries(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
_STREAM = "text/event-stream"

_SCHEMA = schemathesis.openapi.from_dict(create_app(Settings()).openapi())
OPERATIONS = {found.ok().label: found.ok() for found in _SCHEMA.get_all_operations()}


class Site(NamedTuple):
    """A running app; ``admin`` are the headers of somebody signed in as administrator."""

    url: str
    app: FastAPI
    admin: dict[str, str]


@pytest.fixture(scope="module")
def site(starter_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    database = tmp_path_factory.mktemp("contract") / "motcua.db"
    with (
        closing(sqlite3.connect(starter_settings.home / "motcua.db")) as source,
        closing(sqlite3.connect(database)) as target,
    ):
        source.backup(target)
    settings = Settings(
        home=starter_settings.home,
        database_url=f"sqlite:///{database}",
        rasa_url="http://127.0.0.1:9",
        zalo_app_id=zalo.APP_ID,
        zalo_app_secret=zalo.APP_SECRET,
        zalo_api_url="http://127.0.0.1:9",
        zalo_oauth_url="http://127.0.0.1:9",
        telegram_token=telegram.TOKEN,
        telegram_api_url="http://127.0.0.1:9",
        dossier_sync_secret="x",
        console_calls_secret="x",
        rate_limit_per_minute=100_000,
        rate_limit_per_address=100_000,
    )
    app = create_app(settings)
    with serving(app, lifespan="on") as url:
        token, csrf = session_of(app, Role.ADMIN)
        yield Site(url, app, {"Cookie": f"motcua_staff={token}", CSRF_HEADER: csrf})


def _is_stream(operation: Any) -> bool:
    responses = operation.definition.raw["responses"]
    return any(_STREAM in response.get("content", {}) for response in responses.values())


def _cases(operation: Any) -> st.SearchStrategy[Any]:
    """Requests that keep to the description, and requests that do not."""
    return st.one_of([operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode])


@pytest.mark.parametrize("who", ["a stranger", "an administrator"])
@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_as_described(label: str, who: str, site: Site) -> None:
    operation = OPERATIONS[label]
    # Streams do not end by themselves: who may read them is tested in tests/connectors/web/test_routes.py.
    if _is_stream(operation) and who != "a stranger":
        pytest.skip("a stream")
    headers = site.admin if who == "an administrator" else {}
    statuses: set[int] = set()

    @given(_cases(operation))
    @_TRIES
    def send(case: Any) -> None:
        response = case.call(base_url=site.url, headers=headers, timeout=20)
        assert response.status_code != 500, response.text
        case.validate_response(response, checks=_HELD)
        statuses.add(response.status_code)

    send()
    is_page_s_own = operation.path.startswith(("/api/v1/console/", "/api/v1/staff/")) and "{" not in operation.path
    if operation.method == "get" and is_page_s_own:
        assert (200 in statuses) == (who == "an administrator"), "the session counts, or nothing was tried"


def test_the_description_is_the_running_app_s(site: Site) -> None:
    assert set(site.app.openapi()["paths"]) == {operation.path for operation in OPERATIONS.values()}
    assert len(OPERATIONS) > 30
