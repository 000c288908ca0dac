"""Forms: what goes in and what comes out, against what was meant: input size, number of outputs, names of classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seethrough.anatomy.checks.trial import (
    Refused,
    Size,
    Taken,
    Trial,
    nearest_sizes,
    output_named,
    step_of,
)
from seethrough.anatomy.findings import Claim, Finding
from seethrough.models.opened import Opened


@dataclass(frozen=True)
class Forms:
    """What a network takes and gives, against what was meant.

    Attributes
    ----------
    trial
        Tries input sizes; None where the network can't be tried, and then ``why_not`` says why.
    meant_input, meant_outputs, meant_classes
        What the person said; None where nothing was.
    """

    opened: Opened
    trial: Trial | None
    why_not: str
    meant_input: Size | None = None
    meant_outputs: int | None = None
    meant_classes: tuple[str, ...] | None = None

    @property
    def size(self) -> Size | None:
        """The input size that is looked at: the one that was meant, else the one that the source knows."""
        return self.meant_input or self.opened.input_size

    def answer(self) -> Taken | Refused | None:
        """What the network does with an input of that size; None where nobody knows a size."""
        return None if self.trial is None or self.size is None else self.trial.confirmed(self.size)

    def working_size(self) -> Size | None:
        """A size that the network takes: the one that was meant, else its own; None where neither is known to go."""
        for size in (self.meant_input, self.opened.input_size):
            if size is not None and self.trial is not None and isinstance(self.trial.confirmed(size), Taken):
                return size
        return None

    def claims(self) -> tuple[Claim, ...]:
        """Of the input; of the outputs; of the classes, where names were given or are known."""
        found = [self._input()]
        if self._scores or self.meant_outputs is not None:
            found.append(self._outputs())
        names = self.meant_classes or (self.opened.classes if self._scores else None)
        if names is not None:
            found.append(self._classes(names))
        return tuple(found)

    # --- the input ----------------------------------------------------------------------------------------------------

    def _input(self) -> Claim:
        answer, meant, own = self.answer(), self.meant_input, self.opened.input_size
        if answer is None:
            return Claim("input", meant, unchecked=self.why_not or "no_size")
        found = {"size": list(self.size or ()), "taken": isinstance(answer, Taken), "own": list(own) if own else None}
        findings: list[Finding] = []
        if isinstance(answer, Refused):
            findings.append(self._refused(answer))
        elif meant is not None and own is not None and meant != own:
            findings.append(Finding("input_differs", "info", (), {"size": list(meant), "own": list(own)}))
        return Claim("input", meant, found, tuple(findings))

    def _refused(self, answer: Refused) -> Finding:
        trial, size = self.trial, self.size
        assert trial is not None and size is not None  # else there was no answer
        tried = dict(trial.others(size, self.opened.input_size))
        taken = [other for other, goes in tried.items() if goes]
        numbers: dict[str, Any] = {
            "size": list(size),
            "reason": answer.reason,
            "takes": [list(other) for other in nearest_sizes(size, taken)],
            **_steps(trial, {**tried, size: False}),
            "tried": len(tried),
        }
        turned = _turned(size)
        if turned in taken and turned != size:
            return Finding("input_axes", "error", (), {**numbers, "turned": list(turned)})
        return Finding("input_refused", "error", (), numbers)

    @property
    def _scores(self) -> bool:
        """Whether each output is a number of its own; a detection network gives boxes, as many as it finds."""
        return self.opened.task != "detection"

    # --- the outputs --------------------------------------------------------------------------------------------------

    def counted(self) -> int | None:
        """How many outputs the meant output has: its channels."""
        if not self._scores:
            return None
        answer = self.answer()
        if not isinstance(answer, Taken) or not answer.outputs:
            size = self.working_size()
            answer = self.trial.attempt(size) if self.trial is not None and size is not None else None
        if not isinstance(answer, Taken) or not answer.outputs:
            return None
        shape = answer.outputs[output_named(answer.outputs, self.opened.output)]
        last = self.opened.layout == "channels_last" or len(shape) < 2
        return 1 if not shape else shape[-1] if last else shape[0]

    def shapes(self) -> Mapping[str, Size]:
        """Shapes of everything that the network returns, by name."""
        answer = self.answer()
        return answer.outputs if isinstance(answer, Taken) else {}

    def _outputs(self) -> Claim:
        count, meant = self.counted(), self.meant_outputs
        if count is None:
            return Claim("outputs", meant, unchecked=self._why_no_outputs())
        findings = () if meant in (None, count) else (
            Finding("outputs_other", "error", (), {"meant": meant, "outputs": count}),
        )  # fmt: skip
        shapes = {name: list(shape) for name, shape in self.shapes().items()}
        return Claim("outputs", meant, {"outputs": count, "shapes": shapes}, findings)

    def _classes(self, names: Sequence[str]) -> Claim:
        count = self.counted()
        meant = len(names) if self.meant_classes is not None else None
        if count is None:
            return Claim("classes", meant, {"names": len(names)}, unchecked=self._why_no_outputs())
        findings = tuple(_misnamed(names, count))
        return Claim("classes", meant, {"names": len(names), "outputs": count}, findings)

    def _why_no_outputs(self) -> str:
        if not self._scores:
            return "boxes"
        return "input_refused" if isinstance(self.answer(), Refused) else self.why_not or "no_size"


def _misnamed(names: Sequence[str], outputs: int) -> Iterator[Finding]:
    if len(names) != outputs:
        yield Finding("classes_other", "error", (), {"names": len(names), "outputs": outputs})


def _turned(size: Size) -> Size:
    """A size with its channels at the other end; it is channels first where its first number is the smallest."""
    return (*size[1:], size[0]) if size and size[0] == min(size) else (*size[-1:], *size[:-1])


def _steps(trial: Trial, tried: Mapping[Size, bool]) -> dict[str, Any]:
    """The step in which height and width must go, and the least size; None where it is something else, or unknown."""
    pictures = {size: goes for size, goes in tried.items() if len(size) == 3}
    depth = next((size[trial.channels] for size, goes in pictures.items() if goes), None)
    alike = {size: goes for size, goes in pictures.items() if size[trial.channels] == depth}
    taken = [size for size, goes in alike.items() if goes]
    refused = [size for size, goes in alike.items() if not goes]
    if not taken:
        return {"step": None, "least": None}
    step = step_of([trial.sides(size) for size in taken], [trial.sides(size) for size in refused])
    return {"step": step, "least": list(min(taken, key=lambda size: (max(trial.sides(size)), size)))}
