"""Which of several outputs is meant: by key, field or position; nobody's choice is logits, else the first."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
import torch.nn as nn
from small import Calls, all_outputs, paths

from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.graph.source import GraphSource

X = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
Pair = namedtuple("Pair", "score aux")


@dataclass
class Answer:
    boxes: torch.Tensor
    logits: torch.Tensor
    nothing: None = None


class ModelOutput(OrderedDict):
    """Keys that are also fields, as in transformers."""


def a(x):
    return x.mean((2, 3))


def b(x):
    return (x * x).flatten(1)[:, :5]


FORMS = {
    "a tuple": (lambda x: (a(x), b(x)), {"0": a, "1": b}, "0"),
    "a list in a tuple": (lambda x: (b(x), [a(x), b(x) * 2]), {"0": b, "1.0": a}, "0"),
    "a dict": (lambda x: {"features": b(x), "logits": a(x)}, {"features": b, "logits": a}, "logits"),
    "a nested dict": (lambda x: {"out": a(x), "aux": {"deep": b(x)}}, {"out": a, "aux.deep": b}, "out"),
    "a named tuple": (lambda x: Pair(a(x), b(x)), {"score": a, "aux": b}, "score"),
    "a dataclass": (lambda x: Answer(b(x), a(x)), {"boxes": b, "logits": a}, "logits"),
    "a model output": (lambda x: ModelOutput(loss=b(x), logits=a(x)), {"loss": b, "logits": a}, "logits"),
}


def source_of(function, output=None):
    network = Calls(function)
    return GraphSource(network, network, paths(network), output=output)


@pytest.mark.parametrize(("function", "outputs", "usual"), FORMS.values(), ids=FORMS)
def test_an_output_is_chosen_by_the_name_that_its_form_gives_it(function, outputs, usual):
    for name, alone in outputs.items():
        source = source_of(function, name)
        run = Run(source, X, all_outputs)
        leaf = X.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(all_outputs(alone(leaf), None).sum(), leaf)
        assert torch.allclose(run.output, alone(X)) and torch.allclose(run.gradient(), gradient, atol=1e-7)
        assert run.graph.meant == name
    assert torch.allclose(Run(source_of(function), X, all_outputs).output, outputs[usual](X))


def test_an_unknown_output_is_refused_with_those_there_are_nearest_first():
    with pytest.raises(UsageError, match=r"'logit'.*Nearest: logits\. There are: features, logits"):
        source_of(FORMS["a dict"][0], "logit").proved(X)


@pytest.mark.parametrize(
    "function",
    [lambda x: {"a": a(x), "b": b(x * float(x.mean()))}, lambda x: {"a": a(x), "b": torch.tensor(b(x).tolist())}],
    ids=["recorded for real", "opaque"],
)
def test_the_choice_holds_on_every_way_down(function):
    source = source_of(function, "b")
    graph = source.proved(X)
    assert graph.source in ("real", "whole") and graph.meant == "b"
    assert torch.allclose(Run(source, X, all_outputs).output, function(X)["b"])
    with pytest.raises(UsageError, match="There are: a, b"):
        source_of(function, "c").proved(X)


def test_outputs_of_a_channels_last_network_have_their_channels_first_when_asked():
    network = nn.Identity()
    source = GraphSource(network, lambda x: network(x) * 2, {}, layout="channels_last")
    x = torch.randn(2, 4, 5, 3)
    run = Run(source, source.internal(x), all_outputs)
    assert torch.equal(run.output, x.movedim(-1, 1) * 2)


def test_rows_of_vectors_that_a_linear_layer_gives_are_places():
    torch.manual_seed(0)
    network = Calls(lambda x, fc: fc(x.flatten(2).mT).softmax(-1), nn.Linear(3, 7))
    run = Run(GraphSource(network, network, paths(network)), X, all_outputs)
    assert run.output.flatten(2).shape == (3, 7, 64) and torch.allclose(run.output.sum(1), torch.tensor(1.0))
    assert torch.allclose(run.logits.softmax(1), run.output, atol=1e-6)
