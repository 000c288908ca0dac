"""The network a person holds: what it predicts, what it says of itself, and that looking at it changes nothing."""

import copy
import gc
import random
import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import seethrough as st
from seethrough.attribution import METHODS, Needs
from seethrough.errors import InputRefused, SeethroughError, UsageError
from seethrough.results import Guess


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small networks are faster on one thread than on several that wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


IMAGES = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(5))


class Plain(nn.Module):
    """One network of six manners: in place, reused, functional, with a shared submodule…"""

    def __init__(self, manner="plain", last=None):
        super().__init__()
        torch.manual_seed(0)
        self.manner, self.last = manner, last
        self.conv1, self.conv2, self.bn = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.relu, self.relu2 = nn.ReLU(manner == "in place"), nn.ReLU()
        self.drop, self.fc = nn.Dropout(0.5), nn.Linear(6, 4)
        self.calls, self.kept, self.seen = 0, None, []
        self.trouble = None

    def forward(self, x):
        self.calls += 1
        self.kept = x
        self.seen.append(tuple(x.shape))
        relu = {"reused": self.relu, "functional": F.relu}.get(self.manner, self.relu2)
        x = self.relu(self.bn(self.conv1(x)))
        if self.trouble is not None:
            torch.manual_seed(17)
            np.random.rand()
            random.random()
            raise self.trouble
        x = relu(x + self.conv2(x))
        if self.manner == "shared submodule":
            x = relu(self.conv2(x))
        x = self.fc(self.drop(x.mean((2, 3))))
        return x if self.last is None else self.last(x)


def state_of(module, x):
    """All that a person could find changed."""
    numbers = [t.detach().clone() for t in (*module.parameters(), *module.buffers(), x)]
    return {
        "numbers": [t.numpy().tobytes() for t in numbers],
        "versions": [t._version for t in (*module.parameters(), *module.buffers())],
        "identities": [id(t) for t in (*module.parameters(), *module.buffers())],
        "gradients": [None if p.grad is None else p.grad.numpy().tobytes() for p in module.parameters()],
        "requires": [p.requires_grad for p in (*module.parameters(), x)],
        "flags": [m.training for m in module.modules()],
        "hooks": [sum(len(v) for k, v in vars(m).items() if k.endswith("_hooks")) for m in module.modules()],
        "attributes": [sorted(vars(m)) for m in module.modules()],
        "own": (module.calls, module.kept, list(module.seen)),
        "random": (torch.get_rng_state().numpy().tobytes(), random.getstate(), np.random.get_state()[1].tobytes()),
        "switches": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_dtype()),
        "global hooks": len(nn.modules.module._global_forward_hooks) + len(nn.modules.module._global_forward_pre_hooks),
    }


MANNERS = ("plain", "in place", "reused", "functional", "training", "shared submodule")
FITTING = [m.name for m in METHODS.values() if m.needs is not Needs.ATTENTION]
SOME = ("saliency", "guided_backprop", "smoothgrad", "integrated_gradients", "lrp", "gradcam", "occlusion", "rise")
ALL_ARE_ASKED = (("in place", "done"), ("training", "done"))
TROUBLES = {"done": None, "its forward raises": RuntimeError("mine"), "interrupted": KeyboardInterrupt()}


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_methods_leave_the_network_and_the_input_as_they_found_them(manner, trouble):
    module = Plain(manner)
    module.train(manner == "training")
    module.bn.eval()
    module.conv1.weight.requires_grad_(False)
    module.conv2.weight.grad = torch.ones_like(module.conv2.weight)
    for method in FITTING if (manner, trouble) in ALL_ARE_ASKED else SOME:
        net = st.open(module, input_size=(3, 12, 12))
        x = IMAGES.clone()
        module.trouble = TROUBLES[trouble]
        before = state_of(module, x)
        dial = METHODS[method].dial
        options = {"window": 6} if method == "occlusion" else {dial.setting: dial.values[0]} if dial else {}
        if trouble == "done":
            getattr(st, method)(net, x, target=1, **options)
        else:
            own = trouble.startswith("its")
            with pytest.raises(InputRefused if own else KeyboardInterrupt, match="RuntimeError: mine" if own else None):
                getattr(st, method)(net, x, target=1, **options)
        after = state_of(module, x)
        assert not [key for key in before if before[key] != after[key]], method


