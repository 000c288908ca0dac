"""Changes: what each advice means for an architecture and its training, in a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
import torch.nn as nn
from torch import Tensor

from seethrough.condition.advice import ADVICE
from seethrough.condition.findings import Finding
from seethrough.condition.health import Health
from seethrough.errors import NetworkRefused, SeethroughError, UsageError, nearest
from seethrough.network import Network
from seethrough.remedies.rehearsal import layers
from seethrough.remedies.rehearsal.anew import with_layer

SLOWER = 0.5
"""Of the usual learning rate, where a lower one is advised."""

RADIUS = 2.0
"""Times the layer's median root mean square, to which each filter is bound."""


@dataclass(frozen=True, eq=False)
class Arm:
    """A network before its training, and how it is trained.

    Attributes
    ----------
    rate
        Times the usual learning rate.
    after
        What is done after each step of training.
    """

    module: nn.Module
    framework: str
    rate: float = 1.0
    after: tuple[Callable[[], None], ...] = ()


@dataclass(frozen=True)
class Change:
    """An advice on a layer, as something that can be tried."""

    advice: str
    finding: Finding
    paths: tuple[str, ...] = field(default=())
    """All layers that the one of the finding is made of, itself first."""

    @property
    def layer(self) -> str:
        """The layer that it is about."""
        return self.finding.layer

    def on(self, arm: Arm) -> Arm:
        """The arm with the change; the one given stays as it is.

        Raises
        ------
        NetworkRefused
            Where it can't be made on this layer.
        """
        return CHANGES[self.advice](self, arm)


def changes(net: Network, health: Health) -> tuple[list[Change], list[tuple[Finding, str]]]:
    """What of a network's health can be tried: for each finding worth mending its first advice that changes the architecture or the
    training; and the other findings, each with its advice.
    """
    found: list[Change] = []
    rest: list[tuple[Finding, str]] = []
    for finding in health.findings:
        if finding.level == "info":
            continue
        names = [advice.name for advice in ADVICE[finding.name]]
        names = [*dict.fromkeys(n for n in names if n in CHANGES)]
        if names:
            found += [Change(name, finding, _paths(net, finding.layer)) for name in names]
        else:
            rest.append((finding, ADVICE[finding.name][0].name))
    return found, rest


def possible(change: Change, arm: Arm, given: Tensor) -> SeethroughError | None:
    """Why a change can't be made on a network; None where it can, and the network still answers pictures (n, …) of its own
    layout.
    """
    try:
        changed = change.on(arm).module
        with torch.no_grad():
            first_output(changed.eval()(given[:2]))
    except SeethroughError as error:
        return error
    except Exception as error:  # whatever a network raises at shapes that it can't take
        return NetworkRefused(f"With this change the layers of the network don't fit each other ({_line(error)}).")
    return None


def first_output(given: Any) -> Tensor:
    """The outputs, where a network gives several the first."""
    while not isinstance(given, Tensor):
        given = next(iter(given.values())) if isinstance(given, Mapping) else given[0]
    return given


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def _paths(net: Network, layer: str) -> tuple[str, ...]:
    """The layer, and those behind it that may hold its activation: the next three by order."""
    names = list(net.layers)
    at = names.index(layer) if layer in names else -1
    return (layer, *names[at + 1 : at + 4]) if at >= 0 else (layer,)


def _exchange(change: Change, arm: Arm, make: Callable[[Any], Any], path: str | None = None) -> Arm:
    return replace(arm, module=with_layer(arm.module, path or change.layer, make, arm.framework))


def _blur_before(change: Change, arm: Arm) -> Arm:
    def make(layer: Any) -> Any:
        step = layers.step_of(layer)
        calm = layers.at_stride_1(layer)
        return layers.keras_blurred(calm, step) if layers.is_keras(layer) else layers.Blurred(calm, step)

    return _exchange(change, arm, make)


def _factorise(change: Change, arm: Arm) -> Arm:
    directions = max(1, int(change.finding.numbers.get("directions", 1)))
    return _exchange(change, arm, partial(layers.factorised, directions=directions))


def _other_activation(change: Change, arm: Arm) -> Arm:
    """The layer's own activation where it has one inside; else the next module without weights behind it."""
    for path in change.paths:
        try:
            return _exchange(change, arm, layers.rectified, path)
        except (NetworkRefused, AttributeError):
            continue
    raise NetworkRefused(f"The activation of {change.layer} is no layer of its own, so it can't be exchanged.")


def _train_without_dying(change: Change, arm: Arm) -> Arm:
    """He's initialisation of the layer, and a lower learning rate."""

    def make(layer: Any) -> Any:
        if layers.is_keras(layer):
            if "kernel_initializer" not in layer.get_config():
                raise NetworkRefused(f"{type(layer).__name__} has no weights that could begin otherwise.")
            return layers.again(layer, kernel_initializer="he_normal", name=f"{layer.name}_he")
        weight = getattr(layer, "weight", None)
        if not isinstance(weight, Tensor) or weight.dim() < 2:
            raise NetworkRefused(f"{type(layer).__name__} has no weights that could begin otherwise.")
        nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=torch.Generator().manual_seed(0))
        return layer

    return replace(_exchange(change, arm, make), rate=arm.rate * SLOWER)


def _clip_rms(change: Change, arm: Arm) -> Arm:
    """Each filter is held to a radius while the network learns."""
    found = _exchange(change, arm, lambda layer: layer)
    layer = _layer_at(found, change.layer)
    weight = layer.kernel.value if arm.framework == "keras" else layer.weight
    filters = -1 if arm.framework == "keras" else 0
    return replace(found, after=(*found.after, partial(_hold, weight, filters)))


@torch.no_grad()
def _hold(weight: Tensor, filters: int) -> None:
    rms = weight.square().movedim(filters, 0).flatten(1).mean(1).sqrt()
    factor = (RADIUS * rms.median() / rms.clamp(min=1e-12)).clamp(max=1)
    weight.mul_(factor.reshape([-1 if k == filters % weight.dim() else 1 for k in range(weight.dim())]))


def _layer_at(arm: Arm, path: str) -> Any:
    if arm.framework != "keras":
        return arm.module.get_submodule(path)
    from seethrough.remedies.rehearsal.anew import plain_layers

    name = path.rpartition("/")[2]
    return next(layer for layer in plain_layers(arm.module) if layer.name == name)


CHANGES: Mapping[str, Callable[[Change, Arm], Arm]] = {
    "smaller_stride": lambda change, arm: _exchange(change, arm, layers.smaller),
    "blur_before": _blur_before,
    "clip_rms": _clip_rms,
    "train_without_dying": _train_without_dying,
    "scale_down_before": lambda change, arm: _exchange(change, arm, partial(layers.normalised, before=True)),
    "other_activation": _other_activation,
    "normalise_between": lambda change, arm: _exchange(change, arm, partial(layers.normalised, before=False)),
    "factorise": _factorise,
}
"""By the advice's name. What only trims a network that is trained (`prune_dead`, `merge_twins`) or asks for more pictures is no
change that a training could show to be better."""


def named(wanted: Sequence[str]) -> tuple[str, ...]:
    """Names of advice, checked.

    Raises
    ------
    UsageError
    """
    for name in wanted:
        if name not in CHANGES:
            raise UsageError(
                f"There is no advice {name!r} that could be tried.{nearest(name, list(CHANGES))} There are: {', '.join(CHANGES)}."
            )
    return tuple(wanted)
