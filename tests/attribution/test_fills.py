"""What stands where a picture is taken away: each fill is what its name says, in the network's own numbers."""

import numpy as np
import pytest
import torch
from masked_material import run_of
from scipy import sparse
from scipy.ndimage import gaussian_filter
from scipy.sparse.linalg import spsolve
from torch import nn

import seethrough as st
from seethrough.attribution.fills import COVERS, blurred, fill, filled, key
from seethrough.attribution.inpaint import inpainted
from seethrough.errors import UsageError


class Total(nn.Module):
    """Adds everything up, so that covering all tells what the cover adds up to."""

    def forward(self, x):
        return x.flatten(1).sum(1, keepdim=True)


def cover(x, fill, **options):
    """The sum of a picture under a fill."""
    found = st.occlusion(st.open(Total(), **options), x, target=0, window=x.shape[2:], fill=fill)
    return found.scores - found.values[:, 0, 0]


@pytest.fixture
def x():
    return torch.rand(2, 3, 20, 24, generator=torch.Generator().manual_seed(0)) + torch.arange(2.0).view(2, 1, 1, 1)


def test_fills_add_up_to_what_they_are(x):
    places = 20 * 24
    np.testing.assert_allclose(cover(x, "zero"), [0, 0], atol=1e-3)
    np.testing.assert_allclose(cover(x, 0.5), [0.5 * 3 * places] * 2, rtol=1e-5)
    np.testing.assert_allclose(cover(x, np.float32(0.5)), [0.5 * 3 * places] * 2, rtol=1e-5)
    np.testing.assert_allclose(cover(x, "mean"), x.flatten(1).sum(1), rtol=1e-5)
    np.testing.assert_allclose(cover(x, torch.tensor([1.0, 2, 3]).view(3, 1, 1)), [6 * places] * 2, rtol=1e-5)
    np.testing.assert_allclose(cover(x, x.flip(0).numpy()), x.flip(0).flatten(1).sum(1), rtol=1e-5)


def test_black_is_a_black_picture_as_the_network_sees_it(x):
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    expected = -sum(m / s for m, s in zip(mean, std)) * 20 * 24
    known = cover(x, "black", input_size=(3, 20, 24), preprocessing="torch")
    np.testing.assert_allclose(known, [expected] * 2, rtol=1e-4)
    np.testing.assert_allclose(cover(x, "black"), [0, 0], atol=1e-3)  # nobody knows: zero


def test_the_mean_is_each_pictures_own_colour():
    class Red(nn.Module):
        def forward(self, x):
            return x[:, :1].flatten(1).sum(1, keepdim=True)

    x = torch.stack([torch.full((3, 8, 8), 1.0), torch.full((3, 8, 8), 4.0)])
    x[:, 0, :4] += 2  # the upper half is redder
    found = st.occlusion(st.open(Red()), x, target=0, window=(4, 8), stride=4, fill="mean")
    np.testing.assert_allclose(found.values[:, [0, 7], 0], [[32, -32]] * 2)


@pytest.mark.parametrize("sigma", [1.0, 2.5])
def test_the_blur_is_a_gaussian_mirrored_at_the_edges(x, sigma):
    expected = gaussian_filter(x.double().numpy(), (0, 0, sigma, sigma), mode="mirror", truncate=3.0)
    np.testing.assert_allclose(blurred(x.double(), sigma).numpy(), expected, rtol=1e-6)


def test_a_blur_wider_than_the_picture_still_has_its_mean_within_the_pictures_values():
    x = torch.rand(1, 2, 5, 40)
    found = blurred(x, 4.0)
    assert found.shape == x.shape and x.min() <= found.min() and found.max() <= x.max()
    np.testing.assert_allclose(blurred(torch.full((1, 2, 5, 40), 3.0), 4.0), 3, rtol=1e-5)


