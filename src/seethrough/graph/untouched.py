"""Untouched: whatever a network's forward does to itself while we look, it is put back.

A network may count its calls, keep its last activation, fill a cache, move its running statistics, draw random numbers.
`untouched` brackets a call of it: flags are set for inference, and afterwards parameters, buffers, attributes, lists,
flags and random state are as they were found, also when the call raises or is interrupted.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn as nn
import torch.utils.checkpoint
from torch._subclasses.fake_tensor import FakeTensor, unset_fake_temporarily
from torch.utils._python_dispatch import TorchDispatchMode

from seethrough.errors import NetworkRefused
from seethrough.graph.tree import leaves_of

ONE_AT_A_TIME = threading.RLock()
"""Held while a person's own module is called: two threads that look at one network do so in turn."""


def storage_of(tensor: torch.Tensor) -> int | None:
    """What two tensors share when one is a view of the other; None for layouts without a storage of their own (sparse)."""
    if tensor.layout is not torch.strided:
        return None
    try:
        return tensor.untyped_storage()._cdata
    except NotImplementedError as error:
        raise NetworkRefused(
            "the network uses a function transform (vmap, grad, jvp) inside its forward, which can't be written down"
        ) from error


def carry_out(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run an operation."""
    return func(*args, **kwargs)


class Effects(TorchDispatchMode):
    """Sees every write, by the operation's schema and the storage it goes to; keeps a copy of a real storage before the
    first write to it.

    Names tell too little: ``out=`` arguments, ``F.relu(inplace=True)`` and views write as well.
    """

    def __init__(self) -> None:
        super().__init__()
        self.written: set[int] = set()
        self.random = False
        self.saved: dict[int | None, tuple[torch.Tensor, torch.Tensor]] = {}
        self.ours: set[int | None] = set()
        self.carry_out: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any] = carry_out

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Torch wraps the handler against being compiled, at several times its own cost; nothing compiles it here.
        return False

    def begin(self) -> None:
        """From here on, `written` and `random` speak of the next function."""
        self.written, self.random = set(), False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is _DEVICE:  # only a question, and the most frequent one
            return self.carry_out(func, args, kwargs)
        if torch.Tag.nondeterministic_seeded in func.tags:
            self.random = True
        for place, name in _writes(func):
            for tensor in leaves_of(args[place] if place < len(args) else kwargs.get(name)):
                if isinstance(tensor, torch.Tensor) and (storage := storage_of(tensor)) is not None:
                    self.written.add(storage)
                    self._save(tensor, storage)
        for tensor in _running_statistics(func, args):
            self._save(tensor, storage_of(tensor))
        result = self.carry_out(func, args, kwargs)
        if not func._schema.is_mutable and not func.is_view:
            # made under our eyes: nobody outside holds it, and a result that is still needed must not be put back
            self.ours |= _storages(result) - _storages(args)
        return result

    def _save(self, tensor: torch.Tensor, storage: int | None) -> None:
        """Keep what a storage holds, unless it was made under our eyes."""
        if not isinstance(tensor, FakeTensor) and storage not in self.ours and storage not in self.saved:
            with unset_fake_temporarily(), torch.no_grad():
                # the whole storage, since the tensor may be a view of a part of it
                whole = torch.empty(0, dtype=tensor.dtype, device=tensor.device).set_(tensor.untyped_storage())
                self.saved[storage] = (whole, whole.clone())

    def put_back(self) -> None:
        """Write the kept copies back."""
        with torch.no_grad():
            for tensor, copy in self.saved.values():
                tensor.copy_(copy)


_DEVICE = torch.ops.prim.device.default
_WRITES: dict[Any, tuple[tuple[int, str], ...]] = {}


def _writes(func: Any) -> tuple[tuple[int, str], ...]:
    """Which arguments of an operation its schema declares as written: position and name."""
    found = _WRITES.get(func)
    if found is None:
        arguments = func._schema.arguments if func._schema.is_mutable else ()
        found = tuple(
            (i, a.name) for i, a in enumerate(arguments) if a.alias_info is not None and a.alias_info.is_write
        )
        _WRITES[func] = found
    return found


def _storages(tree: Any) -> set[int | None]:
    return {storage_of(t) for t in leaves_of(tree) if isinstance(t, torch.Tensor) and not isinstance(t, FakeTensor)}


def _running_statistics(func: Any, args: tuple[Any, ...]) -> tuple[torch.Tensor, ...]:
    """What batch normalisation writes in training without its schema saying so: the running mean and variance."""
    if (
        "batch_norm" not in func._schema.name
        or "backward" in func._schema.name
        or not (len(args) > 5 and args[5] is True)
    ):
        return ()
    return tuple(t for t in args[3:5] if isinstance(t, torch.Tensor))


@contextmanager
def untouched(module: nn.Module, *, training: bool = False, effects: Effects | None = None) -> Iterator[Effects]:
    """Call the person's module inside; outside it is as it was found. See the module's docstring."""
    with ONE_AT_A_TIME:
        modules = list(module.modules())
        flags = [m.training for m in modules]
        attributes = [_snapshot(m) for m in modules]
        chance = chance_now()
        gradients = [(p, p.grad) for p in module.parameters()]
        held = [(t, t.data, t.requires_grad) for t in (*module.parameters(), *module.buffers()) if not t.is_inference()]
        versions = [(t, t._version) for t, _, _ in held]
        effects = effects or Effects()
        try:
            for m in modules:
                _set_training(m, training)
            with effects, _checkpoints_opened():
                yield effects
        finally:
            for restore in attributes:
                restore()
            for m, flag in zip(modules, flags):
                _set_training(m, flag)
            effects.put_back()
            for t, data, needs in held:
                if t.data_ptr() != data.data_ptr() or t.shape != data.shape or t.dtype != data.dtype:
                    t.data = data
                if t.requires_grad != needs:
                    t.requires_grad_(needs)
            for t, version in versions:
                if t._version != version:  # its content is as it was, so nobody need think it changed
                    torch._C._autograd._unsafe_set_version_counter((t,), (version,))  # pyright: ignore[reportAttributeAccessIssue]
            for p, grad in gradients:
                if p.grad is not grad:
                    p.grad = grad
            set_chance(chance)


@contextmanager
def _checkpoints_opened() -> Iterator[None]:
    """Reentrant checkpoints, which autograd can't ask for the gradient of an input alone, run what they hold."""
    kind: Any = torch.utils.checkpoint.CheckpointFunction
    nested = "apply" in vars(kind)
    if not nested:
        kind.apply = staticmethod(lambda run, preserve, *inputs: run(*inputs))
    try:
        yield
    finally:
        if not nested:
            del kind.apply


def chance_now() -> tuple[Any, ...]:
    """The states of torch's, Python's and NumPy's random numbers."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else None
    return torch.get_rng_state(), random.getstate(), np.random.get_state(), cuda


def set_chance(states: tuple[Any, ...]) -> None:
    """Back to what `chance_now` gave."""
    torch.set_rng_state(states[0])
    random.setstate(states[1])
    np.random.set_state(states[2])
    if states[3] is not None:
        torch.cuda.set_rng_state_all(states[3])


@contextmanager
def same_chance() -> Iterator[None]:
    """Random numbers drawn inside leave the random states as they were."""
    states = chance_now()
    try:
        yield
    finally:
        set_chance(states)


def _set_training(module: nn.Module, flag: bool) -> None:
    """Not ``module.train()``: a person may have overridden it, to keep batch norm frozen for instance. Scripted modules
    keep the flag elsewhere.
    """
    if "training" in vars(module):
        vars(module)["training"] = flag
    elif module.training != flag:
        module.training = flag


def _snapshot(module: nn.Module) -> Callable[[], None]:
    """Remember a module's attributes, and what its dicts and lists hold; gives what puts them back."""
    own = dict(vars(module))
    held = list(_boxes(own.values(), set()))

    def restore() -> None:
        now = vars(module)
        if len(now) != len(own) or any(now.get(k, now) is not v for k, v in own.items()):
            now.clear()
            now.update(own)
        for box, content in held:
            if len(box) == len(content) and (box == content if isinstance(box, set) else _same(box, content)):
                continue
            if isinstance(box, list):
                box[:] = content
            else:
                box.clear()
                box.update(content)

    return restore


def _boxes(values: Iterable[Any], seen: set[int]) -> Iterator[tuple[Any, Any]]:
    """Dicts, lists and sets among some values, and in each other, with copies of what they hold."""
    for box in values:
        if not isinstance(box, (dict, list, set, tuple)) or id(box) in seen:
            continue
        seen.add(id(box))
        if not isinstance(box, tuple):
            yield box, dict(box) if isinstance(box, dict) else list(box) if isinstance(box, list) else set(box)
        yield from _boxes(box.values() if isinstance(box, dict) else box, seen)


def _same(box: Any, content: Any) -> bool:
    if isinstance(box, list):
        return all(a is b for a, b in zip(box, content))
    return all(k in box and box[k] is v for k, v in content.items())
