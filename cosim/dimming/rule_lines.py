"""An operator's rules in words, for `cosim explain`."""

from __future__ import annotations

from collections.abc import Iterator

from cosim.dimming.schema import DimmingConfig


def rule_lines(config: DimmingConfig) -> Iterator[str]:
    """When limits begin and end, what they are, and what households do in silence."""
    yield (
        f"each flexible device draws at most {config.max_kw:g} kW from when a line or transformer is loaded "
        f"above {config.from_loading_percent:g} % of its limit or a bus is below {config.from_vm_pu:g} pu, "
        f"until none is above {config.until_loading_percent:g} % and none below {config.until_vm_pu:g} pu"
        f"{_at_least(config.min_duration_s)}"
    )
    if config.feed_in is not None:
        rule = config.feed_in
        yield (
            f"each household feeds in at most {rule.max_kw:g} kW from when a bus is above "
            f"{rule.from_vm_pu:g} pu, until none is above {rule.until_vm_pu:g} pu"
            f"{_at_least(config.min_duration_s)}"
        )
    silence = config.in_silence
    if silence is None:
        yield "in silence the newest order that a household has remains in force"
        return
    yield (
        f"once the newest order was sent {silence.after_s:g} s ago each device draws "
        f"{_most(silence.max_kw)}, and a household feeds in {_most(silence.feed_in_kw)}"
    )


def _at_least(seconds: float) -> str:
    return f", for {seconds:g} s at least" if seconds else ""


def _most(kw: float | None) -> str:
    return "without a limit" if kw is None else f"at most {kw:g} kW"
