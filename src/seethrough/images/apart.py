"""Pictures read in processes of their own, so that the decoding of many keeps other cores busy, and one that kills its decoder
takes nothing else with it.

A reader is a child process with two pipes: a line of JSON with a path goes in, a line of JSON with the form of the fitted
picture comes out, and its bytes behind it. It imports neither torch nor Keras, so that it starts in a fraction of a second,
runs nothing of the person's main module, and ends when its pipe does, however this process ended.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, TypeVar

import numpy as np
from PIL import Image, ImageFile

from seethrough.errors import EnvironmentLacks, InputRefused, SeethroughError, UsageError
from seethrough.images.decode import load_picture
from seethrough.images.fit import Fitted, Geometry, fitted
from seethrough.images.preprocessing import Preprocessing
from seethrough.results import Note

START = (
    "import signal\n"
    "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"  # Ctrl-C is for the process that asks, which ends this one
    "import json, sys\n"
    "settings = json.loads(sys.stdin.buffer.readline())\n"
    "sys.path[:] = settings['path']\n"
    "from seethrough.images.apart import serve\n"
    "serve(settings)\n"
)

PATIENCE = 120.0
"""Seconds that one picture may take by the clock on the wall."""

AHEAD, AHEAD_BYTES = 64, 128 * 2**20
"""The most pictures, and bytes of them, that are read before they are asked for."""

TRIES = 2
"""How often a picture is given to a reader that dies of it; the first death may have been the system's doing."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What is to be done with every picture: as the network prepares them, into (height, width); ``whole`` where the picture
    itself is wanted too.
    """

    preprocessing: Preprocessing
    size: tuple[int, int]
    whole: bool = False

    def read(self, source: Any, name: str) -> Read:
        """Read and fit one picture in this process."""
        picture = load_picture(source, name=name)
        pixels = picture.pixels if self.whole else None
        return Read(fitted(picture, self.preprocessing, self.size), picture.notes, pixels)


@dataclass(frozen=True, slots=True)
class Read:
    """A picture that was read and fitted, what decoding did, and its own pixels, uint8 (H, W, 3), where they are wanted."""

    fitted: Fitted
    notes: tuple[Note, ...]
    pixels: np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        """How much it holds."""
        return self.fitted.pixels.nbytes + (0 if self.pixels is None else self.pixels.nbytes)


Key = TypeVar("Key")


class Readers:
    """Some reader processes; `reading` starts and ends them."""

    def __init__(self, fit: Fit, count: int) -> None:
        self._readers = [_Reader(fit) for _ in range(count)]
        self._idle: SimpleQueue[_Reader] = SimpleQueue()
        for reader in self._readers:
            self._idle.put(reader)
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="seethrough-reader")

    def read_all(
        self, paths: Iterable[tuple[Key, Path, str]], *, ahead: int = AHEAD, room: int = AHEAD_BYTES
    ) -> Iterator[tuple[Key, Read | InputRefused]]:
        """Read pictures in their order, some of them before they are asked for.

        Parameters
        ----------
        paths
            A key, a path and a name each.
        ahead, room
            At most so many are read ahead, and so many bytes, if all are as large as the largest so far; but one for each
            process.

        Yields
        ------
        key
            That of the picture.
        found
            What was read, or why not.
        """
        waiting: deque[tuple[Key, Future[Read | InputRefused]]] = deque()
        largest, coming = 1, iter(paths)
        while True:
            few = max(len(self._readers), min(ahead, room // largest))
            for key, path, name in islice(coming, max(0, few - len(waiting))):
                waiting.append((key, self._threads.submit(self._read, path, name)))
            if not waiting:
                return
            first, future = waiting.popleft()
            found = future.result()
            largest = max(largest, 0 if isinstance(found, InputRefused) else found.nbytes)
            yield first, found

    def close(self) -> None:
        """End the processes, whatever they are at."""
        for reader in self._readers:
            reader.end()
        self._threads.shutdown(cancel_futures=True)

    def _read(self, path: Path, name: str) -> Read | InputRefused:
        reader = self._idle.get()
        try:
            return reader.read(path, name)
        except InputRefused as refused:
            return refused
        finally:
            self._idle.put(reader)


@contextmanager
def reading(fit: Fit, count: int) -> Iterator[Readers]:
    """Reader processes for as long as they are needed; afterwards none is left, also after Ctrl-C."""
    readers = Readers(fit, count)
    try:
        yield readers
    finally:
        readers.close()


class _Reader:
    """One child process, started when there is something to read and anew when it died."""

    def __init__(self, fit: Fit) -> None:
        self._settings = {
            "path": sys.path,
            "preprocessing": asdict(fit.preprocessing),
            "size": fit.size,
            "whole": fit.whole,
            "most_pixels": Image.MAX_IMAGE_PIXELS,
            "truncated": ImageFile.LOAD_TRUNCATED_IMAGES,
        }
        self._child: subprocess.Popen[bytes] | None = None
        self._ended = False
        self._starting = threading.Lock()

    def read(self, path: Path, name: str) -> Read:
        how = ""
        for _ in range(TRIES):
            child = self._running()
            late = threading.Event()
            timer = threading.Timer(PATIENCE, lambda child=child, late=late: (late.set(), child.kill()))
            timer.daemon = True
            timer.start()
            try:
                return _asked(child, path, name)
            except _Died:
                how = self._buried(child)
            finally:
                timer.cancel()
            if late.is_set():
                raise InputRefused(
                    f"Reading the picture {str(path)!r} took more than {PATIENCE:.0f} s; save it again, or leave it out."
                )
            if self._ended:
                break
        raise InputRefused(
            f"The process that read the picture {str(path)!r} died of it ({how}); the file is broken or made to do harm."
        )

    def end(self) -> None:
        with self._starting:
            self._ended = True
            if self._child is not None:
                self._child.kill()
                self._buried(self._child)

    def _running(self) -> subprocess.Popen[bytes]:
        with self._starting:
            if self._ended:
                raise InputRefused("The work was ended.")
            if self._child is None or self._child.poll() is not None:
                self._child = _started(self._settings)
            return self._child

    def _buried(self, child: subprocess.Popen[bytes]) -> str:
        """Wait for a child that is dead or dying, and say of what it died."""
        child.kill()
        code = child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


class _Died(Exception):
    """The child is gone."""


def _started(settings: dict[str, Any]) -> subprocess.Popen[bytes]:
    try:
        child = subprocess.Popen(
            [sys.executable, "-I", "-c", START],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
    except OSError as error:
        raise EnvironmentLacks(
            f"A process to read pictures can't be started: {error.strerror or error}; say workers=0 to read them in this one."
        ) from error
    with suppress(BrokenPipeError):  # who listens to it finds out
        _say(child, settings)
    return child


def _say(child: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
    assert child.stdin is not None
    child.stdin.write(json.dumps(message).encode() + b"\n")
    child.stdin.flush()


def _asked(child: subprocess.Popen[bytes], path: Path, name: str) -> Read:
    assert child.stdout is not None
    try:
        _say(child, {"file": str(path), "name": name})
        line = child.stdout.readline()
        answer = json.loads(line) if line.endswith(b"\n") else None
        if answer is not None and "refused" in answer:
            raise {kind.__name__: kind for kind in REFUSALS}[answer["kind"]](str(answer["refused"]))
        if answer is None:
            raise _Died
        arrays = [_array(child.stdout, shape) for shape in answer["shapes"]]
    except (OSError, ValueError, KeyError, TypeError) as error:  # a pipe that was closed, half a line
        if isinstance(error, SeethroughError):
            raise
        raise _Died from error
    geometry = Geometry(**_fields(answer["geometry"]))
    notes = tuple(Note(*note) for note in answer["notes"])
    return Read(Fitted(arrays[0], geometry), notes, arrays[1] if len(arrays) > 1 else None)


def _array(pipe: IO[bytes], shape: list[int]) -> np.ndarray:
    content = pipe.read(math.prod(shape))
    if len(content) < math.prod(shape):
        raise _Died
    return np.frombuffer(content, np.uint8).reshape(shape)


def _fields(said: dict[str, Any]) -> dict[str, Any]:
    """Fields of a record as they were before JSON, which has no tuples."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}


