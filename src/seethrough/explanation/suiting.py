"""Suiting: which methods can explain a network, and why the others can't — told by asking each of them, on a picture of
noise, as cheaply as it goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from seethrough.attribution import Method
from seethrough.errors import EnvironmentLacks, InputRefused, UsageError
from seethrough.explanation.answer import explain
from seethrough.network import Network

CHEAPEST: dict[str, int] = {"samples": 8, "steps": 4, "channels": 4, "groups": 4}
"""Settings that only make a method finer; whether it fits doesn't depend on them."""


def suits(net: Network, methods: Sequence[Method], *, seed: int = 0) -> dict[str, str | None]:
    """By method: None where it fits, else the sentence in which it refuses.

    Raises
    ------
    UsageError
        Where nobody knows how large the network's input is.
    """
    size = net.input_size
    if size is None:
        raise UsageError("Nothing says how large the network's input is; say input_size=(3, 224, 224), for instance.")
    image = torch.rand((1, *size), generator=torch.Generator().manual_seed(seed))
    return {m.name: _refusal(net, image, m) for m in methods}


def _refusal(net: Network, image: torch.Tensor, method: Method) -> str | None:
    try:
        explain(net, image, [method.name], **_cheap(method))
    except (UsageError, InputRefused, EnvironmentLacks) as refused:
        return str(refused)
    return None


def _cheap(method: Method) -> dict[str, Any]:
    """The method's settings at their cheapest."""
    dial = {} if method.dial is None else {method.dial.setting: method.dial.values[0]}
    return {**dial, **{key: value for key, value in CHEAPEST.items() if isinstance(method.defaults.get(key), int)}}
