"""Which numbers of a network are its last layer and its last block."""

import numpy as np
import pytest
import torch
import torch.nn as nn
from small_networks import Normed, Reads, facts_of_noise, keras_model, opened

import seethrough as st
from seethrough.remedies.weights import block, head, last_block, parameters


class ByConvolution(nn.Module):
    """Its last linear layer is a 1 × 1 convolution without bias, of one output."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.seen, self.last = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 1, 1, bias=False)

    def forward(self, x):
        return self.last(torch.relu(self.seen(x)).mean((2, 3), keepdim=True)).flatten(1)


class Tied(nn.Module):
    """The last layer's weights are used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.seen, self.last = nn.Conv2d(3, 4, 3), nn.Linear(4, 4)

    def forward(self, x):
        return self.last(torch.relu(self.last(torch.relu(self.seen(x)).mean((2, 3)))))


@pytest.mark.parametrize(
    ("network", "paths"),
    [
        (Normed, ("head.weight", "head.bias")),
        (lambda: Normed(bias=False), ("head.weight",)),
        (ByConvolution, ("last.weight",)),
        (lambda: Reads(1, 1), ("read.weight", "read.bias")),
        (keras_model, ("head/kernel", "head/bias")),
        (lambda: keras_model(outputs=1), ("head/kernel", "head/bias")),
        (lambda: keras_model(dense=False), ("head/kernel", "head/bias")),
    ],
)
def test_the_last_layer_is_read_as_a_matrix_and_written_in_its_own_shape(network, paths):
    net = opened(network(), classes=None)
    facts = facts_of_noise(net)
    found = head(net, facts)
    assert found is not None and found.paths == paths
    matrix, bias = found.read()
    asked = torch.from_numpy(facts.features) @ matrix.T + bias
    assert np.allclose(asked.softmax(1).numpy(), facts.answers, atol=1e-5)  # of one output, 0 stands beside it
    back = found.weights(matrix, bias)
    assert back.keys() == set(paths)
    for path, value in back.items():
        assert torch.equal(value, parameters(net)[path]) and value.data_ptr() != parameters(net)[path].data_ptr()


def test_a_bias_that_there_is_no_place_for_is_refused():
    net = opened(Normed(bias=False))
    found = head(net, facts_of_noise(net))
    matrix, bias = found.read()
    with pytest.raises(ValueError, match="no bias"):
        found.weights(matrix, bias + 1)


def test_a_layer_whose_weights_are_used_elsewhere_is_no_last_layer():
    net = opened(Tied(), classes=None)
    assert head(net, facts_of_noise(net)) is None


def test_of_a_function_nothing_can_be_changed():
    net = st.open(lambda x: x.mean((1, 2))[:, :2], input_size=(24, 24, 3), preprocessing="unit")
    assert block(net) == () and last_block(net) is None and not parameters(net)


def test_the_last_block_has_two_layers_that_see_places_and_no_normalisation():
    assert block(opened(Normed())) == ("second.0.weight", "third.0.weight")
    assert block(opened(keras_model())) == ("second/kernel", "second/bias", "third/kernel", "third/bias")
    assert block(opened(Reads(1, 1))) == ("grey.weight",)  # it has no more


def test_a_block_begins_behind_a_residual_sum():
    net = st.open("demo:leopards")
    found = last_block(net)
    assert found.paths == ("stage2.1.unit.conv.weight", "stage2.1.conv.weight", "stage3.conv.weight")
    graph = net.graph()
    assert graph.operations[graph.producer[found.before]].path == "stage2.0.relu/relu"


def test_running_statistics_are_no_parameters():
    assert not any("moving" in path or "running" in path for path in parameters(opened(keras_model())))
    assert "first/kernel" in parameters(opened(keras_model())) and "norm/gamma" in parameters(opened(keras_model()))
    frozen = keras_model()
    frozen.get_layer("first").trainable = False
    assert "first/kernel" in parameters(opened(frozen))
