"""Distances between households against a judge: Thévenin impedances of pandapower's own admittance matrix."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandapower as pp
import pytest

from cosim.grid.net_arrays import bus_table, line_table, trafo3w_table, trafo_table
from cosim.trading.tariffs.feeder_ways import FeederWays


def random_feeder(seed: int, n: int = 15) -> pp.pandapowerNet:
    """A random tree of lines behind a transformer; some lines are two in parallel."""
    rng = np.random.Generator(np.random.Philox(seed))
    net = pp.create_empty_network()
    upper = pp.create_bus(net, 10.0)
    buses = [pp.create_bus(net, 0.4)]
    pp.create_ext_grid(net, upper)
    pp.create_transformer(net, upper, buses[0], "0.4 MVA 10/0.4 kV")
    for _ in range(n):
        above = int(rng.integers(len(buses)))
        buses.append(pp.create_bus(net, 0.4))
        pp.create_line_from_parameters(
            net, buses[above], buses[-1], float(rng.uniform(0.05, 0.4)), float(rng.uniform(0.1, 0.9)),
            float(rng.uniform(0.05, 0.3)), 0.0, 0.2, parallel=int(rng.integers(1, 3)),
        )  # fmt: skip
    return net


def ways_of(net: pp.pandapowerNet) -> FeederWays:
    line, trafo, trafo3w = line_table(net), trafo_table(net), trafo3w_table(net)
    bus, coordinates = bus_table(net, line, trafo, trafo3w)
    feeder = SimpleNamespace(
        net=net,
        bus=bus,
        line=line,
        trafo=trafo,
        trafo3w=trafo3w,
        n_bus=len(bus.index),
        coordinates=coordinates,
    )
    return FeederWays(feeder, np.arange(1, len(bus.index)))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
def test_the_impedance_between_households_is_thevenins(seed: int) -> None:
    net = random_feeder(seed)
    ways = ways_of(net)
    assert not list(ways.problems("ways"))
    pp.runpp(net, numba=False)
    ybus = net._ppc["internal"]["Ybus"].toarray()
    at = net._pd2ppc_lookups["bus"][np.arange(1, len(net.bus))]
    # Without the slack's bus what is left is regular; its inverse is the impedance matrix, per unit.
    keep = np.delete(np.arange(len(ybus)), net._pd2ppc_lookups["bus"][0])
    z = np.linalg.inv(ybus[np.ix_(keep, keep)])
    place = {int(bus): number for number, bus in enumerate(keep)}
    rows = [place[int(bus)] for bus in at]
    base_ohm = 0.4**2 / net.sn_mva
    for household, i in enumerate(rows):
        expected = [abs(z[i, i] + z[j, j] - z[i, j] - z[j, i]) * base_ohm for j in rows]
        assert np.allclose(ways.impedance_ohm(household, np.arange(len(rows))), expected, atol=1e-9)


def test_a_ring_is_no_radial_feeder() -> None:
    net = random_feeder(0)
    pp.create_line_from_parameters(net, 1, len(net.bus) - 1, 0.1, 0.3, 0.1, 0.0, 0.2)
    pp.create_line_from_parameters(net, 2, len(net.bus) - 2, 0.1, 0.3, 0.1, 0.0, 0.2)
    assert [problem.message for problem in ways_of(net).problems("ways")] == [
        "the fee depends on the single path between two places, and this feeder is meshed"
    ]
