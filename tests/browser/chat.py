"""The chat – on its own page or as a widget on another – as a person in front of Chromium uses it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.shadowroot import ShadowRoot
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.conftest import unavailable

PHONE, SMALLEST, DESK = (390, 844), (320, 640), (1280, 900)
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-prefers-reduced-motion",  # a click must not chase what still scrolls
]


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        unavailable("Chromium and its driver are not installed (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


class Chat:
    """What can be seen and done."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    # -- the window ----------------------------------------------------------------------------

    def size(self, width: int, height: int) -> None:
        """The viewport in CSS pixels, also smaller than a desktop window can be."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, media: str = "", **features: str) -> None:
        """What the person's system asks for, such as ``prefers_color_scheme="dark"``."""
        listed = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": listed})

    def offline(self, on: bool) -> None:
        conditions = {"offline": on, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)

    def sideways(self) -> int:
        """Pixels by which the page or the chat scrolls sideways."""
        beyond = """
          const log = document.querySelector("vn-gov-chat").shadowRoot.querySelector(".log");
          return Math.max(...[log, document.documentElement].map((node) => node.scrollWidth - node.clientWidth));
        """
        return int(self.driver.execute_script(beyond))

    def complaints(self) -> list[str]:
        """What the browser holds against the page, such as what its content security policy forbids."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def begin(self, blank: str, page: str) -> None:
        """Open a page with nothing remembered of earlier visits; ``blank`` has the same origin and no chat."""
        self.driver.get(blank)
        self.driver.execute_script("sessionStorage.clear()")
        self.driver.get_log("browser")
        self.driver.get(page)

    # -- the chat ------------------------------------------------------------------------------

    @property
    def root(self) -> ShadowRoot:
        return self.driver.find_element(By.TAG_NAME, "vn-gov-chat").shadow_root

    def all(self, css: str) -> list[WebElement]:
        return self.root.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str) -> WebElement:
        return self.root.find_element(By.CSS_SELECTOR, css)

    def open(self) -> None:
        self.wait(lambda: self.all(".launcher"))
        self.one(".launcher").click()
        self.wait(self.messages)

    def messages(self) -> list[str]:
        """What the assistant or an officer has said."""
        return [node.text.partition("trả lời:\n")[2] for node in self.all(".message:not(.mine)")]

    def mine(self) -> list[str]:
        return [node.text for node in self.all(".message.mine .text")]

    def status(self) -> str:
        return self.one(".status").text

    def say(self, text: str) -> str:
        """Type a message, send it, and read the answer."""
        before = len(self.messages())
        self.one("#text").send_keys(text, Keys.ENTER)
        self.wait(lambda: len(self.messages()) > before)
        return self.messages()[-1]

    def focused(self) -> WebElement:
        return self.driver.execute_script(
            "return document.activeElement.shadowRoot?.activeElement ?? document.activeElement"
        )

    def wait(self, until, seconds: float = 30.0) -> None:  # type: ignore[no-untyped-def]
        WebDriverWait(self.driver, seconds, 0.1, ignored_exceptions=[NoSuchElementException]).until(lambda _: until())
