"""What became of the messages: tables `messages` and `message_latency`, written at the end of a run."""

from __future__ import annotations

import numpy as np

from cosim.comms.network import Network
from cosim.comms.tally import AccountColumns
from cosim.core.numbers import Number, Summary, declared
from cosim.core.tables import Column, Table, TableStore

NUMBERS = (
    *declared("Messages", "table `messages`",
        Number("messages_sent", "messages sent", "", "transmissions, repeated ones too; the warm-up counts"),
        Number("messages_delivered", "messages delivered", "", "handed to their receiver", "more"),
        Number("messages_lost", "messages lost", "",
            "lost on the way: outage, loss, or a full queue; what a sender that is down does not send is not",
            "less"),
        Number("messages_expired", "messages too late", "",
            "messages that arrived after their lifetime had ended", "less"),
        Number("messages_duplicated", "messages duplicated", "", "copies made by links, which arrive too"),
        Number("messages_in_flight", "messages in flight at the end", "",
            "still on the way when the run ends: sent + duplicated = delivered + lost + expired + these"),
    ),
)  # fmt: skip

MESSAGES = Table(
    "messages",
    "One row per link and kind of message: what became of all that was sent.",
    (
        Column("link", "text", "", "direction and household: downlink/h001, uplink/h001, meter, ..."),
        Column("kind", "text", "", "signal, report, meter, feeder, ack"),
        Column("sent", "integer", "", "transmissions, repeated ones too"),
        Column("duplicated", "integer", "", "copies the link made"),
        Column("delivered", "integer", "", "handed to the receiver"),
        Column("lost", "integer", "", "lost on the way: outage, loss, or a full queue"),
        Column("expired", "integer", "", "arrived after their lifetime"),
        Column("in_flight", "integer", "", "still on the way at the end of the run"),
        Column("latency_p50_ms", "number", "ms", "median latency of what was delivered"),
        Column("latency_p99_ms", "number", "ms", "99th percentile of it"),
    ),
)
MESSAGE_LATENCY = Table(
    "message_latency",
    "How often each latency occurred among the messages delivered.",
    (
        Column("direction", "text", "", "downlink, uplink, peer, meter, platform"),
        Column("kind", "text", "", "signal, report, meter, feeder, ack"),
        Column("latency_ms", "integer", "ms", "latency, exact below a second, to 0.2 % above"),
        Column("count", "integer", "", "messages delivered with it"),
    ),
)


def message_numbers(account: AccountColumns) -> Summary:
    """What became of all messages together."""
    sent, duplicated, delivered, lost, expired, in_flight = account.counts.sum(axis=1).tolist()
    return {
        "messages_sent": sent,
        "messages_delivered": delivered,
        "messages_lost": lost,
        "messages_expired": expired,
        "messages_duplicated": duplicated,
        "messages_in_flight": in_flight,
    }


def write_messages(account: AccountColumns, network: Network, store: TableStore) -> None:
    """Write the account of every link, and how long messages took."""
    names = [column.name for column in MESSAGES.columns]
    latencies = [np.ma.masked_invalid(each) for each in account.latency_ms]
    store.write_table(
        MESSAGES,
        dict(zip(names, (account.link, account.kind, *account.counts, *latencies), strict=True)),
    )
    histogram = [
        (direction, kind, latency_ms, count)
        for (direction, kind), bins in network.latency_histogram().items()
        for latency_ms, count in bins
    ]
    names = [column.name for column in MESSAGE_LATENCY.columns]
    columns = list(zip(*histogram, strict=True)) or [()] * len(names)
    store.write_table(
        MESSAGE_LATENCY, {name: list(values) for name, values in zip(names, columns, strict=True)}
    )
