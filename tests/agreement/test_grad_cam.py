"""What pytorch-grad-cam says of a network, we say; where it departs from the paper, the test shows by what."""

from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import seethrough as st
from seethrough.errors import UsageError
from seethrough.models.torchvision_import import make_torchvision_importable

make_torchvision_importable()
peer = pytest.importorskip(
    "pytorch_grad_cam", reason="pytorch-grad-cam isn't installed; it comes with the extra `bench`"
)
models = pytest.importorskip("torchvision.models", reason="torchvision isn't installed (the extra 'vision')")
targets = pytest.importorskip("pytorch_grad_cam.utils.model_targets")
from pytorch_grad_cam.utils.image import scale_cam_image  # noqa: E402

TARGETS = [3, 0]


def resnet(scale=1.0):
    torch.manual_seed(0)
    module = models.resnet18(num_classes=6).eval()
    module.fc.weight.data *= scale
    return module, "layer4", module.layer4, 96


@cache
def vgg():
    torch.manual_seed(1)
    module = models.vgg11(num_classes=6, init_weights=False)
    module.classifier = nn.Sequential(nn.Linear(512 * 49, 40), nn.ReLU(), nn.Dropout(), nn.Linear(40, 6))
    return module.eval(), "features.19", module.features[19], 64


def shallow():
    """The same at a layer of 64 channels, whose activations are behind a ReLU."""
    module, *_ = resnet()
    return module, "layer1", module.layer1, 48


@pytest.fixture(params=[resnet, vgg])
def case(request):
    return request.param()


def images(size):
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(2))


def theirs(method, layer, module, x, target=targets.ClassifierOutputTarget, **options):
    cam = method(model=module, target_layers=[layer], **options)
    cam.batch_size = 16
    with cam:
        return cam(input_tensor=x.clone(), targets=[target(t) for t in TARGETS])


def stretched(values, size):
    """Ours as they stretch theirs: twice to 0 … 1, and to the picture's size between."""
    return scale_cam_image(scale_cam_image(np.maximum(values, 0), (size, size)))


def ours(method, module, path, x, **options):
    return method(st.open(module, input_size=tuple(x.shape[1:])), x, target=TARGETS, layer=path, **options)


@pytest.mark.parametrize(
    ("method", "name"),
    [(st.gradcam, "GradCAM"), (st.xgradcam, "XGradCAM"), (st.hirescam, "HiResCAM"), (st.layercam, "LayerCAM")],
)
def test_maps_by_the_gradient_agree(case, method, name):
    module, path, layer, size = case
    found = stretched(ours(method, module, path, images(size)).values, size)
    expected = theirs(getattr(peer, name), layer, module, images(size))
    assert expected.max() > 0.9
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_gradcam_pp_agrees_where_gradients_are_large():
    module, path, layer, size = resnet(scale=1e4)
    found = stretched(ours(st.gradcam_pp, module, path, images(size)).values, size)
    np.testing.assert_allclose(found, theirs(peer.GradCAMPlusPlus, layer, module, images(size)), atol=1e-4)


def test_where_gradients_are_small_the_peers_gradcam_pp_is_made_of_what_it_adds_to_divide(case):
    """It adds 10⁻⁶ to a denominator in units of the squared gradient. With that in ours, the two are the same."""
    module, path, layer, size = case
    x, kept = images(size), {}
    hook = layer.register_forward_hook(lambda _, __, out: kept.update(a=out))
    out = module(x)
    hook.remove()
    (g,) = torch.autograd.grad(out[[0, 1], TARGETS].sum(), kept["a"])
    a = kept["a"].detach()
    total = a.sum((2, 3), keepdim=True)
    closed = {e: g**2 / (2 * g**2 + g**3 * total + e).where(g > 0, torch.ones(())) for e in (0, 1e-6)}
    maps = {
        e: F.relu(((alpha * F.relu(g)).sum((2, 3), keepdim=True) * a).sum(1)).numpy() for e, alpha in closed.items()
    }
    found = ours(st.gradcam_pp, module, path, x).values
    np.testing.assert_allclose(found, maps[0], rtol=1e-4, atol=1e-6 * maps[0].max())
    expected = theirs(peer.GradCAMPlusPlus, layer, module, x)
    np.testing.assert_allclose(stretched(maps[1e-6], size), expected, atol=1e-4)
    assert np.abs(stretched(found, size) - expected).max() > 1e-3


