"""Real networks on real photographs: the answers that were stored when each was first rebuilt."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from seethrough.images import load_pictures, prepare
from seethrough.models import imagenet_names, open_model

DATA = Path(os.environ.get("SEETHROUGH_DATA", Path(__file__).parents[2] / "../shared/data"))
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (DATA / "MANIFEST.md").exists(),
        reason="the real networks and photos aren't here; SEETHROUGH_DATA names their folder",
    ),
]

SQUEEZENET_1_0 = {"scale": 1 / 255, "mean": [123.68 / 255, 116.78 / 255, 103.94 / 255]}
NETWORKS = {
    "squeezenet1_1": ("squeezenet1_1_imagenet", "torch"),
    "squeezenet1_0_tf": ("squeezenet1_0_tf_imagenet", SQUEEZENET_1_0),
    "mobilenet_v1_025_224": ("mobilenet_v1_025_224_imagenet", "tf"),
    "mobilenet_v1_075_224": ("mobilenet_v1_075_224_imagenet_deq", "tf"),
    "mobilenet_v2_100_224": ("mobilenet_v2_100_224_imagenet_deq", "tf"),
    "mobilenet_v3_large_minimalistic_224": ("mobilenet_v3_large_minimalistic_224_imagenet_deq", "tf"),
}


def stored(model):
    with (DATA / "photos/predictions.csv").open() as file:
        return [row for row in csv.DictReader(file) if row["model"] == model]


@pytest.mark.parametrize("model", NETWORKS)
def test_a_network_answers_as_it_did_when_it_was_rebuilt(model):
    rows = stored(model)[::18]
    name, preprocessing = NETWORKS[model]
    net = open_model(DATA / f"models/{name}.keras", classes="imagenet", preprocessing=preprocessing)
    assert net.notes == () and net.input_size == (224, 224, 3)
    pictures = load_pictures([DATA / "photos" / row["file"] for row in rows])
    batch, _ = prepare(pictures, net.preprocessing, net.input_size, net.layout)
    with torch.no_grad():
        chances = torch.cat([net.module(part, training=False) for part in batch.split(8)]).numpy()
    first = chances.argmax(1)
    assert [net.classes[i] for i in first] == [row["top1"].replace("_", " ") for row in rows]
    assert np.abs(chances.max(1) - [float(row["prob"]) for row in rows]).max() < 1.5e-3


def test_a_file_says_its_size_and_not_its_preprocessing():
    net = open_model(DATA / "models/mobilenet_v1_025_128_imagenet.keras")
    assert net.input_size == (128, 128, 3) and net.preprocessing is None and net.classes is None


def test_the_torch_twin_of_a_keras_network_gives_the_same_class(monkeypatch):
    monkeypatch.syspath_prepend(str(DATA / "code"))
    path = DATA / "models/squeezenet1_1_imagenet.safetensors"
    net = open_model(path, architecture="nets:SqueezeNet", input_size=224, preprocessing="torch", classes="imagenet")
    rows = stored("squeezenet1_1")[:6]
    pictures = load_pictures([DATA / "photos" / row["file"] for row in rows])
    batch, _ = prepare(pictures, net.preprocessing, net.input_size, net.layout)
    with torch.no_grad():
        first = net.module(batch).flatten(1).argmax(1)
    assert [imagenet_names()[i] for i in first] == [row["top1"].replace("_", " ") for row in rows]


def test_the_small_network_knows_its_own_photos():
    folder = DATA / "tiny_vgg"
    said = {"name": "unit", "fit": "stretch"}
    net = open_model(folder / "tiny_vgg.keras", classes=folder / "classes.json", preprocessing=said)
    files = sorted((folder / "images").iterdir())
    batch, _ = prepare(load_pictures(files), net.preprocessing, net.input_size, net.layout)
    with torch.no_grad():
        found = [net.classes[i] for i in net.module(batch, training=False).argmax(1)]
    wrong = [path.name for answer, path in zip(found, files) if path.stem.partition("_")[0] not in answer]
    assert len(files) == 20 and len(wrong) == 6  # 14 of 20, as its manifest says
