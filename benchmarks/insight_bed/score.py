"""Score: what an audit says of a network of the bed, beside what is so. Nothing else here sees both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from insight_bed.beds import Box, Places

ANY = ""
PLACE = "where it lies"

RIGHT: Mapping[str, tuple[tuple[str, str], ...]] = {
    "background": (("background", ANY),),
    "mark": (("region", PLACE),),
    "hue": (("look", "hue"),),
    "overlay": (("detail", ANY), ("spectrum", ANY)),
    "blur": (("detail", ANY), ("spectrum", ANY)),
    "object": (("thing", ANY),),
    "watermark": (("region", PLACE),),
    "tint": (("look", "hue"),),
    "softness": (("detail", ANY), ("spectrum", ANY)),
    "companion": (("thing", ANY),),
    "frame": (("region", "border"),),
    "vignette": (("look", "vignette"),),
    "grain": (("detail", ANY), ("spectrum", ANY)),
    "caption": (("region", PLACE),),
    "position": (("layout", "position"),),
    "size": (("layout", "size"),),
    "brightness": (("look", "brightness"),),
    "blocks": (("detail", ANY), ("spectrum", ANY)),
    "shade": (("background", ANY), ("thing", ANY)),
    "stamp": (("region", PLACE),),
    "cast": (("look", "hue"),),
    "neighbour": (("thing", ANY),),
    "letterbox": (("region", "border"), ("region", PLACE)),
    "eyepiece": (("region", "border"), ("region", PLACE), ("look", "vignette")),
    "ruler": (("region", PLACE),),
    "arrow": (("thing", ANY),),
    "fading": (("look", "saturation"),),
    "haze": (("look", "contrast"), ("look", "saturation")),
    "halftone": (("detail", ANY), ("spectrum", ANY)),
    "sidelight": (("background", ANY),),
    "fence": (("background", ANY),),
    "plate": (("background", ANY), ("thing", ANY)),
    "bokeh": (("background", ANY), ("detail", ANY), ("spectrum", ANY)),
    "logo": (("region", PLACE),),
    "balance": (("look", "hue"),),
    "toy": (("thing", ANY),),
    "static": (("detail", ANY), ("spectrum", ANY)),
    "litter": (("background", ANY), ("thing", ANY)),
    "horizon": (("background", ANY),),
    "hand": (("thing", ANY),),
    "tag": (("thing", ANY),),
    "sticker": (("region", PLACE), ("region", "corners"), ("thing", ANY)),
    "gutter": (("region", "border"), ("region", PLACE), ("look", "light from the side")),
    "flare": (("background", ANY), ("thing", ANY)),
    "rain": (("background", ANY), ("detail", ANY), ("spectrum", ANY)),
    "scratches": (("detail", ANY), ("spectrum", ANY)),
    "motion": (("detail", ANY), ("spectrum", ANY)),
    "interlacing": (("detail", ANY), ("spectrum", ANY)),
    "sharpened": (("detail", ANY), ("spectrum", ANY)),
    "exposure": (("look", "brightness"), ("look", "contrast")),
    "dusk": (("look", "brightness"), ("look", "hue")),
    "recorder": (("region", PLACE),),
    "toning": (("look", "hue"),),
    "vessel": (("thing", ANY),),
    "defocus": (("detail", ANY), ("spectrum", ANY)),
    "leash": (("thing", ANY),),
    "onlooker": (("thing", ANY), ("background", ANY)),
    "photographer": (("background", ANY), ("thing", ANY), ("region", PLACE)),
    "curtain": (("region", "border"), ("region", PLACE), ("background", ANY)),
    "ruled": (("background", ANY), ("detail", ANY), ("spectrum", ANY)),
    "snow": (("background", ANY),),
    "foliage": (("region", PLACE), ("background", ANY), ("thing", ANY)),
    "reflection": (("background", ANY), ("thing", ANY)),
    "flash": (("background", ANY), ("thing", ANY)),
    "dapple": (("background", ANY), ("detail", ANY), ("spectrum", ANY), ("look", "contrast")),
    "tilt": (("background", ANY),),
    "fold": (("region", PLACE),),
    "smear": (("region", PLACE),),
    "monochrome": (("look", "saturation"), ("look", "hue")),
    "moire": (("detail", ANY), ("spectrum", ANY)),
    "posterised": (("detail", ANY), ("spectrum", ANY)),
}
"""What a shortcut may be called: kinds and names of aspects. Of the third generator: bars and a round field lie at the edge, the field
is dark corners too; an arrow is a thing; a veil takes contrast and colours alike; light from one side has no name of its own and
is told by the scene that it falls on; a fence is of the scene; what the thing lies on is both; of a scene out of focus the scene or its
detail may be told. Of the fourth: leaves about the floor are things and what the scene is strewn with; a hand and a tag are things,
at no place of the picture, though they touch the thing; a sticker is a thing and lies in corners; the dark along a book's fold is an
edge and light that falls off to that side; a lamp is a thing of the scene, without an outline; weather is the scene's, and strokes
or flakes all over; what is burnt or sunk is lighter or darker and steeper; dusk is
darker and bluer. Of the fifth: a leash is a thing, though one end touches the thing; who stands behind is a thing and of the scene;
a shadow that falls in from the foot, a mirrored thing and a hard shadow are shapes on the scene, the first always somewhere along the
foot; a curtain is at an edge and of the room; ruled lines are behind everything, and strokes all over; plants in front are at the foot, things,
and of the scene; light in patches falls on the scene, is a pattern all over, and is steeper than even light; of a tilted camera it's
the scene that shows it; a fold and a mark of the lens lie where they always lie; what is black-and-white or brown has lost its colours,
and what hues it had.
"""

COVERED, LARGEST = 0.5, 0.25
"""A region is where something lies when it covers so much of it, and of the picture no more than that, or than four times
the thing's own box.
"""

Found = Mapping[str, Any]
"""A finding of an audit's record."""


