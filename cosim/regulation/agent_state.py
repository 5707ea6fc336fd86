"""What an agent remembers, and what is left of it after a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(slots=True)
class AgentState:
    """What an agent remembers."""

    step: int
    """Number of the next decision instant k; the decision made there is x(k+1)."""
    taken: int
    """Decisions made since it joined; the k of the averages (17)."""
    signals: Sequence[float]
    """The freshest signal of each resource."""
    signal_step: int
    signal_sent_ms: int
    """Its number and when it was sent."""
    averages: list[float]
    """x̄ of each resource, over what was delivered; replaced, never changed."""
    delivered: Sequence[float]
    """What is being delivered in the step that is on; replaced, never changed."""
    active: bool = True
    """Whether it takes part."""
    is_down: bool = False
    """Whether its controller is down: it hears and decides nothing."""
    is_deaf: bool = False
    """Whether it takes no signals."""
    fixed_request: int | None = None
    """What it asks for in every step, whatever the signal; None for one that follows its policy."""
    answered: int = 0
    """Number of the signal that what is being delivered answers."""
    past: tuple[tuple[float, ...], ...] = ()
    """The outcomes that are in a window's averages, the oldest first; of each resource."""


def initial_copy(state: AgentState) -> AgentState:
    """A state of its own with the same content; its lists are replaced, never changed, so they are shared."""
    return replace(state)


def forgotten(state: AgentState, first: AgentState) -> AgentState:
    """What is left of `state` after a restart without memory.

    Averages, their count and the signals are those of `first`, the state at the start, as everyone knows
    them. The number of the step is the clock's, and what is being delivered is the device's; faults that are
    still on stay on. Reports are numbered by steps, so those after a restart are fresher than those before.
    """
    return replace(
        first,
        step=state.step,
        delivered=state.delivered,
        active=state.active,
        is_down=state.is_down,
        is_deaf=state.is_deaf,
        fixed_request=state.fixed_request,
        answered=state.answered,
    )
