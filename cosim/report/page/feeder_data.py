"""The feeder on a page: where its elements are, how each is loaded in every interval, and its violations."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR
from cosim.core.shown import number_text
from cosim.engine.answer import worst_of
from cosim.grid.named_elements import Element, limit_text, limit_use, used_text, value_text
from cosim.grid.verdict import KEY_BY_LIMIT, WORDS_BY_KEY
from cosim.report.long_series import blocks
from cosim.report.page.packing import kept_rows, packed, packed_times
from cosim.report.run_data import RunData, text_list
from cosim.report.table_rows import start_ms

Array = NDArray[np.float64]
Times = NDArray[np.int64]

MOST_VALUES = 2_200_000
"""Values of all elements and intervals on a page; of a longer run, the extremes of stretches are kept."""
MOST_EPISODES = 200
_KEPT = {
    "voltage_low": "voltage nearest to its lower limit",
    "voltage_high": "voltage nearest to its upper limit",
    "line_overload": "line most loaded",
    "trafo_overload": "transformer most loaded",
    "trafo3w_overload": "three-winding transformer most loaded",
}
KINDS = ("line", "trafo", "trafo3w")


class Solved(NamedTuple):
    """What was solved of the feeder, time by element.

    Attributes
    ----------
    time_ms : ndarray of int64, shape (T,)
        Start of each interval.
    bus : list of int
        Indices of the buses.
    vm_pu : ndarray of float64, shape (T, n_bus)
        Voltages.
    percent : dict of str to tuple
        By kind of branch: indices, and loadings of shape (T, n), in per cent of the rated current.
    """

    time_ms: Times
    bus: list[int]
    vm_pu: Array
    percent: dict[str, tuple[list[int], Array]]

    def of_limit(self, run: RunData, kind: str) -> Array:
        """Loadings of a kind in per cent of each element's own limit, shape (T, n)."""
        elements, percent = self.percent[kind]
        limits = np.array([run.limits[kind].get(each, 100.0) for each in elements])
        return np.asarray(100 * percent / limits)


def solved(run: RunData) -> Solved | None:
    """Voltages and loadings of a run; None where it did not write them."""
    if not run.has("bus_voltage"):
        return None
    return run.remember("page: solved", lambda: _solved(run))


def _solved(run: RunData) -> Solved:
    bus = run.distinct("bus_voltage", "bus")
    time_ms, vm_pu = _whole(run, "bus_voltage", "bus", "vm_pu", bus)
    percent = {}
    for kind in KINDS:
        if run.has(f"{kind}_loading"):
            elements = run.distinct(f"{kind}_loading", kind)
            at_ms, values = _whole(run, f"{kind}_loading", kind, "loading_percent", elements)
            rows = np.full(
                (len(time_ms), len(elements)), np.nan
            )  # a killed run has tables of several lengths
            _, here, there = np.intersect1d(time_ms, at_ms, assume_unique=True, return_indices=True)
            rows[here] = values[there]
            percent[kind] = elements, rows
    return Solved(time_ms, bus, vm_pu, percent)


def _whole(run: RunData, table: str, element: str, value: str, elements: list[Any]) -> tuple[Times, Array]:
    parts = list(blocks(run, table, element, value, elements))
    return np.concatenate([each.time_ms for each in parts]), np.concatenate([each.values for each in parts])


def feeder_map(run: RunData) -> dict[str, Any] | None:
    """The map's data; None where the run has no feeder, or nothing of it was written."""
    found = solved(run)
    if found is None or not _has_topology(run):
        return None
    buses, branches = _topology(run)
    rows = _moment_rows(run, found)
    return {
        "buses": buses | {"vm_pu": packed(_columns(found.vm_pu[rows], found.bus, buses["id"]).T)},
        "branches": branches | {"percent": packed(_loadings(found, rows, branches).T)},
        "x": packed_times(found.time_ms[rows], start_ms(run)),
        "n": len(rows),
        "n_all": len(found.time_ms),
        "tree": bool(min(buses["x"]) == 0 and max(buses["y"]) == 0),
        # Of degrees, a step in longitude is shorter than one in latitude.
        "stretch": float(np.cos(np.radians(np.mean(buses["y"])))) if _is_geographic(buses) else 1.0,
    }


