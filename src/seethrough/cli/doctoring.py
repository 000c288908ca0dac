"""``doctor``: what is installed, which doors are open, what is missing and how to get it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from seethrough.cli.terminal import say, say_json, show_table
from seethrough.machine import how_threads_wait

if TYPE_CHECKING:
    from seethrough.models.installed import Door, Machine


def doctor(*, as_json: bool) -> int:
    """Print what is here. A closed door is no failure: the exit code is 0."""
    from seethrough.cli.process import keep_freed_memory
    from seethrough.models.installed import doors, machine
    from seethrough.show.lettering import chinese_font

    here, found, font, kept = machine(), doors(), chinese_font(), keep_freed_memory()
    if as_json:
        say_json(
            {
                "seethrough": _own_version(),
                "machine": asdict(here),
                "doors": [asdict(door) for door in found],
                "keras_backend": os.environ.get("KERAS_BACKEND"),
                "chinese_font": font,
                "keeps_freed_memory": kept,
                "waiting_threads": how_threads_wait(os.environ),
            }
        )
        return 0
    _say_machine(here, font, kept=kept)
    say()
    _say_doors(found)
    return 0


def _own_version() -> str:
    from seethrough import __version__

    return __version__


def _say_machine(here: Machine, font: str | None, *, kept: bool) -> None:
    rows = [
        ("Seethrough", _own_version()),
        ("Python", f"{here.python} on {here.system}"),
        ("PyTorch", here.torch),
        ("devices", ", ".join(here.devices)),
        ("processor", f"{_counted(here.cores, 'core')}, {_counted(here.threads, 'thread')} of PyTorch"),
        ("waiting threads", how_threads_wait(os.environ)),
        ("memory", _memory(here)),
        ("freed memory", "is kept for reuse" if kept else "is given back to the system at once"),
        ("Chinese in pictures", font or "no font with Chinese characters; words in pictures will be in English"),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        say(f"{name:<{width}}  {value}")


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"


def _memory(here: Machine) -> str:
    if here.memory is None:
        return "unknown"
    free = "" if here.free is None else f", {here.free / 2**30:.1f} GiB of it free"
    return f"{here.memory / 2**30:.1f} GiB{free}"


def _say_doors(found: Sequence[Door]) -> None:
    rows = [(door.name, door.state, door.opens, _versions(door)) for door in found]
    show_table(("door", "state", "opens", "has"), [("", rows)])
    lacking = [door for door in found if door.missing]
    if lacking:
        say()
    for door in lacking:
        say(f"{door.name}: {'; '.join(door.missing)}." + (f" Get it with: {door.command}" if door.command else ""))


def _versions(door: Door) -> str:
    return ", ".join(f"{library.name} {library.version or '—'}" for library in door.libraries)