def test_a_refused_question_and_a_prediction_change_nothing():
    module = Plain("in place").train()
    net, x = st.open(module, input_size=(3, 12, 12)), IMAGES.clone()
    before = state_of(module, x)
    with pytest.raises(UsageError, match="99"):
        st.saliency(net, x, target=99)
    net.predict(x)
    assert net.fingerprint
    assert state_of(module, x) == before


def test_a_progress_that_interrupts_leaves_nothing_behind():
    module = Plain()
    net, x = st.open(module, input_size=(3, 12, 12)), IMAGES.clone()
    before = state_of(module, x)

    def stop(*step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        st.occlusion(net, x, target=1, window=3, progress=stop)
    assert state_of(module, x) == before


def test_a_network_in_training_is_looked_at_as_in_inference():
    module = Plain().train()
    found = st.saliency(st.open(module, input_size=(3, 12, 12)), IMAGES, target=1)
    leaf = IMAGES.clone().requires_grad_()
    (expected,) = torch.autograd.grad(copy.deepcopy(module).eval()(leaf)[:, 1].sum(), leaf)
    np.testing.assert_allclose(found.values, expected.numpy(), rtol=1e-5, atol=1e-8)


def test_eight_threads_that_ask_one_network_get_eight_right_answers():
    net = st.open(Plain("in place"), input_size=(3, 12, 12))
    inputs = [torch.rand(1, 3, 12, 12) for _ in range(8)]
    chosen = ["saliency", "gradcam", "guided_backprop", "integrated_gradients", "occlusion"]
    found, wrong = [None] * 8, []

    def ask(i):
        try:
            found[i] = st.explain(net, inputs[i], chosen, target=i % 4, steps=4, window=4)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    fresh = st.open(Plain("in place"), input_size=(3, 12, 12))
    for i in range(8):
        alone = st.explain(fresh, inputs[i], chosen, target=i % 4, steps=4, window=4)
        for method in chosen:
            np.testing.assert_allclose(found[i][method].values, alone[method].values, rtol=1e-5, atol=1e-7)


def test_weights_that_change_are_followed():
    module = Plain()
    net = st.open(module, input_size=(3, 12, 12))
    st.saliency(net, IMAGES, target=1)
    with torch.no_grad():
        module.conv1.weight.mul_(-2)
        module.fc.weight.add_(1)
    leaf = IMAGES.clone().requires_grad_()
    (expected,) = torch.autograd.grad(copy.deepcopy(module).eval()(leaf)[:, 1].sum(), leaf)
    np.testing.assert_allclose(st.saliency(net, IMAGES, target=1).values, expected.numpy(), rtol=1e-5, atol=1e-8)


def test_a_hundred_questions_leave_no_tensors_behind():
    net = st.open(Plain(), input_size=(3, 12, 12))

    def alive():
        gc.collect()
        return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())

    st.explain(net, IMAGES, ["gradcam", "saliency"], target=1)
    before = alive()
    for i in range(100):
        st.explain(net, IMAGES, ["gradcam", "saliency"], target=i % 4)
    assert alive() <= before + 5


