"""Freezing: which layers train, against which were meant to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from seethrough.anatomy.checks.parts import Part, by_identity, fitting, paths
from seethrough.anatomy.findings import Claim, Finding
from seethrough.errors import nearest
from seethrough.models.opened import Opened


@dataclass(frozen=True)
class Freezing:
    """A network's parts, and which of them a person's patterns name.

    Attributes
    ----------
    frozen, trainable
        Patterns of paths; a pattern that names a layer names all inside of it.
    """

    opened: Opened
    parts: tuple[Part, ...]
    frozen: tuple[str, ...]
    trainable: tuple[str, ...]

    @cached_property
    def holding(self) -> tuple[Part, ...]:
        """The parts that hold parameters; the others neither train nor are frozen."""
        return tuple(p for p in self.parts if p.count)

    def named(self, patterns: Iterable[str]) -> tuple[Part, ...]:
        """The parts with parameters that some pattern names."""
        found = {p.path for pattern in patterns for p in fitting(self.opened, self.holding, pattern)}
        return tuple(p for p in self.holding if p.path in found)

    @cached_property
    def in_both(self) -> tuple[Part, ...]:
        """Meant to be frozen and to train: nothing can be said of these but that."""
        trainable = {p.path for p in self.named(self.trainable)}
        return tuple(p for p in self.named(self.frozen) if p.path in trainable)

    @cached_property
    def meant_frozen(self) -> tuple[Part, ...]:
        return self._without_both(self.named(self.frozen))

    @cached_property
    def meant_trainable(self) -> tuple[Part, ...]:
        return self._without_both(self.named(self.trainable))

    @cached_property
    def unnamed(self) -> tuple[Part, ...]:
        """The parts that no pattern speaks of."""
        named = {p.path for p in (*self.named(self.frozen), *self.named(self.trainable))}
        return tuple(p for p in self.holding if p.path not in named)

    def claims(self) -> tuple[Claim, ...]:
        """What was meant to be frozen and to train, against what does; nothing where nothing was said."""
        found = []
        if self.frozen:
            found.append(Claim("frozen", self.frozen, _counts(self.named(self.frozen)), tuple(self._of_frozen())))
        if self.trainable:
            counts = _counts(self.named(self.trainable))
            found.append(Claim("trainable", self.trainable, counts, tuple(self._of_trainable())))
        return tuple(found)

    def _of_frozen(self) -> Iterable[Finding]:
        yield from self._of_patterns(self.frozen)
        if self.in_both:
            yield _about("meant_both", "error", self.in_both)
        training = tuple(p for p in self.meant_frozen if p.training)
        if training:
            yield _about("frozen_trains", "error", training, parameters=sum(p.training for p in training))
        yield from self._shared_across()
        if not self.trainable:
            yield from self._others()

    def _of_trainable(self) -> Iterable[Finding]:
        yield from self._of_patterns(self.trainable)
        still = tuple(p for p in self.meant_trainable if p.training < p.count)
        if still:
            yield _about("trainable_frozen", "error", still, parameters=sum(p.count - p.training for p in still))
        yield from self._others()

    def _of_patterns(self, patterns: Sequence[str]) -> Iterable[Finding]:
        names = [p.path for p in self.parts]
        for pattern in patterns:
            found = fitting(self.opened, self.parts, pattern)
            if not found:
                hint = nearest(pattern.strip("*"), names).removeprefix(" Nearest: ").rstrip(".")
                numbers = {"pattern": pattern, "nearest": hint, "all": len(names)}
                yield Finding("pattern_fits_nothing", "error", (), numbers)
            elif not any(p.count for p in found):
                yield Finding("pattern_without_parameters", "warning", paths(found), {"pattern": pattern})

    def _shared_across(self) -> Iterable[Finding]:
        """Weights that a layer which is meant to be frozen shares with one which isn't: no optimizer tells them apart."""
        frozen = {p.path for p in self.meant_frozen}
        for holders in by_identity(self.holding).values():
            inside = [p for p, _ in holders if p.path in frozen]
            outside = [p for p, _ in holders if p.path not in frozen]
            if inside and outside and holders[0][1].trainable:
                yield _about("frozen_shared", "warning", (*inside, *outside), parameters=holders[0][1].count)

    def _others(self) -> Iterable[Finding]:
        """What trains, or is frozen, without anybody having said so."""
        training = tuple(p for p in self.unnamed if p.training)
        if training:
            yield _about("unnamed_train", "info", training, parameters=sum(p.training for p in training))
        still = tuple(p for p in self.unnamed if not p.training)
        if still:
            yield _about("unnamed_frozen", "info", still, parameters=sum(p.count for p in still))

    def _without_both(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        both = {p.path for p in self.in_both}
        return tuple(p for p in parts if p.path not in both)


def _counts(parts: tuple[Part, ...]) -> dict[str, int]:
    """How many layers and parameters were meant, and how many of them train. Shared ones count once."""
    own = {w.identity: w for p in parts for w in p.parameters}.values()
    return {
        "layers": len(parts),
        "training_layers": sum(p.training > 0 for p in parts),
        "parameters": sum(w.count for w in own),
        "training_parameters": sum(w.count for w in own if w.trainable),
    }


def _about(name: str, level: str, parts: tuple[Part, ...], **numbers: int) -> Finding:
    return Finding(name, level, paths(parts), numbers)
