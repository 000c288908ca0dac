"""Aspects: what of a picture can be exchanged for another's, a file a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from seethrough.errors import InputRefused
from seethrough.findings.aspect import Aspect
from seethrough.findings.aspects.background import Background
from seethrough.findings.aspects.detail import Detail
from seethrough.findings.aspects.layout import Layout
from seethrough.findings.aspects.look import Look
from seethrough.findings.aspects.region import Region
from seethrough.findings.aspects.spectrum import Spectrum
from seethrough.findings.aspects.thing import Thing, thing_again
from seethrough.findings.aspects.touching import NAME, Touching, touching_again
from seethrough.findings.canvas import Canvas

__all__ = ["Background", "Detail", "Layout", "Look", "Region", "Spectrum", "Thing", "Touching", "aspect_of"]

Makes = Callable[[Mapping[str, Any], Canvas], Aspect]

KINDS: dict[str, Makes] = {
    "background": lambda said, _: Background(),
    "region": lambda said, _: Region(said["name"], tuple(said["box"]), tuple(map(tuple, said.get("also", ())))),  # type: ignore[arg-type]
    "look": lambda said, _: Look(said["name"], whole=bool(said.get("whole"))),
    "detail": lambda said, _: Detail(said["name"], whole=bool(said.get("whole"))),
    "layout": lambda said, _: Layout(said["name"]),
    "spectrum": lambda said, _: Spectrum(tuple((y, x, reach) for y, x, reach in said["discs"]), said["name"]),
    "thing": lambda said, canvas: (touching_again if said["name"] == NAME else thing_again)(said, canvas),
}
"""From a kind to what makes it of plain data again."""


def aspect_of(said: Mapping[str, Any], canvas: Canvas) -> Aspect:
    """The aspect that wrote itself down so.

    Raises
    ------
    InputRefused
        Of a kind that nobody knows.
    """
    if said.get("kind") not in KINDS:
        raise InputRefused(
            f"There is no aspect of the kind {said.get('kind')!r}; these findings are of another version."
        )
    return KINDS[said["kind"]](said, canvas)
