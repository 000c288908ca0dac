"""The arithmetic between pixels and what a network was trained on: the four that people use, raw pixels, and one's
own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from seethrough.errors import UsageError, nearest

CHANNEL_ORDERS = ("RGB", "BGR", "L")
FITS = ("crop", "stretch", "pad", "whole")
INTERPOLATIONS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
ROUNDINGS = ("nearest", "torchvision", "huggingface")


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """From a picture's pixels to what the network wants: fit to its size, then ``(pixel · scale − mean) / std`` a
    channel.

    Attributes
    ----------
    name
        What people call it: ``"caffe"``, ``"tf"``, ``"torch"``, ``"unit"``, ``"raw"``, ``"custom"``.
    scale, mean, std
        Applied to pixels 0…255 as float32, after the channels are in the network's order. ``mean`` and ``std`` have one
        number, or one a channel.
    channels
        ``"RGB"``, ``"BGR"`` or ``"L"`` (grey, one channel).
    fit
        ``"crop"``: shorter side to ``resize_to`` (by default size · 8/7), then the centre; ``"stretch"``: both sides to
        ``resize_to`` (by default the size), then the centre; ``"pad"``: longer side to ``resize_to`` (by default the
        size), then the centre, what isn't there filled with the mean; ``"whole"``: shorter side to ``resize_to`` (by
        default the size), nothing is cut off, so that the input is as oblong as the picture.
    resize_to
        Length in pixels before the centre is cut out, or (height, width), or None for the default.
    interpolation
        ``"nearest"``, ``"box"``, ``"bilinear"``, ``"hamming"``, ``"bicubic"`` or ``"lanczos"``, each with antialiasing.
    rounding
        What becomes of parts of pixels. ``"nearest"``: the longer side is rounded, and of unequal margins the smaller one
        is above and left. ``"torchvision"`` (and timm): the longer side is cut to whole pixels, and half of what is cut
        off rounded to an even number. ``"huggingface"``: cut to whole pixels, and the smaller margin above and left.
    assumed
        True where nobody said so and it was guessed; a result then says it.

    Raises
    ------
    UsageError
        A name of channels, fit or interpolation that isn't one of those above, a number of means that isn't one or one a channel, a
        ``std`` or ``scale`` of zero.
    """

    name: str = "raw"
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    channels: str = "RGB"
    fit: str = "crop"
    resize_to: int | tuple[int, int] | None = None
    interpolation: str = "bilinear"
    rounding: str = "nearest"
    assumed: bool = False

    def __post_init__(self) -> None:
        if self.channels not in CHANNEL_ORDERS:
            raise UsageError(
                f"The channels of a preprocessing are one of {', '.join(CHANNEL_ORDERS)}, not {self.channels!r}."
            )
        if self.fit not in FITS:
            raise UsageError(f"A picture is fitted by one of {', '.join(FITS)}, not {self.fit!r}.")
        if self.interpolation not in INTERPOLATIONS:
            raise UsageError(f"A picture is resized by one of {', '.join(INTERPOLATIONS)}, not {self.interpolation!r}.")
        if self.rounding not in ROUNDINGS:
            raise UsageError(f"The rounding of a picture is one of {', '.join(ROUNDINGS)}, not {self.rounding!r}.")
        if not {len(self.mean), len(self.std)} <= {1, len(self.channels)}:
            raise UsageError(
                f"A preprocessing of {self.channels} has 1 or {len(self.channels)} means and standard deviations, not "
                f"{len(self.mean)} and {len(self.std)}."
            )
        if self.scale == 0 or 0 in self.std:
            raise UsageError("The scale and the standard deviations of a preprocessing can't be 0.")

    @property
    def interval(self) -> tuple[float, float]:
        """The smallest and the largest number that any picture can become."""
        pairs = len(self.mean) == len(self.std) == len(self.channels)
        each = list(zip(self.mean, self.std)) if pairs else [(m, s) for m in self.mean for s in self.std]
        ends = [(value * self.scale - mean) / std for mean, std in each for value in (0.0, 255.0)]
        return min(ends), max(ends)

    def in_words(self) -> str | dict[str, Any]:
        """What `preprocessing_named` makes this of again: a usual name, or a mapping of what is different from it."""
        usual = USUAL.get(self.name, Preprocessing("custom"))
        other = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in ("name", "assumed") and getattr(self, field.name) != getattr(usual, field.name)
        }
        return {"name": self.name, **other} if other or self.name not in USUAL else self.name


USUAL: Mapping[str, Preprocessing] = {
    "caffe": Preprocessing("caffe", mean=(103.939, 116.779, 123.68), channels="BGR"),
    "tf": Preprocessing("tf", scale=1 / 127.5, mean=(1.0,)),
    "torch": Preprocessing("torch", scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
    "unit": Preprocessing("unit", scale=1 / 255),
    "raw": Preprocessing("raw"),
}
"""By name: caffe (BGR less the mean), tf (−1…1), torch (mean and deviation of ImageNet), unit (0…1), and raw (0…255 for
networks that do it inside).
"""

DESCRIBED = (
    "caffe (BGR, mean subtracted), tf (-1…1), torch (ImageNet's mean and deviation), unit (0…1); "
    "or raw (0…255) where the network does it inside"
)


def preprocessing_named(said: str | Mapping[str, Any] | Preprocessing) -> Preprocessing:
    """What a person said about preprocessing, as one.

    Parameters
    ----------
    said
        A name of `USUAL`; or a mapping with the fields of `Preprocessing`, where a usual ``name`` gives the fields that
        aren't there: ``{"name": "tf", "fit": "stretch"}``; or a `Preprocessing`.
    """
    if isinstance(said, Preprocessing):
        return said
    if isinstance(said, str):
        if said not in USUAL:
            raise UsageError(f"There is no preprocessing {said!r}; the usual ones are {DESCRIBED}.")
        return USUAL[said]
    if not isinstance(said, Mapping):
        raise UsageError(
            f"A preprocessing is a name ({', '.join(USUAL)}) or a mapping such as {{'name': 'tf', 'fit': 'stretch'}}, "
            f"not {type(said).__name__}."
        )
    return _from_mapping(said)


def usual_name(preprocessing: Preprocessing) -> str:
    """What people call its arithmetic: a name of `USUAL`, or ``"custom"``; how it fits a picture plays no part."""

    def arithmetic(one: Preprocessing) -> tuple[Any, ...]:
        black, white = (
            tuple(round((pixel * one.scale - mean) / std, 5) for mean, std in zip(_wide(one.mean), _wide(one.std)))
            for pixel in (0, 255)
        )
        return one.channels, black, white

    return next((name for name, usual in USUAL.items() if arithmetic(usual) == arithmetic(preprocessing)), "custom")


def _wide(numbers: tuple[float, ...]) -> tuple[float, ...]:
    """One number, or one a channel, as three."""
    return numbers * 3 if len(numbers) == 1 else numbers


def _from_mapping(said: Mapping[str, Any]) -> Preprocessing:
    known = [field.name for field in fields(Preprocessing)]
    for key in said:
        if key not in known:
            raise UsageError(f"A preprocessing has no {key!r}; it has {', '.join(known)}.{nearest(str(key), known)}")
    given = {key: tuple(map(float, _listed(value))) if key in ("mean", "std") else value for key, value in said.items()}
    if isinstance(given.get("resize_to"), list):
        given["resize_to"] = tuple(given["resize_to"])
    usual = USUAL.get(str(given.get("name", "")), Preprocessing("custom"))
    arithmetic = {"scale", "mean", "std", "channels"} & set(given)
    name = "custom" if arithmetic else usual.name
    return replace(usual, **{**given, "name": name})


def _listed(value: Any) -> list[float]:
    return [value] if isinstance(value, int | float) else list(value)
