"""Numbers looked up one by one are those of whole rows."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.comms.draws import Draws
from cosim.comms.latency import LATENCIES
from cosim.comms.single_draws import SingleDraws
from cosim.core.streams import Streams


@pytest.mark.parametrize("loss", [0.0, 0.3])
@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("constant", {"latency_ms": 200}),
        ("exponential", {"mean_ms": 300}),
        ("lognormal", {"median_ms": 200, "sigma": 1}),
        ("gamma", {"mean_ms": 200, "shape": 2}),
    ],
)
def test_each_number_is_that_of_its_row(kind: str, keys: dict[str, float], loss: float) -> None:
    n = 41
    latency = LATENCIES[kind].model_validate(keys).distribution(lambda config: np.empty(0))
    rows = Draws(Streams(7), "peer.3", [latency] * n, np.full(n, loss), 8)
    singles = SingleDraws(Streams(7), "peer.3", latency, loss)
    for counter in (0, 1, 50):
        for column in range(n):
            for name in ("fates", "latency", "duplicate_latency", "loss", "loss_state", "duplication"):
                assert getattr(singles, name)[counter][column] == getattr(rows, name)[counter][column], name
            assert singles.of_fault("burst")[counter][column] == rows.of_fault("burst")[counter][column]
    assert singles.initial_state(5) == rows.initial_state(5)
