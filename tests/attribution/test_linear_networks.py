"""On linear networks and on batches, methods must agree with each other and with arithmetic."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import nn

import seethrough as st
from seethrough.attribution.occlusion import windows

SINGLE = (st.saliency, st.input_x_gradient, st.guided_backprop, st.deconvnet, st.smoothgrad, st.integrated_gradients)
FEW_STEPS = {st.smoothgrad: {"samples": 3}, st.integrated_gradients: {"steps": 3}}
few = settings(max_examples=8, deadline=None)
sizes = some.tuples(some.integers(1, 3), some.integers(2, 9), some.integers(2, 9))
seeds = some.integers(0, 2**31)


def linear(size, seed, outputs=3):
    """A linear network of this input size, without bias, and one image."""
    chance = torch.Generator().manual_seed(seed)
    numbers = size[0] * size[1] * size[2]
    module = nn.Sequential(nn.Flatten(), nn.Linear(numbers, outputs, bias=False))
    module[1].weight.data = torch.randn(outputs, numbers, generator=chance)
    return module, torch.randn(1, *size, generator=chance)


def convolutional(seed):
    """A small network with corners and with squares, so that no method is trivially right on it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(2, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), nn.BatchNorm2d(8), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5),
        ).eval()  # fmt: skip


def close(found, expected, tolerance=1e-5):
    """Within rounding: of the largest number, and of the numbers (about 0.1) whose differences small maps are."""
    scale = max(np.abs(expected).max(), 1e-3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


@few
@given(sizes, seeds, some.integers(0, 2))
def test_the_gradient_of_a_linear_network_is_its_weights(size, seed, target):
    module, x = linear(size, seed)
    weights = module[1].weight[target].detach().numpy().reshape(1, *size)
    for method in (st.saliency, st.guided_backprop, st.deconvnet):
        assert np.array_equal(method(st.open(module, input_size=size), x, target=target).values, weights)
    close(st.smoothgrad(st.open(module, input_size=size), x, target=target, samples=3).values, weights)
    assert np.array_equal(st.saliency(st.open(module, input_size=size), x, target=target).map, np.abs(weights).max(1))


@few
@given(sizes, seeds, some.integers(1, 5))
def test_on_a_linear_network_four_methods_say_the_same(size, seed, steps):
    module, x = linear(size, seed)
    net, shares = st.open(module, input_size=size), (module[1].weight[1].detach().reshape(1, *size) * x).numpy()
    product = st.input_x_gradient(net, x, target=1)
    paths = st.integrated_gradients(net, x, target=1, baseline=0.0, steps=steps)
    covered = st.occlusion(net, x, target=1, window=1, stride=1, fill=0.0)
    close(product.values, shares)
    close(paths.values, shares)
    close(covered.values, shares.sum(1))
    close(covered.map, product.map)
    assert paths.map.sum() == pytest.approx(float(paths.scores[0]), abs=1e-4)


@few
@given(sizes, seeds, some.tuples(some.integers(1, 5), some.integers(1, 5)), some.data())
def test_occlusion_of_a_linear_network_is_the_mean_over_the_windows_of_what_they_hide(size, seed, window, data):
    module, x = linear(size, seed)
    window = tuple(min(w, n) for w, n in zip(window, size[1:]))
    stride = tuple(data.draw(some.integers(1, w)) for w in window)
    found = st.occlusion(st.open(module, input_size=size), x, target=0, window=window, stride=stride, fill="mean")
    lost = module[1].weight[0].detach().reshape(size) * (x - x.mean((2, 3), keepdim=True))[0]
    total, count = np.zeros(size[1:]), np.zeros(size[1:])
    for top in range(0, size[1], stride[0]):
        for left in range(0, size[2], stride[1]):
            # a window is there unless one before it reaches the end already
            if (top and top - stride[0] + window[0] >= size[1]) or (left and left - stride[1] + window[1] >= size[2]):
                continue
            place = np.s_[top : top + window[0], left : left + window[1]]
            total[place] += lost[:, *place].sum().item()
            count[place] += 1
    assert count.min() >= 1
    close(found.values[0], total / count, 1e-4)


@given(
    some.tuples(some.integers(1, 40), some.integers(1, 40)),
    some.tuples(some.integers(1, 12), some.integers(1, 12)),
    some.tuples(some.integers(1, 12), some.integers(1, 12)),
)
def test_windows_cover_every_pixel_and_none_is_empty(size, window, stride):
    window = tuple(min(w, n) for w, n in zip(window, size))
    stride = tuple(min(s, w) for s, w in zip(stride, window))
    covered = np.zeros(size, int)
    for rows, columns in windows(size, window, stride):
        assert covered[rows, columns].size
        covered[rows, columns] += 1
    assert covered.min() >= 1


@settings(max_examples=4, deadline=None)
@given(seeds, some.integers(2, 4), some.lists(some.integers(0, 4), min_size=4, max_size=4))
def test_a_batch_gives_what_its_images_give_one_by_one(seed, number, targets):
    net = st.open(convolutional(0))
    x = torch.randn(number, 2, 8, 10, generator=torch.Generator().manual_seed(seed))
    targets = targets[:number]
    for method, more in [*((m, {}) for m in SINGLE), (st.gradcam, {}), (st.occlusion, {"window": (4, 5)})]:
        options = {**more, **FEW_STEPS.get(method, {})}
        together = method(net, x, target=targets, **options)
        for i in range(number):
            alone = method(net, x[i : i + 1], target=targets[i], **options)
            close(together.values[i], alone.values[0])
            close(together.map[i], alone.map[0])
            assert together.target[i] == alone.target[0]
        in_parts = method(net, x, target=targets, batch_size=1, **options)
        close(in_parts.values, together.values)
        assert in_parts.target == together.target and in_parts.map.shape == together.map.shape


@few
@given(seeds)
def test_the_difference_of_two_outputs_has_the_difference_of_their_maps(seed):
    net, x = st.open(convolutional(0)), torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(seed))
    for method, options in [
        (st.saliency, {}), (st.input_x_gradient, {}), (st.integrated_gradients, {"steps": 4, "nodes": "gauss"}),
        (st.smoothgrad, {"samples": 2}), (st.occlusion, {"window": 4}),
    ]:  # fmt: skip
        one, other, both = (method(net, x, target=t, **options).values for t in (3, 1, "3 - 1"))
        close(both, one - other)


