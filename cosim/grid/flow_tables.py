"""The tables of a feeder: powers, voltages, loadings, taps, weeks, and the power flow's own account."""

from __future__ import annotations

from cosim.core.tables import BUS, TIME, Column, Table

INJECTIONS = Table(
    "injections",
    "What is drawn at each bus in each interval.",
    (
        TIME,
        BUS,
        Column(
            "p_mw",
            "number",
            "MW",
            "mean active power drawn at the bus by households, loads, a firm and ties, at the voltage that "
            "was solved; NaN where a load or an inverter follows a voltage that was not solved. What is part "
            "of the network (generators that hold a voltage, wards, motors, shunts) is not included",
        ),
        Column("q_mvar", "number", "Mvar", "mean reactive power drawn at the bus, likewise"),
    ),
)
BUS_VOLTAGE = Table(
    "bus_voltage",
    "Voltage of each bus in each interval.",
    (TIME, BUS, Column("vm_pu", "number", "pu", "voltage magnitude; NaN where not solved")),
)
LINE_LOADING = Table(
    "line_loading",
    "Loading of each line in each interval.",
    (
        TIME,
        Column("line", "integer", "", "line index in the feeder"),
        Column("loading_percent", "number", "%", "current over rated current"),
    ),
)
TRAFO_LOADING = Table(
    "trafo_loading",
    "Loading of each transformer in each interval.",
    (
        TIME,
        Column("trafo", "integer", "", "transformer index in the feeder"),
        Column("loading_percent", "number", "%", "current over rated current, the larger side"),
    ),
)
TRAFO3W_LOADING = Table(
    "trafo3w_loading",
    "Loading of each three-winding transformer in each interval; only where the feeder has one.",
    (
        TIME,
        Column("trafo3w", "integer", "", "index of the three-winding transformer in the feeder"),
        Column("loading_percent", "number", "%", "current over rated current, the largest of three sides"),
    ),
)
EN50160 = Table(
    "en50160",
    "Each bus in each whole week, judged by EN 50160; only with `grid.interval_min: 10`.",
    (
        Column("time", "time", "UTC", "start of the week"),
        BUS,
        Column(
            "within_10_percent_share", "number", "", "share of its 10-minute means within 10 % of nominal"
        ),
        Column("within_wide_share", "number", "", "share within +10 % and -15 %"),
        Column("kept", "flag", "", "whether both rules are kept: 95 % of the first, all of the second"),
    ),
)
TAP_POSITIONS = Table(
    "tap_positions",
    "Where each tap changer of `grid.tap_changers` stood in each interval; only where there are any.",
    (
        TIME,
        Column("trafo", "integer", "", "transformer index in the feeder"),
        Column("position", "integer", "", "position of its tap changer"),
    ),
)
POWER_FLOW = Table(
    "power_flow",
    "One row per interval: whether its power flow was solved, and the feeder's balance.",
    (
        TIME,
        Column("status", "text", "", "converged, diverged or skipped"),
        Column("cause", "text", "", "why it did not converge; empty where it did"),
        Column(
            "route",
            "text",
            "",
            "zbus; runpp where the fast method did not converge or cannot solve the network; with _damped "
            "where inverters that follow the voltage had to be kept from oscillating",
        ),
        Column(
            "residual_mva",
            "number",
            "MVA",
            "largest mismatch of power at a bus, inverters at what their characteristics say at the voltage "
            "that was solved; NaN where svc, ssc, tcsc or vsc have equations of their own",
        ),
        Column(
            "p_slack_mw",
            "number",
            "MW",
            "active power drawn from the grid above: all external grids, and generators that stand for one",
        ),
        Column("q_slack_mvar", "number", "Mvar", "reactive power drawn from the grid above, likewise"),
        Column(
            "losses_mw", "number", "MW", "losses in lines, transformers and all other connections of buses"
        ),
    ),
)
