"""Record: a network's own forward, run once, written down function by function.

The forward runs on *fake* tensors, which have a shape and no data, under a `TorchFunctionMode`: every torch function
that is called is noted with its arguments. What doesn't depend on the image runs for real, once, and is a constant.
Nothing of the network is replaced or hooked; module scopes come from `nn.Module.__call__`, which is watched for the
time of one recording and in the recording thread alone.

The same recorder on real tensors writes down what happened to one batch of images: for networks that look at values on
their way.

What is noted is a `Call`; `seethrough.graph.unite` makes a graph of the calls of several batch sizes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
    UnsupportedOperatorException,
    unset_fake_temporarily,
)
from torch.overrides import TorchFunctionMode

from seethrough.errors import NetworkRefused
from seethrough.graph.fakes import fake_tensors, no_collection, unlogged
from seethrough.graph.forms import Forms
from seethrough.graph.lines import here
from seethrough.graph.listen import listening
from seethrough.graph.operations import Context, Ref
from seethrough.graph.outputs import named, tensors_of
from seethrough.graph.recording import Call, Recording, Scope
from seethrough.graph.standins import STAND_INS, open_attention, property_getter
from seethrough.graph.tree import Spec, flatten, leaves_of
from seethrough.graph.untouched import Effects, storage_of, untouched

# Questions about a tensor's form, answered without being noted.
_QUESTIONS = frozenset(
    (
        torch.Tensor.size,
        torch.Tensor.dim,
        torch.Tensor.numel,
        torch.Tensor.stride,
        torch.Tensor.is_contiguous,
        torch.Tensor.storage_offset,
    )
)
_NEEDS_VALUES = (DataDependentOutputException, DynamicOutputShapeException, UnsupportedOperatorException)
_TENSOR_PROPERTIES = frozenset(("T", "mT", "H", "mH", "data", "real", "imag"))
_GRADIENT_FUNCTIONS = frozenset((torch.autograd.grad, torch.Tensor.backward, torch.Tensor.register_hook))


class Recorder(TorchFunctionMode):
    """Notes every torch function of one forward."""

    def __init__(
        self,
        paths: Mapping[int, str],
        effects: Effects,
        *,
        fake: FakeTensorMode | None,
        earlier: Recording | None = None,
    ) -> None:
        super().__init__()
        self.paths = paths
        self.effects = effects
        self.fake = fake
        self.earlier = earlier
        self.written: set[int] = set()
        self.calls: list[Call] = []
        self.tensors: list[torch.Tensor] = []
        self.storages: list[int | None] = []
        self.numbers: dict[int, int] = {}
        self.live: set[int] = set()
        self.tainted: set[int] = set()
        # what a tensor held before the function that runs now, where the network had written into it before
        self.before: dict[int, torch.Tensor] = {}
        # from the storage of a real tensor's fake twin to its own; both are kept, so that no other gets their identity
        self.kept: list[torch.Tensor] = []
        self.met: set[int] = set()
        self.twins: dict[int | None, int] = {}
        self.stack: list[Scope] = []
        self.scopes: list[Scope] = []
        self.times: dict[str, int] = {}
        self.swallowed: str | None = None
        # how many calls there were, and where it was, when a value was needed for the first time
        self.needed: tuple[int, str] | None = None
        # the exception that leaves a module now, and the innermost module that it left
        self.raised: BaseException | None = None
        self.fell_in = ""
        self.deaf = 0
        # whether the image goes into the function that runs now
        self.living = False
        self.assume_grad = True

    # --- numbers ------------------------------------------------------------------------------------------------------

    def number(self, tensor: torch.Tensor, *, live: bool) -> int:
        """Give a tensor a number, and keep it alive so that its identity stays its own."""
        self.tensors.append(tensor)
        storage = storage_of(tensor)
        self.storages.append(self.twins.get(storage, storage))
        number = len(self.tensors) - 1
        self.numbers[id(tensor)] = number
        if live:
            self.live.add(number)
        return number

    def is_live(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor carries something of the image."""
        if isinstance(tensor, FakeTensor):
            return True
        return self.numbers.get(id(tensor), -1) in self.live or (
            bool(self.tainted) and storage_of(tensor) in self.tainted
        )

    # --- functions ----------------------------------------------------------------------------------------------------

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if self.deaf or self._is_aside(func, name):
            return func(*args, **kwargs)
        if func is F.multi_head_attention_forward:
            with self:
                return open_attention(*args, **kwargs)
        flat, spec = flatten((args, kwargs))
        live = any(isinstance(a, torch.Tensor) and self.is_live(a) for a in flat)
        function: Callable[..., Any] = property_getter(func) if name == "__get__" else STAND_INS.get(func) or func
        self.begin(flat, live)
        try:
            if live or not self.fake:
                result = func(*args, **kwargs)
            elif (result := self._constant(function, flat)) is None:
                with unset_fake_temporarily():
                    result = func(*args, **kwargs)
        except _NEEDS_VALUES as error:
            # remembered, since the network may catch it and go another way than it goes with real images
            self.swallowed = f"{name} at {here()} needs the values of an image ({type(error).__name__})"
            within = f"in {self.stack[-1].path!r} " if self.stack else ""
            self.needed = self.needed or (
                len(self.calls),
                f"{within}at {name.strip('_')} ({here()}), which needs the values of an image",
            )
            raise
        if args and result is args[0] and not self.effects.written and name != "contiguous":
            return result  # ``to`` the dtype it has, and the like: nothing was done
        self.note(
            function,
            flat,
            spec,
            args[0] if name == "__setitem__" else result,
            self.effects.written,
            self.effects.random,
        )
        return result

    def _is_aside(self, func: Any, name: str) -> bool:
        """Whether a function is a question about a tensor's form, or a switch, and no step of the network's; refuses
        what can't be written down at all.
        """
        if name == "__get__":
            return getattr(func.__self__, "__name__", "") not in _TENSOR_PROPERTIES
        if name == "__set__":
            if getattr(func.__self__, "__name__", "") in ("requires_grad", "grad"):
                return True
            raise NetworkRefused(f"the network sets a tensor's attribute at {here()}, which can't be written down")
        if func in _GRADIENT_FUNCTIONS:
            raise NetworkRefused(f"the network computes or changes gradients inside its forward ({name} at {here()})")
        return func in _QUESTIONS

    def _constant(self, function: Callable[..., Any], flat: list[Any]) -> Any:
        """What this very call gave in an earlier recording, where nothing of the image goes in; None where it must be
        made.
        """
        if self.earlier is None or len(self.calls) >= len(self.earlier.calls):
            return None
        call, tensors = self.earlier.calls[len(self.calls)], self.earlier.tensors
        if call.constant is None or call.function is not function or len(flat) != len(call.arguments):
            return None
        for a, known in zip(flat, call.arguments):
            same = (
                tensors[known.value] is a
                if isinstance(known, Ref)
                else type(a) is type(known) and not isinstance(a, torch.Tensor) and a == known
            )
            if not same:
                return None
        made = (self.earlier.storages[o] for o in call.outputs if o is not None)
        return None if any(storage in self.earlier.written for storage in made) else call.constant

    def meet(self, tensor: torch.Tensor) -> None:
        """Know a real tensor's fake twin by its storage, once it is going to have one."""
        storage = storage_of(tensor)
        if self.fake is None or not self.living or storage is None or id(tensor) in self.met:
            return
        try:
            twin = self.fake.from_tensor(tensor)
        except AssertionError as error:
            # torch can't make one of a view that was taken before its base came to carry a gradient
            raise NetworkRefused(
                f"{here()} uses a view of a constant that has been written into since the view was taken"
            ) from error
        self.kept += (tensor, twin)
        self.met.add(id(tensor))
        self.twins[storage_of(twin)] = storage

    def begin(self, flat: list[Any], live: bool) -> None:
        """Before a function runs: remember what counters and caches hold now, since it may write into them."""
        self.effects.begin()
        self.before, self.living = {}, live
        for a in flat:
            if not isinstance(a, torch.Tensor) or isinstance(a, FakeTensor):
                continue
            storage = storage_of(a)
            if storage in self.effects.saved and storage not in self.tainted:
                with unset_fake_temporarily(), torch.no_grad():
                    self.before[id(a)] = a.detach().clone()

    def note(
        self,
        function: Callable[..., Any],
        flat: list[Any],
        spec: Spec,
        result: Any,
        written: set[int],
        random: bool = False,
        *,
        live: bool = False,
    ) -> None:
        """Write one call down."""
        line = here()
        written = {self.twins.get(w, w) for w in written}
        arguments: list[Any] = []
        for a in flat:
            if isinstance(a, torch.Tensor):
                live = live or self.is_live(a)
                arguments.append(Ref(self._argument(a, function, line, written)))
            else:
                arguments.append(a)
        if written:
            self.written |= written
            if live:
                self.tainted |= written
        outputs: list[int | None] = []
        for t in leaves_of(result):
            if not isinstance(t, torch.Tensor):
                outputs.append(None)
                continue
            known = self.numbers.get(id(t))
            if known is None or not any(t is a for a in flat):
                known = self.number(t, live=live)
            elif live:
                self.live.add(known)
            outputs.append(known)
        if all(o is None for o in outputs) and not written:
            return
        scope = self.stack[-1].path if self.stack else ""
        constant = None if live or random or written else result
        self.calls.append(
            Call(function, arguments, spec, outputs, scope, line, self._context(), frozenset(written), random, constant)
        )

    def _argument(self, tensor: torch.Tensor, function: Callable[..., Any], line: str, written: set[int]) -> int:
        number = self.numbers.get(id(tensor))
        if number is None:
            if self.fake and isinstance(tensor, FakeTensor):
                # The leak detector: somebody made this value without our seeing it.
                name = getattr(function, "__name__", type(function).__name__)
                raise NetworkRefused(f"{name} at {line} uses a value that came from an operation that can't be seen")
            number = self.number(tensor, live=False)
        elif tensor._backward_hooks and not tensor.is_leaf and number in self.live:
            raise NetworkRefused(f"a hook on a tensor changes its gradient before {line}")
        before = self.before.get(id(tensor))
        if before is None or number in self.live:
            return number
        # a counter or a cache that the forward writes: what it held then, not what it will hold at the end
        storage = self.storages[number]
        self.tensors.append(before)
        self.storages.append(storage if storage in written else storage_of(before))
        return len(self.tensors) - 1

    def _context(self) -> Context:
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                cast = (device, torch.get_autocast_dtype(device))
                break
        else:
            cast = None
        grad = (torch.is_grad_enabled() or self.assume_grad) and not torch.is_inference_mode_enabled()
        return Context(grad, cast)

    # --- modules ------------------------------------------------------------------------------------------------------

    def enter(self, module: nn.Module, inputs: Any) -> None:
        if module._backward_hooks or module._backward_pre_hooks:
            raise NetworkRefused(
                f"a backward hook on {self.paths.get(id(module)) or type(module).__name__} changes gradients; remove it first"
            )
        path = self.paths.get(id(module))
        if path is None:
            above = self.stack[-1].path if self.stack else ""
            path = f"{above}.{type(module).__name__}" if above else type(module).__name__
        self.times[path] = self.times.get(path, 0) + 1
        if self.times[path] > 1:
            path = f"{path}:{self.times[path]}"
        numbers = [self.numbers.get(id(t)) for t in leaves_of(inputs) if isinstance(t, torch.Tensor)]
        scope = Scope(path, module, numbers, len(self.calls))
        self.stack.append(scope)
        self.scopes.append(scope)
        self.deaf += isinstance(module, torch.jit.ScriptModule)

    def fall(self, error: BaseException) -> None:
        """A module is left by an exception."""
        if error is not self.raised:
            self.raised, self.fell_in = error, self.stack[-1].path

    def leave(self, module: nn.Module, inputs: Any, output: Any) -> None:
        scope = self.stack.pop()
        scripted = isinstance(module, torch.jit.ScriptModule)
        self.deaf -= scripted
        if scripted and not self.deaf:
            # its inside runs in another interpreter: one operation
            flat, spec = flatten(inputs)
            with torch._C.DisableTorchFunction():
                self.note(module, flat, spec, output, set())
        scope.outputs = [self.numbers.get(id(t)) for t in tensors_of(output)]
        scope.last = len(self.calls)


