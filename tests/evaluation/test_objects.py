"""Which picture a mask or a box belongs to."""

import numpy as np
import pytest
from PIL import Image

from seethrough.datasets.collection import collect
from seethrough.errors import UsageError
from seethrough.evaluation.objects import objects
from seethrough.images import load_picture


@pytest.fixture
def photos(tmp_path):
    """Two classes whose pictures have the same file names, 8 × 10 pixels; and a function that draws a mask of one column."""
    for place in ("cat", "dog"):
        (tmp_path / "photos" / place).mkdir(parents=True)
        for name in ("1.jpg", "2.b.jpg"):
            Image.fromarray(np.zeros((8, 10, 3), np.uint8)).save(tmp_path / "photos" / place / name)

    def draw(name, column):
        mask = np.zeros((8, 10), np.uint8)
        mask[:, column] = 255
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(tmp_path / name)

    return tmp_path, collect(tmp_path / "photos"), draw


def columns(collection, drawn):
    """Of each picture by its name the column that is drawn, −1 where none is."""
    found = {}
    for number, item in enumerate(collection):
        mask = drawn(number, load_picture(item.source))
        found[item.name] = -1 if mask is None else int(np.flatnonzero(mask[0])[0])
    return found


def test_masks_lie_in_folders_like_the_pictures(photos):
    home, collection, draw = photos
    for column, name in enumerate(("cat/1.png", "cat/2.b.png", "dog/1.png")):
        draw(f"masks/{name}", column)
    found = columns(collection, objects(collection, masks=home / "masks"))
    assert found == {"cat/1.jpg": 0, "cat/2.b.jpg": 1, "dog/1.jpg": 2, "dog/2.b.jpg": -1}


def test_or_all_in_one_where_no_two_pictures_are_called_alike(photos):
    home, collection, draw = photos
    few = collect([home / "photos/cat/2.b.jpg", home / "photos/dog/1.jpg"])
    draw("masks/1.png", 3)
    draw("masks/2.b.png", 4)
    assert sorted(columns(few, objects(few, masks=home / "masks")).values()) == [3, 4]
    with pytest.raises(UsageError, match=r"'1' would belong to 'cat/1.jpg' and to 'dog/1.jpg'"):
        objects(collection, masks=home / "masks")
