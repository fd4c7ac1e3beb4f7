"""What browsers are told: CORS for allowed sites alone, and the security headers of pages, script and API."""

from __future__ import annotations

import httpx
import pytest

from tests.connectors.web.conftest import PORTAL, Visitor

PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


def test_an_allowed_site_may_call(base: str) -> None:
    url = f"{base}/api/v1/web/messages"
    asked = httpx.options(url, headers=PREFLIGHT | {"Origin": PORTAL})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == PORTAL
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in asked.headers
    opened = httpx.post(f"{base}/api/v1/web/sessions", headers={"Origin": PORTAL})
    assert (opened.status_code, opened.headers["access-control-allow-origin"]) == (201, PORTAL)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", f"{PORTAL}.evil.example", "http://xatanlap.example.vn"]
)
def test_other_sites_are_refused_in_the_one_error_shape(base: str, visitor: Visitor, origin: str) -> None:
    for response in (
        httpx.options(f"{base}/api/v1/web/messages", headers=PREFLIGHT | {"Origin": origin}),
        httpx.post(f"{base}/api/v1/web/sessions", headers={"Origin": origin}),
        httpx.get(f"{base}/api/v1/web/history", headers=visitor.signed | {"Origin": origin}),
    ):
        assert (response.status_code, response.json()["error"]["code"]) == (403, "origin_not_allowed")
        assert "access-control-allow-origin" not in response.headers


def test_our_own_pages_are_no_other_site(base: str) -> None:
    assert httpx.post(f"{base}/api/v1/web/sessions", headers={"Origin": base}).status_code == 201


@pytest.mark.parametrize("path", ["/", "/widget/demo/"])
def test_pages_have_a_strict_policy(base: str, path: str) -> None:
    headers = httpx.get(base + path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'; style-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    framed = f"frame-ancestors 'self' {PORTAL}" if path == "/" else "frame-ancestors 'none'"
    assert policy.endswith(framed)


def test_the_script_may_be_used_by_any_page_and_kept_for_a_while(base: str) -> None:
    headers = httpx.get(f"{base}/widget/v1/chat.js").headers
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cache-control"].startswith("public, max-age=3600")
    again = httpx.get(f"{base}/widget/v1/chat.js", headers={"If-None-Match": headers["etag"]})
    assert again.status_code == 304


def test_answers_of_the_api_are_kept_nowhere_and_framed_by_nobody(base: str, visitor: Visitor) -> None:
    headers = httpx.get(f"{base}/api/v1/web/history", headers=visitor.signed).headers
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
