"""``evaluate`` on the command line: a table, a file, what is passed by, what is refused before a network is opened."""

import json

import pytest
from cli_material import picture


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(2):
        picture(seed=i).save(folder / f"{i}.png")
    (tmp_path / "boxes.csv").write_text("image,x0,y0,x1,y1\n0.png,2,2,9,9\n1.png,4,4,20,20\n", "utf-8")
    return folder


def ask(seethrough, photos, *more):
    return seethrough("evaluate", "demo:leopards", photos, "--methods", "saliency,gradcam", *more)


def test_it_prints_a_table_and_what_is_best_and_writes_a_page(seethrough, photos, tmp_path):
    page = tmp_path / "e.html"
    done = ask(
        seethrough, photos, "--metrics", "sparseness,pointing_game", "--boxes", photos.parent / "boxes.csv", "-o", page
    )
    assert done.code == 0, done.err
    assert (
        "Saliency" in done.out and "Grad-CAM" in done.out and "Sparseness ↑" in done.out and "knows nothing" in done.out
    )
    assert page.read_text("utf-8").startswith("<!")


def test_what_cannot_be_read_is_named_and_the_exit_code_says_so(seethrough, photos):
    (photos / "1.png").write_bytes(b"no picture")
    done = ask(seethrough, photos, "--metrics", "sparseness", "--no-nulls", "--json")
    assert done.code == 1 and "1.png" in done.err
    record = json.loads(done.out)
    assert record["images"] == ["0.png"] and [m["name"] for m in record["methods"]] == ["saliency", "gradcam"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--metrics", "auc"), "where the objects are"),
        (("--metrics", "deletoin"), "Nearest: deletion"),
        (("--metrics", "auc", "--boxes", "b.csv", "--masks", "m"), "one of them"),
        (("-o", "e.png"), "suffix"),
    ],
)
def test_what_makes_no_sense_is_refused(seethrough, photos, more, says):
    done = ask(seethrough, photos, *more)
    assert done.code == 2 and says in done.err and done.err.count("\n") == 1
