"""Every verb does what it says, for people and for programs."""

import json

import numpy as np
import pytest

import seethrough as st


def test_the_version_is_that_of_the_library(seethrough):
    assert seethrough("--version").out == f"seethrough {st.__version__}\n"


def test_without_a_verb_the_verbs_are_listed(seethrough):
    outcome = seethrough()
    assert outcome.code == 0
    assert all(verb in outcome.out for verb in ("summary", "layers", "predict", "explain", "methods", "demo"))


def test_summary_counts_parameters(seethrough, tiny):
    told = json.loads(seethrough("summary", *tiny[:5], "--json").out)
    assert told["parameters"] == (27 * 4 + 4) + (36 * 4 + 4) + (4 * 3 + 3)
    assert told["input_size"] == [3, 32, 32]


def test_summary_draws_a_tree_of_the_layers_that_a_pattern_fits(seethrough, tiny):
    outcome = seethrough("summary", *tiny[:5], "--layer", "[0-3]")
    assert outcome.code == 0 and "Conv2d" in outcome.out and "Linear" not in outcome.out


def test_layers_lists_names_then_tells_all_about_one_and_writes_its_weights(seethrough, tiny, folder):
    assert "Linear" in seethrough("layers", *tiny[:5]).out
    outcome = seethrough("layers", tiny[0], "7", *tiny[1:5], "--weights", "linear.npz")
    assert "out_features" in outcome.out and "linear.npz" in outcome.out
    with np.load(folder / "linear.npz") as file:
        assert sorted((name, file[name].shape) for name in file) == [("bias", (3,)), ("weight", (3, 4))]


def test_layers_as_json_has_the_configuration(seethrough, tiny):
    told = json.loads(seethrough("layers", tiny[0], "0", *tiny[1:5], "--json").out)
    assert told["layers"][0]["configuration"]["out_channels"] == 4


def test_predict_gives_probabilities_that_the_library_gives(seethrough, tiny, folder):
    (folder / "names.txt").write_text("lynx\ncat\nleopard\n")
    told = json.loads(seethrough("predict", *tiny, "cat.png", "--classes", "names.txt", "--top", "2", "--json").out)
    net = st.open(
        "tiny.safetensors", architecture="tiny_cli_network:net", input_size=(3, 32, 32), preprocessing="unit",
        classes=["lynx", "cat", "leopard"],
    )  # fmt: skip
    expected = net.predict("cat.png").top(2)
    assert [(a["label"], a["probability"]) for a in told["images"][0]["answers"]] == [
        (guess.label, pytest.approx(guess.probability)) for guess in expected
    ]


def test_explain_says_a_sentence_for_each_method_and_writes_the_page(seethrough, tiny, folder):
    outcome = seethrough("explain", *tiny, "cat.png", "--methods", "saliency,gradcam", "-o", "why.html")
    assert outcome.code == 0 and "Grad-CAM:" in outcome.out and "Saliency:" in outcome.out
    assert outcome.out.splitlines()[-1] == "why.html"
    assert "Content-Security-Policy" in (folder / "why.html").read_text("utf-8")


@pytest.mark.parametrize("suffix", ["png", "svg", "npz", "json"])
def test_the_suffix_chooses_the_kind_of_file(seethrough, tiny, folder, suffix):
    outcome = seethrough("explain", *tiny, "cat.png", "--methods", "saliency", "-o", f"why.{suffix}")
    assert outcome.code == 0
    head = (folder / f"why.{suffix}").read_bytes()[:5]
    assert head.startswith({"png": b"\x89PNG", "svg": b"<?xml", "npz": b"PK", "json": b"{"}[suffix])


def test_settings_reach_the_methods(seethrough, tiny):
    arguments = ("--methods", "occlusion", "--window", "8", "--stride", "4x8", "--fill", "0.5", "--json")
    method = json.loads(seethrough("explain", *tiny, "cat.png", *arguments).out)["images"][0]["explanation"]["methods"]
    assert method["occlusion"]["settings"] == {"window": 8, "stride": [4, 8], "fill": 0.5}


def test_the_seed_makes_noise_repeatable(seethrough, tiny):
    def maps(seed):
        command = ("explain", *tiny, "cat.png", "--methods", "smoothgrad", "--samples", "2", "--seed", seed, "--json")
        return json.loads(seethrough(*command).out)["images"][0]["explanation"]["images"][0]["maps"]

    assert maps(1) == maps(1) != maps(2)


def test_every_target_is_asked_of_the_picture(seethrough, tiny):
    arguments = ("--methods", "saliency", "--target", "0", "--target", "1 - 2", "--json")
    told = json.loads(seethrough("explain", *tiny, "cat.png", *arguments).out)["images"][0]["explanation"]["images"]
    assert [image["target"]["indices"] for image in told] == [[[0, 1]], [[1, 1], [2, -1]]]


def test_words_are_chinese_where_that_is_asked_for(seethrough, tiny):
    outcome = seethrough("explain", *tiny, "cat.png", "--methods", "saliency", "--lang", "zh")
    assert outcome.code == 0 and "显著图" in outcome.out


def test_methods_are_the_table_of_the_library(seethrough):
    from seethrough.attribution import METHODS

    told = json.loads(seethrough("methods", "--json").out)
    assert [row["name"] for row in told] == list(METHODS)
    assert all(set(row) == {"name", "family", "needs", "cost", "good_for", "source"} for row in told)
    assert all(name in seethrough("methods").out for name in METHODS)


def test_random_weights_are_said(seethrough, folder):
    outcome = seethrough(
        "explain", "keras:MobileNetV2", "--weights", "none", "--input-size", "32x32x3", "--seed", "0", "cat.png",
        "--methods", "saliency",
    )  # fmt: skip
    assert outcome.code == 0 and "random" in outcome.out
