"""``maps``: a map of each picture of a folder, written one after the other."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seethrough.cli.counting import counting, say_passed
from seethrough.cli.opening import Words, open_to_ask
from seethrough.cli.options import target
from seethrough.cli.predicting import say_notes
from seethrough.cli.terminal import one_line, say, say_json
from seethrough.errors import EnvironmentLacks, UsageError

if TYPE_CHECKING:
    from seethrough.explanation.many import ManyMaps, OneMap

LIST, PICTURES = "maps.csv", "pictures"
"""In the folder of the results: a line for each picture; the maps laid over them."""

SAID = {
    "en": "{method}: {count} maps in {folder}",
    "zh": "{method}：{count} 张热图，在 {folder} 中",
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of each picture; as typed."""

    method: str
    target: str | None
    layer: str | None
    probabilities: bool
    settings: Sequence[str]
    pictures: bool
    batch: int | None


def maps(words: Words, images: str, asked: Question, *, out: str, language: str, as_json: bool) -> int:
    """Make the maps, write the list and the pictures, print where they are.

    Returns
    -------
    int
        1 where some pictures could not be read, else 0.
    """
    from seethrough.attribution import method_named
    from seethrough.cli.settings import settings
    from seethrough.show.language import known_language

    known_language(language)
    folder = _folder(out)
    method = method_named(asked.method)
    given = settings(asked.settings, {}, [method], seed=words.seed)
    from seethrough.explanation.many import maps as make

    net = open_to_ask(words)
    with counting("maps") as step:
        found = make(
            net,
            images,
            method.name,
            None if asked.target is None else target(asked.target),
            layer=asked.layer,
            probabilities=asked.probabilities,
            folder=folder,
            batch=asked.batch,
            progress=step,
            **given,
        )
    listed = _written(found, folder, asked.pictures)
    if as_json:
        say_json({"folder": str(folder), **_record(found, listed)})
    else:
        from seethrough.show.vocabulary import METHODS

        name = METHODS[found.method].name.in_(language)
        say(one_line(SAID[language].format(method=name, count=f"{len(found):,}", folder=folder)))
        say_notes(found.notes, language)
    return say_passed(found.passed)


def _folder(said: str) -> Path:
    folder = Path(said)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{said!r} is a file; name a folder for the maps.")
    if not folder.parent.is_dir():
        raise EnvironmentLacks(
            f"There is no folder {folder.parent} to make {folder.name} in; make it, or name another."
        )
    return folder


def _written(found: ManyMaps, folder: Path, pictures: bool) -> list[dict[str, Any]]:
    """Write a picture for each map, where asked, and the list of all; the list as records."""
    from seethrough.writing import write_whole

    rows: list[dict[str, Any]] = []
    with counting("pictures") as step:
        for one in found:
            file = folder / PICTURES / f"{one.name}.png" if pictures else None
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                write_whole(file, _laid_over(found, one))
            row: dict[str, Any] = {"image": one.name, "target": one.target.label, "score": one.score}
            rows.append(row if file is None else {**row, "picture": str(file.relative_to(folder))})
            if step is not None:
                step(len(rows), len(found))
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]) if rows else ["image"], lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_whole(folder / LIST, text.getvalue().encode())
    return rows


def _laid_over(found: ManyMaps, one: OneMap) -> bytes:
    """The map over its picture, as PNG."""
    from PIL import Image

    from seethrough.show.colour import overlay, scale_of

    pixels, heat, seen = found.images.picture(one.item).pixels, one.map, one.seen
    drawn = overlay(pixels, heat, seen, scale_of(heat, signed=found.signed, seen=seen)) if heat[seen].any() else pixels
    content = io.BytesIO()
    Image.fromarray(drawn).save(content, "PNG", compress_level=1)
    return content.getvalue()


def _record(found: ManyMaps, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "method": found.method,
        "maps": rows,
        "passed": [{"image": p.name, "reason": p.reason} for p in found.passed],
        "notes": [{"name": n.name, "level": n.level, "numbers": dict(n.numbers)} for n in found.notes],
        "provenance": dict(found.provenance),
    }


__all__ = ["Question", "maps"]
