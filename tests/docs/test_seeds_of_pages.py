"""Pages say from how many seeds their findings come, and shares have the interval that goes with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from scipy.stats import binomtest

ROOT = Path(__file__).resolve().parents[2]


def _page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def test_the_studies_of_robustness_have_the_seeds_that_the_page_says() -> None:
    said = dict(re.findall(r"^\| `(robustness_\w+)` \| [\d,]+ \| (\d+) \|", _page("robustness"), flags=re.M))
    configured = {
        path.stem: str(yaml.safe_load(path.read_text(encoding="utf-8"))["seeds"])
        for path in (ROOT / "scenarios").glob("robustness_*.yaml")
    }
    assert said == configured


@pytest.mark.parametrize("page", ["section6", "lotfi_case", "faults"])
def test_every_share_of_seeds_has_clopper_and_pearson_s_interval(page: str) -> None:
    found = re.findall(r"(\d+) of (\d+) \((\d+) to (\d+) %\)", _page(page))
    assert len(found) >= 2
    for hits, n, low, high in found:
        interval = binomtest(int(hits), int(n)).proportion_ci(0.95, method="exact")
        assert int(n) >= 20
        assert (f"{100 * interval.low:.0f}", f"{100 * interval.high:.0f}") == (low, high)
