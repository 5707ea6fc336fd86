"""The tables of a run as data frames, each read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cosim.core.errors import suggest
from cosim.results.store import read_table

if TYPE_CHECKING:
    import pandas as pd


class Tables(Mapping[str, "pd.DataFrame"]):
    """The tables of a run by name, as items or as attributes.

    Parameters
    ----------
    folder : Path
        The run's directory.
    holder : object
        Kept for as long as these tables are: a directory that goes with an object stays until then.
    """

    def __init__(self, folder: Path, holder: object = None) -> None:
        self._folder, self._holder = folder, holder

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._names():
            raise KeyError(f"the run has no table '{name}'. {suggest(name, self._names())}".strip())
        return read_table(self._folder, name)

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __contains__(self, name: object) -> bool:
        return name in self._names()

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._names()]

    def __repr__(self) -> str:
        return f"<tables: {', '.join(self._names())}>"

    def _names(self) -> list[str]:
        tables = self._folder / "tables"
        files = {file.stem for file in tables.glob("*.parquet")}
        return sorted({*files, *(part.stem for part in (tables / ".parts").glob("*"))})
