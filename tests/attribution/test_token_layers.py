"""Which layer of a transformer a class activation map is taken from, and that the map says where."""

import importlib.util

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.attribution.layers import is_spatial, last_spatial
from seethrough.errors import UsageError
from token_networks import ClassAttention, Swin, ViT

SIZE = (3, 24, 16)


@pytest.fixture(autouse=True)
def same_weights_each_time():
    torch.manual_seed(0)


def opened(network):
    return st.open(network.eval(), input_size=SIZE, classes=["ant", "bee", "cat", "dog", "eel"])


IMAGE = torch.rand(1, *SIZE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("build", "layer", "grid"),
    [
        (ViT, "blocks.2.norm1", (6, 4)),
        (lambda: ViT(extra=3), "blocks.2.norm1", (6, 4)),
        (lambda: ViT(mean=True), "norm", (6, 4)),
        (Swin, "norm", (6, 4)),
        (ClassAttention, "norm", (6, 4)),
    ],
)
def test_the_layer_found_is_the_last_whose_places_are_all_read(build, layer, grid):
    found = st.gradcam(opened(build()), IMAGE, target=1)
    assert found.layer == layer and found.values.shape == (1, *grid) and found.map.shape == (1, *SIZE[1:])
    assert [n.numbers["layer"] for n in found.checks if n.name == "layer_chosen"] == [layer]


@pytest.mark.parametrize("build", [ViT, lambda: ViT(mean=True), Swin, ClassAttention])
def test_a_gradient_reaches_every_place_of_the_layer_found(build):
    network = opened(build())
    graph = network.source.written(IMAGE)
    layer = last_spatial(graph)
    kept = {}
    hook = network.module.get_submodule(layer).register_forward_hook(lambda _, __, out: kept.update(out=out))
    (gradient,) = torch.autograd.grad(network.module(IMAGE)[0, 1], kept["out"])
    hook.remove()
    on_grid = graph.place(layer).of(graph.native(layer).back(gradient))
    assert (on_grid.abs().amax(1) > 0).all()


def test_behind_the_layer_found_the_class_token_alone_has_a_gradient():
    network = ViT().eval()
    kept = {}
    network.blocks[2].register_forward_hook(lambda _, __, out: kept.update(out=out))
    (gradient,) = torch.autograd.grad(network(IMAGE)[0, 1], kept["out"])
    assert gradient[:, 0].any() and not gradient[:, 1:].any()
    assert not st.gradcam(opened(network), IMAGE, target=1, layer="blocks.2").values.any()


def test_the_map_of_a_token_layer_is_gradcam_written_out():
    network = ViT(extra=2).eval()
    kept = {}
    hook = network.blocks[1].register_forward_hook(lambda _, __, out: kept.update(out=out))
    (g,) = torch.autograd.grad(network(IMAGE)[0, 3], kept["out"])
    hook.remove()
    a = kept["out"].detach()[:, 2:]
    expected = torch.relu((g[:, 2:].mean(1, keepdim=True) * a).sum(-1)).reshape(6, 4)
    found = st.gradcam(opened(network), IMAGE, target=3, layer="blocks.1").values[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_a_weight_of_attention_is_no_layer_for_a_map():
    graph = opened(ViT()).source.written(IMAGE)
    matrices = [o.path for o in graph if o.name in ("matmul", "softmax") and is_spatial(graph, o.path)]
    assert all("matmul:2" in path for path in matrices) and len(matrices) == 3
    with pytest.raises(UsageError, match="has no height and width"):
        st.gradcam(opened(ViT()), IMAGE, target=1, layer="head")


class Finder(nn.Module):
    """A transformer made by hand: a class token that asks for red, and hands on how red what it found is."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 3, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, 3))
        self.seen = nn.Identity()
        with torch.no_grad():
            self.patches.weight.copy_(torch.eye(3)[:, :, None, None].expand(3, 3, 4, 4) / 16)
            self.patches.bias.zero_()

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = self.seen(torch.cat([self.token.expand(len(x), -1, -1), x], 1))
        query = x[:, :1] + torch.tensor([20.0, -20.0, -20.0])
        found = torch.softmax(query @ x.transpose(1, 2), -1) @ x
        return torch.cat([found[:, 0, :1], -found[:, 0, :1], x[:, 0, :1]], 1)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (1, 3), (5, 1)])
def test_the_map_peaks_at_the_one_patch_that_the_answer_comes_from(row, column):
    image = 0.2 * torch.rand(1, *SIZE, generator=torch.Generator().manual_seed(2))
    image[:, 0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 1
    net = st.open(Finder().eval(), input_size=SIZE, classes=["red", "not red", "nothing"])
    found = st.gradcam(net, image, target="red")
    assert found.layer == "seen"
    assert np.unravel_index(found.values[0].argmax(), (6, 4)) == (row, column)
    assert np.unravel_index(found.map[0].argmax(), SIZE[1:])[0] // 4 == row


TIMM = {
    "vit_tiny_patch16_224": ({"depth": 2}, "blocks.1.norm1"),
    "deit_tiny_distilled_patch16_224": ({"depth": 2}, "blocks.1.norm1"),
    "vit_base_patch16_siglip_224": ({"depth": 2, "embed_dim": 48, "num_heads": 2}, "norm"),
    "cait_xxs24_224": ({"depth": 2, "depth_token_only": 2}, "blocks_token_only.1.norm1"),
}


@pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm isn't installed (the extra 'vision')")
@pytest.mark.parametrize("name", TIMM)
def test_of_timms_networks_it_is_the_last_before_the_class_token_has_asked(name):
    from seethrough.models.torchvision_import import make_torchvision_importable

    make_torchvision_importable()
    import timm

    settings, layer = TIMM[name]
    network = timm.create_model(name, img_size=64, num_classes=3, **settings)
    net = st.open(network.eval(), input_size=(3, 64, 64), classes=["a", "b", "c"])
    assert last_spatial(net.source.written(torch.zeros(1, 3, 64, 64))) == layer
