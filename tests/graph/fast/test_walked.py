"""A convolution by tiles is walked back by tiles, and hands down what calculus does."""

import pytest
import torch
import torch.nn as nn
from small import source_of
from torch.nn import functional as F

from seethrough.graph.fast import packed, winograd
from seethrough.graph.fast.choose import twin
from seethrough.graph.fast.convolution import Convolution
from seethrough.graph.fast.gradients import fused_for_gradients
from seethrough.graph.fast.walked import Walked, by_tiles
from seethrough.graph.walk import Forward

G = torch.Generator().manual_seed(0)
with_onednn = pytest.mark.skipif(not packed.packs(torch.zeros(4, 3, 3, 3)), reason="no oneDNN in this torch")


def parts(inputs=5, outputs=7):
    return torch.randn(outputs, inputs, 3, 3, generator=G), torch.randn(outputs, generator=G)


@pytest.mark.parametrize("size", [(4, 4), (5, 9), (14, 13), (1, 1)])
@pytest.mark.parametrize("may_transform", [True, False])
def test_its_answer_and_its_gradient_are_the_convolutions(size, may_transform):
    weight, bias = parts()
    x = torch.randn(3, 5, *size, generator=G, requires_grad=True)
    way = Walked(weight, bias, (1, 1), (1, 1, 1, 1), (1, 1), 1, may_pack=False, may_transform=may_transform)
    arrived = torch.randn(3, 7, *size, generator=G)
    exact = F.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    (right,) = torch.autograd.grad(exact, x, arrived.double())
    found = way(x)
    (share,) = torch.autograd.grad(found, x, arrived)
    assert (found - exact).abs().max() <= 1e-5 * exact.abs().max()
    assert (share - right).abs().max() <= 1e-5 * right.abs().max()


def test_it_is_for_large_planes_of_many_channels_where_that_pays_both_ways():
    def convolution(inputs, outputs, stride=1, pad=1, groups=1, dtype=torch.float32):
        weight = torch.zeros(outputs, inputs // groups, 3, 3, dtype=dtype)
        return Convolution(weight, None, (stride, stride), (pad,) * 4, (1, 1), groups)

    assert by_tiles(convolution(256, 256), 56, 56) and by_tiles(convolution(512, 512), 28, 28)
    assert winograd.pays(1, 24, 24, 512, 512) and not by_tiles(convolution(512, 512), 24, 24)
    assert not by_tiles(convolution(3, 512), 224, 224) and not by_tiles(convolution(512, 3), 224, 224)
    for other in ({"stride": 2}, {"pad": 0}, {"groups": 256}, {"dtype": torch.float64}):
        assert not by_tiles(convolution(256, 256, **other), 56, 56)


@with_onednn
def test_a_network_of_them_has_its_own_gradient():
    torch.manual_seed(0)
    wide = [nn.Conv2d(8, 256, 1), nn.ReLU(), nn.Conv2d(256, 256, 3, padding=1), nn.BatchNorm2d(256), nn.ReLU()]
    module = nn.Sequential(*wide, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 3)).eval()
    x = torch.randn(2, 8, 56, 56, generator=G)
    graph = source_of(module).proved(x, gradient=True)
    wanted, seed = graph.logits.value, torch.eye(3)[:2]
    other = fused_for_gradients(graph, [wanted])
    assert sum(isinstance(operation.function, Walked) for operation in other) == 1
    ways = [Forward(graph, {graph.input.value: x}, [wanted], by=by) for by in (other, None)]
    found, right = (way.walk({wanted: seed}, [graph.input.value])[graph.input.value] for way in ways)
    assert torch.allclose(ways[0].values[wanted], ways[1].values[wanted], rtol=1e-4, atol=1e-6)
    assert (found - right).norm() <= 1e-2 * right.norm()  # where rounding puts a unit beyond a rectifier's corner


@with_onednn
def test_a_twin_that_was_not_believed_is_made_again_without_tiles():
    module = nn.Sequential(nn.Conv2d(256, 256, 3, padding=1), nn.Flatten(), nn.Linear(256 * 28 * 28, 2)).eval()
    graph = source_of(module).written(torch.randn(1, 256, 28, 28, generator=G))
    for again in (False, True):
        made = twin(graph, [graph.logits.value], [graph.input.value], gradients=True, again=again)
        (walked,) = (operation.function for operation in made if isinstance(operation.function, Walked))
        assert walked.may_transform is not again
