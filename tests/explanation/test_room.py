"""What a question takes of memory is known before, and no more images go through at once than fit."""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.anatomy import free_memory
from seethrough.attribution import METHODS
from seethrough.errors import EnvironmentLacks, UsageError
from seethrough.explanation import room as rooms
from seethrough.graph.ledger import Ledger
from seethrough.graph.need import need

ASKED = ("saliency", "smoothgrad", "integrated_gradients", "occlusion")
SETTINGS = {"samples": 8, "steps": 32, "window": 16}


def convolutional():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(True), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 3, padding=1), nn.Sigmoid(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5),
    )  # fmt: skip


@pytest.fixture
def net():
    return st.open(convolutional(), input_size=(3, 64, 64))


def images(number):
    return torch.rand(number, 3, 64, 64, generator=torch.Generator().manual_seed(1)) - 0.5


def fitted(net, number, limit, names=ASKED, batch=8):
    return rooms.room(net, net.prepare(images(number)), [METHODS[n] for n in names], batch, limit)


def really_held(question):
    """The most that a question holds at one time; asked once before, so that the network is written down and proved."""
    question()
    with Ledger(lambda: ("", "")) as ledger:
        question()
    return max(m.bytes for m in ledger.moments)


@pytest.mark.parametrize("names", [("saliency",), ("integrated_gradients",), ("occlusion",), ASKED])
@pytest.mark.parametrize("number", [1, 4])
def test_what_was_foreseen_holds_and_is_not_far_off(net, names, number):
    source, prepared = net.source, net.prepare(images(number))
    graph = source.written(prepared.batch)
    walked, run = (need(graph, source.given(graph, prepared.batch), gradient=g) for g in (True, False))
    assert walked is not None and run is not None
    methods = [METHODS[n] for n in names]
    foreseen = rooms._takes(rooms.Room(number, rooms.TOGETHER), methods, walked, run)
    settings = {k: v for k, v in SETTINGS.items() if any(k in m.defaults for m in methods)}
    held = really_held(lambda: st.explain(net, images(number), names, 1, **settings))
    assert foreseen / 4 < held < 1.02 * foreseen


def test_a_run_without_a_walk_back_needs_less(net):
    x = net.prepare(images(1)).batch
    graph = net.source.written(x)
    walked, run = (need(graph, net.source.given(graph, x), gradient=g) for g in (True, False))
    assert walked is not None and run is not None and run.at(8) < walked.at(8) / 1.5
    assert walked.at(5) == really_walked(net, 5)


def really_walked(net, batch):
    """A real forward with gradients and its walk back, at a batch size."""
    from seethrough.graph.walk import Forward

    x = net.prepare(images(batch)).batch
    graph = net.source.written(x)
    answer, start = graph.output.value, graph.input.value
    ledger = Ledger(lambda: ("", ""))
    ledger.hold(x, "input")
    with ledger:
        forward = Forward(graph, {start: x}, {answer}, [start])
        forward.walk({answer: torch.empty_like(forward.values[answer])}, {start})
    return max(m.bytes for m in ledger.moments)


def test_where_all_fits_nothing_is_said(net):
    assert fitted(net, 3, "8GB") == rooms.Room(3, rooms.TOGETHER)
    assert fitted(net, 3, None) == rooms.Room(3, rooms.TOGETHER)


def test_less_memory_means_fewer_at_once_and_the_same_maps(net):
    plenty = st.explain(net, images(4), ASKED, 1, **SETTINGS)
    found = fitted(net, 4, "6MB")
    assert 1 <= found.batch <= found.together < rooms.TOGETHER
    little = st.explain(net, images(4), ASKED, 1, memory_limit="6MB", **SETTINGS)
    note = next(n for n in little.notes if n.name == "smaller_batches")
    assert note.numbers == {"together": found.together, "limit": "6 MB"}
    assert "smaller_batches" not in {n.name for n in plenty.notes}
    for name in ASKED:
        np.testing.assert_allclose(little[name].map, plenty[name].map, atol=1e-5)


def test_what_goes_through_at_once_is_really_less(net):
    asked = {"methods": "integrated_gradients", "target": 1, "steps": 32}
    plenty = really_held(lambda: st.explain(net, images(1), **asked))
    little = really_held(lambda: st.explain(net, images(1), memory_limit="6MB", **asked))
    assert little < 6_000_000 < plenty


def test_one_image_that_does_not_fit_is_refused_with_what_it_takes(net):
    with pytest.raises(EnvironmentLacks, match=r"one image with saliency takes [\d.]+ MB .* 100 kB are allowed"):
        st.explain(net, images(2), "saliency", 1, memory_limit="100kB")


def test_what_is_free_counts_where_nobody_says_a_limit(net, monkeypatch):
    monkeypatch.setattr(free_memory, "_available", lambda: 100_000)
    with pytest.raises(EnvironmentLacks, match="90 kB are free"):
        st.explain(net, images(1), "saliency", 1)
    monkeypatch.setattr(free_memory, "_available", lambda: None)
    monkeypatch.setattr(free_memory, "_granted", lambda: None)
    assert fitted(net, 3, None) == rooms.Room(3, rooms.TOGETHER)


def test_what_is_free_is_a_number_of_this_machine():
    free = rooms._free(torch.device("cpu"))
    assert free is None or 10**7 < free < 10**14


def test_a_limit_that_is_no_size_is_refused(net):
    with pytest.raises(UsageError, match="24GB"):
        st.explain(net, images(1), "saliency", 1, memory_limit="much")


def test_a_network_that_looks_at_the_image_is_explained_without_knowing_before():
    class Looks(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = convolutional()

        def forward(self, x):
            return self.net(x) if x.mean() > -1 else self.net(-x)

    looks = st.open(Looks(), input_size=(3, 64, 64))
    assert fitted(looks, 2, "100kB") == rooms.Room(2, rooms.TOGETHER)
