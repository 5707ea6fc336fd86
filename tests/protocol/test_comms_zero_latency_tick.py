r"""A tick over perfect links happens at one instant.

::

                 signal                    report
    platform ──────────────► h0, h1 ─────────────────► platform
       ▲ tick (priority TICK)  └ decision (priority DECISION) when the signal has come

All links take no time. What the tick sends arrives in its instant, after the decisions already taken, so the
households answer it at their next decision, and the platform's next tick sees all reports.
"""

from __future__ import annotations

import numpy as np
import simpy
from simpy.events import Event, EventPriority

from cosim.comms.network import Network
from cosim.comms.schema import CommsConfig
from cosim.core.clock import Priority
from cosim.core.message import PLATFORM, Address, Message
from cosim.core.streams import Streams


def at(env: simpy.Environment, time_ms: int, priority: Priority, act: object) -> None:
    event = Event(env)
    event._ok, event._value = True, None
    assert event.callbacks is not None
    event.callbacks.append(lambda _: act())  # type: ignore[operator]
    env.schedule(event, EventPriority(priority), time_ms)


def test_sequence_of_two_steps() -> None:
    env = simpy.Environment()
    net = Network(env, CommsConfig(), [Address("h0"), Address("h1")], Streams(1), lambda config: np.empty(0))
    log: list[tuple[int, str]] = []

    def receive(message: Message) -> None:
        who = "platform" if message.recipient == PLATFORM else f"h{message.recipient}"
        log.append((int(env.now), f"{who} gets {message.kind} {message.sequence}"))

    for address in (PLATFORM, 0, 1):
        net.on_receive(address, "report" if address == PLATFORM else "signal", receive)

    def decide(household: int, step: int) -> None:
        log.append((int(env.now), f"h{household} decides {step}"))
        net.send("uplink", household, PLATFORM, "report", step, None)

    def tick(step: int) -> None:
        log.append((int(env.now), f"tick {step}"))
        net.broadcast("signal", step, None, [0, 1])

    for step, time_ms in enumerate((0, 1000)):
        # Set up backwards: only the priorities put them in order.
        at(env, time_ms, Priority.METER_CLOSE, lambda: log.append((int(env.now), "meter closes")))
        at(env, time_ms, Priority.TICK, lambda step=step: tick(step))
        at(env, time_ms, Priority.DECISION, lambda step=step: decide(0, step))
        at(env, time_ms, Priority.DECISION, lambda step=step: decide(1, step))
    env.run()
    one_step = [
        "h0 decides {k}",
        "platform gets report {k}",
        "h1 decides {k}",
        "platform gets report {k}",
        "tick {k}",
        "h0 gets signal {k}",
        "h1 gets signal {k}",
        "meter closes",
    ]
    assert log == [(1000 * step, line.format(k=step)) for step in range(2) for line in one_step]


def test_answers_to_answers_stay_in_the_instant_and_in_order() -> None:
    env = simpy.Environment(initial_time=70)
    net = Network(env, CommsConfig(), [Address("h0"), Address("h1")], Streams(1), lambda config: np.empty(0))
    log: list[tuple[int, int, int]] = []

    def bounce(message: Message) -> None:
        log.append((int(env.now), message.recipient, message.sequence))
        if message.sequence < 3:
            net.send("peer", message.recipient, 1 - message.recipient, "ball", message.sequence + 1, None)

    for household in (0, 1):
        net.on_receive(household, "signal", bounce)
        net.on_receive(household, "ball", bounce)
    net.broadcast("signal", 0, None, [0, 1])
    env.run()
    # Breadth first: both balls of one round before any of the next.
    assert log == [
        (70, 0, 0),
        (70, 1, 0),
        (70, 1, 1),
        (70, 0, 1),
        (70, 0, 2),
        (70, 1, 2),
        (70, 1, 3),
        (70, 0, 3),
    ]
