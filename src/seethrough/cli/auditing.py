"""``audit``: whether a network is right for the right reason, over a folder of pictures."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seethrough.cli.counting import say_passed
from seethrough.cli.failures import SOME_FAILED
from seethrough.cli.opening import Words, as_typed, open_to_ask
from seethrough.cli.options import target
from seethrough.cli.predicting import say_notes
from seethrough.cli.terminal import one_line, progress, say, say_json
from seethrough.errors import InputRefused, UsageError

if TYPE_CHECKING:
    from seethrough.findings.audit import Audit

PAGE, RECORD = "audit.html", "findings.json"
"""What is written into the folder, beside ``looked/`` and ``judged/``, from which the same command goes on."""

PRINTED = 12
"""Findings of a kind that are printed."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the network; as typed."""

    truth: str | None
    called: Sequence[str]
    masks: str | None
    boxes: str | None
    finders: Sequence[str]
    strict: bool = False
    words: str | None = None


def audit(words: Words, images: str, asked: Question, *, out: str | None, language: str, as_json: bool) -> int:
    """Audit, print the verdict, and write the page and the record into the folder that ``-o`` names.

    Returns
    -------
    int
        1 where some pictures couldn't be read, or, if strict, where something is proven; else 0: findings are no failures.
    """
    from seethrough.show.language import known_language

    known_language(language)
    called = classes_called(asked.called)
    folder = None if out is None else _folder(out)
    from seethrough.findings.audit import audit as examine
    from seethrough.findings.finders import refuse_unknown
    from seethrough.models.again import FUNCTION
    from seethrough.remedies.names import named_by

    refuse_unknown(asked.finders)
    net = named_by(open_to_ask(words), called)
    with told_how_to_go_on(folder), _taken_back(folder), progress() as step:
        found = examine(
            net,
            images,
            truth=asked.truth,
            masks=asked.masks,
            boxes=asked.boxes,
            called=called,
            folder=folder,
            finders=list(asked.finders) or None,
            words=asked.words,
            seed=words.seed or 0,
            progress=step,
        )
    from seethrough.show import audit_words

    files = []
    if folder is not None:
        with told_how_to_go_on(folder):
            files = [found.save(folder / name, language=language) for name in (PAGE, RECORD)]
    if as_json:
        say_json({"files": [str(file) for file in files], **found.to_dict()})
    else:
        _say(found, language)
        for file in files:
            say(f"written to {one_line(file)}")
        if out is not None and found.proven and net.opened.framework != FUNCTION:
            command = ["seethrough", "repair", words.model, images, "--findings", out, "--answer", "1=background"]
            command = shlex.join([*command, *as_typed(words), "-o", "FILE"])
            say(one_line(audit_words.MEND_WITH.say(language, command=command)))
    code = say_passed(found.passed)
    return SOME_FAILED if asked.strict and found.proven else code


@contextmanager
def told_how_to_go_on(folder: Path | None, kept: str = "What was looked at and judged") -> Iterator[None]:
    """Ctrl-C and SIGTERM leave with a word on what is kept, where the pass over the pictures hasn't said it already."""
    try:
        yield
    except BaseException as error:
        if folder is not None and not isinstance(error, Exception) and not getattr(error, "__notes__", ()):
            error.add_note(f"{kept} is kept in {folder}; run the same again to go on.")
        raise


@contextmanager
def _taken_back(folder: Path | None) -> Iterator[None]:
    """A folder that the command made goes with a refusal, such as of masks that miss: the same command, mended, is another run."""
    made = folder is not None and not folder.exists()
    try:
        yield
    except (InputRefused, UsageError):
        if folder is not None and made:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def classes_called(said: Sequence[str]) -> dict[str, str | int]:
    """``["snow=snow leopard", "desert=1"]`` as a mapping."""
    found: dict[str, str | int] = {}
    for each in said:
        own, equals, theirs = each.partition("=")
        if not equals or not own.strip() or not theirs.strip():
            raise UsageError(
                f"--called takes a class of the pictures and what the network calls it, such as 'snow=snow leopard', and not "
                f"{each!r}."
            )
        found[own.strip()] = target(theirs.strip())
    return found


def _folder(said: str) -> Path:
    """Where the audit is kept; refused before the work begins where it can't be."""
    from seethrough.writing import refuse_unwritable

    folder = Path(said)
    if folder.suffix.lower() in (".html", ".json", ".png", ".svg") or folder.is_file():
        raise UsageError(
            f"An audit is a folder, with a page and a record in it; name one such as audit/, not {said!r}."
        )
    refuse_unwritable(folder / PAGE if folder.is_dir() else folder)
    return folder


def _say(found: Audit, language: str) -> None:
    from seethrough.findings.judge import NOT_FOUND
    from seethrough.show import audit_words
    from seethrough.show.audit_spoken import in_own_words

    say(one_line(audit_words.said(found).in_(language)))
    say(one_line(audit_words.counted(found).in_(language)))
    say(one_line(audit_words.classes(found).in_(language)))
    told = [group.main for group in found.groups]
    for k in told[:PRINTED]:
        finding = found.findings[k]
        say()
        heading, verdict = audit_words.heading(found, finding), audit_words.VERDICTS[finding.verdict]
        say(one_line(f"{k + 1}. {heading.in_(language)} [{verdict.in_(language)}]"))
        say(f"   {one_line(audit_words.effect(found, finding).in_(language))}")
        for more in (in_own_words(found, k), audit_words.about(found, k)):
            if more is not None and more.in_(language):
                say(f"   {one_line(more.in_(language))}")
    missing = [finding for finding in found.findings if finding.verdict == NOT_FOUND]
    if len(told) > PRINTED:
        say()
        say(audit_words.MORE.say(language, count=len(told) - PRINTED))
    if missing:
        say()
        say(audit_words.MISSING.in_(language))
    for finding in missing[:PRINTED]:
        say(f"   {one_line(audit_words.missed(found, finding).in_(language))}")
    if len(missing) > PRINTED:
        say(f"   {audit_words.MORE.say(language, count=len(missing) - PRINTED)}")
    rest = audit_words.unnoticed(found)
    if rest is not None:
        say(one_line(rest.in_(language)))
    say_notes(found.notes, language)


__all__ = ["Question", "audit", "classes_called", "told_how_to_go_on"]
