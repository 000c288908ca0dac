"""Reach: what an output depends on, and what depends on the image."""

import torch
import torch.nn as nn
from small import Calls, Residual, residual, source_of

from seethrough.graph.reach import carrying, reaching, weights_read
from seethrough.graph.untouched import storage_of


def graph_of(module, *size):
    return source_of(module).written(torch.zeros(1, *size))


def test_every_operation_of_a_network_without_loose_ends_reaches_its_output():
    graph = graph_of(residual(), 3, 8, 8)
    assert reaching(graph) == frozenset(range(len(graph)))
    assert carrying(graph) == {graph.input.value, *(v for o in graph for v in o.outputs)}


def test_a_loose_end_does_not_reach_it_and_what_it_came_from_does():
    def forward(x, first, loose):
        x = first(x)
        loose(x).relu()
        return x.relu()

    graph = graph_of(Calls(forward, nn.Linear(4, 4), nn.Linear(4, 4)), 4)
    assert [graph.operations[k].name for k in sorted(reaching(graph))] == ["linear", "relu"] and len(graph) == 4


def test_what_chance_alone_makes_carries_nothing_of_the_image():
    graph = graph_of(Calls(lambda x: {"seen": x + 1, "noise": torch.rand(len(x), 3) * 2}), 4)
    found = carrying(graph)
    assert graph.outputs["seen"].value in found and graph.outputs["noise"].value not in found


def test_weights_are_known_through_their_views():
    module = Calls(lambda x, layer: x @ layer.weight.t() + layer.bias[:1], nn.Linear(4, 4))
    graph = graph_of(module, 4)
    read = weights_read(graph)
    assert {storage_of(p) for p in module.parameters()} <= read | {storage_of(module.inside[0].weight)}
    assert storage_of(module.inside[0].bias) in read
    network = Residual().eval()
    assert {storage_of(p) for p in network.parameters()} <= weights_read(graph_of(network, 3, 8, 8))


def test_a_scripted_module_reads_all_that_it_holds():
    scripted = torch.jit.script(nn.Linear(4, 4))
    graph = graph_of(Calls(lambda x, layer: layer(x) + 1, scripted), 4)
    assert {storage_of(p) for p in scripted.parameters()} <= weights_read(graph)
