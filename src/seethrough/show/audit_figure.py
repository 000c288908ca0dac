"""The figure of an audit: every candidate's effect with its interval, and beside the proven ones the pair that tells most."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seethrough.findings.audit import Audit, Example
from seethrough.findings.judge import NOT_FOUND, POINTS, PROVEN, SUSPECTED, Finding
from seethrough.show import audit_words as words
from seethrough.show.language import Both
from seethrough.show.lettering import wrap
from seethrough.show.paper import INK, LETTERS_PER_INCH, LINE, QUIET, Paper, spoken

WIDTH, MARGIN, NAMES, ROW = 11.0, 0.45, 4.3, 0.34  # inches
LINE_HEIGHT = 0.17
PAIR, GAP = 1.35, 0.18  # inches
MOST, PAIRS = 16, 3

COLOURS = {PROVEN: "#a4262c", SUSPECTED: "#8a4b00", NOT_FOUND: "#6e6e73"}

SCALE = Both(
    "Percentage points beyond the control; bars: 95 % interval; grey: too small to count as proven.",
    "超出对照的回答变动（百分点）；横线：95% 区间；灰色区域：太小，不算证实。",
)
MORE = Both("{count:count} candidates more are not drawn.", "另有 {count:count} 项未画出。")

said = words.said
"""The sentence for those who can't see the figure."""


def draw(audit: Audit, *, language: str = "en") -> Figure:
    """Draw an audit.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``; English, and said so, where no installed font has Chinese characters.
    """
    language, remark = spoken(language)
    lines = [
        line
        for text in (words.said(audit).in_(language), words.counted(audit).in_(language), remark)
        for line in wrap(text, (WIDTH - 2 * MARGIN) * LETTERS_PER_INCH)
    ]
    shown = audit.findings[:MOST]
    pairs = [(f, e[0]) for f, e in zip(audit.findings, audit.examples) if e and f.verdict == PROVEN][:PAIRS]
    top = 0.95 + LINE_HEIGHT * len(lines)
    rows = max(1, len(shown)) * ROW
    bottom = top + rows + 0.75
    paper = Paper(WIDTH, bottom + (PAIR + 0.7 if pairs else 0) + MARGIN)
    paper.write(MARGIN, 0.35, words.title(audit).in_(language), size=15, weight="bold")
    for k, line in enumerate(lines):
        paper.write(MARGIN, 0.78 + LINE_HEIGHT * k, line)
    if shown:
        _effects(paper, audit, top, rows, language)
    if len(audit.findings) > MOST:
        more = MORE.say(language, count=len(audit.findings) - MOST)
        paper.write(MARGIN, top + rows + 0.2, more, colour=QUIET)
    left = MARGIN
    for finding, example in pairs:
        for k, pixels in enumerate((example.before, example.after)):
            axes = paper.bare(left + k * (PAIR + 0.06), bottom, PAIR, PAIR)
            axes.imshow(pixels, interpolation="lanczos")
        for k, line in enumerate(_caption(audit, finding, example, language)):
            paper.write(left, bottom + PAIR + 0.08 + LINE_HEIGHT * k, line, size=7)
        left += 2 * PAIR + 0.06 + 3 * GAP
    return paper.figure


def _caption(audit: Audit, finding: Finding, example: Example, language: str) -> list[str]:
    text = words.certain(audit, finding, example).in_(language)
    return [words.heading(audit, finding).in_(language)[:60], *wrap(text, (2 * PAIR) * LETTERS_PER_INCH * 8 / 7)][:3]


def _effects(paper: Paper, audit: Audit, top: float, height: float, language: str) -> None:
    """A row a finding: its name, and its effect on one scale."""
    axes = paper.axes(MARGIN + NAMES, top, WIDTH - NAMES - 2 * MARGIN, height)
    shown = audit.findings[:MOST]
    ends = np.array([(f.effect.low, f.effect.high, f.effect.value) for f in shown])
    ends = ends[np.isfinite(ends)]
    axes.set_xlim(min(-2.0, float(ends.min(initial=0)) - 1), max(10.0, float(ends.max(initial=0)) + 2))
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.axvspan(axes.get_xlim()[0], POINTS, color="#f0f0f2", zorder=0)
    axes.axvline(0, color=LINE, linewidth=1)
    for k, finding in enumerate(shown):
        colour, effect = COLOURS[finding.verdict], finding.effect
        if np.isfinite([effect.low, effect.high]).all():
            axes.plot([effect.low, effect.high], [k, k], color=colour, linewidth=3, solid_capstyle="round", alpha=0.5)
        if np.isfinite(effect.value):
            axes.plot([effect.value], [k], "o", color=colour, markersize=6)
        name = f"{k + 1}  {words.heading(audit, finding).in_(language)}"
        paper.write(
            MARGIN, top + (k + 0.5) * ROW - 0.07, name[:64], colour=INK if finding.verdict != NOT_FOUND else QUIET
        )
    _plain(axes)
    for k, line in enumerate(wrap(SCALE.in_(language), (WIDTH - NAMES - 2 * MARGIN) * LETTERS_PER_INCH * 8 / 7)):
        paper.write(MARGIN + NAMES, top + height + 0.3 + LINE_HEIGHT * k, line, size=7, colour=QUIET)


def _plain(axes: Axes) -> None:
    axes.set_yticks([])
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(axis="x", labelsize=7, colors=QUIET)
