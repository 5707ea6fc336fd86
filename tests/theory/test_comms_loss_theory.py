"""Losses against binomial bounds, and bursts against the chain's exact mean and geometric law."""

from __future__ import annotations

import importlib.util
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simpy
from pydantic import TypeAdapter
from scipy import stats

from cosim.comms.loss import BernoulliLoss, GilbertElliottLoss, LossConfig, NoLoss
from cosim.comms.network import Network
from cosim.comms.schema import CommsConfig
from cosim.core.message import PLATFORM, Address, Message
from cosim.core.streams import Streams

N_MESSAGES = 40_000


def _links_page() -> Any:
    """The script of docs/links.md, which states the length of bursts beside what was measured."""
    page = Path(__file__).parents[2] / "docs" / "links.py"
    spec = importlib.util.spec_from_file_location("links_page", page)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mean_burst_length = _links_page().mean_burst_length


def fates(loss: dict[str, object], n_households: int = 1, **link: object) -> list[list[bool]]:
    """For each household, whether each of its messages got lost."""
    env = simpy.Environment()
    config = CommsConfig.model_validate({"default": {"loss": loss, **link}})
    households = [Address(f"h{number}") for number in range(n_households)]
    net = Network(env, config, households, Streams(11), lambda config: np.empty(0))
    n_each = N_MESSAGES // n_households
    lost = [[True] * n_each for _ in range(n_households)]

    def receive(message: Message) -> None:
        lost[message.sender][message.sequence] = False

    net.on_receive(PLATFORM, "report", receive)
    for sequence in range(n_each):
        for household in range(n_households):
            net.send("uplink", household, PLATFORM, "report", sequence, None)
    env.run()
    counted = sum(row.lost for row in net.accounting())
    assert counted == sum(map(sum, lost))
    return lost


def bursts(lost: list[bool]) -> list[int]:
    return [len(list(run)) for is_lost, run in itertools.groupby(lost) if is_lost]


@pytest.mark.parametrize("probability", [0.001, 0.05, 0.5, 0.97])
@pytest.mark.parametrize("link", [{}, {"ordering": "in_order"}], ids=["short way", "long way"])
@pytest.mark.fast_cases("short way-0.05", "long way-0.5")
def test_independent_losses_keep_binomial_bounds(probability: float, link: dict[str, object]) -> None:
    lost = fates({"kind": "bernoulli", "loss_probability": probability}, n_households=10, **link)
    low, high = stats.binom.interval(1 - 1e-5, N_MESSAGES, probability)
    assert low <= sum(map(sum, lost)) <= high


def test_independent_losses_do_not_cluster() -> None:
    (lost,) = fates({"kind": "bernoulli", "loss_probability": 0.3})
    config = BernoulliLoss(loss_probability=0.3)
    lengths = bursts(lost)
    assert mean_burst_length(config) == pytest.approx(1 / 0.7)
    # Runs of losses are geometric: variance p/(1-p)^2.
    assert np.mean(lengths) == pytest.approx(1 / 0.7, abs=4 * math.sqrt(0.3) / 0.7 / math.sqrt(len(lengths)))


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_certain_fates(probability: float) -> None:
    lost = fates({"kind": "bernoulli", "loss_probability": probability})
    assert sum(lost[0]) == probability * N_MESSAGES


@pytest.mark.slow
def test_losses_of_households_are_independent() -> None:
    lost = np.array(fates({"kind": "bernoulli", "loss_probability": 0.5}, n_households=4), dtype=float)
    correlations = np.corrcoef(lost)[np.triu_indices(4, k=1)]
    assert np.max(np.abs(correlations)) < 4.5 / math.sqrt(lost.shape[1])


CHAINS = [
    pytest.param(
        {"probability_good_to_bad": 0.02, "probability_bad_to_good": 0.25}, 0.02 / 0.27, 4.0, id="Gilbert"
    ),
    pytest.param(
        {
            "probability_good_to_bad": 0.05,
            "probability_bad_to_good": 0.1,
            "loss_probability_good": 0.01,
            "loss_probability_bad": 0.6,
        },
        (0.1 * 0.01 + 0.05 * 0.6) / 0.15,
        None,
        id="Gilbert-Elliott",
    ),
]


