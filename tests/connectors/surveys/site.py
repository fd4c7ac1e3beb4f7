"""The survey pages as an app of their own: real database, real registry with the sample dossiers, a small catalogue."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from actions.dossiers.importing import SAMPLE, import_file
from actions.dossiers.registry import Registry
from actions.dossiers.tries import DatabaseStore, Tries
from actions.feedback.petitions import Petitions
from connectors.surveys import routes
from connectors.surveys.desk import SurveyDesk
from knowledge.catalogue import Catalogue
from knowledge.procedure import Level, Procedure
from knowledge.settings import Settings

KEY = b"a key for tests, of 32 bytes ...!"
BIRTH = Procedure(code="1.001193", name="Đăng ký khai sinh", field="Hộ tịch", levels=[Level.COMMUNE])
FINISHED, PROCESSING = ("H57.17.26-261113-0010", "1010"), ("H57.17.26-261117-0004", "1004")


def app_on(engine: Engine, home: Path, **settings: Any) -> FastAPI:
    """Only the survey pages."""
    chosen = Settings(home=home, commune="Xã Mẫu", office="Bộ phận một cửa xã Mẫu", hotline="1900 1234", **settings)
    catalogue = Catalogue(engine)
    catalogue.import_records("test", "office", [BIRTH])
    registry = Registry(engine, KEY)
    import_file(registry, SAMPLE, sample=True)
    app = FastAPI()
    app.state.settings, app.state.catalogue, app.state.dossiers = chosen, catalogue, registry
    app.state.tries = Tries(DatabaseStore(engine), KEY)
    app.state.surveys = SurveyDesk.open(engine, KEY, catalogue, chosen)
    app.state.petitions = Petitions(engine)
    routes.install(app)
    return app


def hidden(html: str) -> dict[str, str]:
    """The hidden fields of the page's first form."""
    form = html.partition("<form")[2].partition("</form>")[0]
    return dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form))


def fill(http: TestClient, path: str, **answers: object) -> Any:
    """Open a form and send it, as a browser without JavaScript does."""
    shown = http.get(path)
    assert shown.status_code == 200, shown.text
    return http.post(path.partition("?")[0], data=hidden(shown.text) | {"website": ""} | answers)