def record(
    module: nn.Module,
    call: Callable[..., Any],
    example: torch.Tensor,
    *,
    batch: int | None,
    paths: Mapping[int, str],
    training: bool = False,
    earlier: Recording | None = None,
    fake_mode: FakeTensorMode | None = None,
    beside: Sequence[torch.Tensor] = (),
) -> Recording:
    """Run ``call`` once and write it down; the module is left as it was found.

    Parameters
    ----------
    example
        One batch of images in the network's own layout. Only its form counts when ``batch`` is given.
    batch
        Record on fake tensors at this batch size; None: on the example's own values, for real.
    earlier
        A recording of the same network in the same state at another batch size: what it computed of the weights alone
        isn't computed again.
    fake_mode
        What `fake_tensors` gave; recordings of one network that share it know its weights' shapes already.
    beside
        Batches for the network's other inputs, which ``call`` takes behind the images.

    Raises
    ------
    NetworkRefused
        For what can't be written down, with operation, line and reason.
    """
    tensors = (example, *beside)
    with untouched(module, training=training) as effects:
        # Python's and NumPy's random numbers can't be seen; drawn anew for each recording, the proof finds them
        random.seed(batch)
        np.random.seed(batch)
        try:
            return _record(call, tensors, batch, paths, effects, earlier, fake_mode, grad=True)
        except RuntimeError as error:
            # a network made for inference alone: in-place on weights or views that autograd won't have
            if isinstance(error, NetworkRefused) or not any(
                w in str(error) for w in ("out=", "requires_grad", "is a view", "leaf", "Inference tensors")
            ):
                raise
        effects.put_back()
        return _record(call, tensors, batch, paths, effects, earlier, fake_mode, grad=False)


