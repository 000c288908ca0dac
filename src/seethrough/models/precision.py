"""Networks of few bits, explained in float32: half precision widened, quantized layers replaced by what they stand for.

A gradient through half precision is mostly rounding, and through integers there is none. So a network that computes in
less than float32 is explained in a copy that computes in float32 with the same weights; the person's own stays as it is,
and a note says so. Of a quantized network the copy has the quantized weights and no longer rounds what flows between
its layers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn as nn

from seethrough.errors import InputRefused
from seethrough.results import Note

WIDE = (torch.float32, torch.float64, torch.complex64, torch.complex128)

FOREIGN = ("bitsandbytes", "auto_gptq", "gptqmodel", "awq", "hqq", "quanto", "optimum")
"""Libraries whose quantized layers keep their weights in a form of their own."""


def in_float32(module: nn.Module) -> tuple[nn.Module, tuple[Note, ...]]:
    """The module as it is where it computes in float32 or float64; else a copy in float32, and a note.

    Returns
    -------
    module
        The person's own, or a copy of it on the same device.
    notes
        Empty, or ``explained_in_float32`` with ``dtype`` (what it computes in; several are joined with ``" and "``) and
        ``layers`` (how many).

    Raises
    ------
    InputRefused
        A quantized layer that can't be undone, or a module that can't be copied; names the layer.
    """
    narrow = dict(_narrow(module))
    if not narrow:
        return module, ()
    for path, layer in module.named_modules():
        _refuse_foreign(path, layer)
    try:
        widened = copy.deepcopy(module)
    except Exception as error:  # by what the module keeps: RuntimeError, TypeError, a pickling error…
        kinds = " and ".join(sorted(set(narrow.values())))
        raise InputRefused(
            f"{type(module).__name__} computes in {kinds} and can't be copied to be explained in float32 "
            f"({str(error).splitlines()[0][:100]}); open module.float()."
        ) from error
    widened = _dequantized(widened, type(module).__name__)
    for layer in widened.modules():
        _widen(layer)
    kinds = " and ".join(sorted(set(narrow.values())))
    return widened, (Note("explained_in_float32", "info", {"dtype": kinds, "layers": len(narrow)}),)


def _narrow(module: nn.Module) -> Iterator[tuple[str, str]]:
    """Path of every layer that computes in less than float32, with what it computes in."""
    for path, layer in module.named_modules():
        if _is_quantized(layer):
            weight: Any = getattr(layer, "weight", None)
            if callable(weight):
                kept: Any = weight()
                yield path, _name(kept.dtype)
            continue
        own: tuple[torch.Tensor, ...] = (*layer.parameters(recurse=False), *layer.buffers(recurse=False))
        for tensor in own:
            if tensor.is_quantized or _is_packed(tensor) or (tensor.is_floating_point() and tensor.dtype not in WIDE):
                yield path, _name(tensor.dtype)
                break
        else:
            if any(word in type(layer).__module__.split(".") for word in FOREIGN):
                yield path, type(layer).__name__


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _is_quantized(layer: nn.Module) -> bool:
    """Whether this is one of PyTorch's own quantized layers."""
    home = type(layer).__module__
    wide = type(layer).__name__.endswith("FloatFunctional") or "reference" in home
    return home.startswith("torch.ao.nn") and "quantized" in home and not wide


def _is_packed(tensor: torch.Tensor) -> bool:
    """Whether this is a tensor of few bits that passes for a wide one, as torchao has them."""
    kind = type(tensor)
    return kind.__module__.partition(".")[0] == "torchao" and hasattr(tensor, "dequantize")


def _refuse_foreign(path: str, layer: nn.Module) -> None:
    home = type(layer).__module__.split(".")
    if any(word in home for word in FOREIGN):
        raise InputRefused(
            f"The layer {path or 'itself'} is a {type(layer).__name__} of {home[0]}, whose weights Seethrough can't read; "
            "load the network in bfloat16 or float32."
        )


def _widen(layer: nn.Module) -> None:
    """Turn a layer's own tensors to float32 in place."""
    for own in (layer._parameters, layer._buffers):
        for name, tensor in list(own.items()):
            if tensor is None or not (tensor.is_quantized or _is_packed(tensor) or tensor.is_floating_point()):
                continue
            if tensor.is_quantized or _is_packed(tensor):
                wide = tensor.detach().dequantize().to(torch.float32)
                delattr(layer, name)
                if own is layer._parameters:
                    layer.register_parameter(name, nn.Parameter(wide, requires_grad=False))
                else:
                    layer.register_buffer(name, wide)
            elif tensor.dtype not in WIDE:
                tensor.data = tensor.data.to(torch.float32)  # the same parameter, which may be shared


def _dequantized(module: nn.Module, name: str) -> nn.Module:
    """The module with every quantized layer replaced by the one it stands for."""
    if _is_quantized(module):
        return _stood_for(name, module)
    for path, layer in list(module.named_children()):
        setattr(module, path, _dequantized(layer, f"{name}.{path}"))
    if isinstance(module, torch.fx.GraphModule):
        _without_quantizing(module)
    return module


