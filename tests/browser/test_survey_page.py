"""Survey, petition and entry pages in a real Chromium: by keyboard alone, without scripts, on a small phone, in the dark."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.ui import WebDriverWait

from actions.dossiers.reading import vietnam_now
from actions.feedback.petitions import Kind, State
from actions.feedback.responses import About, Response
from connectors.console import entry
from connectors.console import petitions as console_petitions
from connectors.staff import routes as staff_routes
from connectors.staff.roles import Role
from connectors.staff.sign_in import Staff
from connectors.web.headers import SecurityHeaders
from knowledge.database import connect, migrate
from tests.browser.axe import violations
from tests.conftest import unavailable
from tests.connectors.surveys.site import FINISHED, app_on
from tests.serving import serving
from tests.signed_in import sign_in_browser

pytestmark = pytest.mark.browser

PHONE, DESK = (390, 844), (1280, 900)
PICTURES = os.environ.get("MOTCUA_TEST_PICTURES")
"""A folder for screenshots, to look at."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    home = tmp_path_factory.mktemp("surveys")
    engine = connect(f"sqlite:///{home}/motcua.db")
    migrate(engine)
    app = app_on(engine, home)
    app.state.staff = Staff(engine, app.state.settings)
    staff_routes.install(app)
    app.include_router(entry.router)
    app.include_router(console_petitions.router)
    return app


@pytest.fixture(scope="module")
def url(app: FastAPI) -> Iterator[str]:
    with serving(SecurityHeaders(app)) as address:
        yield address


