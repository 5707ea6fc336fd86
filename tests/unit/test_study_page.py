"""Pages of studies: a map's cells have the means that the analysis has, and the runs behind them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from cosim.report.page.robustness_report import write_robustness
from cosim.report.text_table import TextTable, with_intervals
from cosim.study.robustness.analysis import analyse
from tests.unit.test_study_robustness import RMSE, made_up_sweep


def data_of(file: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', file.read_text(), re.S)
    assert found
    return dict(json.loads(found[1]))


def test_each_cell_of_a_map_has_its_mean_and_the_runs_behind_it(tmp_path: Path) -> None:
    axes = {"latency_ms": [0.0, 100.0], "loss": [0.0, 0.3, 0.6]}
    folder = made_up_sweep(
        tmp_path / "sweep",
        axes,
        lambda row: {RMSE: row["latency_ms"] + 10 * row["loss"] + row["seed"]},
        seeds=5,
    )
    (tmp_path / "out").mkdir()
    page = write_robustness(analyse(folder, []), tmp_path / "out")[1]
    (figure,) = data_of(page)["figures"]
    assert (figure["kind"], figure["axes"]) == ("map", ["loss", "latency [ms]"])
    cells = {(each["x"], each["y"]): each for each in figure["cells"]}
    assert len(cells) == 6
    corner = cells["0.6", "100"]
    assert corner["value"] == 109  # 100 + 6, and the mean of the seeds 1 to 5
    assert corner["runs"] == [[str(24 + n), str(n), str(106 + n)] for n in range(1, 6)]
    text = page.read_text(encoding="utf-8")
    assert (
        "worst at latency 100 ms, loss 0.6, 109 ± 2 units, against 3 ± 2 units at latency 0 ms, loss 0."
        in text
    )
    origin = text[text.index('id="origin"') :]
    for shown in (">0, 100<", ">0, 0.3, 0.6<", ">1, 2, 3, 4, 5<", ">30<"):
        assert shown in origin, shown


def test_the_ends_of_an_interval_stand_in_one_column_of_a_page_and_apart_in_the_file() -> None:
    columns = ("mode", "mean", "from", "to", "change", "change from", "change to", "ok")
    rows = [["a", 67_680.0, 1.0, 2.5, "", "", "", True], ["b", 3, 2, 2, float("nan"), -1, 1.23456, False]]
    table = TextTable("t", "T", columns, rows)
    assert table.csv().splitlines()[:2] == [",".join(columns), "a,67680.0,1.0,2.5,,,,True"]
    assert with_intervals(table).markdown() == [
        "| mode | mean | 95 % interval | change | change, 95 % interval | ok |",
        "|---|---|---|---|---|---|",
        "| a | 67\u2009680 | 1 to 2.5 | – | – | yes |",
        "| b | 3 | 2 | – | -1 to 1.235 | no |",
    ]
    plain = TextTable("t", "T", ("from", "what"), [["a", 1]])
    assert with_intervals(plain).markdown() == plain.markdown()
