"""``check``: what was meant with a network against what is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seethrough.cli.failures import SOME_FAILED
from seethrough.cli.opening import Words, open_to_look
from seethrough.cli.terminal import say_json, show


def check(
    words: Words,
    *,
    frozen: Sequence[str],
    trainable: Sequence[str],
    meant_input: str | None,
    outputs: int | None,
    strict: bool,
    language: str,
    as_json: bool,
) -> int:
    """Print what a network is against what was meant; 0 where it is so, 1 where it isn't.

    Parameters
    ----------
    strict
        Warnings, and what couldn't be checked, count as faults too.
    """
    from seethrough.models.labels import read_classes
    from seethrough.show.check_text import as_rich
    from seethrough.show.language import known_language

    language = known_language(language)
    # Names are what was meant, not what the network is opened with: a wrong number of them is a finding here.
    names = None if words.classes is None else read_classes(words.classes)
    net = open_to_look(replace(words, classes=None))
    found = net.check(frozen=frozen, trainable=trainable, input=meant_input, outputs=outputs, classes=names)
    if as_json:
        say_json({**found.to_dict(), "passed": found.passes(strict=strict), "strict": strict})
    else:
        show(as_rich(found, language=language, strict=strict))
    return 0 if found.passes(strict=strict) else SOME_FAILED
