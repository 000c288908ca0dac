"""Everything about a network and the process that looking at it must leave as it was."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.utils.checkpoint
from torch._subclasses.fake_tensor import FakeTensor
from torch.nn.modules import module as torch_module


def everything(module: nn.Module, *tensors: torch.Tensor) -> dict[str, Any]:
    """What can be compared before and after: names to plain data or copies."""
    found: dict[str, Any] = {}
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if not nn.parameter.is_lazy(tensor):
            found[f"content of {name}"] = tensor.detach().clone()
        found[f"form of {name}"] = (
            id(tensor),
            tensor.requires_grad,
            tensor.is_leaf,
            None if tensor.is_inference() else tensor._version,
        )
        found[f"gradient of {name}"] = None if tensor.grad is None else (id(tensor.grad), tensor.grad.clone())
    for name, part in module.named_modules():
        found[f"class and mode of {name!r}"] = (type(part), part.training)
        for key, value in vars(part).items():
            found[f"attribute {key} of {name!r}"] = _described(value)
    found["chance"] = (
        torch.get_rng_state(),
        random.getstate(),
        [np.asarray(part) for part in np.random.get_state()[1:3]],
    )
    found["inputs"] = [
        (id(t), t.detach().clone(), t._version, t.requires_grad, None if t.grad is None else t.grad.clone())
        for t in tensors
    ]
    found["process"] = (
        torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu"), torch.get_default_dtype(),
        torch._C._len_torch_dispatch_stack(), torch._C._len_torch_function_stack(), len(torch_module._global_forward_hooks),
        len(torch_module._global_forward_pre_hooks), F.relu, torch.autograd.Function.__mro__[1].__dict__.get("apply"),
        torch.autograd.Function.__dict__.get("apply"), nn.Module.__call__, vars(torch.utils.checkpoint.CheckpointFunction).get("apply"),
    )  # fmt: skip
    return found


def _described(value: Any) -> Any:
    """Identity of an object; of a container also what it holds."""
    if isinstance(value, dict):
        return id(value), [(k, _described(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return id(value), [_described(v) for v in value]
    return value if isinstance(value, (int, float, str, bool, type(None))) else id(value)


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What is no longer as it was, by name."""
    return [name for name in {**before, **after} if not _same(before.get(name, "absent"), after.get(name, "absent"))]


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a.nan_to_num(), b.nan_to_num())
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and a == b


def fake_left(module: nn.Module) -> list[str]:
    """Attributes under which something without data was left, however deep."""
    return [
        f"{name}.{key}"
        for name, part in module.named_modules()
        for key, value in vars(part).items()
        if _holds_fake(value, 4)
    ]


def _holds_fake(value: Any, depth: int) -> bool:
    if isinstance(value, FakeTensor):
        return True
    if depth and isinstance(value, dict):
        return any(_holds_fake(v, depth - 1) for v in value.values())
    return bool(depth) and isinstance(value, (list, tuple)) and any(_holds_fake(v, depth - 1) for v in value)
