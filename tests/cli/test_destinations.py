"""Where results go is settled, and refused, before any work begins."""

from pathlib import Path

import pytest

from seethrough.cli.destinations import destination
from seethrough.errors import EnvironmentLacks, UsageError


def test_a_file_for_one_picture(folder):
    assert destination("why.png", ["cat.png"]).files == (Path("why.png"),)


def test_a_folder_gets_a_page_for_each_picture(folder):
    found = destination("pages/", ["a/cat.jpg", "b/dog.png"])
    assert found.files == (Path("pages/cat.html"), Path("pages/dog.html")) and found.folder == Path("pages")
    assert not Path("pages").exists()
    found.make_folder()
    assert Path("pages").is_dir()


def test_a_pattern_has_the_pictures_name_and_number(folder):
    found = destination("{number}-{name}.svg", ["a/cat.jpg", "b/cat.jpg"])
    assert found.files == (Path("1-cat.svg"), Path("2-cat.svg"))


def test_several_pictures_do_not_go_into_one_file(folder):
    with pytest.raises(UsageError, match="2 pictures don't go into the one file"):
        destination("why.html", ["cat.png", "dog.png"])


def test_two_pictures_of_one_name_are_told_apart_or_refused(folder):
    with pytest.raises(UsageError, match="number"):
        destination("pages/", ["a/cat.jpg", "b/cat.jpg"])


def test_the_picture_itself_is_never_replaced(folder):
    with pytest.raises(UsageError, match="replace the picture"):
        destination("cat.png", ["cat.png"])


def test_a_kind_of_file_that_there_is_not(folder):
    with pytest.raises(UsageError, match=r"\.html"):
        destination("why.docx", ["cat.png"])


def test_a_folder_in_a_folder_that_is_not_there(folder):
    with pytest.raises(EnvironmentLacks, match="no folder"):
        destination("nowhere/pages/", ["cat.png"])
