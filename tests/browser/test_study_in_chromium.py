"""Pages of studies in a real browser: every figure is drawn, a cell opens its runs, texts stay texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cosim.report.page.origin import Origin
from cosim.report.page.study_figures import cell, cell_map, curve, curves, dot, dots, feeder_marks, mark
from cosim.report.page.study_page import write_study_page
from cosim.report.text_table import TextTable

HOSTILE = '<img src=x onerror="window.taken = 1"><script>window.taken = 1</script>'


def test_figures_are_drawn_a_cell_opens_its_runs_and_axe_finds_nothing_serious(
    tmp_path: Path, opened: Callable[..., Any]
) -> None:
    line = np.array([0.0, 0.5, np.nan])
    cells = [
        cell((x, y), 1.0 + n, HOSTILE, [[HOSTILE, str(n)]])
        for n, (x, y) in enumerate([("0", "1"), ("2", "1")])
    ]
    figures = [
        curves(
            "Curves",
            "x",
            "y",
            [
                curve(name, [1.0, 10.0, 100.0], line, line - 1, line + 1, hollow=[True, False, False])
                for name in (HOSTILE, "beside it, with whiskers")
            ],
            log=True,
            line={"value": 0.2, "name": HOSTILE},
        ),
        dots(
            "Dots",
            "x",
            [dot(HOSTILE, (1, 0.5, 2), [0.7, 0.7, 0.8], "at least"), dot(HOSTILE, (3, np.nan, np.nan))],
            zero=True,
            words=[HOSTILE, "its interval", "single seeds"],
        ),
        feeder_marks(
            "Feeder",
            [np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[1.0, 1.0], [np.nan, 0.0]])],
            [mark(HOSTILE, HOSTILE, (1.0, 1.0), 0.6, 0), mark("other", "bus 1", (1.0, 1.0), 0.4, 1)],
            (HOSTILE, "where", "share"),
            "about",
        ),
        cell_map("Map", (HOSTILE, "loss"), (["0", "2"], ["1"]), cells, "kW", columns=["seed", "value"]),
    ]
    table = TextTable("t", HOSTILE, ("a", HOSTILE), [[HOSTILE, 1.5], ["", float("nan")]])
    file = write_study_page(
        tmp_path,
        HOSTILE,
        [HOSTILE],
        ["note"],
        figures,
        [table],
        [],
        Origin([(HOSTILE, HOSTILE)], [("cosim", "1")], HOSTILE, HOSTILE),
        {HOSTILE: HOSTILE},
        HOSTILE,
    )
    page = opened(file, bypass_csp=True, viewport={"width": 400, "height": 800})
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    buttons = page.locator(".map-table button")
    assert buttons.count() == 2
    buttons.nth(1).focus()
    page.keyboard.press("Enter")
    assert page.locator("[aria-live] td").all_inner_texts() == [HOSTILE, "1"]
    assert page.locator("#figure-plots canvas").count() >= 3
    for details in page.locator("#figure-plots summary").all():
        details.click()
    assert page.locator("#figure-plots details td").first.inner_text() == HOSTILE
    cells = page.locator("#figure-plots details td").all_inner_texts()
    assert "at least 1" in cells
    assert "1 *" in cells, "it is inferred"
    assert page.locator("#figure-plots .note").first.inner_text().startswith("*: inferred")
    assert "single seeds" in page.locator("#figure-plots .bk-label").all_inner_texts()
    page.locator("#words summary").click()
    assert page.locator("#words dt, #words dd").all_inner_texts() == [HOSTILE, HOSTILE]
    assert "10" in cells, "beside each other, curves keep their numbers"
    assert page.locator("#origin th").first.inner_text() == HOSTILE
    assert page.locator("#origin pre").text_content() == HOSTILE
    assert page.evaluate("window.taken") is None
    assert (page.said, page.asked) == ([], [file.resolve().as_uri()])
    assert page.serious("{resultTypes: ['violations']}") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
