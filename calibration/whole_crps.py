"""The CRPS of a whole distribution that three quantiles stand for.

In: what was observed (...), NaN where missing, and the 10, 50 and 90 % quantiles (3, ...), not crossed.
Out: the continuous ranked probability score of each, in the same unit, NaN where nothing was observed.

Three quantiles are no distribution. Here they stand for the one that is normal on either side of its
median and passes through all three, each side holding half of the mass. Its CRPS has a closed form: that
of the normal distribution of the observation's own side (Gneiting and Raftery 2007, eq. 21), mended for
the other side's width. Equal quantiles are a point forecast, whose CRPS is the absolute error.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

Z_90: Final = 1.2815515655446004
"""Standard deviations from the median to the 90 % quantile of a normal distribution."""
NARROWEST: Final = 1e-9
"""A side without width, so that nothing is divided by 0."""
FAR_SIDE: Final = 1 / math.sqrt(2 * math.pi) - 1 / (2 * math.sqrt(math.pi))
"""What a side of width 1 adds when the observation lies on the other."""
_erf = np.frompyfunc(math.erf, 1, 1)


def whole_crps(observed: Floats, quantiles: Floats) -> NDArray[np.float64]:
    """Give the score of each observation."""
    low, middle, high = (np.asarray(level, dtype=np.float64) for level in quantiles)
    left, right = (np.maximum(spread / Z_90, NARROWEST) for spread in (middle - low, high - middle))
    above = observed >= middle
    near, far = np.where(above, right, left), np.where(above, left, right)
    z = np.abs(observed - middle) / near
    within = np.asarray(_erf(z / math.sqrt(2)), dtype=np.float64)  # of the normal, inside +-z
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    own = near * (z * within + 2 * density - 1 / math.sqrt(math.pi))
    return np.asarray(own + (far - near) * FAR_SIDE)
