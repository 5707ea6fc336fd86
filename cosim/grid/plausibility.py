"""Values of a grid that can be computed and can hardly be meant; each doubt names the elements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import Problem
from cosim.grid.element_warnings import doubt

if TYPE_CHECKING:
    import pandas as pd
    from pandapower.auxiliary import pandapowerNet

FloatArray = NDArray[np.float64]

LV_KV = 1.0
"""Up to this nominal voltage a bus is low voltage (IEC 60038), kV."""
_LEVELS_DIFFER = 1.15
"""Two ends of a line are at two voltage levels when one is more than this times the other."""
_RATING_OFF = 1.15
"""A rated voltage does not fit its bus when they differ by more than this factor; pandapower's own examples
of transformers at the edge of a level (1.05, 1.1, 22/20) stay below it."""
_MAX_LINE_KA = {"lv": 2.0, "hv": 10.0}
"""Ratings that no single line has; the largest busways and four-bundle overhead lines stay below."""
_MAX_LENGTH_KM = {"lv": 10.0, "mv": 200.0, "hv": 2000.0}
_MAX_LV_TRAFO_MVA = 6.3
_MAX_LV_POWER_MW = 2.0
_MAX_KV = 1200.0
"""The highest voltage of any grid (IEC 60038), kV."""
_LOSSES_ABOVE = 2.0
"""Iron losses that are doubted, over the no-load power. Physically 1 is the bound; published data (Kerber's
transformers of 100 kVA: 0.45 kW against 0.25 kVA) are above it by up to 1.8, i0_percent being a guess."""
_SOURCE_BAND = (0.8, 1.2)
_PHASES = [f"p_{phase}_mw" for phase in "abc"], [f"q_{phase}_mvar" for phase in "abc"]
_POWERS: tuple[tuple[str, list[str], list[str], str], ...] = (
    *((table, ["p_mw"], ["q_mvar"], "scaling") for table in ("load", "sgen", "storage")),
    *((table, *_PHASES, "scaling") for table in ("asymmetric_load", "asymmetric_sgen")),
    *((table, [f"p{part}_mw"], [f"q{part}_mvar"], "") for table in ("ward", "xward") for part in "sz"),
    ("shunt", ["p_mw"], ["q_mvar"], "step"),
    ("gen", ["p_mw"], [], "scaling"),
    ("motor", ["pn_mech_mw"], [], "scaling"),
)
"""What draws or delivers power: its table, active and reactive power, and the factor on both."""
_MOST = {"parallel": 20, "df": 2.0, "i0_percent": 50.0}
"""Above these a number of parallel units, a factor on the rated current or a no-load current is doubted."""


def doubts(net: pandapowerNet) -> list[Problem]:
    """What in a net, whose cells were found right, can hardly be meant."""
    vn_kv = net.bus.vn_kv
    return [
        *_buses(net),
        *_levels(net, vn_kv),
        *_ratings(net, vn_kv),
        *_losses(net),
        *_beyond(net),
        *_resistances(net),
        *_lines(net, vn_kv),
        *_taps(net),
        *_powers(net, vn_kv),
        *_sources(net),
    ]


def _active(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Elements in service; what is out of service bears on nothing."""
    return np.asarray(rows["in_service"], dtype=bool)


def _at(rows: pd.DataFrame, column: str, vn_kv: pd.Series) -> FloatArray:
    """Nominal voltage of the bus in a column, kV."""
    return np.asarray(vn_kv.loc[rows[column]], dtype=np.float64)


def _off(first: FloatArray, second: FloatArray, factor: float) -> NDArray[np.bool_]:
    """Whether two positive quantities differ by more than a factor."""
    return np.asarray(np.maximum(first, second) > factor * np.minimum(first, second))


