"""Commands about what can be run: check, explain, schema, networks, scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from rich.text import Text

from cosim.cli.terminal import Overrides, Seed, Source, flag, out, print_problems, refuse_errors, write
from cosim.core.errors import Problem, count


def check(scenario: Source, seed: Seed = None, set_: Overrides = None) -> None:
    """Say everything that is wrong with a scenario or a sweep, and what is doubtful, without running it."""
    from cosim.engine.load import load_scenario
    from cosim.engine.preflight import preflight
    from cosim.study.sweep.load_sweep import is_sweep

    if is_sweep(scenario) and not set_ and seed is None:
        problems = _check_sweep(scenario)
    else:
        problems = preflight(load_scenario(scenario, set_ or (), seed))
    refuse_errors(problems)
    out.print(f"{scenario}: no errors, {count(len(problems), 'warning')}")


def _check_sweep(source: str) -> list[Problem]:
    from cosim.study.sweep.load_sweep import read_sweep
    from cosim.study.sweep.plan import plan_sweep
    from cosim.study.sweep.sweep_check import check_points

    return list(check_points(plan_sweep(read_sweep(source)), thorough=True).problems)


def explain(scenario: Source, seed: Seed = None, set_: Overrides = None) -> None:
    """Show every value, household, bus, link, device and agent of the run, and what is a default."""
    from cosim.engine.builder import build
    from cosim.engine.explain import explain_lines
    from cosim.engine.load import load_scenario

    loaded = load_scenario(scenario, set_ or (), seed)
    parts = build(loaded)
    print_problems(parts.warnings, quiet=False)
    write(explain_lines(loaded, parts))


def schema(
    sweep: Annotated[bool, flag("--sweep", "Of sweep files, instead.")] = False,
) -> None:
    """Print the JSON schema of scenario files, so that an editor completes and checks keys."""
    import json

    from cosim.study.json_schema import scenario_schema, sweep_schema

    write([json.dumps(sweep_schema() if sweep else scenario_schema(), indent=2, ensure_ascii=False)])


def networks() -> None:
    """List the built-in networks."""
    from cosim.config.library import names
    from cosim.grid.network_file import load_network

    for name in names("networks"):
        network, _ = load_network(name, Path())
        places = f"{network.places} places" if network.places else ""
        out.print(Text.assemble((f"{name:<44}", "bold"), f" {places:>11}  {network.title}"))


def scenarios() -> None:
    """List the built-in scenarios, and the built-in sweeps of them."""
    from cosim.config.library import names
    from cosim.engine.load import load_scenario
    from cosim.study.sweep.load_sweep import load_sweep

    width = max(map(len, (*names("scenarios"), *names("sweeps"))))
    for name in names("scenarios"):
        out.print(Text.assemble((f"{name:<{width}}", "bold"), f"  {load_scenario(name).scenario.title}"))
    sweeps = [(name, load_sweep(name).config) for name in names("sweeps")]
    if sweeps:
        out.print("\nFor `cosim sweep`:")
    for name, config in sweeps:
        points = count(config.n_points, "point")
        out.print(Text.assemble((f"{name:<{width}}", "bold"), f"  {config.title} ({points})"))
