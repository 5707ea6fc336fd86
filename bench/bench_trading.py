"""A traded day of 1,000, 3,000 and 10,000 households: processor time and memory grow with the households.

    python bench/bench_trading.py

Two days are run, of which the second is traded, with the homes of `trading_village` on a grid made here:
villages of a hundred homes on four lines behind a transformer each, joined by a medium-voltage line. Offers
go to a broker, or to the ten nearest. Each run is a process of its own: building, planning, trading, meters,
the power flow and the tables are in it, figures are not. Prints processor time, the peak of resident memory,
messages and energy, and leaves with 1 if 10,000 households take more than 10 minutes or 4 GiB, or if one of
10,000 takes more than twice the time of one of 1,000.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

SIZES = (1000, 3000, 10_000)
AUDIENCES = {"broker": "broker", "10 nearest": {"kind": "nearest", "peers": 10}}
LARGEST_S, LARGEST_GIB, LARGEST_GROWTH = 600.0, 4.0, 2.0

PROGRAM = """
import json, resource, sys, time
import numpy as np
import pandapower as pp
import cosim

HOMES, PER_LINE = 100, 25


def villages(n):
    net = pp.create_empty_network()
    n_villages = -(-n // HOMES)
    trunk = pp.create_buses(net, n_villages + 1, 20.0)
    busbars = pp.create_buses(net, n_villages, 0.4)
    pp.create_ext_grid(net, trunk[0])
    pp.create_lines(net, trunk[:-1], trunk[1:], 0.3, "NA2XS2Y 1x240 RM/25 12/20 kV")
    for high, low in zip(trunk[1:], busbars):
        pp.create_transformer(net, high, low, "0.63 MVA 20/0.4 kV")
    home, number = pp.create_buses(net, n, 0.4), np.arange(n)
    before = np.where(number % PER_LINE == 0, busbars[number // HOMES], home - 1)
    metres = np.random.Generator(np.random.Philox(1)).uniform(20, 40, n)
    pp.create_lines(net, before, home, metres / 1000, "NAYY 4x150 SE")
    pp.create_loads(net, home, 0.0)
    return net


n, audience, folder = int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
load = {"kind": "constant", "p_kw": {"uniform": [0.1, 0.6]}}
settings = {
    "time.duration_h": 48, "report.figures": False, "energy_value.rules.offers_to": audience,
    "grid.network": villages(n), "grid.replace_generators": False,
}
for group, homes in {"solar": n * 6 // 10, "other": n - n * 6 // 10}.items():
    settings |= {f"groups.{group}.households": homes, f"groups.{group}.load": load}
began = time.process_time()
summary = cosim.run("trading_village", settings, out=folder).summary
print(json.dumps({
    "s": time.process_time() - began,
    "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    "messages": summary["trading_messages"],
    "kwh": summary["traded_delivered_kwh"],
}))
"""


def measure(households: int, audience: object) -> dict[str, float]:
    """A run in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", PROGRAM, str(households), json.dumps(audience), f"{folder}/run"]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    return found


def main() -> int:
    """Measure, print, and say whether it is within bounds."""
    is_within = True
    print("offers to   households  processor time   memory    messages    traded")
    for name, audience in AUDIENCES.items():
        per_household = []
        for n in SIZES:
            found = measure(n, audience)
            per_household.append(found["s"] / n)
            print(
                f"{name:<10}  {n:>10,}  {found['s']:>12.1f} s  {found['gib']:.2f} GiB  "
                f"{found['messages']:>8,.0f}  {found['kwh']:>6,.0f} kWh",
                flush=True,
            )
            is_within &= found["s"] <= LARGEST_S and found["gib"] <= LARGEST_GIB
        is_within &= per_household[-1] <= LARGEST_GROWTH * per_household[0]
    print(f"at most {LARGEST_S:g} s and {LARGEST_GIB:g} GiB, {LARGEST_GROWTH:g} times the time a household")
    return 0 if is_within else 1


if __name__ == "__main__":
    sys.exit(main())