def _record(
    call: Callable[..., Any],
    tensors: Sequence[torch.Tensor],
    batch: int | None,
    paths: Mapping[int, str],
    effects: Effects,
    earlier: Recording | None,
    fake_mode: FakeTensorMode | None,
    *,
    grad: bool,
) -> Recording:
    fake = None if batch is None else fake_mode or fake_tensors()
    recorder = Recorder(paths, effects, fake=fake, earlier=earlier)
    try:
        output = heard(recorder, call, tensors, batch, grad=grad)
    except _NEEDS_VALUES as error:
        raise NetworkRefused(
            recorder.swallowed or f"the network needs the values of an image ({type(error).__name__})"
        ) from error
    if recorder.swallowed:
        raise NetworkRefused(recorder.swallowed)
    outputs: dict[str, int] = {}
    for name, tensor in named(output):
        number = recorder.numbers.get(id(tensor))
        if number is None and isinstance(tensor, FakeTensor):
            raise NetworkRefused("the network's output came from an operation that can't be seen")
        if number is not None:
            outputs[name] = number
    if not outputs:
        raise NetworkRefused("the network's output is no tensor that depends on the image")
    return Recording(
        len(tensors[0]) if batch is None else batch,
        recorder.calls,
        recorder.tensors,
        recorder.storages,
        recorder.live,
        recorder.scopes,
        outputs,
        frozenset(recorder.written),
        len(tensors),
        returned=tuple(name for name, _ in named(output)),
    )


