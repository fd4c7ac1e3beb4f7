"""The web routes keep to what /openapi.json says of them, whatever is sent (Schemathesis)."""

from __future__ import annotations

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from schemathesis import Case

from connectors import errors
from connectors.web import routes
from tests.connectors.web.conftest import Visitor

TRIES = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


_app = FastAPI()
_app.include_router(routes.router, prefix="/api/v1", responses={422: {"model": errors.ErrorResponse}})
schema = schemathesis.openapi.from_dict(_app.openapi())


@schema.include(path_regex="/web/").parametrize()
@TRIES
def test_strangers_get_what_is_documented(case: Case, base: str) -> None:
    case.call_and_validate(base_url=base)


@schema.include(path_regex="/web/").exclude(path_regex="/web/events").parametrize()
@TRIES
def test_visitors_get_what_is_documented(case: Case, base: str) -> None:
    # Streams do not end by themselves; tests/connectors/web/test_routes.py reads them.
    case.call_and_validate(base_url=base, headers=Visitor(base).signed)


def test_the_contract_is_there() -> None:
    paths = _app.openapi()["paths"]
    for path in ("sessions", "sessions/renew", "sessions/end", "messages", "events", "history", "feedback", "handoff"):
        assert f"/api/v1/web/{path}" in paths
