"""Attention methods against the same networks written out by hand, attention by attention, in float64."""

from typing import ClassVar

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import seethrough as st
from seethrough.attribution import METHODS, Facts
from seethrough.errors import UsageError
from token_networks import Attention, ClassAttention, Swin, ViT

SIZE, GRID = (3, 24, 16), (6, 4)
X = torch.randn(2, *SIZE, generator=torch.Generator().manual_seed(1))
TARGETS = [1, 3]
ATTENTION = [name for name, m in METHODS.items() if m.family == "attention"]


@pytest.fixture(autouse=True)
def same_weights_each_time():
    torch.manual_seed(0)


class FusedAttention(Attention):
    """The same numbers through torch's own attention, with what it may be told beside."""

    options: ClassVar[dict] = {}

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        out = F.scaled_dot_product_attention(q, k, v, **self.options)
        return self.proj(out.transpose(1, 2).reshape(n, t, c))


def fused(module, **options):
    """The network with torch's own attention in the place of that written out."""
    for layer in module.modules():
        if isinstance(layer, Attention):
            layer.__class__, layer.options = FusedAttention, options
    return module


def sharp(module):
    """Weights so large that attention is far from even."""
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, Attention):
                layer.qkv.weight.mul_(4)
    return module.double().eval()


def written_out(module, x, options=None):
    """Logits, attentions (kept in the graph of autograd) and the tokens behind each block, of a `ViT`."""
    options, attentions, behind = options or {}, [], []
    x = module.patches(x).flatten(2).transpose(1, 2)
    x = torch.cat([module.tokens.expand(len(x), -1, -1), x], 1) + module.position
    for block in module.blocks:
        attn = block.attn
        n, t, c = x.shape
        q, k, v = attn.qkv(block.norm1(x)).reshape(n, t, 3, attn.heads, -1).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) * options.get("scale", (c // attn.heads) ** -0.5)
        if options.get("is_causal"):
            scores = scores.masked_fill(~torch.ones(t, t, dtype=torch.bool).tril(), -torch.inf)
        if "attn_mask" in options:
            scores = scores + options["attn_mask"]
        a = scores.softmax(-1)
        a.retain_grad()
        attentions.append(a)
        x = x + attn.proj((a @ v).transpose(1, 2).reshape(n, t, c))
        x = x + block.mlp(block.norm2(x))
        behind.append(x)
    return head_of(module, x), attentions, behind


def head_of(module, tokens):
    tokens = module.norm(tokens)
    return module.head(tokens[:, module.extra :].mean(1) if module.mean else tokens[:, 0])


def asked(name, module, x=X, target=TARGETS, **options):
    return getattr(st, name)(
        st.open(module, input_size=SIZE), x.to(next(module.parameters())), target=target, **options
    )


def close(found, expected, tolerance=1e-5):
    expected = np.asarray(torch.as_tensor(expected).detach())
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


NETWORKS = {
    "class token": lambda: ViT(),
    "class and registers": lambda: ViT(extra=4),
    "mean": lambda: ViT(mean=True),
    "mean without any other token": lambda: ViT(extra=0, mean=True),
}


@pytest.fixture(params=NETWORKS)
def module(request):
    return sharp(NETWORKS[request.param]())


def on_grid(module, rows):
    """Of rows (N, tokens), the places."""
    return rows[:, module.extra :].unflatten(1, GRID)


def answers(module, matrix):
    """The rows that the answer is taken from: the class token's, or the mean over the places."""
    return matrix[:, module.extra :].mean(1) if module.mean else matrix[:, 0]


def test_rollout_is_the_product_of_the_attentions_with_their_residuals(module):
    _, attentions, _ = written_out(module, X.double())
    product = torch.eye(module.extra + 24, dtype=torch.float64)
    for a in attentions:
        product = (a.mean(1) / 2 + torch.eye(a.shape[-1]) / 2) @ product
    close(asked("attention_rollout", module).values, on_grid(module, answers(module, product)))
    whole = answers(module, product).sum(1).detach()
    close(whole, torch.ones(2, dtype=torch.float64))  # each row is shares of one


@pytest.mark.parametrize("heads", ["max", "min"])
def test_rollout_of_the_strongest_and_weakest_heads_with_small_weights_left_out(module, heads):
    _, attentions, _ = written_out(module, X.double())
    product = torch.eye(module.extra + 24, dtype=torch.float64)
    for a in attentions:
        one = (a.amax(1) if heads == "max" else a.amin(1)).detach()
        count = int(one[0].numel() * 0.4)
        for i in range(2):
            threshold = one[i].flatten().sort().values[count]
            one[i][one[i] < threshold] = 0
        total = one.sum(-1, keepdim=True)
        one = torch.where(total > 0, one / total, 0)
        product = (one + torch.eye(a.shape[-1])) / 2 @ product
    found = asked("attention_rollout", module, heads=heads, discard=0.4).values
    close(found, on_grid(module, answers(module, product)))


def with_gradients(module, options=None, targets=TARGETS):
    logits, attentions, _ = written_out(module, X.double(), options)
    logits[range(2), targets].sum().backward()
    return attentions


def test_generic_attention_adds_up_what_flows_where_it_raises_the_target(module):
    so_far = torch.eye(module.extra + 24, dtype=torch.float64)
    for a in with_gradients(module):
        so_far = so_far + (a.grad * a).clamp(min=0).mean(1) @ so_far
    so_far = so_far - torch.eye(module.extra + 24)
    close(asked("generic_attention", module).values, on_grid(module, answers(module, so_far)))


def test_attention_gradcam_weighs_the_heads_of_the_last_attention(module):
    a = with_gradients(module)[-1]
    rows = slice(module.extra, None) if module.mean else slice(0, 1)
    grad, weights = (each[:, :, rows].mean(2)[..., module.extra :] for each in (a.grad, a.detach()))
    expected = (grad.mean(2, keepdim=True) * weights).sum(1).clamp(min=0)
    found = asked("attention_gradcam", module)
    close(found.values, expected.unflatten(1, GRID), 1e-5 if expected.any() else 1)


def test_legrad_asks_the_head_about_each_block(module):
    expected = 0
    for k in range(3):
        _, attentions, behind = written_out(module, X.double())
        tokens = behind[k] if module.mean else behind[k].mean(1, keepdim=True).expand_as(behind[k])
        head_of(module, tokens)[range(2), TARGETS].sum().backward()
        expected = expected + attentions[k].grad.clamp(min=0).mean((1, 2)) / 3
    close(asked("legrad", module).values, on_grid(module, expected))


def test_legrad_of_the_last_block_alone_of_a_network_that_averages_is_the_gradient_of_its_answer():
    module = sharp(ViT(mean=True))
    a = with_gradients(module)[-1]
    close(asked("legrad", module, blocks=1).values, on_grid(module, a.grad.clamp(min=0).mean((1, 2))))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scale": 0.3},
        {"is_causal": True},
        {"attn_mask": torch.randn(25, 25, generator=torch.Generator().manual_seed(5))},
    ],
    ids=["plain", "scale", "causal", "mask"],
)
@pytest.mark.parametrize("name", ["attention_rollout", "generic_attention", "legrad"])
def test_a_fused_attention_has_the_weights_and_gradients_that_it_never_made(name, options):
    module = sharp(ViT(mean=True))
    options = {k: v.double() if isinstance(v, torch.Tensor) else v for k, v in options.items()}
    if name == "attention_rollout":
        _, attentions, _ = written_out(module, X.double(), options)
        product = torch.eye(25, dtype=torch.float64)
        for a in attentions:
            product = (a.mean(1) + torch.eye(25)) / 2 @ product
        expected = product[:, 1:].mean(1)
    elif name == "generic_attention":
        so_far = torch.eye(25, dtype=torch.float64)
        for a in with_gradients(module, options):
            so_far = so_far + (a.grad * a).clamp(min=0).mean(1) @ so_far
        expected = (so_far - torch.eye(25))[:, 1:].mean(1)
    else:
        expected = 0
        for k in range(3):
            _, attentions, behind = written_out(module, X.double(), options)
            head_of(module, behind[k])[range(2), TARGETS].sum().backward()
            expected = expected + attentions[k].grad.clamp(min=0).mean((1, 2)) / 3
    close(asked(name, fused(module, **options)).values, on_grid(module, expected))


