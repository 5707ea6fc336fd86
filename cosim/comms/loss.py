"""Losses: of each message on its own (Bernoulli) or in bursts (Gilbert-Elliott), and how many there are."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Literal

from cosim.config.base import Model, Probability
from cosim.config.choice import Choice
from cosim.core.registry import Registry

_CERTAIN = 1 - 1e-12


class LossModel(Model):
    """How messages get lost: the keys of one form of it, and what becomes of each transmission.

    What a link must remember from one transmission to the next is a whole number, its state. Every
    transmission advances it, even one that is lost for another reason.
    """

    kind: str

    @abstractmethod
    def rate(self) -> float:
        """Share of the transmissions that are lost in the long run."""

    @abstractmethod
    def is_independent(self) -> bool:
        """Whether each transmission is lost with the probability `rate`, whatever became of the others."""

    def first_state(self, uniform: float) -> int:
        """State before the first transmission, from a uniform number in [0, 1)."""
        return 0

    def step(self, state: int, uniform_loss: float, uniform_state: float) -> tuple[bool, int]:
        """One transmission; never asked of a model whose losses are independent.

        Parameters
        ----------
        state : int
            State that the transmission finds.
        uniform_loss, uniform_state : float
            Uniform numbers in [0, 1) for the loss and for the change of state.

        Returns
        -------
        is_lost, state : tuple of bool and int
            Fate of this transmission; state for the next one.
        """
        return uniform_loss < self.rate(), state

    def loses_everything(self) -> bool:
        """Whether not a single message gets through."""
        return self.rate() > _CERTAIN


LOSSES: Registry[LossModel] = Registry("loss model", LossModel)  # type: ignore[type-abstract]
LossConfig = Annotated[LossModel, Choice(LOSSES)]


@LOSSES.register("none")
class NoLoss(LossModel):
    """No message is lost on the way."""

    kind: Literal["none"] = "none"
    """Nothing is lost."""

    def rate(self) -> float:
        """See `LossModel`."""
        return 0.0

    def is_independent(self) -> bool:
        """See `LossModel`."""
        return True


@LOSSES.register("bernoulli")
class BernoulliLoss(LossModel):
    """Every message is lost with the same probability, independently."""

    kind: Literal["bernoulli"] = "bernoulli"
    """Losses are independent."""
    loss_probability: Probability
    """Probability that a message is lost."""

    def rate(self) -> float:
        """See `LossModel`."""
        return self.loss_probability

    def is_independent(self) -> bool:
        """See `LossModel`."""
        return True


@LOSSES.register("gilbert_elliott")
class GilbertElliottLoss(LossModel):
    """Losses in bursts: a chain of two states, advanced by one step per transmission."""

    # E. N. Gilbert, Capacity of a burst-noise channel, Bell System Technical Journal 39 (1960) 1253-1265;
    # E. O. Elliott, Estimates of error rates for codes on burst-noise channels, ibid. 42 (1963) 1977-1997.

    kind: Literal["gilbert_elliott"] = "gilbert_elliott"
    """Losses come in bursts."""
    probability_good_to_bad: Probability
    """Probability that the good state turns bad after a transmission."""
    probability_bad_to_good: Probability
    """Probability that the bad state turns good after a transmission."""
    loss_probability_good: Probability = 0
    """Probability that a message is lost in the good state."""
    loss_probability_bad: Probability = 1
    """Probability that a message is lost in the bad state."""

    def bad_share(self) -> float:
        """Share of transmissions that find the chain in its bad state, in the long run.

        A chain that can leave neither state stays in the good one, where it is put at the start.
        """
        to_bad, to_good = self.probability_good_to_bad, self.probability_bad_to_good
        return to_bad / (to_bad + to_good) if to_bad + to_good > 0 else 0.0

    def rate(self) -> float:
        """See `LossModel`."""
        bad = self.bad_share()
        return (1 - bad) * self.loss_probability_good + bad * self.loss_probability_bad

    def is_independent(self) -> bool:
        """See `LossModel`."""
        return False

    def first_state(self, uniform: float) -> int:
        """1, the bad state, with its stationary probability: so the rate holds from the first message on."""
        return int(uniform < self.bad_share())

    def step(self, state: int, uniform_loss: float, uniform_state: float) -> tuple[bool, int]:
        """See `LossModel`."""
        if state:
            return uniform_loss < self.loss_probability_bad, int(
                uniform_state >= self.probability_bad_to_good
            )
        return uniform_loss < self.loss_probability_good, int(uniform_state < self.probability_good_to_bad)
