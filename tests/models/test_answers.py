"""What outputs are, by task: nothing is called a probability or a logit that isn't one."""

import numpy as np
import pytest
import torch
import torch.nn as nn

from seethrough import explain
from seethrough import open as open_network
from seethrough.errors import InputRefused, UsageError
from seethrough.models.answers import task_of

X = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


class Ends(nn.Module):
    """A convolution, and whatever the network ends with."""

    def __init__(self, end, channels=4):
        super().__init__()
        self.conv, self.end = nn.Conv2d(3, channels, 3, padding=1), end

    def forward(self, x):
        return self.end(self.conv(x).relu())


def made(end, **said):
    torch.manual_seed(0)
    return open_network(Ends(end).eval(), input_size=(3, 8, 8), **said)


def pooled(a):
    return a.mean((2, 3))


@pytest.mark.parametrize(
    ("end", "task"),
    [
        (lambda a: a, "segmentation"),
        (lambda a: a[:, :1], None),
        (lambda a: pooled(a), None),
        (lambda a: pooled(a).softmax(1), "classification"),
        (lambda a: pooled(a)[:, :1].sigmoid(), "classification"),
        (lambda a: a.softmax(1), "segmentation"),
        (lambda a: {"logits": pooled(a), "map": a}, None),
    ],
)
def test_a_task_is_guessed_only_where_the_graph_makes_it_certain(end, task):
    net = made(end)
    assert task_of(net.opened, net.source.proved(X)) == task
    assert net.predict(X).provenance["task"] == task


def test_what_the_person_says_goes_before_a_guess():
    net = made(lambda a: a, task="regression")
    assert net.predict(X).provenance["task"] == "regression" == net.provenance["task"]
    with pytest.raises(UsageError, match=r"no task 'segment'.*Nearest: segmentation"):
        made(pooled, task="segment")


@pytest.mark.parametrize("task", ["regression", "embedding"])
def test_quantities_have_no_probabilities_and_are_called_outputs(task):
    net = made(lambda a: pooled(a).sigmoid(), task=task)
    prediction = net.predict(X)
    assert prediction.probabilities is None and prediction.labels == tuple(f"output {i}" for i in range(4))
    found = explain(net, X, ["saliency"], 2)
    assert {t.quantity for t in found.target} == {"output"}
    assert not {"softmax_looked_through", "saturated_softmax"} & {n.name for n in found.notes}
    leaf = X.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(net.module(leaf)[:, 2].sum(), leaf)
    assert np.allclose(found["saliency"].values, gradient, rtol=1e-4, atol=1e-7), "of the output itself, not of a logit"
    assert np.allclose(found["saliency"].scores, net.module(X)[:, 2].detach(), rtol=1e-5)
    with pytest.raises(UsageError, match=f"gives quantities \\({task}\\), no probabilities"):
        explain(net, X, ["saliency"], probabilities=True)


def test_names_of_quantities_are_kept():
    net = made(lambda a: pooled(a)[:, :2], task="regression", classes=["age", "weight"])
    assert net.predict(X).labels == ("age", "weight")
    assert explain(net, X, ["saliency"], "age").target[0].label == "age"


@pytest.mark.parametrize("end", [lambda a: a, lambda a: a.softmax(1)], ids=["scores", "softmax"])
def test_a_segmentation_answers_with_means_over_its_places_and_says_so_once(end):
    net = made(end)
    prediction, out = net.predict(X), net.module(X).detach()
    assert np.allclose(prediction.values, out.mean((2, 3)), atol=1e-6)
    chances = (out if end(out) is not out else out.softmax(1)).mean((2, 3))
    assert np.allclose(prediction.probabilities, chances, atol=1e-6)
    found = explain(net, X, ["saliency", "occlusion", "gradcam", "integrated_gradients"], 1, probabilities=True)
    assert np.allclose(found["saliency"].scores, chances[:, 1], atol=1e-6)
    said = [n for n in found.notes if n.name == "mean_over_places"]
    assert len(said) == 1 and said[0].numbers == {"places": "8 × 8"}


def test_where_nobody_chose_an_output_it_is_said_which_was_taken():
    end = lambda a: {"map": a, "logits": pooled(a), "more": [a * 2]}  # noqa: E731
    (note,) = (n for n in made(end).predict(X).notes if n.name == "output_chosen")
    assert note.numbers == {"output": "logits", "others": "map, more.0"}
    chosen = made(end, output="map").predict(X)
    assert "output_chosen" not in {n.name for n in chosen.notes} and chosen.provenance["output"] == "map"


def test_an_output_without_a_row_for_each_image_is_refused():
    net = made(lambda a: {"kept": a.mean((2, 3)).flatten()[:2], "logits_of_all": pooled(a)})
    with pytest.raises(InputRefused, match=r"'kept' .* shape \(2,\).*for each of 3 images.*: logits_of_all"):
        net.predict(X)
