"""What a screen reader says in a conversation with the widget, by a virtual one inside the page."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.settings import ROOT, Settings
from tests.browser.chat import Chat, chromium
from tests.conftest import unavailable
from tests.connectors.web.site import served, web_app

pytestmark = pytest.mark.browser

SOURCE = ROOT / "connectors" / "web" / "widget"
START = """
const [done] = arguments;
const root = document.querySelector("vn-gov-chat").shadowRoot;
virtual.start({ container: root.querySelector("dialog") }).then(() => done("started"), (error) => done(String(error)));
"""
SPOKEN = "const [done] = arguments; virtual.spokenPhraseLog().then(done);"
WALK = """
const [done] = arguments;
(async () => {
  await virtual.stop();
  const root = document.querySelector("vn-gov-chat").shadowRoot;
  await virtual.start({ container: root.querySelector("dialog") });
  for (let n = 0; n < 400 && !(await virtual.lastSpokenPhrase()).startsWith("end of dialog"); n++) await virtual.next();
  return virtual.spokenPhraseLog();
})().then(done, (error) => done([String(error)]));
"""


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The virtual screen reader as one script."""
    if not shutil.which("npm"):
        unavailable("node and npm are not installed")
    built = tmp_path_factory.mktemp("reader") / "reader.js"
    if not (SOURCE / "node_modules" / "@guidepup").exists():
        subprocess.run(["npm", "install", "--silent"], cwd=SOURCE, capture_output=True, check=False, timeout=300)
    command = ["npm", "run", "--silent", "screen-reader", "--", f"--outfile={built}"]
    if subprocess.run(command, cwd=SOURCE, capture_output=True, check=False, timeout=120).returncode:
        pytest.skip("the virtual screen reader's npm package cannot be had here")
    return built.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    home: Path = tmp_path_factory.mktemp("reader-home")
    with served(web_app(Settings(home=home, hotline="1022", office="Xã Tân Lập"))) as base, chromium() as driver:
        chat = Chat(driver)
        chat.begin(f"{base}/icon.svg", f"{base}/widget/demo/")
        yield chat


def test_a_conversation_as_it_is_heard(chat: Chat, reader: str) -> None:
    chat.open()
    chat.driver.execute_script(reader)
    assert chat.driver.execute_async_script(START) == "started"
    chat.say("làm giấy")
    heard = chat.driver.execute_async_script(SPOKEN)
    news = [phrase for phrase in heard if phrase.startswith("polite:")]
    assert [("Anh/chị cần làm giấy nào ạ?" in phrase) for phrase in news].count(True) == 1, heard
    # One's own words: this reader says them, for it looks at the log alone; browsers heed their aria-live="off".
    chat.say("tra hồ sơ")
    walked = chat.driver.execute_async_script(WALK)
    text = "\n".join(walked)
    for phrase in (
        "heading, Trợ lý Xã Tân Lập, level 2",
        "link, Gọi 1022",
        "button, Đóng",
        "log, Nội dung trò chuyện",
        "button, 1. Làm giấy khai sinh cho trẻ mới sinh",
        "list, Các bước giải quyết hồ sơ",
        "textbox, Câu hỏi của anh/chị",
        "button, Gửi",
    ):
        assert phrase in text, text
