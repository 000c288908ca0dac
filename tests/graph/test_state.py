"""8 methods × 6 shapes of network × (done, raised, interrupted): 144 runs that leave everything as it was found. And 8
threads at once.
"""

import os
import threading

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from inspection import differences, everything, fake_left
from small import Residual, all_outputs, residual, source_of

from seethrough.errors import InputRefused
from seethrough.explanation import explain
from seethrough.graph.run import Run
from seethrough.network import open as open_network

SETTINGS = {
    "saliency": {}, "input_x_gradient": {}, "guided_backprop": {}, "deconvnet": {}, "smoothgrad": {"samples": 3},
    "integrated_gradients": {"steps": 3}, "gradcam": {}, "occlusion": {"window": 4, "stride": 4},
}  # fmt: skip


class Functional(nn.Module):
    """Nothing but functions of weights; counts its calls and keeps its last activation."""

    def __init__(self):
        super().__init__()
        self.w, self.v = nn.Parameter(torch.randn(5, 3, 3, 3) / 5), nn.Parameter(torch.randn(4, 5))
        self.register_buffer("calls", torch.zeros(()))
        self.last = []

    def forward(self, x):
        self.calls += 1
        y = F.relu(F.conv2d(x, self.w, padding=1))
        self.last.append(y)
        return F.linear(y.mean((2, 3)), self.v)


def plain():
    return nn.Sequential(
        nn.Conv2d(3, 5, 3),
        nn.ReLU(),
        nn.Conv2d(5, 5, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(5, 4),
    )


def shared():
    block = nn.Sequential(nn.Conv2d(5, 5, 3, padding=1), nn.ReLU())
    return nn.Sequential(nn.Conv2d(3, 5, 3), block, block, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4))


def in_training():
    network = Residual().train()
    network.a.weight.requires_grad_(False)
    network.fc.weight.grad = torch.ones(4, 6)
    return network


SHAPES = {
    "plain": plain, "in place": lambda: Residual(inplace=True).eval(), "reused": lambda: Residual().eval(), "functional": Functional,
    "train mode": in_training, "shared submodule": shared,
}  # fmt: skip


class Stop(Exception):
    """What a network raises."""


def stopping(module, error, after):
    """Make a module's forward raise at a call, through the instance, as a fault of the person's own would."""
    original, calls = module.forward, []

    def forward(x):
        calls.append(1)
        out = original(x)
        if len(calls) > after:
            raise error
        return out

    module.forward = forward


@pytest.mark.parametrize("end", ["done", "raises", "interrupted"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_method_leaves_everything_as_it_was_found(shape, end):
    torch.manual_seed(0)
    for k, (method, settings) in enumerate(SETTINGS.items()):
        module = SHAPES[shape]()
        if end != "done":
            stopping(module, Stop("at work") if end == "raises" else KeyboardInterrupt(), after=k % 3)
        mode = "train" if shape == "train mode" else "inference"
        network = open_network(module, input_size=(3, 8, 8), mode=mode)
        x = torch.rand(2, 3, 8, 8)
        before = everything(module, x)
        if end == "done":
            explain(network, x, [method], target=1, **settings)
        else:
            with pytest.raises(InputRefused if end == "raises" else KeyboardInterrupt) as stopped:
                explain(network, x, [method], target=1, **settings)
            assert end == "interrupted" or isinstance(stopped.value.__cause__, Stop)
        assert differences(before, everything(module, x)) == [], method
        assert fake_left(module) == [], method


def in_threads(source, batches):
    """Gradients of some batches, each asked by a thread of its own at the same moment."""
    found, start = {}, threading.Barrier(len(batches))

    def ask(k, x):
        start.wait()
        try:
            found[k] = [Run(source, x, all_outputs).gradient() for _ in range(2)]
        except Exception as error:
            found[k] = error

    threads = [threading.Thread(target=ask, args=item) for item in enumerate(batches)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return [found[k] for k in range(len(batches))]


def by_autograd(module, x):
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(all_outputs(module(leaf), None).sum(), leaf)[0]


def test_eight_threads_on_one_network_get_right_values_at_first_and_later_use():
    module = residual()
    before = everything(module)
    source = source_of(module)
    for use in range(3):
        batches = [
            torch.randn(1 + k % 3, 3, 8, 8, generator=torch.Generator().manual_seed(10 * use + k)) for k in range(8)
        ]
        for x, found in zip(batches, in_threads(source, batches)):
            assert not isinstance(found, Exception), found
            assert all(torch.allclose(g, by_autograd(module, x), rtol=1e-5, atol=1e-7) for g in found)
    assert differences(before, everything(module)) == []


def test_eight_threads_on_one_network_that_keeps_state():
    torch.manual_seed(0)
    module = Functional()
    before = everything(module)
    batches = [torch.randn(2, 3, 8, 8) for _ in range(8)]
    before["chance"] = everything(module)["chance"]
    results = in_threads(source_of(module), batches)
    assert differences(before, everything(module)) == []
    for x, found in zip(batches, results):
        assert all(torch.allclose(g, by_autograd(module, x), rtol=1e-5, atol=1e-7) for g in found)


def test_eight_threads_on_one_keras_model():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="keras isn't installed")
    if keras.config.backend() != "torch":
        pytest.skip("keras runs on another backend than torch")
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    y = keras.layers.BatchNormalization()(keras.layers.Conv2D(5, 3, activation="relu")(image))
    model = keras.Model(image, keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(y)))
    network = open_network(model)
    for _ in range(2):
        batches = [torch.randn(1 + k % 2, 3, 8, 8) for k in range(8)]
        for x, found in zip(batches, in_threads(network.source, batches)):
            assert not isinstance(found, Exception), found
            expected = by_autograd(model, x.movedim(1, -1)).movedim(-1, 1)
            assert all(torch.allclose(g, expected, rtol=1e-5, atol=1e-7) for g in found)