def test_shapleycam_agrees(case):
    module, path, layer, size = case
    found = stretched(ours(st.shapleycam, module, path, images(size)).values, size)
    expected = theirs(peer.ShapleyCAM, layer, module, images(size), targets.ClassifierOutputReST)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_scorecam_agrees_but_for_where_the_masks_stand(monkeypatch):
    """Theirs are interpolated with the corners of both grids laid upon each other, so that features stand up to half a
    cell off; with that mended, the maps are the same.
    """
    module, path, layer, size = shallow()
    found = stretched(ours(st.scorecam, module, path, images(size), channels=None).values, size)
    off = theirs(peer.ScoreCAM, layer, module, images(size))
    monkeypatch.setattr(
        torch.nn, "UpsamplingBilinear2d", lambda size: lambda a: F.interpolate(a, size, mode="bilinear")
    )
    np.testing.assert_allclose(found, theirs(peer.ScoreCAM, layer, module, images(size)), atol=1e-4)
    assert np.abs(found - off).max() > 1e-4


def test_ablationcam_agrees_where_the_target_is_positive_and_theirs_is_turned_round_where_it_is_negative():
    module, path, layer, size = shallow()
    module.fc.bias.data[:] = torch.tensor([-9.0, 0, 0, 9, 0, 0])  # the second picture's target is negative
    x = images(size)
    scores = module(x)[[0, 1], TARGETS].detach()
    assert scores[0] > 0 > scores[1]
    lost = ours(st.ablationcam, module, path, x).values
    expected = theirs(peer.AblationCAM, layer, module, x)
    np.testing.assert_allclose(stretched(lost, size)[0], expected[0], atol=1e-4)
    kept = {}
    hook = layer.register_forward_hook(lambda _, __, out: kept.update(a=out.detach()))
    module(x)
    hook.remove()
    without = torch.stack([kept["a"].index_fill(1, torch.tensor([k]), 0) for k in range(64)])
    with torch.no_grad():
        rest = nn.Sequential(module.layer2, module.layer3, module.layer4, module.avgpool, nn.Flatten(), module.fc)
        fell = scores[1] - torch.stack([rest(w[1:])[0, TARGETS[1]] for w in without])
    signed = torch.einsum("k,khw->hw", fell, kept["a"][1]).numpy()
    np.testing.assert_allclose(lost[1], np.maximum(signed, 0), rtol=1e-3, atol=1e-4 * np.abs(signed).max())
    np.testing.assert_allclose(stretched(-signed[None], size)[0], expected[1], atol=1e-3)


def test_eigencam_agrees_but_for_the_sign_that_theirs_leaves_to_chance(case):
    module, path, layer, size = case
    x = images(size)
    found = stretched(ours(st.eigencam, module, path, x, centred=True).values, size)
    expected = theirs(peer.EigenCAM, layer, module, x)
    kept = {}
    hook = layer.register_forward_hook(lambda _, __, out: kept.update(a=out.detach()))
    module(x)
    hook.remove()
    for i, a in enumerate(kept["a"].double()):
        places = a.flatten(1).T
        places = places - places.mean(0)
        part = (places @ torch.linalg.svd(places)[2][0]).reshape(a.shape[1:])
        strong = part if (part * a.norm(dim=0)).sum() > 0 else -part
        np.testing.assert_allclose(found[i : i + 1], stretched(strong[None].numpy(), size), atol=1e-4)
        either = [stretched(sign * part[None].numpy(), size) for sign in (1, -1)]
        assert min(np.abs(e - expected[i]).max() for e in either) < 1e-3


def test_eigengradcam_agrees_but_for_the_sign_that_theirs_leaves_to_chance():
    module, path, layer, size = resnet()
    x = images(size)
    kept = {}
    hook = layer.register_forward_hook(lambda _, __, out: kept.update(a=out))
    out = module(x)
    hook.remove()
    (g,) = torch.autograd.grad(out[[0, 1], TARGETS].sum(), kept["a"])
    found = stretched(ours(st.eigengradcam, module, path, x, centred=True).values, size)
    expected = theirs(peer.EigenGradCAM, layer, module, x)
    for i, both in enumerate((g * kept["a"]).detach().double()):
        places = both.flatten(1).T
        part = ((places - places.mean(0)) @ torch.linalg.svd(places - places.mean(0))[2][0]).reshape(both.shape[1:])
        speaks = part if (part * both.sum(0)).sum() > 0 else -part
        np.testing.assert_allclose(found[i : i + 1], stretched(speaks[None].numpy(), size), atol=1e-4)
        either = [stretched(sign * part[None].numpy(), size) for sign in (1, -1)]
        assert min(np.abs(e - expected[i]).max() for e in either) < 1e-3


