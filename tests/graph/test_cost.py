"""MACs against what the papers print and against sums written out by hand; sizes of values."""

import pytest
import torch
import torch.nn as nn
from torch.nn import functional as F

from seethrough.graph.canonical import canonical
from seethrough.graph.cost import count_macs, elements, size_in_bytes
from seethrough.graph.fakes import fake_tensors
from seethrough.graph.record import record
from seethrough.graph.unite import unite


def written_down(module, *size, canonically=False):
    """The graph of a network for inputs of this size."""
    paths, mode, example = (
        {id(m): name for name, m in module.eval().named_modules()},
        fake_tensors(),
        torch.zeros(1, *size),
    )
    graph = unite([record(module, module, example, batch=b, paths=paths, fake_mode=mode) for b in (2, 3)])
    return canonical(graph) if canonically else graph


def macs(module, *size, batch=1):
    plain, short = (count_macs(written_down(module, *size, canonically=c), batch) for c in (False, True))
    assert None not in plain and None not in short
    assert sum(plain) == sum(short), "canonical form multiplies as much"
    return sum(plain)


class Called(nn.Module):
    """A function as a network, with one more parameter so that it has a device."""

    def __init__(self, function, *modules):
        super().__init__()
        self.function, self.inside = function, nn.ModuleList(modules)

    def forward(self, x):
        return self.function(x, *self.inside)


class Bottleneck(nn.Module):
    """He et al. 2015, with the stride on the 3×3 convolution."""

    def __init__(self, channels, width, stride):
        super().__init__()
        norm, out = nn.BatchNorm2d, 4 * width
        self.conv1, self.bn1 = nn.Conv2d(channels, width, 1, bias=False), norm(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), norm(width)
        self.conv3, self.bn3 = nn.Conv2d(width, out, 1, bias=False), norm(out)
        change = stride > 1 or channels != out
        self.shortcut = (
            nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), norm(out)) if change else nn.Identity()
        )

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.shortcut(x))


def resnet(*depths):
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for k, depth in enumerate(depths):
        for i in range(depth):
            layers.append(Bottleneck(channels, 64 * 2**k, 2 if k and not i else 1))
            channels = 4 * 64 * 2**k
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000))


def vgg16():
    layers, channels = [], 3
    for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(depth):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    head = [nn.Linear(25088, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers, nn.Flatten(), *head)


@pytest.mark.parametrize(
    ("build", "parameters", "billions"),
    [
        (vgg16, 138_357_544, 15.47),
        (lambda: resnet(3, 4, 6, 3), 25_557_032, 4.09),
        (lambda: resnet(3, 8, 36, 3), 60_192_808, 11.51),
    ],
    ids=["VGG16", "ResNet-50", "ResNet-152"],
)
def test_known_networks_multiply_as_much_as_their_literature_says(build, parameters, billions):
    with torch.device("meta"):
        network = build()
    network = network.to_empty(device="cpu")  # memory that is never touched
    assert sum(p.numel() for p in network.parameters()) == parameters
    graph = written_down(network, 3, 224, 224)
    assert sum(n or 0 for n in count_macs(graph)) == pytest.approx(billions * 1e9, abs=5e6)


@pytest.mark.parametrize(
    ("layer", "size", "expected"),
    [
        (nn.Conv2d(6, 8, 3, padding=1), (6, 5, 7), 8 * 5 * 7 * 6 * 9),
        (nn.Conv2d(6, 8, 3, groups=2), (6, 5, 7), 8 * 3 * 5 * 3 * 9),
        (nn.Conv2d(6, 6, 3, groups=6, stride=2), (6, 5, 7), 6 * 2 * 3 * 9),
        (nn.Conv1d(4, 5, 3, dilation=2), (4, 9), 5 * 5 * 4 * 3),
        (nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), (4, 5, 5), 4 * 25 * 3 * 9),
        (nn.Linear(7, 3), (5, 7), 5 * 3 * 7),
        (nn.LSTM(4, 5, num_layers=2, batch_first=True), (9, 4), 9 * 4 * 5 * (4 + 5 + 5 + 5)),
        (nn.GRU(4, 5, bidirectional=True, batch_first=True), (9, 4), 9 * 2 * 3 * 5 * (4 + 5)),
        (nn.Sequential(nn.ReLU(), nn.BatchNorm2d(3), nn.MaxPool2d(2)), (3, 6, 6), 0),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, nn.Module) else None,
)
def test_layers_count_what_their_definition_says(layer, size, expected):
    assert macs(layer, *size) == expected
    assert macs(layer, *size, batch=4) == 4 * expected


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x @ torch.ones(8, 3), 6 * 3 * 8),
        (lambda x: torch.bmm(x, x.transpose(1, 2)), 6 * 6 * 8),
        (lambda x: torch.einsum("bnc,bmc->bnm", x, x), 6 * 6 * 8),
        (lambda x: torch.einsum("...nc,dc->...nd", x, torch.ones(5, 8)), 6 * 5 * 8),
        (lambda x: torch.tensordot(x, torch.ones(8, 4), dims=1), 6 * 8 * 4),
        (lambda x: F.scaled_dot_product_attention(x, x, x), 6 * 6 * (8 + 8)),
        (lambda x: F.bilinear(x, x, torch.ones(3, 8, 8)), 6 * 3 * 8 * 8),
        (lambda x: torch.addmm(torch.ones(8), x.flatten(0, 1), torch.ones(8, 8)), 6 * 8 * 8),
    ],
    ids=["matmul", "bmm", "einsum", "einsum with dots", "tensordot", "attention", "bilinear", "addmm"],
)
def test_products_count_their_contracted_length(function, expected):
    assert macs(Called(function), 6, 8) == expected


def test_attention_opened_or_in_one_piece_counts_the_same_with_its_projections():
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    for weights in (True, False):
        counted = macs(Called(lambda x, a, weights=weights: a(x, x, x, need_weights=weights)[0], attention), 6, 8)
        assert counted == 6 * 8 * 4 * 8 + 2 * 6 * 6 * 8


def test_an_unknown_operation_has_unknown_macs_not_none_at_all():
    graph = written_down(Called(lambda x: torch.fft.rfft(x).real @ torch.ones(5, 2)), 6, 8)
    counted = dict(zip((o.name for o in graph), count_macs(graph)))
    assert counted["fft_rfft"] is None
    assert counted["matmul"] == 6 * 5 * 2


def test_values_are_measured_at_any_batch_size():
    graph = written_down(nn.Conv2d(3, 4, 3, padding=1), 3, 5, 5)
    value = graph.values[graph.output.value]
    assert [elements(value, n) for n in (1, 7)] == [100, 700]
    assert size_in_bytes(value, 2) == 200 * 4
