"""VitalDB over the network as a source, through the `vitaldb` package: what the monitor told, no waves.

In: case ids, or none for all 6,388. Out: a Listing whose cases are fetched one by one, where they are heard.
Raises InputError that says how to install the package, and Unreachable where nothing answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError

import numpy as np

from barocast.export.cohort import LEARNED_FROM
from barocast.export.cohorts.entry import Listing, Unreachable
from barocast.export.cohorts.grid_events import told
from barocast.export.cohorts.vitaldb_table import to_entry
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from barocast.runtime.domain import Event

TRACKS: Final = MappingProxyType(
    {
        "ABP_MEAN": "Solar8000/ART_MBP",
        "ABP_SYS": "Solar8000/ART_SBP",
        "ABP_DIA": "Solar8000/ART_DBP",
        "NIBP_MEAN": "Solar8000/NIBP_MBP",
        "NIBP_SYS": "Solar8000/NIBP_SBP",
        "NIBP_DIA": "Solar8000/NIBP_DBP",
        "HR": "Solar8000/HR",
        "PR": "Solar8000/PLETH_HR",
        "SPO2": "Solar8000/PLETH_SPO2",
        "ETCO2": "Solar8000/ETCO2",
        "RR": "Solar8000/RR_CO2",
        "TEMP": "Solar8000/BT",
        "BIS": "BIS/BIS",
    }
)
"""Channel -> VitalDB's track."""
STEP_S: Final = 2.0
"""The monitor's own period; finer would only repeat."""
CASES: Final = range(1, 6389)
"""All of the open data set. The package's own "all" gives none (1.7.2), so they are named."""
ALTERNATIVE: Final = "or download the .vital files and clinical_data.csv and name their folder with --from"


@dataclass(frozen=True, slots=True)
class FetchedCase:
    """One case, fetched by whoever hears it."""

    case_id: int

    @property
    def identity(self) -> list[object]:
        """The open data set does not change under a case id."""
        return ["vitaldb", self.case_id, list(TRACKS.values())]

    def events(self) -> Iterator[list[Event]]:
        """Fetch the tracks. Raises Unreachable, and InputError where the case has none of them."""
        try:
            rows = _package().load_case(self.case_id, list(TRACKS.values()), STEP_S)
        except HTTPError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise _unreachable(error) from error
            raise InputError(f"VitalDB has no recording of case {self.case_id} ({error})") from error
        except OSError as error:
            raise _unreachable(error) from error
        values = np.asarray(rows, dtype=np.float64)
        if values.size == 0:
            raise InputError(f"VitalDB has no value of case {self.case_id}")
        columns = {channel: values[:, at] for at, channel in enumerate(TRACKS)}
        return told(columns, STEP_S, missing=False)


def list_cases(case_ids: Sequence[str]) -> Listing:
    """List these cases, or all."""
    package = _package()
    wanted = [_number(case_id) for case_id in case_ids] or list(CASES)
    try:
        table = package.load_clinical_data(wanted)
    except OSError as error:
        raise _unreachable(error) from error
    rows = [{name: _cell(value) for name, value in row.items()} for row in table.to_dict("records")]
    return Listing(LEARNED_FROM.source, [to_entry(row, FetchedCase(int(row["caseid"]))) for row in rows])


def _package() -> Any:  # noqa: ANN401 - an optional package without types
    try:
        return import_module("vitaldb")
    except ImportError as error:
        raise InputError(
            f"VitalDB over the network needs a package ({error}): pip install vitaldb; {ALTERNATIVE}"
        ) from error


def _unreachable(error: OSError) -> Unreachable:
    return Unreachable(f"VitalDB cannot be reached ({error}); check the network, {ALTERNATIVE}")


def _number(case_id: str) -> int:
    if not case_id.isdigit():
        raise InputError(f"--only {case_id}: VitalDB's case ids are numbers, 1 to {CASES[-1]}")
    return int(case_id)


def _cell(value: object) -> str:
    """Give a cell as the table's file has it: a missing number is empty."""
    return "" if value is None or value != value else str(value)  # noqa: PLR0124 - only NaN differs from itself
