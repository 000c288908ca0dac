"""On real networks and photographs, integrated gradients add up to within a hundredth with the settings they come with."""

import os
from pathlib import Path

import numpy as np
import pytest

import seethrough as st

DATA = Path(os.environ.get("SEETHROUGH_DATA", Path(__file__).parents[2] / "../shared/data"))
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (DATA / "MANIFEST.md").exists(),
        reason="the real networks and photos aren't here; SEETHROUGH_DATA names their folder",
    ),
]
GOLDFISH = DATA / "photos/n01443537_goldfish.JPEG"


def test_integrated_gradients_add_up_by_default():
    pytest.importorskip("keras", reason="Keras isn't installed")
    net = st.open(DATA / "models/mobilenet_v1_025_128_imagenet.keras", classes="imagenet", preprocessing="tf")
    found = st.explain(net, GOLDFISH, ["integrated_gradients", "idgi"])
    for method in found:
        (check,) = [note.numbers for note in found[method].checks if note.name == "completeness"]
        assert check["gaps"] <= 0.01 and abs(check["rise"]) > 5


def test_a_network_that_is_sure_is_asked_the_same_at_every_batch_size():
    """Behind its softmax this answer's gradient is rounding; once, such a network was asked about probabilities where
    one picture went through, and about logits where several did.
    """
    pytest.importorskip("keras", reason="Keras isn't installed")
    net = st.open(DATA / "models/squeezenet1_1_imagenet.keras", classes="imagenet", preprocessing="torch")
    found = st.explain(net, GOLDFISH, ["integrated_gradients", "occlusion"], window=112, stride=112, steps=4)
    assert found["integrated_gradients"].scores[0] > 20  # a logit
    (check,) = [n.numbers for n in found["integrated_gradients"].checks if n.name == "completeness"]
    assert abs(check["rise"]) > 20 and np.abs(found["occlusion"].values).max() < 60
    assert "black_box" not in [note.name for note in found.notes]
