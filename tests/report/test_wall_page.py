"""The page of a wall carries what the wall says, within its size, and its other files hold every number."""

import base64
import io
import json
import re
import zlib

import numpy as np
import pytest
from PIL import Image

import seethrough as st
from seethrough.report.sprites import sprites
from seethrough.report.wall import wall_page
from seethrough.show.wall_figure import draw, overview
from seethrough.show.wall_words import WALL, facts, said
from wall_material import COLOURS, network, pictures


@pytest.fixture(scope="module")
def hung():
    truth = [COLOURS[i % 3] if i % 7 else COLOURS[(i + 1) % 3] for i in range(30)]
    numbers = {"loss": np.linspace(0, 1, 30), "odd </script>": [np.nan] * 30}
    images = np.stack(list(pictures(30)))
    return st.wall(network(), images, layout="pca", truth=truth, numbers=numbers, maps=True)


def payload_of(page):
    return json.loads(re.search(r'id="payload">(.*?)</script>', page, re.S)[1])


def unpacked(text):
    return zlib.decompress(base64.b64decode(text))


def test_what_travels_is_what_the_wall_says(hung):
    payload = payload_of(wall_page(hung))
    columns = json.loads(unpacked(payload["data"]))
    rows, across = payload["grid"]
    assert (rows, across) == hung.grid
    for place in (0, 7, 29):
        i = int(np.flatnonzero((hung.cells == divmod(place, across)).all(1))[0])
        assert columns["names"][place] == hung.names[i]
        assert [columns["outputs"][k] for k in columns["top"][place]] == hung.top[i].tolist()
        assert np.allclose(np.array(columns["chance"][place]) / 10_000, hung.chances[i], atol=1e-4)
        assert columns["right"][place] == hung.right[i]
        assert columns["truths"][columns["truth"][place]] == hung.truth[i]
        assert columns["numbers"]["loss"][place] == pytest.approx(hung.numbers["loss"][i], abs=1e-5)
        near = [columns["names"][k] for k in columns["nearest"][place]]
        assert near == [hung.names[k] for k in hung.nearest[i][:6]]
        codes = np.frombuffer(unpacked(payload["maps"]["data"]), np.uint8).reshape(30, 14, 14)
        assert np.array_equal(codes[place], hung.maps.codes[i])
    assert set(columns["numbers"]["odd </script>"]) == {None}


def test_each_sprite_is_its_image(hung):
    payload = payload_of(wall_page(hung))
    _, across = hung.grid
    packed = payload["sprites"]
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(packed["data"][0]))))
    for place in (0, 13, 29):
        i = int(np.flatnonzero((hung.cells == divmod(place, across)).all(1))[0])
        row, column = divmod(place, packed["across"])
        side = packed["tile"]
        tile = sheet[row * side : (row + 1) * side, column * side : (column + 1) * side]
        assert np.abs(tile.mean((0, 1)) - hung.thumbnails[i].mean((0, 1))).max() < 12


def test_sprites_keep_to_their_budget_and_to_the_size_of_a_sheet():
    random = np.random.default_rng(0)
    tiles = random.integers(0, 256, (600, 24, 24, 3)).astype(np.uint8).repeat(4, 1).repeat(4, 2)
    for budget in (2_400_000, 600_000):
        packed = sprites(tiles, budget)
        assert sum(map(len, packed.sheets)) * 4 / 3 < 1.1 * budget
        sizes = [Image.open(io.BytesIO(sheet)).size for sheet in packed.sheets]
        assert max(max(size) for size in sizes) <= 4096
        assert sum(w * h for w, h in sizes) >= 600 * packed.tile**2
    assert packed.tile < 96


def test_text_from_outside_is_data(hung):
    page = wall_page(hung)
    assert "odd </script>" not in page and page.count("</script>") == 2 and "default-src" in page


@pytest.mark.parametrize("suffix", [".html", ".png", ".svg", ".npz", ".json"])
def test_every_kind_of_file_is_written(hung, tmp_path, suffix):
    path = hung.save(tmp_path / f"wall{suffix}", language="zh")
    assert path.stat().st_size > 1000


def test_the_arrays_come_back(hung, tmp_path):
    with np.load(hung.save(tmp_path / "wall.npz")) as found:
        assert np.array_equal(found["embeddings"], hung.embeddings) and np.array_equal(found["cells"], hung.cells)
        assert tuple(found["labels"]) == COLOURS and tuple(found["names"]) == hung.names
        assert np.array_equal(found["maps"], hung.maps.codes)


def test_json_holds_every_image(hung, tmp_path):
    record = json.loads(hung.save(tmp_path / "wall.json").read_text("utf-8"))
    assert len(record["images"]) == 30 and record["right"] + record["wrong"] == 30


def test_the_overview_shows_each_image_in_its_place(hung):
    sheet = overview(hung, 400)
    side = sheet.shape[1] // hung.grid[1]
    for i in (0, 11, 29):
        row, column = hung.cells[i]
        tile = sheet[row * side : (row + 1) * side - 1, column * side : (column + 1) * side - 1]
        assert np.abs(tile.mean((0, 1)) - hung.thumbnails[i].mean((0, 1))).max() < 8


def test_the_figure_says_what_it_shows_in_both_languages(hung):
    for language in ("en", "zh"):
        assert draw(hung, language=language).axes
    text = said(hung)
    wrong = int((hung.right == 0).sum())
    assert wrong and f"{round(100 * (30 - wrong) / 30)}" in text.en and "30" in text.zh
    assert {name.en for name, *_ in facts(hung)} >= {"Images", "Hung by", "Right", "Neighbours kept"}


def test_both_languages_fill_the_same_places():
    for key, text in WALL.items():
        places = [sorted(re.findall(r"\{(\w+)", t)) for t in (text.en, text.zh)]
        assert text.en and text.zh and places[0] == places[1], key


def test_in_a_notebook_it_is_a_picture_with_a_sentence(hung):
    assert said(hung).en.split(":")[0] in hung._repr_html_()