@pytest.mark.parametrize(("chain", "rate", "burst"), CHAINS)
def test_bursty_losses(chain: dict[str, object], rate: float, burst: float | None) -> None:
    config = GilbertElliottLoss.model_validate(chain)
    lost = fates({"kind": "gilbert_elliott", **chain}, n_households=20)
    assert config.rate() == pytest.approx(rate, rel=1e-12)
    if burst is not None:
        assert mean_burst_length(config) == pytest.approx(burst, rel=1e-12)
    # Losses correlate as (1 - to_bad - to_good)**lag, so this many independent ones say as much.
    memory = 1 - config.probability_good_to_bad - config.probability_bad_to_good
    n_effective = N_MESSAGES * (1 - memory) / (1 + memory)
    deviation = math.sqrt(rate * (1 - rate) / n_effective)
    assert np.mean(lost) == pytest.approx(rate, abs=4.5 * deviation)
    lengths = [length for each in lost for length in bursts(each)]
    error = np.std(lengths) / math.sqrt(len(lengths))
    assert np.mean(lengths) == pytest.approx(mean_burst_length(config), abs=4.5 * error)


@pytest.mark.slow
def test_gilbert_bursts_are_geometric() -> None:
    lost = fates(
        {"kind": "gilbert_elliott", "probability_good_to_bad": 0.05, "probability_bad_to_good": 0.4},
        n_households=20,
    )
    lengths = np.array([length for each in lost for length in bursts(each)])
    observed = [int(np.sum(lengths == length)) for length in range(1, 7)] + [int(np.sum(lengths > 6))]
    shares = [0.4 * 0.6 ** (length - 1) for length in range(1, 7)] + [0.6**6]
    assert stats.chisquare(observed, np.array(shares) * len(lengths)).pvalue > 1e-4


def test_chain_is_stationary_from_the_first_message_on() -> None:
    env = simpy.Environment()
    config = CommsConfig.model_validate(
        {
            "default": {
                "loss": {
                    "kind": "gilbert_elliott",
                    "probability_good_to_bad": 0.001,
                    "probability_bad_to_good": 0.003,
                }
            }
        }
    )
    households = [Address(f"h{number}") for number in range(3000)]
    net = Network(env, config, households, Streams(2), lambda config: np.empty(0))
    net.broadcast("signal", 0, None, range(3000))
    env.run()
    low, high = stats.binom.interval(1 - 1e-5, 3000, 0.25)
    assert low <= sum(row.lost for row in net.accounting()) <= high


@pytest.mark.parametrize(
    ("loss", "rate", "burst"),
    [
        (NoLoss(), 0, 0),
        (BernoulliLoss(loss_probability=1), 1, math.inf),
        (GilbertElliottLoss(probability_good_to_bad=0, probability_bad_to_good=0), 0, 0),
        (GilbertElliottLoss(probability_good_to_bad=0.5, probability_bad_to_good=0), 1, math.inf),
        (GilbertElliottLoss(probability_good_to_bad=1, probability_bad_to_good=1), 0.5, 1),
    ],
)
def test_limits_of_the_formulae(loss: LossConfig, rate: float, burst: float) -> None:
    assert loss.rate() == rate
    assert mean_burst_length(loss) == burst


def test_equal_states_are_bernoulli() -> None:
    chain = TypeAdapter[LossConfig](LossConfig).validate_python(
        {
            "kind": "gilbert_elliott",
            "probability_good_to_bad": 0.1,
            "probability_bad_to_good": 0.3,
            "loss_probability_good": 0.2,
            "loss_probability_bad": 0.2,
        }
    )
    same = BernoulliLoss(loss_probability=0.2)
    assert chain.rate() == pytest.approx(same.rate())
    assert mean_burst_length(chain) == pytest.approx(mean_burst_length(same))
