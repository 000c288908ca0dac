"""How the page of a summary with ten thousand layers opens and scrolls in a browser; needs Chromium.

python benchmarks/tree.py
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "report"))

from chromium_pipe import CHROMIUM, Browser

from seethrough.anatomy.connections import Connection
from seethrough.anatomy.rows import Count, Row
from seethrough.anatomy.summary import Summary

LAYERS = 10_000
FRAMES = """new Promise(done => {
  const box = document.querySelector('.scroller'), gaps = [];
  let last = performance.now(), at = 0;
  const step = now => {
    gaps.push(now - last); last = now;
    box.scrollTop = (at += 1750);
    at < 10000 * 28 ? requestAnimationFrame(step) : done(gaps.slice(2));
  };
  requestAnimationFrame(step);
})"""


def deep() -> Summary:
    """Layers that all differ, so that nothing folds, and a shortcut around every other one."""
    rows = tuple(
        Row(f"layer_{i}", f"layer_{i}", "Conv2d", Count(i + 1, i + 1), outputs=((8, 8, 8),), macs=i, likeness=i)
        for i in range(LAYERS)
    )
    around = tuple(Connection(f"layer_{i}", f"layer_{i + 2}", "add") for i in range(0, LAYERS - 2, 2))
    return Summary("deep", "Sequential", "torch", "channels_first", "live", rows, Count(), {}, connections=around)


def main() -> None:
    if CHROMIUM is None:
        print("no Chromium is installed")
        return
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        page = deep().save(Path(folder) / "deep.html")
        start = time.perf_counter()
        browser.open(page)
        browser.wait("document.documentElement?.dataset.ready === 'yes'")
        opened = time.perf_counter() - start
        gaps = sorted(browser.js(FRAMES))
        rows = browser.js("document.querySelectorAll('.space .row').length")
    print(f"{LAYERS:,} layers: {in_words(gaps, opened)}, {rows} rows in the document")


def in_words(gaps: list[float], opened: float) -> str:
    late = gaps[int(0.95 * len(gaps))]
    return f"{opened:.2f} s to open, a frame every {statistics.median(gaps):.0f} ms while scrolling, 95 % within {late:.0f} ms"


if __name__ == "__main__":
    main()