def _buses(net: pandapowerNet) -> Iterator[Problem]:
    """Nominal voltages that no grid has, and a frequency that none has."""
    found = _active(net.bus) & (net.bus.vn_kv.to_numpy() > _MAX_KV)
    yield from doubt(net.bus, found, "bus", "vn_kv", "no grid has such a voltage", "give vn_kv in kV")
    if not 15 <= float(net.f_hz) <= 61:
        message = "no grid has such a frequency; capacitances are computed with it"
        yield Problem(message, "give 50 or 60", "f_hz", value=f"{net.f_hz:g}", severity="warning")


def _levels(net: pandapowerNet, vn_kv: pd.Series) -> Iterator[Problem]:
    """Lines, impedances and switches between two voltage levels."""
    ways = [("line", net.line, "from_bus", "to_bus"), ("impedance", net.impedance, "from_bus", "to_bus")]
    ways.append(("switch", net.switch[(net.switch.et == "b") & net.switch.closed], "bus", "element"))
    for table, rows, first, second in ways:
        active = _active(rows) if table != "switch" else np.ones(len(rows), dtype=bool)
        one, other = _at(rows, first, vn_kv), _at(rows, second, vn_kv)
        found = active & _off(one, other, _LEVELS_DIFFER)
        pair = next(zip(one[found], other[found], strict=True), (0.0, 0.0))
        message = f"connects {pair[0]:g} kV and {pair[1]:g} kV without a transformer"
        yield from doubt(rows, found, table, second, message, "correct the buses, or their vn_kv")


def _ratings(net: pandapowerNet, vn_kv: pd.Series) -> Iterator[Problem]:
    """Rated voltages of transformers and shunts against their buses."""
    for table, sides in (("trafo", ("hv", "lv")), ("trafo3w", ("hv", "mv", "lv"))):
        rows = net[table]
        buses = {side: _at(rows, f"{side}_bus", vn_kv) for side in sides}
        rated = {side: rows[f"vn_{side}_kv"].to_numpy(np.float64) for side in sides}
        off = {side: _off(buses[side], rated[side], _RATING_OFF) for side in sides}
        active = _active(rows)
        swapped = active & off["hv"] & off["lv"]
        swapped &= ~_off(buses["hv"], rated["lv"], _RATING_OFF) & ~_off(buses["lv"], rated["hv"], _RATING_OFF)
        message = "hv_bus and lv_bus are swapped relative to vn_hv_kv and vn_lv_kv"
        yield from doubt(rows, swapped, table, "hv_bus", message, "swap the buses")
        for side in sides:
            found = active & off[side] & ~swapped
            message = f"rated for {_first(rated[side], found):g} kV on its {side} side, at a bus of "
            message += f"{_first(buses[side], found):g} kV"
            remedy = f"correct vn_{side}_kv or the bus's vn_kv"
            yield from doubt(rows, found, table, f"vn_{side}_kv", message, remedy)
        upside_down = active & ~swapped & (rated["hv"] < rated["lv"])
        message = "its high-voltage side has the lower rated voltage"
        yield from doubt(rows, upside_down, table, "vn_hv_kv", message, "swap the sides")
    rows = net.shunt
    if len(rows) and "vn_kv" in rows:
        own, bus = rows.vn_kv.to_numpy(np.float64), _at(rows, "bus", vn_kv)
        found = _active(rows) & ~np.isnan(own) & _off(own, bus, _RATING_OFF)
        message = f"its powers are for {_first(own, found):g} kV, at a bus of {_first(bus, found):g} kV"
        yield from doubt(rows, found, "shunt", "vn_kv", message, "correct vn_kv")
        if "max_step" in rows:
            over = _active(rows) & (
                rows.step.to_numpy() > rows.max_step.to_numpy(np.float64, na_value=np.inf)
            )
            yield from doubt(rows, over, "shunt", "step", "its step is above max_step", "correct one of them")


def _first(values: FloatArray, found: NDArray[np.bool_]) -> float:
    """The first value that a mask holds for; 0 where there is none."""
    return float(values[found][0]) if found.any() else 0.0


