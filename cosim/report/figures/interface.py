"""What a figure of a run is, and the registry of them all."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from cosim.core.registry import Registry
from cosim.report.run_data import RunData

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = Callable[[RunData], "Figure | None"]


class RunFigure:
    """A figure of a run: built in, or a plugin's own.

    Attributes
    ----------
    title : str
        A few words.
    caption : str
        One sentence: what it shows.
    """

    title: ClassVar[str]
    caption: ClassVar[str]

    @abstractmethod
    def draw(self, run: RunData) -> Figure | None:
        """The figure, or None where the run has nothing to show in it.

        Parameters
        ----------
        run : RunData
            What the run left: `summary`, `scenario`, and `tables` as data frames.
        """
        raise NotImplementedError


FIGURES: Registry[RunFigure] = Registry("figure", RunFigure, in_schema=False)  # type: ignore[type-abstract] # an interface
"""Every figure by the name of its file, without ``.png``."""


def run_figure(name: str, title: str, caption: str) -> Callable[[Draw], Draw]:
    """Decorator that registers a function as a figure of cosim's own."""

    def take_in(draw: Draw) -> Draw:
        said = {"__doc__": caption, "title": title, "caption": caption}
        members = {**said, "__module__": draw.__module__, "draw": staticmethod(draw)}
        FIGURES.register(name)(type(name, (RunFigure,), members))
        return draw

    return take_in
