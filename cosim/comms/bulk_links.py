"""Messages of one kind over all links of a direction at once, and their account."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cosim.comms.bulk_ledger import BulkLedger
from cosim.comms.link_arrays import LinkArrays, Times, Which
from cosim.comms.schema import Direction
from cosim.comms.tally import AccountColumns


class BulkLinks:
    """Links that only one sender uses, for one kind of message, all at once.

    Parameters
    ----------
    direction : {"downlink", "uplink"}
        Their direction.
    kind : str
        What they carry.
    links : LinkArrays
        What becomes of it.
    names : sequence of str
        Of the links.
    """

    def __init__(self, direction: Direction, kind: str, links: LinkArrays, names: Sequence[str]) -> None:
        self.direction = direction
        self.kind = kind
        self._links = links
        self._names = names
        self._ledger = BulkLedger(len(names), links.lifetime_ms)

    def send(
        self,
        turn: int,
        which: Which,
        now_ms: int | Times,
        settled_ms: int,
        first_sent_ms: int | Times | None = None,
    ) -> Times:
        """Send over some of the links; when each message is first handed over, from `NEVER_MS` on if never.

        Parameters
        ----------
        turn : int
            Number of this transmission on each of the links, from 0.
        which : slice or ndarray of int64
            All links, or some by position.
        now_ms : int or ndarray of int64
            When.
        settled_ms : int
            The present, ms: up to here messages can be counted as arrived.
        first_sent_ms : int or ndarray of int64, optional
            Where it repeats an earlier transmission, when that was sent.
        """
        sent_ms = now_ms if first_sent_ms is None else first_sent_ms
        flight = self._links.transmit(turn, which, now_ms)
        self._ledger.note(which, sent_ms, flight, settled_ms)
        return self._links.heard_ms(flight, which, sent_ms)

    @property
    def is_plain(self) -> bool:
        """See `LinkArrays`."""
        return self._links.is_plain

    def latencies_ms(self, first_turn: int, n_turns: int) -> Times:
        """See `LinkArrays`; what is sent by them is to be told with `note`."""
        return self._links.latencies_ms(first_turn, n_turns)

    def note_rows(self, sent_ms: Times, arrival_ms: Times, settled_ms: int) -> None:
        """Take it that messages were sent over all links by `latencies_ms`, a row each; see `send`."""
        self._ledger.note_rows(sent_ms, arrival_ms, settled_ms)

    def account(self, now_ms: int) -> AccountColumns:
        """What became of the messages so far, a row for each link that has carried any."""
        account = self._ledger.account(now_ms)
        used = np.flatnonzero(account.sent)
        return AccountColumns(
            [self._names[place] for place in used.tolist()],
            [self.kind] * len(used),
            np.array(account[:6])[:, used],
            np.array(account[6:])[:, used],
        )

    def histogram(self) -> dict[int, int]:
        """How many messages were delivered with each latency, by the lower bound of its bucket, ms."""
        return self._ledger.histogram()
