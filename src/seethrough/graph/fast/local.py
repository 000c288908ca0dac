"""Local: the answers to versions of a picture that differ from it inside a box, computed only where something changes.

The one place where it is decided whether boxes (`seethrough.graph.fast.boxes`) or whole pictures are sent through. Boxes
are not believed: some positions are sent through the plain graph too, as whole pictures, and where an answer differs by
more than rounding everything is computed anew as whole pictures, and it is said.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from seethrough.errors import is_out_of_memory
from seethrough.graph.fast.boxes.cost import predicted
from seethrough.graph.fast.boxes.engine import Boxes
from seethrough.graph.fast.choose import MANY, twin
from seethrough.graph.graph import Graph

if TYPE_CHECKING:
    from seethrough.graph.run import Run

Told = Callable[[int, int], None] | None

AGREE = {torch.float32: 1e-5, torch.float64: 1e-10}
"""How far a checked answer may be off, of its largest number."""

SMALL = 0.5
"""Of the plane: where boxes cover more of it on average, whole pictures are sent through without further thought."""

CHECKED = 3
"""Positions of each image that are held against whole pictures, see `_checked`."""

HELD = 256 << 20
"""Bytes of answers that are held at once; of `LEAST` positions in any case."""

LEAST = 64


@dataclass(frozen=True, eq=False)
class Changes:
    """Versions of a run's images, or of the value of the layer that it starts at: each differs inside a box alone.

    Attributes
    ----------
    boxes
        (1 or N, K, 4), int64: top, bottom, left and right, the ends exclusive; N where each image has its own. An empty
        box changes nothing.
    inside
        From an image's number, numbers of boxes (k,), corners (k,), (k,) and a height and width to what stands there,
        (k, C, h, w): what is asked for holds the box, and may be larger.
    whole
        From numbers of boxes to the versions as a whole, (k · N, C, H, W): of all images in the first box, and so on.
    """

    boxes: Tensor
    inside: Callable[[int, Tensor, Tensor, Tensor, int, int], Tensor]
    whole: Callable[[range], Tensor]

    @property
    def count(self) -> int:
        return self.boxes.shape[1]

    def of(self, image: int) -> Tensor:
        """The boxes of one image, (K, 4)."""
        return self.boxes[image if len(self.boxes) > 1 else 0]


@dataclass(frozen=True, slots=True)
class Spared:
    """What computing only where something changes came to.

    ``positions`` answers, of which ``checked`` were also had from whole pictures and differed by up to ``difference`` of
    the largest number; ``run`` multiplications of the ``whole`` that whole pictures take. ``wrong`` says why it was not
    believed, and everything computed from whole pictures; empty where it was.
    """

    positions: int
    checked: int = 0
    difference: float = 0.0
    run: int = 0
    whole: int = 0
    wrong: str = ""


def score_changes(run: Run, changes: Changes, progress: Told = None) -> Tensor:
    """The target's value at each version, (K, N); see `Run.score_changes`."""
    if _local(run, changes):
        found = _by_boxes(run, changes, progress)
        if found is not None:
            return found
    found = run.scores.new_zeros(changes.count, len(run.images))

    def some(numbers: range) -> None:
        found[numbers.start : numbers.stop] = run.score(changes.whole(numbers)).reshape(len(numbers), -1)

    run.in_groups(changes.count, some, progress)
    return found


def _local(run: Run, changes: Changes) -> bool:
    """Whether boxes may be thought of at all."""
    x, graph = run.images, run.graph
    if x.dim() != 4 or x.dtype not in AGREE or x.device.type != "cpu" or changes.count * len(x) < MANY:
        return False
    if run.start_place.permutation is not None or run.start_place.grid is not None:
        return False
    if graph.source != "fake" or graph.batch is not None or graph.draws:
        return False
    if torch.is_autocast_enabled("cpu") or any(operation.context.autocast is not None for operation in graph):
        return False
    return float(_areas(changes.boxes).double().mean()) <= SMALL * x.shape[2] * x.shape[3]


def _areas(boxes: Tensor) -> Tensor:
    top, bottom, left, right = boxes.unbind(-1)
    return (bottom - top).clamp(min=0) * (right - left).clamp(min=0)


_engines: WeakKeyDictionary[Graph, dict[tuple[int, int], Boxes]] = WeakKeyDictionary()


