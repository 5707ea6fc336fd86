"""Triangles of admittance matrices solve what the matrix says; those of a tree have an entry a branch."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from cosim.grid import flow_solver
from cosim.grid.elimination import factorised, substitute
from cosim.grid.feeder import feeder_from_net
from cosim.grid.power_flow import PowerFlow
from cosim.grid.voltage_dependence import DependentPower
from tests.theory.test_grid_runpp import NETWORK, awkward_net, injections


def network_matrix(parents: list[int], ties: list[tuple[int, int]], seed: int) -> Any:
    """Branches with resistance and reactance from each node to its parent, ties across, a shunt at each."""
    random = np.random.default_rng(seed)
    n = len(parents)
    matrix = np.diag(random.uniform(1e-4, 1e-3, n) + 0j)
    for first, second in [*enumerate(parents), *ties]:
        series = 1 / complex(random.uniform(0.1, 1), random.uniform(0.01, 1))
        shift = np.exp(1j * random.uniform(-0.5, 0.5))  # as of a transformer with a phase shift
        matrix[first, first] += series
        if second >= 0 and second != first:
            matrix[second, second] += series
            matrix[first, second] -= series * shift
            matrix[second, first] -= series / shift
    return csr_matrix(matrix)


@st.composite
def parents(draw: st.DrawFn) -> list[int]:
    """A tree: each node's parent is one before it, -1 is the supply."""
    n = draw(st.integers(1, 30))
    return [-1, *(draw(st.integers(-1, node - 1)) for node in range(1, n))]


@settings(max_examples=40, deadline=None)
@given(tree=parents(), data=st.data())
def test_triangles_solve_the_system_and_those_of_a_tree_do_not_fill_in(
    tree: list[int], data: st.DataObject
) -> None:
    node = st.integers(0, len(tree) - 1)
    ties = data.draw(st.lists(st.tuples(node, node), max_size=4))
    matrix = network_matrix(tree, ties, data.draw(st.integers(0, 99)))
    order, factors = factorised(matrix)
    n = len(tree)
    assert sorted(order) == list(range(n))
    if not ties:
        n_branches = sum(parent >= 0 for parent in tree)
        assert len(factors.lower) == len(factors.upper) == n_branches
    random = np.random.default_rng(0)
    right = random.normal(size=n) + 1j * random.normal(size=n)
    found = right[order]
    substitute(factors, found)
    expected = np.linalg.solve(matrix.toarray()[order][:, order], right[order])
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=0)


def test_a_zero_on_the_diagonal_is_refused() -> None:
    with pytest.raises((ArithmeticError, RuntimeError)):
        factorised(csr_matrix(np.array([[0.0, 1.0], [1.0, 0.0]], dtype=complex)))


def test_python_and_compiled_loops_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    net = awkward_net()
    feeder = feeder_from_net(copy.deepcopy(net), NETWORK)
    p_mw, q_mvar = injections(net.bus.index.to_numpy(), feeder.bus.supplied, 20, 0.0025)
    columns = np.flatnonzero(feeder.bus.supplied)[1:4]
    some = np.random.default_rng(1).uniform(-1e-3, 1e-3, (4, len(p_mw), len(columns)))
    dependent = DependentPower(columns, *some)
    results = []
    for by_python in (10**9, 0):
        monkeypatch.setattr(flow_solver, "BY_PYTHON", by_python)
        monkeypatch.setattr(flow_solver, "BEFORE_COMPILING", by_python)
        results.append(PowerFlow(feeder).solve(p_mw, q_mvar, dependent))
    python, compiled = results
    assert set(python.route) == {"zbus"}
    for field in ("vm_pu", "line_loading_percent", "trafo_loading_percent", "residual_mva"):
        assert getattr(python, field).tobytes() == getattr(compiled, field).tobytes()
    for field in ("p_slack_mw", "q_slack_mvar", "losses_mw"):
        assert getattr(python, field).tobytes() == getattr(compiled, field).tobytes()
