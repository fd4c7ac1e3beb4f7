"""axe-core on the page that a Selenium driver shows; shadow roots are looked into, too."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

from selenium.webdriver.remote.webdriver import WebDriver

WCAG_22_AA = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""axe's tags of the rules that every page of ours keeps."""

_RUN = """
const [tags, done] = arguments;
axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] })
  .then((found) => done(found.violations), (error) => done([{ id: "axe failed", help: String(error), nodes: [] }]));
"""


@lru_cache(maxsize=1)
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def violations(driver: WebDriver, tags: tuple[str, ...] = WCAG_22_AA) -> list[str]:
    """What axe finds on the page as it is now; one line for each element, empty when all is well.

    Args:
        driver: a Chromium driver with the page open. The script comes in by the debugging protocol, so a strict
            content security policy does not stop it.
        tags: axe's tags of the rules to hold.
    """
    driver.execute_script(_axe())
    found: list[dict[str, Any]] = driver.execute_async_script(_RUN, list(tags))
    return [
        f"{rule['id']}: {rule['help']} – {node['target']} {node['html'][:200]}"
        for rule in found
        for node in rule["nodes"] or [{"target": "", "html": ""}]
    ]
