"""A first scenario for somebody's network: commented, and checked before it is written."""

from __future__ import annotations

import os
import re
from pathlib import Path

from cosim.api.checking import check
from cosim.config.library import local_file, names
from cosim.core.errors import InputError, Problem
from cosim.grid.network_file import load_network
from cosim.grid.solvers import solver_of

_HOUSEHOLDS_PER_CHARGE = 12
"""Homes in a community for each vehicle that it lets charge at a time in the evening."""


def new(file: str | os.PathLike[str], network: str = "kerber_landnetz_kabel_1") -> list[Problem]:
    """Write a commented scenario that runs as it is: a home with a vehicle at each load of a network.

    Parameters
    ----------
    file : path
        The YAML file, which must not exist.
    network : str
        A built-in network, or a file: one of pandapower (JSON) or a network's description (YAML), in the
        folder of the new file or below it.

    Returns
    -------
    list of Problem
        What is doubtful about it.

    Raises
    ------
    InputError
        If the file exists, or with everything that is wrong with the network; nothing is written then.
    """
    target = Path(file)
    _require_free(target)
    named = _named_from(target.parent, network)
    config, folder = load_network(named, target.parent)
    n_places = len(solver_of(config, folder, run_control=False).feeder.candidate_buses)
    if n_places == 0:
        remedy = "Give it loads, or list buses under `households` in a network's YAML file."
        raise InputError([Problem("this network has no place for a household", remedy, file=network)])
    name = re.sub(r"[^A-Za-z0-9_\-]", "_", target.stem)[:48]
    text = _text(name if name[:1].isalpha() else f"scenario_{name}", named, n_places)
    try:
        with target.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        problem = Problem(f"cannot be written: {error.strerror}", "Choose another file.", file=str(target))
        raise InputError([problem]) from None
    problems = check(target)
    if any(problem.severity == "error" for problem in problems):
        target.unlink()
        raise InputError(problems)
    return problems


def _require_free(target: Path) -> None:
    problems = []
    if target.suffix.lower() not in (".yaml", ".yml"):
        problems.append(
            Problem(
                "this is not the name of a YAML file", "Choose a name that ends in .yaml.", file=str(target)
            )
        )
    if target.exists() or target.is_symlink():
        remedy = "Choose a name that is free."
        problems.append(Problem("this path is already in use", remedy, file=str(target)))
    if not target.parent.is_dir():
        remedy = "Choose a folder that exists."
        problems.append(Problem("its folder does not exist", remedy, file=str(target)))
    if problems:
        raise InputError(problems)


def _named_from(folder: Path, network: str) -> str:
    """The network as a file in `folder` names it: a built-in name, or a path relative to that folder."""
    if network in names("networks"):
        return network
    here = Path(network) if Path(network).is_absolute() else Path.cwd() / network
    if not here.is_file():
        load_network(network, Path.cwd())  # says what is wrong with the name
    home = folder.resolve()
    if not here.resolve().is_relative_to(home):
        message = "a scenario can only name files in its own folder, and the network is elsewhere"
        remedy = f"Copy it into {home}, or write the scenario beside it."
        raise InputError([Problem(message, remedy, "--network", value=network)])
    named = here.resolve().relative_to(home).as_posix()
    local_file(folder, named)
    return named


def _text(name: str, network: str, n_places: int) -> str:
    charging = max(1, n_places // _HOUSEHOLDS_PER_CHARGE)
    quoted = network if re.fullmatch(r"[A-Za-z][A-Za-z0-9_./\-]*", network) else f'"{network}"'
    at_night = min(n_places, 3 * charging)
    by_hour = [charging if 6 <= hour < 22 else at_night for hour in range(24)]
    return _TEMPLATE.format(
        name=name, network=quoted, n_places=n_places, by_hour=", ".join(map(str, by_hour))
    )


_TEMPLATE = """\
# Homes with electric vehicles on a feeder, and a community that says when to charge.
# cosim check FILE says what is wrong, cosim run FILE runs it; every key: docs/scenario_keys.md
name: {name}
title: "What vehicles do to this feeder, and what a community does about it"
seed: 1                      # the same seed gives the same run, byte for byte

time:
  start: 2016-01-11T00:00:00Z
  duration_h: 48
  step_s: 300                # how often the community decides, s

grid:
  network: {network}
  interval_min: 15           # a power flow each quarter of an hour
  limits: {{vm_min_pu: 0.9, vm_max_pu: 1.1}}

groups:
  - name: homes
    households: {n_places}           # one at each load of the network
    load: {{kind: constant, p_kw: {{uniform: [0.2, 0.8]}}}}   # or of your own: {{kind: csv, file: load.csv}}
    ev:
      charger_kw: 11
      sessions: {{kind: drawn}}        # comes home and leaves as people in Germany drive
    # how much each wants to charge
    cost: {{kind: consumption_only, linear: 6, quadratic: {{uniform: [1, 2]}}, target: 0.1}}

# Without this part every vehicle charges when it comes home: cosim run FILE --set communities=[]
communities:
  - name: street
    groups: [homes]
    resources:
      - name: charging
        serves: ev_charging
        capacity:            # how many may charge at a time, by the hour of the day (UTC)
          kind: hourly
          by_hour: [{by_hour}]
    agent:
      policy: {{kind: additive, kappa: 0.25}}
      averages: {{kind: exponential, time_constant_steps: 36}}
      initial_decision: 0
      initial_average: 0.1
    platform: {{gain: {{margin: 0.5}}, signal_limits: [5.2, 7.2]}}

# The network between the homes and the community's platform.
comms:
  default:
    latency: {{kind: constant, latency_ms: 200}}
    loss: {{kind: bernoulli, loss_probability: 0}}   # 0.3 loses three messages in ten
"""
