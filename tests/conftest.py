"""Results made by hand for the rooms that draw: photos and maps that are real arrays, of oblong size, partly unseen."""

import os

import numpy as np
import pytest
from hypothesis import settings

from seethrough.results import Attribution, Explanation, Note, Passes, Picture, Prediction, Target

os.environ.setdefault("KERAS_BACKEND", "torch")  # else Keras looks for TensorFlow, and its tests are skipped

# A commit stands or falls by what it changed, not by what chance tries on that day; at a desk chance goes on trying.
settings.register_profile("commit", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("commit")

LABELS = ("snow leopard", "leopard", "jaguar", "lynx", "tiger cat", "Arctic fox", "snow plough")


def photo(height, width, seed=0):
    """A spotted animal on snow: shaded ground, an elliptic body with rosettes, a little grain. uint8 (H, W, 3)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / np.array([height, width])[:, None, None]
    ground = np.stack([0.80 + 0.15 * y, 0.84 + 0.12 * y, 0.92 + 0.06 * y], -1)
    body = np.exp(-((((x - 0.38) / 0.24) ** 2 + ((y - 0.62) / 0.17) ** 2) ** 2))
    coat = np.stack([0.74 - 0.2 * y, 0.66 - 0.2 * y, 0.54 - 0.2 * y], -1)
    spots = np.clip(np.sin(x * 60 + 3 * np.sin(9 * y)) * np.sin(y * 70) * 2 - 0.7, 0, 1) * body
    picture = ground * (1 - body[..., None]) + coat * body[..., None] * (1 - 0.75 * spots[..., None])
    grain = random.normal(0, 0.012, picture.shape)
    return (np.clip(picture + grain, 0, 1) * 255).astype(np.uint8), body.astype(np.float32)


def attributions(bodies, seen, targets, seed=0):
    """Four maps a picture as four methods would give them: smooth and unsigned, smooth and signed, grainy in both."""
    random = np.random.default_rng(seed)
    height, width = bodies.shape[1:]
    y, x = np.mgrid[:height, :width] / np.array([height, width])[:, None, None]
    ground = np.exp(-(((x - 0.8) / 0.2) ** 2 + ((y - 0.25) / 0.2) ** 2))
    grain = random.standard_t(4, bodies.shape)
    drawn = {
        "gradcam": (np.maximum(bodies - 0.1, 0) * 1.7, False, "block5_conv3"),
        "integrated_gradients": (grain * bodies * 0.004 + 0.001 * bodies - 0.0005 * ground, True, None),
        "occlusion": (bodies * 2.5 - 1.4 * ground - 0.2, True, None),
        "saliency": (np.abs(grain) * (bodies + 0.15) * 0.02, False, None),
    }
    for method, (values, signed, layer) in drawn.items():
        m = np.where(seen, values, 0).astype(np.float32)
        yield method, Attribution(
            method=method, values=m[:, None], map=m, seen=seen, signed=signed,
            scores=np.full(len(m), 8.5, np.float32), target=targets, layer=layer, passes=Passes(3, 2),
            settings={"steps": 32},
            checks=tuple(completeness(i) for i in range(len(m))) if method == "integrated_gradients" else (),
        )  # fmt: skip


def completeness(image):
    """The check of integrated gradients about one image."""
    return Note("completeness", "info", {"image": image, "sum": 8.1 + image, "rise": 8.4, "gaps": 0.036, "steps": 32})


@pytest.fixture(scope="session")
def make_explanation():
    """A function (images, height, width, notes, label) → Explanation of drawn photos."""

    def make(images=1, height=168, width=240, notes=(), label="snow leopard", labels=LABELS):
        pairs = [photo(height, width, seed) for seed in range(images)]
        bodies = np.stack([body for _, body in pairs])
        seen = np.ones(bodies.shape, bool)
        if width > height:
            margin = (width - height) // 2
            seen[:, :, :margin] = seen[:, :, width - margin :] = False
        targets = (Target(((0, 1),), label),) * images
        chances = np.array([[0.71, 0.18, 0.06, 0.03, 0.012, 0.006, 0.002]] * images, np.float32)
        names = tuple(f"leopard {i + 1}.jpg" for i in range(images))
        prediction = Prediction(np.log(chances) + 9, chances, labels, names)
        return Explanation(
            attributions=dict(attributions(bodies, seen, targets)),
            pictures=tuple(Picture(pixels, name) for (pixels, _), name in zip(pairs, names)),
            prediction=prediction, target=targets, passes=Passes(36, 4), notes=tuple(notes),
            provenance={"source": "demo:drawn", "seed": 0},
        )  # fmt: skip

    return make
