"""Pictures that excite a unit: against closed forms, the same from the same seed, of any network, and nothing of it is changed."""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.errors import InputRefused, NetworkRefused, UsageError
from seethrough.features.best_real import best_real
from seethrough.features.cut import Cut
from seethrough.features.objectives import OUTPUT, Channel, Diversity, Logit, Near, Neuron
from seethrough.features.parametrize import Fourier, Maco, Pixel
from seethrough.features.transforms import Jitter, Pad
from seethrough.results import INPUT

RGB = {"mean": [0.5, 0.45, 0.4], "std": [0.2, 0.25, 0.3], "scale": 1 / 255, "fit": "stretch"}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Small(nn.Module):
    """Two convolutions with a rectifier each, and a head."""

    def __init__(self, channels=3, flat=False, side=24):
        super().__init__()
        torch.manual_seed(0)
        self.conv1, self.conv2 = nn.Conv2d(channels, 8, 3, padding=1), nn.Conv2d(8, 6, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.relu1, self.relu2 = nn.ReLU(inplace=True), nn.ReLU(inplace=True)
        self.flat = flat
        self.head = nn.Linear(6 * (side // 2) ** 2 if flat else 6, 4)

    def forward(self, x):
        x = self.relu2(self.conv2(self.relu1(self.norm(self.conv1(x)))))
        return self.head(x.flatten(1) if self.flat else x.mean((2, 3)))


def opened(channels=3, size=24, preprocessing=RGB, **options):
    said = preprocessing
    if channels == 1 and preprocessing is RGB:
        said = {"mean": [0.5], "std": [0.25], "scale": 1 / 255, "channels": "L"}
    return st.open(Small(channels, **options).eval(), input_size=(channels, size, size), preprocessing=said)


def quick(net, *arguments, **options):
    return st.maximize(net, *arguments, **{"steps": 12, "snapshots": 0, **options})


# --- closed forms ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("way", [Pixel(rate=0.02), Fourier(rate=0.02)], ids=lambda way: way.name)
def test_the_picture_of_a_linear_unit_is_its_kernel(channels, way):
    """Of ``w · x − λ |x − grey|²`` the maximum is ``grey + w / 2λ``; with a deviation a channel, ``w / std / 2λ``."""
    torch.manual_seed(1)
    module = nn.Conv2d(channels, 2, (9, 7))
    preprocessing = RGB if channels == 3 else {"mean": [0.5], "std": [0.25], "scale": 1 / 255, "channels": "L"}
    net = st.open(nn.Sequential(module), input_size=(channels, 9, 7), preprocessing=preprocessing)
    grey = torch.full((1, channels, 9, 7), 0.5)
    objective = 0.02 * Channel("0", 1) + Near(INPUT, grey)
    found = st.maximize(net, objective=objective, parametrization=way, transforms="none", steps=500, snapshots=0)
    std = np.array(RGB["std"] if channels == 3 else [0.25])[:, None, None]
    kernel = module.weight[1].detach().numpy() / std
    picture = found.inputs[0] * std  # whatever the mean is, a correlation doesn't see it
    for one, other in zip(picture, kernel):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.99
    assert (
        np.corrcoef(
            (picture - picture.mean((1, 2), keepdims=True)).ravel(),
            (kernel - kernel.mean((1, 2), keepdims=True)).ravel(),
        )[0, 1]
        > 0.99
    )


def test_without_a_bound_the_picture_of_a_linear_unit_goes_to_the_sign_of_its_kernel():
    torch.manual_seed(1)
    module = nn.Conv2d(1, 1, 8)
    net = st.open(nn.Sequential(module), input_size=(1, 8, 8), preprocessing={"channels": "L"})
    found = st.maximize(net, "0", channel=0, parametrization=Pixel(rate=0.3), transforms="none", steps=150, snapshots=0)
    assert np.array_equal(found.pictures[0, :, :, 0] > 127, module.weight[0, 0].detach().numpy() > 0)


# --- what was reached -----------------------------------------------------------------------------------------------


def test_what_was_reached_is_what_the_network_gives_for_the_picture_as_it_is_written():
    net = opened()
    found = quick(net, "conv2", channel=[1, 4])
    again = net.prepare(list(found.pictures))
    np.testing.assert_allclose(again.batch.numpy(), found.inputs, atol=1e-5)
    value = Cut(net.source, ("conv2",), again.batch).values(again.batch)["conv2"].numpy()
    np.testing.assert_allclose(found.reached, [value[0, 1].mean(), value[1, 4].mean()], rtol=1e-4)
    np.testing.assert_allclose(found.strongest, [value[0, 1].max(), value[1, 4].max()], rtol=1e-4)


def test_climbing_excites_more_than_noise_and_than_the_best_of_real_pictures():
    net = opened()
    real = np.random.default_rng(0).integers(0, 256, (30, 24, 24, 3), dtype=np.uint8)
    found = st.maximize(net, "conv2", channel=[0, 1, 2], steps=60, real=real, snapshots=0)
    assert found.real_count == 30
    assert found.beats_real is not None and found.beats_real.all()
    assert (found.trajectory[-1] > found.trajectory[0]).all()


def test_the_best_of_real_pictures_is_the_largest_of_each_measured_alone():
    net = opened()
    real = np.random.default_rng(0).integers(0, 256, (70, 24, 24, 3), dtype=np.uint8)
    objectives = (Channel("conv2", 3), Logit(1))
    best = best_real(net, objectives, real)
    alone = []
    for picture in real:
        batch = net.prepare(picture).batch
        found = Cut(net.source, ("conv2", OUTPUT), batch).values(batch)
        alone.append([float(o(found.__getitem__)) for o in objectives])
    np.testing.assert_allclose(best.values, np.max(alone, 0), rtol=1e-4)
    assert best.names == tuple(f"image {i + 1}" for i in np.argmax(alone, 0))


def test_a_picture_that_reaches_less_than_real_ones_is_said_to():
    found = quick(opened(), "conv2", channel=[0, 1], real=np.array([1e6, -1e6]))
    assert found.beats_real is not None
    assert list(found.beats_real) == [False, True]
    (note,) = [n for n in found.notes if n.name == "maximized_below_real"]
    assert note.numbers["names"] == "conv2:0"


def test_a_unit_that_never_fires_is_said_to():
    module = Small()
    with torch.no_grad():
        module.conv2.weight[2], module.conv2.bias[2] = 0, -1
    found = quick(st.open(module.eval(), input_size=(3, 24, 24), preprocessing=RGB), "relu2", channel=[1, 2])
    assert list(found.fires) == [True, False]
    (note,) = [n for n in found.notes if n.name == "maximized_silent"]
    assert note.numbers["names"] == "relu2:2"
    assert found.reached[1] == 0


def test_a_unit_that_is_silent_for_noise_is_woken_through_its_closed_rectifier():
    module = Small()
    with torch.no_grad():
        module.conv2.bias[2] = -1.0  # noise gives nothing, and so no gradient
    net = st.open(module.eval(), input_size=(3, 24, 24), preprocessing=RGB)
    found = st.maximize(net, "relu2", channel=2, steps=100, snapshots=0)
    assert found.trajectory[0, 0] == 0
    assert found.fires[0]
    assert "maximized_rectifier" in {n.name for n in found.notes}


# --- ways of asking -------------------------------------------------------------------------------------------------


def test_units_neurons_directions_and_classes_are_asked_for_by_keyword():
    net = st.open(Small().eval(), input_size=(3, 24, 24), preprocessing=RGB, classes=["cat", "dog", "hen", "newt"])
    assert quick(net, "conv2", channel=3).names == ("conv2:3",)
    assert quick(net, "conv2", neuron=(3, 0, 1)).names == ("conv2:3 @ 0,1",)
    assert quick(net, "conv2", neuron=[(3,), (4,)]).names == ("conv2:3", "conv2:4")
    assert quick(net, "conv*2", direction=np.ones(6)).names == ("conv2:direction",)
    assert quick(net, target=["hen", 0]).names == ("hen", "cat")
    assert quick(net, target="hen - newt").names == ("hen − newt",)
    assert quick(net, objective=Channel("conv1", 2) + Neuron("conv2", 1)).layers == ("conv1", "conv2")


def test_a_layer_alone_gives_its_first_channels_and_says_so():
    module = nn.Sequential(nn.Conv2d(3, 40, 3), nn.ReLU())
    found = quick(st.open(module, input_size=(3, 8, 8), preprocessing=RGB), "1", steps=2)
    assert len(found) == 16
    (note,) = [n for n in found.notes if n.name == "maximized_first_channels"]
    assert note.numbers == {"shown": 16, "total": 40}
    assert len(quick(opened(), "conv2", steps=2)) == 6


def test_pictures_of_one_objective_are_held_apart_by_diversity():
    net = opened()

    def likeness(weight):
        objective = Channel("relu1", 0) + weight * Diversity("relu1")
        found = st.maximize(net, objective=objective, count=3, steps=80, snapshots=0)
        batch = torch.from_numpy(found.inputs)
        values = Cut(net.source, ("relu1",), batch).values(batch)
        return -float(Diversity("relu1")(values.__getitem__).mean())

    assert likeness(5.0) < likeness(0.0) - 0.02


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        ((), {}, "Say what is to be excited"),
        (("conv3",), {}, "no layer 'conv3'"),
        (("conv*",), {}, "fits 2 layers"),
        (("conv2",), {"channel": 6}, "6 channels, 0 to 5; 6 is none"),
        (("conv2",), {"channel": []}, "none was named"),
        (("conv2",), {"channel": 1, "neuron": (1,)}, "channel and neuron are two"),
        (("conv2",), {"neuron": (1, 2)}, "channel, row, column"),
        (("conv2",), {"neuron": (1, 50, 0)}, "12 × 12 places"),
        (("conv2",), {"direction": np.zeros(6)}, "not all 0"),
        (("conv2",), {"direction": np.ones(5)}, "has 6 numbers"),
        (("conv2",), {"target": 1}, "leave the layer out"),
        ((), {"target": 9}, "no output 9"),
        (("conv2",), {"channel": 1, "steps": 0}, "at least one step"),
        (("conv2",), {"channel": 1, "size": 3}, "at least 4 pixels"),
        (("conv2",), {"channel": 1, "count": 2}, "one objective"),
        (("conv2",), {"channel": 1, "transforms": "wild"}, "standard"),
        (("conv2",), {"channel": 1, "real": [1.0, 2.0]}, "1 numbers"),
    ],
)
def test_what_can_t_be_asked_is_refused_in_a_sentence(arguments, options, said):
    with pytest.raises((UsageError, InputRefused), match=said):
        quick(opened(), *arguments, **options)


# --- any network, any input -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("size", [(24, 24), (7, 19), 32])
def test_pictures_of_any_form_and_number_of_channels(channels, size):
    preprocessing = None if channels == 5 else RGB
    found = quick(opened(channels, preprocessing=preprocessing), "conv2", channel=0, size=size)
    height, width = (size, size) if isinstance(size, int) else size
    assert found.pictures.shape == (1, height, width, 3)
    assert found.inputs.shape == (1, channels, height, width)
    assert ("maximized_range_assumed" in {n.name for n in found.notes}) == (channels == 5)
    assert ("maximized_other_size" in {n.name for n in found.notes}) == (size != (24, 24))
    if channels == 1:
        assert (found.pictures == found.pictures[..., :1]).all()


def test_an_input_of_unknown_preprocessing_is_sought_in_the_network_s_own_numbers():
    found = quick(opened(preprocessing=None), "conv2", channel=0, steps=60)
    assert found.inputs.min() < -0.5 and found.inputs.max() > 0.5
    assert np.abs(found.inputs).max() <= 2


def test_a_network_that_wants_blue_first_gets_the_same_picture_turned():
    """One network reads RGB, the other the same in BGR: the pictures are the same, up to rounding."""
    one, other = Small().eval(), Small().eval()
    with torch.no_grad():
        other.conv1.weight.copy_(one.conv1.weight.flip(1))
    bgr = {key: value[::-1] if isinstance(value, list) else value for key, value in RGB.items()} | {"channels": "BGR"}
    nets = [st.open(module, input_size=(3, 24, 24), preprocessing=said) for module, said in ((one, RGB), (other, bgr))]
    first, second = (quick(net, "conv2", channel=2) for net in nets)
    np.testing.assert_allclose(first.reached, second.reached, rtol=1e-3)
    assert np.abs(first.pictures.astype(int) - second.pictures).max() <= 2
    np.testing.assert_allclose(first.inputs, second.inputs[:, ::-1], atol=0.05)


def test_a_size_that_the_network_can_t_take_is_refused_with_one_that_it_takes():
    with pytest.raises(InputRefused, match=r"32×32.* made for 24×24"):
        quick(opened(flat=True), "conv2", channel=0, size=32)


def test_inputs_that_are_no_pictures_are_refused():
    net = st.open(nn.Sequential(nn.Linear(7, 3), nn.ReLU()), input_size=(7,))
    with pytest.raises(InputRefused, match="no pictures"):
        quick(net, "0", channel=0)


def test_weights_that_are_no_numbers_are_told_at_the_first_step():
    module = Small()
    with torch.no_grad():
        module.conv1.weight[0] = float("nan")
    with pytest.raises((InputRefused, NetworkRefused)):
        quick(st.open(module.eval(), input_size=(3, 24, 24), preprocessing=RGB), "conv2", channel=0)


def test_keras_and_torch_twins_come_to_the_same_picture():
    keras = pytest.importorskip("keras", reason="Keras isn't installed; it comes with the extra `keras`")
    layers = keras.layers
    twin = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(5, 3, padding="same", activation="relu", name="one"),
            layers.MaxPooling2D(2),
            layers.Conv2D(4, 3, padding="same", name="two"),
        ]
    )
    module = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(5, 4, 3, padding=1))
    with torch.no_grad():
        for mine, theirs in ((module[0], twin.get_layer("one")), (module[3], twin.get_layer("two"))):
            kernel, bias = (torch.from_numpy(np.array(w)) for w in theirs.get_weights())
            mine.weight.copy_(kernel.permute(3, 2, 0, 1))
            mine.bias.copy_(bias)
    ours = quick(st.open(module, input_size=(3, 16, 16), preprocessing=RGB), "3", channel=1)
    theirs = quick(st.open(twin, preprocessing=RGB), "two", channel=1)
    np.testing.assert_allclose(ours.reached, theirs.reached, rtol=1e-3)
    assert np.abs(ours.pictures.astype(int) - theirs.pictures).max() <= 2
    assert theirs.inputs.shape == (1, 16, 16, 3)


