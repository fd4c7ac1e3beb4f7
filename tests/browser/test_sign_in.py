"""Signing in, with the keyboard only, in a real Chromium; no axe violation, on a phone and in the dark, too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from connectors.console import navigation
from connectors.staff.roles import Role
from knowledge.database import connect, migrate
from knowledge.settings import Settings
from tests.browser.axe import violations
from tests.conftest import unavailable
from tests.serving import serving
from tests.signed_in import PASSWORD, account, sign_in_browser, staff_app

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    settings = Settings(home=tmp_path_factory.mktemp("staff"), office="Phường Hải Châu", staff_oidc_issuer="http://x")
    engine = connect(settings.database)
    migrate(engine)
    return staff_app(engine, settings)


@pytest.fixture(scope="module")
def url(app: FastAPI) -> Iterator[str]:
    with serving(app) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        unavailable("Chromium and its driver are not installed (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1280,900",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture(autouse=True)
def as_it_was(browser: webdriver.Chrome) -> Iterator[None]:
    browser.delete_all_cookies()
    yield
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def press(browser: webdriver.Chrome, *keys: str) -> None:
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def test_the_whole_way_with_the_keyboard(browser: webdriver.Chrome, url: str, app: FastAPI) -> None:
    account(app, Role.OFFICER, "lan", PASSWORD)
    browser.get(f"{url}/console/password")
    assert browser.switch_to.active_element.get_attribute("id") == "name"
    press(browser, "lan", Keys.TAB, "wrong password", Keys.ENTER)
    alert = browser.find_element(By.CSS_SELECTOR, "[role=alert]")
    assert "chưa đúng" in alert.text
    assert browser.switch_to.active_element.get_attribute("id") == "password", "the name is kept"
    press(browser, PASSWORD, Keys.ENTER)
    assert browser.current_url == f"{url}/console/password"
    press(browser, Keys.TAB)
    assert browser.switch_to.active_element.text == "Đến nội dung chính"
    press(browser, Keys.ENTER)
    assert browser.switch_to.active_element.tag_name == "main"
    browser.get(f"{url}/console/")
    press(browser, Keys.TAB, Keys.TAB, Keys.TAB, Keys.TAB)
    assert browser.switch_to.active_element.text == "Đăng xuất"
    press(browser, Keys.ENTER)
    assert "đã đăng xuất" in browser.find_element(By.CSS_SELECTOR, "[role=status]").text
    wrong = [entry for entry in browser.get_log("browser") if "400 (Bad Request)" not in entry["message"]]
    assert not [entry for entry in wrong if entry["level"] == "SEVERE" and "favicon" not in entry["message"]
                and "icon.svg" not in entry["message"]]  # fmt: skip


PAGES = ("/console/sign-in?expired=1", "/console/", "/console/password")


@pytest.fixture
def two_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(navigation, "_entries", {})
    navigation.add("/console/calls", "Cuộc gọi", "Ghi và xem lại các cuộc gọi.", Role.AGENT)
    navigation.add("/console/", "Trang đầu", "Các phần của trang này.", order=0)


@pytest.mark.usefixtures("two_parts")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_no_axe_violation(browser: webdriver.Chrome, url: str, app: FastAPI, path: str, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    if "sign-in" not in path:
        sign_in_browser(browser, url, app, Role.ADMIN)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(url + path)
    assert violations(browser) == []


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_cut_off_on_a_small_phone(browser: webdriver.Chrome, url: str, app: FastAPI, path: str) -> None:
    if "sign-in" not in path:
        sign_in_browser(browser, url, app, Role.ADMIN)
    size = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(url + path)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 320
    small = "return [...document.querySelectorAll('a, button, input:not([type=hidden])')]"
    small += ".filter(e => e.offsetParent && e.className !== 'skip' && e.getBoundingClientRect().height < 24)"
    inline = ".filter(e => getComputedStyle(e).display !== 'inline').map(e => e.outerHTML)"
    assert browser.execute_script(small + inline) == []