# --- predictions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "chances"),
    [
        (None, lambda z: F.softmax(z, 1)),
        (nn.Softmax(1), lambda z: F.softmax(z, 1)),
        (nn.LogSoftmax(1), lambda z: F.softmax(z, 1)),
        (lambda z: z.exp() / z.exp().sum(1, keepdim=True), lambda z: F.softmax(z, 1)),
        (nn.Sigmoid(), None),
        (lambda z: z[:, :1], None),
        (lambda z: z[:, 0], None),
    ],
    ids=["logits", "softmax", "log softmax", "softmax by hand", "sigmoid", "one number", "one number without an axis"],
)
def test_a_prediction_has_raw_values_and_probabilities_where_outputs_are_classes(last, chances):
    net = st.open(Plain(last=last), input_size=(3, 12, 12))
    with torch.no_grad():
        raw = Plain().eval()(IMAGES)
        values = raw if last is None else last(raw)
    found = net.predict(IMAGES)
    np.testing.assert_allclose(found.values, values.reshape(2, -1).numpy(), rtol=1e-5)
    assert found.values.dtype == np.float32
    if chances is None:
        assert found.probabilities is None and found.top(1)[0].probability is None
    else:
        np.testing.assert_allclose(found.probabilities, chances(raw).numpy(), rtol=1e-5)
        np.testing.assert_allclose(found.probabilities.sum(1), 1, rtol=1e-5)


def test_top_is_the_strongest_first_with_names_and_numbers():
    net = st.open(Plain(), input_size=(3, 12, 12), classes=["ant", "bee", "cat", "dog"])
    found = net.predict(IMAGES)
    for image in (0, 1):
        order = np.argsort(-found.values[image])
        top = found.top(3, image)
        assert [guess.index for guess in top] == order[:3].tolist()
        chance, value = found.probabilities[image].max(), found.values[image].max()
        assert top[0] == Guess(int(order[0]), found.labels[order[0]], float(chance), float(value))
    assert len(found.top(9)) == 4 and found.names == ("image 1", "image 2")


def test_without_names_outputs_are_numbered():
    assert st.open(Plain(), input_size=(3, 12, 12)).predict(IMAGES).labels == tuple(f"output {i}" for i in range(4))


def test_an_output_with_places_is_meant_by_its_mean():
    class Segmenting(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x):
            return self.conv(x)

    module = Segmenting()
    net = st.open(module, input_size=(3, 12, 12))
    found = st.explain(net, IMAGES, ["saliency", "gradcam", "occlusion"], target=2, window=6)
    leaf = IMAGES.clone().requires_grad_()
    score = module(leaf)[:, 2].mean((1, 2))
    (expected,) = torch.autograd.grad(score.sum(), leaf)
    np.testing.assert_allclose(found["saliency"].values, expected.numpy(), rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(found["saliency"].scores, score.detach().numpy(), rtol=1e-5)
    np.testing.assert_allclose(net.predict(IMAGES).values[:, 2], score.detach().numpy(), rtol=1e-5)


def test_a_network_that_draws_random_numbers_leaves_the_random_state_alone():
    net = st.open(Plain(last=lambda z: z + torch.randn(z.shape) * 0), input_size=(3, 12, 12))
    before = torch.get_rng_state()
    net.predict(IMAGES)
    st.explain(net, IMAGES, ["saliency", "occlusion"], target=1, window=6)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (nn.Conv2d(3, 4, 3), {"mode": "test"}, "mode is 'inference' or 'train', not 'test'"),
        (3, {}, "builtins.int is no network"),
        (nn.Conv2d(3, 4, 3), {"input_size": (3, 0, 4)}, "An input size is whole numbers above 0"),
    ],
)
def test_what_is_no_network_or_no_setting_is_refused(source, options, message):
    with pytest.raises(SeethroughError, match=message):
        st.open(source, **options)


def test_pictures_need_a_preprocessing_and_a_size():
    picture = np.zeros((20, 20, 3), np.uint8)
    with pytest.raises(UsageError, match=r"how .* wants its pictures prepared.*'caffe'.*'tf'.*'torch'.*'unit'"):
        st.open(Plain(), input_size=(3, 12, 12)).predict(picture)
    with pytest.raises(UsageError, match="Nothing says how large"):
        st.open(Plain(), preprocessing="unit").predict(picture)


def test_opening_an_open_network_gives_itself():
    net = st.open(Plain(), input_size=(3, 12, 12))
    assert st.open(net) is net
    with pytest.raises(UsageError, match="already open"):
        st.open(net, input_size=(3, 9, 9))