# --- the same again, and nothing changed ----------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_picture_whichever_others_are_made_beside_it():
    net = opened()
    alone, again, among = (quick(net, "conv2", channel=c, seed=3) for c in (2, 2, [0, 2, 5]))
    assert np.array_equal(alone.pictures, again.pictures)
    assert np.abs(alone.pictures[0].astype(int) - among.pictures[1]).max() <= 2
    assert not np.array_equal(alone.pictures, quick(net, "conv2", channel=2, seed=4).pictures)


def test_global_chance_plays_no_part_and_is_left_alone():
    net = opened()
    torch.manual_seed(0)
    first, state = quick(net, "conv2", channel=2), torch.get_rng_state()
    torch.manual_seed(99)
    assert np.array_equal(quick(net, "conv2", channel=2).pictures, first.pictures)
    torch.manual_seed(0)
    assert torch.equal(state, torch.get_rng_state())


def test_the_module_is_as_it_was():
    module = Small().train()
    module.conv1.weight.requires_grad_(False)
    module.head.weight.grad = torch.ones_like(module.head.weight)
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    versions = [p._version for p in module.parameters()]
    quick(st.open(module, input_size=(3, 24, 24), preprocessing=RGB), "relu2", channel=[0, 1])
    assert all(torch.equal(state[name], tensor) for name, tensor in module.state_dict().items())
    assert [p._version for p in module.parameters()] == versions
    assert module.training and all(m.training for m in module.modules())
    assert [p.requires_grad for p in module.parameters()] == [False, *[True] * 7]
    assert [n for n, p in module.named_parameters() if p.grad is not None] == ["head.weight"]
    assert bool((module.head.weight.grad == 1).all())
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in module.modules())


