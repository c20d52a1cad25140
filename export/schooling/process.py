"""What a process must settle so that one seed gives one result.

Every step begins with seeds of its own, drawn from (seed, step, process). So what is drawn at random in step
n depends on nothing before it: a resumed run need not know how far a generator had come, and what draws
between two steps (validation) disturbs nothing.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator


def settle(seed: int, step: int, process: int, device: torch.device) -> None:
    """Seed torch (on the CPU and the device), numpy's and Python's generators for one step of one process."""
    words = np.random.SeedSequence((seed, step, process)).generate_state(2, np.uint64).tolist()
    torch.default_generator.manual_seed(words[0] >> 1)  # torch.manual_seed itself takes a millisecond
    if device.type != "cpu":
        torch.get_device_module(device).manual_seed(words[0] >> 1)
    np.random.seed(words[1] & 0xFFFF_FFFF)  # noqa: NPY002 libraries below us draw from the global generator
    random.seed(words[1])


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """Have torch take the repeatable way of computing where it costs nothing; put back what was set before.

    On a CPU that is every operation. On a GPU only convolutions are held to it: sums in random order there
    are much faster than in a fixed one, so that two runs agree to rounding.
    """
    was = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn = torch.backends.cudnn.deterministic
    try:
        torch.backends.cudnn.deterministic = True
        if device.type == "cpu":
            torch.use_deterministic_algorithms(mode=True, warn_only=True)
        yield
    finally:
        torch.use_deterministic_algorithms(mode=was[0], warn_only=was[1])
        torch.backends.cudnn.deterministic = cudnn
