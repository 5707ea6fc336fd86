"""What a platform can do against delay, lost signals and false reports: importing it registers every way."""

from cosim.regulation.clipped_sum import ClippedSum
from cosim.regulation.measured_gain import MeasuredGain
from cosim.regulation.mitigation import (
    MITIGATIONS,
    AgainstDelay,
    AgainstFalseReports,
    AgainstLostSignals,
    Mitigation,
)
from cosim.regulation.resending import Resending
from cosim.regulation.smith_predictor import SmithPredictor
from cosim.regulation.trimmed_sum import TrimmedSum

__all__ = [
    "MITIGATIONS",
    "AgainstDelay",
    "AgainstFalseReports",
    "AgainstLostSignals",
    "ClippedSum",
    "MeasuredGain",
    "Mitigation",
    "Resending",
    "SmithPredictor",
    "TrimmedSum",
]
