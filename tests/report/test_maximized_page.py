"""Maximized pictures as files: a page, a film, arrays that load without pickle, numbers."""

import io
import json

import numpy as np
import pytest
from PIL import Image, ImageSequence

import seethrough as st
from seethrough.errors import UsageError


@pytest.fixture(scope="module")
def made():
    return st.maximize("demo:leopards", "stem", channel=[0, 3, 5], size=32, steps=6, snapshots=4, real=[0.1, 0.2, 99.0])


def test_the_page_stands_alone_and_speaks_both_languages(made, tmp_path):
    page = made.save(tmp_path / "dreams.html").read_text("utf-8")
    for text in ("What excites stem", "最能激发stem的图片", "The way there", "best real"):
        assert text in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page


def test_the_film_has_a_frame_for_each_moment_and_ends_with_the_pictures(made, tmp_path):
    with Image.open(made.save(tmp_path / "dreams.gif")) as film:
        frames = [np.asarray(frame.convert("RGB")).astype(int) for frame in ImageSequence.Iterator(film)]
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(film)]
        assert film.info["loop"] == 0
    assert len(frames) == 4
    assert durations[-1] > 10 * durations[0]
    enlarged = frames[-1].shape[0] // 2 // 32
    shown = frames[-1][: 32 * enlarged, : 32 * enlarged]
    wanted = made.pictures[0].repeat(enlarged, 0).repeat(enlarged, 1)
    assert np.abs(shown - wanted).mean() < 12  # 256 colours


def test_a_film_needs_pictures_of_the_way(tmp_path):
    still = st.maximize("demo:leopards", "stem", channel=0, size=16, steps=1, snapshots=0)
    with pytest.raises(UsageError, match="snapshots=24"):
        still.save(tmp_path / "dreams.gif")
    assert not list(tmp_path.iterdir())


def test_arrays_load_without_pickle_and_are_the_result_s(made, tmp_path):
    with np.load(made.save(tmp_path / "dreams.npz")) as arrays:
        for name in ("pictures", "inputs", "reached", "strongest", "trajectory", "opacity", "snapshots", "best_real"):
            assert np.array_equal(arrays[name], getattr(made, name))
        assert list(arrays["names"]) == list(made.names)
        assert json.loads(str(arrays["about"]))["layers"] == ["stem"]


def test_numbers_are_plain_data(made, tmp_path):
    record = json.loads(made.save(tmp_path / "dreams.json").read_text("utf-8"))
    assert [p["beats_real"] for p in record["pictures"]] == [bool(b) for b in made.beats_real]
    assert record["pictures"][2]["beats_real"] is False
    assert record["settings"]["steps"] == 6
    assert record["provenance"]["network"] == "demo:leopards"


def test_the_picture_file_is_an_image(made, tmp_path):
    with Image.open(io.BytesIO(made.save(tmp_path / "dreams.png", language="zh").read_bytes())) as picture:
        assert picture.size[0] > 1000
