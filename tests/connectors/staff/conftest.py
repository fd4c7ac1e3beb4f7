"""A small app with signing in only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
import sqlalchemy as sa
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse

from connectors.staff import passwords
from connectors.staff.access import ACCESS_ERRORS, Member, Role, signed_in
from knowledge.settings import Settings
from tests.signed_in import staff_app

router = APIRouter()


@router.post("/api/v1/things", responses=ACCESS_ERRORS)
async def change_thing(member: Annotated[Member, Depends(signed_in(Role.AGENT))]) -> dict[str, str]:
    return {"by": member.name}


@router.get("/api/v1/things", responses=ACCESS_ERRORS)
async def see_thing(member: Annotated[Member, Depends(signed_in(Role.OFFICER))]) -> dict[str, str]:
    return {"by": member.name}


@router.get("/console/things")
async def thing_page(request: Request, _: Annotated[Member, Depends(signed_in(Role.OFFICER))]) -> HTMLResponse:
    return HTMLResponse("things")


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with little work: what it costs is the business of one test only."""
    monkeypatch.setattr(passwords, "_hasher", passwords.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    passwords._nobodys_hash.cache_clear()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def app(engine: sa.Engine, settings: Settings) -> FastAPI:
    return staff_app(engine, settings, router)