def chromium(*, scripts: bool = True) -> webdriver.Chrome:
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        unavailable("Chromium and its driver are not installed (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


@pytest.fixture(scope="module")
def browsers() -> Iterator[dict[bool, webdriver.Chrome]]:
    """With and without scripts, started when first needed."""
    started: dict[bool, webdriver.Chrome] = {}
    yield started
    for driver in started.values():
        driver.quit()


@pytest.fixture
def browser(browsers: dict[bool, webdriver.Chrome], url: str) -> webdriver.Chrome:
    driver = browsers.setdefault(True, browsers.get(True) or chromium())
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    size(driver, *PHONE)
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    driver.get_log("browser")
    return driver


@pytest.fixture
def plain(browsers: dict[bool, webdriver.Chrome]) -> webdriver.Chrome:
    """A browser in which no script runs."""
    driver = browsers.setdefault(False, browsers.get(False) or chromium(scripts=False))
    size(driver, *PHONE)
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    return driver


def size(driver: webdriver.Chrome, width: int, height: int) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def picture(driver: webdriver.Chrome, name: str) -> None:
    if PICTURES:
        Path(PICTURES).mkdir(exist_ok=True)
        driver.save_screenshot(str(Path(PICTURES) / f"{name}.png"))


def kept(app: FastAPI) -> list[Response]:
    found: list[Response] = app.state.surveys.responses.within(dt.date(2000, 1, 1), dt.date(2100, 1, 1))
    return found


def until(driver: webdriver.Chrome, true: Callable[[], object]) -> None:
    """Wait for a page that is on its way."""
    WebDriverWait(driver, 15, 0.05, ignored_exceptions=[WebDriverException]).until(lambda _: true())


def comes(driver: webdriver.Chrome, heading: str) -> None:
    until(driver, lambda: driver.find_element(By.TAG_NAME, "h1").text == heading)


def says(driver: webdriver.Chrome, selector: str, words: str) -> None:
    until(driver, lambda: words in driver.find_element(By.CSS_SELECTOR, selector).text)


def choose(driver: webdriver.Chrome, name: str, value: str) -> None:
    driver.find_element(By.CSS_SELECTOR, f'input[name="{name}"][value="{value}"]').click()


def press(driver: webdriver.Chrome, label: str) -> None:
    driver.find_element(By.XPATH, f"//button[normalize-space()='{label}']").click()


def keys(driver: webdriver.Chrome, *typed: str) -> None:
    webdriver.ActionChains(driver).send_keys(*typed).perform()


def focused(driver: webdriver.Chrome) -> str:
    return str(driver.execute_script("return document.activeElement.name || document.activeElement.textContent.trim()"))


def clean(driver: webdriver.Chrome) -> None:
    """No axe violation, nothing wider than the window, every target large enough, no complaint of the browser."""
    assert violations(driver) == []
    assert driver.execute_script("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    small = """return [...document.querySelectorAll('button, .button, .options label, input[type=text], .choices a, footer a')]
      .map((node) => [node.textContent.trim(), node.getBoundingClientRect()])
      .filter(([, box]) => box.height > 0 && box.right > 0 && box.height < 44).map(([text]) => text)"""
    if "/console/" not in driver.current_url:
        assert driver.execute_script(small) == []
    log = [line["message"] for line in driver.get_log("browser") if line["level"] == "SEVERE"]
    assert [
        line for line in log if "favicon" not in line and "icon.svg" not in line and "status of 4" not in line
    ] == []


PAGES = [
    "/khao-sat",
    "/khao-sat/poll?tt=1.001193",
    "/khao-sat/service",
    "/khao-sat/x",
    "/phan-anh",
    "/phan-anh/tra-cuu",
]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_on_a_phone(browser: webdriver.Chrome, url: str, path: str, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(url + path)
    clean(browser)
    picture(browser, f"{scheme}{path.replace('/', '-').partition('?')[0]}")


@pytest.mark.parametrize("path", PAGES)
def test_pages_fit_320_pixels(browser: webdriver.Chrome, url: str, path: str) -> None:
    size(browser, 320, 640)
    browser.get(url + path)
    clean(browser)


def test_answering_by_keyboard_alone(browser: webdriver.Chrome, url: str, app: FastAPI) -> None:
    before = len(kept(app))
    browser.get(f"{url}/khao-sat/poll")
    keys(browser, Keys.TAB)
    assert focused(browser) == "Đến nội dung chính"
    keys(browser, Keys.ENTER)
    for _ in range(2):
        keys(browser, Keys.TAB)  # the first question's group, then the next one's
    keys(browser, Keys.SPACE)
    keys(browser, Keys.ARROW_DOWN)
    assert not browser.find_elements(By.CSS_SELECTOR, '[name="website"]:focus')
    while focused(browser) != "comment":
        keys(browser, Keys.TAB)
    keys(browser, "Cần thêm ghế")
    keys(browser, Keys.TAB)
    assert focused(browser) == "Gửi ý kiến"
    keys(browser, Keys.ENTER)
    comes(browser, "Đã nhận ý kiến")
    clean(browser)
    picture(browser, "thanks")
    assert len(kept(app)) == before + 1


def test_without_scripts_everything_works(plain: webdriver.Chrome, url: str, app: FastAPI) -> None:
    before = kept(app)
    plain.get(f"{url}/khao-sat/service")
    plain.find_element(By.ID, "code").send_keys(FINISHED[0])
    plain.find_element(By.ID, "digits").send_keys("0000")
    press(plain, "Tiếp tục")
    says(plain, "#problem", "Không tìm thấy hồ sơ đã có kết quả")
    plain.find_element(By.ID, "digits").clear()
    plain.find_element(By.ID, "digits").send_keys(FINISHED[1])
    press(plain, "Tiếp tục")
    until(plain, lambda: plain.find_element(By.ID, "q-reason"))
    assert FINISHED[0] not in plain.current_url
    assert plain.find_element(By.ID, "q-reason").is_displayed()
    assert "Chỉ trả lời nếu ở câu 6" in plain.page_source
    press(plain, "Gửi ý kiến")
    says(plain, "#problem", "chưa trả lời câu nào")
    choose(plain, "overall", "0")
    plain.find_element(By.ID, "q-reason").send_keys("Phải chờ lâu")
    press(plain, "Gửi ý kiến")
    comes(plain, "Đã nhận ý kiến")
    assert plain.find_element(By.LINK_TEXT, "Gửi phản ánh, kiến nghị")
    (one,) = [one for one in kept(app) if one not in before]
    assert (one.answers, one.comments) == ({"overall": 0}, {"reason": "Phải chờ lâu"})


def test_with_scripts_questions_that_do_not_apply_are_hidden(browser: webdriver.Chrome, url: str) -> None:
    browser.get(f"{url}/khao-sat/service")
    browser.find_element(By.ID, "code").send_keys(FINISHED[0])
    browser.find_element(By.ID, "digits").send_keys(FINISHED[1], Keys.ENTER)
    comes(browser, "Khảo sát việc giải quyết hồ sơ")
    until(browser, lambda: browser.find_element(By.ID, "q-reason"))
    reason, comment = browser.find_element(By.ID, "q-reason"), browser.find_element(By.ID, "q-comment")
    assert (reason.is_displayed(), comment.is_displayed()) == (False, True)
    choose(browser, "overall", "0")
    assert (reason.is_displayed(), comment.is_displayed()) == (True, False)
    clean(browser)
    picture(browser, "service")


def test_back_and_sending_again_changes_the_one_response(browser: webdriver.Chrome, url: str, app: FastAPI) -> None:
    before = kept(app)
    browser.get(f"{url}/khao-sat/poll")
    choose(browser, "seats", "5")
    press(browser, "Gửi ý kiến")
    comes(browser, "Đã nhận ý kiến")
    browser.back()
    comes(browser, "Ý kiến về phục vụ hành chính")
    choose(browser, "seats", "1")
    press(browser, "Gửi ý kiến")
    comes(browser, "Đã nhận ý kiến")
    new = [one.answers for one in kept(app) if one not in before]
    assert new == [{"seats": 1}]


def test_two_presses_are_one_response(browser: webdriver.Chrome, url: str, app: FastAPI) -> None:
    before = len(kept(app))
    browser.get(f"{url}/khao-sat/poll")
    choose(browser, "seats", "5")
    browser.execute_script("const button = document.querySelector('form button'); button.click(); button.click()")
    comes(browser, "Đã nhận ý kiến")
    assert len(kept(app)) == before + 1


def test_mistakes_take_the_reader_to_the_field(browser: webdriver.Chrome, url: str) -> None:
    browser.get(f"{url}/khao-sat/service")
    browser.find_element(By.ID, "code").send_keys("sai", Keys.ENTER)
    until(browser, lambda: browser.title.startswith("Cần xem lại"))
    until(browser, lambda: browser.switch_to.active_element.get_attribute("id") == "code")
    clean(browser)
    picture(browser, "mistake")


def test_a_petition_from_form_to_answer(browser: webdriver.Chrome, url: str, app: FastAPI) -> None:
    browser.get(f"{url}/phan-anh")
    choose(browser, "kind", "difficulty")
    browser.find_element(By.ID, "text").send_keys("Máy lấy số hay hỏng")
    press(browser, "Gửi")
    comes(browser, "Đã nhận phản ánh, kiến nghị")
    number = browser.find_element(By.CLASS_NAME, "number-big").text
    clean(browser)
    picture(browser, "petition-sent")
    app.state.petitions.change(number, State.NEEDS_MORE, vietnam_now(), "Máy ở tầng nào ạ?")
    browser.get(f"{url}/phan-anh/tra-cuu")
    browser.find_element(By.ID, "number").send_keys(number, Keys.ENTER)
    says(browser, "main", "Máy ở tầng nào ạ?")
    clean(browser)
    picture(browser, "petition-state")


# -- staff --------------------------------------------------------------------------------------


def test_a_pile_of_sheets_by_keyboard_alone(browser: webdriver.Chrome, url: str, app: FastAPI) -> None:
    before = kept(app)
    size(browser, *DESK)
    sign_in_browser(browser, url, app, Role.AGENT)
    browser.get(f"{url}/console/entry")
    clean(browser)
    Select(browser.find_element(By.ID, "phieu")).select_by_value("poll")
    browser.find_element(By.ID, "tt").send_keys("1.001193", Keys.ENTER)
    comes(browser, "Nhập phiếu: Ý kiến về phục vụ hành chính")
    clean(browser)
    picture(browser, "entry")
    for number, sheet in enumerate(("54", "21")):
        says(browser, ".so-far", f"đã nhập {number} phiếu")
        until(browser, lambda: focused(browser) == "signs")
        keys(browser, *sheet)  # two answers; the other questions were left empty
        for _ in range(15):
            keys(browser, Keys.ENTER)
    says(browser, ".so-far", "Hôm nay anh/chị đã nhập 2 phiếu")
    new = [one for one in kept(app) if one not in before]
    assert sorted((one.answers["signs"], one.answers["seats"], one.channel) for one in new) == [
        (2, 1, "paper"),
        (5, 4, "paper"),
    ]
    press(browser, "Bỏ phiếu vừa nhập")
    says(browser, ".so-far", "Đã bỏ phiếu vừa nhập.")
    assert len(kept(app)) == len(before) + 1


def test_the_officers_petitions_are_accessible(browser: webdriver.Chrome, url: str, app: FastAPI) -> None:
    long_ago = vietnam_now() - dt.timedelta(days=40)
    number = app.state.petitions.submit(Kind.CONDUCT, "Nói to tiếng", About("web", "Xã Mẫu"), long_ago).number
    size(browser, *DESK)
    sign_in_browser(browser, url, app, Role.OFFICER)
    for path in ("/console/petitions", f"/console/petitions/{number}"):
        browser.get(url + path)
        clean(browser)
        picture(browser, f"officer{path.count('/')}")
