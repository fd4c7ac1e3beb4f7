"""For tests of pages and routes that need somebody signed in: a small app, accounts, and clients with a session.

``app = staff_app(engine, settings, calls.router)``, then ``client = signed_in_client(app, Role.AGENT)``; for Selenium
``with serving(app) as url: sign_in_browser(driver, url, app, Role.OFFICER)``.
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from selenium.webdriver.remote.webdriver import WebDriver

from connectors import errors
from connectors.staff import routes
from connectors.staff.access import CSRF_HEADER
from connectors.staff.roles import Role
from connectors.staff.sign_in import Staff
from connectors.staff.tables import StaffAccount
from knowledge.settings import Settings

PASSWORD = "một câu dài để thử"


def staff_app(engine: sa.Engine, settings: Settings, *routers: APIRouter) -> FastAPI:
    """Only signing in and ``routers`` (each with its whole prefix), on a migrated database."""
    app = FastAPI()
    app.state.settings, app.state.staff = settings, Staff(engine, settings)
    errors.install(app)
    routes.install(app)
    for router in routers:
        app.include_router(router, responses={422: {"model": errors.ErrorResponse}})
    return app


def account(app: FastAPI, role: Role, name: str | None = None, password: str | None = None) -> StaffAccount:
    """A new account, named after its role where no ``name`` is given; without a password that takes time to hash."""
    subject = None if password else secrets.token_hex(8)
    accounts = app.state.staff.accounts
    name = name or role.value
    return accounts.get(name) or accounts.add(name, role, display=role.label, password=password, oidc_subject=subject)


def session_of(app: FastAPI, role: Role, name: str | None = None) -> tuple[str, str]:
    """A new session of such an account: the cookie's value and the CSRF token."""
    staff: Staff = app.state.staff
    token = staff.sessions.start(account(app, role, name))
    assert token
    return token, staff.csrf_token(token)


def signed_in_client(app: FastAPI, role: Role, name: str | None = None) -> TestClient:
    """A client with a session and the CSRF header. It does not run the app's lifespan; it follows no redirects."""
    token, csrf = session_of(app, role, name)
    client = TestClient(app, follow_redirects=False, headers={CSRF_HEADER: csrf})
    client.cookies.set("motcua_staff", token)
    return client


def sign_in_browser(driver: WebDriver, url: str, app: FastAPI, role: Role, name: str | None = None) -> None:
    """Give a Selenium driver a session at ``url``, where ``app`` is served; opens the console's first page."""
    token, _ = session_of(app, role, name)
    driver.get(f"{url}/console/static/console.css")  # any page of the host, to be able to set its cookies
    driver.delete_all_cookies()
    driver.add_cookie({"name": "motcua_staff", "value": token, "path": "/", "httpOnly": True, "sameSite": "Lax"})
    driver.get(f"{url}/console/")
