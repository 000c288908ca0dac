"""Real networks and photographs: the answers that were stored, twins that agree, evidence that lies on the object."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seethrough as st
from seethrough.attribution.evidence import evidence_of

DATA = Path(os.environ.get("SEETHROUGH_DATA", Path(__file__).parents[2] / "../shared/data"))
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (DATA / "MANIFEST.md").exists(),
        reason="the real networks and photos aren't here; SEETHROUGH_DATA names their folder",
    ),
]

METHODS = ["saliency", "input_x_gradient", "guided_backprop", "deconvnet", "smoothgrad", "integrated_gradients", "gradcam",
           "occlusion"]  # fmt: skip


def rows(path):
    with (DATA / path).open() as file:
        return list(csv.DictReader(file))


def opened(name, preprocessing="tf"):
    return st.open(DATA / f"models/{name}.keras", classes="imagenet", preprocessing=preprocessing)


@pytest.mark.parametrize(
    ("model", "file", "preprocessing"),
    [
        ("squeezenet1_1", "squeezenet1_1_imagenet", "torch"),
        ("mobilenet_v1_025_224", "mobilenet_v1_025_224_imagenet", "tf"),
        ("mobilenet_v2_100_224", "mobilenet_v2_100_224_imagenet_deq", "tf"),
        ("mobilenet_v3_large_minimalistic_224", "mobilenet_v3_large_minimalistic_224_imagenet_deq", "tf"),
    ],
)
def test_a_network_answers_through_its_graph_as_it_did_when_it_was_rebuilt(model, file, preprocessing):
    expected = [row for row in rows("photos/predictions.csv") if row["model"] == model][::31]
    net = opened(file, preprocessing)
    found = net.predict([DATA / "photos" / row["file"] for row in expected])
    for i, row in enumerate(expected):
        (best,) = found.top(1, image=i)
        assert best.label == row["top1"].replace("_", " ")
        assert best.probability == pytest.approx(float(row["prob"]), abs=1.5e-3)


def test_torch_and_keras_with_the_same_weights_give_the_same_maps(monkeypatch):
    monkeypatch.syspath_prepend(str(DATA / "code"))
    theirs = st.open(
        DATA / "models/squeezenet1_1_imagenet.safetensors",
        architecture="nets:SqueezeNet", input_size=224, preprocessing="torch", classes="imagenet",
    )  # fmt: skip
    photo = DATA / "photos/n02128757_snow_leopard.JPEG"
    settings = {"steps": 2, "samples": 1, "window": 224, "fill": "zero", "baseline": "zero"}
    ours = st.explain(opened("squeezenet1_1_imagenet", "torch"), photo, METHODS, "snow leopard", **settings)
    twin = st.explain(theirs, photo, METHODS, "snow leopard", **settings)
    np.testing.assert_allclose(ours["saliency"].scores, twin["saliency"].scores, rtol=1e-4)
    for method in METHODS:
        scale = np.abs(twin[method].map).max()
        assert scale > 0 and np.abs(ours[method].map - twin[method].map).max() < 1e-3 * scale, method
        values = ours[method].values
        values = values.transpose(0, 3, 1, 2) if values.ndim == 4 else values
        assert np.abs(values - twin[method].values).max() < 1e-3 * np.abs(values).max(), method
    assert ours["gradcam"].values.shape == (1, 13, 13)


def test_evidence_for_an_object_lies_on_it_more_than_chance_would_have_it():
    """On pictures with masks; the network is asked about the object's class, wherever it stands among its answers."""
    net = opened("mobilenet_v2_100_224_imagenet_deq")
    larger = []
    for row in [row for row in rows("masks/masks.csv") if 0.05 < float(row["area_fraction"]) < 0.4][::6]:
        index = int(row["imagenet_indices"].replace(",", " ").replace(";", " ").replace("|", " ").split()[0])
        found = st.gradcam(net, DATA / "masks" / row["image"], target=index)
        mask = np.asarray(Image.open(DATA / "masks" / row["mask"]).convert("L")) > 127
        seen = found.seen[0]
        on_it = evidence_of(found.map[0], signed=False, seen=seen, mask=mask).support.on_mask
        larger.append(on_it / max(mask[seen].mean(), 1e-6))
    assert len(larger) >= 6 and np.median(larger) > 1.3


def test_guided_methods_see_the_capped_rectifiers_of_keras():
    net = opened("mobilenet_v1_025_128_imagenet")
    photo = DATA / "photos/n02110341_dalmatian.JPEG"
    found = st.explain(net, photo, ["saliency", "guided_backprop", "deconvnet"], "dalmatian")
    plain, guided, deconvolved = (found[m].values.ravel() for m in found)
    for one, other in ((plain, guided), (plain, deconvolved), (guided, deconvolved)):
        assert np.corrcoef(one, other)[0, 1] < 0.9
    assert not [n for n in found["guided_backprop"].checks if n.name in ("no_rectifier", "other_activations")]
