"""Passing by: each wanted value is shown once, as `execute` gives it, and nothing is held that the network is done with."""

import weakref

import pytest
import torch
import torch.nn as nn
from small import residual, source_of

from seethrough.graph.execute import execute
from seethrough.graph.passing import pass_by


@pytest.fixture
def images():
    return torch.rand(3, 3, 12, 12, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("inplace", [False, True])
def test_what_is_shown_is_what_execute_hands_back(images, inplace):
    source = source_of(residual(inplace=inplace))
    graph = source.proved(images)
    values = [v for operation in graph for v in operation.outputs if v is not None]
    expected = execute(graph, {graph.input.value: images.clone()}, values)
    shown = {}
    pass_by(graph, {graph.input.value: images.clone()}, values, lambda v, t: shown.setdefault(v, []).append(t.clone()))
    assert shown.keys() == expected.keys() and all(len(times) == 1 for times in shown.values())
    assert all(torch.equal(shown[v][0], expected[v]) for v in values)


def test_the_images_themselves_can_be_looked_at(images):
    source = source_of(residual())
    graph = source.proved(images)
    shown = []
    pass_by(graph, {graph.input.value: images}, [graph.input.value], lambda v, t: shown.append(t))
    assert len(shown) == 1 and shown[0] is images


def test_of_twenty_layers_no_more_is_alive_than_the_network_reads(images):
    layers = [m for k in range(20) for m in (nn.Conv2d(3 if k == 0 else 4, 4, 3, padding=1), nn.Sigmoid())]
    source = source_of(nn.Sequential(*layers).eval())
    graph = source.proved(images)
    wanted = [graph.place(str(2 * k + 1)).value for k in range(20)]
    refs, alive = [], []

    def look(value, tensor):
        refs.append(weakref.ref(tensor))
        alive.append(sum(ref() is not None for ref in refs))

    pass_by(graph, {graph.input.value: images}, wanted, look)
    assert len(alive) == 20 and max(alive) <= 2
