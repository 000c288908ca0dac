"""Collections: whatever a person's folder is like, the same images in the same order, each once, each with its own name."""

import os

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seethrough.datasets.collection import Collection, collect
from seethrough.datasets.folders import natural
from seethrough.errors import InputRefused, SeethroughError, UsageError


def draw(path, shade=0, size=(12, 10)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (shade, 40, 90)).save(path, format="PNG")
    return path


def names(collection):
    return [item.name for item in collection]


def notes(collection):
    return {note.name: note.numbers for note in collection.notes}


def test_folders_in_a_folder_are_the_classes_and_numbers_count_as_numbers(tmp_path):
    for inside in ("cat/img10.png", "cat/img2.png", "Dog/deep/img1.PNG", "10.png", "9.png"):
        draw(tmp_path / inside)
    (tmp_path / "cat/notes.txt").write_text("nothing")
    found = collect(tmp_path)
    assert names(found) == ["9.png", "10.png", "cat/img2.png", "cat/img10.png", "Dog/deep/img1.PNG"]
    assert found.truths == (None, None, "cat", "cat", "Dog")
    assert found.picture(4).pixels.shape == (10, 12, 3) and found.picture(4).name == "Dog/deep/img1.PNG"


@given(st.lists(st.text("aB1029_é", min_size=1, max_size=5), unique=True, min_size=2, max_size=8))
def test_the_order_depends_on_the_names_alone(parts):
    from pathlib import Path

    paths = [Path(*part) if i % 2 else Path(part) for i, part in enumerate(parts)]
    turned = paths[::-1]
    assert sorted(paths, key=natural) == sorted(turned, key=natural)
    assert len({natural(path) for path in paths}) == len(set(paths))


def test_links_are_followed_and_loops_end(tmp_path):
    draw(tmp_path / "photos/cat/a.png")
    draw(tmp_path / "elsewhere/b.png", 9)
    root = tmp_path / "photos"
    (root / "cat/up").symlink_to(root, target_is_directory=True)
    (root / "a link beside").symlink_to(root / "cat", target_is_directory=True)
    (root / "dog").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (root / "round").symlink_to(root / "round")
    assert names(collect(root)) == ["cat/a.png", "dog/b.png"]


def test_a_link_that_leads_nowhere_is_an_image_that_cant_be_read(tmp_path):
    draw(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "gone.png")
    found = collect(tmp_path)
    assert names(found) == ["a.png", "b.png"]
    with pytest.raises(InputRefused, match="no picture"):
        found.picture(1)


def test_hidden_files_are_left_alone(tmp_path):
    for inside in ("a.png", "._a.png", ".thumbs/a.png"):
        draw(tmp_path / inside)
    assert names(collect(tmp_path)) == ["a.png"]


def test_a_folder_that_cant_be_entered_is_told_and_passed_by(tmp_path, monkeypatch):
    draw(tmp_path / "open/a.png")
    draw(tmp_path / "closed/b.png")
    scandir = os.scandir

    def refusing(folder):  # whoever runs the tests may be allowed everything
        if str(folder).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    found = collect(tmp_path)
    assert names(found) == ["open/a.png"]
    assert notes(found) == {"folders_unreadable": {"count": 1, "folders": "closed"}}
    with pytest.raises(InputRefused, match="can't be entered"):
        collect(tmp_path / "closed")


def test_a_folder_without_pictures_is_refused_with_what_it_holds(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"x")
    (tmp_path / "b.heic").write_bytes(b"x")
    with pytest.raises(InputRefused, match=r"no pictures.*2 of \.heic"):
        collect(tmp_path)
    with pytest.raises(InputRefused, match="There is no folder or picture"):
        collect(tmp_path / "gone")
    with pytest.raises(UsageError, match="empty list"):
        collect([])


def test_names_are_unique_whatever_was_given(tmp_path):
    a, b = draw(tmp_path / "a/cat.png"), draw(tmp_path / "b/cat.png", 5)
    assert names(collect([a, b])) == [str(a), str(b)]
    assert names(collect([a, a])) == [str(a), f"{a} (2)"]
    assert names(collect(a)) == ["cat.png"]
    assert names(collect(np.zeros((2, 8, 8, 3), np.uint8))) == ["image 1", "image 2"]


@pytest.mark.skipif(os.name != "posix", reason="file names that are no text")
def test_a_name_that_is_no_text_becomes_text(tmp_path):
    draw(tmp_path / os.fsdecode(b"caf\xe9.png"))
    found = collect(tmp_path)
    assert names(found) == ["caf\\xe9.png"]
    assert found.picture(0).size == (10, 12)