def moment_times(run: RunData) -> Times | None:
    """Start of each interval on the map, ms since 1970, shape (n,); None where there is no map."""
    found = solved(run)
    if found is None or not _has_topology(run):
        return None
    return found.time_ms[_moment_rows(run, found)]


def _has_topology(run: RunData) -> bool:
    return run.has("feeder_buses") and run.has("feeder_branches")


def _topology(run: RunData) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """The buses that have a place, and the branches between them."""
    return run.remember("page: topology", lambda: _placed(run))


def _placed(run: RunData) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    buses, branches = _buses(run), _branches(run)
    at = set(buses["id"])
    ends = zip(branches["from"], branches["to"], strict=True)
    kept = [row for row, pair in enumerate(ends) if set(pair) <= at]
    return buses, {name: [values[row] for row in kept] for name, values in branches.items()}


def _moment_rows(run: RunData, found: Solved) -> NDArray[np.int64]:
    buses, branches = _topology(run)
    n_elements = len(buses["id"]) + len(branches["id"])
    return run.remember("page: moments", lambda: _rows(run, found, n_elements))


def _rows(run: RunData, found: Solved, n_elements: int) -> NDArray[np.int64]:
    """The intervals on the map: all, or of each stretch those in which the feeder's extremes lie.

    Each element's own lowest and highest value stays in any case.
    """
    most = max(2, MOST_VALUES // max(1, n_elements))
    n = len(found.time_ms)
    if n <= most:
        return np.arange(n)
    extremes = [np.fmin.reduce(found.vm_pu, axis=1), np.fmax.reduce(found.vm_pu, axis=1)]
    extremes += [np.fmax.reduce(found.of_limit(run, kind), axis=1) for kind in found.percent]
    own = []
    for values in (found.vm_pu, *(percent for _, percent in found.percent.values())):
        own += [np.where(np.isfinite(values), values, fill).argmax(axis=0) for fill in (-np.inf,)]
        own += [np.where(np.isfinite(values), values, np.inf).argmin(axis=0)]
    every = np.unique(np.concatenate(own))
    return np.union1d(kept_rows(np.column_stack(extremes), max(2, most - len(every))), every)


def _columns(values: Array, have: list[int], want: list[int]) -> Array:
    """Columns in another order; NaN for what there is not."""
    place = {element: column for column, element in enumerate(have)}
    result = np.full((len(values), len(want)), np.nan)
    for column, element in enumerate(want):
        if element in place:
            result[:, column] = values[:, place[element]]
    return result


def _loadings(found: Solved, rows: NDArray[np.int64], branches: dict[str, list[Any]]) -> Array:
    result = np.full((len(rows), len(branches["id"])), np.nan)
    places = {kind: {each: n for n, each in enumerate(have)} for kind, (have, _) in found.percent.items()}
    for column, (kind, element) in enumerate(zip(branches["kind"], branches["id"], strict=True)):
        place = places.get(kind, {}).get(element)
        if place is not None:
            result[:, column] = found.percent[kind][1][rows, place]
    return result


def _is_geographic(buses: dict[str, list[Any]]) -> bool:
    """Whether these can only be longitudes and latitudes: degrees in range, a village in extent."""
    x, y = np.array(buses["x"]), np.array(buses["y"])
    return bool(max(np.ptp(x), np.ptp(y)) < 0.5 and abs(x).max() <= 180 and abs(y).max() <= 90)


def _buses(run: RunData) -> dict[str, list[Any]]:
    names = ["bus", "name", "x", "y", "supplied", "vm_min_pu", "vm_max_pu", "households"]
    table = run.read("feeder_buses", names)
    x, y = table["x"], table["y"]
    placed = np.isfinite(x) & np.isfinite(y)
    if not placed.any():  # a file in which no bus has a place
        x, y, placed = np.arange(float(len(x))), np.zeros(len(x)), np.ones(len(x), bool)
    texts = text_list(table["name"])
    return {
        "id": table["bus"][placed].tolist(),
        "name": [text for text, keep in zip(texts, placed, strict=True) if keep],
        "x": np.round(x[placed], 7).tolist(),
        "y": np.round(y[placed], 7).tolist(),
        "supplied": table["supplied"][placed].tolist(),
        "low": _or_null(table["vm_min_pu"][placed]),
        "high": _or_null(table["vm_max_pu"][placed]),
        "households": table["households"][placed].tolist(),
    }


def _branches(run: RunData) -> dict[str, list[Any]]:
    names = ["kind", "element", "name", "from_bus", "to_bus", "closed", "loading_max_percent"]
    rating = ["rating_kva"] if run.has("feeder_branches", "rating_kva") else []  # not in older runs
    table = run.read("feeder_branches", [*names, *rating])
    return {
        "kind": text_list(table["kind"]),
        "id": table["element"].tolist(),
        "name": text_list(table["name"]),
        "from": table["from_bus"].tolist(),
        "to": table["to_bus"].tolist(),
        "closed": table["closed"].tolist(),
        "limit": _or_null(table["loading_max_percent"]),
        "kva": _or_null(np.asarray(table.get("rating_kva", np.full(len(table["element"]), np.nan)))),
    }


def _or_null(values: Array) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.tolist()]


