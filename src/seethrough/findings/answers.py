"""Answers: what a person said of each finding, whether it is part of the class or only happens to be there.

No measurement can tell: that a leopard has spots and that it stands on snow are told apart by nobody but a person.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seethrough.errors import InputRefused, UsageError
from seethrough.findings.audit import Audit

BACKGROUND, CLASS = "background", "class"
"""It only happens to be there; it is part of the class."""

FORMAT = "seethrough answers 1"
"""What a file of answers, as the page of an audit writes it, says that it is."""

LARGEST = 2**20

Said = str | os.PathLike[str] | Mapping[Any, str] | Sequence[str] | None


def answers_of(said: Said, audit: Audit | Mapping[str, Any]) -> dict[int, str]:
    """What was said of each finding.

    Parameters
    ----------
    said
        A mapping from a finding's number, in the page's order from 1, or from a kind (``"background"``), a name
        (``"hue"``) or both (``"look hue"``) to ``"background"`` or ``"class"``; texts such as ``"1=background"``, several
        with commas between them or as a list; or the file that the page writes. A number counts for more than a name,
        and a name for more than a kind.
    audit
        The audit, or its ``to_dict()``, as ``findings.json`` holds it.

    Returns
    -------
    dict
        From the number of a finding, from 1, to `BACKGROUND` or `CLASS`; those of which nothing was said are absent.

    Raises
    ------
    UsageError
        Another answer than these two, a finding that isn't there, answers to another audit.
    InputRefused
        A file that can't be read.
    """
    record = audit.to_dict() if isinstance(audit, Audit) else audit
    aspects = [(f["aspect"]["kind"], f["aspect"].get("name", "")) for f in record["findings"]]
    found: dict[int, tuple[int, str]] = {}
    for key, answer in _pairs(said, record):
        if answer not in (BACKGROUND, CLASS):
            raise UsageError(
                f"A finding is {BACKGROUND!r} (it only happens to be there) or {CLASS!r} (it is part of the class), and not "
                f"{answer!r}, as was said of {key!r}."
            )
        for number, weight in _meant(key, aspects):
            if weight >= found.get(number, (0, ""))[0]:
                found[number] = weight, answer
    return {number: found[number][1] for number in sorted(found)}


def _meant(key: str, aspects: Sequence[tuple[str, str]]) -> list[tuple[int, int]]:
    """The findings that a key means, each with how exactly it does."""
    if key.isdecimal():
        if not 1 <= int(key) <= len(aspects):
            raise UsageError(f"There is no finding {key}; the audit has {len(aspects)}, counted from 1.")
        return [(int(key), 3)]
    wanted = " ".join(key.split())
    meant = [
        (number, 1 if wanted == kind else 2)
        for number, (kind, name) in enumerate(aspects, 1)
        if wanted in (kind, name, f"{kind} {name}") and wanted
    ]
    if not meant:
        there = ", ".join(dict.fromkeys(f"{kind} {name}".strip() for kind, name in aspects)) or "none"
        raise UsageError(f"There is no finding of {key!r}; there are: {there}.")
    return meant


def _pairs(said: Said, record: Mapping[str, Any]) -> list[tuple[str, str]]:
    if said is None:
        return []
    if isinstance(said, Mapping):
        return [(str(key), str(answer)) for key, answer in said.items()]
    if isinstance(said, os.PathLike) or (isinstance(said, str) and "=" not in said):
        return _of_file(Path(said), record)
    texts = [said] if isinstance(said, str) else list(said)
    pairs = []
    for text in (part.strip() for each in texts for part in str(each).split(",")):
        key, equals, answer = text.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"An answer is a finding and what it is, such as 1={BACKGROUND}, and not {text!r}.")
        pairs.append((key.strip(), answer.strip()))
    return pairs


def _of_file(path: Path, record: Mapping[str, Any]) -> list[tuple[str, str]]:
    where = f"The file of answers {str(path)!r}"
    try:
        if path.stat().st_size > LARGEST:
            raise InputRefused(f"{where} is too large to be one; give what the page of the audit saved.")
        held = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise InputRefused(f"{where} can't be read: {error.strerror or error}.") from error
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputRefused(f"{where} holds no JSON; give what the page of the audit saved.") from error
    answers = held.get("answers", None) if isinstance(held, Mapping) else None
    if not isinstance(answers, Mapping) or held.get("format") != FORMAT:
        raise InputRefused(f"{where} holds no answers to an audit; give what the page of the audit saved.")
    own, theirs = str(record["provenance"].get("fingerprint", "")), str(held.get("fingerprint", ""))
    if own and theirs and own != theirs:
        raise UsageError(f"{where} answers an audit of another network ({theirs}, and this one is {own}).")
    _refuse_other_findings(where, held, record)
    return [(str(key), str(answer)) for key, answer in answers.items()]


def _refuse_other_findings(where: str, held: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    """A number means a finding of the very audit that was answered, and another one of the same network may have others."""
    findings = held.get("findings")
    for key, finding in findings.items() if isinstance(findings, Mapping) else ():
        if not str(key).isdecimal() or not isinstance(finding, Mapping):
            continue
        number = int(key)
        own = record["findings"][number - 1]["aspect"] if 1 <= number <= len(record["findings"]) else {}
        if (own.get("kind"), own.get("name", "")) != (finding.get("kind"), finding.get("name", "")):
            said = f"{finding.get('kind')} {finding.get('name', '')}".strip()
            raise UsageError(f"{where} answers another audit: there finding {key} is {said!r}, and here it isn't.")


__all__ = ["BACKGROUND", "CLASS", "FORMAT", "answers_of"]