# --- attentions of other kinds ----------------------------------------------------------------------------------------


def test_a_class_token_that_asks_at_the_end_reads_what_flowed_before():
    """CaiT: patches among themselves, then a class token by keys and values of its own making."""
    module = ClassAttention().double().eval()
    a = attention_of(module.block.attn, module.block.norm1(module.patches(X.double()).flatten(2).transpose(1, 2)))
    x = module.block(module.patches(X.double()).flatten(2).transpose(1, 2))
    token = module.token.expand(2, -1, -1)
    both = module.norm(torch.cat([token, x], 1))
    pool = (module.query(both[:, :1]) @ module.key(both).transpose(1, 2) * 8**-0.5).softmax(-1)
    flowed = torch.einsum("np,npq->nq", pool[:, 0, 1:], (a.mean(1) + torch.eye(24)) / 2)
    close(asked("attention_rollout", module).values, flowed.unflatten(1, GRID))


def attention_of(attn, x):
    n, t, c = x.shape
    q, k, _ = attn.qkv(x).reshape(n, t, 3, attn.heads, c // attn.heads).permute(2, 0, 3, 1, 4)
    return (q @ k.transpose(-2, -1) * (c // attn.heads) ** -0.5).softmax(-1)


def test_legrad_of_an_attention_that_pools_is_its_gradient():
    module = ClassAttention().double().eval()
    x = module.block(module.patches(X.double()).flatten(2).transpose(1, 2)).detach()
    token = module.token.expand(2, -1, -1)
    both = module.norm(torch.cat([token, x], 1))
    pool = (module.query(both[:, :1]) @ module.key(both).transpose(1, 2) * 8**-0.5).softmax(-1)
    pool.retain_grad()
    module.head((token + pool @ module.value(both))[:, 0])[range(2), TARGETS].sum().backward()
    close(asked("legrad", module).values, pool.grad[:, 0, 1:].clamp(min=0).unflatten(1, GRID))


def test_legrad_reads_windows_that_are_shifted_place_by_place():
    """The last stage of a Swin, whose head averages: each block's own attention, and where each token of it came from."""
    module = Swin().double().eval()
    kept = {}

    def keep(attn, given, _):
        kept[attn] = given[0]

    for block in module.stage2:
        block.attn.register_forward_hook(keep)
    with torch.no_grad():
        module(X.double())
    expected = 0
    for k, block in enumerate(module.stage2):
        x = kept[block.attn]  # (windows, 9, C), the block's normalised tokens
        a = attention_of(block.attn, x).detach().requires_grad_()
        value = block.attn.qkv(x).reshape(len(x), 9, 3, 2, -1).permute(2, 0, 3, 1, 4)[2].detach()
        out = block.attn.proj((a @ value).transpose(1, 2).reshape(len(x), 9, -1))
        handed = stage2_before(module, k) + put_back(out, block.shift)
        module.head(module.norm(handed).mean((1, 2)))[range(2), TARGETS].sum().backward()
        relevance = a.grad.clamp(min=0).mean((1, 2))  # (windows, 9)
        expected = expected + put_back(relevance[..., None], block.shift)[..., 0] / 2
    close(asked("legrad", module).values, expected)


def stage2_before(module, k):
    """The tokens (N, 6, 4, C) that a block of the second stage is given."""
    with torch.no_grad():
        x = module.stage1(module.patches(X.double()).permute(0, 2, 3, 1))
        x = module.merge(torch.cat([x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], -1))
        return module.stage2[:k](x)


def put_back(windows, shift):
    """(N · windows, 9, C) of a map of 6 × 4, padded to 6 × 6, where they came from."""
    y = windows.view(2, 2, 2, 3, 3, windows.shape[-1]).transpose(2, 3).reshape(2, 6, 6, -1)
    return y.roll((shift, shift), (1, 2))[:, :6, :4]


def test_talking_heads_mix_the_weights_before_they_are_used():
    class Talking(Attention):
        def forward(self, x):
            n, t, c = x.shape
            q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
            a = (q @ k.transpose(-2, -1)).softmax(-1)
            a = self.mix(a.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            return self.proj((a @ v).transpose(1, 2).reshape(n, t, c))

    module = ViT(depth=1)
    attn = module.blocks[0].attn
    attn.__class__, attn.mix = Talking, nn.Linear(2, 2, bias=False)
    attn.mix.weight.data = torch.eye(2)
    plain = ViT(depth=1)
    plain.load_state_dict({k: v for k, v in module.state_dict().items() if "mix" not in k})
    fused(plain, scale=1.0)
    close(asked("attention_rollout", module.eval()).values, asked("attention_rollout", plain.eval()).values)


# --- what holds for all -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ATTENTION)
def test_a_picture_alone_has_the_map_that_it_has_in_company(name):
    module = ViT().eval()
    together = asked(name, module).values
    for i, t in enumerate(TARGETS):
        close(asked(name, module, X[i : i + 1], t).values, together[i : i + 1], 1e-4)


@pytest.mark.parametrize("name", ATTENTION)
def test_what_a_map_costs_is_what_its_method_says(name):
    found = asked(name, ViT().eval(), X[:1], 1)
    said = METHODS[name].passes({}, Facts(24, 16, 8, GRID))
    assert (found.passes.forward - 1, found.passes.backward) == (said.forward, said.backward)


def test_all_attention_methods_share_a_forward_and_a_walk_back():
    net = st.open(ViT().eval(), input_size=SIZE)
    answer = st.explain(net, X[:1], methods=["attention_rollout", "generic_attention", "attention_gradcam"], target=1)
    assert (answer.passes.forward, answer.passes.backward) == (1, 1)
    with_cam = st.explain(net, X[:1], methods=["gradcam", "attention_rollout", "generic_attention"], target=1)
    assert (with_cam.passes.forward, with_cam.passes.backward) == (1, 2)


@pytest.mark.parametrize("name", ["attention_rollout", "generic_attention", "attention_gradcam", "legrad"])
def test_a_convolutional_network_is_told_what_to_use(name):
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    with pytest.raises(UsageError, match=f"^{name} needs attention among the picture's places, .*; use gradcam"):
        asked(name, module.eval())


@pytest.mark.parametrize("name", ["attention_rollout", "generic_attention"])
def test_windows_are_refused_by_layer_where_everything_must_see_everything(name):
    with pytest.raises(UsageError, match=r"'stage1.0.attn' each sees its window of 9 alone; use legrad"):
        asked(name, Swin().eval())


def test_settings_out_of_range_are_refused():
    for options in ({"heads": "sum"}, {"discard": 1.0}):
        with pytest.raises(UsageError, match=r"attention_rollout needs heads in mean, max, min"):
            asked("attention_rollout", ViT().eval(), **options)
    for name, options in (("legrad", {"blocks": 0}), ("vit_cx", {"masks": 0})):
        with pytest.raises(UsageError, match=f"^{name} needs"):
            asked(name, ViT().eval(), **options)


# --- ViT-CX -----------------------------------------------------------------------------------------------------------


def test_vit_cx_without_groups_or_noise_is_the_mean_answer_to_what_each_mask_shows():
    module = ViT().double().eval()
    kept = {}
    module.blocks[2].norm1.register_forward_hook(lambda _, __, out: kept.update(a=out.detach()))
    with torch.no_grad():
        whole = module(X.double())[range(2), TARGETS]
        a = kept["a"][:, 1:].transpose(1, 2).unflatten(2, GRID)
        large = F.interpolate(
            (a - a.amin((2, 3), keepdim=True)) / (a.amax((2, 3), keepdim=True) - a.amin((2, 3), keepdim=True)),
            size=SIZE[1:], mode="bilinear",
        )  # fmt: skip
        masks = (large - large.amin((2, 3), keepdim=True)) / (
            large.amax((2, 3), keepdim=True) - large.amin((2, 3), keepdim=True)
        )
        scores = torch.stack([module(X * masks[:, [k]])[range(2), TARGETS] for k in range(8)], 1)
        scores = scores - module(0 * X.double())[range(2), TARGETS][:, None]
    assert len(whole) == 2
    expected = (scores[..., None, None] * masks).sum(1) / masks.sum(1)
    close(asked("vit_cx", module, noise=0.0).values, expected, 1e-4)


def test_alike_channels_are_one_mask():
    from seethrough.attribution.attention_masked import groups_of_alike

    one, other = torch.rand(2, 5, 5, generator=torch.Generator().manual_seed(0))
    channels = torch.stack([one, 3 * other + 1, 2 * one - 5, other, 0 * one])
    groups = groups_of_alike(channels, 3)
    unit = [(m - m.min()) / (m.max() - m.min()) for m in (one, other)]
    found = sorted(groups.flatten(1).sum(1).tolist())
    np.testing.assert_allclose(found, sorted([0.0, *(2 * float(u.sum()) for u in unit)]), rtol=1e-5, atol=1e-6)
