"""The website widget in Chromium: all real parts of the web channel around scripted answers."""

from __future__ import annotations

import asyncio
import functools
import http.server
import threading
import time
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from connectors.web.sessions import TokenExpiredError
from knowledge.settings import Settings
from tests.browser.axe import violations
from tests.browser.chat import DESK, PHONE, SMALLEST, Chat, chromium
from tests.connectors.web.site import served, web_app

pytestmark = pytest.mark.browser

OFFICE_PAGE = """<!doctype html><html lang="vi"><head><meta charset="utf-8"><title>Trang của xã</title>
<script src="{base}/widget/v1/chat.js" {attributes} async></script></head>
<body><main><h1>Trang của xã</h1><p>Nội dung.</p></main></body></html>"""
OFFICE_POLICY = "default-src 'none'; script-src {base}; connect-src {base}; img-src {base}; base-uri 'none'"


@pytest.fixture(scope="module")
def driver() -> Iterator[webdriver.Chrome]:
    with chromium() as driver:
        yield driver


class Office:
    """A website of an office, on an origin of its own, with a strict policy."""

    def __init__(self) -> None:
        self.page, self.policy = "", ""
        office = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", office.policy)
                self.end_headers()
                self.wfile.write(office.page.encode() if self.path == "/" else b"")

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def carries(self, base: str, attributes: str = "") -> None:
        self.page, self.policy = OFFICE_PAGE.format(base=base, attributes=attributes), OFFICE_POLICY.format(base=base)

    def close(self) -> None:
        self._server.shutdown()


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    office = Office()
    yield office
    office.close()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, office: Office) -> FastAPI:
    home = tmp_path_factory.mktemp("widget")
    return web_app(Settings(home=home, hotline="1022", office="Xã Tân Lập", web_origins=[office.origin]))


@pytest.fixture(scope="module")
def base(app: FastAPI) -> Iterator[str]:
    with served(app) as url:
        yield url


@pytest.fixture
def chat(driver: webdriver.Chrome, base: str) -> Iterator[Chat]:
    """The demo page on a desktop, nothing said yet."""
    chat = Chat(driver)
    chat.size(*DESK)
    chat.prefer()
    chat.begin(f"{base}/icon.svg", f"{base}/widget/demo/")
    chat.wait(lambda: chat.all(".launcher"))
    yield chat
    chat.offline(False)


# -- links and codes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "said", "sent"),
    [
        ("?tt=1.001193", "Thủ tục 1.001193", '/choose_option{"choice":"1.001193"}'),
        ("?tra=ho-so", "Tra cứu hồ sơ", "/dossier_status"),
    ],
)
def test_a_link_or_code_opens_the_page_on_what_it_is_about(
    app: FastAPI, chat: Chat, base: str, query: str, said: str, sent: str
) -> None:
    chat.begin(f"{base}/icon.svg", f"{base}/{query}")
    chat.wait(lambda: len(chat.messages()) == 2)
    assert chat.mine() == [said]
    assert app.state.script.heard[-1] == sent
    assert not chat.driver.current_url.endswith(query), "opened anew, the page does not ask again"


@pytest.mark.parametrize("query", ["?tt=%3Cscript%3E", "?tt=1.001193;drop", "?tra=khac", "?q=x"])
def test_other_queries_open_the_plain_page(chat: Chat, base: str, query: str) -> None:
    chat.begin(f"{base}/icon.svg", f"{base}/{query}")
    chat.wait(lambda: len(chat.messages()) == 1)
    assert chat.mine() == []


# -- a conversation -----------------------------------------------------------------------------


def test_a_procedure_is_a_card_with_papers_to_tick(chat: Chat) -> None:
    chat.open()
    assert "trợ lý máy" in chat.messages()[0]
    told = chat.say("con tôi mới sinh cần giấy tờ gì")
    for piece in ("Làm giấy khai sinh cho trẻ mới sinh", "Giấy chứng sinh", "Nếu trẻ bị bỏ rơi", "20/07/2026"):
        assert piece in told
    assert "Xem tiếp" not in told, "the card has all pages"
    papers = chat.all(".checklist input")
    assert len(papers) == 11
    papers[0].click()
    assert papers[0].is_selected()
    notes = chat.one("details")
    assert "Lưu ý" in notes.text
    assert not notes.get_attribute("open")
    assert not chat.complaints()


