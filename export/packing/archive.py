"""Arrays -> the bytes of an .npz file that depend on nothing but the arrays.

Stored, not deflated, so that no version of zlib is in the bytes; every entry of 1980, which is as early as a
zip file can tell.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FIRST_DATE: Final = (1980, 1, 1, 0, 0, 0)


def npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Give the file, its arrays by name, in order of their names."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in sorted(arrays.items()):
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", FIRST_DATE), entry.getvalue())
    return file.getvalue()
