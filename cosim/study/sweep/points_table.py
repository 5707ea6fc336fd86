"""``points.parquet``: one row a point, with its place on the axes, how it went, and all of its summary."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cosim.results.safe_files import write_whole
from cosim.study.sweep.point import PointResult
from cosim.study.sweep.sweep_plan import SweepPlan


def write_points(path: Path, plan: SweepPlan, results: Mapping[int, PointResult]) -> None:
    """Write the table of the points that have a result, in the order of the points.

    The bytes depend on the plan and the results alone, not on the order in which they came.

    Parameters
    ----------
    path : Path
        The file, which appears whole or not at all.
    plan : SweepPlan
        All points.
    results : mapping
        Number of a point to its result.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = points_columns(plan, results)
    table = pa.table({name: pa.array(cells, _type(name, cells)) for name, cells in columns.items()})
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd")
    write_whole(path, stream.getvalue())


def points_columns(plan: SweepPlan, results: Mapping[int, PointResult]) -> dict[str, list[Any]]:
    """The table as columns: ``point``, the axes, ``seed``, ``status``, ``cause``, the numbers sorted by name.

    A number that has the name of a column before it goes into ``summary_<name>``.
    """
    points = [point for point in plan.points if point.index in results]
    rows = [results[point.index] for point in points]
    own_seed = plan.sweep.base.document.data.get("seed", 1)
    columns: dict[str, list[Any]] = {"point": [point.index for point in points]}
    for position, name in enumerate(plan.columns):
        columns[name] = _alike([point.combination.cells[position] for point in points])
    columns["seed"] = [own_seed if point.seed is None else point.seed for point in points]
    columns["status"] = [row.status for row in rows]
    columns["cause"] = [row.cause for row in rows]
    for name in sorted({name for row in rows for name in row.summary}):
        target = name if name not in columns else f"summary_{name}"
        columns[target] = [row.summary.get(name) for row in rows]
    return columns


def _alike(cells: list[Any]) -> list[Any]:
    """Cells of one type: numbers where all are, truth values where all are, else text."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {int} and max(abs(cell) for cell in cells if cell is not None) >= 2**63:
        return [cell if cell is None else float(cell) for cell in cells]
    if kinds <= {int, float} or len(kinds) == 1:
        return cells
    return [cell if cell is None or isinstance(cell, str) else _text(cell) for cell in cells]


def _text(cell: Any) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def _type(name: str, cells: Iterable[Any]) -> Any:
    import pyarrow as pa

    kinds = {type(cell) for cell in cells if cell is not None}
    if name in ("status", "cause") or str in kinds:
        return pa.string()
    if kinds == {bool}:
        return pa.bool_()
    return pa.int64() if kinds == {int} else pa.float64()
