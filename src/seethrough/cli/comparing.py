"""``compare``: two answers, two layers or two networks side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seethrough.cli.destinations import destination
from seethrough.cli.explaining import Question, refuse_missing, say_maps
from seethrough.cli.items import each
from seethrough.cli.opening import Words, open_to_ask
from seethrough.cli.options import target
from seethrough.cli.predicting import say_answers, say_notes
from seethrough.cli.terminal import one_line, progress, say, say_json
from seethrough.errors import UsageError

if TYPE_CHECKING:
    from seethrough.explanation.compare import Comparison

FILES = (".keras", ".h5", ".hdf5", ".onnx", ".safetensors", ".pt", ".pth", ".pt2")
"""How the names of networks' files end."""


def compare(
    words: Words, named: Sequence[str], asked: Question, *, out: str | None, language: str, as_json: bool
) -> int:
    """Compare for each picture: print where the answers differ, and write what ``-o`` names."""
    from seethrough.show.language import known_language

    known_language(language)
    other, images = networks_and_pictures(named)
    _refuse_unclear(asked, other)
    where = None if out is None else destination(out, images)
    keywords = {**asked.keywords(words), **_sides(asked)}
    if len(asked.layers) == 2 and not asked.methods:
        keywords["methods"] = None
    refuse_missing(images)
    net = open_to_ask(words)
    second = None if other is None else open_to_ask(replace(words, model=other))
    records: list[dict[str, Any]] = []

    def work(i: int, image: str) -> None:
        from seethrough.explanation.compare import compare

        with progress() as step:
            found = compare(net, image, other=second, progress=step, **keywords)
        file = None
        if where is not None:
            where.make_folder()
            file = found.save(where.files[i], language=language)
        if as_json:
            records.append(_record(image, found, file))
            return
        if i:
            say()
        _say(found, language, image, file)

    items = each(images, work)
    if as_json:
        say_json({"images": records, "failed": [f.to_dict() for f in items.failed]})
    return items.exit_code


def networks_and_pictures(named: Sequence[str]) -> tuple[str | None, list[str]]:
    """What stands behind the first network: a second one, or none, and pictures.

    Raises
    ------
    UsageError
        No picture, or more than two networks.

    >>> networks_and_pictures(["keras:VGG16", "cat.jpg"])
    ('keras:VGG16', ['cat.jpg'])
    """
    networks, images = [n for n in named if is_network(n)], [n for n in named if not is_network(n)]
    if len(networks) > 1:
        raise UsageError(f"A comparison is of two networks; {networks[1]!r} would be a third.")
    if networks and named[0] != networks[0]:
        raise UsageError(
            f"The second network, {networks[0]!r}, stands right behind the first, and the pictures behind both."
        )
    if not images:
        raise UsageError(f"{named[0]!r} is a network, and no picture is named; name one behind it.")
    return (networks[0] if networks else None), images


def is_network(named: str) -> bool:
    """Whether a word names a network, as ``explain`` takes it, and no picture."""
    from seethrough.models.open import SCHEMES, is_function_file

    scheme, colon, _ = named.partition(":")
    path = Path(named)
    return (
        (bool(colon) and scheme in SCHEMES)
        or is_function_file(named)
        or path.suffix.casefold() in FILES
        or (path / "config.json").is_file()
    )


def _refuse_unclear(asked: Question, other: str | None) -> None:
    """Before a network is opened: whether there is one thing to compare."""
    for option, said in (("--target", asked.targets), ("--layer", asked.layers)):
        if len(said) > 2:
            raise UsageError(f"A comparison is of two: {option} is said {len(said)} times.")
    pairs = [len(asked.targets) == 2, len(asked.layers) == 2, other is not None]
    if not any(pairs):
        raise UsageError("There is nothing to compare; say --target twice, --layer twice, or name a second network.")
    if sum(pairs) > 1:
        raise UsageError("Two things at once can't be told apart in one map; compare targets, layers or networks.")


def _sides(asked: Question) -> dict[str, Any]:
    """Targets and layers: a pair is compared, one alone holds for both."""
    targets = [target(word) for word in asked.targets]
    return {
        "target": tuple(targets) if len(targets) == 2 else targets[0] if targets else None,
        "layer": tuple(asked.layers) if len(asked.layers) == 2 else asked.layers[0] if asked.layers else None,
    }


def _say(found: Comparison, language: str, image: str, file: Path | None) -> None:
    from seethrough.explanation.compare import NETWORKS
    from seethrough.show.comparing import differ, side
    from seethrough.show.words import method_words

    say(one_line(image))
    for name, explanation in zip(found.names[0], (found.first, found.second)):
        say(f"\n{one_line(side(name))}")
        if found.of == NETWORKS or explanation is found.first:
            say_answers(explanation.prediction.top(5))
        say_maps(explanation, 0, language)
    say()
    for method in found.differences:
        name = method_words(method).name.in_(language)
        say(f"{name}: {one_line(differ(found, method, 0).in_(language))}")
    say_notes(found.notes, language)
    if file is not None:
        say(one_line(file))


def _record(image: str, found: Comparison, file: Path | None) -> dict[str, Any]:
    from seethrough.report.compared_page import as_json

    return {"image": image, "file": None if file is None else str(file), "comparison": json.loads(as_json(found))}
