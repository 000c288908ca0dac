"""Memory: what training a network takes, or only running it, and which layers take it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
import torch.nn as nn

from seethrough.anatomy.layers import find_layers
from seethrough.errors import UsageError, nearest
from seethrough.graph.ledger import Moment
from seethrough.graph.memory import Held, Setting, Share, held
from seethrough.models.opened import Opened
from seethrough.results import Shown

if TYPE_CHECKING:
    from rich.console import RenderableType

OPTIMIZERS: Mapping[str, Callable[..., torch.optim.Optimizer] | None] = {
    "none": None,
    "sgd": partial(torch.optim.SGD, lr=0.1),
    "momentum": partial(torch.optim.SGD, lr=0.1, momentum=0.9),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "adadelta": torch.optim.Adadelta,
    "adamax": torch.optim.Adamax,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
}
"""Optimizers by name; ``none``: gradients alone. ``momentum`` is SGD with momentum."""

COPIES: Mapping[str, int] = {"sgd": 0, "momentum": 0, "none": 0, "adadelta": 2}
"""How often an optimizer holds all trained parameters once more within its step, where it steps all of them at once, as
torch does on a GPU; the others 1.
"""

PRECISIONS: Mapping[str, tuple[torch.dtype, torch.dtype | None]] = {
    "float32": (torch.float32, None),
    "bf16": (torch.bfloat16, None),
    "fp16": (torch.float16, None),
    "bf16-mixed": (torch.float32, torch.bfloat16),
    "fp16-mixed": (torch.float32, torch.float16),
}
"""From a precision's name to what weights and images are cast to, and what autocast computes in; mixed keeps the
weights in float32 and a cast of each besides.
"""

BLOCKS = "layers"
"""Checkpointing of each of the blocks that the network repeats."""


@dataclass(frozen=True, slots=True)
class LayerMemory:
    """What one layer takes, in bytes; shared weights count where they are met first.

    ``activations`` is what the layer made and is kept for the walk back (of training), or is there at the peak (of
    inference). The path ``""`` is the network's own forward, outside of any layer.
    """

    path: str
    kind: str
    parameters: int = 0
    gradients: int = 0
    optimizer: int = 0
    activations: int = 0

    @property
    def total(self) -> int:
        return self.parameters + self.gradients + self.optimizer + self.activations


@dataclass(frozen=True, eq=False)
class MemoryUse(Shown):
    """What one step of training, or one pass of inference, takes of memory; all sizes in bytes.

    Attributes
    ----------
    source
        How the network was named.
    purpose
        ``"training"`` or ``"inference"``.
    settings
        ``batch``, ``input_size``, ``optimizer``, ``precision``, ``checkpointing`` (the paths of the segments).
    parameters, buffers, input
        The weights in this precision, what torch keeps beside them, and the batch.
    gradients, optimizer
        Gradients of the parameters that are trained, and the optimizer's state for them.
    activations
        Training: what is there when the forward ends, kept for the walk back (and the output). Inference: what is there
        at the peak.
    peak
        The most that is held at one time, in a step like every one but the very first.
    peak_layer, peak_phase, peak_operation
        Where that is: the layer (``""``: the network's own forward), ``"forward"``, ``"backward"``, ``"recomputation"``
        or ``"optimizer step"``, and torch's name of the operation.
    at_peak
        What the peak is made of: ``parameters``, ``buffers``, ``input``, ``gradients``, ``optimizer``, ``other``.
    workspace
        What may come on top of the peak, from and to: buffers of convolution kernels (none, or a column matrix of the
        largest convolution), and copies of an optimizer that steps all parameters at once.
    by_layer
        Layers in the network's order; those that take nothing are left out.
    moments
        What was held after each operation of the step, in order.
    """

    source: str
    purpose: str
    settings: Mapping[str, Any]
    parameters: int
    buffers: int
    input: int
    gradients: int
    optimizer: int
    activations: int
    peak: int
    peak_layer: str
    peak_phase: str
    peak_operation: str
    at_peak: Mapping[str, int]
    workspace: tuple[int, int]
    by_layer: tuple[LayerMemory, ...]
    moments: tuple[Moment, ...] = field(repr=False)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def batch(self) -> int:
        return int(self.settings["batch"])

    def __str__(self) -> str:
        from seethrough.anatomy.memory_table import as_text

        return as_text(self)

    def __rich__(self) -> RenderableType:
        from seethrough.anatomy.memory_table import as_rich

        return as_rich(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; every layer, in order."""
        return {
            "source": self.source,
            "purpose": self.purpose,
            **self.settings,
            "parameters": self.parameters,
            "buffers": self.buffers,
            "input": self.input,
            "gradients": self.gradients,
            "optimizer_state": self.optimizer,
            "activations": self.activations,
            "peak": {
                "bytes": self.peak,
                "layer": self.peak_layer,
                "phase": self.peak_phase,
                "operation": self.peak_operation,
                "of": dict(self.at_peak),
            },
            "workspace": list(self.workspace),
            "layers": [
                {
                    "path": row.path,
                    "class": row.kind,
                    "parameters": row.parameters,
                    "gradients": row.gradients,
                    "optimizer_state": row.optimizer,
                    "activations": row.activations,
                }
                for row in self.by_layer
            ],
        }


@dataclass(frozen=True)
class Trial:
    """A way to use a network, settled: what is asked, in words and as `held` takes it.

    ``inputs`` has one example for each input, of which only the form counts.
    """

    opened: Opened
    call: Callable[..., Any]
    inputs: Sequence[torch.Tensor]
    setting: Setting
    words: Mapping[str, Any]

    @property
    def copies(self) -> int:
        """How often the optimizer may hold all trained parameters once more within its step."""
        return COPIES.get(self.words.get("optimizer", "none"), 1)

    def held(self, batch: int) -> Held:
        """One step of it at a batch size."""
        if batch < 1:
            raise UsageError(f"A batch has at least 1 input, not {batch}.")
        return held(self.opened.module, self.call, self.inputs, batch, self.setting, paths=self.opened.paths)

    def at(self, batch: int) -> MemoryUse:
        """What it takes at a batch size."""
        return memory_use(self, self.held(batch))


def training(
    opened: Opened,
    call: Callable[..., Any],
    inputs: Sequence[torch.Tensor],
    *,
    optimizer: str = "adam",
    precision: str = "float32",
    checkpointing: str | Sequence[str] | None = None,
) -> Trial:
    """Training, settled.

    Parameters
    ----------
    call
        Calls the network as in training, on a batch of each input in its own layout.
    inputs
        One example for each input; only its form counts.
    optimizer
        One of `OPTIMIZERS`.
    precision
        One of `PRECISIONS`.
    checkpointing
        Layers whose inside isn't kept but computed again on the way back: patterns of their paths, or ``"layers"`` for
        each of the blocks that the network repeats.

    Raises
    ------
    UsageError
        An unknown name, a pattern that no layer fits, a network of which nothing is trained.
    """
    key = _known(optimizer, OPTIMIZERS, "optimizer")
    dtype, autocast = _precision(opened, precision)
    if not any(p.requires_grad for p in opened.module.parameters()):
        raise UsageError(f"{opened.source} has no parameter that is trained: all of them are frozen.")
    segments = checkpointed(opened, checkpointing)
    setting = Setting(dtype, autocast, OPTIMIZERS[key], {id(opened.layers[path]) for path in segments})
    words = {
        "input_size": opened.input_size,
        "optimizer": optimizer,
        "precision": precision,
        "checkpointing": segments,
    }
    return Trial(opened, call, inputs, setting, words)


def inference(
    opened: Opened, call: Callable[..., Any], inputs: Sequence[torch.Tensor], *, precision: str = "float32"
) -> Trial:
    """Running the network, without gradients; parameters as for `training`."""
    dtype, autocast = _precision(opened, precision)
    words = {"input_size": opened.input_size, "precision": precision}
    return Trial(opened, call, inputs, Setting(dtype, autocast, training=False), words)


def memory_use(trial: Trial, found: Held) -> MemoryUse:
    """What was held, by what it is for and by layer."""
    from seethrough import __version__

    shares, peak = list(found.shares.values()), found.peak
    in_training = trial.setting.training
    activations = found.activations if in_training else found.made_at_peak
    settings = {"batch": found.batch, **trial.words}
    return MemoryUse(
        source=trial.opened.source,
        purpose="training" if in_training else "inference",
        settings=settings,
        parameters=sum(s.parameter for s in shares),
        buffers=found.buffers,
        input=found.images,
        gradients=sum(s.gradient for s in shares),
        optimizer=sum(s.state for s in shares),
        activations=sum(activations.values()),
        peak=peak.bytes,
        peak_layer=peak.layer,
        peak_phase=peak.phase,
        peak_operation=peak.operation,
        at_peak={role or "other": size for role, size in found.at_peak.items() if size},
        workspace=(0, on_top(found, trial.copies)),
        by_layer=tuple(_rows(trial.opened, found.shares, activations)),
        moments=found.moments,
        provenance={
            "network": trial.opened.source,
            "settings": settings,
            "versions": {"seethrough": __version__, "torch": torch.__version__},
        },
    )


def on_top(found: Held, copies: int) -> int:
    """What kernels, and an optimizer that steps all parameters at once, may hold beyond the peak at most."""
    trained = sum(s.parameter for s in found.shares.values() if s.gradient)
    return max(found.columns, found.between + copies * trained - found.peak.bytes)


def checkpointed(opened: Opened, said: str | Sequence[str] | None) -> tuple[str, ...]:
    """The paths of the layers whose inside is computed again."""
    if not said:
        return ()
    if said == BLOCKS:
        found = tuple(_blocks(opened))
        if not found:
            raise UsageError(
                f"{opened.source} repeats no block of layers; say which to checkpoint by patterns of their paths."
            )
        return found
    patterns = [said] if isinstance(said, str) else said
    return tuple(dict.fromkeys(path for pattern in patterns for path in find_layers(opened.layers, pattern)))


def _blocks(opened: Opened) -> Iterator[str]:
    """The paths of what a network repeats: layers made of layers that stand in a row of such."""
    paths = opened.paths

    def below(module: nn.Module, *, in_row: bool) -> Iterator[nn.Module]:
        children = list(module.children())
        is_row = type(module) in (nn.Sequential, nn.ModuleList)
        inside = [found for child in children for found in below(child, in_row=is_row)]
        alike = len(inside) > 1 and len({type(m) for m in inside}) == 1
        is_block = in_row and not is_row and bool(children) and not alike
        yield from [module] if is_block else inside

    return (paths[id(m)] for m in below(opened.module, in_row=False) if id(m) in paths)


def _precision(opened: Opened, precision: str) -> tuple[torch.dtype, torch.dtype | None]:
    """What weights are cast to, and what autocast computes in."""
    found = PRECISIONS[_known(precision, PRECISIONS, "precision")]
    if opened.framework == "keras" and precision != "float32":
        raise UsageError(
            f"{opened.source} computes in the precision that it was built with; build it under "
            "keras.config.set_dtype_policy('mixed_bfloat16'), for instance, and leave precision out."
        )
    return found


def _known(name: str, table: Mapping[str, Any], what: str) -> str:
    if name not in table:
        raise UsageError(f"There is no {what} {name!r}.{nearest(name, list(table))} There are: {', '.join(table)}.")
    return name


def _rows(opened: Opened, shares: Mapping[int, Share], activations: Mapping[str, int]) -> Iterator[LayerMemory]:
    """Every layer that takes something, in the network's order."""
    own: dict[str, list[Share]] = {}
    for key, path in _owners(opened).items():
        own.setdefault(path, []).append(shares[key])
    kinds = {path: type(layer).__name__ for path, layer in opened.layers.items()}
    for path in dict.fromkeys(("", *opened.layers)):
        mine = own.get(path, [])
        row = LayerMemory(
            path,
            kinds.get(path, type(opened.module).__name__),
            sum(s.parameter for s in mine),
            sum(s.gradient for s in mine),
            sum(s.state for s in mine),
            activations.get(path, 0),
        )
        if row.total:
            yield row


def _owners(opened: Opened) -> dict[int, str]:
    """From a parameter (``id``) to the path of its layer: the innermost that holds it, the first where several do."""
    owners = {id(p): "" for p in opened.module.parameters()}
    held = {path: [id(p) for p in layer.parameters()] for path, layer in opened.layers.items()}
    outward = sorted(held, key=lambda path: (len(held[path]), -_depth(path)))
    for path in reversed(outward):
        owners.update(dict.fromkeys(held[path], path))
    return owners


def _depth(path: str) -> int:
    return path.count(".") + path.count("/")
