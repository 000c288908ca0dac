"""Relevance of whole transformers is input × gradient of a network in which what counts as constant is detached."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

import seethrough as st
from seethrough.graph.composite import composite
from seethrough.graph.relevance import epsilon, gamma, stabilised
from seethrough.graph.run import Run
from token_networks import ClassAttention, Swin, ViT


def picture(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def relevance(module, x, target=0, **rules):
    """What the composite gives at the input, (N, …)."""
    net = st.open(module, input_size=tuple(x.shape[1:]))
    run = Run(net.source, x, lambda out, rows: out[:, target], keeps=True)
    layer = partial(epsilon, eps=1e-13)
    return run.gradient("", composite(run.graph, **{"convolution": layer, "linear": layer, **rules})).numpy()


class Detached(TorchFunctionMode):
    """Runs a network so that input × gradient is its relevance: an activation is its input times a constant, a spread is
    a constant, so is a gate, and each factor of a product is half of the product's derivative.
    """

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(function, "__name__", "")
        x = args[0] if args else None
        if name in ("gelu", "silu", "relu", "hardswish"):
            return (
                x * torch.where(x == 0, 0, function(x.clone(), *args[1:], **kwargs) / x).detach()
            )  # it may write into x
        if name == "sigmoid":  # only ever a gate here
            return function(x).detach()
        if name == "multi_head_attention_forward":
            return self.heads(*args, **kwargs), None
        if name == "layer_norm":
            shape = args[1]
            axes = tuple(range(-len(shape), 0))
            weight, bias, eps = ((*args, *[None] * 5)[i] for i in (2, 3, 4))
            weight, bias = kwargs.get("weight", weight), kwargs.get("bias", bias)
            eps = kwargs.get("eps", eps) or 1e-5
            centred = x - x.mean(axes, keepdim=True)
            y = centred / (centred.square().mean(axes, keepdim=True) + eps).sqrt().detach()
            return y if weight is None else y * weight + (0 if bias is None else bias)
        if name in ("matmul", "__matmul__", "bmm"):
            return halved(function, *args)
        if name == "normalize":
            return x / x.norm(dim=kwargs.get("dim", 1), keepdim=True).clamp_min(1e-12).detach()
        if name == "scaled_dot_product_attention":
            q, k, v = args[:3]
            scale = kwargs.get("scale") or q.shape[-1] ** -0.5
            scores = halved(torch.matmul, q, k.transpose(-2, -1)) * scale
            mask = args[3] if len(args) > 3 else kwargs.get("attn_mask")
            return halved(torch.matmul, (scores if mask is None else scores + mask).softmax(-1), v)
        return function(*args, **kwargs)

    def heads(self, x, key, value, width, heads, weight, bias, *rest, **others):
        """torch's attention of a sequence (L, N, E) to itself, which would otherwise run where nothing is told of it."""
        q, k, v = F.linear(x, weight, bias).unflatten(-1, (3, heads, width // heads)).permute(2, 1, 3, 0, 4)
        scores = halved(torch.matmul, q, k.transpose(-2, -1)) * (width // heads) ** -0.5
        o = halved(torch.matmul, scores.softmax(-1), v).permute(2, 0, 1, 3).flatten(2)
        return F.linear(o, rest[4], rest[5])


def halved(function, a, b):
    if not (isinstance(a, torch.Tensor) and a.requires_grad and b.requires_grad) or isinstance(b, nn.Parameter):
        return function(a, b)
    return (function(a, b.detach()) + function(a.detach(), b)) / 2


def by_gradient(module, x, target=1):
    leaf = x.clone().requires_grad_()
    with Detached():
        out = module(leaf)
        out = getattr(out, "logits", out)
        (gradient,) = torch.autograd.grad(out[:, target].sum(), leaf)
    return (leaf * gradient).detach().numpy()


def shaken(module, seed=5):
    """Biases, tokens and weights of normalisations away from the zeros and ones they begin with."""
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in module.parameters():
            p += 0.1 * torch.randn(p.shape, generator=chance)
    return module.double().eval()


TRANSFORMERS = {
    "class token": lambda: (ViT(), (24, 16)),
    "mean of tokens": lambda: (ViT(extra=2, mean=True), (24, 16)),
    "windows": lambda: (Swin(), (24, 20)),
    "class attention": lambda: (ClassAttention(), (16, 12)),
}


def agree(found, expected, tolerance=1e-5):
    assert np.abs(expected).max() > 1e-6
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.fixture
def without_epsilon(monkeypatch):
    """Input × gradient knows no ε; denominators close to zero feel it."""
    monkeypatch.setattr(stabilised, "__defaults__", (1e-13,))


@pytest.mark.usefixtures("without_epsilon")
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_a_transformer_is_input_times_gradient_where_what_counts_as_constant_is_detached(name):
    torch.manual_seed(1)
    module, size = TRANSFORMERS[name]()
    module, x = shaken(module), picture(2, 3, *size, seed=2)
    agree(relevance(module, x, target=1), by_gradient(module, x))


def imported():
    from seethrough.models.torchvision_import import make_torchvision_importable

    make_torchvision_importable()


def torchvisions(name):
    imported()
    models = pytest.importorskip("torchvision.models")
    swin = models.swin_transformer
    return {
        "vit": lambda: models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=5),
        "swin": lambda: models.SwinTransformer([4, 4], 16, [1, 2], [2, 2], [4, 4], num_classes=5),
        "swin_v2": lambda: models.SwinTransformer(
            [4, 4], 16, [1, 2], [2, 2], [4, 4], num_classes=5,
            block=swin.SwinTransformerBlockV2, downsample_layer=swin.PatchMergingV2,
        ),
    }[name](), 32  # fmt: skip


def timms(name):
    imported()
    timm = pytest.importorskip("timm")
    small = {"depth": 2, "embed_dim": 16, "num_heads": 2, "num_classes": 5, "img_size": 32, "patch_size": 8}
    return {
        "vit": lambda: (timm.create_model("vit_tiny_patch16_224", **small), 32),
        "deit": lambda: (timm.create_model("deit_tiny_distilled_patch16_224", **small), 32),
        "swin": lambda: (
            timm.create_model(
                "swin_tiny_patch4_window7_224",
                img_size=56,
                embed_dim=16,
                depths=(1, 1),
                num_heads=(2, 2),
                num_classes=5,
            ),
            56,
        ),
    }[name]()


def transformers_of(name):
    imported()
    hf = pytest.importorskip("transformers")
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    small |= {"image_size": 32, "patch_size": 8}
    return {
        "vit": lambda: hf.ViTForImageClassification(hf.ViTConfig(**small, num_labels=5)),
        "dinov2": lambda: hf.Dinov2ForImageClassification(hf.Dinov2Config(**small, num_labels=5)),
        "clip": lambda: hf.CLIPForImageClassification(hf.CLIPConfig(vision_config=small, text_config={}, num_labels=5)),
        "siglip": lambda: hf.SiglipForImageClassification(
            hf.SiglipConfig(vision_config=small, text_config={}, num_labels=5)
        ),
    }[name](), 32


PEERS = [
    *((torchvisions, n) for n in ("vit", "swin", "swin_v2")),
    *((timms, n) for n in ("vit", "deit", "swin")),
    *((transformers_of, n) for n in ("vit", "dinov2", "clip", "siglip")),
]


@pytest.mark.usefixtures("without_epsilon")
@pytest.mark.parametrize(("library", "name"), PEERS, ids=[f"{f.__name__}-{n}" for f, n in PEERS])
def test_transformers_of_three_libraries(library, name):
    torch.manual_seed(1)
    module, side = library(name)
    module, x = shaken(module), picture(2, 3, side, side, seed=2)
    agree(relevance(module, x, target=1), by_gradient(module, x))
    steep = relevance(module, x, 1, linear=partial(gamma, favour=0.05), convolution=partial(gamma, favour=0.25))
    assert np.isfinite(steep).all() and np.abs(steep).max() < 10
