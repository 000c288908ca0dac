"""The verb as a person calls it, and what real networks are known to have."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.errors import UsageError

DATA = Path(os.environ.get("SEETHROUGH_DATA", Path(__file__).parents[2] / "../shared/data"))
real = pytest.mark.skipif(
    not (DATA / "MANIFEST.md").exists(), reason="the real networks aren't here; SEETHROUGH_DATA names their folder"
)


def small():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.Conv2d(8, 6, 3))


def test_a_module_is_looked_at_as_it_is_and_stays_so():
    module = small()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    found = st.filters(st.open(module, input_size=(3, 16, 16)), "*")
    assert list(found) == ["0", "2"] and len(found) == 2
    assert np.array_equal(found["0"].kernels.weights, module[0].weight.detach().numpy())
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    found["0"].kernels.weights[:] = 0
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_what_was_asked_is_in_the_provenance():
    net = st.open(small(), input_size=(3, 16, 16))
    told = st.filters(net, "2", channels=[4, 0])
    assert told.provenance["layer"] == "2" and told.provenance["channels"] == [4, 0]
    assert told.provenance["fingerprint"] == net.fingerprint
    assert st.filters(net, channels=3)["0"].channels.tolist() == [3]


def test_colours_are_assumed_and_that_is_said_only_where_there_are_any():
    net = st.open(small(), input_size=(3, 16, 16))
    assert [note.name for note in st.filters(net).notes] == ["kernels_assumed_rgb"]
    assert st.filters(net, "2").notes == ()
    known = st.open(small(), input_size=(3, 16, 16), preprocessing="caffe")
    assert [note.name for note in st.filters(known).notes] == ["kernels_in_bgr"]
    grey = st.open(nn.Conv2d(1, 8, 5), input_size=(1, 16, 16))
    assert st.filters(grey).notes == ()


def test_a_layer_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="There is no layer 'conv'"):
        st.filters(st.open(small(), input_size=(3, 16, 16)), "conv")


def test_random_weights_are_said():
    assert "random_weights" in {note.name for note in st.filters(st.open("keras:MobileNet")).notes}


@real
def test_vgg19s_green_and_magenta_are_told_apart_by_its_preprocessing():
    """Filter 12 of block1_conv1 is a plain colour; which one it is depends on which channel is red."""
    file = DATA / "models/vgg19_blocks1to3_imagenet.keras"
    layer = st.filters(st.open(file, preprocessing="caffe"))["block1_conv1"]
    assert layer.kernels.source.colours == (2, 1, 0) and layer.measures.bands[12, 0] > 0.25
    assert {(0, 21), (8, 15), (35, 60)} <= {tuple(g) for f in layer.findings if f.name == "duplicate" for g in f.groups}
    second = st.filters(st.open(file, preprocessing="caffe"), "block1_conv2")["block1_conv2"]
    assert second.composed is not None and second.composed.weights.shape == (64, 3, 5, 5)


@real
def test_dead_filters_of_a_real_mobilenet_are_those_of_zeros():
    file = DATA / "models/mobilenet_v1_075_224_imagenet_deq.keras"
    found = st.filters(st.open(file, preprocessing="tf"), "conv*1")
    (dead,) = [f for f in found.findings if f.name == "dead" and f.layer == "conv1"]
    assert dead.filters == (11, 17, 18, 19, 20) and dead.sure == "certain"
    (unfed,) = [f for f in found.findings if f.name == "unfed"]
    assert set(unfed.filters) <= set(dead.filters)
