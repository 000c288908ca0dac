"""``memory``: what it prints and writes, its exit codes, and what it refuses."""

import json

import pytest


def test_it_says_what_training_takes(seethrough, tiny):
    outcome = seethrough("memory", *tiny[:5], "--batch", "8")
    assert outcome.code == 0 and "training on batches of 8" in outcome.out
    assert "state of adam" in outcome.out and "Activations" in outcome.out


def test_json_has_every_number(seethrough, tiny):
    told = json.loads(seethrough("memory", *tiny[:5], "--batch", "8", "--optimizer", "momentum", "--json").out)
    count = 4 * ((27 * 4 + 4) + (36 * 4 + 4) + (4 * 3 + 3))
    assert told["parameters"] == told["gradients"] == told["optimizer_state"] == count
    assert told["batch"] == 8 and told["peak"]["phase"] == "backward"
    assert sum(row["activations"] for row in told["layers"]) == told["activations"]


def test_fits_finds_the_largest_batch(seethrough, tiny):
    told = json.loads(seethrough("memory", *tiny[:5], "--fits", "2MB", "--json").out)
    assert told["peak"] <= 2_000_000 < told["next_peak"] and told["batch"] == told["memory"]["batch"]
    outcome = seethrough("memory", *tiny[:5], "--fits", "2MB")
    assert outcome.code == 0 and outcome.out.startswith("Largest batch")


def test_what_does_not_fit_at_all_is_a_no_that_says_how_much_it_needs(seethrough, tiny):
    outcome = seethrough("memory", *tiny[:5], "--fits", "5kB")
    assert outcome.code == 1 and "Not even a batch of 1 fits into 5 kB: it takes" in outcome.err


def test_inference_and_checkpoints(seethrough, tiny):
    outcome = seethrough("memory", *tiny[:5], "--inference")
    assert outcome.code == 0 and "inference on batches of 1" in outcome.out and "Optimizer" not in outcome.out
    told = json.loads(seethrough("memory", *tiny[:5], "--checkpoint", "0,3", "--json").out)
    assert told["checkpointing"] == ["0", "3"] and told["batch"] == 32


@pytest.mark.parametrize("name", ["memory.png", "memory.svg", "memory.html", "memory.json"])
def test_the_figure_is_written(seethrough, tiny, folder, name):
    outcome = seethrough("memory", *tiny[:5], "-o", name)
    assert outcome.code == 0 and (folder / name).stat().st_size > 500 and f"written to {name}" in outcome.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--batch", "0"), ("--fits", "much"), ("--fits", "2MB", "--batch", "3"), ("--fits", "2MB", "--inference"),
        ("--inference", "--checkpoint", "0"), ("--optimizer", "adamm"), ("--precision", "int4"), ("--checkpoint", "nowhere*"),
        ("-o", "memory.xyz"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_one_sentence(seethrough, tiny, arguments):
    outcome = seethrough("memory", *tiny[:5], *arguments)
    assert outcome.code == 2 and outcome.out == "" and len(outcome.err.strip().splitlines()) == 1