def _losses(net: pandapowerNet) -> Iterator[Problem]:
    """Iron losses above the no-load power; pandapower then leaves the magnetising reactance out."""
    for table, rated in (("trafo", "sn_mva"), ("trafo3w", "sn_hv_mva")):
        rows = net[table]
        no_load_kw = np.abs(rows.i0_percent.to_numpy()) / 100 * rows[rated].to_numpy() * 1000
        pfe_kw = rows.pfe_kw.to_numpy()
        found = _active(rows) & (pfe_kw > _LOSSES_ABOVE * no_load_kw) & (pfe_kw > 0)
        message = (
            f"iron losses of {_first(pfe_kw, found):g} kW are above the no-load power of "
            f"{_first(no_load_kw, found):.4g} kVA (i0_percent)"
        )
        yield from doubt(rows, found, table, "pfe_kw", message, "correct pfe_kw or i0_percent")


def _beyond(net: pandapowerNet) -> Iterator[Problem]:
    """Columns of branches far above what they count."""
    remedies = {"df": "give df as a factor", "i0_percent": "give i0_percent in percent of the rated current"}
    for table in ("line", "trafo", "trafo3w"):
        rows = net[table]
        for column in [column for column in _MOST if column in rows.columns]:
            given = rows[column].to_numpy(np.float64)
            found = _active(rows) & (given > _MOST[column])
            message = f"{column} is {_first(given, found):,g}"
            yield from doubt(rows, found, table, column, message, remedies.get(column, f"correct {column}"))


def _resistances(net: pandapowerNet) -> Iterator[Problem]:
    """Negative resistances, which deliver power."""
    columns = [
        ("line", "r_ohm_per_km"),
        ("trafo", "vkr_percent"),
        ("impedance", "rft_pu"),
        ("impedance", "rtf_pu"),
    ]
    columns += [("trafo3w", f"vkr_{side}_percent") for side in ("hv", "mv", "lv")] + [("xward", "r_ohm")]
    for table, column in columns:
        rows = net[table]
        found = _active(rows) & (rows[column].to_numpy(np.float64) < 0)
        yield from doubt(rows, found, table, column, f"{column} is negative", "correct it")


def _lines(net: pandapowerNet, vn_kv: pd.Series) -> Iterator[Problem]:
    """Ratings, lengths and impedances of lines that none has."""
    rows, active = net.line, _active(net.line)
    if not len(rows):
        return
    kv = np.maximum(_at(rows, "from_bus", vn_kv), _at(rows, "to_bus", vn_kv))
    is_lv = kv <= LV_KV
    rating_ka = rows.max_i_ka.to_numpy(np.float64) if "max_i_ka" in rows else np.full(len(rows), np.nan)
    found = active & (rating_ka > np.where(is_lv, _MAX_LINE_KA["lv"], _MAX_LINE_KA["hv"]))
    message = f"rated for {_first(rating_ka, found):,.5g} kA, so that its loading is meaningless"
    yield from doubt(rows, found, "line", "max_i_ka", message, "give max_i_ka in kA")
    message = "max_i_ka is missing, so that there is no loading"
    yield from doubt(rows, active & np.isnan(rating_ka), "line", "max_i_ka", message, "give max_i_ka")
    longest = np.select([is_lv, kv < 60], [_MAX_LENGTH_KM["lv"], _MAX_LENGTH_KM["mv"]], _MAX_LENGTH_KM["hv"])
    length_km = rows.length_km.to_numpy()
    found = active & (length_km > longest)
    message = f"{_first(length_km, found):g} km long at {_first(kv, found):g} kV"
    yield from doubt(rows, found, "line", "length_km", message, "give length_km in km")
    for column, most in (("r_ohm_per_km", 50.0), ("x_ohm_per_km", 20.0)):
        ohm = rows[column].to_numpy()
        found = active & is_lv & (np.abs(ohm) > most)
        message = f"{_first(ohm, found):g} ohm per km is far more than a low-voltage line has"
        yield from doubt(rows, found, "line", column, message, f"give {column} in ohm per km")
    for column, unit, most in (("c_nf_per_km", "nF", 10_000.0), ("g_us_per_km", "µS", 10_000.0)):
        given = rows[column].to_numpy()
        found = active & is_lv & (np.abs(given) > most)
        message = f"{_first(given, found):,g} {unit} per km is far more than a low-voltage line has"
        yield from doubt(rows, found, "line", column, message, f"give {column} in {unit} per km")


