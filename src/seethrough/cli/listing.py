"""``methods``: which methods of attribution there are."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from seethrough.cli.terminal import say_json, show_table


@dataclass(frozen=True, slots=True)
class Told:
    """A row of the table of methods."""

    name: str
    family: str
    needs: str
    cost: str
    good_for: str
    source: str


def methods(*, as_json: bool) -> None:
    """Print the table of methods, family by family."""
    rows = table()
    if as_json:
        say_json([asdict(row) for row in rows])
        return
    families = dict.fromkeys(row.family for row in rows)
    sections = [
        (family, [(r.name, r.needs, r.cost, r.good_for, r.source) for r in rows if r.family == family])
        for family in families
    ]
    show_table(("method", "needs", "cost for one picture", "good for", "source"), sections)


def table() -> tuple[Told, ...]:
    """Every method, in the order they are presented."""
    from seethrough.attribution import METHODS

    return tuple(Told(m.name, m.family, m.needs.value, m.cost, m.good_for, m.source) for m in METHODS.values())