def heard(
    recorder: Recorder, call: Callable[..., Any], tensors: Sequence[torch.Tensor], batch: int | None, *, grad: bool
) -> Any:
    """What ``call`` returns for inputs of the form of these, while the recorder listens.

    The first input, which is explained, carries a gradient where ``grad``; those beside it are held as they are.
    """
    recorder.assume_grad = not grad
    if recorder.fake is not None:
        recorder.effects.carry_out = Forms(recorder.fake, recorder.meet)
    with torch.set_grad_enabled(grad), torch.inference_mode(False), recorder.fake or nullcontext():
        inputs = [t.detach().clone() if batch is None else _without_data(t, batch) for t in tensors]
        if grad and inputs[0].is_floating_point():
            inputs[0] = inputs[0].requires_grad_() * 1  # not a leaf, so that the network may write into it
        for t in inputs:
            recorder.number(t, live=True)
        with listening(recorder), no_collection(), unlogged(), recorder:
            return call(*inputs)


def _without_data(example: torch.Tensor, batch: int) -> torch.Tensor:
    """A tensor of an example's form at a batch size, made in the world of fake tensors."""
    tensor = torch.empty((batch, *example.shape[1:]), dtype=example.dtype, device=example.device)
    in_order = example.dim() == 4 and example.is_contiguous(memory_format=torch.channels_last)
    if in_order and not example.is_contiguous():
        tensor = tensor.to(memory_format=torch.channels_last)
    return tensor
