"""What trust takes at its default setting for one picture, and what is kept from call to call, as resident memory over a
hundred calls of a question. (``table.py`` has ten and twelve methods beside the peers' sum.)

    python benchmarks/methods.py [--calls 100] [--network resnet50]
"""

from __future__ import annotations

import argparse
import gc
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

import torch

import networks
import seethrough as st
from rows.many import ONE_PASS
from rows.nets import TARGET, network
from seethrough.cli.process import keep_freed_memory
from speed import frozen

Call = Callable[[], object]


def timed(call: Call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def trust(name: str) -> None:
    """What trust takes for one image at the default setting: three methods, the network with weights drawn anew for the
    first time, curves in eight steps with null maps.
    """
    image = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    net = st.open(network(name), input_size=(3, 224, 224))
    plain = st.explain(net, image, target=TARGET)  # proves the network
    bare = timed(lambda: st.explain(net, image, target=TARGET))
    start = time.perf_counter()
    found = st.explain(net, image, target=TARGET, trust=True)
    seconds = time.perf_counter() - start
    again = timed(lambda: st.explain(net, image, target=TARGET, trust=True))
    more = found.passes - plain.passes
    print(
        f"{name} trust of {', '.join(found)}: {seconds:.1f} s with the maps ({again:.1f} s asked again), {bare:.1f} s the "
        f"maps alone; {more.forward} images more forward, {more.backward} back   wanted ≤ 60 s",
        flush=True,
    )


def resident() -> float:
    """Megabytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def flat(calls: int) -> None:
    """Resident memory while the same question is asked again and again, with trust."""
    net = st.open(
        frozen(lambda: networks.vgg(16, "M", 32, "M", 64, "M", 64, "M", 64, "M", classes=10)), input_size=(3, 224, 224)
    )
    image = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    marks = []
    for call in range(calls + 1):
        st.explain(net, image, [*ONE_PASS, "smoothgrad"], 3, samples=8, trust=call % 10 == 0)
        if call % 10 == 0:
            gc.collect()
            marks.append(resident())
    late = marks[len(marks) // 2 :]
    print(
        f"memory over {calls} calls: {marks[0]:.0f} MB after the first, {late[0]:.0f} MB half-way, {late[-1]:.0f} MB at the "
        f"end; grown since half-way by {late[-1] - late[0]:.1f} MB   wanted ≈ 0"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--network", choices=("vgg16", "resnet50"), default="resnet50")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    keep_freed_memory()
    trust(given.network)
    flat(given.calls)


if __name__ == "__main__":
    main()
