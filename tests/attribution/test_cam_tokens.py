"""Class activation maps and attention of real transformers (little ones, with weights drawn at random): the grid is found
on the graph, whatever stands beside the patches, and nothing is asked of the person.
"""

import numpy as np
import pytest
import torch

import seethrough as st
from seethrough.attribution import METHODS
from seethrough.attribution.layers import last_spatial
from seethrough.models.torchvision_import import make_torchvision_importable

make_torchvision_importable()  # transformers and timm import it

SIDE = 32
X = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
SMALL = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
VISION = {**SMALL, "image_size": SIDE, "patch_size": 8}


def hugging_face(name, attention="sdpa", **more):
    transformers = pytest.importorskip("transformers", reason="transformers isn't installed (the extra 'hf')")
    config = getattr(transformers, f"{name}Config")(**(more or VISION), num_labels=3)
    config._attn_implementation = attention
    return getattr(transformers, f"{name}ForImageClassification")(config)


def two_towers(name, attention="sdpa"):
    """The picture's half of CLIP or SigLIP, with a classifier."""
    transformers = pytest.importorskip("transformers", reason="transformers isn't installed (the extra 'hf')")
    vision = getattr(transformers, f"{name}VisionConfig")(**VISION)
    text = getattr(transformers, f"{name}TextConfig")(
        **SMALL, vocab_size=60, bos_token_id=1, eos_token_id=2, pad_token_id=0
    )
    config = getattr(transformers, f"{name}Config")(vision_config=vision, text_config=text, num_labels=3)
    config._attn_implementation = attention
    return getattr(transformers, f"{name}ForImageClassification")(config)


def timm(name, **more):
    library = pytest.importorskip("timm", reason="timm isn't installed (the extra 'vision')")
    return library.create_model(name, img_size=SIDE, num_classes=3, **more)


def torchvision():
    models = pytest.importorskip("torchvision.models", reason="torchvision isn't installed (the extra 'vision')")
    return models.VisionTransformer(SIDE, 8, 2, 2, 24, 32, num_classes=3)


THIN = {"embed_dim": 24, "num_heads": 2, "depth": 2}
SWIN = {"embed_dim": 12, "depths": [2, 2], "num_heads": [2, 2], "window_size": 2, "patch_size": 4, "image_size": SIDE}
NETWORKS = {
    "ViT": (lambda: hugging_face("ViT"), 4),
    "ViT, attention written out": (lambda: hugging_face("ViT", "eager"), 4),
    "DeiT": (lambda: hugging_face("DeiT"), 4),
    "DINOv2": (lambda: hugging_face("Dinov2"), 4),
    "DINOv2 with registers": (lambda: hugging_face("Dinov2WithRegisters"), 4),
    "Swin": (lambda: hugging_face("Swin", **SWIN), 4),
    "CLIP": (lambda: two_towers("CLIP"), 4),
    "SigLIP": (lambda: two_towers("Siglip"), 4),
    "timm's ViT": (lambda: timm("vit_tiny_patch16_224", patch_size=8, **THIN), 4),
    "timm's DeiT, distilled": (lambda: timm("deit_tiny_distilled_patch16_224", patch_size=8, **THIN), 4),
    "timm's DINOv2 with registers": (lambda: timm("vit_small_patch14_reg4_dinov2", patch_size=8, **THIN), 4),
    "timm's SigLIP": (lambda: timm("vit_base_patch16_siglip_224", patch_size=8, **THIN), 4),
    "timm's Swin": (
        lambda: timm(
            "swin_tiny_patch4_window7_224", window_size=4, embed_dim=12, depths=(2, 2), num_heads=(2, 2), patch_size=2
        ),
        8,
    ),
    "torchvision's ViT": (torchvision, 4),
}
WINDOWS = ("Swin", "timm's Swin")
FAST = {"scorecam": 4, "sscam": 4, "iscam": 4}


@pytest.fixture(scope="module", params=NETWORKS)
def case(request):
    torch.manual_seed(0)
    build, side = NETWORKS[request.param]
    module = build().eval()
    for parameter in module.parameters():  # zeros and ones of a fresh network would hide a wrong order of places
        if parameter.requires_grad:
            parameter.data += 0.05 * torch.randn(parameter.shape)
    return request.param, st.open(module, input_size=(3, SIDE, SIDE), classes=["a", "b", "c"]), side


def options(name):
    tuned = {"channels": FAST[name]} if name in FAST else {}
    return {
        **tuned,
        **{"sscam": {"samples": 1}, "iscam": {"steps": 2}, "smooth_gradcam_pp": {"samples": 2}}.get(name, {}),
    }