@pytest.mark.parametrize("chunk", [1, 3, 64])
def test_how_many_go_through_at_once_does_not_matter(chunk, monkeypatch):
    net, x = st.open(convolutional(0)), torch.randn(2, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    asked = {st.smoothgrad: {"samples": 7}, st.integrated_gradients: {"steps": 7}, st.occlusion: {"window": 3}}
    before = {method: method(net, x, target=1, **options).values for method, options in asked.items()}
    monkeypatch.setattr("seethrough.explanation.room.TOGETHER", chunk)
    for method, options in asked.items():
        close(method(net, x, target=1, **options).values, before[method])


def test_smoothgrad_is_its_seed():
    net, x = st.open(convolutional(0)), torch.randn(1, 2, 8, 8)
    before = torch.get_rng_state()
    one, same, other = (st.smoothgrad(net, x, target=1, samples=4, seed=s).values for s in (5, 5, 6))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert torch.equal(before, torch.get_rng_state())


def test_smoothgrad_draws_noise_of_the_stated_width():
    """The mean gradient of x² is 2x plus twice the mean noise; over many samples its spread tells the noise's."""

    class Squares(nn.Module):
        def forward(self, x):
            return (x**2).flatten(1).sum(1, keepdim=True)

    x = torch.rand(1, 1, 60, 60) * 4
    found = st.smoothgrad(st.open(Squares()), x, target=0, samples=1, noise=0.25).values
    noise = (found - 2 * x.numpy()) / 2
    assert noise.std() == pytest.approx(0.25 * float(x.max() - x.min()), rel=0.05) and abs(noise.mean()) < 0.05