def _engine(run: Run, anew: bool) -> Boxes | None:
    """The engine from the value that the run starts at to the one that its target is taken from; None where no convolution
    lies between them.
    """
    graph, given = run.graph, run.alone(0)
    ends = run.start_place.value, run.answer_value
    kept = _engines.setdefault(graph, {})
    if anew or ends not in kept:
        fused = twin(graph, [ends[1]], given, again=anew)
        if fused is None:
            return None
        kept[ends] = Boxes(fused, *ends)
    return kept[ends]


def _by_boxes(run: Run, changes: Changes, progress: Told) -> Tensor | None:
    """The scores, (K, N), computed where something changes; None where whole pictures are to be sent through."""
    positions, wrong = changes.count * len(run.images), ""
    for anew in (False, True):
        try:
            engine = _engine(run, anew)
            if engine is None or not _pays(engine, run, changes):
                return None
            found, spared = _computed(engine, run, changes, progress)
        except Exception as error:
            # The boxes' own fault, not the person's: what whole pictures raise too, they will raise.
            if is_out_of_memory(error):
                return None
            wrong = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
            break
        if spared.difference <= AGREE[run.images.dtype]:
            run.counter.forward += positions
            run.counter.spared.append(spared)
            return found
        wrong = f"{spared.difference:.1e}"  # a weight that was written past torch's notice, perhaps: once more, anew
    run.counter.spared.append(Spared(positions, wrong=wrong))
    return None


def _pays(engine: Boxes, run: Run, changes: Changes) -> bool:
    """Whether boxes are quicker than whole pictures, those that are checked included."""
    some = _parts(run, changes, 0)
    if not some:
        return False
    plan = engine.plan(changes.of(0)[some[0]])
    seconds = predicted(engine.route, plan)
    return seconds.boxes + CHECKED * seconds.whole / plan.positions < seconds.whole


def _computed(engine: Boxes, run: Run, changes: Changes, progress: Told) -> tuple[Tensor, Spared]:
    count, images = changes.count, len(run.images)
    found = run.scores.expand(count, images).clone()  # an empty box changes nothing
    checked = _checked(changes)
    known = {k: run.plainly(changes.whole(range(k, k + 1))) for k in checked}
    macs = whole = 0
    difference, done = 0.0, 0
    for i in range(images):
        clean = engine.clean(run.alone(i))
        for numbers in _parts(run, changes, i):

            def inside(
                some: Tensor, top: Tensor, left: Tensor, height: int, width: int, i=i, numbers=numbers
            ) -> Tensor:
                return changes.inside(i, numbers[some], top, left, height, width)

            def told(positions: int, _: int, before: int = done) -> None:
                if progress is not None:
                    progress((before + positions) // images, count)

            plan = engine.plan(changes.of(i)[numbers])
            out = engine.run(clean, plan, inside, told)
            found[numbers, i] = run.ask(out, i)
            macs, whole, done = macs + plan.macs, whole + plan.dense, done + len(numbers)
            for at, k in enumerate(numbers.tolist()):
                if k in known:
                    difference = max(difference, _off(out[at], known[k][i]))
    return found, Spared(count * images, len(checked) * images, difference, macs, whole)


def _parts(run: Run, changes: Changes, image: int) -> list[Tensor]:
    """The numbers of an image's boxes that hold something, so many together that their answers may be held."""
    each = run.graph.values[run.answer_value].at(1)
    many = max(LEAST, HELD // max(1, math.prod(each) * run.images.element_size()))
    return list(torch.nonzero(_areas(changes.of(image)) > 0)[:, 0].split(many))


def _checked(changes: Changes) -> list[int]:
    """The first and the middle box, and of the others that which costs most: the largest, and of those as large the one
    nearest to the middle of all, since what lies at an edge reaches less.
    """
    areas = _areas(changes.boxes).amax(0)
    full = torch.nonzero(areas > 0)[:, 0].tolist()
    if not full:
        return []
    first, middle = full[0], full[len(full) // 2]
    centres = changes.boxes.double().mean(0).unflatten(1, (2, 2)).mean(2)  # (K, down and across)
    far = (centres - centres.mean(0)).abs().sum(1)
    costs = areas - far / (1 + far.max())
    costs[[first, middle]] = -1
    return sorted({first, middle, int(costs.argmax())})


def _off(found: Tensor, reference: Tensor) -> float:
    """How far two answers differ, of the largest number; infinite where one has a number and the other has none."""
    if torch.equal(found, reference):
        return 0.0
    if found.shape != reference.shape or not torch.equal(found.isfinite(), reference.isfinite()):
        return float("inf")
    sound = reference.isfinite()
    largest = reference[sound].abs().max()
    return float((found - reference)[sound].abs().max() / largest.clamp(min=torch.finfo(found.dtype).tiny))
