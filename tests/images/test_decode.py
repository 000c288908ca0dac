"""Decoding: every way in which a picture may come, and every way in which it may be broken."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from seethrough.errors import InputRefused, UsageError
from seethrough.images import load_picture, load_pictures


def gradient(height=12, width=20):
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 12, y * 20, (x + y) * 8], -1).astype(np.uint8)


def saved(tmp_path, image, name="picture.png", **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


def notes_of(picture):
    return {note.name: dict(note.numbers) for note in picture.notes}


def png_declaring(width, height, body=b""):
    """A PNG whose header says anything; its data is `body`, deflated."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def test_a_plain_picture_comes_through_bit_for_bit_and_without_notes(tmp_path):
    picture = load_picture(saved(tmp_path, Image.fromarray(gradient())))
    assert np.array_equal(picture.pixels, gradient()) and picture.pixels.dtype == np.uint8
    assert picture.name == "picture.png" and picture.notes == () and picture.size == (12, 20)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(tmp_path, orientation):
    # What the camera stored when the upright scene is `gradient`, by the definition of the tag.
    turn = {1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
            5: lambda a: a.transpose(1, 0, 2), 6: lambda a: np.rot90(a, 1),
            7: lambda a: np.rot90(a, 2).transpose(1, 0, 2), 8: lambda a: np.rot90(a, -1)}  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, Image.fromarray(np.ascontiguousarray(turn[orientation](gradient()))), exif=exif)
    picture = load_picture(path)
    assert np.array_equal(picture.pixels, gradient())
    assert notes_of(picture) == ({} if orientation == 1 else {"turned_by_exif": {"orientation": orientation}})


def test_sixteen_bits_of_grey_are_scaled_to_eight(tmp_path):
    grey = np.linspace(0, 65535, 16 * 16).reshape(16, 16).astype(np.uint16)
    picture = load_picture(saved(tmp_path, Image.fromarray(grey)))
    assert np.array_equal(picture.pixels, np.repeat(np.rint(grey / 257).astype(np.uint8)[..., None], 3, 2))
    assert {"sixteen_bit", "greyscale"} <= set(notes_of(picture))


def test_sixteen_bits_of_colour_are_noted(tmp_path):
    values = (gradient().astype(np.uint16) * 257).byteswap()
    raw = b"".join(b"\0" + row.tobytes() for row in values)
    data = bytearray(png_declaring(20, 12, raw))
    data[24] = 16  # bits a channel
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    (tmp_path / "deep.png").write_bytes(data)
    picture = load_picture(tmp_path / "deep.png")
    assert np.array_equal(picture.pixels, gradient()) and "sixteen_bit" in notes_of(picture)


def test_float_pixels_of_either_range_are_scaled(tmp_path):
    unit = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    small = load_picture(saved(tmp_path, Image.fromarray(unit), "unit.tiff"))
    large = load_picture(saved(tmp_path, Image.fromarray(unit * 255), "large.tiff"))
    assert np.array_equal(small.pixels, large.pixels) and small.pixels.max() == 255
    assert notes_of(small)["float_pixels"]["white"] == 1 and notes_of(large)["float_pixels"]["white"] == 255


@pytest.mark.parametrize("value", [-1.0, 300.0, float("nan")])
def test_float_pixels_without_a_known_white_are_refused(tmp_path, value):
    pixels = np.full((8, 8), 0.5, np.float32)
    pixels[0, 0] = value
    with pytest.raises(InputRefused, match="which is black"):
        load_picture(saved(tmp_path, Image.fromarray(pixels), "odd.tiff"))


