"""Belonging: which output each picture of a collection belongs to, by what a person calls the classes; and what of the
pictures can't be used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seethrough.datasets.collection import Collection
from seethrough.errors import InputRefused, NetworkRefused, UsageError
from seethrough.findings.facts import Facts
from seethrough.findings.fitting import notes_of_masks
from seethrough.jobs import classes_of
from seethrough.models.labels import resolve
from seethrough.network import Network
from seethrough.results import Note

NAMED = 3
"""Names that a message or note gives as examples."""

LEAST = 4
"""Pictures that a class needs, so that there is one for each part."""


@dataclass(frozen=True, eq=False)
class Belonging:
    """Which output each picture belongs to.

    Attributes
    ----------
    outputs
        int64 (N,); −1 where that isn't known.
    called
        From a class as the pictures say it to its output.
    notes
        ``truth_unmatched`` where some classes are no outputs.
    """

    outputs: NDArray[np.int64]
    called: Mapping[str, int]
    notes: tuple[Note, ...] = ()


def belonging(net: Network, collection: Collection, called: Mapping[str, str | int] | None = None) -> Belonging:
    """Which output each picture belongs to.

    Parameters
    ----------
    called
        What the network calls a class of the pictures, where the two differ: ``{"snow": "snow leopard"}``, or the
        output's number.

    Raises
    ------
    UsageError
        No class is the network's, or only one is; ``called`` speaks of a class or output that isn't there.
    """
    named = net.classes
    found = classes_of(_as_called(net, collection, called or {}), named, None if named is not None else _outputs(net))
    pairs = {t: int(k) for t, k in zip(collection.truths, found.indices) if t is not None and k >= 0}
    if not pairs:
        raise UsageError(_unknown(net, collection))
    if len(set(pairs.values())) < 2:
        more = (
            f" ({', '.join(map(repr, list(found.unmatched)[:NAMED]))} are none of its outputs)"
            if found.unmatched
            else ""
        )
        raise UsageError(
            f"All pictures whose class the network knows belong to one ({next(iter(pairs))!r}){more}; an audit compares "
            "classes, so give pictures of two at least."
        )
    notes = ()
    if found.unmatched:
        some = ", ".join(list(found.unmatched)[:NAMED])
        notes = (Note("truth_unmatched", "warning", {"count": len(found.unmatched), "some": some}),)
    return Belonging(found.indices, pairs, notes)


def _as_called(net: Network, collection: Collection, called: Mapping[str, str | int]) -> Collection:
    """The collection with the network's names for its classes."""
    for own, theirs in called.items():
        if own not in collection.truths:
            there = ", ".join(map(repr, list(dict.fromkeys(t for t in collection.truths if t is not None))[:NAMED]))
            raise UsageError(f"No picture's class is called {own!r}; there are {there or 'none'}.")
        resolve(theirs, net.classes, None if net.classes is not None else _outputs(net))  # says what is wrong with it
    if not called:
        return collection
    items = (
        replace(item, truth=str(called[item.truth])) if item.truth is not None and item.truth in called else item
        for item in collection
    )
    return Collection(tuple(items), collection.source)


def _outputs(net: Network) -> int | None:
    """How many classes the network tells apart, where that can be seen without asking it; one output is two classes."""
    try:
        graph = net.graph()
    except NetworkRefused:
        return None
    count = graph.output.shape(graph.values[graph.output.value].shape)[1]
    return max(2, count) if isinstance(count, int) else None


def _unknown(net: Network, collection: Collection) -> str:
    said = list(dict.fromkeys(t for t in collection.truths if t is not None))
    if not said:
        return (
            "Which class a picture belongs to must be known, and nothing says it: put the pictures into folders named "
            "like the classes, or give truth, a class for each picture."
        )
    theirs = ", ".join(map(repr, net.classes[:NAMED])) if net.classes is not None else "numbered 0, 1, …"
    first = net.classes[0] if net.classes is not None else 0
    return (
        f"The pictures' classes ({', '.join(map(repr, said[:NAMED]))}) are none of the network's outputs, which are {theirs}; "
        f"say which is which with called, as in called={{{said[0]!r}: {first!r}}}."
    )


