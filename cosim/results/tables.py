"""Every table a run leaves: its columns, their types, units and meanings. The docs are made from this."""

from __future__ import annotations

from cosim.core.tables import Column

_TIME = Column("time", "time", "UTC", "start of the interval")
_INSTANT = Column("time", "time", "UTC", "the instant it happened")
_PROSUMER = Column("prosumer", "text", "", "household, h001 ... in the order of the groups")
_COMMUNITY = Column("community", "text", "", "community; empty for a household that takes part in none")
_RESOURCE = Column("resource", "text", "", "resource of the community")
_DAY = Column("day", "integer", "", "delivery day of the run, from 0")
_HOUR = Column("hour", "integer", "", "hour of the day (UTC), from 0")
_BUS = Column("bus", "integer", "", "bus index in the feeder (-1 without a feeder)")


TABLES: dict[str, tuple[Column, ...]] = {
    "regulation": (
        Column("step", "integer", "", "number k of the platform's tick"),
        _INSTANT,
        _COMMUNITY,
        _RESOURCE,
        Column(
            "signal",
            "number",
            "",
            "Ω(k), the signal in force when the tick comes, in cost/unit; under `inverse_average` in "
            "unit³/cost",
        ),
        Column("capacity", "number", "units", "C at the tick"),
        Column(
            "aggregate",
            "number",
            "units",
            "what the community did: Σx, time-mean over the step that ends here",
        ),
        Column("measured", "number", "units", "Σx as the platform measured it; NaN while it is down"),
        Column("average_sum", "number", "units", "Σx̄ over the members, as their averages stand"),
        Column(
            "optimum_gap", "number", "cost", "cost of the averages above the optimum for the sums they reach"
        ),
        Column(
            "distance",
            "number",
            "units",
            "‖x̄ - x*‖ over members and resources, x* the optimum for the capacities in force (not, as for "
            "`optimum_gap`, for the sums reached); NaN where the members cannot reach these",
        ),
        Column("gradient_mean", "number", "cost/unit", "mean of ∇g over the members"),
        Column("gradient_spread", "number", "cost/unit", "largest minus smallest ∇g among the members"),
        Column("members", "integer", "", "households that take part"),
    ),
    "decisions": (
        Column("step", "integer", "", "the step decided for, from 1; step 0 is the initial decision"),
        _INSTANT,
        _PROSUMER,
        _RESOURCE,
        Column("requested", "integer", "units", "what the draw asked for: 0 or 1"),
        Column(
            "delivered",
            "number",
            "units",
            "what the device could do of it: for own use a fraction, else 0 or 1",
        ),
        Column("average", "number", "units", "x̄ that the decision was made from"),
        Column("gradient", "number", "cost/unit", "∇g at the averages"),
        Column("probability", "number", "", "σ, clipped to [0, 1]"),
        Column("signal_step", "integer", "", "number of the signal it knew; 0 is Ω(0)"),
        Column("signal_age_ms", "integer", "ms", "age of that signal: now minus when it was sent"),
    ),
    "injections": (
        _TIME,
        _BUS,
        Column(
            "p_mw",
            "number",
            "MW",
            "mean active power drawn at the bus by households and loads, at the voltage that was solved; NaN "
            "where a load follows a voltage that was not solved. Elements that are part of the network "
            "(generators that hold a voltage, wards, motors, shunts) are not in it",
        ),
        Column("q_mvar", "number", "Mvar", "mean reactive power drawn at the bus, likewise"),
    ),
    "bus_voltage": (_TIME, _BUS, Column("vm_pu", "number", "pu", "voltage magnitude; NaN where not solved")),
    "line_loading": (
        _TIME,
        Column("line", "integer", "", "line index in the feeder"),
        Column("loading_percent", "number", "%", "current over rated current"),
    ),
    "trafo_loading": (
        _TIME,
        Column("trafo", "integer", "", "transformer index in the feeder"),
        Column("loading_percent", "number", "%", "current over rated current, the larger side"),
    ),
    "trafo3w_loading": (
        _TIME,
        Column("trafo3w", "integer", "", "index of the three-winding transformer in the feeder"),
        Column("loading_percent", "number", "%", "current over rated current, the largest of three sides"),
    ),
    "power_flow": (
        _TIME,
        Column("status", "text", "", "converged, diverged or skipped"),
        Column("cause", "text", "", "why it did not converge; empty where it did"),
        Column(
            "route", "text", "", "zbus; runpp where the fast route did not close or cannot solve the network"
        ),
        Column(
            "residual_mva",
            "number",
            "MVA",
            "largest mismatch of power at a bus; NaN where svc, ssc, tcsc or vsc have equations of their own",
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
    "feeder_buses": (
        _BUS,
        Column("name", "text", "", "name in the feeder's data"),
        Column("vn_kv", "number", "kV", "nominal voltage"),
        Column("x", "number", "", "coordinate: longitude, or of the tree laid out where the feeder has none"),
        Column("y", "number", "", "coordinate: latitude, or of the tree"),
        Column("supplied", "flag", "", "whether a closed way leads to the grid above"),
        Column("vm_min_pu", "number", "pu", "lowest permitted voltage"),
        Column("vm_max_pu", "number", "pu", "highest permitted voltage"),
        Column("households", "integer", "", "households at this bus"),
    ),
    "feeder_branches": (
        Column(
            "kind", "text", "", "line, trafo, or trafo3w, which has two rows: to its medium and low voltage"
        ),
        Column("element", "integer", "", "index in the feeder's table"),
        Column("name", "text", "", "name in the feeder's data"),
        Column("from_bus", "integer", "", "bus at one end; of a transformer the high-voltage side"),
        Column("to_bus", "integer", "", "bus at the other end"),
        Column("length_km", "number", "km", "length; NaN for a transformer"),
        Column("closed", "flag", "", "in service, no open switch"),
        Column("loading_max_percent", "number", "%", "highest permitted loading"),
    ),
    "source_elements": (
        Column(
            "table",
            "text",
            "",
            "table of the grid's data; bus.min_vm_pu, profiles.load, ... for limits, profiles",
        ),
        Column("element", "integer", "", "index in that table; -1 for what has none"),
        Column("name", "text", "", "name in the grid's data"),
        Column("bus", "integer", "", "its bus; -1 for what has none"),
        Column(
            "p_kw",
            "number",
            "kW",
            "nominal active power, scaling included, generation negative; NaN for none",
        ),
        Column("q_kvar", "number", "kvar", "nominal reactive power; NaN for none"),
        Column("fate", "text", "", "kept, household (one stands for it), replaced or left out"),
        Column("reason", "text", "", "why, or how it acts"),
    ),
    "messages": (
        Column("link", "text", "", "direction and household: downlink/h001, uplink/h001, meter, ..."),
        Column("kind", "text", "", "signal, report, meter, feeder, ack"),
        Column("sent", "integer", "", "transmissions, repeated ones too"),
        Column("duplicated", "integer", "", "copies the link made"),
        Column("delivered", "integer", "", "handed to the receiver"),
        Column("lost", "integer", "", "lost on the way: outage, loss, or a full queue"),
        Column("expired", "integer", "", "came after their lifetime"),
        Column("in_flight", "integer", "", "still on the way at the end of the run"),
        Column("latency_p50_ms", "number", "ms", "median latency of what was delivered"),
        Column("latency_p99_ms", "number", "ms", "99th percentile of it"),
    ),
    "message_latency": (
        Column("direction", "text", "", "downlink, uplink, peer, meter"),
        Column("kind", "text", "", "signal, report, meter, feeder, ack"),
        Column("latency_ms", "integer", "ms", "latency, exact below a second, to 0.2 % above"),
        Column("count", "integer", "", "messages delivered with it"),
    ),
    "faults": (
        Column("fault", "text", "", "name of the fault"),
        Column("kind", "text", "", "household_crash, platform_crash, churn, clock, partition, ..."),
        Column(
            "target", "text", "", "what broke: a household, a community's platform, a set of links, a meter"
        ),
        Column("start", "time", "UTC", "when it began, or would have, in a run that was cut short"),
        Column("end", "time", "UTC", "when it ended; of one that lasted longer, the end of the run"),
        Column("households", "integer", "", "households that it hit; 0 for a platform or the feeder's meter"),
    ),
    "fault_effects": (
        Column("fault", "text", "", "name of the fault"),
        Column("kind", "text", "", "its kind"),
        _COMMUNITY,
        _RESOURCE,
        Column("start", "time", "UTC", "when it began; events that touch or overlap are one"),
        Column("end", "time", "UTC", "when it ended, or the run did"),
        Column(
            "rmse_before",
            "number",
            "units",
            "root mean square of aggregate - capacity over the quiet steps before",
        ),
        Column("worst_deviation", "number", "units", "largest aggregate - capacity until it had recovered"),
        Column(
            "recovery_h",
            "number",
            "h",
            "from the end until the error stays near its level before; NaN if never, or another is still on",
        ),
        Column(
            "excess_energy_kwh",
            "number",
            "kWh",
            "energy of the error above its mean before, until then; NaN where a unit is no energy",
        ),
        Column(
            "excess_cost", "number", "cost", "sum of the cost gap above its mean before, over the same steps"
        ),
    ),
    "batteries": (
        _TIME,
        _PROSUMER,
        Column("soc_kwh", "number", "kWh", "stored at the end of the interval"),
        Column("charge_kwh", "number", "kWh", "taken at the terminals"),
        Column("discharge_kwh", "number", "kWh", "given at the terminals"),
        Column("leaked_kwh", "number", "kWh", "lost by self-discharge"),
    ),
    "meters": (
        _TIME,
        _PROSUMER,
        Column("load_kwh", "number", "kWh", "consumed by the household's load"),
        Column("pv_kwh", "number", "kWh", "generated"),
        Column("net_kwh", "number", "kWh", "load - generation + battery at the connection point"),
    ),
    "prices": (
        _DAY,
        _HOUR,
        Column("grid_price", "number", "EUR/kWh", "P^G: what a kWh from the grid costs"),
        Column("feed_in_price", "number", "EUR/kWh", "what a kWh earns that is fed in, by the rule"),
    ),
    "offers": (
        _DAY,
        _HOUR,
        Column("seller", "text", "", "household that offers"),
        Column("quantity_kwh", "number", "kWh", "the most it sells"),
        Column("price", "number", "EUR/kWh", "its price"),
        Column("kappa", "number", "", "κ: price over the grid's; NaN where that is 0"),
    ),
    "schedule": (
        _DAY,
        _HOUR,
        _PROSUMER,
        Column("appliance", "text", "", "name of the appliance"),
        Column("energy_kwh", "number", "kWh", "what it takes in the hour"),
        Column(
            "value",
            "number",
            "EUR/kWh",
            "ζ: what it is worth at that hour, by the grid's price and the household's rigidity",
        ),
    ),
    "trades": (
        _DAY,
        _HOUR,
        Column("buyer", "text", "", "household that asked"),
        Column("seller", "text", "", "household that was asked; the buyer for its own generation"),
        Column("requested_kwh", "number", "kWh", "asked for"),
        Column("agreed_kwh", "number", "kWh", "sold"),
        Column("delivered_kwh", "number", "kWh", "generated by the seller and used by the buyer of it"),
        Column("price", "number", "EUR/kWh", "price of the offer"),
        Column(
            "status",
            "text",
            "",
            "delivered, seller_short, buyer_short, unclaimed, rejected, timed_out, expired or unconfirmed",
        ),
    ),
    "bills": (
        _DAY,
        Column("prosumer", "text", "", "household, or grid: its side of the same account"),
        Column("load_kwh", "number", "kWh", "metered, what a battery takes included"),
        Column("generation_kwh", "number", "kWh", "metered, what a battery gives included"),
        Column("self_consumed_kwh", "number", "kWh", "generated and used by the household in one hour"),
        Column("bought_kwh", "number", "kWh", "from other households, as delivered"),
        Column("sold_kwh", "number", "kWh", "to other households, as delivered"),
        Column("from_grid_kwh", "number", "kWh", "the rest of the load"),
        Column("to_grid_kwh", "number", "kWh", "the rest of the generation"),
        Column("purchases_eur", "number", "EUR", "paid to other households"),
        Column("sales_eur", "number", "EUR", "received from other households, negative"),
        Column("from_grid_eur", "number", "EUR", "paid to the grid"),
        Column("to_grid_eur", "number", "EUR", "received for what was fed in, negative"),
        Column("compensation_eur", "number", "EUR", "paid for own deviations less received for others'"),
        Column("total_eur", "number", "EUR", "the sum; positive is paid"),
    ),
}
"""Tables by name; `prosumers`, with a column for each parameter, is made by the engine."""

PROSUMER_COLUMNS: tuple[Column, ...] = (_PROSUMER, Column("group", "text", "", "group"), _COMMUNITY, _BUS)
