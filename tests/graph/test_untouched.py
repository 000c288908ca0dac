"""Whatever happens inside, outside the network is as it was found."""

import random
import threading

import numpy as np
import pytest
import torch
import torch.nn as nn
from inspection import differences, everything
from small import residual

from seethrough.graph.untouched import same_chance, untouched


def meddle(network):
    """Changes everything that can be changed about a network."""
    with torch.no_grad():
        network.a.weight.mul_(2)
        network.b.weight.data.add_(1)
        network.fc.weight.data = torch.zeros(4, 6)
        network.norm.running_mean.add_(1)
    network.a.bias.requires_grad_(False)
    network.fc.bias.grad = torch.ones(4)
    network.train()
    network.extra, network.relu = [1], nn.GELU()
    network.settings["deep"]["list"].append(3)
    network.register_buffer("more", torch.zeros(2))
    network.b.register_forward_hook(print)
    del network.pool
    torch.rand(700), random.random(), np.random.rand()


@pytest.fixture
def network():
    network = residual()
    network.settings = {"deep": {"list": [1, 2]}, "set": {1}}
    network.a.weight.grad = torch.ones_like(network.a.weight)
    return network


@pytest.mark.parametrize("end", [None, ValueError, KeyboardInterrupt], ids=["done", "raised", "interrupted"])
def test_everything_is_put_back(network, end):
    before = everything(network)
    try:
        with untouched(network):
            meddle(network)
            if end is not None:
                raise end
    except (ValueError, KeyboardInterrupt) as error:
        assert type(error) is end
    assert differences(before, everything(network)) == []


def test_without_it_the_inspection_sees_the_meddling(network):
    before = everything(network)
    meddle(network)
    assert len(differences(before, everything(network))) > 15


def test_inside_a_network_is_in_inference_or_in_training_as_asked(network):
    network.train()
    network.b.eval()
    for training in (False, True):
        with untouched(network, training=training):
            assert all(m.training is training for m in network.modules())
        assert network.training and not network.b.training


def test_running_statistics_come_back(network):
    before = everything(network)
    with untouched(network, training=True):
        network(torch.randn(4, 3, 8, 8))
        assert not torch.equal(network.norm.running_mean, before["content of norm.running_mean"])
    assert differences(before, everything(network)) == []


def test_a_result_written_in_place_is_no_part_of_the_network(network):
    with untouched(network):
        out = network(torch.randn(2, 3, 8, 8))
        with torch.no_grad():
            out.fill_(7)
    assert torch.equal(out, torch.full((2, 4), 7.0))


def test_a_gradient_taken_inside_is_what_it_would_be_outside(network):
    with untouched(network):
        x = torch.randn(2, 3, 8, 8, requires_grad=True)
        (inside,) = torch.autograd.grad(network(x).sum(), x)
    assert torch.equal(inside, torch.autograd.grad(network(x).sum(), x)[0])


def test_random_states_of_all_three_come_back():
    def draw():
        return torch.rand(3).tolist(), random.random(), np.random.rand()

    with same_chance():
        first = draw()
    assert draw() == first


def test_two_threads_take_turns(network):
    entered = threading.Event()

    def other():
        with untouched(network):
            entered.set()

    with untouched(network):
        thread = threading.Thread(target=other)
        thread.start()
        assert not entered.wait(0.05)
    thread.join(5)
    assert entered.is_set()
