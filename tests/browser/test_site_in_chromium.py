"""Built pages of the documentation in a real browser: no error, nothing serious by axe, nothing too wide."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

SITE = Path(__file__).resolve().parents[2] / "site"


class Silent(SimpleHTTPRequestHandler):
    """Serves without a word."""

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The site, served as its search needs it."""
    if not (SITE / "index.html").is_file():
        pytest.skip("`make site` has not been run here")
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=str(SITE))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize("page", ["index", "tutorials/first_run", "links", "commands"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_of_the_site_is_in_order(
    page: str, scheme: str, address: str, opened: Callable[..., Any]
) -> None:
    shown = opened(
        f"{address}/{page}.html",
        ready="article h1",
        bypass_csp=True,
        color_scheme=scheme,
        viewport={"width": 400, "height": 800},
    )
    assert shown.serious("{resultTypes: ['violations']}") == []
    assert shown.evaluate("document.documentElement.scrollWidth") <= 400
    assert shown.said == []
    assert all(each.startswith(address) for each in shown.asked)