def test_options_are_buttons_that_say_what_is_chosen(chat: Chat) -> None:
    chat.open()
    told = chat.say("làm giấy")
    assert told.count("Cấp lại giấy khai sinh") == 1, "the list is not said twice"
    before = len(chat.messages())
    chat.one(".options.listed button").click()
    chat.wait(lambda: len(chat.messages()) > before)
    assert chat.mine()[-1] == "Làm giấy khai sinh cho trẻ mới sinh"


def test_a_dossiers_steps_are_a_line_of_progress(chat: Chat) -> None:
    chat.open()
    told = chat.say("tra hồ sơ")
    assert "Các bước:" not in told
    steps = [step.text.split("\n") for step in chat.all(".steps li")]
    assert steps[:2] == [["Tiếp nhận", "xong"], ["Thẩm định", "đang chờ anh/chị"]]
    assert [step.get_attribute("aria-current") for step in chat.all(".steps li")] == [None, "step", None, None]


def test_markup_is_shown_as_text_and_addresses_are_links(chat: Chat) -> None:
    chat.open()
    told = chat.say("<img src=x onerror=alert(1)> xem https://dichvucong.gov.vn nhé")
    assert "<img src=x" in told
    assert not chat.all(".log img")
    assert chat.all(".log a")[-1].get_attribute("href") == "https://dichvucong.gov.vn/"


def test_an_answer_can_be_rated(app: FastAPI, chat: Chat) -> None:
    chat.open()
    chat.say("khai sinh")
    chat.one(".rating button:last-of-type").click()
    chat.wait(lambda: "chưa ổn ở điểm nào" in chat.one(".rating").text)
    chat.all(".rating button")[1].click()
    chat.wait(lambda: "Cảm ơn" in chat.one(".rating").text)
    chat.wait(lambda: len(app.state.feedback.taken) >= 2)
    taken = app.state.feedback.taken[-2:]
    assert [(one["useful"], one["reasons"]) for one in taken] == [(False, []), (False, ["incomplete"])]


def test_an_officer_can_be_asked_for_and_answers(app: FastAPI, chat: Chat) -> None:
    chat.open()
    before = {one.conversation for one in app.state.handoffs.queue()}
    chat.one(".person").click()
    chat.wait(lambda: len(chat.messages()) == 2)
    (asked,) = {one.conversation for one in app.state.handoffs.queue()} - before
    assert app.state.handoffs.claim(asked, "lan")
    chat.one("#text").send_keys("có ai không", Keys.ENTER)
    chat.wait(lambda: "đã gửi tới cán bộ" in chat.status())
    app.state.handoffs.reply_as_staff(asked, "Tôi nghe đây ạ.", "lan")
    chat.wait(lambda: "Tôi nghe đây ạ." in chat.messages()[-1])
    assert chat.messages()[-1].startswith("Cán bộ")
    assert chat.status() == ""


# -- everybody can use it -----------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(chat: Chat, scheme: str) -> None:
    chat.prefer(prefers_color_scheme=scheme)
    assert violations(chat.driver) == []
    chat.open()
    assert violations(chat.driver) == []
    for question in ("con tôi mới sinh", "tra hồ sơ", "làm giấy"):
        chat.say(question)
    chat.all("summary")[0].click()
    assert violations(chat.driver) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_chats_own_page(chat: Chat, base: str, scheme: str) -> None:
    chat.prefer(prefers_color_scheme=scheme)
    chat.size(*PHONE)
    chat.driver.get(base)
    chat.wait(chat.messages)
    chat.say("con tôi mới sinh")
    assert violations(chat.driver) == []


