"""Tokens that form a grid: found on the graph, given as (N, C, H, W) and back, and where there is any doubt not at all."""

import importlib.util

import pytest
import torch
from locality import one_pixel, stirred
from small import source_of
from torch import nn

from seethrough.graph.operations import Size
from seethrough.graph.run import Run
from token_networks import EveryOrder, Swin, ViT

SIDE = (24, 16)


@pytest.fixture(autouse=True)
def same_weights_each_time():
    torch.manual_seed(0)


def graph_of(network, size=SIDE, **noise):
    return source_of(stirred(network, **noise)).written(torch.zeros(1, 3, *size))


def of_layer(network, name, images):
    """What a layer of the network itself returns."""
    kept = {}
    hook = network.get_submodule(name).register_forward_hook(lambda _, __, out: kept.update({name: out}))
    with torch.no_grad():
        network(images)
    hook.remove()
    return kept[name]


# --- the right places -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", [lambda: ViT(2), Swin])
def test_a_pixel_is_in_its_place_in_every_layer_of_our_own_transformers(build):
    network = build()
    agrees(one_pixel(network, graph_of(network), SIDE, [(9, 2), (23, 13)]))


def agrees(found):
    """No layer has the pixel elsewhere or has it without a grid; those without it are the attentions', which were told to
    give nothing.
    """
    assert not found.wrong and not found.without
    assert len(found.right) >= 0.6 * (len(found.right) + len(found.untouched))


SMALL = {"img_size": 64, "depth": 2, "embed_dim": 48, "num_heads": 2}
WINDOWS = {"img_size": 64, "embed_dim": 24, "depths": (2, 2), "num_heads": (2, 2), "window_size": 4}
TIMM = {
    "vit_tiny_patch16_224": SMALL,
    "deit_tiny_distilled_patch16_224": SMALL,
    "vit_small_patch14_reg4_dinov2": {**SMALL, "img_size": 56},
    "vit_base_patch16_clip_224": SMALL,
    "vit_base_patch16_siglip_224": SMALL,
    "beit_base_patch16_224": SMALL,
    "eva02_tiny_patch14_224": {**SMALL, "img_size": 56},
    "swin_tiny_patch4_window7_224": WINDOWS,
    "swinv2_tiny_window8_256": WINDOWS,
    "hiera_tiny_224": {"img_size": (64, 64), "embed_dim": 24, "stages": (1, 1, 2, 1)},
    "cait_xxs24_224": {**SMALL, "depth_token_only": 2},
    "xcit_nano_12_p16_224": SMALL,
    "pvt_v2_b0": {"depths": (1, 1, 1, 1)},
    "mobilevitv2_050": {},
}
"""Built so small that all of it stays; only sizes and depths differ from the published ones."""


@pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm isn't installed (the extra 'vision')")
@pytest.mark.parametrize("name", TIMM)
def test_a_pixel_is_in_its_place_in_every_layer_of_timms(name):
    from seethrough.models.torchvision_import import make_torchvision_importable

    make_torchvision_importable()
    import timm

    side = TIMM[name].get("img_size", 64)
    size = side if isinstance(side, tuple) else (side, side)
    network = timm.create_model(name, **TIMM[name])
    agrees(one_pixel(network, graph_of(network, size), size, [(9, 50)]))


def small(**more):
    return {
        "hidden_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 96,
        "image_size": 64,
        "patch_size": 8,
        **more,
    }


def stages(**more):
    return {"image_size": 64, "hidden_sizes": [8, 16, 40, 64], "depths": [1, 1, 1, 1], **more}


def shifted(side, **more):
    return {
        "image_size": side,
        "patch_size": 2,
        "embed_dim": 24,
        "depths": [2, 2],
        "num_heads": [2, 2],
        "window_size": 4,
        **more,
    }


