"""The figure of memory use: what the peak is made of, how memory rises and falls over a step, which layers take it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from seethrough.anatomy.figures import size_in_words
from seethrough.anatomy.memory import MemoryUse
from seethrough.anatomy.memory_table import grouped
from seethrough.show.language import plain
from seethrough.show.lettering import families, wrap
from seethrough.show.memory_words import AT_PEAK, BY_LAYER, HERE, ITSELF, OVER_TIME, PARTS, PHASES, asked, said, title
from seethrough.show.paper import INK, LETTERS_PER_INCH, LINE, QUIET, Paper, spoken

COLOURS = {
    "parameters": "#3a6ea5",
    "buffers": "#7fa3c7",
    "gradients": "#c8663b",
    "optimizer": "#8a5a9e",
    "input": "#8e8e93",
    "activations": "#3f9b84",
    "other": "#3f9b84",
}
WIDTH, MARGIN, NAMES = 9.6, 0.5, 2.6  # inches; NAMES: for the layers' names
MOST_BARS = 32
ROW = 0.2  # inches, of a layer's bar


def draw(use: MemoryUse, *, language: str = "en") -> Figure:
    """Draw what training or running a network takes.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``; English, and said so, where no installed font has Chinese characters.
    """
    return _Sheet(use, *spoken(language)).draw()


class _Sheet:
    """The figure in the making; places are inches from the upper left corner."""

    def __init__(self, use: MemoryUse, language: str, remark: str) -> None:
        self.use, self.language = use, language
        self.rows = grouped(use.by_layer, MOST_BARS)
        told = [asked(use).in_(language), said(use).in_(language), *([remark] if remark else [])]
        self.told = [line for text in told for line in wrap(text, (WIDTH - 2 * MARGIN) * LETTERS_PER_INCH)]
        self.peak_top = 0.85 + 0.16 * len(self.told) + 0.3
        self.time_top = self.peak_top + 1.3
        self.layers_top = self.time_top + 2.6
        self.height = self.layers_top + ROW * len(self.rows) + 0.75
        self.paper = Paper(WIDTH, self.height)

    def draw(self) -> Figure:
        self.paper.write(MARGIN, 0.35, title(self.use).in_(self.language), size=15, weight="bold")
        for i, line in enumerate(self.told):
            self.paper.write(MARGIN, 0.78 + 0.16 * i, line, colour=QUIET if i == 0 else INK)
        self._peak()
        self._time()
        self._layers()
        return self.paper.figure

    def _peak(self) -> None:
        """One bar: what the peak is made of."""
        self._heading(self.peak_top, AT_PEAK.in_(self.language))
        axes = self._axes(MARGIN, self.peak_top + 0.05, WIDTH - 2 * MARGIN, 0.3)
        axes.set_axis_off()
        axes.set_xlim(0, self.use.peak)
        start, sizes = 0, {role: size for role in PARTS if (size := self.use.at_peak.get(role, 0))}
        for role, size in sizes.items():
            axes.barh(0, size, left=start, color=COLOURS[role], height=1, edgecolor="white", linewidth=0.8)
            start += size
        self._keys(MARGIN, self.peak_top + 0.45, {role: size_in_words(size) for role, size in sizes.items()})

    def _keys(self, left: float, top: float, roles: Mapping[str, str]) -> None:
        """Patches of colour and what they stand for, on as many lines as they need."""
        at = left
        for role, size in roles.items():
            words = f"{PARTS[role].in_(self.language)} {size}".strip()
            wide = 0.36 + sum(1.8 if ord(c) > 0x2E80 else 1 for c in words) / LETTERS_PER_INCH
            if at > left and at + wide > WIDTH - MARGIN:
                at, top = left, top + 0.18
            self.paper.write(at, top, "■", colour=COLOURS[role])
            self.paper.write(at + 0.16, top, words)
            at += wide

    def _time(self) -> None:
        """What is held after each operation, with the phases and the peak."""
        self._heading(self.time_top, OVER_TIME.in_(self.language))
        moments = self.use.moments
        axes = self._axes(MARGIN + 0.55, self.time_top + 0.25, WIDTH - 2 * MARGIN - 0.55, 1.6)
        held = np.array([m.bytes for m in moments], float)
        axes.fill_between(
            np.arange(len(held)), held, step="post", color=COLOURS["activations"], alpha=0.25, linewidth=0
        )
        axes.plot(held, drawstyle="steps-post", color=COLOURS["activations"], linewidth=1)
        axes.set_xlim(0, len(held) - 1 or 1)
        axes.set_ylim(0, self.use.peak * 1.15)
        self._sizes(axes.yaxis, self.use.peak)
        at = int(held.argmax())
        layer = plain(self.use.peak_layer, longest=48) or ITSELF.in_(self.language)
        axes.plot([at], [held[at]], "o", color=INK, markersize=4)
        right = at > len(held) / 2
        axes.annotate(
            HERE.say(self.language, size=size_in_words(self.use.peak), layer=layer), (at, held[at]), (0, 6),
            textcoords="offset points", ha="right" if right else "left", fontsize=8, family=families(),
            parse_math=False,
        )  # fmt: skip
        self._phases(axes)

    def _phases(self, axes: Axes) -> None:
        """Names of the phases under their stretches; short ones between others (a segment computed again) have none."""
        phases = ["backward" if m.phase == "recomputation" else m.phase for m in self.use.moments]
        ends: list[tuple[float, str]] = []
        start = 0
        for phase, group in groupby(phases):
            stop = start + len(list(group))
            ends.append(((start + stop) / 2, PHASES[phase].in_(self.language)))
            if start:
                axes.axvline(start, color=LINE, linewidth=0.8)
            start = stop
        axes.set_xticks([x for x, _ in ends], [name for _, name in ends], fontsize=8, family=families())
        axes.tick_params(axis="x", length=0)

    def _layers(self) -> None:
        """A bar for each layer, or group of neighbours, in the network's order."""
        self._heading(self.layers_top, BY_LAYER.in_(self.language))
        roles = [
            r for r in ("parameters", "gradients", "optimizer", "activations") if any(getattr(w, r) for w in self.rows)
        ]
        self._keys(MARGIN + NAMES, self.layers_top - 0.17, dict.fromkeys(roles, ""))
        height = ROW * len(self.rows)
        axes = self._axes(MARGIN + NAMES, self.layers_top + 0.05, WIDTH - 2 * MARGIN - NAMES - 0.75, height)
        places = np.arange(len(self.rows))
        start = np.zeros(len(self.rows))
        for role in roles:
            sizes = np.array([getattr(row, role) for row in self.rows], float)
            axes.barh(places, sizes, left=start, height=0.72, color=COLOURS[role], linewidth=0)
            start += sizes
        axes.set_ylim(len(self.rows) - 0.5, -0.5)
        largest = max(start.max(initial=0), 1)
        axes.set_xlim(0, largest)
        names = [_named(row.path, self.language) for row in self.rows]
        axes.set_yticks(places, names, fontsize=7.5, family=families(), parse_math=False)
        axes.tick_params(axis="y", length=0)
        self._sizes(axes.xaxis, largest)
        for place, total in zip(places, start):
            axes.annotate(
                size_in_words(int(total)), (total, place), (3, 0), textcoords="offset points", va="center", fontsize=7,
                color=QUIET, annotation_clip=False,
            )  # fmt: skip

    def _sizes(self, axis: Axis, largest: float) -> None:
        """Round numbers of bytes on an axis."""
        ticks = _round_sizes(largest)
        axis.set_ticks(ticks, [size_in_words(int(t)) if t else "0" for t in ticks], fontsize=7, color=QUIET)

    def _axes(self, left: float, top: float, width: float, height: float) -> Axes:
        axes = self.paper.axes(left, top, width, height)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(LINE)
        axes.tick_params(color=LINE)
        return axes

    def _heading(self, top: float, text: str) -> None:
        self.paper.write(MARGIN, top - 0.2, text, size=10, weight="bold")


def _named(path: str, language: str) -> str:
    return plain(path, longest=38) or ITSELF.in_(language)


def _round_sizes(largest: float) -> Sequence[float]:
    """From 0 to ``largest`` in three to six round steps."""
    rough = largest / 4
    unit = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    step = next(unit * n for n in (1, 2, 5, 10) if unit * n >= rough)
    return [step * i for i in range(int(largest / step) + 1)]
