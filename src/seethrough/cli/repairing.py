"""``repair``: a network mended of what its answers go by and shouldn't, written as a network of the person's own kind."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seethrough.cli.auditing import classes_called, told_how_to_go_on
from seethrough.cli.counting import say_passed
from seethrough.cli.failures import SOME_FAILED
from seethrough.cli.opening import Words, as_typed, open_to_ask
from seethrough.cli.predicting import say_notes
from seethrough.cli.terminal import one_line, progress, say, say_json
from seethrough.errors import UsageError

if TYPE_CHECKING:
    from seethrough.findings.record import Record
    from seethrough.network import Network
    from seethrough.remedies.repaired import Repair


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, as typed."""

    findings: str | None
    answers: Sequence[str]
    answers_file: str | None
    truth: str | None
    called: Sequence[str]
    masks: str | None
    boxes: str | None
    rungs: Sequence[str]
    minutes: float | None
    allow_wrapper: bool = False
    anyway: bool = False


def repair(words: Words, images: str, asked: Question, *, out: str | None, language: str, as_json: bool) -> int:
    """Mend, print what came of it, and write the repaired network where ``-o`` says.

    Returns
    -------
    int
        1 where some pictures couldn't be read, or a file was named and there is nothing to write; else 0.
    """
    from seethrough.show.language import known_language

    known_language(language)
    if asked.findings is None:
        raise UsageError(
            "Nothing says what is to be mended; name the folder that audit -o wrote as --findings, or try with --health what the "
            "verb health advises."
        )
    called = classes_called(asked.called)
    answers = _answers(asked)
    from seethrough.findings.record import record_of
    from seethrough.remedies.admitted import faults_of, refuse_function
    from seethrough.remedies.kept import refuse_unfit
    from seethrough.remedies.repair import refuse_unknown
    from seethrough.remedies.repair import repair as mend

    refuse_unknown(asked.rungs)
    record = record_of(asked.findings)  # says what is wrong with it, or with the answers, before a network is opened
    faults_of(record, answers)
    net = open_to_ask(words)
    refuse_function(net)
    record.refuse_other(net)
    if out is not None:
        refuse_unfit(net, out)
    with told_how_to_go_on(record.folder, "What was asked and learned"), progress() as step:
        found = mend(
            net, asked.findings, images, answers=answers, truth=asked.truth, masks=asked.masks, boxes=asked.boxes,
            called=called or None, rungs=list(asked.rungs) or None, minutes=asked.minutes, seed=words.seed or 0,
            allow_wrapper=asked.allow_wrapper, unless_worse=not asked.anyway, progress=step,
        )  # fmt: skip
    file = found.save(out) if out is not None and found.network is not None else None
    if as_json:
        say_json({"files": [] if file is None else [str(file)], **found.to_dict()})
    else:
        _say(found, language)
        _say_file(found, net, words, asked, record, file, out, language)
    code = say_passed(found.passed_by)
    return SOME_FAILED if out is not None and file is None else code


def _answers(asked: Question) -> str | list[str]:
    if asked.answers and asked.answers_file is not None:
        raise UsageError("--answer and --answers both say what only happens to be there; leave one of them out.")
    if not asked.answers and asked.answers_file is None:
        raise UsageError(
            "Nothing says which finding only happens to be there and is to be mended; say so, for instance --answer 1=background."
        )
    return asked.answers_file if asked.answers_file is not None else list(asked.answers)


def _say(found: Repair, language: str) -> None:
    from seethrough.show import repair_words as speak

    say(one_line(f"[{speak.verdict(found).in_(language)}] {speak.said(found).in_(language)}"))
    say()
    for line in speak.lines(found):
        say(one_line(line.in_(language)))
    changed = speak.how(found)
    if changed is not None:
        say()
        say(one_line(changed.in_(language)))
    if found.tried:
        say()
        say(speak.TRIED.in_(language))
    for each in found.tried:
        say(f"   {one_line(speak.tried(each).in_(language))}")
    say_notes(found.notes, language)


def _say_file(
    found: Repair,
    net: Network,
    words: Words,
    asked: Question,
    record: Record,
    file: Path | None,
    out: str | None,
    language: str,
) -> None:
    from seethrough.show import repair_words as speak

    if file is None:
        if out is not None:
            say()
            say(one_line(speak.NOT_WRITTEN.say(language, file=out)))
        if found.network is None and any(each.score is not None for each in found.tried):
            say(speak.ANYWAY.in_(language))
        return
    say()
    say(f"written to {one_line(file)}")
    say(
        one_line(
            speak.OPEN_WITH.say(
                language, command=shlex.join(["seethrough", "explain", *reopened(net, words, file), "PICTURE"])
            )
        )
    )
    command = [
        "seethrough",
        "prove",
        words.model,
        str(file),
        "FOLDER/",
        "--findings",
        str(asked.findings),
        *as_typed(words),
    ]
    command += _drawn(str(record.said["provenance"].get("masks") or ""))
    say(one_line(speak.PROVE_WITH.say(language, command=shlex.join(command))))


def _drawn(said: str) -> list[str]:
    """As the audit was told where things are, so has to be the proof, of other pictures."""
    from seethrough.findings.drawn import ESTIMATED

    if said == ESTIMATED:
        return ["--masks", "estimate"]
    options = {"masks": ["--masks", "MASKS/"], "boxes": ["--boxes", "BOXES.csv"]}
    return options.get(said.partition(" ")[0], [])


def reopened(net: Network, words: Words, file: Path) -> list[str]:
    """What names the repaired network in a command: as the first was named, with its new weights; and what the first one's name
    said by itself, where the file doesn't.
    """
    from seethrough.images import USUAL
    from seethrough.models.labels import imagenet_names
    from seethrough.remedies.kept import opens_with

    named = list(opens_with(net, file))
    if named[-1] == "--architecture":
        named.append(words.architecture or "PACKAGE.MODULE:FUNCTION")
    preprocessing, classes = words.preprocessing, words.classes
    if named[0] != words.model:
        known = net.opened.preprocessing
        if preprocessing is None and known is not None and USUAL.get(known.name) == known:
            preprocessing = known.name
        if classes is None and net.classes == imagenet_names():
            classes = "imagenet"
    said = {
        "--input-size": words.input_size,
        "--classes": classes,
        "--preprocessing": preprocessing,
        "--output": words.output,
        "--task": words.task,
    }
    for option, value in said.items():
        named += [] if value is None else [option, value]
    return named + (["--allow-code"] if words.allow_code and "--allow-code" not in named else [])


__all__ = ["Question", "reopened", "repair"]
