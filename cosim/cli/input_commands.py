"""Commands about what can be run: check, explain, new, schema, list, networks, scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.text import Text

from cosim.cli.terminal import (
    Overrides,
    Plugins,
    Seed,
    Source,
    flag,
    load_plugins,
    option,
    print_problems,
    refuse_errors,
    within_width,
    write,
)
from cosim.cli.voice import out, voice
from cosim.core.errors import count, listed


def check(scenario: Source, seed: Seed = None, set_: Overrides = None, plugin: Plugins = None) -> None:
    """Report every error and warning in a scenario, a sweep or an impact study, without running it."""
    from cosim.api.checking import check, study_size

    load_plugins(plugin)
    problems = check(scenario, set_, seed=seed)
    n_errors = sum(problem.severity == "error" for problem in problems)
    voice.result = {"source": scenario, "n_errors": n_errors, "n_warnings": len(problems) - n_errors}
    refuse_errors(problems)
    if not voice.quiet:
        out.print(f"{scenario}: no errors, {count(len(problems), 'warning')}")
    size = None if set_ or seed is not None else study_size(scenario)
    if size is not None:
        n_runs, homes = size
        voice.result |= {"n_runs_at_most": n_runs, "households": homes}
        where = [f"{count(n, 'household')}{f' in {name}' if name else ''}" for name, n in homes.items()]
        if not voice.quiet:
            out.print(f"a study of {listed(where)}: at most {count(n_runs, 'run')}; fewer with --seeds")


def explain(
    scenario: Source,
    seed: Seed = None,
    set_: Overrides = None,
    section: Annotated[
        list[str] | None,
        option(
            "--section",
            "Show this section alone: values, households, links, feeder and the like. May be repeated.",
            "all",
            metavar="NAME",
        ),
    ] = None,
    plugin: Plugins = None,
) -> None:
    """Show every value, household, bus, link, device and agent of the run, and which values are defaults.

    Of a sweep or an impact study: what is varied, how many runs it takes, and what a run is.
    """
    from cosim.api.checking import explain

    load_plugins(plugin)
    explanation = explain(scenario, set_, seed=seed)
    print_problems(explanation.warnings)
    chosen = explanation.chosen(section or ())
    voice.result = {"source": scenario, "sections": chosen.sections}
    write(within_width(chosen.lines))


def new(
    file: Annotated[Path, typer.Argument(help="The YAML file to write; it must not exist.")],
    network: Annotated[
        str,
        option(
            "--network",
            "A built-in network (see `cosim networks`), or a file in the folder of the new one.",
            metavar="NAME|FILE",
        ),
    ] = "kerber_landnetz_kabel_1",
) -> None:
    """Write a commented scenario that runs as it is: homes with vehicles on your network, and a community."""
    from cosim.api.new_scenario import new

    print_problems(new(file, network))
    voice.result = {"file": file}
    out.print(f"{file}")


def schema(
    sweep: Annotated[bool, flag("--sweep", "Print the schema of sweep files instead.")] = False,
    impact: Annotated[bool, flag("--impact", "Print the schema of impact studies instead.")] = False,
    plugin: Plugins = None,
) -> None:
    """Print the JSON schema of scenario files, with which an editor completes and checks keys."""
    import json

    from cosim.api.built_in import schema

    load_plugins(plugin)
    kind: Literal["scenario", "sweep", "impact"] = "impact" if impact else "sweep" if sweep else "scenario"
    voice.result = schema(kind)
    write([json.dumps(voice.result, indent=2, ensure_ascii=False)])


_NONE = "none of cosim's own; plugins bring them"


def list_(
    kind: Annotated[str, typer.Argument(help="What to list; without it, the kinds are listed.")] = "",
    plugin: Plugins = None,
) -> None:
    """List what a scenario can choose of a kind, cosim's own and what plugins bring, with a line each."""
    from cosim.api.built_in import choices, kinds

    load_plugins(plugin)
    rows = (
        choices(kind)
        if kind
        else [(name, ", ".join(each.name for each in choices(name)) or _NONE) for name in kinds()]
    )
    voice.result = {"kind": kind or "kind", "choices": dict(rows)}
    if not rows:
        out.print(_NONE)
    width = max((len(name) for name, _ in rows), default=0)
    for name, said in rows:
        out.print(Text.assemble((f"{name:<{width}}", "bold"), f"  {said}"))


def networks() -> None:
    """List the built-in networks."""
    from cosim.api.built_in import networks

    listed = networks()
    voice.result = {"networks": [each._asdict() for each in listed]}
    for network in listed:
        places = f"{network.size} places" if network.size else ""
        out.print(Text.assemble((f"{network.name:<44}", "bold"), f" {places:>11}  {network.title}"))


def scenarios() -> None:
    """List the built-in scenarios, sweeps and impact studies."""
    from cosim.api.built_in import scenarios, studies, sweeps

    listed, swept, studied = scenarios(), sweeps(), studies()
    shelves = {"scenarios": listed, "sweeps": swept, "studies": studied}
    voice.result = {shelf: [each._asdict() for each in found] for shelf, found in shelves.items()}
    width = max(len(each.name) for each in (*listed, *swept, *studied))
    for each in listed:
        out.print(Text.assemble((f"{each.name:<{width}}", "bold"), f"  {each.title}"))
    if swept:
        out.print("\nFor `cosim sweep`:")
    for each in swept:
        points = count(each.size or 0, "point")
        out.print(Text.assemble((f"{each.name:<{width}}", "bold"), f"  {each.title} ({points})"))
    if studied:
        out.print("\nFor `cosim impact`:")
    for each in studied:
        out.print(Text.assemble((f"{each.name:<{width}}", "bold"), f"  {each.title}"))