def _stood_for(path: str, layer: nn.Module) -> nn.Module:
    name = type(layer).__name__
    make = STAND_FOR.get(name)
    if make is None:
        raise InputRefused(
            f"The layer {path.partition('.')[2] or path} is a quantized {name}, which Seethrough can't turn into float32; "
            "open the network as it was before it was quantized."
        )
    return make(layer)


def _linear(layer: Any) -> nn.Module:
    weight, bias = layer.weight().dequantize().float(), layer.bias()
    found = nn.Linear(layer.in_features, layer.out_features, bias=bias is not None)
    return _followed(_filled(found, weight, bias), layer)


def _convolution(layer: Any) -> nn.Module:
    weight, bias = layer.weight().dequantize().float(), layer.bias()
    dimensions = weight.dim() - 2
    transposed = "Transpose" in type(layer).__name__
    kind = getattr(nn, f"Conv{'Transpose' if transposed else ''}{dimensions}d")
    options = {name: getattr(layer, name) for name in ("stride", "padding", "dilation", "groups")}
    if transposed:
        options["output_padding"] = layer.output_padding
    else:
        options["padding_mode"] = layer.padding_mode
    found = kind(layer.in_channels, layer.out_channels, layer.kernel_size, bias=bias is not None, **options)
    return _followed(_filled(found, weight, bias), layer)


def _filled(found: nn.Module, weight: torch.Tensor, bias: torch.Tensor | None) -> nn.Module:
    with torch.no_grad():
        found.get_parameter("weight").copy_(weight)
        if bias is not None:
            found.get_parameter("bias").copy_(bias.detach().dequantize())
    return found.eval()


def _followed(found: nn.Module, layer: Any) -> nn.Module:
    """With the activation that was fused into the quantized layer."""
    name = type(layer).__name__
    if "LeakyReLU" in name:
        return nn.Sequential(found, nn.LeakyReLU(layer.negative_slope))
    if "Tanh" in name:
        return nn.Sequential(found, nn.Tanh())
    return nn.Sequential(found, nn.ReLU()) if "ReLU" in name else found


def _batch_norm(layer: Any) -> nn.Module:
    kind = nn.BatchNorm3d if "3d" in type(layer).__name__ else nn.BatchNorm2d
    found = kind(layer.num_features, layer.eps)
    found.load_state_dict({key: value for key, value in layer.state_dict().items() if key in found.state_dict()})
    return _followed(found.eval(), layer)


def _normalization(layer: Any) -> nn.Module:
    """The float layer that a quantized one derives from, with its weights."""
    kind = next(each for each in type(layer).__mro__ if each.__module__.startswith("torch.nn.modules"))
    found: nn.Module = object.__new__(kind)
    found.__dict__.update(layer.__dict__)
    return found


def _same(kind: type[nn.Module], *settings: str) -> Callable[[Any], nn.Module]:
    return lambda layer: kind(**{name: getattr(layer, name) for name in settings})


def _sums(layer: Any) -> nn.Module:
    """The sums and joins of a quantized network, which it does in a module."""
    from torch.ao.nn.quantized import FloatFunctional

    return FloatFunctional()


STAND_FOR: dict[str, Callable[[Any], nn.Module]] = {
    "Quantize": lambda _: nn.Identity(),
    "DeQuantize": lambda _: nn.Identity(),
    "QFunctional": _sums,
    **dict.fromkeys(("Linear", "LinearReLU", "LinearLeakyReLU", "LinearTanh"), _linear),
    **dict.fromkeys((f"{kind}{n}d" for kind in ("Conv", "ConvReLU", "ConvTranspose") for n in (1, 2, 3)), _convolution),
    **dict.fromkeys(("BatchNorm2d", "BatchNorm3d", "BNReLU2d", "BNReLU3d"), _batch_norm),
    **dict.fromkeys(("LayerNorm", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"), _normalization),
    "ReLU6": _same(nn.ReLU6),
    "Hardswish": _same(nn.Hardswish),
    "Sigmoid": _same(nn.Sigmoid),
    "Softmax": _same(nn.Softmax, "dim"),
    "ELU": _same(nn.ELU, "alpha"),
    "LeakyReLU": _same(nn.LeakyReLU, "negative_slope"),
    "Dropout": _same(nn.Dropout, "p"),
    "MaxPool2d": _same(nn.MaxPool2d, "kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode"),
}
"""From PyTorch's quantized layers, by class name, to the float layers that they stand for."""


def _without_quantizing(module: torch.fx.GraphModule) -> None:
    """Take the steps into integers and back out of a traced network's program."""
    for node in list(module.graph.nodes):
        target = str(node.target)
        if node.op == "call_function" and node.target is torch.quantize_per_tensor:
            node.replace_all_uses_with(node.args[0])
            module.graph.erase_node(node)
        elif node.op == "call_function" and "quantize" in target and "dequantize" not in target:
            raise InputRefused(
                f"The traced network computes {target} in integers, which Seethrough can't turn into float32; open the "
                "network as it was before it was quantized."
            )
    module.graph.lint()
    module.recompile()
