"""The page of a run: how long it takes to write, how large it is, and when it answers in Chromium.

``python bench/bench_page.py [SCENARIO]`` runs a scenario (the demo by default), writes its page five times
and opens it five times in Debian's Chromium, headless. Prints medians: processor time of this process for
writing (the first time with what is imported), the clock from navigation until the page answers, processor
time of the page's own thread until then.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cosim

_REPEATS = 5


def write_page(run: cosim.Run) -> float:
    """Processor time that the page takes to write, seconds."""
    start = time.process_time()
    run.write_report()
    return time.process_time() - start


def open_page(browser: Any, page: Path) -> tuple[float, float]:
    """Seconds until the page answers, and processor time of its thread until then."""
    context = browser.new_context()
    shown = context.new_page()
    session = context.new_cdp_session(shown)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    shown.goto(page.resolve().as_uri())
    shown.wait_for_selector("html[data-ready]", timeout=60_000)
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    ready_s = float(shown.evaluate("document.documentElement.dataset.ready")) / 1000
    context.close()
    return ready_s, float(metrics["TaskDuration"])


def main(scenario: str = "storage_village") -> None:
    """Run, write, open, print."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        run = cosim.run(scenario, {"report.figures": False}, out=Path(folder) / "run")
        written = [write_page(run) for _ in range(_REPEATS)]
        page = run.folder / "report.html"
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            opened = [open_page(browser, page) for _ in range(_REPEATS)]
            browser.close()
        ready, thread = (statistics.median(each) for each in zip(*opened, strict=True))
        usual = statistics.median(written)
        print(f"{scenario}: writing {written[0]:.2f} s of processor time, then {usual:.2f} s")
        print(f"  size {page.stat().st_size / 1e6:.2f} MB")
        print(f"  answers after {ready:.2f} s ({thread:.2f} s of processor time of its thread)")


if __name__ == "__main__":
    main(*sys.argv[1:])
