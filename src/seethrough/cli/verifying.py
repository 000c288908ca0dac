"""``verify``: whether the folder of a run is whole."""

from __future__ import annotations

from seethrough.cli.failures import SOME_FAILED
from seethrough.cli.terminal import complain, one_line, say, say_json


def verify(folder: str, *, as_json: bool) -> int:
    """Print what the folder of a run holds; 0 where it is whole, 1 where it isn't."""
    from seethrough.jobs.verify import verify as look_through

    found = look_through(folder)
    if as_json:
        say_json(found.to_dict())
        return 0 if found.whole else SOME_FAILED
    for fault in found.faults:
        complain(fault.said)
    passed = f", {found.passed:,} passed by" if found.passed else ""
    say(f"{one_line(folder)}: {found.work}, {found.done:,} of {found.images:,} images{passed}")
    if found.missing:
        say(f"{found.missing:,} of {found.shards:,} shards are still to do; run the same command again to go on.")
    elif found.whole:
        say(f"{found.shards:,} of {found.shards:,} shards are as they were written, every image once.")
    else:
        say(f"{len({fault.shard for fault in found.faults}):,} of {found.shards:,} shards aren't as they were written.")
    return 0 if found.whole else SOME_FAILED
