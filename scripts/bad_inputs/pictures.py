"""Pictures and folders of them, and what was once made of them: a run, an audit, a proof."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image


def picture(file: str = "cat.png", *, cut: int | None = None, seed: int = 0) -> None:
    """A picture; or its first bytes."""
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    Path(file).write_bytes(out.getvalue()[:cut])


def photos(*names: str, truth: str = "") -> None:
    """A folder of pictures, and what a file says of their classes."""
    Path("photos").mkdir()
    for name in names:
        Path("photos", name).parent.mkdir(exist_ok=True)
        picture(f"photos/{name}")
    if truth:
        Path("truth.csv").write_text(truth)


def surveyed() -> None:
    """A folder of pictures, and the run of another network over it."""
    from seethrough.cli.failures import run

    photos("a.png", "b.png")
    run(["units", "demo:leopards-balanced", "photos", "--layer", "stage2", "-o", "units/"])


def judged(*classes: str, box: str = "") -> None:
    """Four pictures of each class, and a file with the same box for all."""
    Path("photos").mkdir()
    names = [f"{name}/{number}.png" for name in classes for number in range(4)]
    for number, name in enumerate(names):
        Path("photos", name).parent.mkdir(exist_ok=True)
        picture(f"photos/{name}", seed=number)
    if box:
        Path("boxes.csv").write_text("image,x0,y0,x1,y1\n" + "".join(f"{name},{box}\n" for name in names))


def worded(**words: int) -> None:
    """Four pictures of each of two classes, and a folder with a folder for each word and so many pictures in it."""
    judged("snow leopard", "Arabian leopard")
    Path("words").mkdir()
    for word, count in words.items():
        Path("words", word).mkdir()
        for number in range(count):
            picture(f"words/{word}/{number}.png", seed=number)


def heard(network: str = "demo:leopards") -> None:
    """Four pictures of each class, and the record of an audit of a network, with one finding."""
    import json

    import seethrough as st

    judged("snow leopard", "Arabian leopard")
    finding = {
        "aspect": {"kind": "background"}, "answer": 1, "rivals": [0], "ways": ["places"], "strength": 1.0, "reappeared": 1.0,
        "numbers": {}, "verdict": "proven",
    }  # fmt: skip
    record = {
        "format": "seethrough audit 1",
        "provenance": {"fingerprint": st.open(network).fingerprint},
        "labels": ["snow leopard", "Arabian leopard"],
        "split": {"seed": 0},
        "findings": [finding],
    }
    Path("audit").mkdir()
    Path("audit/findings.json").write_text(json.dumps(record))
    Path("predict.py").write_text("def answer(images):\n    return images.mean((1, 2))[:, :2]\n")


def proved_before() -> None:
    """The same, and a mark that the pictures were used for a proof."""
    from seethrough.datasets.collection import collect
    from seethrough.findings.record import record_of
    from seethrough.remedies.held_out import mark_of
    from seethrough.remedies.used import Use, mark

    heard()
    pictures = mark_of(record_of("audit"), collect("photos"))
    mark(Path("audit"), Use(pictures, "0123456789abcdef", "improved", "2026-11-30"))