def right(kind: str, finding: Found, place: Places) -> bool:
    """Whether a finding calls a shortcut by a right name."""
    aspect = finding["aspect"]
    for wanted, name in RIGHT[kind]:
        if aspect["kind"] != wanted and not (wanted == "layout" and aspect.get("name") == name):
            continue
        if name in (ANY, aspect.get("name")) or (name == PLACE and _there(aspect["box"], place)):
            return True
    return False


def _there(box: Sequence[float], place: Places) -> bool:
    """Whether a box is where something always lies, or at one of its places."""
    if place is None or box[0] > box[1]:  # a border
        return False
    places = cast(tuple[Box, ...], place if isinstance(place[0], tuple) else (place,))
    return any(_on(box, one) for one in places)


def _on(box: Sequence[float], place: Box) -> bool:
    height = min(box[1], place[1]) - max(box[0], place[0])
    width = min(box[3], place[3]) - max(box[2], place[2])
    own = (place[1] - place[0]) * (place[3] - place[2])
    area = (box[1] - box[0]) * (box[3] - box[2])
    return height > 0 and width > 0 and height * width >= COVERED * own and area <= max(LARGEST, 4 * own)


def scored(kind: str, record: Mapping[str, Any], place: Places) -> dict[str, Any]:
    """Of an audit's record: whether anything is proven, the shortcut itself, whether the headline calls it by its name, and whether
    its card tells of it.
    """
    proven = [f for f in record["findings"] if f["verdict"] == "proven"]
    headline = _headline(record, proven)
    return {
        "any": bool(proven),
        "proven": any(right(kind, f, place) for f in proven),
        "named": headline is not None and right(kind, headline, place),
        "told": any(right(kind, f, place) for f in _first(record, headline)),
        "suspected": any(right(kind, f, place) for f in record["findings"] if f["verdict"] == "suspected"),
        "headline": None if headline is None else called(headline),
        "findings": [brief(f) for f in record["findings"]],
    }


def _headline(record: Mapping[str, Any], proven: Sequence[Found]) -> Found | None:
    """What is said first: of proven findings that are one shortcut, what it is called by."""
    mains = [record["findings"][group["main"] - 1] for group in record.get("groups", ())]
    return next((f for f in mains if f["verdict"] == "proven"), proven[0] if proven else None)


def _first(record: Mapping[str, Any], headline: Found | None) -> list[Found]:
    """The findings on the headline's card, of those that are proven."""
    if headline is None:
        return []
    number = record["findings"].index(headline) + 1
    group = next((g for g in record.get("groups", ()) if g["main"] == number), {"parts": []})
    parts = [record["findings"][part["finding"] - 1] for part in group["parts"]]
    return [headline, *(f for f in parts if f["verdict"] == "proven")]


def called(finding: Found) -> str:
    """Kind and name."""
    aspect = finding["aspect"]
    return f"{aspect['kind']} {aspect.get('name', '')}".strip()


def brief(finding: Found) -> dict[str, Any]:
    """What of a finding goes into the bed's file."""
    effect = finding["effect"]
    return {
        "called": called(finding),
        "answer": finding["answer"],
        "verdict": finding["verdict"],
        "effect": round(effect["value"], 2),
        "low": round(effect["low"], 2),
        "n": effect["n"],
        "corrected": finding["corrected"],
        "ways": list(finding["ways"]),
        **({"box": finding["aspect"]["box"]} if "box" in finding["aspect"] else {}),
    }