def test_everything_works_by_keyboard_alone(chat: Chat) -> None:
    press = functools.partial(lambda *keys: ActionChains(chat.driver).send_keys(*keys).perform())
    for _ in range(10):
        press(Keys.TAB)
        if "launcher" in (chat.focused().get_attribute("class") or ""):
            break
    press(Keys.ENTER)
    chat.wait(chat.messages)
    assert chat.one("dialog").get_attribute("open")
    assert chat.focused().get_attribute("id") == "text"
    press("làm giấy", Keys.ENTER)
    chat.wait(lambda: len(chat.messages()) == 2)
    assert chat.focused().get_attribute("id") == "text", "the focus stays where one types"
    ActionChains(chat.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
    assert chat.focused().text.startswith("3. ")
    press(Keys.SPACE)
    chat.wait(lambda: len(chat.messages()) == 3)
    press(Keys.ESCAPE)
    assert not chat.one("dialog").get_attribute("open")
    assert "launcher" in chat.focused().get_attribute("class")


def test_roles_and_names_tell_what_is_what(chat: Chat) -> None:
    launcher = chat.one(".launcher")
    assert (launcher.get_attribute("aria-expanded"), launcher.get_attribute("aria-controls")) == ("false", "panel")
    chat.open()
    log = chat.one(".log")
    assert (log.get_attribute("role"), log.get_attribute("aria-live")) == ("log", "polite")
    assert log.accessible_name == "Nội dung trò chuyện"
    assert chat.one("dialog").accessible_name == "Trợ lý Xã Tân Lập"
    assert chat.one("#text").accessible_name == "Câu hỏi của anh/chị"
    assert chat.one(".help a").get_attribute("href") == "tel:1022"


def test_a_turn_is_announced_once(chat: Chat) -> None:
    chat.open()
    chat.driver.execute_script("""
      window.announced = [];
      const log = document.querySelector("vn-gov-chat").shadowRoot.querySelector(".log");
      new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((node) =>
        node.getAttribute("aria-live") !== "off" && window.announced.push(node.className)))).observe(log, { childList: true });
    """)
    chat.say("con tôi mới sinh")
    assert chat.driver.execute_script("return window.announced") == ["message"]


@pytest.mark.parametrize("path", ["/widget/demo/", "/"])
def test_it_fits_the_smallest_phone_and_large_text(chat: Chat, base: str, path: str) -> None:
    chat.size(*SMALLEST)
    chat.driver.get(base + path)
    if path != "/":
        chat.open()
    chat.wait(chat.messages)
    for question in ("con tôi mới sinh", "tra hồ sơ", "làm giấy"):
        chat.say(question)
    assert chat.sideways() <= 0
    chat.driver.execute_script("document.documentElement.style.fontSize = '200%'")
    assert chat.sideways() <= 0
    box, send = chat.one("#text"), chat.one("form button")
    assert box.rect["width"] > 100
    assert send.rect["x"] + send.rect["width"] <= SMALLEST[0]
    small = [node for node in chat.all("button, a, summary, .checklist label") if node.is_displayed()]
    sizes = {node.text: node.size for node in small if node.tag_name != "a" and min(node.size.values()) < 24}
    assert not sizes, "targets are at least 24 px"


def test_zoomed_to_four_hundred_percent_everything_can_be_reached(chat: Chat) -> None:
    chat.size(320, 256)
    chat.open()
    chat.say("con tôi mới sinh")
    assert chat.sideways() <= 0
    chat.driver.execute_script("arguments[0].scrollIntoView()", chat.one("#text"))
    rect = chat.one("#text").rect
    panel = chat.one("dialog")
    assert chat.driver.execute_script("return arguments[0].scrollHeight > arguments[0].clientHeight", panel)
    assert rect["height"] > 40


def test_forced_colours_keep_edges_and_progress_visible(chat: Chat) -> None:
    chat.prefer(forced_colors="active")
    chat.open()
    chat.say("tra hồ sơ")
    style = "const s = getComputedStyle(arguments[0]); return [s.borderTopStyle, parseFloat(s.borderTopWidth)]"
    for css in ("form button", ".options button", ".message"):
        assert chat.driver.execute_script(style, chat.all(css)[-1]) == ["solid", 1], css
    borders = [chat.driver.execute_script(style, step)[0] for step in chat.all(".steps li")]
    assert borders == ["solid", "dashed", "solid", "solid"]
    assert violations(chat.driver) == []


def test_enter_that_ends_a_word_of_an_input_method_does_not_send(chat: Chat) -> None:
    chat.open()
    box = chat.one("#text")
    box.click()
    chat.driver.execute_cdp_cmd("Input.imeSetComposition", {"text": "tiếng", "selectionStart": 5, "selectionEnd": 5})
    key = {"key": "Process", "code": "Enter", "windowsVirtualKeyCode": 229}
    chat.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "rawKeyDown"} | key)
    composing = (
        'arguments[0].dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", isComposing: true, bubbles: true}))'
    )
    chat.driver.execute_script(composing, box)
    time.sleep(0.3)
    assert chat.mine() == []
    chat.driver.execute_cdp_cmd("Input.insertText", {"text": "tiếng"})
    assert box.get_attribute("value") == "tiếng"
    box.send_keys(Keys.SHIFT, Keys.ENTER)
    box.send_keys(Keys.NULL, "Việt", Keys.ENTER)
    chat.wait(chat.mine)
    assert chat.mine() == ["tiếng\nViệt"]


