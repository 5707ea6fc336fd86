"""Points that fill a unit cube evenly."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cosim.study.sweep.schema import SampleConfig


def unit_points(sample: SampleConfig, n_dimensions: int) -> NDArray[np.float64]:
    """The points of a sample in the unit cube.

    Parameters
    ----------
    sample : SampleConfig
        Method, number of points, seed.
    n_dimensions : int
        At least 1.

    Returns
    -------
    ndarray, shape (n_points, n_dimensions)
        On [0, 1). A Latin hypercube has one point in each of n equal slices of every dimension (McKay,
        Beckman, Conover 1979); a Sobol sequence is scrambled (Owen 1995), and even over every elementary
        interval of its size.
    """
    from scipy.stats import qmc

    generator = np.random.Generator(np.random.Philox(sample.seed))
    if sample.method == "sobol":
        sequence = qmc.Sobol(n_dimensions, scramble=True, rng=generator)
        return np.asarray(sequence.random_base2(int(math.log2(sample.points))), dtype=np.float64)
    return np.asarray(qmc.LatinHypercube(n_dimensions, rng=generator).random(sample.points), dtype=np.float64)
