"""A fused graph gives what the graph gives, with fewer operations."""

from dataclasses import replace

import pytest
import torch
import torch.nn as nn
from small import source_of
from torch.nn import functional as F

from seethrough.graph.execute import execute
from seethrough.graph.fast import packed
from seethrough.graph.fast.convolution import Convolution
from seethrough.graph.fast.fused import fused
from seethrough.graph.walk import Forward

X = torch.randn(4, 3, 17, 17, generator=torch.Generator().manual_seed(0))


def lively(module: nn.Module) -> nn.Module:
    """Statistics and scales that fold to something."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            for tensor in (part.running_mean, part.weight, part.bias):
                tensor.data.normal_()
            part.running_var.data.uniform_(0.5, 2)
    return module.eval().requires_grad_(False)


class Bottleneck(nn.Module):
    """A residual block whose shortcut is a convolution too, an uneven padding, and a sum that is read twice."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.na = nn.Conv2d(3, 8, 3, 2, bias=False), nn.BatchNorm2d(8)
        self.b, self.nb = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False), nn.BatchNorm2d(8)
        self.c, self.nc = nn.Conv2d(8, 12, 1), nn.BatchNorm2d(12)
        self.down, self.nd = nn.Conv2d(3, 12, 1, 2), nn.BatchNorm2d(12)
        self.gate, self.out = nn.Conv2d(12, 12, 1), nn.Linear(12, 5)

    def forward(self, x):
        y = F.relu6(self.na(self.a(F.pad(x, (0, 2, 0, 2)))))
        y = F.hardswish(self.nb(self.b(y)))
        y = F.relu(self.nc(self.c(y)) + self.nd(self.down(x)))
        y = y * torch.sigmoid(self.gate(y.mean((2, 3), keepdim=True)))
        y = y.transpose(1, 2).reshape(len(y), -1, 12)
        return self.out(y).mean(1)


class Normalised(nn.Module):
    """Normalisations that can't be folded: one before its convolution, and one whose input is read by others."""

    def __init__(self) -> None:
        super().__init__()
        self.n, self.a = nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3, padding="same")
        self.m, self.b = nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")

    def forward(self, x):
        y = self.a(F.relu(self.n(x)))
        return (y + self.m(y) - F.leaky_relu(self.b(y), 0.3)).flatten(1)[:, :7]


NETWORKS = {"a bottleneck": Bottleneck, "normalised": Normalised}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("gradients", [False, True])
def test_fused_is_plain(name, dtype, gradients):
    torch.manual_seed(0)
    network = lively(NETWORKS[name]()).to(dtype)
    x = X.to(dtype)
    graph = source_of(network).proved(x)
    end, start = graph.output.value, graph.input.value
    other = fused(graph, [end], gradients=gradients)
    assert len(other) < len(graph) or (gradients and name == "normalised")  # where there is nothing to fold
    found, expected = (execute(g, {start: x}, [end])[end] for g in (other, graph))
    assert (found - expected).abs().max() <= (1e-6 if dtype is torch.float32 else 1e-13) * expected.abs().max()
    if gradients:
        seed = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
        one, two = (Forward(g, {start: x}, [end]).walk({end: seed}, [start])[start] for g in (other, graph))
        assert (one - two).abs().max() <= (2e-6 if dtype is torch.float32 else 1e-13) * two.abs().max()


def test_a_bottleneck_is_five_convolutions():
    """Normalisations, rectifiers, the sum and the uneven padding are in them."""
    torch.manual_seed(0)
    graph = source_of(lively(Bottleneck())).proved(X)
    other = fused(graph, [graph.output.value])
    convolutions = [o for o in other if isinstance(o.function, Convolution)]
    assert len(convolutions) == 5 and not {"batch_norm", "relu", "relu6", "add", "pad"} & {o.name for o in other}
    assert [len(o.inputs) for o in convolutions].count(2) == 1


@pytest.mark.skipif(not packed.packs(torch.zeros(4, 3, 3, 3)), reason="no oneDNN in this torch")
def test_no_folded_weight_stays_beside_what_is_laid_out_of_it():
    torch.manual_seed(0)
    network = lively(Bottleneck())
    graph = source_of(network).proved(X)
    other = fused(graph, [graph.output.value])
    execute(other, {graph.input.value: X}, [graph.output.value])
    own = {p.data_ptr() for p in network.parameters()}
    convolutions = [o.function for o in other if isinstance(o.function, Convolution)]
    assert any(c.scale is not None for c in convolutions)
    assert all(c.weight.data_ptr() in own and "_kept" not in vars(c) for c in convolutions)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_for_one_picture_what_is_folded_in_is_multiplied_afterwards(dtype):
    torch.manual_seed(0)
    graph = source_of(lively(Bottleneck()).to(dtype)).proved(X.to(dtype))
    given, end = {graph.input.value: X.to(dtype)}, graph.output.value
    other = fused(graph, [end])
    steps = [
        replace(o, function=replace(o.function, once=True)) if isinstance(o.function, Convolution) else o for o in other
    ]
    alone = replace(other, operations=steps)
    found, expected = (execute(g, given, [end])[end] for g in (alone, graph))
    assert (found - expected).abs().max() <= (1e-6 if dtype is torch.float32 else 1e-13) * expected.abs().max()
    for function in (o.function for o in alone if isinstance(o.function, Convolution)):
        assert function.laid_out is None and "_transformed" not in vars(function)
        assert vars(function).get("_kept", function.weight) is function.weight  # nothing folded, that is


def test_what_is_wanted_stays():
    """A value that somebody asks for isn't folded away."""
    torch.manual_seed(0)
    graph = source_of(lively(Bottleneck())).proved(X)
    wanted = [o.outputs[0] for o in graph if o.name in ("conv2d", "batch_norm", "relu", "add")]
    other = fused(graph, [graph.output.value, *wanted])
    given = {graph.input.value: X}
    for v, t in execute(other, given, wanted).items():
        assert torch.allclose(t, execute(graph, given, [v])[v], atol=2e-5)


def test_fused_from_the_middle():
    torch.manual_seed(0)
    graph = source_of(lively(Bottleneck())).proved(X)
    start, end = graph.place("b").value, graph.output.value
    values = execute(graph, {graph.input.value: X}, [start, end, graph.place("nd").value])
    given = {start: values[start], graph.place("nd").value: values[graph.place("nd").value]}
    other = fused(graph, [end], given)
    assert torch.allclose(execute(other, given, [end])[end], values[end], atol=1e-5)
