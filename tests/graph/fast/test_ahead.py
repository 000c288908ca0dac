"""What comes before the layer that a map is taken from runs on the fused twin, and gives what the plain graph gives."""

import pytest
import torch
import torch.nn as nn
from small import all_outputs, source_of

from seethrough.graph.fast.ahead import ahead, before
from seethrough.graph.fast.choose import Ways
from seethrough.graph.fast.convolution import Convolution
from seethrough.graph.rules import PLAIN
from seethrough.graph.run import Counter, Run
from seethrough.results import INPUT


class Net(nn.Module):
    """A residual passes the second block by, and a gate is made of the first one's value."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.one = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU())
        self.two = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1), nn.ReLU())
        self.three = nn.Conv2d(6, 6, 3)
        self.gate = nn.Linear(6, 6)
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        a = self.one(x)
        b = self.two(a)
        c = self.three(a + b)
        return self.head((c * torch.sigmoid(self.gate(a.mean((2, 3))))[..., None, None]).mean((2, 3)))


X = torch.randn(4, 3, 12, 12, generator=torch.Generator().manual_seed(0))
MANY = 100


@pytest.fixture(scope="module")
def source():
    return source_of(Net().eval())


def run_of(source, layers, many=MANY, images=X):
    return Run(source, images, all_outputs, asks=[(PLAIN, layer) for layer in layers], counter=Counter(many=many))


def ways_of(run):
    return list(run.counter.ways._found.values())


@pytest.mark.parametrize("layers", [["two"], ["three"], ["one", "three"], ["three", "two"], ["one"]])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_gradients_and_outputs_are_those_of_the_plain_way(layers, dtype):
    source = source_of(Net().eval().to(dtype))
    fast, plain = (run_of(source, layers, many, X.to(dtype)) for many in (MANY, 0))
    close = {"rtol": 1e-5, "atol": 1e-6} if dtype is torch.float32 else {"rtol": 1e-10, "atol": 1e-12}
    for layer in layers:
        torch.testing.assert_close(fast.value(layer), plain.value(layer), **close)
        torch.testing.assert_close(fast.gradient(layer), plain.gradient(layer), **close)
    torch.testing.assert_close(fast.output, plain.output, **close)
    assert ways_of(fast) and not ways_of(plain)
    assert any(isinstance(o.function, Convolution) for way in ways_of(fast) for o in way)


def test_few_images_go_the_plain_way(source):
    run = run_of(source, ["three"], many=3)
    run.gradient("three")
    assert not any(isinstance(o.function, Convolution) for way in ways_of(run) for o in way)


def test_a_gradient_at_the_image_needs_all_of_the_plain_graph(source):
    run = run_of(source, [INPUT, "three"])
    run.gradient("three")
    assert not ways_of(run)


def test_a_gradient_that_wasnt_announced_is_had_all_the_same(source):
    fast, plain = run_of(source, ["three"]), run_of(source, ["three"], 0)
    fast.gradient("three")
    torch.testing.assert_close(fast.gradient(), plain.gradient(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(fast.gradient("one"), plain.gradient("one"), rtol=1e-5, atol=1e-6)


def test_the_cut_is_what_the_rest_is_made_of(source):
    graph = source.proved(X, gradient=True)
    at = {layer: graph.place(layer).value for layer in ("one", "two", "three")}
    assert before(graph, [graph.output.value, at["one"]], [at["one"]]) == {at["one"]}
    third = before(graph, [graph.output.value], [at["three"]])
    gate = third - {at["three"]}
    assert len(gate) == 1 and len(third) == 2  # which passes the layer by
    assert before(graph, [graph.output.value], [at["two"]]) == {at["one"], at["two"]} | gate


def test_a_twin_that_gives_something_else_is_not_believed(source, monkeypatch):
    graph = source.proved(X, gradient=True)
    at = graph.place("three").value
    given = source.given(graph, X)
    assert set(ahead(graph, given, [graph.output.value], [at], Ways(), MANY)) >= {at}
    from seethrough.graph.fast import choose

    wrong = choose.fused

    def off(*key):
        made = wrong(*key)
        for operation in made:
            if isinstance(operation.function, Convolution):
                operation.function.weight = operation.function.weight * 1.01
                operation.function.__dict__.pop("laid_out", None)
        return made

    monkeypatch.setattr(choose, "fused", off)
    monkeypatch.setattr(choose, "_twins", type(choose._twins)())
    assert ahead(graph, given, [graph.output.value], [at], Ways(), MANY) == {}
