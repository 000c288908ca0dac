"""One pixel, one place: where a network's own tensors change when a single pixel does, independently of the graph.

A transformer is run as it is, but that nothing in it mixes places: attention gives nothing, convolutions keep the taps of
their own stride, what pools a whole map gives nothing. Then a pixel reaches, in every layer at every depth, through every
window and shift, exactly the place it lies in. Where that is follows from the picture's and the map's size alone.
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

SDPA = F.scaled_dot_product_attention
PRODUCTS = (torch.matmul, torch.bmm, torch.einsum, torch.baddbmm, torch.Tensor.matmul, torch.Tensor.__matmul__)
WHOLE = (torch.mean, torch.Tensor.mean, torch.sum, torch.Tensor.sum, F.adaptive_avg_pool2d, torch.Tensor.bmm)
SPREADING = (F.group_norm, F.instance_norm, F.softmax, torch.softmax, torch.Tensor.softmax)


class NothingMixes(TorchFunctionMode):
    """While it is on, no function with a tensor lets one place know of another."""

    def __torch_function__(self, function, types, arguments=(), keywords=None):
        keywords = keywords or {}
        if function is F.conv2d:
            return self._convolved(*arguments, **keywords)
        if function in (F.max_pool2d, torch.max_pool2d, F.avg_pool2d):
            stride = keywords.get("stride", arguments[2] if len(arguments) > 2 else arguments[1])
            return F.max_pool2d(arguments[0], stride, stride, ceil_mode=True)
        if function in SPREADING:
            return arguments[0]
        result = function(*arguments, **keywords)
        if function is F.multi_head_attention_forward:
            return torch.zeros_like(result[0]), result[1]
        if function is SDPA or function in WHOLE or (function in PRODUCTS and _of_data(arguments) > 1):
            return torch.zeros_like(result)
        return result

    @staticmethod
    def _convolved(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        if not isinstance(padding, str) and max(weight.shape[2:]) > 1:
            kept = torch.zeros_like(weight)
            strides, pads = [(n, n) if isinstance(n, int) else tuple(n) for n in (stride, padding)]
            rows, columns = (slice(p, p + s) for p, s in zip(pads * 2 if len(pads) == 1 else pads, strides * 2))
            kept[:, :, rows, columns] = weight[:, :, rows, columns]
            weight = kept
        return F.conv2d(x, weight, bias, stride, padding, dilation, groups)


def _of_data(arguments):
    flat = [a for given in arguments for a in (given if isinstance(given, (list, tuple)) else [given])]
    return sum(isinstance(a, torch.Tensor) and not isinstance(a, torch.nn.Parameter) for a in flat)


def stirred(module, seed=0, by=0.1):
    """The module with noise on its weights: layers that begin as zero let nothing through."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in module.parameters():
            p.add_(by * torch.randn(p.shape, generator=generator))
    return module.eval()


def returned_by_layers(module, call, images):
    """What each layer returned (the first tensor of it) at its first call, by name."""
    kept, hooks = {}, []

    def keep(name):
        def hook(layer, given, out):
            kept.setdefault(name, first_tensor(out))

        return hook

    for name, layer in module.named_modules():
        if name:
            hooks.append(layer.register_forward_hook(keep(name)))
    try:
        with torch.no_grad():
            call(images)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: t for name, t in kept.items() if t is not None}


def first_tensor(out):
    """The first tensor of whatever a layer returns."""
    if isinstance(out, torch.Tensor):
        return out
    parts = out.values() if hasattr(out, "values") else out if isinstance(out, (list, tuple)) else ()
    return next((t for part in parts if (t := first_tensor(part)) is not None), None)


@dataclass
class Agreement:
    """Layers by what became of the pixel: in its place alone, nowhere, elsewhere; and those that have it at few of their
    numbers and yet no grid.
    """

    right: list = field(default_factory=list)
    untouched: list = field(default_factory=list)
    wrong: list = field(default_factory=list)
    without: list = field(default_factory=list)


def one_pixel(module, graph, size, pixels, call=None):
    """Change one pixel of the second of two pictures at a time, and see where each layer's own tensor changes, looked at
    through the graph's grid.
    """
    call, agreement = call or module, Agreement()
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(5))
    with NothingMixes():
        before = returned_by_layers(module, call, images)
    for row, column in pixels:
        changed = images.clone()
        changed[1, :, row, column] += 5
        with NothingMixes():
            after = returned_by_layers(module, call, changed)
        for name in before.keys() & after.keys() & graph.layers.keys():
            native = graph.native(name)
            if native is None or before[name].shape != after[name].shape or not before[name].is_floating_point():
                continue
            moved = native.back((after[name] - before[name]).abs())
            sort(agreement, graph, name, native.value, moved > 1e-7 * before[name].abs().max(), (row, column), size)
    return agreement


def sort(agreement, graph, name, value, moved, pixel, size):
    """One layer under one pixel."""
    grid = graph.grids.get(value)
    if grid is None:
        if moved.dim() > 2 and 0 < moved.float().mean() < 0.25:
            agreement.without.append(name)
        return
    found = grid.of(moved).any(1)
    expected = torch.zeros_like(found)
    expected[1, pixel[0] * grid.height // size[0], pixel[1] * grid.width // size[1]] = True
    others = moved.sum() != grid.of(moved).sum()
    if torch.equal(found, expected) and not others:
        agreement.right.append(name)
    elif not moved.any():
        agreement.untouched.append(name)
    else:
        agreement.wrong.append(name)