def test_only_operations_up_to_the_layer_run():
    net = opened()
    batch = torch.zeros(1, 3, 24, 24)
    early, late = (Cut(net.source, (layer,), batch).operations for layer in ("conv1", OUTPUT))
    assert early == 1 < late


def test_values_with_gradients_are_those_without():
    """Letting gradients through closed rectifiers changes nothing on the way up."""
    net = opened()
    batch = torch.randn(2, 3, 24, 24, generator=torch.Generator().manual_seed(5))
    cut = Cut(net.source, ("relu1", "relu2"), batch)
    for waking in (False, True):
        found = cut.differentiable(batch.requires_grad_(), waking=waking)
        for layer, value in cut.values(batch.detach()).items():
            torch.testing.assert_close(found[layer], value)


# --- the way there --------------------------------------------------------------------------------------------------


def test_callbacks_see_every_step_and_may_end_it():
    seen = []

    def until_five(moment):
        seen.append((moment.step, moment.values.shape, moment.pictures().shape))
        return moment.step < 5

    found = quick(opened(), "conv2", channel=[0, 1], callback=until_five)
    assert seen == [(k, (2,), (2, 24, 24, 3)) for k in range(1, 6)]
    assert found.trajectory.shape == (5, 2)


def test_many_pictures_are_made_in_groups_and_progress_counts_them_all():
    told = []
    found = quick(
        opened(),
        "conv2",
        neuron=[(c, r, 0) for c in range(6) for r in range(2)],
        steps=3,
        progress=lambda *n: told.append(n),
    )
    assert told == [(k, 6) for k in range(1, 7)]
    assert len(found) == 12 and found.trajectory.shape == (3, 12)


