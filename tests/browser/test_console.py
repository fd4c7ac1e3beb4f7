"""The hotline's console in a real Chromium, with the keyboard only: a call from ring to log, a conversation to its reply."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi import FastAPI
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from actions.dossiers.reading import vietnam_now
from actions.procedures import ProcedureTalk
from actions.replies import Reply
from connectors.console.hotline.search import finder_of
from connectors.staff.roles import Role
from knowledge.catalogue import Catalogue
from knowledge.database import connect, migrate
from knowledge.search.engine import SearchEngine
from knowledge.settings import Settings
from tests.browser.axe import violations
from tests.conftest import unavailable
from tests.connectors.console.desk import BIRTH, SECRET, VISITOR, desk, wants_person
from tests.databases import emptied
from tests.serving import serving
from tests.signed_in import sign_in_browser

pytestmark = pytest.mark.browser

PHONE = "0912345678"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, starter_settings: Settings, starter_engine: SearchEngine) -> FastAPI:
    settings = Settings(
        home=tmp_path_factory.mktemp("console"), office="Phường Hải Châu", console_calls_secret=SECRET, office_hours=""
    )
    engine = connect(settings.database)
    migrate(engine)
    talk = ProcedureTalk(Catalogue.open(starter_settings), starter_engine, starter_settings)
    app = desk(engine, settings, talk, dossiers_of=starter_settings)
    finder_of(app)
    return app


@pytest.fixture(scope="module")
def url(app: FastAPI) -> Iterator[str]:
    with serving(app) as address:
        yield address


def started() -> webdriver.Chrome:
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        unavailable("Chromium and its driver are not installed (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1500,1000",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    driver = started()
    yield driver
    driver.quit()


@pytest.fixture
def page(browser: webdriver.Chrome, url: str, app: FastAPI) -> Iterator[webdriver.Chrome]:
    """The hotline's page of agent Lan at extension 101, in an empty database."""
    emptied(app.state.settings.database)
    sign_in_browser(browser, url, app, Role.AGENT, "lan")
    app.state.call_book.sit("lan", "101")
    browser.get(f"{url}/console/hotline")
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def wait(browser: webdriver.Chrome, what: Callable[[], object], seconds: float = 15) -> None:
    WebDriverWait(browser, seconds, poll_frequency=0.1).until(lambda _: what())


def press(browser: webdriver.Chrome, *keys: str) -> None:
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def focused(browser: webdriver.Chrome) -> str:
    return browser.switch_to.active_element.get_attribute("id") or ""


def one(browser: webdriver.Chrome, selector: str) -> WebElement:
    return browser.find_element(By.CSS_SELECTOR, selector)


def text(browser: webdriver.Chrome, selector: str) -> str:
    return " ".join(one(browser, selector).text.split())


def options(browser: webdriver.Chrome) -> list[str]:
    script = "return [...document.querySelectorAll('#results [role=option]')].map(e => e.innerText)"
    return list(browser.execute_script(script))


def ring(url: str, event: str = "ringing", call: str = "c1") -> None:
    body = {"call_id": call, "extension": "101", "phone": PHONE, "event": event}
    httpx.post(f"{url}/api/v1/console/calls", json=body, headers={"X-Motcua-Secret": SECRET}).raise_for_status()


