"""JSON of strangers: measured as text before it becomes objects, which take twenty times as much."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable
from typing import Any

from seethrough.errors import InputRefused
from seethrough.models.archives import unpacking

LARGEST_TEXT = 16 * 2**20
"""The most bytes of a safetensors header or a model's configuration; the largest of Keras' own networks has one."""

MOST_BRACKETS = 500_000
DEEPEST = 200

TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


def parse_json(text: str | bytes, where: str) -> dict[str, Any]:
    """A JSON object of bounded size and depth.

    Parameters
    ----------
    where
        What the text is called at the beginning of a message.

    Raises
    ------
    InputRefused
        Too long, too many brackets, too deep, no UTF-8, no JSON, or no object.
    """
    if len(text) > LARGEST_TEXT:
        raise InputRefused(
            f"{where} has {len(text):,} bytes; the limit is {LARGEST_TEXT:,}. That describes no network."
        )
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
        _refuse_nests(decoded, where)
        parsed = json.loads(decoded)
    except InputRefused:
        raise
    except (ValueError, RecursionError) as error:
        raise InputRefused(
            f"{where} is no JSON that can be read ({type(error).__name__}); copy or download the file again."
        ) from error
    if not isinstance(parsed, dict):
        raise InputRefused(f"{where} isn't a JSON object; the file is broken.")
    return parsed


def _refuse_nests(text: str, where: str) -> None:
    brackets = text.count("[") + text.count("{")
    if brackets > MOST_BRACKETS:
        raise InputRefused(f"{where} holds {brackets:,} brackets; the limit is {MOST_BRACKETS:,}. That is no network.")
    depth = 0
    for token in TOKENS.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            if depth > DEEPEST:
                raise InputRefused(f"{where} nests more than {DEEPEST} deep; that describes no network.")
        elif first in "]}":
            depth -= 1


def read_json(archive: zipfile.ZipFile, member: str, where: str) -> dict[str, Any]:
    """A JSON object in an archive."""
    declared = archive.getinfo(member).file_size
    if declared > LARGEST_TEXT:
        raise InputRefused(
            f"{where} declares {declared:,} bytes for its {member}; the limit is {LARGEST_TEXT:,}. That describes no "
            "network."
        )
    with unpacking(f"The {member} of {where}"):
        text = archive.read(member)
    return parse_json(text, f"The {member} of {where}")


def product(sides: Iterable[int]) -> int:
    """Up to 2⁶³: the true product of a million sides would itself be a bomb."""
    elements = 1
    for side in sides:
        elements = min(elements * abs(side), 2**63)
    return elements
