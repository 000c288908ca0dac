"""The wall of five thousand images: how long it takes to lay out and to write, whose neighbours it keeps, how large its page
is, and how smoothly a browser drags it; needs openTSNE, and Chromium for the last.

python benchmarks/wall.py [--images 5000] [--photos FOLDER --model FILE [--preprocessing tf]]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "report"))

import numpy as np
from chromium_pipe import CHROMIUM, Browser
from PIL import Image, ImageDraw

import seethrough as st
from seethrough.gallery.neighbours import neighbours_kept
from seethrough.gallery.thumbnails import side_for
from seethrough.gallery.wall import Wall, hang

CLASSES = 100
WIDTH = 1280  # of the embedding, as MobileNetV2 has it
DRAG = """new Promise(done => {
  const canvas = document.querySelector('#canvas'), box = canvas.getBoundingClientRect(), gaps = [];
  const at = kind => (x, y) => canvas.dispatchEvent(new PointerEvent(kind, {
    pointerId: 1, clientX: box.left + x, clientY: box.top + y, bubbles: true, buttons: 1 }));
  canvas.setPointerCapture = () => {};
  const [w, h] = [box.width, box.height];
  at('pointerdown')(w / 2, h / 2);
  let last = performance.now(), n = 0;
  const step = now => {
    gaps.push(now - last); last = now; n += 1;
    at('pointermove')(w / 2 + 0.4 * w * Math.sin(n / 17), h / 2 + 0.4 * h * Math.cos(n / 23));
    if (n < 150) requestAnimationFrame(step);
    else { at('pointerup')(w / 2, h / 2); done(gaps.slice(2)); }
  };
  requestAnimationFrame(step);
})"""
ZOOM = """new Promise(done => {
  const canvas = document.querySelector('#canvas'), box = canvas.getBoundingClientRect(), gaps = [];
  let last = performance.now(), n = 0;
  const step = now => {
    gaps.push(now - last); last = now; n += 1;
    canvas.dispatchEvent(new WheelEvent('wheel', { ctrlKey: true, deltaY: n < 60 ? -9 : 9, bubbles: true,
      cancelable: true, clientX: box.left + box.width / 3, clientY: box.top + box.height / 3 }));
    n < 120 ? requestAnimationFrame(step) : done(gaps.slice(2));
  };
  requestAnimationFrame(step);
})"""


def embeddings(number: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Vectors as a trained network has them (classes of many sizes and shapes on a bent sheet, rectified), and classes."""
    families = random.normal(0, 1, (CLASSES // 8 + 1, 40))
    centres = families[np.arange(CLASSES) // 8] + random.normal(0, 0.6, (CLASSES, 40))
    which = random.choice(CLASSES, number, p=random.dirichlet(np.full(CLASSES, 2.0)))
    inside = random.normal(0, 0.45, (number, 40)) * random.uniform(0.3, 1.6, (CLASSES, 40))[which]
    bent = np.tanh((centres[which] + inside) @ random.normal(0, 0.25, (40, WIDTH)))
    return np.maximum(bent + random.normal(0, 0.12, bent.shape), 0).astype(np.float32), which


def drawn(number: int, which: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Small pictures with as much in them as photos have: shaded ground, shapes, grain."""
    side = side_for(number)
    hue = random.integers(30, 225, (CLASSES, 2, 3))
    tiles = np.empty((number, side, side, 3), np.uint8)
    ramp = np.linspace(-40, 40, side)[:, None, None]
    for i, k in enumerate(which):
        image = Image.fromarray(np.clip(hue[k, 0] + ramp + np.zeros((side, side, 3)), 0, 255).astype(np.uint8))
        draw = ImageDraw.Draw(image)
        for _ in range(7):
            x, y = random.uniform(0, side, 2)
            r = random.uniform(3, side / 4)
            colour = np.clip(hue[k, 1] + random.integers(-50, 50, 3), 0, 255)
            draw.ellipse((x - r, y - r / 2, x + r, y + r / 2), fill=tuple(int(c) for c in colour))
        tiles[i] = np.clip(np.asarray(image) + random.normal(0, 9, (side, side, 1)), 0, 255)
    return tiles


def made(number: int) -> tuple[Wall, float, float]:
    """A wall of images that are made up, and the seconds that laying out took: by the clock, and of the processor."""
    random = np.random.default_rng(0)
    vectors, which = embeddings(number, random)
    thumbnails = drawn(number, which, random)
    top = np.stack([(which + k) % CLASSES for k in range(5)], 1)
    wrong = random.random(number) < 0.2
    top[wrong] = np.roll(top[wrong], 1, 1)
    chances = np.sort(random.dirichlet(np.full(5, 0.6), number), 1)[:, ::-1]
    start, busy = time.perf_counter(), time.process_time()
    places = hang(vectors)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    names = tuple(f"class_{k:03d}/photo_{i:05d}.jpg" for i, k in enumerate(which))
    labels = tuple(f"class {k}" for k in range(CLASSES))
    hung = Wall(
        names=names,
        embeddings=vectors,
        layer="pool",
        thumbnails=thumbnails,
        labels=labels,
        top=top.astype(np.int32),
        chances=chances.astype(np.float32),
        truth=tuple(labels[k] for k in which),
        truth_index=which.astype(np.int32),
        provenance={"network": "made up"},
        **places,
    )
    return hung, seconds, busy


def kept_in_words(hung: Wall) -> str:
    kept = hung.kept
    random = np.random.default_rng(1).permutation(len(hung))
    anyhow = neighbours_kept(hung.nearest, hung.cells[random])
    return (
        f"of the {kept.near} nearest {kept.kept:.2f} hang among the {kept.around} closest "
        f"(shuffled: {anyhow.kept:.2f}; by chance: {kept.chance:.2f})"
    )


def in_browser(page: Path) -> None:
    """How the page opens, and how long frames take while it is dragged and zoomed."""
    with Browser() as browser:
        browser.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
        start = time.perf_counter()
        browser.open(page)
        browser.wait("document.documentElement?.dataset.ready === 'yes'")
        print(f"opened in {time.perf_counter() - start:.2f} s")
        say_frames("dragged as a whole", browser.js(DRAG))
        for _ in range(3):
            browser.js("document.querySelector('#zoom-in').click()")
        say_frames("dragged, four times as large", browser.js(DRAG))
        say_frames("zoomed in and out", browser.js(ZOOM))
        browser.js("document.querySelector('#fit').click()")
        start = time.perf_counter()
        browser.js("document.querySelector('input[name=side][value=wrong]').click()")
        browser.frame()
        print(f"filtered in {1000 * (time.perf_counter() - start):.0f} ms")


def say_frames(what: str, gaps: list[float]) -> None:
    ordered = sorted(gaps)
    late = ordered[int(0.95 * len(ordered))]
    middle = statistics.median(gaps)
    print(f"{what}: {1000 / middle:.0f} frames a second, a frame every {middle:.0f} ms, 95 % within {late:.0f} ms")


def real(photos: Path, model: Path, preprocessing: str) -> None:
    """The same of real photos on a real network."""
    net = st.open(model, preprocessing=preprocessing, classes="imagenet")
    start = time.perf_counter()
    hung = st.wall(net, photos)
    print(f"{len(hung):,} photos on {model.name}: {time.perf_counter() - start:.0f} s, {kept_in_words(hung)}")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    asked.add_argument("--images", type=int, default=5_000)
    asked.add_argument("--photos", type=Path)
    asked.add_argument("--model", type=Path)
    asked.add_argument("--preprocessing", default="tf")
    said = asked.parse_args()
    hung, seconds, busy = made(said.images)
    with tempfile.TemporaryDirectory() as folder:
        start, before = time.perf_counter(), time.process_time()
        page = hung.save(Path(folder) / "wall.html")
        writing, busy = time.perf_counter() - start, busy + time.process_time() - before
        size = page.stat().st_size
        print(
            f"{len(hung):,} images laid out in {seconds:.1f} s, written in {writing:.1f} s: {seconds + writing:.1f} s"
        )
        print(f"of the processor, which others may use meanwhile: {busy:.1f} s on all cores")
        print(f"page: {size / 1e6:.1f} MB, {size / len(hung):.0f} bytes an image")
        print(kept_in_words(hung))
        if CHROMIUM is None:
            print("no Chromium is installed, so nothing is dragged")
        else:
            in_browser(page)
    if said.photos and said.model:
        real(said.photos, said.model, said.preprocessing)


if __name__ == "__main__":
    main()
