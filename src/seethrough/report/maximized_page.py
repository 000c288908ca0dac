"""Maximized pictures as files: the page, the film of the way there, the arrays, the numbers."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping

import numpy as np
from PIL import Image

from seethrough.errors import UsageError
from seethrough.features.maximized import Maximized
from seethrough.report.blocks import Cell, Drawing, Notes, Paragraph, Section, Table
from seethrough.report.files import Writer, png, svg
from seethrough.report.page import Page
from seethrough.report.records import json_bytes
from seethrough.show import maximized_words as words
from seethrough.show.language import plain
from seethrough.show.maximized_figure import composed, draw
from seethrough.show.tiles import fitting, sheet

RESOLUTION = 150
"""Dots per inch of the figure on the page."""

FILM_SIDE, FILM_WIDEST = 160, 1280
"""Pixels a side that a picture of the film has about, and of the film at most."""

FRAME, LAST_FRAME = 90, 1800
"""Milliseconds that a frame of the film is shown, and the last."""

STRIPS, STRIP_FRAMES, STRIP_SIDE = 4, 8, 112
"""Pictures whose way is on the page, moments of each, and pixels a side."""


def maximized_page(result: Maximized, language: str = "en") -> Page:
    """The sheet, what it means, the way there and the numbers, as a page that stands alone."""
    figure = io.BytesIO()
    draw(result, language=language, told=False).savefig(figure, format="png", dpi=RESOLUTION)
    sections = [
        Section("", (Paragraph(words.said(result), lead=True),)),
        Section("", (Drawing(figure.getvalue(), words.said(result)), Paragraph(words.READ_IT))),
        Section(words.NUMBERS, (_numbers(result), Notes(result.notes))),
    ]
    if len(result.snapshots) > 1:
        sections.insert(2, _way_there(result))
    return Page(
        title=words.title(result),
        sections=tuple(sections),
        eyebrow=words.EYEBROW,
        language=language,
        provenance={**result.provenance, "settings": dict(result.settings)},
    )


def _numbers(result: Maximized) -> Table:
    real = result.best_real is not None
    named = real and bool(result.best_names)
    columns = (words.PICTURE, words.REACHED, words.STRONGEST, *([words.BEST] * real), *([words.BEST_NAME] * named))
    rows: list[tuple[Cell, ...]] = []
    for k in range(len(result)):
        row: list[Cell] = [
            words.short_name(result, k),
            float(result.reached[k]),
            words.number(float(result.strongest[k])),
        ]
        if result.best_real is not None:
            row.append(float(result.best_real[k]))
        if named:
            row.append(plain(result.best_names[k]))
        rows.append(tuple(row))
    return Table(columns, tuple(rows))


def _way_there(result: Maximized) -> Section:
    """A row for each of some pictures: moments of its way, evenly chosen of those kept."""
    at = np.unique(np.linspace(0, len(result.snapshots) - 1, STRIP_FRAMES).round().astype(int))
    shown = result.snapshots[at][:, :STRIPS]
    enlarge = fitting(shown.shape[2], shown.shape[3], STRIP_SIDE)
    tiles = shown.transpose(1, 0, 2, 3, 4).reshape(-1, *shown.shape[2:])
    small = np.stack([np.asarray(_resized(t, STRIP_SIDE * 2)) for t in tiles]) if enlarge == 1 else tiles
    steps = ", ".join(str(result.snapshot_steps[i]) for i in at)
    caption = words.AFTER.fill(steps=steps)
    return Section(
        words.WAY_THERE, (Drawing(_png(sheet(small, len(at), enlarge=enlarge)), caption), Paragraph(caption))
    )


def _resized(pixels: np.ndarray, side: int) -> Image.Image:
    """A picture, made smaller where it is larger than a side."""
    picture = Image.fromarray(pixels)
    scale = side / max(picture.size)
    if scale >= 1:
        return picture
    return picture.resize([max(1, round(n * scale)) for n in picture.size], Image.Resampling.LANCZOS)


def _png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG", optimize=True)
    return out.getvalue()


def film(result: Maximized, language: str = "en") -> bytes:
    """The way there as an animated GIF: all pictures side by side, under one palette of 256 colours taken from the whole film, so
    that colours don't flicker.

    Raises
    ------
    UsageError
        Where no pictures of the way were kept.
    """
    if len(result.snapshots) < 2:
        raise UsageError("No pictures of the way there were kept; make it with snapshots=24, or of fewer units.")
    frames = [Image.fromarray(_frame(result, pictures)) for pictures in [*result.snapshots[:-1], composed(result)]]
    palette = _palette(frames)
    drawn = [frame.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG) for frame in frames]
    out = io.BytesIO()
    durations = [FRAME] * (len(drawn) - 1) + [LAST_FRAME]
    drawn[0].save(out, format="GIF", save_all=True, append_images=drawn[1:], duration=durations, loop=0, optimize=False)
    return out.getvalue()


def _frame(result: Maximized, pictures: np.ndarray) -> np.ndarray:
    columns = math.ceil(math.sqrt(len(pictures)))
    height, width = pictures.shape[1:3]
    side = min(max(FILM_SIDE, height, width), FILM_WIDEST // columns)
    enlarge = fitting(height, width, side)
    small = np.stack([np.asarray(_resized(p, side)) for p in pictures])
    return sheet(small, columns, enlarge=enlarge)


def _palette(frames: list[Image.Image]) -> Image.Image:
    """256 colours of the film: late frames, which hold the colours that count, weigh more than the grey of its beginning."""
    chosen = [frames[-1], *frames[len(frames) // 3 :: max(1, len(frames) // 6)]]
    width, height = chosen[0].size
    strip = Image.new("RGB", (width, height * len(chosen)))
    for k, frame in enumerate(chosen):
        strip.paste(frame, (0, k * height))
    return strip.quantize(256, method=Image.Quantize.MEDIANCUT)


def as_npz(result: Maximized) -> bytes:
    """Every array by its name, compressed, and ``about``, the record of ``to_dict`` as text; nothing is pickled."""
    arrays = {
        name: getattr(result, name)
        for name in ("pictures", "inputs", "reached", "strongest", "trajectory", "opacity", "snapshots")
    }
    arrays |= {"names": np.array(result.names), "snapshot_steps": np.array(result.snapshot_steps, np.int64)}
    if result.best_real is not None:
        arrays["best_real"] = result.best_real
    if result.started is not None:
        arrays["started"] = result.started
    out = io.BytesIO()
    about = np.array(json_bytes(result.to_dict()).decode("utf-8"))
    np.savez_compressed(out, allow_pickle=False, about=about, **arrays)
    return out.getvalue()


WRITERS: Mapping[str, Writer] = {
    ".html": lambda result, language: maximized_page(result, language).html().encode("utf-8"),
    ".png": png,
    ".svg": svg,
    ".gif": film,
    ".npz": lambda result, language: as_npz(result),
    ".json": lambda result, language: json_bytes(result.to_dict()),
}
"""How a `Maximized` is written."""
