"""Reader processes: the same pixels as in this process, in order, and nothing of a reader's death or delay reaches the others."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from seethrough.errors import InputRefused, UsageError
from seethrough.images import USUAL, Preprocessing, apart
from seethrough.images.apart import Fit, reading

FIT = Fit(USUAL["torch"], (24, 20))
posix = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")


@pytest.fixture
def pictures(tmp_path):
    """Pictures of every kind that decoding has something to say about, and two that are none."""
    random = np.random.default_rng(0)
    for i in range(6):
        Image.fromarray(random.integers(0, 256, (30 + i, 40, 3), np.uint8)).save(tmp_path / f"{i}.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(random.integers(0, 256, (30, 50, 3), np.uint8)).save(tmp_path / "6.jpg", exif=turned)
    Image.fromarray(random.integers(0, 256, (30, 50), np.uint8)).save(tmp_path / "7.png")
    (tmp_path / "8.png").write_bytes(b"none")
    return [(i, path, path.name) for i, path in enumerate([*sorted(tmp_path.iterdir()), tmp_path / "gone.png"])]


def here(fit, path, name):
    try:
        return fit.read(path, name)
    except InputRefused as refused:
        return refused


@pytest.mark.parametrize(
    "fit",
    [
        FIT,
        Fit(USUAL["caffe"], (10, 30), whole=True),
        Fit(Preprocessing(channels="L", fit="pad", mean=(3.0,)), (16, 16)),
    ],
    ids=["torch", "caffe with the whole picture", "grey and padded"],
)
def test_readers_find_what_is_found_here(pictures, fit):
    with reading(fit, 2) as readers:
        found = list(readers.read_all(pictures, ahead=3))
    assert [key for key, _ in found] == list(range(10))
    for (_, path, name), (_, read) in zip(pictures, found):
        expected = here(fit, path, name)
        if isinstance(expected, InputRefused):
            assert isinstance(read, InputRefused) and str(read) == str(expected)
            continue
        np.testing.assert_array_equal(read.fitted.pixels, expected.fitted.pixels)
        assert read.fitted.geometry == expected.fitted.geometry and read.notes == expected.notes
        assert (read.pixels is None) == (not fit.whole) and np.array_equal(read.pixels, expected.pixels)


def test_what_would_fail_for_all_goes_up(pictures):
    with reading(Fit(Preprocessing(resize_to=8), (24, 24)), 1) as readers, pytest.raises(UsageError, match="too small"):
        list(readers.read_all(pictures))


def test_a_limit_on_pixels_holds_there_too(pictures, monkeypatch):
    monkeypatch.setenv("SEETHROUGH_PIXEL_LIMIT", "1250")
    with reading(FIT, 1) as readers:
        found = [read for _, read in readers.read_all(pictures[:3])]
    assert [isinstance(read, InputRefused) for read in found] == [False, False, True]


def test_a_reader_needs_neither_torch_nor_keras():
    code = "import sys, seethrough.images.apart; print(*{'torch', 'keras', 'scipy', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def dying(monkeypatch, when):
    """Readers that do something to themselves at some pictures; the real ones otherwise."""
    code = (
        "import os, signal, time\n"
        "import seethrough.images.apart as apart\n"
        "load = apart.load_picture\n"
        f"def odd(source, *, name):\n    {when}\n    return load(source, name=name)\n"
        "apart.load_picture = odd\n"
        "serve(settings)\n"
    )
    monkeypatch.setattr(apart, "START", apart.START.replace("serve(settings)\n", code))


@posix
def test_a_picture_that_kills_its_reader_takes_nothing_else_with_it(pictures, monkeypatch):
    dying(monkeypatch, "if '3.png' in str(source): os.kill(os.getpid(), signal.SIGSEGV)")
    with reading(FIT, 2) as readers:
        found = [read for _, read in readers.read_all(pictures)]
    assert "died of it (SIGSEGV)" in str(found[3]) and "3.png" in str(found[3])
    assert [isinstance(read, InputRefused) for read in found] == [i in (3, 8, 9) for i in range(10)]


@posix
def test_a_reader_that_was_killed_once_is_no_fault_of_the_picture(pictures, monkeypatch, tmp_path):
    mark = tmp_path / "mark"
    dying(
        monkeypatch,
        f"if '3.png' in str(source) and not os.path.exists({str(mark)!r}): open({str(mark)!r}, 'w').close(); os._exit(9)",
    )
    with reading(FIT, 1) as readers:
        found = [read for _, read in readers.read_all(pictures)]
    assert mark.exists() and [isinstance(read, InputRefused) for read in found] == [i in (8, 9) for i in range(10)]


def test_a_picture_that_takes_for_ever_is_passed_by(pictures, monkeypatch):
    dying(monkeypatch, "time.sleep(60 if '3.png' in str(source) else 0)")
    monkeypatch.setattr(apart, "PATIENCE", 3.0)
    with reading(FIT, 1) as readers:
        found = [read for _, read in readers.read_all(pictures[:5])]
    assert "took more than 3 s" in str(found[3]) and not isinstance(found[4], InputRefused)


def test_a_reader_that_babbles_is_a_reader_that_died(pictures, monkeypatch):
    monkeypatch.setattr(apart, "START", "print('x' * 50, flush=True)")
    with reading(FIT, 1) as readers:
        ((_, read),) = readers.read_all(pictures[:1])
    assert isinstance(read, InputRefused) and "died" in str(read)


def test_a_huge_text_in_a_picture_is_one_sentence(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "x" * 70_000_000, zip=True)
    Image.new("RGB", (30, 30)).save(tmp_path / "a.png", pnginfo=info)
    with reading(FIT, 1) as readers:
        ((_, read),) = readers.read_all([(0, tmp_path / "a.png", "a.png")])
    assert isinstance(read, InputRefused) and "a.png" in str(read)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes as Linux lists them")
@pytest.mark.parametrize("left", [GeneratorExit, KeyboardInterrupt])
def test_no_reader_is_left_when_the_work_is_left(pictures, left):
    with pytest.raises(left), reading(FIT, 2) as readers:
        found = readers.read_all(pictures * 50)
        next(found)
        children = [reader._child.pid for reader in readers._readers if reader._child is not None]
        raise left
    assert children and not any(Path(f"/proc/{child}").exists() for child in children)
    assert not any(thread.name.startswith("seethrough-reader") for thread in threading.enumerate())
    del found
    gc.collect()


@posix
def test_ctrl_c_is_for_the_one_who_asks(pictures):
    with reading(FIT, 1) as readers:
        list(readers.read_all(pictures[:1]))
        child = readers._readers[0]._child
        assert child is not None
        os.kill(child.pid, signal.SIGINT)
        time.sleep(0.1)
        assert child.poll() is None
        assert not isinstance(next(readers.read_all(pictures[1:2]))[1], InputRefused)


def test_no_more_is_read_ahead_than_there_is_room_for(pictures):
    asked = []

    def watched():
        for each in pictures[:8]:
            asked.append(each[0])
            yield each

    with reading(FIT, 1) as readers:
        found = readers.read_all(watched(), ahead=4, room=3 * 24 * 20 * 3)
        counts = [len(asked) for _ in found]
    assert counts[0] == 4 and all(count <= max(4, i + 4) for i, count in enumerate(counts))
    assert counts[3] - 4 <= 3  # three fit into the room