def test_fem_is_the_papers_where_the_peer_weighs_by_how_many_places_are_strong():
    module, path, layer, size = shallow()
    x, kept = images(size), {}
    hook = layer.register_forward_hook(lambda _, __, out: kept.update(a=out.detach().double()))
    module(x)
    hook.remove()
    a = kept["a"].numpy()
    mean, spread = a.mean((2, 3), keepdims=True), a.std((2, 3), keepdims=True)
    strong = a > mean + 2 * spread
    found = ours(st.fem, module, path, x).values
    np.testing.assert_allclose(found, (mean * strong).sum(1), rtol=1e-5, atol=1e-6)
    shares = (strong.mean((2, 3), keepdims=True) * a).sum(1)
    np.testing.assert_allclose(stretched(shares, size), theirs(peer.FEM, layer, module, x), atol=1e-4)


def test_finercam_is_the_papers_where_the_peer_weighs_by_probabilities_and_differentiates_them_too():
    module, path, layer, size = resnet()
    x = images(size)
    logits = module(x).detach()
    like = [(row - row[t]).abs().argsort()[1:4] for row, t in zip(logits, TARGETS)]

    def objective(i):
        return lambda out: out[TARGETS[i]] - 0.6 * out[like[i]].mean()

    result = ours(st.finercam, module, path, x)
    said = [note.numbers["outputs"] for note in result.checks if note.name == "compared_with"]
    assert said == [", ".join(map(str, row.tolist())) for row in like]
    found = stretched(result.values, size)
    with peer.FinerCAM(model=module, target_layers=[layer]) as cam:
        expected = cam(x.clone(), targets=[objective(i) for i in range(2)])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_guided_gradcam_is_the_product_of_the_peers_two(case):
    module, path, _, size = case
    x = images(size)
    found = ours(st.guided_gradcam, module, path, x).values
    coarse = ours(st.gradcam, module, path, x).values
    for i, target in enumerate(TARGETS):
        guided = peer.GuidedBackpropReLUModel(model=module, device="cpu")(x[i : i + 1].clone(), target_category=target)
        large = F.interpolate(torch.as_tensor(coarse[i])[None, None], size=(size, size), mode="bilinear")[0, 0].numpy()
        expected = guided.transpose(2, 0, 1) * large
        np.testing.assert_allclose(found[i], expected, atol=1e-5 * np.abs(expected).max())


def test_a_list_of_targets_that_is_too_short_is_refused_where_the_peer_leaves_the_rest_blank():
    module, path, layer, size = shallow()
    x = images(size)
    with peer.GradCAM(model=module, target_layers=[layer]) as cam:
        blank = cam(x.clone(), targets=[targets.ClassifierOutputTarget(3)])
    assert blank[0].any() and not blank[1].any()
    with pytest.raises(UsageError, match="1 target for 2 images"):
        ours_net = st.open(module, input_size=(3, size, size))
        st.gradcam(ours_net, x, target=[3], layer=path)


def test_several_layers_are_fused_as_the_peer_does():
    module, *_, size = resnet()
    x = images(size)
    net = st.open(module, input_size=(3, size, size))
    fused = st.gradcam(net, x, target=TARGETS, layer=["layer3", "layer4"]).values
    with peer.GradCAM(model=module, target_layers=[module.layer3, module.layer4]) as cam:
        expected = cam(x.clone(), targets=[targets.ClassifierOutputTarget(t) for t in TARGETS])
    assert fused.shape == (2, 6, 6)
    for ours_map, theirs_map in zip(fused, expected):
        large = F.interpolate(torch.as_tensor(ours_map)[None, None], size=(size, size), mode="bilinear")[0, 0]
        assert np.corrcoef(large.numpy().ravel(), theirs_map.ravel())[0, 1] > 0.98
