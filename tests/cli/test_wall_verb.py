"""``seethrough wall``: a folder in, a page out; what is broken is named, and what can't be done is said at once."""

import json

import pytest

from wall_material import COLOURS, folder_of


@pytest.fixture
def photos(folder):
    return folder_of(folder / "photos", 9)


def test_a_folder_becomes_a_page(seethrough, tiny, photos, folder):
    outcome = seethrough("wall", *tiny, photos, "--layout", "pca", "-o", "wall.html")
    assert outcome.code == 0 and outcome.err == "" and "9 images" in outcome.out, outcome
    page = (folder / "wall.html").read_text("utf-8")
    assert "Content-Security-Policy" in page and "9 images as" in page


def test_json_tells_of_every_image_and_truth(seethrough, tiny, photos, folder):
    names = folder / "names.txt"
    names.write_text("\n".join(COLOURS))
    outcome = seethrough(
        "wall", *tiny, photos, "--layout", "pca", "--classes", names, "--maps", "--json", "-o", "w.png"
    )
    record = json.loads(outcome.out)
    assert outcome.code == 0 and len(record["images"]) == 9 and record["right"] + record["wrong"] == 9
    assert (folder / "w.png").stat().st_size > 1000


def test_broken_pictures_are_named_and_the_rest_hangs(seethrough, tiny, photos, folder):
    (photos / "red" / "broken.jpg").write_bytes(b"nothing")
    outcome = seethrough("wall", *tiny, photos, "--layout", "pca", "-o", "wall.html")
    assert outcome.code == 1 and "red/broken.jpg" in outcome.err and (folder / "wall.html").exists()
    assert "broken.jpg" in (folder / "wall.html").read_text("utf-8")


def test_chinese_is_spoken(seethrough, tiny, photos):
    outcome = seethrough("wall", *tiny, photos, "--layout", "pca", "--lang", "zh", "-o", "wall.html")
    assert outcome.code == 0 and "张图片" in outcome.out


@pytest.mark.parametrize(
    ("code", "more", "says"),
    [
        (2, ("--layout", "map"), "no layout 'map'"),
        (2, ("--layer", "nowhere"), "no layer 'nowhere'"),
        (2, ("-o", "wall.pdf"), "end it in"),
        (4, ("-o", "nowhere/wall.html"), "no folder nowhere"),
        (3, ("--numbers", "nothing.csv"), "nothing.csv"),
    ],
)
def test_what_cannot_be_done_is_refused(refused, tiny, photos, code, more, says):
    assert says in refused(code, "wall", *tiny, photos, *more)


def test_a_folder_without_pictures_is_refused(refused, tiny, folder):
    (folder / "empty").mkdir()
    assert "no pictures" in refused(3, "wall", *tiny, "empty")