# -- whatever the network does ------------------------------------------------------------------


def test_a_reload_brings_the_conversation_back_and_nothing_of_it_is_stored(chat: Chat) -> None:
    chat.open()
    chat.say("con tôi mới sinh")
    kept = chat.driver.execute_script(
        "return [JSON.stringify(sessionStorage), JSON.stringify(localStorage), document.cookie]"
    )
    assert "token" in kept[0]
    assert "sinh" not in kept[0]
    assert kept[1:] == ["{}", ""]
    chat.driver.refresh()
    chat.wait(lambda: len(chat.messages()) == 2)
    assert chat.one("dialog").get_attribute("open"), "it is open as it was"
    assert chat.driver.execute_script("return document.activeElement === document.body"), "without taking the focus"
    assert chat.mine() == ["con tôi mới sinh"]
    assert len(chat.all(".checklist input")) == 11
    assert "Tôi nghe: còn gì nữa" in chat.say("còn gì nữa")


def test_starting_over_forgets_the_conversation(app: FastAPI, chat: Chat) -> None:
    chat.open()
    chat.say("con tôi mới sinh")
    token = chat.driver.execute_script("return JSON.parse(sessionStorage['vn-gov-chat']).token")
    chat.one(".restart").click()
    chat.wait(lambda: len(chat.messages()) == 1 and not chat.mine())
    session = app.state.web.sessions.read(token).id
    assert app.state.transcripts.recent(f"web:{session}") == []
    chat.say("xin chào")
    assert len(chat.messages()) == 2


def test_without_network_messages_wait_and_arrive_once(app: FastAPI, chat: Chat) -> None:
    chat.open()
    chat.say("xin chào")
    turns = app.state.script.turns
    chat.offline(True)
    chat.one("#text").send_keys("tin một", Keys.ENTER)
    chat.wait(lambda: "Mất kết nối" in chat.status())
    assert "Chưa gửi" in chat.one(".message.mine:last-child").text
    chat.one("#text").send_keys("tin hai", Keys.ENTER)
    chat.offline(False)
    chat.wait(lambda: len(chat.messages()) == 4)
    assert [text.split("\n")[0] for text in chat.messages()[-2:]] == ["Tôi nghe: tin một", "Tôi nghe: tin hai"]
    chat.wait(lambda: "Chưa gửi" not in chat.one(".log").text)
    assert app.state.script.turns == turns + 2


def test_where_streams_are_blocked_answers_come_by_polls(chat: Chat) -> None:
    chat.driver.execute_script("""
      const real = window.fetch;
      window.fetch = (url, init) => url.endsWith("/web/events") ? Promise.reject(new TypeError("blocked")) : real(url, init);
    """)
    chat.open()
    assert "Tôi nghe: xin chào" in chat.say("xin chào")
    assert "Tôi nghe: lần nữa" in chat.say("lần nữa")


