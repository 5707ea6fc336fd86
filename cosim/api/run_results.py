"""A run as an object: its status, its numbers, its tables, and its feeder in any interval."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Literal
from weakref import finalize

from cosim.api.network_at import Instant, network_at
from cosim.core.errors import Problem, suggest
from cosim.engine.scenario import Scenario
from cosim.engine.wings import catalogue, doubts
from cosim.report.run_data import RunData
from cosim.report.summary_table import SummaryRow, summary_rows
from cosim.results.frames import Tables

if TYPE_CHECKING:
    import pandas as pd
    from pandapower.auxiliary import pandapowerNet


class HeldFolder:
    """A run's directory; one that is temporary is there as long as somebody holds this.

    Attributes
    ----------
    path : Path
        The directory.
    """

    def __init__(self, path: Path, holder: HeldFolder | None = None) -> None:
        self.path = path
        self._holder = holder

    @classmethod
    def temporary(cls) -> HeldFolder:
        """A new one, which is removed with the object."""
        held = cls(Path(mkdtemp(prefix="cosim-")))
        finalize(held, shutil.rmtree, held.path, ignore_errors=True)
        return held

    def part(self, path: Path) -> HeldFolder:
        """A directory within this one, which holds this one too."""
        return HeldFolder(path, self)


class Summary(Mapping[str, "float | int | None"]):
    """The numbers of a run by name, as ``summary.json`` has them; None for one that has no value in this run.

    Parameters
    ----------
    numbers : mapping
        Name to number.
    communities : sequence of str
        Names of the run's communities.
    """

    def __init__(self, numbers: Mapping[str, float | int | None], communities: Sequence[str] = ()) -> None:
        self._numbers = dict(numbers)
        self._communities = tuple(communities)

    def describe(self) -> pd.DataFrame:
        """A row a number: value, unit, what it says, which side is better, and where it comes from."""
        import pandas as pd

        known = [catalogue().describe(name, self._communities) for name in self._numbers]
        columns = {
            "value": pd.array(list(self._numbers.values()), dtype="Float64"),
            "unit": [each.number.unit for each in known],
            "label": [each.name for each in known],
            "meaning": [each.number.meaning for each in known],
            "better": [each.number.better for each in known],
            "section": [each.section for each in known],
            "source": [each.number.source for each in known],
        }
        return pd.DataFrame(columns, index=pd.Index(list(self._numbers), name="number"))

    def __getitem__(self, name: str) -> float | int | None:
        try:
            return self._numbers[name]
        except KeyError:
            raise KeyError(
                f"the run has no number '{name}'. {suggest(name, self._numbers)}".strip()
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __repr__(self) -> str:
        return f"Summary({self._numbers})"


class Run:
    """What a run left.

    Attributes
    ----------
    folder : Path
        Its directory.
    tables : Tables
        Its tables, by name.
    """

    def __init__(self, folder: HeldFolder) -> None:
        self._held = folder
        self._data = RunData(folder.path)
        self.tables = Tables(folder.path, folder)

    @property
    def folder(self) -> Path:
        """Its directory."""
        return self._held.path

    @property
    def status(self) -> str:
        """``done``, ``failed`` or ``interrupted``; ``running`` also of a run that was killed."""
        return str(self._data.record.get("status", "unknown"))

    @property
    def cause(self) -> str:
        """Why it failed or was interrupted; empty where it was not."""
        return str(self._data.record.get("cause", ""))

    @property
    def verdict(self) -> str:
        """What came of it, in one to three sentences: limits, when they were worst, the whole run."""
        return str(self._data.record.get("verdict", ""))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was doubtful about its scenario."""
        return tuple(map(str, self._data.record.get("warnings", ())))

    @property
    def record(self) -> Mapping[str, Any]:
        """Content of ``run.json``: versions, times, seconds of each stage."""
        return dict(self._data.record)

    @property
    def scenario(self) -> Scenario:
        """The scenario as the run resolved it."""
        return self._data.scenario

    @property
    def summary(self) -> Summary:
        """Its numbers, by name; empty where it never got that far."""
        communities = [community.name for community in self.scenario.communities]
        return Summary(self._data.summary, communities)

    def summary_rows(self) -> list[SummaryRow]:
        """Its numbers as a reader wants them: section, name, value and unit; elements by their names."""
        return summary_rows(self._data.summary, self.scenario, self._data.elements)

    @property
    def doubts(self) -> list[Problem]:
        """What in its numbers says that the results are not whole or not right."""
        return doubts(dict(self._data.summary))

    def network(self, at: Instant) -> pandapowerNet:
        """The feeder as a pandapower net, with the powers and the results of an interval.

        Parameters
        ----------
        at : str, datetime, Timestamp or int
            An instant (UTC unless it says otherwise) within the interval, or the interval's number from 0.

        Returns
        -------
        pandapowerNet
            The source's own net with what drew and fed in: loads and generators that follow a profile have
            their powers of the interval, the households of a bus are one load there. ``res_bus``,
            ``res_line`` and the others are what `runpp` gives for it. Where the power flow of the interval
            did not converge, ``net.converged`` is False and there are no results.

        Raises
        ------
        InputError
            If the run has no such interval, no feeder, or not the tables that this needs.
        """
        return network_at(self._data, at)

    def write_report(self) -> Path:
        """Make the page ``report.html`` again."""
        from cosim.report.page.run_page import write_report

        return write_report(self.folder)

    def write_figures(
        self,
        format: Literal["png", "svg", "pdf"] = "png",
        width_cm: float | None = None,
        dpi: int = 130,
        on_file: Callable[[Path], None] = lambda path: None,
    ) -> list[Path]:
        """Draw the figures for a paper into the folder ``figures``.

        Parameters
        ----------
        format : str
            ``png``, ``svg`` or ``pdf``.
        width_cm : float, optional
            Width of each, cm; 20.32 (8 inches) by default. Letters keep their size: a narrow figure has room
            for fewer.
        dpi : int
            Dots per inch of a PNG, and of pictures within the others.
        on_file : callable
            Told of each file when it is there.

        Returns
        -------
        list of Path
            The files.
        """
        from cosim.report.figures.figure_files import draw_figures  # loads matplotlib
        from cosim.report.style import Print

        return draw_figures(self.folder, Print(format, width_cm, dpi), on_file)

    def __repr__(self) -> str:
        name = self._data.record.get("scenario", "?")
        return f"<Run of {name}: {self.status}, in {self.folder}>"

    def _repr_html_(self) -> str:
        from cosim.report.page.run_page import overview

        return overview(self._data)
