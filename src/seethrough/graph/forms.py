"""Forms: what an operation gives on fake tensors, looked up where the same was asked before.

A fake tensor has a form (shape, strides, dtype, device) and no data, and the form of what most operations give follows
from the forms of what went in. A network asks for the same few again and again, block after block. PyTorch keeps such a
table too; ours is asked before PyTorch takes batch normalisation apart into some fifteen operations, and knows real
weights by their form, so that they needn't be made fake.

What writes elsewhere than into its first argument, draws random numbers, or gives what only the values tell, isn't looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
import torch.nn as nn
from torch._subclasses.fake_tensor import (
    FakeTensor,
    FakeTensorMode,
    in_kernel_invocation_manager,
    unset_fake_temporarily,
)

from seethrough.graph.tree import flatten, leaves_of, unflatten

_DEVICE = torch.ops.prim.device.default
_TELLING_TAGS = (
    torch.Tag.data_dependent_output,
    torch.Tag.dynamic_output_shape,
    torch.Tag.nondeterministic_seeded,
    torch.Tag.inplace_view,
)
_TOLD = (int, float, bool, complex, str, type(None), torch.dtype, torch.device, torch.layout, torch.memory_format)


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a tensor that an operation gave; and which of its arguments it is a view of, if of any."""

    shape: torch.Size
    stride: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device
    offset: int
    view_of: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation gave: one form, or several in a tuple or list (None for what it left out)."""

    kind: type | None
    forms: tuple[Form | None, ...]


@dataclass(slots=True)
class Question:
    """An operation with the forms of its arguments."""

    parts: list[Any]
    fake: bool = False
    """Whether any argument is a fake tensor."""
    clear: bool = field(default=True)
    """Whether every argument is told by its form."""

    def add(self, arguments: Iterable[Any]) -> None:
        for a in arguments:
            if isinstance(a, torch.Tensor):
                self._tensor(a)
            elif isinstance(a, (list, tuple)):
                self.parts.append((type(a), len(a)))
                self.add(a)
            elif isinstance(a, _TOLD):
                self.parts += (type(a), a)
            else:
                self.clear = False

    def _tensor(self, t: torch.Tensor) -> None:
        fake = isinstance(t, FakeTensor)
        self.fake |= fake
        # a real number in a tensor may count as a Python number does, which its form doesn't tell
        if t.layout is not torch.strided or t.dtype.is_complex or t.is_neg() or (not fake and not t.dim()):
            self.clear = False
            return
        if fake and t.constant is not None:
            self.clear = False
            return
        device = t.fake_device if fake else t.device
        self.parts += (t.shape, t.stride(), t.dtype, device, t.storage_offset(), t.requires_grad)


class Forms:
    """Carries operations out in a world of fake tensors, each question once.

    Parameters
    ----------
    meet
        Told of each real tensor, but weights, before it is made fake for an operation that isn't looked up.
    """

    def __init__(self, fake: FakeTensorMode, meet: Callable[[torch.Tensor], None] = lambda tensor: None) -> None:
        self.fake, self.meet = fake, meet
        self.known: dict[tuple[Any, ...], Answer] = {}
        self.into: set[tuple[Any, ...]] = set()
        """Questions whose answer is the first argument, written into and of the form it had."""

    def __call__(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What ``func(*args, **kwargs)`` gives."""
        if func is _DEVICE and isinstance(args[0], FakeTensor):
            return args[0].fake_device
        writes = _writes_into_first(func)
        if not writes and not _follows_from_forms(func):
            return self._carried_out(func, args, kwargs)
        question = Question([func, torch.get_default_dtype(), torch.is_inference_mode_enabled(), *kwargs])
        question.add(args)
        question.add(kwargs.values())
        if not question.fake and func.is_view and isinstance(args[0], nn.Parameter):
            with unset_fake_temporarily():
                return func(*args, **kwargs)  # inside a function that then reads it, as ``linear`` does
        if not question.fake or not question.clear:
            return self._carried_out(func, args, kwargs)
        key = tuple(question.parts)
        if writes:
            return self._written(key, func, args, kwargs)
        answer = self.known.get(key)
        if answer is not None and all(
            f is None or f.view_of is None or isinstance(args[f.view_of], FakeTensor) for f in answer.forms
        ):
            made = [None if f is None else self._made(f, args) for f in answer.forms]
            return made[0] if answer.kind is None else answer.kind(made)
        result = self._carried_out(func, args, kwargs) if func.is_view else self._on_forms(func, args, kwargs)
        if (learned := _answer(result, args)) is not None:
            self.known[key] = learned
        return result

    def _written(self, key: tuple[Any, ...], func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        first, known = args[0], isinstance(args[0], FakeTensor)
        if known and key in self.into:
            return first  # there is no data that could be written
        before = first.shape, first.stride(), first.storage_offset()
        result = self._on_forms(func, args, kwargs) if known else self._carried_out(func, args, kwargs)
        if result is first and before == (first.shape, first.stride(), first.storage_offset()):
            self.into.add(key)
        return result

    def _on_forms(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The same for what gives no view of a real tensor: a fake one of its form does, and is made in a tenth of the time
        that its twin takes.
        """
        leaves, spec = flatten((args, kwargs))
        held = [
            self._made(Form(t.shape, t.stride(), t.dtype, t.device, int(t.storage_offset()), None), args)
            if isinstance(t, torch.Tensor) and not isinstance(t, FakeTensor)
            else t
            for t in leaves
        ]
        args, kwargs = unflatten(held, spec)
        return func(*args, **kwargs)

    def _carried_out(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for t in leaves_of((args, kwargs)):
            if isinstance(t, torch.Tensor) and not isinstance(t, FakeTensor | nn.Parameter):
                self.meet(t)
        return func(*args, **kwargs)

    def _made(self, form: Form, args: tuple[Any, ...]) -> FakeTensor:
        storage = None if form.view_of is None else args[form.view_of].untyped_storage()
        with in_kernel_invocation_manager(self.fake):
            if storage is None:
                tensor = torch.empty_strided(form.shape, form.stride, dtype=form.dtype, device="meta")
            else:
                tensor = torch.empty(0, dtype=form.dtype, device="meta")
                tensor.set_(storage, form.offset, form.shape, form.stride)
        return FakeTensor(self.fake, tensor, form.device)


def _answer(result: Any, args: tuple[Any, ...]) -> Answer | None:
    """What to keep of a result; None where it isn't told by forms."""
    several = isinstance(result, (tuple, list))
    storages = {a.untyped_storage()._cdata: i for i, a in enumerate(args) if isinstance(a, FakeTensor)}
    forms: list[Form | None] = []
    for t in result if several else (result,):
        if t is None:
            forms.append(None)
            continue
        if not isinstance(t, FakeTensor) or t.constant is not None or t.layout is not torch.strided:
            return None
        if t.dtype.is_complex or t.is_neg() or any(t is a for a in args):
            return None
        view_of = storages.get(t.untyped_storage()._cdata)
        if view_of is None and t.storage_offset():
            return None
        forms.append(Form(t.shape, t.stride(), t.dtype, t.fake_device, int(t.storage_offset()), view_of))
    return Answer(type(result) if several else None, tuple(forms))


@cache
def _writes_into_first(func: Any) -> bool:
    """Whether an operation writes into its first argument alone and gives that, as ``mul_`` does."""
    if not isinstance(func, torch._ops.OpOverload) or func.namespace != "aten" or not func._schema.name.endswith("_"):
        return False
    marked = [a.alias_info is not None and a.alias_info.is_write for a in func._schema.arguments]
    telling = any(tag in func.tags for tag in _TELLING_TAGS)
    return marked[:1] == [True] and sum(marked) == 1 == len(func._schema.returns) and not telling


@cache
def _follows_from_forms(func: Any) -> bool:
    """Whether the form of what an operation gives follows from the forms of its arguments."""
    return (
        isinstance(func, torch._ops.OpOverload)
        and func.namespace == "aten"
        and not func._schema.is_mutable
        and not func._schema.name.startswith("aten::lift")
        and not any(tag in func.tags for tag in _TELLING_TAGS)
    )
