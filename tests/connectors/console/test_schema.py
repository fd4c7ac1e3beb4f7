"""The console's routes keep to what /openapi.json says of them, whatever is sent (Schemathesis)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import allow_header_conformance, positive_data_acceptance, unsupported_method

from actions.procedures import ProcedureTalk
from connectors.console.hotline import routes
from connectors.staff.access import CSRF_HEADER
from connectors.staff.roles import Role
from knowledge.catalogue import Catalogue
from knowledge.database import connect, migrate
from knowledge.search.engine import SearchEngine
from knowledge.settings import Settings
from tests.connectors.console.desk import SECRET, desk
from tests.serving import serving
from tests.signed_in import session_of

NOT_OURS = [unsupported_method, allow_header_conformance]
"""Starlette's 405 names one route's methods in `Allow`, where several routes share a path."""
NOT_IN_A_SCHEMA = ("/console/calls/{id}/note", "/console/dossiers/lookup")
"""Rules that no schema can state: a day that depends on today, the form of a dossier's code."""
TRIES = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


def _documented() -> FastAPI:
    app = FastAPI()
    for router in routes.API:
        app.include_router(router, prefix="/api/v1", responses=routes.UNREADABLE)
    return app


schema = schemathesis.openapi.from_dict(_documented().openapi())


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, starter_settings: Settings, starter_engine: SearchEngine
) -> Iterator[tuple[str, dict[str, str]]]:
    """Where the console is served, and the headers of a signed-in supervisor."""
    own = Settings(home=tmp_path_factory.mktemp("schema"), console_calls_secret=SECRET)
    engine = connect(own.database)
    migrate(engine)
    talk = ProcedureTalk(Catalogue.open(starter_settings), starter_engine, starter_settings)
    app = desk(engine, own, talk, dossiers_of=starter_settings)
    token, csrf = session_of(app, Role.SUPERVISOR)
    with serving(app) as url:
        yield url, {"Cookie": f"motcua_staff={token}", CSRF_HEADER: csrf}


@schema.include(path_regex="/console/").parametrize()
@TRIES
def test_staff_gets_what_is_documented(case: Case, site: tuple[str, dict[str, str]]) -> None:
    url, headers = site
    if case.path.endswith("/console/calls") and case.method == "POST":
        headers = {"X-Motcua-Secret": SECRET}
    more = [positive_data_acceptance] if case.operation.path.endswith(NOT_IN_A_SCHEMA) else []
    case.call_and_validate(base_url=url, headers=headers, excluded_checks=[*NOT_OURS, *more])


@schema.include(path_regex="/console/").parametrize()
@TRIES
def test_strangers_get_what_is_documented(case: Case, site: tuple[str, dict[str, str]]) -> None:
    case.call_and_validate(base_url=site[0], excluded_checks=NOT_OURS)
