"""Each channel's own yardstick: what the series is standardized by, fixed and not learned from a cohort.

In: series (B, C, time) in the channels' canonical units (runtime.tracks) and their mask. Out: values in
standard units, about -3 to 3 in an anaesthetized adult, 0 where nothing was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from barocast.export.model import MMHG_CENTRE, MMHG_SCALE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Yardstick:
    """A value and a distance that are usual under anaesthesia, in the channel's canonical unit."""

    centre: float
    scale: float


UNITS: Final[Mapping[str, Yardstick]] = MappingProxyType(
    {
        "ABP_MEAN": Yardstick(MMHG_CENTRE, MMHG_SCALE),
        "ABP_SYS": Yardstick(115.0, 22.0),
        "ABP_DIA": Yardstick(60.0, 12.0),
        "HR": Yardstick(75.0, 16.0),
        "SPO2": Yardstick(98.0, 3.0),
        "ETCO2": Yardstick(35.0, 6.0),
        "RR": Yardstick(14.0, 4.0),
        "CVP_MEAN": Yardstick(8.0, 5.0),
        "TEMP": Yardstick(36.0, 0.8),
        "BIS": Yardstick(45.0, 12.0),
        "CO": Yardstick(5.0, 1.5),
    }
)
"""The channels that a teacher can read."""


class Standard(nn.Module):
    """Canonical units -> standard units."""

    centre: Tensor
    scale: Tensor

    def __init__(self, channels: Sequence[str]) -> None:
        super().__init__()
        sticks = [UNITS[channel] for channel in channels]
        self.register_buffer("centre", torch.tensor([stick.centre for stick in sticks])[:, None])
        self.register_buffer("scale", torch.tensor([stick.scale for stick in sticks])[:, None])

    def forward(self, series: Tensor, mask: Tensor) -> Tensor:
        """Give (B, C, time); what lies under the mask is never read, NaN included."""
        standard = (series - self.centre) / self.scale
        return torch.where(mask > 0, standard, torch.zeros_like(standard))
