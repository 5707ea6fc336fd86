"""Loss models: independent (Bernoulli) and in bursts (Gilbert-Elliott), and what theory says of them."""

from __future__ import annotations

from cosim.comms.schema import BernoulliLoss, GilbertElliottLoss, LossConfig


def bernoulli_probability(config: LossConfig) -> float:
    """Probability of an independent loss; 0 for the other models."""
    return config.loss_probability if isinstance(config, BernoulliLoss) else 0.0


def stationary_bad_probability(config: GilbertElliottLoss) -> float:
    """Share of transmissions that find the chain in its bad state, in the long run.

    A chain that can leave neither state stays in the good one, where it is put at the start.
    """
    to_bad, to_good = config.probability_good_to_bad, config.probability_bad_to_good
    return to_bad / (to_bad + to_good) if to_bad + to_good > 0 else 0.0


def starts_bad(config: GilbertElliottLoss, uniform: float) -> bool:
    """State of the chain before the first transmission, drawn from its stationary distribution.

    So the loss rate is the stationary one from the first message on.
    """
    return uniform < stationary_bad_probability(config)


def gilbert_elliott_step(
    config: GilbertElliottLoss, is_bad: bool, uniform_loss: float, uniform_state: float
) -> tuple[bool, bool]:
    """One transmission: whether it is lost in the present state, and the state after it.

    Parameters
    ----------
    config : GilbertElliottLoss
        The chain's probabilities.
    is_bad : bool
        State that the transmission finds.
    uniform_loss, uniform_state : float
        Uniform numbers in [0, 1) for the loss and for the change of state.

    Returns
    -------
    is_lost, is_bad : tuple of bool
        Fate of this transmission; state for the next one.

    References
    ----------
    E. N. Gilbert, Capacity of a burst-noise channel, Bell System Technical Journal 39 (1960) 1253-1265;
    E. O. Elliott, Estimates of error rates for codes on burst-noise channels, ibid. 42 (1963) 1977-1997.
    """
    if is_bad:
        return uniform_loss < config.loss_probability_bad, uniform_state >= config.probability_bad_to_good
    return uniform_loss < config.loss_probability_good, uniform_state < config.probability_good_to_bad


def stationary_loss_rate(config: LossConfig) -> float:
    """Share of messages lost in the long run."""
    if not isinstance(config, GilbertElliottLoss):
        return bernoulli_probability(config)
    bad = stationary_bad_probability(config)
    return (1 - bad) * config.loss_probability_good + bad * config.loss_probability_bad
