"""The value before the head is found in the graph, however the head is built, and equals what a hook sees."""

import pytest
import torch
from torch import nn

from seethrough.errors import UsageError
from seethrough.gallery.head import vector_of
from seethrough.graph.execute import execute
from wall_material import Sees, network, pictures


class Squeezed(nn.Module):
    """A 1 × 1 convolution gives the outputs, which are rectified and pooled, as in SqueezeNet."""

    def __init__(self):
        super().__init__()
        self.features = nn.Conv2d(3, 5, 3)
        self.last = nn.Conv2d(5, 4, 1)

    def forward(self, x):
        return self.last(self.features(x)).relu().mean((2, 3))


class Covering(nn.Module):
    """A convolution as large as what it is given, and a softmax behind it."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 6, 3), nn.AdaptiveMaxPool2d(4))
        self.last = nn.Conv2d(6, 4, 4)

    def forward(self, x):
        return self.last(self.features(x)).flatten(1).softmax(1)


class Deep(nn.Module):
    """Two linear layers: the input of the second is meant."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3 * 16 * 16, 7)
        self.last = nn.Linear(7, 4)

    def forward(self, x):
        return self.last(self.first(x.flatten(1)).relu())


def taken(module, layer=None, task=None):
    torch.manual_seed(0)
    net = network(module.eval(), classes=None, task=task)
    prepared = net.prepare(list(pictures(3)))
    graph = net.source.proved(prepared.batch)
    vector = vector_of(graph, layer, task)
    value = execute(graph, net.source.given(graph, prepared.batch), [vector.place.value])[vector.place.value]
    return vector, vector.of(value), prepared.batch


@pytest.mark.parametrize("kind", [Sees, Squeezed, Covering, Deep])
def test_it_is_what_goes_into_the_last_linear_layer(kind):
    module = kind()
    seen = []
    last = module.head if kind is Sees else module.last
    _, vectors, batch = taken(module)
    handle = last.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad():
        module(batch)
    handle.remove()
    wanted = seen[0].flatten(2).mean(2) if seen[0].dim() > 2 else seen[0]
    assert vectors.shape == wanted.shape and torch.allclose(vectors, wanted, atol=1e-6)


def test_a_network_without_a_head_gives_its_outputs():
    module = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    vector, vectors, batch = taken(module)
    assert vector.name == "" and torch.allclose(vectors, module(batch), atol=1e-6)


def test_the_outputs_of_an_embedding_network_are_the_embedding():
    module = Deep()
    _, vectors, batch = taken(module, task="embedding")
    assert torch.allclose(vectors, module(batch), atol=1e-6)


def test_a_layer_by_name_is_pooled_over_its_places():
    module = Squeezed()
    vector, vectors, batch = taken(module, "features")
    assert vector.name == "features"
    assert torch.allclose(vectors, module.features(batch).mean((2, 3)), atol=1e-6)


def test_an_unknown_layer_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="features"):
        taken(Squeezed(), "featurs")