def test_all_class_activation_maps_stand_on_the_grid_of_the_patches(case):
    _, net, side = case
    names = [n for n, m in METHODS.items() if m.family == "class activation" and n not in ("cam", "guided_gradcam")]
    layer = last_spatial(net.source.written(X))
    for name in names:
        found = getattr(st, name)(net, X, target="b", **options(name))
        on_picture = (SIDE, SIDE) if name == "groupcam" else (side, side)
        assert found.layer == layer and found.values.shape == (1, *on_picture)
        assert np.isfinite(found.values).all() and found.map.shape == (1, SIDE, SIDE)


def test_the_layer_found_matters_at_every_place(case):
    """Behind it, a class token alone would have a gradient, and every map would be flat."""
    _, net, _ = case
    found = st.reciprocam(net, X, target="b", spread=False)
    assert (found.values != 0).all() and not any(note.name == "flat_map" for note in found.checks)


def test_a_map_written_out_from_the_layers_own_tensor_is_the_same(case):
    """With the layer's tensor taken by a hook, and which of its tokens are patches told by changing one pixel."""
    name, net, side = case
    graph, module = net.source.written(X), net.module
    path = last_spatial(graph)
    if path not in dict(module.named_modules()):
        pytest.skip(f"of {name} the layer is an operation, which no hook reaches")
    kept = {}

    def keep(_, __, out):
        kept["a"] = out if isinstance(out, torch.Tensor) else out[0]

    hook = module.get_submodule(path).register_forward_hook(keep)
    out = module(X)
    logits = out if isinstance(out, torch.Tensor) else out.logits
    (g,) = torch.autograd.grad(logits[0, 1], kept["a"])
    hook.remove()
    a = kept["a"].detach()
    if a.dim() == 4:
        a, g = (each.permute(0, 3, 1, 2) if each.shape[1] == side else each for each in (a, g))
    else:
        extra = a.shape[1] - side * side
        a, g = (each[:, extra:].transpose(1, 2).unflatten(2, (side, side)) for each in (a, g))
    for method, weighted in (("gradcam", g.mean((2, 3), keepdim=True) * a), ("hirescam", g * a)):
        expected = weighted.sum(1).clamp(min=0).numpy()
        found = getattr(st, method)(net, X, target="b").values
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * max(np.abs(weighted).max(), 1e-6))


def test_attention_is_read_whoever_wrote_it(case):
    name, net, side = case
    names = ["legrad", "attention_gradcam", *([] if name in WINDOWS else ["attention_rollout", "generic_attention"])]
    for method in names:
        found = getattr(st, method)(net, X, target="b")
        assert found.values.shape == (1, side, side) and np.isfinite(found.values).all()
        if method != "attention_gradcam":  # whose heads may all speak against a target
            assert (found.values > 0).all() if method == "attention_rollout" else (found.values > 0).any()


def test_the_rollout_knows_the_grid_where_places_are_wide_and_low():
    library = pytest.importorskip("timm", reason="timm isn't installed (the extra 'vision')")
    torch.manual_seed(0)
    module = library.create_model("vit_tiny_patch16_224", img_size=(16, 40), patch_size=8, num_classes=3, **THIN).eval()
    found = st.attention_rollout(st.open(module, input_size=(3, 16, 40)), torch.randn(1, 3, 16, 40), target=1)
    assert found.values.shape == (1, 2, 5)


def test_attention_given_by_transformers_itself_rolls_out_to_the_same_map():
    transformers = pytest.importorskip("transformers", reason="transformers isn't installed (the extra 'hf')")
    torch.manual_seed(0)
    config = transformers.Dinov2WithRegistersConfig(**VISION, num_labels=3, attn_implementation="eager")
    module = transformers.Dinov2WithRegistersForImageClassification(config).eval()
    with torch.no_grad():
        given = module(X, output_attentions=True).attentions
        product = torch.eye(21)
        for a in given:
            product = (a.mean(1) + torch.eye(21)) / 2 @ product
    rows = product[:, [0, *range(5, 21)]].mean(1)  # its classifier reads the class token and the patches
    found = st.attention_rollout(st.open(module, input_size=(3, SIDE, SIDE)), X, target=1).values
    np.testing.assert_allclose(found, rows[:, 5:].reshape(1, 4, 4), rtol=1e-4)


def test_fused_and_written_out_attention_of_one_network_have_the_same_maps():
    transformers = pytest.importorskip("transformers", reason="transformers isn't installed (the extra 'hf')")
    maps = []
    for attention in ("sdpa", "eager"):
        torch.manual_seed(0)
        config = transformers.ViTConfig(**VISION, num_labels=3, attn_implementation=attention)
        net = st.open(transformers.ViTForImageClassification(config).eval(), input_size=(3, SIDE, SIDE))
        names = ("attention_rollout", "generic_attention", "attention_gradcam", "legrad", "gradcam", "shapleycam")
        maps.append([getattr(st, name)(net, X, target=1).values for name in names])
    for one, other in zip(*maps):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5 * np.abs(one).max())