@pytest.mark.parametrize("rank", [2, 3])
def test_baselines_serve_inputs_that_are_no_pictures(rank):
    torch.manual_seed(0)
    shape = (3, 4, 10)[:1] + (4, 10)[-(rank - 1) :]
    module = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape[1:])), 6), nn.Tanh(), nn.Linear(6, 2))
    net, x = st.open(module, input_size=shape[1:]), torch.randn(shape)
    for baseline in ("zero", "mean", "black", 0.3):
        found = st.integrated_gradients(net, x, target=1, baseline=baseline, steps=32)
        assert found.values.shape == shape and found.map.shape == (3, 1, 10)
        assert max(n.numbers["gaps"] for n in found.checks if n.name == "completeness") < 1e-3
        alone = st.integrated_gradients(net, x[1:2], target=1, baseline=baseline, steps=32)
        np.testing.assert_allclose(alone.values[0], found.values[1], atol=1e-6)
    noisy = st.smoothgrad(net, x, target=1, samples=3)
    np.testing.assert_allclose(st.smoothgrad(net, x[2:], target=1, samples=3).values[0], noisy.values[2], atol=1e-6)


def test_white_is_a_white_picture_as_the_network_sees_it(x):
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    expected = sum((1 - m) / s for m, s in zip(mean, std)) * 20 * 24
    known = cover(x, "white", input_size=(3, 20, 24), preprocessing="torch")
    np.testing.assert_allclose(known, [expected] * 2, rtol=1e-4)
    caffe = st.open(Total(), input_size=(3, 20, 24), preprocessing="caffe").white
    np.testing.assert_allclose(caffe.flatten(), [255 - 103.939, 255 - 116.779, 255 - 123.68], rtol=1e-5)
    with pytest.raises(UsageError, match="Nobody knows what white is to this network"):
        cover(x, "white")


def test_noise_has_each_pictures_own_mean_and_spread_and_is_always_the_same(x):
    before = torch.random.get_rng_state()
    found = fill(run_of(Total(), x), "noise")
    assert torch.equal(torch.random.get_rng_state(), before) and torch.equal(found, fill(run_of(Total(), x), "noise"))
    torch.testing.assert_close(found.mean((2, 3)), x.mean((2, 3)), atol=0.05, rtol=0)
    torch.testing.assert_close(found.std((2, 3)), x.std((2, 3)), atol=0.03, rtol=0)
    assert torch.equal(fill(run_of(Total(), x[1:]), "noise")[0], found[1])  # whatever stands beside it


@pytest.mark.parametrize("wanted", [f for f in COVERS if f not in ("white", "inpaint")])
def test_masks_mix_a_picture_and_its_fill(x, wanted):
    run = run_of(Total(), x)
    masks = torch.rand(3, 1, 20, 24, generator=torch.Generator().manual_seed(1))
    found = filled(run, wanted, masks)
    for k, m in enumerate(masks):
        expected = m * x + (1 - m) * fill(run, wanted)
        torch.testing.assert_close(found[2 * k : 2 * k + 2], expected)


def solved(picture, hidden):
    """The system of ROAD by a sparse solver: each hidden pixel its neighbours' mean, weighed 1/6 and 1/12."""
    height, width = hidden.shape
    numbers = -np.ones((height, width), int)
    numbers[hidden] = np.arange(hidden.sum())
    rows, columns, entries, right = [], [], [], np.zeros((hidden.sum(), len(picture)))
    for y, x in zip(*np.nonzero(hidden)):
        here, degree = numbers[y, x], 0.0
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                if (dy, dx) == (0, 0) or not (0 <= y + dy < height and 0 <= x + dx < width):
                    continue
                weight = 1 / 6 if 0 in (dy, dx) else 1 / 12
                degree += weight
                if hidden[y + dy, x + dx]:
                    rows.append(here), columns.append(numbers[y + dy, x + dx]), entries.append(-weight)
                else:
                    right[here] += weight * picture[:, y + dy, x + dx]
        rows.append(here), columns.append(here), entries.append(degree)
    matrix = sparse.csr_matrix((entries, (rows, columns)), shape=(len(right),) * 2)
    out = picture.copy()
    out[:, hidden] = np.stack([spsolve(matrix, b) for b in right.T])
    return out