def _taps(net: pandapowerNet) -> Iterator[Problem]:
    """Tap positions outside their range."""
    for table, tap in (("trafo", "tap"), ("trafo", "tap2"), ("trafo3w", "tap")):
        rows = net[table]
        if not {f"{tap}_pos", f"{tap}_min", f"{tap}_max"} <= set(rows.columns):
            continue
        pos, low, high = (
            rows[f"{tap}_{part}"].to_numpy(np.float64, na_value=np.nan) for part in ("pos", "min", "max")
        )
        found = _active(rows) & ((pos < low) | (pos > high))
        crossed = _active(rows) & (low > high)
        message = f"{tap}_min is above {tap}_max, {_first(high, crossed):g}"
        yield from doubt(rows, crossed, table, f"{tap}_min", message, "swap them")
        found &= ~crossed
        message = f"the tap position is outside {_first(low, found):g} to {_first(high, found):g}"
        yield from doubt(rows, found, table, f"{tap}_pos", message, f"correct {tap}_pos")


def _powers(net: pandapowerNet, vn_kv: pd.Series) -> Iterator[Problem]:
    """Megawatts at low voltage, and transformers of a size or a short-circuit voltage that none has there."""
    for table, p, q, factor in _POWERS:
        rows = net[table]
        if not len(rows):
            continue
        active_mw, reactive_mvar = (np.abs(rows[part].to_numpy(np.float64)).sum(axis=1) for part in (p, q))
        size_mva = np.hypot(active_mw, reactive_mvar) * (rows[factor].to_numpy() if factor else 1.0)
        found = _active(rows) & (_at(rows, "bus", vn_kv) <= LV_KV) & (size_mva > _MAX_LV_POWER_MW)
        is_reactive = (reactive_mvar > active_mw)[found][:1].any()
        column = (q if is_reactive else p)[0]
        message = f"{_first(size_mva, found):,.4g} MVA at a low-voltage bus"
        remedy = f"give {column} in {'Mvar' if is_reactive else 'MW'}"
        yield from doubt(rows, found, table, column, message, remedy)
    rows = net.trafo
    at_lv = _active(rows) & (_at(rows, "lv_bus", vn_kv) <= LV_KV)
    found = at_lv & (rows.sn_mva.to_numpy() > _MAX_LV_TRAFO_MVA)
    message = f"{_first(rows.sn_mva.to_numpy(), found):g} MVA to low voltage"
    yield from doubt(rows, found, "trafo", "sn_mva", message, "give sn_mva in MVA")
    vk = np.abs(rows.vk_percent.to_numpy())
    found = at_lv & ((vk < 0.5) | (vk > 40))
    message = "no distribution transformer has such a short-circuit voltage"
    yield from doubt(rows, found, "trafo", "vk_percent", message, "give vk_percent in percent")


def _sources(net: pandapowerNet) -> Iterator[Problem]:
    """Voltages that a supply or a generator can hardly hold."""
    for table, columns in (
        ("ext_grid", ["vm_pu"]),
        ("gen", ["vm_pu"]),
        ("dcline", ["vm_from_pu", "vm_to_pu"]),
    ):
        for column in columns:
            rows = net[table]
            vm_pu = rows[column].to_numpy(np.float64)
            found = _active(rows) & ((vm_pu < _SOURCE_BAND[0]) | (vm_pu > _SOURCE_BAND[1]))
            message = f"holds {_first(vm_pu, found):g} times the nominal voltage"
            yield from doubt(rows, found, table, column, message, f"give {column} per unit")
