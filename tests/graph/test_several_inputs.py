"""Networks of several inputs: one is explained, the others stand beside it, row i mod N with image i."""

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from small import all_outputs, paths

from seethrough.errors import UsageError
from seethrough.graph.receptive import receptive_fields
from seethrough.graph.run import Run
from seethrough.graph.source import GraphSource

CHANCE = torch.Generator().manual_seed(0)
X = torch.randn(4, 3, 8, 8, generator=CHANCE)
OTHER = torch.randn(4, 3, 8, 8, generator=CHANCE)
META = torch.randn(4, 5, generator=CHANCE)
WORDS = torch.randint(0, 9, (4, 6), generator=CHANCE)
BESIDE = {"other": OTHER, "meta": META, "words": WORDS}


class Mixed(nn.Module):
    """Two pictures through the same layer, a vector, and words."""

    def __init__(self):
        super().__init__()
        self.conv, self.table = nn.Conv2d(3, 6, 3, padding=1), nn.Embedding(9, 6)
        self.meta, self.head = nn.Linear(5, 6), nn.Linear(6, 4)

    def forward(self, image, other, meta, words):
        both = F.relu(self.conv(image)) * F.relu(self.conv(other))
        return self.head(both.mean((2, 3)) + self.meta(meta) * self.table(words).mean(1))


class WritesBeside(Mixed):
    """Changes what it is given in place, which must stay its own affair."""

    def forward(self, image, other, meta, words):
        other.mul_(2)
        meta[:, 0] = 1.5
        return super().forward(image, other + image.mean(), meta, words)


class LooksAtMeta(Mixed):
    """Goes its way by what the vector says."""

    def forward(self, image, other, meta, words):
        return super().forward(image if meta[0, 0] > 9 else image * 2, other, meta, words)


class BeyondTorch(Mixed):
    """What no recorder sees."""

    def forward(self, image, other, meta, words):
        scale = torch.from_numpy(meta.detach().numpy() * 2)
        return super().forward(image, other, scale, words)


def made(kind, **settings):
    torch.manual_seed(0)
    network = kind().eval()
    source = GraphSource(network, network, paths(network), inputs=("image", *BESIDE), **settings)
    return network, source.beside(BESIDE)


def expected(network, x):
    """Autograd's gradient, each image with the row that stands beside it."""
    rows = torch.arange(len(x)) % len(META)
    leaf = x.clone().requires_grad_()
    out = network(leaf * 1, *(t[rows].clone() for t in BESIDE.values()))
    return torch.autograd.grad(all_outputs(out, None).sum(), leaf)[0], all_outputs(out, None)


@pytest.mark.parametrize(
    ("kind", "way"),
    [(Mixed, "any batch"), (WritesBeside, "any batch"), (LooksAtMeta, "real"), (BeyondTorch, "real")],
)
def test_gradient_and_score_are_the_networks_own_at_the_same_rows_and_at_multiples(kind, way):
    network, source = made(kind)
    before = {name: t.clone() for name, t in BESIDE.items()}
    for x in (X, torch.cat([X, X.flip(0), X * 2])):
        run = Run(source, x, all_outputs)
        gradient, score = expected(network, x)
        assert torch.allclose(run.gradient(), gradient, rtol=1e-5, atol=1e-7)
        assert torch.allclose(run.scores, score, rtol=1e-5)
        assert torch.allclose(Run(source, X, all_outputs).score(x), score, rtol=1e-5)
        assert source.why_not(x)[0] in (way, "whole")
    assert all(torch.equal(BESIDE[name], t) for name, t in before.items())
    assert way != "any batch" or source.why_not(X) == ("any batch", ())


def test_one_row_stands_for_all_images():
    network, source = made(Mixed)
    view = source.beside({name: t[:1] for name, t in BESIDE.items()})
    found = Run(view, X, all_outputs).scores
    wanted = all_outputs(network(X, *(t[:1].expand(4, *t.shape[1:]) for t in BESIDE.values())), None)
    assert torch.allclose(found, wanted, rtol=1e-5)


def test_the_graph_is_shared_by_all_that_stands_beside():
    _, source = made(Mixed)
    graph = source.proved(X)
    assert source.beside({name: t.roll(1, 0) for name, t in BESIDE.items()}).proved(X) is graph
    assert list(graph.inputs) == ["image", *BESIDE] and graph.input == graph.inputs["image"]


def test_another_form_beside_is_another_graph():
    _, source = made(Mixed)
    graph = source.proved(X)
    assert source.beside({**BESIDE, "words": WORDS[:, :3]}).proved(X) is not graph


def test_what_depends_on_other_inputs_alone_sees_nothing_of_the_picture():
    _, source = made(Mixed)
    graph = source.proved(X)
    fields = receptive_fields(graph)
    assert graph.place("meta").value not in fields and graph.place("conv").value in fields
    assert graph.place("conv:2").value not in fields


def test_without_what_stands_beside_it_nothing_is_proved_but_the_network_is_written_down():
    network, source = made(Mixed)
    forms = GraphSource(network, network, paths(network), inputs=source.inputs, forms=[t[:1] for t in BESIDE.values()])
    assert len(forms.written(X)) == len(source.written(X))
    with pytest.raises(UsageError, match="other, meta, words; give these too"):
        forms.proved(X)


def test_the_proof_covers_what_stands_beside(monkeypatch):
    import seethrough.graph.source as home

    seen = []
    original = home.disagreement
    monkeypatch.setattr(home, "disagreement", lambda g, m, c, x, n, **k: seen.append(x) or original(g, m, c, x, n, **k))
    _, source = made(Mixed)
    graph = source.proved(X, gradient=True)
    assert {v: t.shape for v, t in seen[0].items()} == {
        place.value: t.shape for place, t in zip(graph.inputs.values(), (X, *BESIDE.values()))
    }


def test_channels_last_inputs_are_all_turned_inside():
    class Last(nn.Module):
        def forward(self, image, other):
            return (image * other.flip(1)).mean(2)[:, :, 0]

    network = Last()
    x, other = torch.randn(2, 5, 6, 3), torch.randn(2, 5, 6, 3)
    source = GraphSource(network, network, {}, layout="channels_last", inputs=("image", "other")).beside(
        {"other": other}
    )
    run = Run(source, source.internal(x), all_outputs)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(all_outputs(network(leaf, other), None).sum(), leaf)
    assert torch.allclose(source.native(run.gradient()), gradient, rtol=1e-5, atol=1e-7)