def test_a_call_from_ring_to_log_with_the_keyboard_only(page: webdriver.Chrome, url: str, app: FastAPI) -> None:
    assert focused(page) == "q"
    ring(url)
    wait(page, lambda: one(page, "#ring").is_displayed())
    assert "09••••••78 (máy 101)" in text(page, "#ring")
    assert focused(page) == "q", "what is being typed is not interrupted"
    press(page, Keys.F2)
    wait(page, lambda: one(page, "#call").is_displayed())
    wait(page, lambda: not one(page, "#ring").is_displayed())
    press(page, "khai si")
    wait(page, lambda: any(BIRTH in option for option in options(page)))
    press(page, Keys.ARROW_DOWN)
    assert one(page, "#r0").get_attribute("aria-selected") == "true"
    assert one(page, "#q").get_attribute("aria-activedescendant") == "r0"
    press(page, Keys.ENTER)
    wait(page, lambda: focused(page) == "card-head")
    assert "khai sinh" in text(page, "#card-head").lower()
    press(page, "3")
    assert focused(page) == "part-time"
    press(page, Keys.F4, Keys.SPACE)
    assert page.switch_to.active_element.get_attribute("value") == "answered"
    press(page, Keys.TAB)
    assert page.switch_to.active_element.get_attribute("value") == "Hộ tịch", "from the procedure that was shown"
    press(page, Keys.TAB, "hỏi thời hạn")
    press(page, Keys.CONTROL + Keys.ENTER)
    wait(page, lambda: "Đã trả lời" in text(page, "#today"))
    assert not one(page, "#call").is_displayed()
    assert focused(page) == "q"
    (written,) = app.state.call_book.of_day(vietnam_now().date())
    assert (written.procedure_code, written.note, written.phone) == (BIRTH, "hỏi thời hạn", None)
    severe = [
        entry for entry in page.get_log("browser") if entry["level"] == "SEVERE" and "icon" not in entry["message"]
    ]
    assert severe == []


def test_typing_anywhere_searches_and_the_keys_can_be_switched_off(page: webdriver.Chrome) -> None:
    press(page, "khai sinh", Keys.ENTER)
    wait(page, lambda: focused(page) == "card-head")
    press(page, "k")
    assert (focused(page), one(page, "#q").get_attribute("value")) == ("q", "k")
    press(page, Keys.ESCAPE)
    assert one(page, "#q").get_attribute("value") == ""
    press(page, Keys.ESCAPE)
    assert focused(page) == "card-head"
    press(page, "?")
    wait(page, lambda: one(page, "#help").is_displayed())
    assert violations(page) == []
    press(page, Keys.SPACE, Keys.ESCAPE)  # the first control is the switch
    wait(page, lambda: not one(page, "#help").is_displayed())
    page.execute_script("document.getElementById('card-head').focus()")
    press(page, "2")
    assert focused(page) == "card-head"
    press(page, Keys.CONTROL + "k")
    assert focused(page) == "q"
    page.execute_script("localStorage.clear()")


def test_only_the_last_thing_typed_counts(page: webdriver.Chrome) -> None:
    for _ in range(3):
        one(page, "#q").send_keys("khai sinh", Keys.CONTROL + "a", Keys.NULL, "kết hôn")
        wait(page, lambda: options(page) and "kết hôn" in options(page)[0].lower())
        press(page, Keys.ESCAPE)
    press(page, "thời tiết hôm nay")
    wait(page, lambda: "Không tìm thấy" in text(page, "#found"))


def test_no_answer_found_in_one_key(page: webdriver.Chrome, app: FastAPI) -> None:
    press(page, "nuôi cá sấu cảnh", Keys.F8)
    wait(page, lambda: "Đã chuyển câu hỏi" in text(page, "#found"))
    assert [entry.question for entry in app.state.reviews.entries()] == ["nuôi cá sấu cảnh"]


def test_a_dossier_never_comes_into_an_address(page: webdriver.Chrome, app: FastAPI) -> None:
    press(page, "h57.17.26-261112-0006", Keys.ENTER)
    wait(page, lambda: focused(page) == "card-head")
    assert "H57.17.26-261112-0006" in text(page, "#card")
    asked = page.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert asked and not any("261112" in address for address in asked)
    assert [entry.what for entry in app.state.staff.audit.entries(who="lan")] == ["dossier_lookup"]


def test_the_callers_own_chat(page: webdriver.Chrome) -> None:
    press(page, "khai sinh", Keys.ENTER)
    wait(page, lambda: focused(page) == "card-head")
    press(page, Keys.SHIFT + Keys.F9)
    wait(page, lambda: one(page, "#send").is_displayed())
    assert text(page, "#send-digits").startswith("nhận ")
    assert violations(page) == []


