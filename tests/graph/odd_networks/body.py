"""What all odd networks are made of, and the table they are put into."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn as nn
import torch.nn.functional as F

Forward = Callable[[Any, torch.Tensor], Any]


class Body(nn.Module):
    """A convolution, a linear layer, further parts, and a function that says what to do with them."""

    def __init__(self, forward: Forward, parts: dict[str, Callable[[], Any]]) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 4)
        for name, make in parts.items():
            made = make()
            if isinstance(made, torch.Tensor) and not isinstance(made, nn.Parameter):
                self.register_buffer(name, made)
            else:
                setattr(self, name, made)
        self.function = forward

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(self, x)

    def head(self, y: torch.Tensor) -> torch.Tensor:
        """Rectify, average over places, classify."""
        return self.fc(F.relu(y).mean((2, 3)))

    def tokens(self, x: torch.Tensor) -> torch.Tensor:
        """The convolution's places as a sequence, (N, H · W, 8)."""
        return self.conv(x).flatten(2).transpose(1, 2)


@dataclass(frozen=True)
class Odd:
    """One odd network: a function of a body with parts, and what else must be known to try it.

    ``way`` is the way it is expected to go, so that a step down shows: ``"any batch"``, ``"this batch"``, ``"real"``
    (recorded for these images alone) or ``"whole"`` (one opaque operation). ``change`` has the last word on the body.
    ``copies``: whether it can be copied. ``even``: batch sizes at which what was written down for any batch holds all
    the same. ``refused``: words of the refusal.
    """

    name: str
    forward: Forward
    parts: dict[str, Callable[[], Any]]
    way: str = "any batch"
    size: tuple[int, ...] = (3, 8, 8)
    dtype: torch.dtype = torch.float32
    change: Callable[[Body], Any] | None = None
    training: bool = False
    channels_last: bool = False
    copies: bool = True
    even: tuple[int, ...] = ()
    refused: str = ""

    def make(self) -> nn.Module:
        """A new one, always with the same weights."""
        torch.manual_seed(0)
        body = Body(self.forward, self.parts)
        if self.change is not None:
            self.change(body)
        return body.to(self.dtype).train(self.training)

    def images(self, batch: int, seed: int) -> torch.Tensor:
        """Images that differ in sign and size from seed to seed, so that a network that looks at them goes another way."""
        chance = torch.Generator().manual_seed(seed)
        images = torch.randn((batch, *self.size), generator=chance) * (1 + seed) + (-1) ** seed * 0.3 * seed
        images = images.to(self.dtype)
        return images.contiguous(memory_format=torch.channels_last) if self.channels_last else images

    def way_at(self, batch: int) -> str:
        """The way it is expected to go at a batch size."""
        return "any batch" if batch in self.even else self.way

    def reference(self, module: nn.Module) -> nn.Module:
        """What plain autograd is asked of: a copy, where the network can be copied."""
        return copy.deepcopy(module) if self.copies else module


ODD: dict[str, Odd] = {}


def odd(**said: Any) -> Callable[[Forward], Forward]:
    """Put a forward into the collection; keywords are `Odd`'s fields, everything else is a part of the network."""
    fields = {k: said.pop(k) for k in list(said) if k in {f.name for f in dataclasses.fields(Odd)}}

    def put(forward: Forward) -> Forward:
        name = forward.__name__.strip("_")
        assert name not in ODD, name
        ODD[name] = Odd(name, forward, said, **fields)
        return forward

    return put
