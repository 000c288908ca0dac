"""``recommend`` and ``tune``: which methods suit a network and its pictures, and which settings of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seethrough.cli.opening import Words, open_to_ask
from seethrough.cli.options import number_or_word, target
from seethrough.cli.predicting import say_notes
from seethrough.cli.terminal import one_line, say, say_json
from seethrough.errors import UsageError


def recommend(
    words: Words, images: Sequence[str], said: str | None, *, check: bool, tries: int, language: str, as_json: bool
) -> int:
    """Say which three methods, and why."""
    from seethrough.show.language import known_language

    known_language(language)
    from seethrough.evaluation.recommend import recommend as ask

    net = open_to_ask(words)
    wanted = None if said is None else target(said)
    found = ask(net, _several(images), wanted, check=check, tries=tries, seed=words.seed or 0)
    if as_json:
        say_json(found.to_dict())
        return 0
    for line in found.words(language).splitlines():
        say(one_line(line))
    say_notes(found.notes, language)
    say(f"--methods {','.join(found.methods)}")
    return 0


def tune(
    words: Words,
    method: str,
    images: str,
    said: str | None,
    *,
    tried: Sequence[str],
    metric: str | None,
    budget: str | None,
    layer: str | None,
    language: str,
    as_json: bool,
) -> int:
    """Say which settings were best, and by how much they beat the defaults on other pictures."""
    from seethrough.attribution import method_named
    from seethrough.show.language import known_language, measured
    from seethrough.show.words import note_words

    known_language(language)
    method_named(method)
    settings = _tried(tried)
    from seethrough.evaluation.tune import tune as ask

    net = open_to_ask(words)
    wanted = None if said is None else target(said)
    found = ask(
        net, method, images, wanted, settings=settings, metric=metric, layer=layer, budget=budget, seed=words.seed or 0
    )
    if as_json:
        say_json(found.to_dict())
        return 0
    for each, score in sorted(found.tried, key=lambda pair: -pair[1]):
        say(one_line(f"{measured(score):>10}  {_in_words(each)}"))
    for note in found.notes:
        say(one_line(note_words(note).in_(language)))
    say(one_line(_in_words(found.settings)))
    return 0


def _several(images: Sequence[str]) -> str | list[str]:
    """One path may be a folder; several are pictures."""
    return images[0] if len(images) == 1 else list(images)


def _tried(said: Sequence[str]) -> dict[str, list[float | int | str | None]] | None:
    """``noise=0.1,0.2`` as values by setting.

    >>> _tried(["noise=0.1,0.2", "fill=mean,blur"])
    {'noise': [0.1, 0.2], 'fill': ['mean', 'blur']}
    """
    found: dict[str, list[float | int | str | None]] = {}
    for each in said:
        name, equals, values = each.partition("=")
        if not equals or not values.strip(","):
            raise UsageError(f"--try takes a setting and values, such as noise=0.1,0.2; this is {each!r}.")
        found[name.strip()] = [_value(v.strip()) for v in values.split(",") if v.strip()]
    return found or None


def _value(said: str) -> float | int | str | None:
    if said.isdecimal():
        return int(said)
    return None if said.casefold() == "none" else number_or_word(said)


def _in_words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings.items())
