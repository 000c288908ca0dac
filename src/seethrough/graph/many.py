"""Many: other images under the question of a run, moved versions of its own for the most part.

Here alone it is decided on which graph they go (the plain one, its fused twin, that in bfloat16), and how many at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING

from torch import Tensor

from seethrough.errors import EnvironmentLacks, is_out_of_memory
from seethrough.graph.cost import count_macs
from seethrough.graph.execute import execute
from seethrough.graph.fast.choose import Known
from seethrough.graph.graph import Graph
from seethrough.graph.untouched import same_chance

if TYPE_CHECKING:
    from seethrough.graph.run import Run

FEW, BUSY = 64, 10**9
"""Pictures that are walked back, below which they go by as many as were asked about, where each multiplies so much that a processor
is busy with it alone: another number at once would have to be proved, forward and back, which costs more than it wins.
"""


def in_groups(
    run: Run,
    count: int,
    work: Callable[[range], None],
    progress: Callable[[int, int], None] | None,
    walked: int,
) -> None:
    """Have ``work`` done for the numbers 0 to ``count`` − 1, see `Run.in_groups`."""
    done, run.expected = 0, count * len(run.images)
    while done < count:
        versions = _together(run, walked)
        some = range(done, min(done + versions, count))
        try:
            work(some)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if versions == 1:
                raise EnvironmentLacks(
                    f"Memory ran out with {len(run.images)} image{'s' * (len(run.images) != 1)} at once; explain "
                    "fewer at once (batch_size), or use smaller pictures."
                ) from error
            run.together = versions * len(run.images) // 2
            run.counter.halved += 1
            continue
        done = some.stop
        if progress:
            progress(done, count)


def _together(run: Run, walked: int) -> int:
    """How many versions of its images a run sends through at once, of which so many are walked back in all."""
    few = 0 < walked * len(run.images) < FEW and run.images.device.type == "cpu"
    busy = few and run.once("multiplications", lambda: sum(n or 0 for n in count_macs(run.graph))) >= BUSY
    return 1 if busy else run.versions


def answers(run: Run, images: Tensor) -> Tensor:
    """What the target is taken from at other images, (M, outputs, …)."""
    counter, entrance = run.counter, run.entrance
    graph = entrance.proved(images)
    place = entrance.asked(graph)
    wanted = place.value
    counter.forward += len(images)
    given = entrance.given(graph, images)
    pictures = max(run.expected, len(images))

    def known() -> Known:
        return run.clean(graph, {wanted}) or (given, execute(graph, given, [wanted]))

    way = counter.ways.of(graph, [wanted], given, pictures, known)
    if counter.halving is not None and counter.halving.takes(graph, pictures) and graph is run.graph:
        return place.of(counter.halving.run(way, given, wanted, run.images, known))
    with same_chance() if graph.draws else nullcontext():
        return place.of(execute(way, given, [wanted])[wanted])


def way_back(run: Run, graph: Graph, given: Mapping[int, Tensor], wanted: set[int], images: int) -> Graph:
    """What moved images of a run go through where they are walked back by calculus alone.

    Parameters
    ----------
    images
        How many go at once.
    """

    def known() -> Known:
        asked = wanted - given.keys()
        clean = run.clean(graph, asked) if run.has_run else None
        if clean is not None and clean[0].keys() == given.keys():
            return clean
        one = {v: t[:1] for v, t in given.items()} if graph.holds_for(1) else given
        return one, execute(graph, one, asked)

    return run.counter.ways.of(graph, wanted, given, max(run.expected, images), known, gradients=True)
