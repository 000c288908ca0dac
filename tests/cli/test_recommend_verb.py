"""``recommend`` and ``tune`` on the command line."""

import json

import pytest
from cli_material import picture


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(4):
        picture(seed=i).save(folder / f"{i}.png")
    return folder


def test_it_says_three_methods_and_what_to_type(seethrough, photos):
    done = seethrough("recommend", "demo:leopards", photos / "0.png", "--no-check")
    assert done.code == 0, done.err
    assert "a network of convolutions" in done.out and done.out.splitlines()[-1].startswith("--methods gradcam,")
    record = json.loads(seethrough("recommend", "demo:leopards", photos, "--no-check", "--json").out)
    assert record["kind"] == "convolutions" and len(record["methods"]) == 3


def test_settings_are_tried_and_what_was_proved_is_said(seethrough, photos):
    done = seethrough(
        "tune", "demo:leopards", "feature_ablation", photos, "--try", "fill=mean,black", "--metric", "sparseness"
    )
    assert done.code == 0, done.err
    assert "fill=mean" in done.out and "fill=black" in done.out and "defaults" in done.out + done.err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("feature_ablation", "--try", "fill"), "takes a setting and values"),
        (("feature_ablatoin",), "Nearest: feature_ablation"),
    ],
)
def test_what_makes_no_sense_is_refused(seethrough, photos, more, says):
    done = seethrough("tune", "demo:leopards", more[0], photos, *more[1:])
    assert done.code == 2 and says in done.err