def test_duplicates_have_the_same_bytes_wherever_they_lie(tmp_path):
    for inside, shade in (("a.png", 1), ("x/b.png", 2), ("x/c.png", 1), ("d.png", 3)):
        draw(tmp_path / inside, shade)
    found = collect(tmp_path)
    (group,) = found.duplicates()
    assert [found[i].name for i in group] == ["a.png", "x/c.png"]
    pixels = np.stack([np.full((8, 8, 3), shade, np.uint8) for shade in (1, 2, 1, 1)])
    assert collect(pixels).duplicates() == ((0, 2, 3),)


def test_the_fingerprint_is_of_names_files_and_truth(tmp_path):
    a = draw(tmp_path / "cat/a.png")
    draw(tmp_path / "cat/b.png")
    before = collect(tmp_path).fingerprint
    assert collect(tmp_path).fingerprint == before
    assert collect(tmp_path, truth=["cat", "dog"]).fingerprint != before
    os.utime(a, ns=(1, 1))
    assert collect(tmp_path).fingerprint != before
    pixels = np.zeros((2, 8, 8, 3), np.uint8)
    same, other = collect(pixels.copy()).fingerprint, pixels.copy()
    other[1, 0, 0, 0] = 1
    assert collect(pixels).fingerprint == same != collect(other).fingerprint


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_ready_numbers_are_a_collection_too(kind):
    batch = np.random.default_rng(0).random((3, 3, 8, 6), np.float32)
    found = collect(kind(batch))
    assert found.ready and len(found) == 3 and found.picture(2).size == (8, 6) and found.picture(2).name == "image 3"
    assert len({*found.marks}) == 3
    with pytest.raises(UsageError, match="batch"):
        collect(kind(batch[0, 0, 0]))


def test_a_collection_is_one_already():
    found = collect(np.zeros((1, 8, 8, 3), np.uint8))
    assert isinstance(found, Collection) and collect(found) is found and len(found) == 1


CSVS = {
    "headless": "a.png,cat\nx/b.png,dog\n",
    "with heads": "file,class\na.png,cat\nx/b.png,dog\n",
    "heads the other way round": "label;image\ncat;a\ndog;b\n",
    "more columns": "id,part,file,species\n1,t,a.png,cat\n2,t,b.png,dog\n",
    "a byte order mark and quotes": '\ufefffile,class\n"a.png","cat"\n"x/b.png","dog"\n',
}


@pytest.mark.parametrize("text", CSVS.values(), ids=CSVS)
def test_labels_come_from_a_csv_file(tmp_path, text):
    for inside in ("pictures/a.png", "pictures/x/b.png"):
        draw(tmp_path / inside)
    (tmp_path / "labels.csv").write_text(text, "utf-8")
    found = collect(tmp_path / "pictures", truth=tmp_path / "labels.csv")
    assert dict(zip(names(found), found.truths)) == {"a.png": "cat", "x/b.png": "dog"} and not found.notes


def test_labels_and_pictures_that_dont_meet_are_told_with_examples(tmp_path):
    for inside in ("a.png", "b.png", "one/c.png", "two/c.png"):
        draw(tmp_path / inside)
    found = collect(tmp_path, truth={"./a.png": "cat", "c": "two pictures have this name", "gone.png": "dog"})
    assert found.truths == ("cat", None, None, None)
    assert notes(found) == {
        "labels_without_picture": {"count": 2, "all": 3, "examples": "c, gone.png"},
        "pictures_without_label": {"count": 3, "all": 4, "examples": "b.png, one/c.png, two/c.png"},
    }


WRONG = {
    "of nothing here": ("x.png,cat\n", UsageError, "'x.png'.*'a.png'"),
    "one column": ("a.png\n", InputRefused, "no names and classes"),
    "columns nobody knows": ("p,q,r\n1,2,3\n", InputRefused, "3 columns"),
    "a short line": ("file,class\na.png\n", InputRefused, "line 2"),
    "no text": (b"\xff\xfe\x00", InputRefused, "UTF-8"),
    "nothing": ("", InputRefused, "no names and classes"),
}


@pytest.mark.parametrize(("text", "kind", "words"), WRONG.values(), ids=WRONG)
def test_labels_that_make_no_sense_are_refused(tmp_path, text, kind, words):
    draw(tmp_path / "pictures/a.png")
    path = tmp_path / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(kind, match=words):
        collect(tmp_path / "pictures", truth=path)


def test_a_list_of_labels_has_one_for_each_image():
    pixels = np.zeros((3, 8, 8, 3), np.uint8)
    assert collect(pixels, truth=["a", None, "b"]).truths == ("a", None, "b")
    with pytest.raises(SeethroughError, match="2 labels for 3 images"):
        collect(pixels, truth=["a", "b"])