HUGGING_FACE = {
    "ViTConfig": small(),
    "Dinov2WithRegistersConfig": small(num_register_tokens=3),
    "SwinConfig": shifted(60),
    "PvtConfig": stages(),
    "SegformerConfig": stages(),
    "MobileViTV2Config": {"image_size": 64, "width_multiplier": 0.25},
}


@pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None, reason="transformers isn't installed (the extra 'hf')"
)
@pytest.mark.parametrize("name", HUGGING_FACE)
def test_a_pixel_is_in_its_place_in_every_layer_of_hugging_faces(name):
    from seethrough.models.torchvision_import import make_torchvision_importable

    make_torchvision_importable()
    import transformers

    settings = HUGGING_FACE[name]
    network = transformers.AutoModelForImageClassification.from_config(getattr(transformers, name)(**settings))
    size = (settings["image_size"],) * 2
    graph = graph_of(network, size, by=0.3)  # its weights begin so small that a pixel is lost in rounding
    agrees(one_pixel(network, graph, size, [(9, 50)], call=lambda x: network(x).logits))


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is None, reason="torchvision isn't installed")
@pytest.mark.parametrize("name", ["vit", "swin", "maxvit"])
def test_a_pixel_is_in_its_place_in_every_layer_of_torchvisions(name):
    from seethrough.models.torchvision_import import import_torchvision

    models = import_torchvision().models
    build = {
        "vit": lambda: models.VisionTransformer(64, 8, 2, 2, 48, 96),
        "swin": lambda: models.SwinTransformer([2, 2], 24, [2, 2], [2, 2], [4, 4]),
        "maxvit": lambda: models.MaxVit((64, 64), 8, 4, [8, 16], [1, 1], 8, 0.0),
    }[name]
    network = build()
    agrees(one_pixel(network, graph_of(network, (64, 64)), (64, 64), [(9, 50)]))


# --- (N, C, H, W) and back --------------------------------------------------------------------------------------------