def test_a_claim_that_comes_too_late_and_a_reply_that_arrives(page: webdriver.Chrome, url: str, app: FastAPI) -> None:
    wants_person(app)
    page.get(f"{url}/console/conversations")
    wait(page, lambda: page.find_elements(By.CSS_SELECTOR, "#queue .row"))
    one(page, "#queue .row").send_keys(Keys.ENTER)
    wait(page, lambda: focused(page) == "talk-head")
    assert "cho tôi gặp cán bộ" in text(page, "#lines")
    app.state.handoffs.claim(VISITOR, "minh")
    if one(page, "#claim").is_displayed():
        press(page, Keys.F2)
    wait(page, lambda: "minh đang trả lời" in text(page, "#talk-state"))
    assert not one(page, "#reply").is_displayed()
    app.state.handoffs.release(VISITOR)
    wait(page, lambda: one(page, "#claim").is_displayed())
    press(page, Keys.F2)
    wait(page, lambda: focused(page) == "text")
    press(page, "Dạ, em nghe ạ.", Keys.CONTROL + Keys.ENTER)
    wait(page, lambda: "Dạ, em nghe ạ." in text(page, "#lines"))
    assert app.state.transcripts.recent(VISITOR)[-1].text == "Dạ, em nghe ạ."
    with app.state.staff.accounts._engine.begin() as connection:
        app.state.transcripts.append(connection, VISITOR, "citizen", "tôi cảm ơn")
    wait(page, lambda: "tôi cảm ơn" in text(page, "#lines"))
    assert violations(page) == []


def test_an_answer_is_changed_and_sent_while_others_come_in(page: webdriver.Chrome, url: str, app: FastAPI) -> None:
    def held(question: str) -> None:
        with app.state.staff.accounts._engine.begin() as connection:
            reply = Reply(text=f"Đáp: {question}", status="answered")
            app.state.approvals.hold(connection, VISITOR, question, reply)

    held("cần giấy gì")
    settings = app.state.settings
    app.state.settings = settings.model_copy(update={"console_approve_answers": True})
    try:
        sign_in_browser(page, url, app, Role.SUPERVISOR, "boss")
        page.get(f"{url}/console/conversations")
        wait(page, lambda: page.find_elements(By.CSS_SELECTOR, "#held textarea"))
    finally:
        app.state.settings = settings
    one(page, "#held textarea").send_keys(" và sổ hộ khẩu")
    held("mất bao lâu")
    wait(page, lambda: len(page.find_elements(By.CSS_SELECTOR, "#held textarea")) == 2)
    assert violations(page) == []
    press(page, Keys.TAB, Keys.ENTER)
    wait(page, lambda: len(page.find_elements(By.CSS_SELECTOR, "#held textarea")) == 1)
    assert app.state.transcripts.recent(VISITOR)[-1].text == "Đáp: cần giấy gì và sổ hộ khẩu"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/console/hotline", "/console/conversations", "/console/calls", "/console/audit"])
def test_no_axe_violation_and_nothing_cut_off(
    page: webdriver.Chrome, url: str, app: FastAPI, path: str, scheme: str
) -> None:
    sign_in_browser(page, url, app, Role.SUPERVISOR, "boss")
    wants_person(app)
    id = app.state.call_book.begin("boss", PHONE)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    page.get(url + path)
    if path == "/console/hotline":
        wait(page, lambda: one(page, "#call").is_displayed())
        press(page, "khai sinh", Keys.ENTER)
        wait(page, lambda: focused(page) == "card-head")
    elif path == "/console/conversations":
        wait(page, lambda: page.find_elements(By.CSS_SELECTOR, "#queue .row"))
    assert id and violations(page) == []
    size = {"width": 320, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    assert page.execute_script("return document.documentElement.scrollWidth") <= 320
    small = "return [...document.querySelectorAll('a, button, summary, input:not([type=hidden])')]"
    small += ".filter(e => e.offsetParent && e.className !== 'skip' && e.getBoundingClientRect().height < 24)"
    small += ".filter(e => getComputedStyle(e).display !== 'inline' && !e.closest('label')).map(e => e.outerHTML)"
    assert page.execute_script(small) == []
