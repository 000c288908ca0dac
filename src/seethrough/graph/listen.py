"""Listening: hear when a module is called and when a person's own `autograd.Function` is applied.

Both are process-wide doors of torch, watched for the time of one recording; in other threads the watch is deaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import torch
import torch.nn as nn

from seethrough.graph.tree import flatten

if TYPE_CHECKING:
    from seethrough.graph.record import Recorder

_recorder: ContextVar[Recorder | None] = ContextVar("seethrough_recorder", default=None)


def _watched_call(original: Callable[..., Any]) -> Callable[..., Any]:
    """`nn.Module.__call__`, told to the recorder: around a person's own hooks, so that a layer's value is what its
    caller gets.
    """

    def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        recorder, output = _recorder.get(), None
        if recorder is None:
            return original(module, *args, **kwargs)
        recorder.enter(module, (args, kwargs))
        try:
            output = original(module, *args, **kwargs)
        except BaseException as error:
            recorder.fall(error)
            raise
        finally:
            recorder.leave(module, (args, kwargs), output)
        return output

    return call


def _watched_apply(original: Callable[..., Any]) -> Any:
    """`autograd.Function.apply` as one operation: its own backward is kept, its inside is not looked into."""

    def apply(cls: type[torch.autograd.Function], *args: Any, **kwargs: Any) -> Any:
        recorder = _recorder.get()
        if recorder is None:
            return original(cls, *args, **kwargs)
        flat, spec = flatten((args, kwargs))
        token = _recorder.set(None)
        recorder.begin(flat, False)
        try:
            with torch._C.DisableTorchFunction():
                result = original(cls, *args, **kwargs)
        finally:
            _recorder.reset(token)

        def function(*args: Any, **kwargs: Any) -> Any:
            return original(cls, *args, **kwargs)

        function.__name__, function.__module__ = cls.__name__, cls.__module__
        with torch._C.DisableTorchFunction():
            recorder.note(function, flat, spec, result, recorder.effects.written, recorder.effects.random)
        return result

    return classmethod(apply)


@contextmanager
def listening(recorder: Recorder) -> Iterator[None]:
    """Calls of modules and of autograd functions in this thread are told to the recorder."""
    called: Any = nn.Module.__call__
    nn.Module.__call__ = _watched_call(called)
    function = torch.autograd.Function
    owner = next(c for c in function.__mro__ if "apply" in vars(c))
    original = vars(owner)["apply"]
    owner.apply = _watched_apply(original.__func__)  # type: ignore[method-assign]
    token = _recorder.set(recorder)
    try:
        yield
    finally:
        _recorder.reset(token)
        owner.apply = original
        nn.Module.__call__ = called