def test_snapshots_are_the_way_there_and_end_with_the_picture():
    found = st.maximize(opened(), "conv2", channel=0, steps=30, snapshots=6, transforms=(Pad(2), Jitter(2)))
    assert found.snapshots.shape == (6, 1, 24, 24, 3)
    assert found.snapshot_steps[0] == 1 and found.snapshot_steps[-1] == 30
    assert np.array_equal(found.snapshots[-1], found.pictures)
    moved = np.abs(np.diff(found.snapshots.astype(float), axis=0)).mean((1, 2, 3, 4))
    assert (moved > 0).all()


def test_the_opacity_of_a_neuron_is_where_it_looks():
    found = quick(opened(), "conv2", neuron=(1, 2, 2), transforms="none", parametrization=Maco(), steps=20)
    assert found.opacity.shape == (1, 24, 24)
    assert found.opacity[0, 3:6, 3:6].min() == 1
    assert found.opacity[0, 14:, 14:].max() == 0
    assert found.transparent.shape == (1, 24, 24, 4)


def test_a_picture_to_begin_with_is_begun_with():
    start = np.random.default_rng(1).integers(60, 200, (24, 24, 3), dtype=np.uint8)
    found = quick(opened(), "conv2", channel=0, start=start, steps=1, transforms="none")
    assert np.abs(found.pictures[0].astype(int) - start).mean() < 12
    assert found.started is not None and np.abs(found.started.astype(int) - start).max() <= 1
