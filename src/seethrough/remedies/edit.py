"""Edit: a copy of a person's network of the same kind, in which exactly the named weights are others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn as nn
from torch import Tensor

from seethrough.errors import NetworkRefused, UsageError, nearest
from seethrough.findings.facts import Facts
from seethrough.gallery.head import head_of
from seethrough.models.again import again
from seethrough.network import Network
from seethrough.remedies.rung import Edit
from seethrough.remedies.weights import head, parameters

REPAIRED = "repaired"
"""Where the weights of a network that was edited come from."""


def edited(net: Network, edit: Edit, facts: Facts | None = None) -> Network:
    """A network like ``net`` with these weights, opened as it is and with all that was known of it; ``net`` stays as it is,
    and whatever isn't named is the same to the bit.

    Parameters
    ----------
    facts
        What is known of the pictures; only a wrapper needs them, to know the last layer.

    Raises
    ------
    UsageError
        A parameter that the network doesn't have, of another shape, or numbers that aren't finite.
    NetworkRefused
        A black box, or a network that can't be built a second time.
    """
    opened = again(net.opened)
    kept = {key: value for key, value in opened.provenance.items() if key != "file_sha256"}
    opened = replace(opened, weights=REPAIRED, provenance={**kept, "repaired_from": net.fingerprint})
    changed = Network(opened, net.mode)
    put(changed, edit.weights)
    return changed if edit.wrapper is None else _wrapped(changed, edit.wrapper, facts)


def put(net: Network, weights: Mapping[str, Tensor]) -> None:
    """Give a network of ours these weights, in place.

    Raises
    ------
    UsageError
        See `edited`.
    """
    live = parameters(net)
    for path, value in weights.items():
        if path not in live:
            raise UsageError(f"The network has no parameter {path!r}.{nearest(path, list(live))}")
        if value.shape != live[path].shape:
            raise UsageError(
                f"The parameter {path!r} has the shape {tuple(live[path].shape)}, and not {tuple(value.shape)}."
            )
        if not bool(torch.isfinite(value).all()):
            raise UsageError(f"The new numbers of the parameter {path!r} aren't all finite; nothing was changed.")
    with torch.no_grad():
        for path, value in weights.items():
            live[path].copy_(value)


class Wrapped(nn.Module):
    """A network, and what is done to its answer behind it: (N, …) in its own layout → outputs of the same kind.

    Parameters
    ----------
    inner
        The network.
    last
        Its last linear layer, whose input are the features.
    weight, bias
        Of that layer, (K, D) and (K,).
    wrapper
        From features (N, D) and logits (N, K) to the logits that count; a network of a single output has K = 2, of which
        the first is 0.
    single
        Whether the outputs are a single one.
    final
        What makes outputs of logits: ``"softmax"``, ``"log_softmax"``, ``"sigmoid"``, or nothing.
    """

    weight: Tensor
    bias: Tensor

    def __init__(
        self,
        inner: nn.Module,
        last: nn.Module,
        weight: Tensor,
        bias: Tensor,
        wrapper: Callable[[Tensor, Tensor], Tensor],
        single: bool,
        final: str,
    ) -> None:
        super().__init__()
        self.inner, self.wrapper, self.single, self.final = inner, wrapper, single, final
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self._given: list[Tensor] = []
        last.register_forward_pre_hook(self._seen)

    def _seen(self, _: nn.Module, given: tuple[Any, ...]) -> None:
        self._given[:] = [given[0]]

    def forward(self, images: Tensor) -> Tensor:
        self.inner(images)
        features = self._given.pop()
        # of places, channels first in PyTorch and last in Keras: the channels are as many as the layer reads
        if features.dim() > 2:
            axis = 1 if features.shape[1] == self.weight.shape[1] else -1
            features = features.movedim(axis, 1).flatten(2).mean(2)
        logits = self.wrapper(features, features @ self.weight.T + self.bias)
        return _FINALS[self.final](logits[:, 1:] - logits[:, :1] if self.single else logits)


_FINALS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "": lambda logits: logits,
    "softmax": lambda logits: logits.softmax(-1),
    "log_softmax": lambda logits: logits.log_softmax(-1),
    "sigmoid": torch.sigmoid,
    "logsigmoid": nn.functional.logsigmoid,
}


def _wrapped(net: Network, wrapper: Callable[[Tensor, Tensor], Tensor], facts: Facts | None) -> Network:
    found = None if facts is None else head(net, facts)
    graph = net.graph()
    operation = head_of(graph)
    if found is None or operation is None or operation.layer not in net.layers:
        raise NetworkRefused(
            f"{net.opened.source} has no last linear layer behind which its answer could be computed otherwise."
        )
    final = ""
    if graph.output.value != graph.logits.value:
        final = graph.operations[graph.producer[graph.output.value]].name
    weight, bias = found.read()
    module = Wrapped(net.module, net.layers[operation.layer], weight, bias, wrapper, found.single, final)
    opened = replace(net.opened, module=module.eval(), framework="torch", call=None)
    return Network(opened, net.mode)


__all__ = ["REPAIRED", "Wrapped", "edited", "put"]
