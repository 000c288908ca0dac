"""Memory: what one step of training, or one pass of inference, holds; found by making that step without data.

The network's own forward, autograd's own walk back and the optimizer's own step run on tensors that have a shape and no
data. A `Ledger` sees every storage come and go. So what is kept, for how long, and when it is most, is what torch
really does with this network, and not a list of rules about it: in-place activations, masks, indices, saved statistics,
views, casts, layers called a hundred times and segments that are computed again need no case of their own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn as nn
from torch.utils.checkpoint import checkpoint

from seethrough.errors import InputRefused, NetworkRefused
from seethrough.graph.fakes import fake_tensors, no_collection, unlogged
from seethrough.graph.ledger import Block, Ledger, Moment
from seethrough.graph.outputs import tensors_of
from seethrough.graph.twins import NEEDS_VALUES, Twins
from seethrough.graph.untouched import untouched

MakeOptimizer = Callable[[Sequence[torch.Tensor]], torch.optim.Optimizer]

FORWARD, BACKWARD, AGAIN, STEP = "forward", "backward", "recomputation", "optimizer step"
"""Phases of a step; recomputation is a segment's forward once more, on the way back."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a network is run.

    Attributes
    ----------
    dtype
        What weights and images are cast to; None leaves them.
    autocast
        The lower precision of mixed precision; None for none.
    optimizer
        Makes the optimizer of some parameters; None for a walk back alone.
    segments
        Modules, by ``id``, whose inside isn't kept but computed again on the way back.
    training
        One step of training; else one pass of inference.
    """

    dtype: torch.dtype | None = None
    autocast: torch.dtype | None = None
    optimizer: MakeOptimizer | None = None
    segments: Collection[int] = ()
    training: bool = True


@dataclass(frozen=True, slots=True)
class Share:
    """Bytes of one parameter, of its gradient and of the optimizer's state for it."""

    parameter: int
    gradient: int = 0
    state: int = 0


@dataclass(frozen=True, eq=False)
class Held:
    """What was held, in bytes, in a step like every one but the very first: the optimizer's state is there already.

    Attributes
    ----------
    moments
        What was alive when each operation had just run, in the order in which they ran.
    buffers, images
        The network's buffers and the batch.
    shares
        From a parameter's ``id`` to its share.
    activations
        From layer to what of its making is there when the forward ends: what is kept for the walk back, and the output.
    at_peak
        What was alive at the peak, by role; ``""`` is whatever else: activations that are still there, and what passes.
    made_at_peak
        That whatever else, by the layer that made it.
    columns
        The largest column matrix of a convolution.
    """

    batch: int
    moments: tuple[Moment, ...]
    buffers: int
    images: int
    shares: Mapping[int, Share]
    activations: Mapping[str, int]
    at_peak: Mapping[str, int]
    made_at_peak: Mapping[str, int]
    columns: int

    @property
    def peak(self) -> Moment:
        """The first moment at which most was held."""
        return max(self.moments, key=lambda m: m.bytes)

    @property
    def between(self) -> int:
        """What is held in the optimizer's step between one parameter's and the next: no gradient is gone, and nothing
        passes; 0 without an optimizer.
        """
        return min((m.bytes for m in self.moments if m.phase == STEP), default=0)


def held(
    module: nn.Module,
    call: Callable[..., Any],
    examples: Sequence[torch.Tensor],
    batch: int,
    setting: Setting,
    *,
    paths: Mapping[int, str],
) -> Held:
    """Make one step without data, and say what it held.

    Parameters
    ----------
    module
        The person's network; left as it was found.
    call
        Calls it on a batch of each input, in its own layout.
    examples
        One tensor for each input; its form counts, without the first axis.
    batch
        Inputs at once.
    paths
        From module (``id``) to the path a person uses.

    Raises
    ------
    NetworkRefused
        Where the network must see values of the image to know what to do next, or has nothing to train.
    InputRefused
        Where it can't run on such a batch.
    """
    reason = ""
    for real_factories in (False, True):
        try:
            return _Step(module, call, examples, batch, setting, paths).held(real_factories)
        except NEEDS_VALUES as error:
            reason = type(error).__name__
    raise NetworkRefused(f"the network needs the values of an image to know what to do next ({reason})")


