"""Asked: what a proof takes from the audit and the repair, and what it refuses before anything is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.datasets.collection import Collection
from seethrough.errors import UsageError
from seethrough.findings.answers import BACKGROUND, Said, answers_of
from seethrough.findings.canvas import Foreground
from seethrough.findings.judge import PROVEN
from seethrough.findings.record import Kept, Record
from seethrough.network import Network, as_network
from seethrough.remedies.edit import edited
from seethrough.remedies.kept import FOLDER, controls_in, record_in
from seethrough.remedies.measure import AFTER, BEFORE
from seethrough.remedies.repaired import Repair
from seethrough.remedies.rung import Edit
from seethrough.remedies.used import Use

Controls = Mapping[str, Network | Edit] | bool
"""As `seethrough.remedies.prove.prove` takes them."""

NEED_MASKS = ("background", "layout")
"""Kinds of aspects that can't be exchanged without knowing where the thing is."""


def told(after: Network, before: Network) -> Network:
    """The repaired network, told what nobody said of it and is known of the first: a file of weights has no preprocessing."""
    opened, known = after.opened, before.opened
    missing: dict[str, Any] = {}
    guessed = opened.preprocessing is None or opened.preprocessing.assumed
    if guessed and known.preprocessing is not None:
        missing["preprocessing"] = known.preprocessing
    if opened.classes is None and known.classes is not None:
        missing["classes"] = known.classes
    if opened.input_size is None and known.input_size is not None:
        missing["input_size"] = known.input_size
    return Network(replace(opened, **missing), after.mode) if missing else after


def network_of(after: Network | Repair | Any) -> Network:
    """The repaired network, of what `repair` gave or opened.

    Raises
    ------
    UsageError
        A repair that gave none.
    """
    if isinstance(after, Repair):
        if after.network is None:
            raise UsageError("The repair found nothing better than the network as it is, so there is nothing to prove.")
        return after.network
    return as_network(after)


def audit_of(findings: Kept | None, after: Network | Repair | Any) -> Kept:
    """The audit: the one that is given, or that a repair in hand was made by.

    Raises
    ------
    UsageError
        There is neither.
    """
    if findings is not None:
        return findings
    if isinstance(after, Repair) and after.audit is not None:
        return after.audit
    raise UsageError("A proof goes on from an audit; give its folder, or what audit gave, as findings=…")


def refuse_same(before: Network, after: Network) -> None:
    """Say so where nothing was repaired."""
    if before.fingerprint == after.fingerprint:
        raise UsageError(
            f"{after.opened.source} is the same network as {before.opened.source}, number for number; give the repaired one."
        )


def refuse_other_grid(networks: Mapping[str, Network]) -> None:
    """Say so where networks can't be shown the same pictures."""
    first = networks[BEFORE]
    for net in networks.values():
        if net.input_size != first.input_size:
            raise UsageError(
                f"{net.opened.source} takes pictures of the size {net.input_size}, and {first.opened.source} of "
                f"{first.input_size}; they can't be shown the same ones."
            )


def refuse_other_outputs(given: Mapping[str, NDArray[np.float32]], before: Network, after: Network) -> None:
    """Say so where networks don't tell as many classes apart."""
    one, other = given[BEFORE].shape[1], given[AFTER].shape[1]
    if one != other:
        raise UsageError(
            f"{after.opened.source} tells {other} classes apart and {before.opened.source} {one}; a repair keeps the classes."
        )


def refuse_unmasked(record: Record, faults: frozenset[int], foreground: Foreground | None) -> None:
    """Say so where what is to be proved gone can't be exchanged, because nobody says where the things are."""
    for number in sorted(faults if foreground is None else ()):
        kind = record.findings[number - 1]["aspect"].get("kind")
        if kind in NEED_MASKS:
            raise UsageError(
                f"Finding {number} ({kind}) can only be exchanged where it is known where the things are; give masks or boxes of "
                "these pictures."
            )


def refuse_used(used: Sequence[Use], force: bool, record: Record) -> None:
    """Say so where pictures were used for a proof before."""
    if used and not force:
        last = used[-1]
        raise UsageError(
            f"These pictures were used for a proof before ({record.folder} tells of one on {last.when}, of {last.after}: "
            f"{last.verdict}), and of several repairs proved on the same pictures the best is partly lucky; give fresh ones, or "
            f"say force=True to do it all the same and have it said."
        )


def faults_said(record: Record, answers: Said, after: Any, made: Mapping[str, Any] | None) -> frozenset[int]:
    """Numbers of the findings that a person called background: as he says it here, as it was said for the repair; where nobody
    said, of those that were proven.
    """
    if answers is not None:
        return frozenset(number for number, said in answers_of(answers, record.said).items() if said == BACKGROUND)
    if isinstance(after, Repair):
        return frozenset(fault.number for fault in after.faults)
    if made is not None:
        return frozenset(int(fault["number"]) for fault in made.get("faults", ()))
    return frozenset(k for k, finding in enumerate(record.findings, 1) if finding["verdict"] == PROVEN)


def classes_as_there(
    record: Record, collection: Collection, called: Mapping[str, str | int] | None
) -> Mapping[str, str | int] | None:
    """What the classes were called in the audit, where nothing else is said and they are called so here too."""
    if called is not None:
        return called
    own = set(collection.truths)
    there: dict[str, str | int] = dict(record.said["provenance"].get("called") or {})
    return {name: theirs for name, theirs in there.items() if name in own} or None


def control_networks(
    before: Network, after: Any, controls: Controls, record: Record, made: Mapping[str, Any] | None
) -> dict[str, Network]:
    """The networks that had the same budget: those that are given, those of the repair in hand, those in the audit's folder."""
    if controls is True and isinstance(after, Repair):
        controls = after.controls
    if controls is True:
        controls = {} if made is None or record.folder is None else controls_in(record.folder / FOLDER, before)
    if not isinstance(controls, Mapping):
        return {}
    return {
        name: edited(before, each) if isinstance(each, Edit) else as_network(each) for name, each in controls.items()
    }


def made_by(record: Record, after: Network) -> Mapping[str, Any] | None:
    """What the audit's folder says of how this very network was made; None where it says nothing."""
    said = None if record.folder is None else record_in(record.folder / FOLDER)
    if said is None or (said.get("after") or {}).get("fingerprint") != after.fingerprint:
        return None
    return said
