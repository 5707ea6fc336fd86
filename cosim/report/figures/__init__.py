"""Figures of a run, drawn for a paper, a module for each subject; what plugins bring comes after them."""

from cosim.core.registry import import_modules
from cosim.report.figures.interface import FIGURES, RunFigure

__all__ = ["FIGURES", "RunFigure"]

import_modules(__name__)