def hiding(shape, kind):
    hidden = np.zeros(shape, bool)
    if kind == "window":
        hidden[10:25, 12:40] = True
    elif kind == "all but a corner":
        hidden[:] = True
        hidden[-3:, -2:] = False
    elif kind == "pixels":
        hidden = np.random.default_rng(0).random(shape) < 0.8
    elif kind == "edge":
        hidden[:, :9] = True
    return hidden


KINDS = ("window", "all but a corner", "pixels", "edge")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-3), (torch.float32, 2e-3)])
def test_what_is_hidden_is_its_neighbours_mean(kind, dtype, tolerance):
    hidden = hiding((37, 50), kind)
    picture = gaussian_filter(np.random.default_rng(1).random((3, 37, 50)), (0, 2, 2)) * 9
    x = torch.from_numpy(np.where(hidden, 77, picture)).to(dtype)[None]
    found = inpainted(x, torch.from_numpy(~hidden)[None, None])[0].double().numpy()
    expected = solved(picture, hidden)
    assert np.abs(found - expected).max() <= tolerance * np.ptp(picture)
    np.testing.assert_allclose(found[:, ~hidden], picture[:, ~hidden], rtol=1e-6)


def test_a_ramp_is_continued_as_a_ramp_without_an_edge():
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(40.0), indexing="ij")
    ramp = (2 * y - x)[None, None].double()
    known = torch.ones(1, 1, 32, 40, dtype=torch.bool)
    known[..., 8:20, 10:30] = False
    torch.testing.assert_close(inpainted(ramp * known, known), ramp, atol=1e-3, rtol=0)


def test_a_picture_is_continued_alike_in_any_company():
    known = torch.from_numpy(np.stack([~hiding((37, 50), kind) for kind in KINDS]))[:, None]
    x = torch.rand(4, 3, 37, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    together = inpainted(x, known)
    for n in range(4):
        torch.testing.assert_close(inpainted(x[n : n + 1], known[n : n + 1])[0], together[n], rtol=1e-10, atol=1e-12)


def test_of_a_picture_of_which_nothing_is_known_the_mean_colour_stays():
    x = torch.rand(2, 3, 9, 9)
    known = torch.ones(2, 1, 9, 9, dtype=torch.bool)
    known[0] = False
    found = inpainted(x, known)
    torch.testing.assert_close(found[0], x[0].mean((1, 2), keepdim=True).expand(3, 9, 9))
    assert torch.equal(found[1], x[1])


def test_inpainting_covers_what_a_mask_covers_more_than_half(x):
    run = run_of(Total(), x)
    mask = torch.ones(1, 1, 20, 24)
    mask[..., 5:9, 5:9], mask[..., 12:, :] = 0, 0.7
    found = filled(run, "inpaint", mask)
    torch.testing.assert_close(found, torch.where(mask < 0.5, inpainted(x, (mask >= 0.5).expand(2, 1, -1, -1)), x))
    found = st.occlusion(st.open(Total()), x, target=0, window=4, stride=4, fill="inpaint")
    assert np.abs(found.values).max() > 0


def test_fills_for_parts_arent_for_whole_pictures_and_unknown_ones_are_named(x):
    net = st.open(Total())
    with pytest.raises(UsageError, match="'inpaint' continues what is left of a picture, so it is for masks"):
        st.integrated_gradients(net, x, 0, baseline="inpaint")
    with pytest.raises(UsageError, match="one of black, white, zero, mean, blur, noise, inpaint, not 'grey'"):
        st.occlusion(net, x, 0, fill="grey")


def test_fills_are_the_same_by_what_is_in_them():
    one = torch.arange(6.0).view(1, 2, 3)
    assert key(one) == key(one.numpy()) != key(one + 1)
    assert key(one) != key(one.double()) and key("mean") == "mean" and key(0.5) == 0.5
