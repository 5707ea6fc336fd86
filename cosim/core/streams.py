"""Randomness as a pure function of (seed, purpose, counter, entity).

Every purpose has its own field of numbers: one row per counter, one column per entity. A number is looked
up, never drawn in sequence, so results depend neither on the order of events nor on how many entities
there are (design section 4).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cosim.core.compiled import Patience
from cosim.core.philox import put_rows


class Field:
    """Uniform numbers on [0, 1), indexed by counter (row) and entity (column).

    Parameters
    ----------
    seed : int
        The scenario's seed.
    purpose : str
        What the numbers are for; different purposes are independent.

    Notes
    -----
    Philox (Salmon et al., SC'11) is keyed by seed and purpose; the row is the upper half of its 256-bit
    counter, so a row holds 2**128 blocks and rows never overlap. Column ``i`` of a row is the same number
    whatever the row's length.
    """

    def __init__(self, seed: int, purpose: str) -> None:
        digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=16).digest()
        self.key = np.frombuffer(digest, dtype="<u8").astype(np.uint64)

    def row(self, counter: int, n_entities: int) -> NDArray[np.float64]:
        """Row `counter`, first `n_entities` columns; shape ``(n_entities,)``."""
        start = np.array([0, 0, counter, 0], dtype=np.uint64)
        bits = np.random.Philox(key=self.key, counter=start)
        return np.random.Generator(bits).random(n_entities)

    def number(self, counter: int, entity: int) -> float:
        """The number at row `counter`, column `entity`, without those before it."""
        # A step of the counter's lower half gives four numbers.
        start = np.array([entity // 4, 0, counter, 0], dtype=np.uint64)
        bits = np.random.Philox(key=self.key, counter=start)
        return float(np.random.Generator(bits).random(entity % 4 + 1)[-1])

    def reader(self, n_entities: int) -> RowReader:
        """Reads many rows of this length, each at a third of what `row` takes for a hundred entities."""
        return RowReader(self.key, n_entities)

    def block(self, first: int, n_rows: int, n_entities: int) -> NDArray[np.float64]:
        """Rows ``first ... first + n_rows - 1``; shape ``(n_rows, n_entities)``."""
        return np.stack([self.row(first + offset, n_entities) for offset in range(n_rows)])

    def many(self, first: int, n_rows: int, n_entities: int) -> NDArray[np.float64]:
        """The same as `block`, for callers that ask often: its loop is compiled or loaded first."""
        return many_of([self], first, n_rows, n_entities)[:, 0]


_patience, _PER_ROW = Patience(put_rows), 300
"""Until then rows are read one by one; to move a generator to one takes as long as this many numbers."""


def many_of(fields: Sequence[Field], first: int, n_rows: int, n_entities: int) -> NDArray[np.float64]:
    """The same rows of some fields, shape ``(n_rows, n_fields, n_entities)``; see `Field.many`."""
    rows = np.empty((n_rows, len(fields), n_entities))
    if _patience.is_over:
        put_rows(np.array([field.key for field in fields]), first, rows)
        return rows
    _patience.spend(n_rows * len(fields) * (_PER_ROW + n_entities // 4))
    for place, field in enumerate(fields):
        reader = field.reader(n_entities)
        for offset in range(n_rows):
            reader.read(first + offset, rows[offset, place])
    return rows


_ROW_BLOCKS = 1 << 128
_COUNTER_MASK = (1 << 256) - 1


class RowReader:
    """Rows of one field, in any order, by one generator that is moved to each of them.

    Parameters
    ----------
    key : ndarray of uint64, shape (2,)
        Of the field.
    n_entities : int
        Length of a row.
    """

    def __init__(self, key: NDArray[np.uint64], n_entities: int) -> None:
        self._bits = np.random.Philox(key=key, counter=np.zeros(4, dtype=np.uint64))
        self._generator = np.random.Generator(self._bits)
        self._row_blocks = -(-n_entities // 4)  # a step of the counter gives four numbers
        self._at = 0
        self.n_entities = n_entities

    def read(self, counter: int, out: NDArray[np.float64]) -> None:
        """Put row `counter` into `out`, a contiguous array of shape ``(n_entities,)``."""
        start = counter * _ROW_BLOCKS
        if start != self._at:
            self._bits.advance((start - self._at) & _COUNTER_MASK)
        self._generator.random(out=out)
        # Moving on drops what is left of the last four numbers.
        self._bits.advance(_ROW_BLOCKS - self._row_blocks)
        self._at = start + _ROW_BLOCKS


class Streams:
    """All fields of one run.

    Parameters
    ----------
    seed : int
        The scenario's seed.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def field(self, purpose: str) -> Field:
        """The field of numbers for `purpose`."""
        return Field(self.seed, purpose)


class RowCache:
    """Rows of a field as lists of floats, for scalar look-ups in a hot loop.

    Rows of many counters are in use at once when entities are at different counters, so the newest
    `keep` rows are held and an older one is made again when asked for.
    """

    def __init__(self, field: Field, n_entities: int, keep: int = 64) -> None:
        self._field = field
        self._n_entities = n_entities
        self._keep = keep
        self._rows: dict[int, list[float]] = {}

    def value(self, counter: int, entity: int) -> float:
        """The number at row `counter`, column `entity`."""
        row = self._rows.get(counter)
        if row is None:
            row = self.row(counter)
        return row[entity]

    def row(self, counter: int) -> list[float]:
        """Row `counter` as a list of length ``n_entities``."""
        row = self._rows.get(counter)
        if row is None:
            row = self._field.row(counter, self._n_entities).tolist()
            if len(self._rows) >= self._keep:
                del self._rows[next(iter(self._rows))]
            self._rows[counter] = row
        return row
