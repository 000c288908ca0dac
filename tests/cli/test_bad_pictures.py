"""A picture can be broken in many ways: each is one sentence and an exit code; the odd but sound ones are explained."""

import json

import numpy as np
import pytest
from cli_material import picture
from PIL import Image


def broken(folder):
    """From name to what its refusal speaks of."""
    whole = (folder / "cat.png").read_bytes()
    picture(200, 200).save(folder / "whole.jpg")
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "cut.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:2000])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "noise.jpg").write_bytes(np.random.default_rng(0).bytes(2000))
    picture(2, 1).save(folder / "two.png")
    return {
        "cut.png": "cut off", "cut.jpg": "cut off", "empty.jpg": "empty", "noise.jpg": "no picture",
        "two.png": "1 × 2 pixels", "missing.jpg": "no picture 'missing.jpg'", ".": "folder",
    }  # fmt: skip


@pytest.mark.parametrize("verb", ["explain", "predict"])
@pytest.mark.parametrize("name", ["cut.png", "cut.jpg", "empty.jpg", "noise.jpg", "two.png", "missing.jpg", "."])
def test_a_broken_picture_is_refused_in_a_sentence(refused, tiny, folder, verb, name):
    speaks_of = broken(folder)[name]
    out = ("-o", "why.html") if verb == "explain" else ()
    assert speaks_of in refused(3, verb, *tiny, name, *out)


def test_a_picture_over_the_pixel_limit_is_refused_before_it_is_decoded(refused, tiny, folder, monkeypatch):
    monkeypatch.setenv("SEETHROUGH_PIXEL_LIMIT", "1999")
    whole = (folder / "cat.png").read_bytes()
    (folder / "cat.png").write_bytes(whole[:100])  # decoding would say that it is cut off
    message = refused(3, "explain", *tiny, "cat.png", "-o", "why.html")
    assert "50 × 40" in message and "1,999" in message


def odd(folder):
    """From name to the note that its decoding leaves."""
    grey = np.random.default_rng(0).integers(0, 65536, (40, 50), dtype=np.uint16)
    Image.fromarray(grey).save(folder / "sixteen.png")
    picture(mode="CMYK").save(folder / "cmyk.jpg")
    picture(mode="P").save(folder / "palette.png")
    clear = picture(mode="RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    clear.save(folder / "rgba.png")
    picture().save(folder / "film.gif", save_all=True, append_images=[picture(seed=1)])
    exif = Image.Exif()
    exif[0x0112] = 6
    picture().save(folder / "turned.jpg", exif=exif)
    return {
        "sixteen.png": "sixteen_bit", "cmyk.jpg": "converted", "palette.png": "converted", "rgba.png": "transparency",
        "film.gif": "animated", "turned.jpg": "turned_by_exif",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["sixteen.png", "cmyk.jpg", "palette.png", "rgba.png", "film.gif", "turned.jpg"])
def test_an_odd_but_sound_picture_is_explained_and_what_was_done_is_said(seethrough, tiny, folder, name):
    note = odd(folder)[name]
    outcome = seethrough("explain", *tiny, name, "--methods", "saliency", "--json")
    assert outcome.code == 0, outcome.err
    told = json.loads(outcome.out)["images"][0]["explanation"]["images"][0]
    assert note in [n["name"] for n in told["notes"]]
    upright = {"height": 50, "width": 40} if name == "turned.jpg" else {"height": 40, "width": 50}
    assert told["size"] == upright


def test_of_several_pictures_one_that_fails_does_not_stop_the_others(seethrough, tiny, folder):
    broken(folder)
    names = ("cat.png", "cut.png", "whole.jpg")
    outcome = seethrough("explain", *tiny, *names, "--methods", "saliency", "-o", "pages/", "--json")
    assert outcome.code == 1
    told = json.loads(outcome.out)
    assert [item["image"] for item in told["images"]] == ["cat.png", "whole.jpg"]
    assert [item["image"] for item in told["failed"]] == ["cut.png"] and told["failed"][0]["exit_code"] == 3
    assert sorted(p.name for p in (folder / "pages").iterdir()) == ["cat.html", "whole.html"]
    assert outcome.err.count("\n") == 1 and "cut.png" in outcome.err


def test_where_every_picture_fails_the_exit_code_is_the_refusals(seethrough, tiny, folder):
    broken(folder)
    outcome = seethrough("explain", *tiny, "cut.png", "empty.jpg", "--methods", "saliency", "-o", "pages/")
    assert outcome.code == 3 and outcome.err.count("\n") == 2
    assert not (folder / "pages").exists()
