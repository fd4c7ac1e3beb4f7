"""The chat page in a real Chromium, talking to the real app and the real Rasa."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.browser.chat import PHONE, SMALLEST, Chat, chromium

pytestmark = [pytest.mark.browser, pytest.mark.rasa]


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    with chromium() as driver:
        yield driver


@pytest.fixture
def page(browser: webdriver.Chrome, running_motcua: str) -> Chat:
    page = Chat(browser)
    page.size(*PHONE)
    page.begin(f"{running_motcua}/icon.svg", running_motcua)
    page.wait(page.messages)
    return page


def test_the_newcomers_three_questions(page: Chat) -> None:
    assert "trợ lý máy" in page.messages()[0]
    papers = page.say("con tôi mới sinh cần giấy tờ gì")
    assert "Giấy chứng sinh" in papers
    assert "Nguồn:" in papers
    assert "lệ phí" in page.say("the le phi bao nhieu").lower()
    assert "trực tuyến" in page.say("nộp online được không").lower()
    assert not page.complaints()


def test_options_can_be_tapped(page: Chat) -> None:
    page.say("con tôi mới sinh cần giấy tờ gì")
    before = len(page.messages())
    [node for node in page.all(".options button") if node.text == "Thời hạn"][-1].click()
    page.wait(lambda: len(page.messages()) > before)
    assert "Thời hạn giải quyết" in page.messages()[-1]
    assert page.mine()[-1] == "Thời hạn"


def test_markup_is_shown_as_text_and_links_are_links(page: Chat) -> None:
    page.say("<img src=x onerror=alert(1)> khai sinh")
    assert page.mine()[-1].startswith("<img")
    assert not page.all(".message.mine img")
    links = page.all(".log a")
    assert links == [] or links[-1].get_attribute("href").startswith("https://")


def test_it_works_by_keyboard_and_fits_a_small_phone(page: Chat) -> None:
    page.size(*SMALLEST)
    page.say("khai tử cần giấy tờ gì")
    assert page.sideways() <= 0
    assert page.focused().get_attribute("id") == "text"
    log = page.one(".log")
    assert log.get_attribute("role") == "log"
    assert log.get_attribute("aria-live") == "polite"
    assert page.driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == "vi"


def test_starting_over_forgets_the_talk(page: Chat) -> None:
    page.say("con tôi mới sinh cần giấy tờ gì")
    page.one(".restart").click()
    page.wait(lambda: len(page.messages()) == 1 and not page.mine())
    assert "thủ tục nào" in page.say("lệ phí bao nhiêu")


def test_a_dossiers_steps_are_a_line_of_progress(page: Chat) -> None:
    told = page.say("tra hồ sơ H57.17.26-261112-0006 số cuối 1006")
    assert "Yêu cầu bổ sung giấy tờ" in told
    steps = page.all(".message:last-child .steps li")
    assert [step.text.split("\n") for step in steps][:2] == [["Tiếp nhận", "xong"], ["Thẩm định", "đang chờ anh/chị"]]
    assert [step.get_attribute("aria-current") for step in steps] == [None, "step", None, None]
    assert page.sideways() <= 0, "the page scrolls sideways on a phone"
