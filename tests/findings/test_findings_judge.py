"""The judge on networks of which it is known what they read."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn as nn

import seethrough as st
from seethrough.datasets.collection import collect
from seethrough.errors import UsageError
from seethrough.findings.aspect import Candidate
from seethrough.findings.canvas import Canvas
from seethrough.findings.judge import LEAST, NOT_FOUND, PROVEN, judged, tried

SIDE, COUNT = 16, 120


class Reads(nn.Module):
    """Its answer is 1 where a part of the picture is bright."""

    def __init__(self, rows: slice, columns: slice) -> None:
        super().__init__()
        weight = torch.zeros(2, 3, SIDE, SIDE)
        weight[1, :, rows, columns] = 12 / weight[1, :, rows, columns].numel()
        self.read = nn.Conv2d(3, 2, SIDE)
        self.read.weight.data, self.read.bias.data = weight, torch.tensor([0.0, -6.0])

    def forward(self, x):
        return self.read(x).flatten(1)


CORNER, MIDDLE = (slice(0, 4), slice(0, 4)), (slice(6, 10), slice(6, 10))


@dataclass(frozen=True)
class Corner:
    kind: str = "region"
    name: str = "top left"

    def exchange(self, pictures, donors):
        x = pictures.x.clone()
        x[:, :, :4, :4] = donors.x[:, :, :4, :4]
        return x

    def amount(self, pictures):
        return pictures.x[:, :, :4, :4].mean((1, 2, 3)).numpy()

    def to_dict(self):
        return {"kind": self.kind, "name": self.name}


@pytest.fixture(scope="module")
def pictures():
    """The middle is bright in class 1, and so is the corner, 95 times in 100."""
    chance = np.random.default_rng(0)
    label = np.arange(COUNT) % 2
    x = chance.uniform(0.3, 0.5, (COUNT, SIDE, SIDE, 3))
    corner = np.where(np.arange(COUNT) % 40 < 2, 1 - label, label)
    for row in range(COUNT):
        x[(row, *MIDDLE)] = 0.9 if label[row] else 0.1
        x[(row, *CORNER)] = 0.9 if corner[row] else 0.1
    return (x * 255).astype(np.uint8), label


def canvas_of(network, pictures):
    net = st.open(network.eval(), input_size=(3, SIDE, SIDE), preprocessing="unit", classes=["dark", "bright"])
    return Canvas(net, collect(list(pictures)))


def judge(network, pictures, numbers=range(COUNT)):
    x, label = pictures
    candidate = Candidate(Corner(), 1, (0,), ("test",), 1.0, 1.0, {})
    return judged(canvas_of(network, x), [candidate], np.array(numbers), label, np.arange(COUNT))[0]


def test_what_the_network_reads_is_proven(pictures):
    finding = judge(Reads(*CORNER), pictures)
    assert finding.verdict == PROVEN and finding.effect.value > 80 and finding.effect.n == COUNT
    assert finding.flips > 0.85 and finding.control_flips < 0.15


def test_what_it_does_not_read_is_not_found(pictures):
    """However strongly the corner tells the classes apart."""
    finding = judge(Reads(*MIDDLE), pictures)
    assert finding.verdict == NOT_FOUND and abs(finding.effect.value) < 1e-4 and finding.flips == 0


def test_what_is_read_is_proven_among_many_candidates_too(pictures):
    """However many are corrected for: the chance is drawn as finely as that takes."""
    x, label = pictures
    read = Candidate(Corner(), 1, (0,), ("test",), 1.0, 1.0, {})
    found = judged(canvas_of(Reads(*CORNER), x), [read] * 120, np.arange(24), label, np.arange(COUNT))
    assert found[0].verdict == PROVEN and found[0].corrected < 0.005


def test_few_pictures_prove_nothing(pictures):
    finding = judge(Reads(*CORNER), pictures, range(4, 4 + LEAST - 2))
    assert finding.verdict != PROVEN and finding.effect.value > 80


def test_near_duplicates_count_once(pictures):
    x, label = pictures
    candidate = Candidate(Corner(), 1, (0,), ("test",), 1.0, 1.0, {})
    finding = judged(canvas_of(Reads(*CORNER), x), [candidate], np.arange(COUNT), label, label)[0]
    assert finding.effect.n == 2 and finding.verdict != PROVEN


def test_put_in_raises_and_taken_out_lowers_what_the_aspect_speaks_for(pictures):
    x, label = pictures
    candidate = Candidate(Corner(), 1, (0,), ("test",), 1.0, 1.0, {})
    trials = tried(canvas_of(Reads(*CORNER), x), candidate, np.arange(COUNT), label)
    assert trials.put_in.sum() == COUNT // 2 and (label[trials.numbers] != trials.put_in).all()
    assert (label[trials.donors] == trials.put_in).all() and (label[trials.control_donors] != trials.put_in).all()
    assert (trials.numbers != trials.control_donors).all()
    assert trials.changed[trials.put_in].mean() > 0.9 and trials.changed[~trials.put_in].mean() < 0.1


def test_the_canvas_shows_the_network_what_it_would_see(pictures):
    x, _ = pictures
    canvas = canvas_of(Reads(*CORNER), x)
    assert np.allclose(canvas.ask(canvas.load(range(20)).x), canvas.net.predict(list(x[:20])).probabilities, atol=1e-5)
    assert canvas.asked == 20


def test_quantities_are_not_audited(pictures):
    net = st.open(Reads(*CORNER).eval(), input_size=(3, SIDE, SIDE), preprocessing="unit", task="regression")
    with pytest.raises(UsageError, match="no classes"):
        Canvas(net, collect(list(pictures[0][:4])))
