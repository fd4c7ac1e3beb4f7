"""The pages and scripts under ``static/``, served at their own paths."""

from __future__ import annotations

from pathlib import Path

from fastapi.staticfiles import StaticFiles
from starlette.routing import Match, Mount
from starlette.types import Scope

_STATIC = Path(__file__).parent / "static"


class Pages(Mount):
    """The files, at all paths that no route takes, but never at the API's: a wrong method there is a 405, not a page's 404."""

    def __init__(self) -> None:
        super().__init__("/", StaticFiles(directory=_STATIC, html=True), name="pages")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["path"].startswith("/api/"):
            return Match.NONE, {}
        return super().matches(scope)
