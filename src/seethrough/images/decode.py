"""Decoding: from a file, a PIL image or an array to upright 8-bit RGB pixels, with a note of everything that was done
to get there.

A file is hostile until it is read: its format must be one that Pillow decodes by itself (EPS would start Ghostscript),
its size is taken from the header and held against a limit before a pixel is decoded, and whatever a decoder trips over
is one sentence.
"""

from __future__ import annotations

import io
import os
import stat
import threading
import warnings
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageCms, ImageOps

from seethrough.errors import InputRefused, UsageError
from seethrough.results import Note, Picture

PIXEL_LIMIT = 80_000_000
"""The most pixels a picture may have unless the person says otherwise: 240 MB once decoded."""

PIXEL_LIMIT_VARIABLE = "SEETHROUGH_PIXEL_LIMIT"
SHORTEST_SIDE = 4
FORMATS = ("JPEG", "MPO", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF", "JPEG2000")
_WARNINGS = threading.Lock()


def load_pictures(source: Any, *, pixel_limit: int | None = None) -> tuple[Picture, ...]:
    """Read one picture or a sequence of them; those without a file name are called ``"image 1"``, ``"image 2"``…

    Parameters
    ----------
    source
        What `load_picture` takes, a list or tuple of such, or a uint8 array (N, H, W, 3).
    """
    is_batch = isinstance(source, list | tuple) or (isinstance(source, np.ndarray) and source.ndim == 4)
    several = list(source) if is_batch else [source]
    if not several:
        raise UsageError("There is no picture in an empty list; give at least one.")
    names = [_own_name(each) or f"image {i}" for i, each in enumerate(several, 1)]
    return tuple(load_picture(each, name=name, pixel_limit=pixel_limit) for each, name in zip(several, names))


def load_picture(source: Any, *, name: str | None = None, pixel_limit: int | None = None) -> Picture:
    """Read one picture.

    Parameters
    ----------
    source
        A path, a PIL image, or a uint8 array (H, W, 3) RGB, (H, W, 4) RGBA, (H, W, 1) or (H, W) grey.
    name
        What it is called; by default its file name, or ``"image 1"``. Only ever shown as text.
    pixel_limit
        The most pixels it may have; by default the environment variable ``SEETHROUGH_PIXEL_LIMIT``, else `PIXEL_LIMIT`.

    Returns
    -------
    Picture
        uint8 (H, W, 3), upright, with notes: ``turned_by_exif``, ``sixteen_bit``, ``float_pixels``, ``converted`` (from
        CMYK, a palette…), ``greyscale``, ``transparency``, ``animated``,
        ``colour_profile_ignored`` (a profile other than sRGB).

    Raises
    ------
    InputRefused
        Missing, a folder, empty, cut off, no picture, over the pixel limit, or with a side of fewer than 4 pixels.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, name or "image 1")
    if isinstance(source, Image.Image):
        name = name or _own_name(source) or "image 1"
        return _from_image(source, name, repr(name), _limit(pixel_limit))
    if isinstance(source, str | os.PathLike):
        return _from_file(Path(source), name, _limit(pixel_limit))
    raise UsageError(
        f"A picture is a path, a PIL image or a uint8 array (H, W, 3); this is {_kind(source)}. Ready tensors have a "
        "batch axis: (N, C, H, W) or (N, H, W, C)."
    )


def _from_file(path: Path, name: str | None, limit: int) -> Picture:
    where = repr(str(path))
    _refuse_no_file(path, where)
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputRefused(f"The picture {where} can't be read: {error.strerror}. Check its permissions.") from error
    with file, _opened(file, where, limit) as image:
        return _from_image(image, name or path.name, where, limit)


def _refuse_no_file(path: Path, where: str) -> None:
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise InputRefused(f"There is no picture {where}; check the path.") from error
    except (OSError, ValueError) as error:  # too long a name, a null character in it, a folder that is closed to us
        raise InputRefused(f"The picture {where} can't be reached; check the path and its permissions.") from error
    if stat.S_ISDIR(status.st_mode):
        raise InputRefused(f"{where} is a folder; name a picture in it.")
    if not stat.S_ISREG(status.st_mode):  # a pipe or a device could be read for ever
        raise InputRefused(f"{where} is no regular file; save the picture to a file first.")
    if status.st_size == 0:
        raise InputRefused(f"The picture {where} is empty (0 bytes); copy or download it again.")


@cache
def _formats() -> tuple[str, ...]:
    """Those of `FORMATS` that the Pillow at hand was built with."""
    Image.init()
    return tuple(each for each in FORMATS if each in Image.OPEN)


def _opened(file: IO[bytes], where: str, limit: int) -> Image.Image:
    """The image with its header read and nothing decoded."""
    with _WARNINGS, warnings.catch_warnings():
        # Our own limit is the stricter one, unless the person raised it.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            return Image.open(file, formats=_formats())
        except Image.DecompressionBombError as error:
            raise InputRefused(
                f"The picture {where} declares more pixels than Pillow decodes "
                f"({2 * (Image.MAX_IMAGE_PIXELS or limit):,}); make it smaller, "
                "or raise PIL.Image.MAX_IMAGE_PIXELS too if you trust it."
            ) from error
        except Exception as error:  # whatever a parser raises on a broken header
            raise InputRefused(
                f"{where} is no picture that can be read ({', '.join(_formats())}); open it in "
                "an image program and save it as PNG or JPEG."
            ) from error


def _from_image(image: Image.Image, name: str, where: str, limit: int) -> Picture:
    width, height = image.size
    if width * height > limit:
        raise InputRefused(
            f"The picture {where} has {width:,} × {height:,} pixels, over the limit of {limit:,}; make it smaller, or "
            "raise the limit with pixel_limit=… or "
            f"the environment variable {PIXEL_LIMIT_VARIABLE} if you trust it."
        )
    _refuse_tiny(height, width, where)
    sixteen = _is_sixteen_bit_colour(image)
    try:
        notes = _frames(image)  # counting them reads their headers
        image.load()
        image, more = _upright_rgb(image, where)
    except InputRefused:
        raise
    except Exception as error:  # whatever a decoder raises on a broken body
        raise InputRefused(
            f"The picture {where} is cut off or broken ({_first_line(error)}); copy or download it again."
        ) from error
    if sixteen:
        more = (Note("sixteen_bit", numbers={"mode": image.mode}), *more)
    return Picture(np.asarray(image, dtype=np.uint8).copy(), name, (*notes, *more))


def _is_sixteen_bit_colour(image: Image.Image) -> bool:
    """Whether Pillow will keep the upper byte of each channel; only its plan for decoding tells."""
    plans = (str(tile[3]) for tile in getattr(image, "tile", ()))
    return image.mode in ("RGB", "RGBA") and any(";16" in plan for plan in plans)


def _frames(image: Image.Image) -> tuple[Note, ...]:
    # An MPO file is one photograph with its preview or its second eye, not a film.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        return (Note("animated", numbers={"frames": int(getattr(image, "n_frames", 0))}),)
    return ()


def _upright_rgb(image: Image.Image, where: str) -> tuple[Image.Image, tuple[Note, ...]]:
    notes: list[Note] = []
    orientation = image.getexif().get(0x0112, 1)
    if orientation in range(2, 9):
        image = ImageOps.exif_transpose(image)
        notes.append(Note("turned_by_exif", numbers={"orientation": int(orientation)}))
    image, made = _eight_bit(image, where)
    notes += made
    notes += _profile_notes(image)
    image, made = _without_alpha(image)
    notes += made
    if image.mode in ("1", "L"):
        notes.append(Note("greyscale"))
    elif image.mode != "RGB":
        notes.append(Note("converted", numbers={"mode": image.mode}))
    return image.convert("RGB"), tuple(notes)


def _eight_bit(image: Image.Image, where: str) -> tuple[Image.Image, list[Note]]:
    """Grey of 16 bits, 32 bits or floats scaled to 0…255; everything else as it is."""
    if not (image.mode.startswith("I") or image.mode == "F"):
        return image, []
    values = np.asarray(image).astype(np.float64)
    low, high = float(values.min()), float(values.max())
    name, white = ("sixteen_bit", 65535.0) if image.mode != "F" else ("float_pixels", 1.0 if high <= 1 else 255.0)
    if not (low >= 0 and high <= white):  # also true of NaN
        raise InputRefused(
            f"The picture {where} has values from {low:g} to {high:g}, and nothing says which is black and which is "
            "white; save it with 8 or 16 bits."
        )
    pixels = np.rint(values * (255 / white)).astype(np.uint8)
    return Image.fromarray(pixels), [Note(name, numbers={"mode": image.mode, "white": white})]


def _profile_notes(image: Image.Image) -> list[Note]:
    """A note where the file says that its numbers aren't sRGB.

    They are left as they are: networks are trained and evaluated on numbers decoded without regard to profiles, and
    converting them here (from Adobe RGB, say) would give another answer than the person's own pipeline gives.
    """
    profile = image.info.get("icc_profile")
    if not profile:
        return []
    try:
        described = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip()
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        described = "unreadable"
    return [] if "srgb" in described.casefold() else [Note("colour_profile_ignored", numbers={"profile": described})]


def _without_alpha(image: Image.Image) -> tuple[Image.Image, list[Note]]:
    """Transparent pictures laid on white."""
    if image.mode not in ("RGBA", "LA", "PA", "RGBa", "La") and "transparency" not in image.info:
        return image, []
    grey = image.mode in ("LA", "La", "L")
    rgba = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    alpha = np.asarray(rgba.getchannel("A"))
    flat = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("L" if grey else "RGB")
    clear = float((alpha < 255).mean())
    return flat, [Note("transparency", numbers={"share": clear})] if clear else []


def _from_array(array: np.ndarray, name: str) -> Picture:
    if array.dtype != np.uint8:
        raise UsageError(
            f"A picture as an array is uint8 (0…255); this one is {array.dtype}. Give uint8 pixels (H, W, 3), or a "
            "ready float tensor with a batch axis."
        )
    shape = array.shape
    if array.ndim == 3 and shape[2] not in (1, 3, 4) and shape[0] in (1, 3, 4):
        raise UsageError(
            f"A picture as an array has its channels last, (H, W, 3); this one is {shape}. Give array.transpose(1, 2, "
            "0)."
        )
    if array.ndim not in (2, 3) or (array.ndim == 3 and shape[2] not in (1, 3, 4)):
        raise UsageError(f"A picture as an array is (H, W, 3), (H, W, 4), (H, W, 1) or (H, W); this one is {shape}.")
    _refuse_tiny(shape[0], shape[1], repr(name))
    grey = array[..., 0] if array.ndim == 3 and shape[2] == 1 else array
    image, notes = _upright_rgb(Image.fromarray(np.ascontiguousarray(grey)), repr(name))
    return Picture(np.asarray(image, dtype=np.uint8).copy(), name, notes)


def _refuse_tiny(height: int, width: int, where: str) -> None:
    if min(height, width) < SHORTEST_SIDE:
        raise InputRefused(
            f"The picture {where} is {width} × {height} pixels; each side needs at least {SHORTEST_SIDE} for a map to "
            "mean anything."
        )


def _limit(given: int | None) -> int:
    if given is not None:
        return given
    said = os.environ.get(PIXEL_LIMIT_VARIABLE, "")
    if said and not said.isdecimal():
        raise UsageError(f"{PIXEL_LIMIT_VARIABLE} is a number of pixels, like 200000000; it is {said!r}.")
    return int(said) if said else PIXEL_LIMIT


def _own_name(source: Any) -> str | None:
    if isinstance(source, str | os.PathLike):
        return Path(source).name
    file = getattr(source, "filename", "") if isinstance(source, Image.Image) else ""
    return Path(str(file)).name if file else None


def _kind(source: Any) -> str:
    shape = getattr(source, "shape", None)
    name = f"{type(source).__module__}.{type(source).__qualname__}"
    return name if shape is None else f"{name} of shape {tuple(shape)}"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:120] or type(error).__name__
