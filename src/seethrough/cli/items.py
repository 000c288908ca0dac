"""Work over several pictures: one that can't be read doesn't stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from seethrough.cli.failures import SOME_FAILED, for_the_shell
from seethrough.cli.terminal import complain
from seethrough.errors import InputRefused, NetworkRefused

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Failed:
    """A picture that was refused, and why."""

    image: str
    error: InputRefused

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"image": self.image, "message": str(self.error), "exit_code": self.error.exit_code}


@dataclass(frozen=True, slots=True)
class Items:
    """What came of each picture."""

    done: int
    failed: tuple[Failed, ...]

    @property
    def exit_code(self) -> int:
        """0 where all are done, 1 where some are, the refusal's own where none is."""
        if not self.failed:
            return 0
        return SOME_FAILED if self.done else self.failed[0].error.exit_code


def each(images: Iterable[str], work: Callable[[int, str], None]) -> Items:
    """Do the work on each picture, with its number from 0; what is wrong with one picture is said and passed over.

    What isn't the picture's fault (a setting, the network, the disk) would fail for all, and goes up at once.
    """
    done, failed = 0, []
    for i, image in enumerate(images):
        try:
            work(i, image)
            done += 1
        except NetworkRefused:
            raise
        except InputRefused as error:
            complain(for_the_shell(str(error)))
            failed.append(Failed(image, error))
    return Items(done, tuple(failed))