def test_where_streams_are_held_back_answers_come_by_polls(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    async def held(*_: object, **__: object):  # type: ignore[no-untyped-def]
        await asyncio.sleep(6)
        yield {"data": "late"}

    monkeypatch.setattr("connectors.web.routes.stream", held)
    chat.open()
    assert "Tôi nghe: xin chào" in chat.say("xin chào")


def test_a_session_that_is_over_is_followed_by_another(
    app: FastAPI, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.open()
    chat.say("xin chào")
    monkeypatch.setattr(app.state.web.sessions, "_session_s", -1)
    chat.one("#text").send_keys("còn đó không", Keys.ENTER)
    chat.wait(lambda: "bắt đầu cuộc mới" in chat.one(".log").text)
    monkeypatch.undo()
    chat.wait(lambda: "Tôi nghe: còn đó không" in chat.messages()[-1])


def test_an_expired_token_is_renewed_unseen(app: FastAPI, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    chat.open()
    chat.say("xin chào")
    before = chat.driver.execute_script("return JSON.parse(sessionStorage['vn-gov-chat']).token")
    read, refused = app.state.web.sessions.read, []

    def once(token: str):  # type: ignore[no-untyped-def]
        if token == before:
            refused.append(token)
            raise TokenExpiredError
        return read(token)

    monkeypatch.setattr(app.state.web.sessions, "read", once)
    time.sleep(1.1)  # a token's time has seconds; the next one is another
    assert "Tôi nghe: lần nữa" in chat.say("lần nữa")
    assert refused


def test_news_while_the_panel_is_closed_shows_on_the_button(app: FastAPI, chat: Chat) -> None:
    chat.open()
    before = {one.conversation for one in app.state.handoffs.queue()}
    chat.one(".person").click()
    chat.wait(lambda: len(chat.messages()) == 2)
    (asked,) = {one.conversation for one in app.state.handoffs.queue()} - before
    chat.one(".close").click()
    app.state.handoffs.claim(asked, "lan")
    app.state.handoffs.reply_as_staff(asked, "Xong rồi ạ.", "lan")
    chat.wait(lambda: "1 tin mới" in chat.one(".launcher").text)
    chat.one(".launcher").click()
    assert "Xong rồi ạ." in chat.messages()[-1]


# -- on the pages of offices --------------------------------------------------------------------


def test_one_script_tag_on_another_site_with_a_strict_policy(chat: Chat, base: str, office: Office) -> None:
    office.carries(base, 'data-title="Trợ lý xã" data-phone="0243 123 456" data-color="#ffd54a" data-side="left"')
    chat.begin(f"{office.origin}/blank", office.origin)
    chat.open()
    assert "Giấy chứng sinh" in chat.say("con tôi mới sinh")
    assert chat.one(".title").text == "Trợ lý xã"
    assert chat.one(".help a").get_attribute("href") == "tel:0243123456"
    assert chat.one("dialog").rect["x"] < 100
    assert violations(chat.driver) == [], "a light colour of the office stays readable"
    assert chat.complaints() == []


def test_a_site_that_is_not_allowed_gets_words_not_an_error(chat: Chat, base: str, office: Office) -> None:
    office.carries(base)
    chat.driver.get(office.origin.replace("127.0.0.1", "localhost"))
    chat.wait(lambda: chat.all(".launcher"))
    chat.one(".launcher").click()
    chat.wait(lambda: chat.status() != "" and "Đang kết nối" not in chat.status())
    assert chat.one("dialog").is_displayed()


def test_english_chrome(chat: Chat, base: str, office: Office) -> None:
    office.carries(base, 'data-lang="en"')
    chat.begin(f"{office.origin}/blank", office.origin)
    chat.open()
    assert chat.one("form button").text == "Send"
    assert chat.one("form").get_attribute("lang") == "en"
    chat.say("xin chào")
    assert chat.all(".message")[-1].get_attribute("lang") == "vi"


# -- on paper -----------------------------------------------------------------------------------


def test_the_list_of_papers_prints_apart_from_the_page(chat: Chat) -> None:
    chat.open()
    chat.say("con tôi mới sinh")
    chat.all(".checklist input")[0].click()
    chat.driver.execute_script("window.print = () => { window.printed = true; }")
    chat.one(".print").click()
    assert chat.driver.execute_script("return window.printed")
    sheet = chat.driver.find_element(By.CSS_SELECTOR, "[data-vn-gov-chat-print]")
    assert not sheet.is_displayed(), "only on paper"
    chat.prefer("print")
    assert sheet.is_displayed()
    assert not chat.driver.find_element(By.TAG_NAME, "main").is_displayed()
    text = sheet.shadow_root.find_element(By.CSS_SELECTOR, ".card").text
    assert "☑ 1. Giấy chứng sinh" in text
    assert "☐ 2. " in text
    assert "cơ quan không được đòi thêm giấy tờ" in text, "notes are open on paper"
    address = "return getComputedStyle(arguments[0], '::after').content"
    source = sheet.shadow_root.find_element(By.CSS_SELECTOR, ".source a")
    assert "https://dichvucong.gov.vn" in chat.driver.execute_script(address, source)
    chat.prefer()
    chat.driver.execute_script("dispatchEvent(new Event('afterprint'))")
    assert not chat.driver.find_elements(By.CSS_SELECTOR, "[data-vn-gov-chat-print]")
