"""Real networks on real photos: vectors are Keras' own, and closeness on the wall speaks for closeness in the network."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

import seethrough as st

DATA = Path(os.environ.get("SEETHROUGH_DATA", Path(__file__).parents[2] / "../shared/data"))
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (DATA / "MANIFEST.md").exists(),
        reason="the real networks and photos aren't here; SEETHROUGH_DATA names their folder",
    ),
]


def test_vectors_of_a_keras_network_are_those_of_its_part_before_the_head():
    keras = pytest.importorskip("keras", reason="Keras is of an extra")
    net = st.open(DATA / "models/mobilenet_v1_025_128_imagenet.keras", preprocessing="tf", classes="imagenet")
    photos = sorted((DATA / "boxes/val_227").iterdir())[:24]
    hung = st.wall(net, photos, layout="pca")
    model = net.module
    part = keras.Model(model.input, model.get_layer("conv_preds").input)
    with torch.no_grad():
        wanted = part(torch.from_numpy(np.ascontiguousarray(net.prepare(photos).batch.permute(0, 2, 3, 1).numpy())))
    assert hung.embeddings.shape == (24, 256) and hung.layer.startswith("global_average_pooling2d")
    assert np.allclose(hung.embeddings, wanted.cpu().numpy().reshape(24, -1), atol=1e-4)


def test_neighbours_are_kept_on_real_photos():
    pytest.importorskip("openTSNE", reason="openTSNE is of the extra data")
    net = st.open(DATA / "models/mobilenet_v1_025_128_imagenet.keras", preprocessing="tf", classes="imagenet")
    hung = st.wall(net, sorted((DATA / "boxes/val_227").iterdir())[:120])
    assert hung.layout == "tsne" and hung.kept.kept > 6 > 2 * hung.kept.chance
