"""Numbers by name, in the order of the images; what doesn't fit is refused with its line."""

import numpy as np
import pytest

from seethrough.datasets.collection import Collection, Item
from seethrough.errors import InputRefused, UsageError
from seethrough.gallery.numbers import read_numbers
from wall_material import pictures

IMAGES = Collection(tuple(Item(name, p) for name, p in zip(("a/1.png", "a/2.png", "b/2.png"), pictures(3))), "three")


@pytest.fixture
def table(tmp_path):
    def write(text):
        (tmp_path / "numbers.csv").write_text(text, encoding="utf-8")
        return tmp_path / "numbers.csv"

    return write


def test_numbers_come_in_the_order_of_the_images(table):
    found = read_numbers(table("name,loss,age\nb/2.png,3,\na/1.png,1.5,7\n"), IMAGES)
    assert found["loss"][[0, 2]].tolist() == [1.5, 3] and np.isnan(found["loss"][1])
    assert found["age"][0] == 7 and np.isnan(found["age"][2])


def test_a_file_name_alone_will_do_where_there_is_but_one(table):
    found = read_numbers(table("name,loss\n1.png,4\n2.png,9\n"), IMAGES)["loss"]
    assert found[0] == 4 and np.isnan(found[1:]).all()


def test_arrays_and_mappings_will_do():
    found = read_numbers({"x": [1, 2, 3], "y": {"a/2.png": 5}}, IMAGES)
    assert found["x"].tolist() == [1, 2, 3] and found["y"][1] == 5


@pytest.mark.parametrize(
    ("text", "says"),
    [("name,loss\na/1.png,much\n", "line 2"), ("name\na/1.png\n", "no numbers"), ("name,x\na/1.png,inf\n", "line 2")],
)
def test_what_is_no_number_is_refused(table, text, says):
    with pytest.raises(InputRefused, match=says):
        read_numbers(table(text), IMAGES)


def test_numbers_of_other_images_are_refused(table):
    with pytest.raises(UsageError, match="none of which"):
        read_numbers(table("name,loss\nz.png,1\n"), IMAGES)


def test_another_length_is_refused():
    with pytest.raises(UsageError, match="3 images"):
        read_numbers({"x": [1, 2]}, IMAGES)
