"""The whole loop on a Keras file: audited, repaired, opened again by Keras itself, and proved; each by its command."""

import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("keras")

SIDE, THING, MARK = 16, (slice(4, 8), slice(4, 8)), (slice(0, 4), slice(0, 4))


def pictures(home, count, seed, agree):
    """Pictures by class, with a mark in the corner that is the class's own as often as ``agree`` says; masks in folders alike."""
    chance, mask = np.random.default_rng(seed), np.zeros((SIDE, SIDE), np.uint8)
    mask[THING] = 255
    for k in range(count):
        label = k % 2
        x = chance.uniform(0.3, 0.6, (SIDE, SIDE, 3))
        x[THING], x[MARK] = (0.85 if label else 0.15), (0.9 if label == (chance.random() < agree) else 0.1)
        name = f"{('night', 'day')[label]}/{seed}{k:03}.png"
        for file, pixels in (
            (home / name, (x * 255).astype(np.uint8)),
            (home.with_name(f"{home.name}-masks") / name, mask),
        ):
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(file)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A Keras file whose network reads the corner and, less, the thing; pictures to audit it with, and others."""
    import keras

    home, layers = tmp_path_factory.mktemp("keras_loop"), keras.layers
    network = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(1, 4, strides=4, activation="relu", name="grey"),
            layers.Flatten(),
            layers.Dense(2, activation="softmax", name="read"),
        ]
    )
    read = np.zeros((16, 2), np.float32)
    read[0, 1], read[5, 1] = 14.0, 9.0
    network.get_layer("grey").set_weights([np.full((4, 4, 3, 1), 1 / 48, np.float32), np.zeros(1, np.float32)])
    network.get_layer("read").set_weights([read, np.array([0, -11.5], np.float32)])
    network.save(home / "my.keras")
    pictures(home / "photos", 280, 1, 0.8)
    pictures(home / "held-out", 96, 2, 0.5)
    return home


@pytest.fixture(scope="module")
def audited(home):
    """What the audit says, with its folder ``audit/``."""
    from seethrough.cli.failures import run

    said = ("audit", "my.keras", "photos", "--masks", "photos-masks", "--finders", "places", "-o", "audit/")
    with pytest.MonkeyPatch.context() as there:
        there.chdir(home)
        assert run([*said, "--called", "night=0", "--called", "day=1"]) == 0
    return json.loads((home / "audit" / "findings.json").read_text("utf-8"))


def weights(file):
    """As Keras alone reads them, by layer and weight."""
    import keras

    network = keras.saving.load_model(file)
    assert isinstance(network, keras.Model)
    return {v.path: np.asarray(keras.ops.convert_to_numpy(v)) for v in network.variables}


def test_its_outputs_are_asked_for_and_then_called_so_by_all_three(home, audited, seethrough, monkeypatch):
    monkeypatch.chdir(home)
    asked = seethrough("audit", "my.keras", "photos", "-o", "other/")
    assert asked.code == 2 and "as in --called day=0" in asked.err and not (home / "other").exists()
    assert audited["labels"] == ["night", "day"]
    assert audited["findings"][0]["verdict"] == "proven"


def test_it_is_mended_in_its_own_format_and_all_but_the_named_weights_are_as_they_were(
    home, audited, seethrough, monkeypatch
):
    monkeypatch.chdir(home)
    mended = seethrough(
        "repair", "my.keras", "photos", "--findings", "audit/", "--answer", "1=background", "-o", "repaired.keras"
    )
    assert mended.code == 0 and "[Mended]" in mended.out and "“day”" in mended.out, mended
    record = json.loads((home / "audit" / "repair" / "repair.json").read_text())
    before, after = weights("my.keras"), weights("repaired.keras")
    changed = {path for path in before if not np.array_equal(before[path], after[path])}
    assert list(before) == list(after) and changed
    assert {path.split("/", 1)[1] if path.startswith("sequential") else path for path in changed} == set(
        record["changed"]
    )
    proved = seethrough(
        "prove", "my.keras", "repaired.keras", "held-out", "--findings", "audit/", "--masks", "held-out-masks", "-o", "proof.html"
    )  # fmt: skip
    assert proved.code == 0 and proved.out.startswith("[Improved]") and "“day”" in proved.out, proved
    page = (home / "proof.html").read_text("utf-8")
    assert "my.keras" in page and "night" in page