@pytest.mark.parametrize("mode, name, suffix", [("CMYK", "jpg", "CMYK"), ("P", "png", "P"), ("YCbCr", "jpg", None)])
def test_other_colour_modes_are_converted_and_noted(tmp_path, mode, name, suffix):
    picture = load_picture(saved(tmp_path, Image.fromarray(gradient()).convert(mode), f"x.{name}"))
    assert picture.pixels.shape == (12, 20, 3)
    assert np.abs(picture.pixels.astype(int) - gradient()).mean() < 25
    assert notes_of(picture).get("converted") == (None if suffix is None else {"mode": suffix})


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_pictures_become_three_equal_channels(tmp_path, mode):
    picture = load_picture(saved(tmp_path, Image.fromarray(gradient()).convert(mode)))
    assert (picture.pixels == picture.pixels[..., :1]).all() and "greyscale" in notes_of(picture)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(tmp_path, mode):
    image = Image.fromarray(np.zeros((8, 8, 3), np.uint8)).convert(mode)
    alpha = np.full((8, 8), 255, np.uint8)
    alpha[:4] = 0
    image.putalpha(Image.fromarray(alpha))
    picture = load_picture(saved(tmp_path, image))
    assert (picture.pixels[:4] == 255).all() and (picture.pixels[4:] == 0).all()
    assert notes_of(picture)["transparency"] == {"share": 0.5}


def test_an_opaque_alpha_channel_is_dropped_without_a_word(tmp_path):
    picture = load_picture(saved(tmp_path, Image.fromarray(gradient()).convert("RGBA")))
    assert np.array_equal(picture.pixels, gradient()) and picture.notes == ()


@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_the_first_frame_of_an_animation_is_taken_and_noted(tmp_path, suffix):
    frames = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (200, 10, 90)]
    path = saved(tmp_path, frames[0], f"film.{suffix}", save_all=True, append_images=frames[1:], duration=50)
    picture = load_picture(path)
    assert abs(int(picture.pixels.mean()) - 200) <= 1 and notes_of(picture)["animated"] == {"frames": 3}


def test_a_colour_profile_is_left_alone_and_noted_unless_it_is_srgb(tmp_path):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    image = Image.fromarray(gradient())
    assert load_picture(saved(tmp_path, image, "s.png", icc_profile=srgb)).notes == ()
    odd = load_picture(saved(tmp_path, image, "l.png", icc_profile=lab))
    broken = load_picture(saved(tmp_path, image, "b.png", icc_profile=b"nonsense"))
    for picture in (odd, broken):
        assert "colour_profile_ignored" in notes_of(picture) and np.array_equal(picture.pixels, gradient())


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_declaring(12_000, 12_000))  # its body is empty: decoding it would fail in another way
    with pytest.raises(InputRefused, match=r"12,000 × 12,000 pixels, over the limit of 80,000,000; .*pixel_limit"):
        load_picture(path)
    with pytest.raises(InputRefused, match="cut off or broken"):
        load_picture(path, pixel_limit=200_000_000)
    monkeypatch.setenv("SEETHROUGH_PIXEL_LIMIT", "100")
    with pytest.raises(InputRefused, match="over the limit of 100;"):
        load_picture(saved(tmp_path, Image.fromarray(gradient())))
    monkeypatch.setenv("SEETHROUGH_PIXEL_LIMIT", "many")
    with pytest.raises(UsageError, match="number of pixels"):
        load_picture(path)


def test_a_picture_beyond_pillows_own_limit_is_one_sentence_too(tmp_path, recwarn):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_declaring(60_000, 60_000))
    with pytest.raises(InputRefused, match="MAX_IMAGE_PIXELS"):
        load_picture(path, pixel_limit=10**12)
    assert not recwarn.list


@pytest.mark.parametrize(
    "content, words",
    [(b"", "is empty"), (b"\x89PNG\r\n", "no picture that can be read"), (b"hello, world" * 9, "no picture"),
     (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "no picture"),
     (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture")],
)  # fmt: skip
def test_what_is_no_picture_is_refused(tmp_path, content, words):
    path = tmp_path / "broken.jpg"
    path.write_bytes(content)
    with pytest.raises(InputRefused, match=words) as refused:
        load_picture(path)
    assert "\n" not in str(refused.value) and refused.value.exit_code == 3


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "webp", "tiff", "bmp"])
def test_a_picture_cut_off_anywhere_is_refused_or_whole(tmp_path, suffix):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8))
    whole = saved(tmp_path, noise, f"whole.{suffix}").read_bytes()
    for part in (0.1, 0.5, 0.9):
        path = tmp_path / f"cut.{suffix}"
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(InputRefused):
            load_picture(path)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 400), st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF"]))
