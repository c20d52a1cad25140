"""The answer's further outcomes, beside export.model's ordered risks and uncrossed quantiles.

MAP < 55 mmHg is a part of MAP < 65 mmHg: its logit lies below that of hypotension at the same horizon, by
construction. The other outcomes are free.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from barocast.export.attention import zeroed
from barocast.export.fusion.outcomes import OUTCOMES

UNTAUGHT_LOGIT = -3.0
"""5 %: what is said of an outcome before any of it was seen."""


class OutcomeHead(nn.Module):
    """Forecast token plus wide path -> a logit for each of OUTCOMES."""

    def __init__(self, width: int, known: int) -> None:
        super().__init__()
        self.deep = zeroed(nn.Linear(width, len(OUTCOMES)))
        self.wide = zeroed(nn.Linear(known, len(OUTCOMES), bias=False))
        nn.init.constant_(self.deep.bias, UNTAUGHT_LOGIT)

    def forward(self, token: Tensor, known: Tensor, hypotension: Tensor) -> Tensor:
        """Take the logit of hypotension (B, 1) at the outcomes' horizon; give (B, len(OUTCOMES))."""
        free = self.deep(token) + self.wide(known)
        severe = hypotension - functional.softplus(-free[:, :1])
        return torch.cat([severe, free[:, 1:]], dim=1)
