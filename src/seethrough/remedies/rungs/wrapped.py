"""Wrapped: what every wrapper of logits has to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def at_their_height(logits: Tensor, rows: Sequence[int], change: Callable[[Tensor], Tensor]) -> Tensor:
    """Logits (n, K) of which some outputs are changed, and then moved together so that the sum of their exponentials is what
    it was: among themselves they are as changed, and beside the others they weigh what they weighed. A single output, which
    a sigmoid ends, is that of class 1 beside a 0 of class 0, and comes back as one.
    """
    single = logits.shape[1] == 1
    before = torch.cat([torch.zeros_like(logits), logits], 1) if single else logits
    at = list(rows)
    after = change(before)
    shift = before[:, at].logsumexp(1) - after[:, at].logsumexp(1)
    after = after.clone()
    after[:, at] = after[:, at] + shift[:, None]
    return after[:, 1:] - after[:, :1] if single else after