@example(b"\x00\x00\x01", 128, "TIFF")  # its frames can't be counted
def test_damaged_bytes_give_a_picture_or_a_refusal_and_nothing_else(tmp_path_factory, damage, at, kind):
    buffer = io.BytesIO()
    Image.fromarray(gradient()).save(buffer, kind)
    data = bytearray(buffer.getvalue())
    data[at : at + len(damage)] = damage
    path = tmp_path_factory.mktemp("damaged") / "x"
    path.write_bytes(data)
    try:
        picture = load_picture(path)
    except InputRefused:
        return
    assert picture.pixels.ndim == 3 and picture.pixels.dtype == np.uint8


def test_missing_files_folders_and_impossible_names_are_refused(tmp_path):
    with pytest.raises(InputRefused, match="There is no picture"):
        load_picture(tmp_path / "no.jpg")
    with pytest.raises(InputRefused, match="is a folder"):
        load_picture(tmp_path)
    with pytest.raises(InputRefused, match="can't be reached"):
        load_picture("x\0y.jpg")
    with pytest.raises(InputRefused, match="can't be reached"):
        load_picture("x" * 5000)


def test_a_name_with_control_characters_is_quoted_in_the_message(tmp_path):
    with pytest.raises(InputRefused) as refused:
        load_picture(tmp_path / "a\x1b[31mred\n.jpg")
    assert "\x1b" not in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("size", [(1, 2), (2, 1), (3, 100)])
def test_pictures_of_a_few_pixels_are_refused(tmp_path, size):
    pixels = np.zeros((*size, 3), np.uint8)
    with pytest.raises(InputRefused, match="at least 4"):
        load_picture(saved(tmp_path, Image.fromarray(pixels)))
    with pytest.raises(InputRefused, match="at least 4"):
        load_picture(pixels)


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 3), (9, 7, 4)])
def test_arrays_of_every_channel_count_are_pictures(shape):
    array = np.random.default_rng(1).integers(0, 255, shape, dtype=np.uint8)
    if shape[-1] == 4:
        array[..., 3] = 255
    picture = load_picture(array)
    assert picture.pixels.shape == (9, 7, 3) and picture.name == "image 1"
    assert np.array_equal(picture.pixels[..., 0], array if array.ndim == 2 else array[..., 0])
    assert not np.shares_memory(picture.pixels, array)


def test_arrays_that_are_no_pictures_say_what_to_do():
    with pytest.raises(UsageError, match=r"transpose\(1, 2, 0\)"):
        load_picture(np.zeros((3, 20, 30), np.uint8))
    with pytest.raises(UsageError, match="uint8"):
        load_picture(np.zeros((20, 30, 3), np.float32))
    with pytest.raises(UsageError, match=r"\(H, W, 3\)"):
        load_picture(np.zeros((20, 30, 7), np.uint8))
    with pytest.raises(UsageError, match=r"builtins\.int"):
        load_picture(7)


def test_a_pil_image_is_read_and_left_as_it_was(tmp_path):
    image = Image.fromarray(gradient())
    picture = load_picture(image, name="mine")
    assert picture.name == "mine" and np.array_equal(np.asarray(image), gradient())
    opened = Image.open(saved(tmp_path, image, "named.png"))
    assert load_picture(opened).name == "named.png"


def test_several_pictures_are_named_by_file_or_number(tmp_path):
    path = saved(tmp_path, Image.fromarray(gradient()))
    assert [picture.name for picture in load_pictures([path, gradient()])] == ["picture.png", "image 2"]
    assert len(load_pictures(np.stack([gradient()] * 3))) == 3
    assert len(load_pictures(path)) == 1
    with pytest.raises(UsageError, match="empty list"):
        load_pictures([])
