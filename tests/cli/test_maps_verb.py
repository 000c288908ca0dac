"""``seethrough maps``: a folder in, a map of each picture out; what is broken is named, and a stopped run goes on."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from wall_material import folder_of


@pytest.fixture
def photos(folder):
    return folder_of(folder / "photos", 9)


def test_each_picture_gets_its_map_and_a_line(seethrough, tiny, photos, folder):
    outcome = seethrough("maps", *tiny, photos, "-o", "maps")
    assert outcome.code == 0 and outcome.err == "" and "9 maps" in outcome.out, outcome
    with (folder / "maps" / "maps.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9
    changed = 0
    for row in rows:
        drawn, given = (np.asarray(Image.open(p)) for p in (folder / "maps" / row["picture"], photos / row["image"]))
        assert drawn.shape == given.shape
        changed += not np.array_equal(drawn, given)
    assert changed
    assert seethrough("verify", folder / "maps").code == 0


def test_json_tells_of_every_map_and_no_pictures_are_written_where_none_are_wanted(seethrough, tiny, photos, folder):
    outcome = seethrough("maps", *tiny, photos, "-o", "m", "--method", "saliency", "--no-pictures", "--json")
    record = json.loads(outcome.out)
    assert outcome.code == 0 and record["method"] == "saliency" and len(record["maps"]) == 9
    assert not (folder / "m" / "pictures").exists() and set(record["maps"][0]) == {"image", "target", "score"}


def test_broken_pictures_are_named_and_the_rest_is_done(seethrough, tiny, photos, folder):
    (photos / "red" / "broken.jpg").write_bytes(b"nothing")
    outcome = seethrough("maps", *tiny, photos, "-o", "maps", "--lang", "zh")
    assert outcome.code == 1 and "red/broken.jpg" in outcome.err and "9 张热图" in outcome.out


@pytest.mark.parametrize(
    ("code", "more", "says"),
    [
        (2, ("--method", "nothing"), "nothing"),
        (2, ("--layer", "nowhere"), "no layer 'nowhere'"),
        (2, ("--set", "steps=3"), "steps"),
        (4, ("-o", "nowhere/maps"), "no folder nowhere"),
    ],
)
def test_what_cannot_be_done_is_refused(refused, tiny, photos, code, more, says):
    assert says in refused(code, "maps", *tiny, photos, *(() if "-o" in more else ("-o", "maps")), *more)


def test_another_question_in_the_same_folder_is_refused(seethrough, tiny, photos):
    assert seethrough("maps", *tiny, photos, "-o", "maps").code == 0
    assert seethrough("maps", *tiny, photos, "-o", "maps").code == 0  # the same goes on, with nothing to do
    outcome = seethrough("maps", *tiny, photos, "-o", "maps", "--method", "saliency")
    assert outcome.code == 2 and "method was" in outcome.err


def test_who_asks_explain_about_a_folder_is_told_of_maps(refused, tiny, photos):
    assert "seethrough maps tiny.safetensors" in refused(3, "explain", *tiny, photos)
