"""The chat page in a real Chromium, talking to the real app and the real Rasa."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.conftest import unavailable

pytestmark = [pytest.mark.browser, pytest.mark.rasa]


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        unavailable("Chromium and its driver are not installed (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=390,844"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture
def page(browser: webdriver.Chrome, running_motcua: str) -> webdriver.Chrome:
    browser.get(running_motcua)
    WebDriverWait(browser, 20).until(lambda b: messages(b))
    return browser


def messages(browser: webdriver.Chrome) -> list[str]:
    return [node.text for node in browser.find_elements(By.CSS_SELECTOR, "#log .message:not(.mine)")]


def say(browser: webdriver.Chrome, text: str) -> str:
    before = len(messages(browser))
    browser.find_element(By.ID, "text").send_keys(text, Keys.ENTER)
    WebDriverWait(browser, 30).until(lambda b: len(messages(b)) > before)
    return messages(browser)[-1]


def test_the_newcomers_three_questions(page: webdriver.Chrome) -> None:
    assert "trợ lý máy" in messages(page)[0]
    papers = say(page, "con tôi mới sinh cần giấy tờ gì")
    assert "Giấy chứng sinh" in papers
    assert "Nguồn:" in papers
    assert "lệ phí" in say(page, "the le phi bao nhieu").lower()
    assert "trực tuyến" in say(page, "nộp online được không").lower()
    assert not [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"]


def test_options_can_be_tapped(page: webdriver.Chrome) -> None:
    say(page, "con tôi mới sinh cần giấy tờ gì")
    before = len(messages(page))
    page.find_elements(By.XPATH, "//ul[@class='options']//button[text()='Thời hạn']")[-1].click()
    WebDriverWait(page, 30).until(lambda b: len(messages(b)) > before)
    assert "Thời hạn giải quyết" in messages(page)[-1]


def test_markup_is_shown_as_text_and_links_are_links(page: webdriver.Chrome) -> None:
    say(page, "<img src=x onerror=alert(1)> khai sinh")
    mine = page.find_elements(By.CSS_SELECTOR, ".message.mine")[-1]
    assert mine.text.startswith("<img")
    assert not mine.find_elements(By.TAG_NAME, "img")
    links = page.find_elements(By.CSS_SELECTOR, "#log a")
    assert links == [] or links[-1].get_attribute("href").startswith("https://")


def test_it_works_by_keyboard_and_fits_a_small_phone(page: webdriver.Chrome) -> None:
    page.set_window_size(320, 640)
    say(page, "khai tử cần giấy tờ gì")
    width = page.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0
    assert page.switch_to.active_element.get_attribute("id") == "text"
    log = page.find_element(By.ID, "log")
    assert log.get_attribute("role") == "log"
    assert log.get_attribute("aria-live") == "polite"
    assert page.find_element(By.TAG_NAME, "html").get_attribute("lang") == "vi"
    page.set_window_size(390, 844)


def test_starting_over_forgets_the_talk(page: webdriver.Chrome) -> None:
    say(page, "con tôi mới sinh cần giấy tờ gì")
    page.find_element(By.ID, "restart").click()
    WebDriverWait(page, 20).until(lambda b: len(messages(b)) == 1)
    assert "thủ tục nào" in say(page, "lệ phí bao nhiêu")


def test_a_dossiers_steps_are_a_line_of_progress(page: webdriver.Chrome) -> None:
    told = say(page, "tra hồ sơ H57.17.26-261112-0006 số cuối 1006")
    assert "Yêu cầu bổ sung giấy tờ" in told
    steps = page.find_elements(By.CSS_SELECTOR, "#log .message:last-child .steps li")
    assert [step.text.split("\n") for step in steps][:2] == [["Tiếp nhận", "xong"], ["Thẩm định", "đang chờ anh/chị"]]
    assert [step.get_attribute("aria-current") for step in steps] == [None, "step", None, None]
    widest = page.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert widest <= 0, "the page scrolls sideways on a phone"
