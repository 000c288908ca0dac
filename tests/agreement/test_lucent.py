"""What torch-lucent's objectives say of a network's values, ours say too (with the other sign: it descends)."""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.features.cut import Cut
from seethrough.features.objectives import Channel, Cosine, Diversity, Neuron, Region
from seethrough.models.torchvision_import import make_torchvision_importable

pytest.importorskip("kornia", reason="torch-lucent isn't installed; it comes with the extra `bench`")
make_torchvision_importable()
theirs = pytest.importorskip(
    "lucent.optvis.objectives", reason="torch-lucent isn't installed; it comes with the extra `bench`"
)
LAYER = "2"
DIRECTION = np.linspace(-1, 1, 6, dtype=np.float32)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(), nn.Conv2d(5, 6, 3), nn.Tanh()).eval()


@pytest.fixture(scope="module")
def batch():
    return torch.randn(3, 3, 13, 12, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("ours", "peer"),
    [
        (Channel(LAYER, 4), lambda: theirs.channel(LAYER, 4)),
        (Neuron(LAYER, 4), lambda: theirs.neuron(LAYER, 4)),
        (Neuron(LAYER, 1, (7, 2)), lambda: theirs.neuron(LAYER, 1, x=2, y=7)),
        (Cosine(LAYER, DIRECTION), lambda: theirs.direction(LAYER, torch.from_numpy(DIRECTION))),
        (Region(LAYER, None, 1, 2, 4, 3), lambda: theirs.localgroup_weight(LAYER, None, x=2, y=1, wx=3, wy=4)),
        (
            Channel(LAYER, 0) - 0.5 * Channel("0", 3),
            lambda: theirs.channel(LAYER, 0) - 0.5 * theirs.channel("0", 3),
        ),
        (Diversity(LAYER), lambda: -theirs.diversity(LAYER)),
    ],
    ids=["channel", "neuron in the middle", "neuron", "direction", "region", "difference", "diversity"],
)
def test_objectives_give_the_same_numbers(network, batch, ours, peer):
    values: dict[str, torch.Tensor] = {}
    hooks = [
        layer.register_forward_hook(lambda module, given, out, name=name: values.__setitem__(name, out))
        for name, layer in network.named_children()
    ]
    with torch.no_grad():
        network(batch)
        expected = -float(peer()(values.__getitem__))  # of all pictures, the mean
    for hook in hooks:
        hook.remove()
    found = ours(Cut(st.open(network, input_size=(3, 13, 12)).source, ours.layers, batch).values(batch).__getitem__)
    assert float(found.mean()) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_noise_of_the_fourier_parametrization_is_theirs_up_to_the_colours():
    """The same coefficients make the same grey picture."""
    from lucent.optvis.param.spatial import fft_image

    from seethrough.features.parametrize import Fourier

    torch.manual_seed(0)
    (spectrum,), image = fft_image((1, 1, 16, 20), sd=1)
    canvas = Fourier().canvas((1, 1, 16, 20), torch.Generator())
    with torch.no_grad():
        canvas.parameters[0].copy_(spectrum)
        torch.testing.assert_close(canvas.picture(), torch.sigmoid(image()), atol=1e-5, rtol=0)
