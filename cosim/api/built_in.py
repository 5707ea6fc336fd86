"""What there is to choose from: built-in scenarios, sweeps and networks, and the schema of their files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cosim import plugins
from cosim.config.library import names, shelf_folder
from cosim.core.plugin_modules import load_installed
from cosim.core.registry import Entry


class Listed(NamedTuple):
    """A built-in file.

    Attributes
    ----------
    name : str
        As a scenario or a command names it.
    title : str
        What it is, in a line.
    size : int or None
        Points of a sweep; places for households of a network, where it is known.
    """

    name: str
    title: str
    size: int | None = None


def without_folder(problem: str) -> str:
    """A problem's text with a built-in scenario's file by its name alone, which is all that a user needs."""
    return problem.removeprefix(f"{shelf_folder('scenarios')}{os.sep}")


def networks() -> list[Listed]:
    """The built-in networks."""
    from cosim.grid.network_file import load_network

    found = [load_network(name, Path())[0] for name in names("networks")]
    return [Listed(network.name, network.title, network.places) for network in found]


def scenarios() -> list[Listed]:
    """The built-in scenarios."""
    from cosim.engine.load import load_scenario

    return [Listed(name, load_scenario(name).scenario.title) for name in names("scenarios")]


def sweeps() -> list[Listed]:
    """The built-in sweeps."""
    from cosim.study.sweep.load_sweep import load_sweep

    found = [(name, load_sweep(name).config) for name in names("sweeps")]
    return [Listed(name, config.title, config.n_points) for name, config in found]


def studies() -> list[Listed]:
    """The built-in impact studies."""
    from cosim.study.impact.load_impact import load_impact

    return [Listed(name, load_impact(name).config.title) for name in names("studies")]


def schema(kind: Literal["scenario", "sweep", "impact"] = "scenario") -> dict[str, Any]:
    """The JSON schema of scenario files, of sweep files or of impact studies, for editors."""
    from cosim.study.json_schema import scenario_schema, study_schema, sweep_schema

    return {"scenario": scenario_schema, "sweep": sweep_schema, "impact": study_schema}[kind]()


def kinds() -> list[str]:
    """What a scenario can choose, by kind: response policies, latency models and the like."""
    return plugins.kinds()


def choices(kind: str) -> tuple[Entry, ...]:
    """Everything of a kind, cosim's own and what plugins bring.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    load_installed()
    return plugins.entries(kind)
