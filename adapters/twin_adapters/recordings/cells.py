"""The cells of one column."""

from typing import Any

import numpy as np
import numpy.typing as npt

Cells = npt.NDArray[Any]
"""One column: float64 or integers (NaN or :data:`MISSING` where missing), ``datetime64[ns]``, or objects (text)."""

MISSING = np.iinfo(np.int64).min
"""What stands for an integer or a time that is not there (as NaT does in NumPy)."""