def worst_moments(run: RunData) -> list[dict[str, Any]]:
    """For each kind of limit the element that uses it most, and when; ordered as the answer orders them."""
    found = []
    for each in worst_of(run.summary, run.elements):
        if run.copy is not None and not run.copy.has(each.element):  # which is not on the map
            continue
        words, left = WORDS_BY_KEY[each.key], bool(run.summary.get(f"{each.key}_intervals"))
        found.append({
            "label": words.outside if left else _KEPT[each.key],
            "second": round(each.hours * 3600),
            "kind": words.table,
            "element": each.element,
            "left": left,
            "value": _used(run, each.key, each.element, each.share),
        })  # fmt: skip
    return found


def _used(run: RunData, key: str, index: int, use: float) -> str:
    """The voltage or loading at which so much of a limit is used; empty where the limit is not known."""
    element = run.elements.get((WORDS_BY_KEY[key].table, index))
    return used_text(key, use, element) if element and key in element.limits else ""


def episodes(run: RunData) -> dict[str, Any]:
    """Violations of limits as stretches without a break, the furthest beyond their limits first.

    Returns
    -------
    dict
        ``rows``, each with kind, element, start and end in seconds since the run's start, how many
        intervals, the worst value, when it was, and the limit; ``n``, how many there are in all.
    """
    names = ["time", "kind", "element", "value", "limit"]
    if not run.has("violations", *names):
        return {"rows": [], "n": 0}
    table = run.read("violations", names)
    kinds = np.array(table["kind"].codes)
    order = np.lexsort((table["time"], table["element"], kinds))
    time_ms, value, limit = (table[name][order] for name in ("time", "value", "limit"))
    element, kind = table["element"][order], kinds[order]
    interval_ms = run.scenario.interval_ms
    is_next = (np.diff(time_ms) == interval_ms) & (np.diff(element) == 0) & (np.diff(kind) == 0)
    starts = np.flatnonzero(np.append(True, ~is_next))
    ends = np.append(starts[1:], len(time_ms))
    zero = start_ms(run)
    rows: list[dict[str, Any]] = []
    for first, last in zip(starts.tolist(), ends.tolist(), strict=True):
        key = KEY_BY_LIMIT.get(str(table["kind"].texts[kind[first]]), "")
        if key not in WORDS_BY_KEY:
            continue
        part = value[first:last]
        worst = first + int(part.argmin() if key == "voltage_low" else part.argmax())
        rows.append({
            "what": WORDS_BY_KEY[key].outside,
            "kind": WORDS_BY_KEY[key].table,
            "element": int(element[first]),
            "start": int(time_ms[first] - zero) // 1000,
            "end": int(time_ms[last - 1] + interval_ms - zero) // 1000,
            "hours": number_text((last - first) * interval_ms / MS_PER_HOUR, 3),
            "moment": int(time_ms[worst] - zero) // 1000,
            **_beyond(run, key, int(element[first]), float(value[worst]), float(limit[worst])),
        })  # fmt: skip
    rows.sort(key=lambda row: (-row["use"], row["start"]))
    return {"rows": rows[:MOST_EPISODES], "n": len(rows)}


def _beyond(run: RunData, key: str, index: int, value: float, limit: float) -> dict[str, Any]:
    """A value beyond the limit in force, in words, and how far it uses that limit, as the answer ranks it."""
    known = run.elements.get((WORDS_BY_KEY[key].table, index), Element("", {}))
    element = known._replace(limits={**known.limits, key: limit})
    texts = {"worst": value_text(key, value, element), "limit": limit_text(key, element)}
    return texts | {"use": limit_use(key, value, element)}
