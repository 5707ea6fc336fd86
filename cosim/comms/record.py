"""What became of the messages: tables `messages` and `message_latency`, written at the end of a run."""

from __future__ import annotations

from cosim.comms.network import Network
from cosim.core.tables import TableStore
from cosim.results.tables import TABLES


def write_messages(network: Network, store: TableStore) -> None:
    """Write the account of every link, and how long messages took."""
    rows = network.accounting()
    store.write_table(
        "messages",
        {column.name: [getattr(row, column.name) for row in rows] for column in TABLES["messages"]},
    )
    histogram = [
        (direction, kind, latency_ms, count)
        for (direction, kind), bins in network.latency_histogram().items()
        for latency_ms, count in bins
    ]
    names = [column.name for column in TABLES["message_latency"]]
    columns = list(zip(*histogram, strict=True)) or [()] * len(names)
    store.write_table(
        "message_latency", {name: list(values) for name, values in zip(names, columns, strict=True)}
    )
