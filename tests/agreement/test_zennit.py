"""Where Zennit can do a network, our composites say what its composites say; where it can't, the test says why.

Zennit's stabiliser is 1e-6 in the units of the network's own numbers unless told otherwise; ours is a part of each layer's
size, which Zennit has as ``norm_scale``. The bars are relative to the largest relevance of a picture.
"""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.models.torchvision_import import make_torchvision_importable

make_torchvision_importable()
torchvision = pytest.importorskip("torchvision")
pytest.importorskip("zennit", reason="Zennit isn't installed; it comes with the extra `bench`")
from zennit import composites, core, rules  # noqa: E402
from zennit.attribution import Gradient  # noqa: E402
from zennit.canonizers import SequentialMergeBatchNorm  # noqa: E402
from zennit.torchvision import ResNetCanonizer, VGGCanonizer  # noqa: E402

SIZE = 32
LOW, HIGH = -2.5, 2.75
TARGETS = [3, 1]


def vgg():
    """Blocks as in VGG, with batch normalisation."""
    torch.manual_seed(0)
    parts, channels = [], 3
    for width in (8, 12, 16):
        parts += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        parts += [nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
        channels = width
    head = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 24), nn.ReLU(), nn.Dropout(), nn.Linear(24, 6)]
    return nn.Sequential(*parts, *head)


NETWORKS = {
    "vgg": (vgg, VGGCanonizer),
    "resnet18": (lambda: torchvision.models.resnet18(num_classes=6), ResNetCanonizer),
    "resnet50, its blocks narrow": (
        lambda: torchvision.models.resnet50(num_classes=6, width_per_group=8),
        ResNetCanonizer,
    ),
}


def full_of_statistics(module, eps):
    """Batch normalisations with the statistics of some pictures, and weights and biases as training leaves them."""
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.weight.data.uniform_(0.5, 1.5)
        norm.bias.data.normal_(0, 0.3)
        norm.momentum = None
    with torch.no_grad():
        module.train()(torch.randn(8, 3, SIZE, SIZE))
    for norm in norms:
        norm.eps = eps
    return module.eval()


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    """A network in float64, and what Zennit needs to see its residuals and to fold its batch norms.

    Zennit, having folded a batch norm, leaves it in place with mean 0 and variance 1, where it still divides by
    √(1 + eps): see the last test. With an eps that is nothing, so is that.
    """
    torch.manual_seed(0)
    make, canonizer = NETWORKS[request.param]
    return full_of_statistics(make(), 1e-30).double(), canonizer


@pytest.fixture(scope="module")
def x():
    return torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)).double().clamp(LOW, HIGH)


def theirs(module, composite, x):
    def outputs(out):
        return out * torch.nn.functional.one_hot(torch.tensor(TARGETS), out.shape[1]).to(out)

    with Gradient(model=module, composite=composite) as attributor:
        _, found = attributor(x.clone(), outputs)
    return found.detach().numpy()


def differ(ours, expected):
    return max(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(ours, expected))


def ours(name, module, x, **settings):
    return getattr(st, name)(st.open(module, input_size=(3, SIZE, SIZE)), x, target=TARGETS, **settings).values


COMPOSITES = {
    "lrp_epsilon_plus": composites.EpsilonPlus,
    "lrp_epsilon_plus_flat": composites.EpsilonPlusFlat,
    "lrp_epsilon_gamma_box": partial(composites.EpsilonGammaBox, low=LOW, high=HIGH),
    "lrp_epsilon_alpha2_beta1": composites.EpsilonAlpha2Beta1,
    "lrp_epsilon_alpha2_beta1_flat": composites.EpsilonAlpha2Beta1Flat,
}


def settings(name):
    return {"low": LOW, "high": HIGH} if "box" in name else {}


@pytest.mark.parametrize("name", COMPOSITES)
def test_composites_with_the_same_stabiliser(name, network, x):
    module, canonizer = network
    relative = core.Stabilizer(1e-6, norm_scale=True)
    made = COMPOSITES[name](epsilon=relative, stabilizer=relative, canonizers=[canonizer()])
    # Only their flat rule is stabilised, by a part of 1e-6: it divides by a number of pixels, which is never 0.
    bar = 1e-5 if "flat" in name else 1e-6
    assert differ(ours(name, module, x, **settings(name)), theirs(module, made, x)) < bar


@pytest.mark.parametrize("name", COMPOSITES)
def test_composites_as_they_come(name, x):
    """Where each layer's numbers are about 1, their 1e-6 and ours are the same but for what they absorb."""
    torch.manual_seed(0)
    module = full_of_statistics(vgg(), 1e-30).double()
    made = COMPOSITES[name](canonizers=[VGGCanonizer()])
    assert differ(ours(name, module, x, **settings(name)), theirs(module, made, x)) < 1e-4


def test_a_stabiliser_that_absorbs(x):
    module = full_of_statistics(vgg(), 1e-30).double()
    made = composites.LayerMapComposite(
        [
            *composites.layer_map_base(core.Stabilizer(1e-6, norm_scale=True)),
            ((nn.Conv2d, nn.Linear), rules.Epsilon(core.Stabilizer(0.25, norm_scale=True))),
        ],
        [SequentialMergeBatchNorm()],
    )
    assert differ(ours("lrp_epsilon", module, x, epsilon=0.25), theirs(module, made, x)) < 1e-6


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("lrp_gamma", rules.Gamma(0.25)),
        ("lrp_alpha_beta", rules.AlphaBeta(2, 1)),
        ("lrp_z_plus", rules.ZPlus()),
        ("lrp_w_square", rules.WSquare(zero_params=["bias"])),
        ("lrp_flat", rules.Flat()),
    ],
)
def test_one_rule_for_all_layers(name, rule, x):
    """Of w² Zennit squares the bias too and lets it absorb; its paper has no bias there, so that nothing is lost."""
    module = full_of_statistics(vgg(), 1e-30).double()
    base = composites.layer_map_base()
    made = composites.LayerMapComposite([*base, ((nn.Conv2d, nn.Linear), rule)], [SequentialMergeBatchNorm()])
    assert differ(ours(name, module, x), theirs(module, made, x)) < 1e-4


def test_zennit_changes_the_network_it_explains_where_it_folds_a_normalisation(x):
    """The reason for the eps above: if this ever fails, Zennit has learned it. Folded by torch's own means, ours agree
    with what isn't folded.
    """
    torch.manual_seed(0)
    module = full_of_statistics(torchvision.models.resnet18(num_classes=6), 1e-5).double()
    with torch.no_grad():
        before = module(x)
        with composites.EpsilonPlus(canonizers=[ResNetCanonizer()]).context(module) as changed:
            after = changed(x)
    assert ((after - before).abs().max() / before.abs().max()).item() > 1e-6

    plain, fused = full_of_statistics(vgg(), 1e-5).double(), []
    for part in plain:
        if isinstance(part, nn.BatchNorm2d):
            part = nn.utils.fusion.fuse_conv_bn_eval(fused.pop(), part)
        fused.append(part)
    for name in ("lrp_epsilon_plus_flat", "lrp_gamma", "lrp_alpha_beta", "lrp_w_square"):
        folded = ours(name, nn.Sequential(*fused).eval(), x)
        assert differ(ours(name, plain, x), folded) < 1e-6
