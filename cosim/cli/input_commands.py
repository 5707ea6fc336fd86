"""Commands about what can be run: check, explain, schema, networks, scenarios."""

from __future__ import annotations

from typing import Annotated

from rich.text import Text

from cosim.cli.terminal import Overrides, Seed, Source, flag, out, print_problems, refuse_errors, write
from cosim.core.errors import count


def check(scenario: Source, seed: Seed = None, set_: Overrides = None) -> None:
    """Report every error and warning in a scenario or a sweep, without running it."""
    from cosim.api.checking import check

    problems = check(scenario, set_, seed=seed)
    refuse_errors(problems)
    out.print(f"{scenario}: no errors, {count(len(problems), 'warning')}")


def explain(scenario: Source, seed: Seed = None, set_: Overrides = None) -> None:
    """Show every value, household, bus, link, device and agent of the run, and which values are defaults."""
    from cosim.api.checking import explain

    explanation = explain(scenario, set_, seed=seed)
    print_problems(explanation.warnings, quiet=False)
    write(explanation.lines)


def schema(
    sweep: Annotated[bool, flag("--sweep", "Print the schema of sweep files instead.")] = False,
) -> None:
    """Print the JSON schema of scenario files, with which an editor completes and checks keys."""
    import json

    from cosim.api.built_in import schema

    write([json.dumps(schema(sweep), indent=2, ensure_ascii=False)])


def networks() -> None:
    """List the built-in networks."""
    from cosim.api.built_in import networks

    for network in networks():
        places = f"{network.size} places" if network.size else ""
        out.print(Text.assemble((f"{network.name:<44}", "bold"), f" {places:>11}  {network.title}"))


def scenarios() -> None:
    """List the built-in scenarios and sweeps."""
    from cosim.api.built_in import scenarios, sweeps

    listed, swept = scenarios(), sweeps()
    width = max(len(each.name) for each in (*listed, *swept))
    for each in listed:
        out.print(Text.assemble((f"{each.name:<{width}}", "bold"), f"  {each.title}"))
    if swept:
        out.print("\nFor `cosim sweep`:")
    for each in swept:
        points = count(each.size or 0, "point")
        out.print(Text.assemble((f"{each.name:<{width}}", "bold"), f"  {each.title} ({points})"))