def refuse_too_few(belongs: Belonging, usable: NDArray[np.int64] | None = None) -> None:
    """Say so where there is nothing to compare, before anything is looked at.

    Parameters
    ----------
    usable
        int64 (N,): the same outputs with −1 for pictures that can't be used; by default all can.

    Raises
    ------
    InputRefused
        Fewer than two classes with `LEAST` pictures; says which have how many.
    """
    there = Counter(belongs.outputs[belongs.outputs >= 0].tolist())
    used = there if usable is None else Counter(usable[usable >= 0].tolist())
    if sum(used[k] >= LEAST for k in there) >= 2:
        return
    names: dict[int, str] = {}
    for called, k in belongs.called.items():
        names.setdefault(k, called)
    small = sorted((k for k in there if used[k] < LEAST), key=lambda k: -used[k])  # first what is nearly enough
    some = [f"{names[k]!r} ({_count(used[k], there[k])})" for k in small[:NAMED]]
    if len(small) > NAMED:
        some.append(f"{len(small) - NAMED} more")
    said = " and ".join(filter(None, [", ".join(some[:-1]), some[-1]]))
    raise InputRefused(
        f"There are too few pictures of {said} to find, judge, repair and prove with different ones; give {LEAST} of each of two "
        "classes at least."
    )


def _count(used: int, there: int) -> str:
    return str(there) if used == there else f"{there}, of which {used} can be used"


def refuse_too_few_left(facts: Facts, belongs: Belonging) -> None:
    """Say so where too few are left of what was looked at.

    Parameters
    ----------
    belongs
        What each picture belongs to; in ``facts`` those that can't be used have −1.

    Raises
    ------
    InputRefused
        Fewer than two classes with `LEAST` pictures; or most pictures are lost by masks that miss.
    """
    missed, with_class = unusable(facts, belongs.outputs), int((belongs.outputs >= 0).sum())
    try:
        refuse_too_few(belongs, facts.classes)
    except InputRefused as error:
        if missed <= with_class / 2:
            raise
        raise InputRefused(
            f"On {missed} of {with_class} pictures the masks or boxes cover nothing, or everything; see whether they belong "
            "to these pictures, and count in pixels of theirs."
        ) from error


def unusable(facts: Facts, given: NDArray[np.int64]) -> int:
    """How many pictures of a known class take no part, because their mask covers nothing or everything."""
    return 0 if facts.fore is None else int(((given >= 0) & facts.unmasked).sum())


def notes_of(
    facts: Facts, given: NDArray[np.int64], judges: NDArray[np.int64], few: int, *, estimated: bool = False
) -> list[Note]:
    """How far the pictures go.

    Parameters
    ----------
    judges
        Numbers of those that judge; of fewer than ``few`` it is said that they can prove little.
    estimated
        Whether it was tried to estimate where the things are.
    """
    notes: list[Note] = []
    notes += notes_of_masks(facts, given, estimated)
    if not facts.heat.any():
        notes.append(Note("no_evidence", "info"))
    if len(judges) < few:
        notes.append(Note("few_judges", "warning", {"count": len(judges)}))
    without = int((given < 0).sum())
    if without:
        notes.append(Note("pictures_without_class", "warning", {"count": without}))
    used, there = (Counter(classes[classes >= 0].tolist()) for classes in (facts.classes, given))
    small = [k for k in sorted(there) if used[k] < LEAST]
    if small:
        some = ", ".join(f"{facts.labels[k]} ({used[k]})" for k in small[:NAMED]) + (
            ", …" if len(small) > NAMED else ""
        )
        notes.append(Note("classes_too_small", "warning", {"count": len(small), "some": some, "least": LEAST}))
    chance = 1 / len(facts.asked)
    among = facts.answers[judges][:, list(facts.asked)].argmax(1)
    right = float((np.array(facts.asked)[among] == facts.classes[judges]).mean()) if len(judges) else 1.0
    if right <= chance + 0.05 and len(judges) >= few:
        notes.append(Note("right_by_chance", "warning", {"right": right, "chance": chance}))
    return notes
