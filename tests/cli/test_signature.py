"""What a verb's signature says becomes its options, in order, and comes back as it was said."""

from typing import Annotated

import pytest
import typer

from seethrough.cli import options as o
from seethrough.cli import signature
from seethrough.cli.app import command
from seethrough.cli.opening import Words

VERBS = command().commands


def names(verb):
    return [parameter.name for parameter in VERBS[verb].params]


def test_the_network_is_named_first_and_debug_stands_last():
    for verb in VERBS:
        found = names(verb)
        assert found.index("debug") == len([name for name in found if name != "help"]) - 1, verb
        if "allow_code" in found and verb != "methods":  # which takes a network only where it is asked to
            assert found[0] == "model", verb


def test_a_verb_asks_about_the_network_only_what_it_needs():
    """Nothing random in `predict`, no pictures in `summary`, and what a question may take only where one is asked."""
    assert "device" in names("predict") and "seed" not in names("predict")
    assert {"preprocessing", "classes", "device", "seed"}.isdisjoint(names("summary"))
    limited = {verb for verb in VERBS if "memory_limit" in names(verb)}
    assert limited == {"explain", "compare", "evaluate"}
    assert {verb for verb in VERBS if "precision" in names(verb)} == {"explain", "memory"}


def test_what_is_said_about_the_network_arrives_together():
    def look(
        *, images: o.Images, top: Annotated[int, o.writing()] = 5, words: signature.Answering, as_json: o.Json = False
    ):
        return words, images, top, as_json

    app = typer.Typer()
    app.command()(signature.taken_apart(look))
    said = ["my.keras", "a.png", "--device", "cpu", "--top", "3", "--input-size", "8", "--allow-code", "b.png"]
    words = Words("my.keras", device="cpu", input_size="8", allow_code=True)
    assert app(said, standalone_mode=False) == (words, ["a.png", "b.png"], 3, False)


def test_an_option_that_no_network_has_is_a_slip_found_at_once():
    def look(*, words: Annotated[Words, signature.Only(("wieghts",))]) -> int:
        raise AssertionError(words)

    with pytest.raises(AssertionError, match="wieghts"):
        signature.taken_apart(look)