def by_hand(name, t, n, h, w):
    """The layers of `EveryOrder` as (N, C, H, W), written out."""
    if name == "tokens":
        return t.reshape(n, h, w, -1).permute(0, 3, 1, 2)
    if name == "sequence_first":
        return t.reshape(h, w, n, -1).permute(2, 3, 0, 1)
    if name == "channels_first":
        return t.reshape(n, -1, h, w)
    if name == "heads":
        return t.transpose(2, 3).reshape(n, -1, h, w)
    if name == "windows":
        return t.reshape(n, h // 2, w // 2, 2, 2, -1).permute(0, 5, 1, 3, 2, 4).reshape(n, -1, h, w)
    if name == "windows_inside":
        return t.reshape(2, 2, n, h // 2, w // 2, -1).permute(2, 5, 3, 0, 4, 1).reshape(n, -1, h, w)
    return t.permute(0, 3, 1, 2)


@pytest.mark.parametrize("images", [1, 2, 3])
@pytest.mark.parametrize(
    "name", ["tokens", "sequence_first", "channels_first", "heads", "windows", "windows_inside", "merged"]
)
def test_tokens_in_whatever_order_are_the_map_written_out_by_hand(name, images):
    network = EveryOrder()
    graph = graph_of(network)
    value = of_layer(network, name, torch.rand(images, 3, *SIDE))
    h, w = (3, 2) if name == "merged" else (6, 4)
    place = graph.place(name)
    found = place.of(graph.native(name).back(value))
    assert torch.equal(found, by_hand(name, value, images, h, w))
    assert torch.equal(graph.native(name).of(place.back(found)), value)
    shape = place.shape(graph.values[place.value].shape)
    assert shape == (Size(1, 0), *found.shape[1:])
    assert place.shape(tuple(graph.native(name).back(value).shape)) == tuple(found.shape)


def test_class_and_register_tokens_are_left_out_and_given_back_as_zeros():
    network = ViT(extra=3)
    graph = graph_of(network)
    value = of_layer(network, "blocks.1", torch.rand(2, 3, *SIDE))
    place = graph.place("blocks.1")
    assert place.grid.others == (0, 1, 2)
    found = place.of(value)
    assert torch.equal(found, value[:, 3:].reshape(2, 6, 4, 8).permute(0, 3, 1, 2))
    back = place.back(found)
    assert torch.equal(back[:, 3:], value[:, 3:]) and not back[:, :3].any()


def test_padding_of_windows_is_no_place_and_undoing_a_shift_finds_each_where_it_was():
    network = Swin()
    graph = graph_of(network, (20, 28))
    grid = graph.place("stage1.1.attn").grid
    assert (grid.height, grid.width, grid.per_image) == (10, 14, 20) and len(grid.others) == 20 * 9 - 140
    value = of_layer(network, "stage1.1.attn", torch.rand(1, 3, 20, 28))
    rolled = value.reshape(4, 5, 3, 3, 8).transpose(1, 2).reshape(12, 15, 8).roll((1, 1), (0, 1))[:10, :14]
    assert torch.equal(grid.of(value)[0], rolled.permute(2, 0, 1))


def test_in_the_order_of_the_picture_a_map_is_a_view():
    network = ViT(extra=2)
    graph = graph_of(network)
    value = of_layer(network, "blocks.1", torch.rand(2, 3, *SIDE))
    found = graph.place("blocks.1").of(value)
    assert found.untyped_storage().data_ptr() == value.untyped_storage().data_ptr()


# --- where there is doubt ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shifted_sum", "weights", "flat"])
def test_what_belongs_to_several_places_has_no_grid(name):
    graph = graph_of(EveryOrder())
    assert graph.native(name).value not in graph.grids


class SharedQueries(nn.Module):
    """All windows ask with the same few queries."""

    def __init__(self):
        super().__init__()
        self.patches, self.asked = nn.Conv2d(3, 8, 4, 4), nn.Identity()

    def forward(self, x):
        m = self.patches(x)
        n, c, h, w = m.shape
        windows = m.reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 3, 5, 1).reshape(-1, 4, c)
        queries = nn.functional.max_pool2d(m, (h // 2, w // 2)).flatten(2).transpose(1, 2)
        queries = queries.repeat_interleave(h * w // 4, 0)
        asked = self.asked((queries @ windows.transpose(1, 2)).softmax(-1) @ windows)
        return asked.reshape(n, -1, c).mean(1)


def test_queries_shared_by_windows_do_not_tell_in_which_window_the_answer_is():
    graph = graph_of(SharedQueries())
    assert graph.native("asked").value not in graph.grids


def test_a_layer_without_places_keeps_its_own_shape():
    network = ViT()
    graph = graph_of(network)
    assert graph.place("head") == graph.native("head")


# --- gradients --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("build", "layer"), [(lambda: ViT(2), "blocks.2.norm1"), (Swin, "stage1.1.attn.proj")])
def test_the_gradient_on_the_grid_is_autograds_on_the_networks_own_tensor(build, layer):
    network = stirred(build())
    images = torch.rand(2, 3, *SIDE)
    source = source_of(network)
    run = Run(source, images, lambda out, rows: out[:, 1])
    kept = {}
    hook = network.get_submodule(layer).register_forward_hook(lambda _, __, out: kept.update(out=out))
    (expected,) = torch.autograd.grad(network(images)[:, 1].sum(), kept["out"])
    hook.remove()
    place = run.graph.place(layer)
    found = run.gradient(layer)
    assert found.dim() == 4 and found.abs().max() > 0
    own = run.graph.native(layer).back(expected)
    assert torch.allclose(found, place.of(own), rtol=1e-4, atol=1e-7)
    kept_tokens = place.back(torch.ones_like(found)) > 0
    assert torch.allclose(place.back(found), own * kept_tokens, rtol=1e-4, atol=1e-7)
