"""One Chromium for all tests of pages; without one they are skipped, with the reason."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# What a browser would ask the network for by itself, and what needs a screen.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, headless."""
    chromium = shutil.which("chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
    if chromium is None:
        pytest.skip("there is no chromium here: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield opened
        opened.close()


class OpenPage:
    """A page in the browser, with all that its console says and all that it asks the network for.

    Attributes
    ----------
    page : playwright's Page
        To act on.
    said : list of str
        Errors and warnings.
    asked : list of str
        Addresses other than the file's own.
    """

    def __init__(
        self, browser: Any, file: Path | str, ready: str = "html[data-ready]", **context: Any
    ) -> None:
        self._context = browser.new_context(**context)
        self.page = self._context.new_page()
        # Before anything happens: what came earlier would not be counted.
        self._session = self._context.new_cdp_session(self.page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self._hear(message.type, message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file if isinstance(file, str) else file.resolve().as_uri())
        self.page.wait_for_selector(ready, timeout=20_000)

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.said.append(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.page, name)

    def main_thread_s(self) -> float:
        """Processor time that the page's own thread has taken so far."""
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))

    def serious(self, options: str) -> list[str]:
        """What axe-core finds serious or critical, with options of `axe.run`."""
        import axe_playwright_python

        self.page.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text())
        found = self.page.evaluate(f"axe.run({options})")["violations"]
        return [
            f"{each['id']}: {each['nodes'][0]['html']}"
            for each in found
            if each["impact"] in ("serious", "critical")
        ]

    def close(self) -> None:
        """Close it."""
        self._context.close()


@pytest.fixture(scope="session")
def opened(browser: Any) -> Iterator[Callable[..., OpenPage]]:
    """Opens a file or an address, and waits for `ready`; `bypass_csp` lets axe-core in."""
    pages: list[OpenPage] = []

    def show(file: Path | str, **context: Any) -> OpenPage:
        pages.append(OpenPage(browser, file, **context))
        return pages[-1]

    yield show
    for each in pages:
        each.close()
