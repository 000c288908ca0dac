"""LRP as methods: values worked out by hand and published in Captum's tests, what is promised of every map, what is refused."""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.attribution import METHODS, Facts
from seethrough.attribution.relevance_conditional import through_channels
from seethrough.errors import UsageError
from seethrough.graph.composite import composite
from seethrough.graph.run import Run
from seethrough.results import Passes

ALL = [name for name in METHODS if name.startswith("lrp") and not METHODS[name].takes_layer]


def simple(first=2.0):
    """3 → 3 of twos, a rectifier, 3 → 1 of threes, no biases."""
    module = nn.Sequential(nn.Linear(3, 3, bias=False), nn.ReLU(), nn.Linear(3, 1, bias=False))
    with torch.no_grad():
        module[0].weight.fill_(2)
        module[0].weight[0, 0] = first
        module[2].weight.fill_(3)
    return st.open(module, input_size=(3,))


ONE_TWO_THREE = torch.tensor([[1.0, 2, 3]])


@pytest.mark.parametrize(
    ("method", "settings", "first", "expected"),
    [
        (st.lrp_epsilon, {}, 2.0, [18, 36, 54]),
        (st.lrp_zero, {}, 2.0, [18, 36, 54]),
        (st.lrp_gamma, {"gamma": 1.0}, -2.0, [28 / 3, 104 / 3, 52]),
        (st.lrp_alpha_beta, {"alpha": 1.0, "beta": 0.0}, -2.0, [12, 33.6, 50.4]),
        (st.lrp_z_plus, {}, -2.0, [12, 33.6, 50.4]),
        (st.lrp_flat, {}, 2.0, [36, 36, 36]),
        # 38 at each of three rectifiers, since their weights are alike; of the first 16, 4 and 4 parts of 24.
        (st.lrp_w_square, {}, 4.0, [38 * 16 / 24 + 76 / 3, 38 * 4 / 24 + 76 / 3, 38 * 4 / 24 + 76 / 3]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_captum_s_little_network(method, settings, first, expected):
    found = method(simple(first), ONE_TWO_THREE, target=0, **settings)
    np.testing.assert_allclose(found.values, [expected], rtol=1e-5)


def test_a_residual_gets_what_each_branch_gave():
    """Two numbers, doubled and rectified beside themselves, weighed 3 and 2: as Captum's skip connection, by hand."""

    class Skip(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.head = nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False)
            self.inner.weight.data, self.head.weight.data = 2 * torch.eye(2), torch.tensor([[3.0, 2]])

        def forward(self, x):
            return self.head(torch.relu(self.inner(x)) + x)

    found = st.lrp_epsilon(st.open(Skip(), input_size=(2,)), torch.tensor([[2.0, -3.0]]), target=0)
    np.testing.assert_allclose(found.values, [[3 * (4 + 2), 2 * -3]], rtol=1e-5)


class Rectified(nn.Module):
    def __init__(self, inplace):
        super().__init__()
        self.conv1, self.relu, self.conv2 = nn.Conv2d(3, 8, 3), nn.ReLU(inplace), nn.Conv2d(8, 8, 3, padding=1)
        self.norm, self.pool, self.fc = nn.BatchNorm2d(8), nn.MaxPool2d(2), nn.Linear(8, 6)

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(x + self.norm(self.conv2(x)))  # the rectifier is used twice
        return self.fc(self.pool(x).mean((2, 3)))


def rectified(inplace=False, biases=True):
    torch.manual_seed(0)
    module = Rectified(inplace)
    module.norm.running_var.uniform_(0.3, 2)
    module.norm.running_mean.normal_()
    if not biases:
        module.norm.running_mean.zero_()
        for layer in (module.conv1, module.conv2, module.fc, module.norm):
            layer.bias.data.zero_()
    return module.eval()


@pytest.fixture
def x():
    return torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(1))


def test_lrp_0_of_rectifiers_is_input_times_gradient(x):
    net = st.open(rectified(), input_size=(3, 12, 12))
    found = st.explain(net, x, methods=["lrp_zero", "input_x_gradient"], target=2)
    expected = found["input_x_gradient"].values
    np.testing.assert_allclose(found["lrp_zero"].values, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", ALL)
def test_rectifiers_in_place_and_used_twice_are_the_same_and_the_network_stays(name, x):
    plain, inplace = rectified(), rectified(inplace=True)
    before = {k: v.clone() for k, v in inplace.state_dict().items()}
    given = x.clone()
    found = [getattr(st, name)(st.open(m, input_size=(3, 12, 12)), x, target=1).values for m in (plain, inplace)]
    np.testing.assert_array_equal(*found)
    assert torch.equal(x, given) and all(torch.equal(v, before[k]) for k, v in inplace.state_dict().items())


@pytest.mark.parametrize("name", ALL)
def test_what_was_kept_of_the_target_is_said_of_each_picture(name, x):
    net = st.open(rectified(), input_size=(3, 12, 12))
    found = getattr(st, name)(net, x, target=[1, 4])
    notes = [note for note in found.checks if note.name == "conservation"]
    assert [note.numbers["image"] for note in notes] == [0, 1]
    for i, note in enumerate(notes):
        assert note.numbers["sum"] == pytest.approx(found.values[i].sum(), rel=1e-4, abs=1e-7)
        assert note.numbers["score"] == pytest.approx(found.scores[i], rel=1e-5)
        ratio = note.numbers["sum"] / note.numbers["score"]
        assert note.numbers["ratio"] == pytest.approx(ratio, rel=1e-5)
        assert note.level == ("info" if abs(ratio - 1) <= 0.5 else "warning")


@pytest.mark.parametrize(
    "name", ["lrp", "lrp_epsilon", "lrp_zero", "lrp_w_square", "lrp_flat", "lrp_epsilon_plus_flat"]
)
def test_a_network_without_biases_keeps_all(name, x):
    module = rectified(biases=False).double()
    found = getattr(st, name)(st.open(module, input_size=(3, 12, 12)), x, target=0)
    assert [note.numbers["ratio"] for note in found.checks if note.name == "conservation"] == pytest.approx(
        [1, 1], rel=2e-3
    )


def test_without_the_biases_part_a_map_sums_to_more_of_the_target(x):
    net = st.open(rectified(), input_size=(3, 12, 12))
    gaps = []
    for bias in (True, False):
        found = st.lrp_epsilon_plus(net, x, target=2, bias=bias)
        gaps.append([abs(note.numbers["ratio"] - 1) for note in found.checks if note.name == "conservation"])
    assert all(without < with_ for with_, without in zip(*gaps))


@pytest.mark.parametrize("name", [*ALL, "lrp_conditional"])
def test_a_map_does_not_depend_on_its_company_and_costs_what_is_declared(name, x):
    net = st.open(rectified().double(), input_size=(3, 12, 12))
    together, alone = (getattr(st, name)(net, given, target=1) for given in (x, x[1:]))
    scale = np.abs(alone.values).max()
    np.testing.assert_allclose(together.values[1:], alone.values, rtol=0, atol=1e-6 * scale)
    declared = METHODS[name].passes({}, Facts(12, 12))
    assert alone.passes == declared + Passes(1, 0)


def test_relevance_and_gradients_share_a_forward(x):
    net = st.open(rectified(), input_size=(3, 12, 12))
    found = st.explain(net, x[:1], methods=["lrp_epsilon", "lrp_epsilon_plus_flat", "lrp", "saliency"], target=1)
    assert found.passes == Passes(1, 3)  # lrp is lrp_epsilon_plus_flat here
    np.testing.assert_array_equal(found["lrp"].values, found["lrp_epsilon_plus_flat"].values)


class Deciding(nn.Module):
    """Looks at its numbers, so that its operations are recorded for these pictures alone, each time anew."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.deep, self.fc = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Linear(8, 5)

    def forward(self, x):
        x = self.conv(x).relu()
        if x.mean() > 1000:
            x = x / 2
        return self.fc((self.deep(x) * 0.5).relu().mean((2, 3)))


def test_networks_that_are_recorded_anew_for_each_run(x):
    net = st.open(Deciding(), input_size=(3, 12, 12))
    asked = ["lrp_zero", "gradcam", "lrp_epsilon_plus_flat", "lrp_conditional", "input_x_gradient"]
    found = st.explain(net, x, methods=asked, target=1, layer="conv")
    assert any(note.name == "recorded_for_one_image" for note in found.notes)
    expected = found["input_x_gradient"].values
    np.testing.assert_allclose(found["lrp_zero"].values, expected, atol=1e-4 * np.abs(expected).max())
    each = [st.lrp_conditional(net, x, target=1, layer="conv", channels=k).values for k in range(8)]
    whole = found["lrp_epsilon_plus_flat"].values
    np.testing.assert_allclose(sum(each), whole, atol=1e-5 * np.abs(whole).max())


def test_of_a_contrast_both_sides_are_handed_down(x):
    net = st.open(rectified(), input_size=(3, 12, 12))
    one, other, both = (st.lrp_epsilon_plus(net, x, target=t).values for t in (1, 4, "1 - 4"))
    np.testing.assert_allclose(both, one - other, atol=1e-5 * np.abs(one).max())


def test_the_first_layer_is_flat_in_all_channels_and_over_the_range_of_pixels_in_the_box(x):
    net = st.open(rectified(), input_size=(3, 12, 12))
    flat = st.lrp_epsilon_plus_flat(net, x, target=1).values
    np.testing.assert_allclose(flat, flat[:, :1].repeat(3, 1), atol=1e-6 * np.abs(flat).max())
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    by_itself = st.lrp_z_box(net, x, target=1).values  # nobody knows what black and white are to this network
    told = np.concatenate([
        st.lrp_z_box(net, x[i : i + 1], target=1, low=low[i : i + 1], high=high[i : i + 1]).values for i in range(2)
    ])  # fmt: skip
    np.testing.assert_allclose(by_itself, told, atol=1e-5 * np.abs(told).max())


def test_of_rows_of_numbers_the_box_is_their_own_range():
    found = st.lrp_z_box(simple(), ONE_TWO_THREE, target=0)  # of weights of twos: x − 1 = 0, 1, 2 of each 36
    np.testing.assert_allclose(found.values, [[0, 36, 72]], atol=1e-3)


def test_a_target_of_nothing_is_kept():
    net = st.open(simple().module, input_size=(3,))
    note = next(n for n in st.lrp_epsilon(net, torch.zeros(1, 3), target=0).checks if n.name == "conservation")
    assert (note.numbers["ratio"], note.level) == (1, "info")


def test_the_box_goes_from_black_to_white_as_the_network_sees_them():
    torch.manual_seed(0)
    module, pixels = rectified(), np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8)
    mean, std = [0.4, 0.5, 0.6], [0.2, 0.3, 0.25]
    prepared = {"scale": 1 / 255, "mean": mean, "std": std}
    net = st.open(module, input_size=(3, 12, 12), preprocessing=prepared)
    edges = [torch.tensor([(p - m) / s for m, s in zip(mean, std)]).reshape(1, 3, 1, 1) for p in (0, 1)]
    for name in ("lrp_z_box", "lrp_epsilon_gamma_box"):
        method = getattr(st, name)
        told = method(net, pixels, target=1, low=edges[0], high=edges[1]).values
        np.testing.assert_allclose(method(net, pixels, target=1).values, told, atol=1e-5 * np.abs(told).max())


def test_float64_networks_are_explained_in_float64(x):
    """A rule in float32 would differ from float64 by more than this."""
    single, double = rectified(), rectified().double()
    found = [st.lrp_epsilon_gamma_box(st.open(m, input_size=(3, 12, 12)), x, target=1).values for m in (single, double)]
    scale = np.abs(found[1]).max()
    assert 0 < np.abs(found[0] - found[1]).max() < 1e-4 * scale


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("lrp_epsilon", {"epsilon": -1e-3}),
        ("lrp_epsilon", {"epsilon": float("nan")}),
        ("lrp_gamma", {"gamma": -0.1}),
        ("lrp_alpha_beta", {"alpha": 2.0, "beta": 2.0}),
        ("lrp_alpha_beta", {"alpha": 0.0, "beta": -1.0}),
        ("lrp_conditional", {"channels": 8, "layer": "conv1"}),
        ("lrp_conditional", {"channels": [0, -1], "layer": "conv1"}),
        ("lrp_conditional", {"channels": [], "layer": "conv1"}),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_sentence(name, settings, x):
    net = st.open(rectified(), input_size=(3, 12, 12))
    with pytest.raises(UsageError, match=r"needs|has the channels"):
        getattr(st, name)(net, x, target=1, **settings)


# --- conditional ------------------------------------------------------------------------------------------------------


class Branches(nn.Module):
    """The network of zennit-crp's tests: two linear layers side by side, joined, and one behind."""

    def __init__(self):
        super().__init__()
        self.layer1, self.layer2, self.layer3 = (nn.Linear(n, m, bias=False) for n, m in ((2, 2), (2, 2), (4, 1)))
        self.layer1.weight.data = torch.tensor([[1.0, 2], [0, 1]])
        self.layer2.weight.data = torch.tensor([[2.0, 3], [0, 0]])
        self.layer3.weight.data = torch.tensor([[1.0, 4, 5, 0]])

    def forward(self, x):
        return self.layer3(torch.cat([self.layer1(x), self.layer2(x)], 1))


def test_the_published_values_of_conditional_relevance():
    net, given = st.open(Branches(), input_size=(2,)), torch.tensor([[-1.0, 1.0]])
    np.testing.assert_allclose(st.lrp_epsilon(net, given, target=0).values, [[-11, 21]], rtol=1e-5)
    prepared = net.prepare(given)
    run = Run(net.source_of(prepared), prepared.batch, lambda out, _: out[:, 0])
    chosen = composite(run.graph)
    expected = {("layer1", 0): [-1, 2], ("layer1", None): [-1, 6], ("layer2", 0): [-10, 15]}
    relevance = {"layer1": [[1, 4]], "layer2": [[5, 0]]}
    for (layer, channel), values in expected.items():
        np.testing.assert_allclose(run.gradient(layer, chosen), relevance[layer], rtol=1e-5, atol=1e-6)
        channels = range(2) if channel is None else channel
        found = through_channels(run, layer, channels, chosen).values
        np.testing.assert_allclose(found, [values], rtol=1e-5)


@pytest.mark.parametrize("layer", ["pool", "relu:2"])
def test_over_all_channels_conditional_relevance_is_relevance(layer, x):
    net = st.open(rectified(), input_size=(3, 12, 12))
    whole = st.lrp_epsilon_plus_flat(net, x, target=1).values
    each = [st.lrp_conditional(net, x, target=1, layer=layer, channels=k).values for k in range(8)]
    np.testing.assert_allclose(sum(each), whole, atol=1e-5 * np.abs(whole).max())
    some = st.lrp_conditional(net, x, target=1, layer=layer, channels=[1, 5]).values
    np.testing.assert_allclose(some, each[1] + each[5], atol=1e-5 * np.abs(whole).max())


def test_past_a_layer_in_a_branch_goes_what_conditional_relevance_leaves_out(x):
    """What goes through the branch and what goes past it are the whole."""
    net = st.open(rectified(), input_size=(3, 12, 12))
    whole = st.lrp_epsilon_plus_flat(net, x, target=1).values
    through = st.lrp_conditional(net, x, target=1, layer="norm", channels=range(8)).values
    assert np.abs(through - whole).max() > 0.05 * np.abs(whole).max()


def test_the_strongest_channel_is_found_for_each_picture_and_named(x):
    net = st.open(rectified(), input_size=(3, 12, 12))
    found = st.lrp_conditional(net, x, target=1, layer="pool")
    notes = [note.numbers for note in found.checks if note.name == "through_channels"]
    for i, numbers in enumerate(notes):
        given = x[i : i + 1]
        each = [st.lrp_conditional(net, given, target=1, layer="pool", channels=k) for k in range(8)]
        through = [a.checks[-1].numbers["through"] for a in each]
        strongest = int(np.argmax(np.abs(through)))
        assert numbers["channels"] == str(strongest) and numbers["through"] == pytest.approx(
            through[strongest], rel=1e-4
        )
        expected = each[strongest].values[0]
        np.testing.assert_allclose(found.values[i], expected, atol=1e-5 * np.abs(expected).max())
        assert numbers["sum"] == pytest.approx(expected.sum(), rel=1e-3)