class _Step:
    """One step in the making."""

    def __init__(
        self,
        module: nn.Module,
        call: Callable[..., Any],
        examples: Sequence[torch.Tensor],
        batch: int,
        setting: Setting,
        paths: Mapping[int, str],
    ) -> None:
        self.module, self.call, self.examples, self.batch, self.setting = module, call, examples, batch, setting
        self.whereabouts = Whereabouts(paths, setting.segments)
        self.ledger = Ledger(self.whereabouts)
        self.states: dict[int, int] = {}

    def held(self, real_factories: bool) -> Held:
        setting, ledger = self.setting, self.ledger
        fake = fake_tensors()
        with untouched(self.module, training=setting.training), no_collection(), unlogged(), fake:
            twins = Twins(self.module, fake, dtype=setting.dtype, real_factories=real_factories)
            parameters = {id(p): twins.parameters.get(id(p), p) for p in self.module.parameters()}
            sizes = {key: ledger.hold(p, "parameters") for key, p in parameters.items()}
            buffers = sum(ledger.hold(twins.buffers.get(id(b), b), "buffers") for b in self.module.buffers())
            images = [self._without_data(example) for example in self.examples]
            of_images = sum(ledger.hold(i, "input") for i in images)
            with torch.inference_mode(False), torch.set_grad_enabled(setting.training), ledger:
                with self.whereabouts.watched(), twins:
                    outputs = self._forward(images)
                    kept = _by_layer(ledger.living())
                    if setting.training:
                        self._backward(outputs)
                gradients = {key: self._gradient(key, p) for key, p in parameters.items()}
                first = len(ledger.moments)
                if setting.training and setting.optimizer is not None:
                    steady = self._optimize(setting.optimizer, parameters)
                else:
                    steady = first
            moments = self._steady(first, steady)
            peak = max(range(len(moments)), key=lambda k: moments[k].bytes)
        at = peak if peak < first else peak - first + steady
        return Held(
            self.batch,
            tuple(moments),
            buffers,
            of_images,
            {key: Share(size, gradients[key], self.states.get(key, 0)) for key, size in sizes.items()},
            kept,
            {**_by_role(ledger.alive_at(at)), "optimizer": sum(self.states.values())},
            _by_layer(ledger.alive_at(at)),
            ledger.columns,
        )

    def _without_data(self, example: torch.Tensor) -> torch.Tensor:
        dtype = self.setting.dtype if example.is_floating_point() and self.setting.dtype else example.dtype
        return torch.empty((self.batch, *example.shape[1:]), dtype=dtype, device=example.device)

    def _forward(self, images: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        autocast = self.setting.autocast
        try:
            with torch.autocast(images[0].device.type, autocast) if autocast else nullcontext():
                return tensors_of(self.call(*images))
        except (NetworkRefused, *NEEDS_VALUES):
            raise
        except Exception as error:
            told = str(error).strip().partition("\n")[0] or type(error).__name__
            raise InputRefused(
                f"The network can't be {'trained' if self.setting.training else 'run'} this way on a batch of {self.batch} "
                f"of such inputs: {told}"
            ) from error

    def _backward(self, outputs: list[torch.Tensor]) -> None:
        """Walk back from a loss that keeps nothing of its own and hands every output a gradient."""
        starts = [o for o in outputs if o.requires_grad]
        if not starts:
            raise NetworkRefused("no output of the network depends on a parameter that is trained")
        self.whereabouts.phase = BACKWARD
        torch.autograd.backward(starts, [torch.empty_like(o) for o in starts])

    def _gradient(self, key: int, parameter: torch.Tensor) -> int:
        return 0 if parameter.grad is None else self.ledger.hold(parameter.grad, "gradients")

    def _optimize(self, make: MakeOptimizer, parameters: Mapping[int, torch.Tensor]) -> int:
        """Two steps of the optimizer, the first of which makes its state; gives where the second begins."""
        self.whereabouts.phase = STEP
        trained = {key: p for key, p in parameters.items() if p.grad is not None}
        optimizer = make(list(trained.values()))
        optimizer.step()
        for key, parameter in trained.items():
            state = optimizer.state.get(parameter, {})
            held = (self.ledger.hold(t, "optimizer") for t in state.values() if isinstance(t, torch.Tensor))
            self.states[key] = sum(held)
        second = len(self.ledger.moments)
        optimizer.step()
        return second

    def _steady(self, first: int, steady: int) -> list[Moment]:
        """The moments of a later step: the optimizer's state is there from the beginning, and isn't made."""
        state, moments = sum(self.states.values()), self.ledger.moments
        early = [Moment(m.bytes + state, m.phase, m.layer, m.operation) for m in moments[:first]]
        return early + moments[steady:]


def _by_layer(blocks: Iterator[Block]) -> dict[str, int]:
    found: dict[str, int] = {}
    for block in blocks:
        if not block.role:
            found[block.layer] = found.get(block.layer, 0) + block.size
    return found


def _by_role(blocks: Iterator[Block]) -> dict[str, int]:
    found: dict[str, int] = {}
    for block in blocks:
        found[block.role] = found.get(block.role, 0) + block.size
    return found


# --- which layer is at work -------------------------------------------------------------------------------------------

_whereabouts: ContextVar[Whereabouts | None] = ContextVar("seethrough_whereabouts", default=None)


class Whereabouts:
    """Which layer is at work: the innermost module that is being called or, on the way back, the one in whose forward
    autograd's node was made. Nodes are numbered in the order in which they are made, so that it is enough to know the
    number at which each module was entered and left.
    """

    def __init__(self, paths: Mapping[int, str], segments: Collection[int] = ()) -> None:
        self.paths, self.segments = paths, frozenset(segments)
        self.phase = FORWARD
        self.stack: list[str] = []
        self.depth = 0
        self._numbers: list[int] = [0]
        self._layers: list[str] = [""]
        self._last = ""

    def __call__(self) -> tuple[str, str]:
        if self.stack:
            return (AGAIN if self.phase == BACKWARD else self.phase), self.stack[-1]
        node = torch._C._current_autograd_node() if self.phase == BACKWARD else None
        if node is not None and (number := node._sequence_nr()) < _NO_NUMBER:
            self._last = self._layers[bisect_right(self._numbers, number) - 1]
        return self.phase, self._last if self.phase == BACKWARD else ""

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Calls of modules in this thread are noticed."""
        original: Any = nn.Module.__call__

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            here = _whereabouts.get()
            return original(module, *args, **kwargs) if here is None else here.run(original, module, args, kwargs)

        token = _whereabouts.set(self)
        nn.Module.__call__ = call
        try:
            yield
        finally:
            nn.Module.__call__ = original
            _whereabouts.reset(token)

    def run(self, original: Any, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a module; as a segment that is computed again on the way back, where it is one and in no other."""
        if self.depth or id(module) not in self.segments:
            return self._inside(original, module, args, kwargs)

        def segment(*args: Any) -> Any:
            self.depth += 1
            try:
                return self._inside(original, module, args, kwargs)
            finally:
                self.depth -= 1

        return checkpoint(segment, *args, use_reentrant=False, preserve_rng_state=False)

    def _inside(self, original: Any, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        path = self.paths.get(id(module))
        self.stack.append(path if path is not None else self.stack[-1] if self.stack else "")
        self._mark()
        try:
            return original(module, *args, **kwargs)
        finally:
            self.stack.pop()
            self._mark()

    def _mark(self) -> None:
        self._numbers.append(torch._C._autograd._get_sequence_nr())  # pyright: ignore[reportAttributeAccessIssue]
        self._layers.append(self.stack[-1] if self.stack else "")


_NO_NUMBER = 2**63
"""Nodes that only add a gradient up have a number above every other's."""