# What follows runs in the child.

REFUSALS = (InputRefused, UsageError, EnvironmentLacks)


def serve(settings: dict[str, Any]) -> None:
    """Read pictures as they are asked for; the child's whole life."""
    Image.MAX_IMAGE_PIXELS = settings["most_pixels"]
    ImageFile.LOAD_TRUNCATED_IMAGES = settings["truncated"]
    height, width = settings["size"]
    fit = Fit(Preprocessing(**_fields(settings["preprocessing"])), (height, width), settings["whole"])
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        try:
            head, body = _told(fit.read(Path(asked["file"]), asked["name"]))
        except REFUSALS as error:
            kind = next(kind.__name__ for kind in REFUSALS if isinstance(error, kind))
            head, body = {"kind": kind, "refused": str(error)}, b""
        except MemoryError:
            refused = f"The picture {asked['file']!r} takes more memory than there is; make it smaller."
            head, body = {"kind": "InputRefused", "refused": refused}, b""
        sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + body)
        sys.stdout.buffer.flush()


def _told(found: Read) -> tuple[dict[str, Any], bytes]:
    arrays = [array for array in (found.fitted.pixels, found.pixels) if array is not None]
    head = {
        "shapes": [array.shape for array in arrays],
        "geometry": asdict(found.fitted.geometry),
        "notes": [(note.name, note.level, note.numbers) for note in found.notes],
    }
    return head, b"".join(array.tobytes() for array in arrays)
