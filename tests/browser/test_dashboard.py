"""The reports page in a real Chromium: figures, charts by keyboard, axe, a phone, the dark, and paper."""

from __future__ import annotations

import base64
import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from actions.dossiers.reading import vietnam_now
from actions.feedback.reports.periods import parse
from actions.feedback.reports.report import Reporter
from actions.secret_key import installation_key
from connectors.console import dashboard
from connectors.reports import api
from connectors.staff.roles import Role
from knowledge.database import connect, migrate
from knowledge.settings import Settings
from tests.actions.feedback.made_up import MadeUp
from tests.browser.axe import violations
from tests.conftest import unavailable
from tests.serving import serving
from tests.signed_in import sign_in_browser, staff_app

pytestmark = pytest.mark.browser

LAST_MONTH = vietnam_now().date().replace(day=1) - dt.timedelta(days=1)
PERIOD = f"{LAST_MONTH:%Y-%m}"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    settings = Settings(home=tmp_path_factory.mktemp("reports"), office="Phường Hoa Mai")
    engine = connect(settings.database)
    migrate(engine)
    MadeUp(engine, installation_key(settings.home), LAST_MONTH.replace(day=1), LAST_MONTH).all(220)
    app = staff_app(engine, settings, dashboard.router)
    app.include_router(api.router, prefix="/api/v1")
    app.state.reporter = Reporter(engine, settings)
    return app


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


@pytest.fixture
def page(browser: webdriver.Chrome, url: str, app: FastAPI) -> Iterator[webdriver.Chrome]:
    browser.delete_all_cookies()
    sign_in_browser(browser, url, app, Role.OFFICER)
    browser.get(f"{url}/console/reports?period={PERIOD}")
    WebDriverWait(browser, 30).until(lambda b: b.find_element(By.ID, "report").get_attribute("aria-busy") == "false")
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def cells(page: webdriver.Chrome, table: str) -> list[list[str]]:
    rows = page.find_elements(By.CSS_SELECTOR, f"[aria-labelledby='t-{table}'] tbody tr")
    return [
        [cell.get_attribute("textContent") for cell in row.find_elements(By.CSS_SELECTOR, "th, td")] for row in rows
    ]


def test_the_page_shows_the_figures_of_the_report(page: webdriver.Chrome, app: FastAPI) -> None:
    report = app.state.reporter.report(parse(PERIOD), vietnam_now())
    for _, table in report.tables:
        shown = cells(page, table.id)
        assert len(shown) == len(table.rows), table.id
        for row, expected in zip(shown, table.rows, strict=True):
            for text, value, column in zip(row, expected, table.columns, strict=True):
                assert text == _as_shown(value, column.kind), (table.id, column.title)
    severe = [entry["message"] for entry in page.get_log("browser") if entry["level"] == "SEVERE"]
    assert [message for message in severe if "icon" not in message] == []  # this small app serves no icon


def _as_shown(value: object, kind: str) -> str:
    if value is None:
        return "–không có số liệu"
    decimals = {"rate": 1, "rate2": 2}.get(kind)
    if decimals is not None:
        return f"{value * 100:.{decimals}f}%".replace(".", ",")
    if kind == "number":
        return f"{value:.2f}".replace(".", ",")
    return f"{value:,}".replace(",", ".") if kind == "count" else str(value)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: webdriver.Chrome, scheme: str) -> None:
    page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    assert violations(page) == []


def test_charts_can_be_walked_with_the_keyboard_and_say_their_values(page: webdriver.Chrome) -> None:
    area = page.find_element(By.CSS_SELECTOR, "[aria-labelledby='t-service-1-week'] .chart-area")
    page.execute_script("arguments[0].focus()", area)
    assert page.switch_to.active_element == area
    told = page.find_element(By.CSS_SELECTOR, "[aria-labelledby='t-service-1-week'] .chart-told")
    assert told.get_attribute("aria-live") == "polite"
    rows = cells(page, "service-1-week")
    for key, number in ((Keys.ARROW_RIGHT, 1), (Keys.ARROW_RIGHT, 2), (Keys.END, len(rows)), (Keys.HOME, 1)):
        page.switch_to.active_element.send_keys(key)
        week, rate = rows[number - 1][0], rows[number - 1][3]
        value = "không có số liệu" if rate.startswith("–") else rate
        assert told.text.startswith(f"{number}/{len(rows)}. {week}: {value}")
    stacked = page.find_element(By.CSS_SELECTOR, "[aria-labelledby='t-form-06a-channel'] .chart-area")
    page.execute_script("arguments[0].focus()", stacked)
    said = page.find_element(By.CSS_SELECTOR, "[aria-labelledby='t-form-06a-channel'] .chart-told")
    page.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    first = cells(page, "form-06a-channel")[0]
    assert said.text == f"1/3. {first[0]}: Trước hạn: {first[5]}."
    page.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert said.text == f"1/3. {first[0]}: Đúng hạn: {first[6]}."


def test_everything_is_reached_with_the_tab_key(page: webdriver.Chrome) -> None:
    seen, reached = set(), set()
    for _ in range(250):
        page.switch_to.active_element.send_keys(Keys.TAB)
        mark = page.execute_script(
            "const e = document.activeElement; e.dataset.seen ??= String(Math.random());"
            "return [e.dataset.seen, e.id || e.className || e.tagName]"
        )
        if mark[0] in seen:
            break
        seen.add(mark[0])
        reached.add(mark[1])
    assert {"period", "print", "chart-area", "scroll", "csv"} <= reached


def test_a_narrow_phone_does_not_scroll_sideways(page: webdriver.Chrome) -> None:
    metrics = {"width": 320, "height": 700, "deviceScaleFactor": 1, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    WebDriverWait(page, 5).until(lambda b: b.execute_script("return innerWidth") == 320)
    assert page.execute_script("return document.documentElement.scrollWidth") <= 320


def test_on_paper_charts_are_images_on_white_and_tables_are_whole(page: webdriver.Chrome, tmp_path: Path) -> None:
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": dark})
    printed = page.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})
    content = base64.b64decode(printed["data"])
    (tmp_path / "report.pdf").write_bytes(content)
    assert content.startswith(b"%PDF")
    sources = page.execute_script(
        "return [...document.querySelectorAll('.chart-print')].map((i) => i.src.slice(0, 22))"
    )
    assert sources
    assert set(sources) == {"data:image/png;base64,"}


def test_choosing_a_period_shows_its_report(page: webdriver.Chrome, url: str) -> None:
    page.get(f"{url}/console/reports?period=2025")
    WebDriverWait(page, 30).until(lambda b: b.find_element(By.ID, "report").get_attribute("aria-busy") == "false")
    assert "Năm 2025" in page.find_element(By.TAG_NAME, "h1").text
    assert "không có hồ sơ nào trong kỳ" in page.find_element(By.ID, "report").text
