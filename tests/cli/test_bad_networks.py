"""Wrong names, wrong settings and networks that can't be opened: one sentence with what to do, and an exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

BLOCKED = """
import sys

class NoKeras:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "keras":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NoKeras())
from seethrough.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def explain(tiny, *more):
    return ("explain", *tiny, "cat.png", "-o", "why.html", *more)


def test_no_such_method_names_the_nearest(refused, tiny):
    assert "gradcam" in refused(2, *explain(tiny, "--methods", "gradcm"))


def test_no_such_layer_names_the_nearest(refused, folder):
    message = refused(2, "layers", "keras:MobileNetV2", "block_3_expnd")
    assert "'block_3_expnd'" in message and "block_3_expand" in message


def test_no_such_layer_for_class_activation_maps(refused, tiny):
    assert "no layer '77'" in refused(2, *explain(tiny, "--methods", "gradcam", "--layer", "77"))


def test_a_layer_without_height_and_width_and_which_have_them(refused, tiny):
    message = refused(2, *explain(tiny, "--methods", "gradcam", "--layer", "7"))
    assert "no height and width" in message and "4" in message.partition("These have:")[2]


def test_no_such_label_names_the_nearest(refused, tiny, folder):
    (folder / "names.txt").write_text("lynx\ncat\nleopard\n")
    assert "leopard" in refused(2, *explain(tiny, "--classes", "names.txt", "--target", "lepard"))


def test_a_target_beyond_the_outputs(refused, tiny):
    assert "0 to 2" in refused(2, *explain(tiny, "--target", "3"))


def test_no_such_network_names_the_nearest(refused, folder):
    assert "VGG16" in refused(2, "summary", "keras:VGG61")


def test_no_such_option_and_where_to_read_which_there_are(refused, folder):
    assert "seethrough summary --help" in refused(2, "summary", "keras:VGG16", "--no-such-option")


@pytest.mark.parametrize(
    ("option", "value"),
    [("--window", "0"), ("--window", "big"), ("--input-size", "3x"), ("--fill", "pink"),
     ("--lang", "fr"), ("--device", "toaster"), ("--seed", "-1")],
)  # fmt: skip
def test_a_wrong_value_is_quoted(refused, tiny, option, value):
    assert value in refused(2, *explain(tiny, option, value))


def test_a_wrong_value_of_a_named_methods_setting_is_quoted(refused, tiny):
    assert "0" in refused(2, *explain(tiny, "--methods", "integrated_gradients", "--steps", "0"))


def test_a_setting_that_no_chosen_method_has(refused, tiny):
    assert "integrated_gradients" in refused(2, *explain(tiny, "--steps", "8"))
    assert "window" in refused(2, *explain(tiny, "--methods", "saliency", "--window", "8"))


def test_preprocessing_that_nobody_knows_is_asked_for_by_its_option(refused, tiny):
    assert "--preprocessing" in refused(2, "predict", *tiny[:5], "cat.png")


def test_a_network_with_nan_weights_is_refused_where_its_answers_would_count(refused, seethrough, tiny, folder):
    state = load_file(folder / "tiny.safetensors")
    state["3.weight"][0, 0] = float("nan")
    save_file(state, folder / "tiny.safetensors")
    message = refused(3, *explain(tiny))
    assert "NaN" in message and "'3'" in message
    assert "NaN" in refused(3, "predict", *tiny, "cat.png")
    assert seethrough("summary", *tiny[:5]).code == 0


def test_weights_that_do_not_fit_name_the_first_five_keys(refused, tiny):
    message = refused(3, "summary", tiny[0], "--architecture", "tiny_cli_network:wider")
    assert message.partition("First: ")[2].count(";") == 4


def test_a_pickled_module_is_refused_and_never_unpickled(refused, folder):
    torch.save(nn.Linear(2, 2), folder / "whole.pt")
    assert "--allow-code" in refused(3, "summary", "whole.pt")


def test_a_file_that_is_no_network(refused, folder):
    (folder / "net.keras").write_bytes(b"PK\x03\x04 and nothing more")
    refused(3, "summary", "net.keras")
    assert "missing.keras" in refused(3, "summary", "missing.keras")


def test_a_keras_file_where_keras_is_not_installed(folder):
    import keras

    keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]).save("net.keras")
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, "summary", "net.keras"], capture_output=True, text=True, cwd=folder, timeout=60
    )
    assert done.returncode == 4 and done.stdout == ""
    assert "seethrough[keras]" in done.stderr and done.stderr.count("\n") == 1


def test_a_folder_that_is_not_there(refused, tiny):
    assert "no folder" in refused(4, "explain", *tiny, "cat.png", "-o", "nowhere/why.html")


def test_a_folder_that_can_not_be_written(refused, tiny, folder):
    closed = folder / "closed"
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):  # the superuser may write everywhere but where the system itself refuses
        closed = Path("/proc")
    if not closed.is_dir():
        pytest.skip("every folder here can be written by this user")
    arguments = ("--methods", "saliency", "-o", closed / "why.html")
    assert "can't be written" in refused(4, "explain", *tiny, "cat.png", *arguments)


def test_an_unexpected_exception_is_a_sentence_and_debug_shows_where(seethrough, folder):
    (folder / "failing_cli_network.py").write_text("def net():\n    raise KeyError('no such thing')\n")
    arguments = ("summary", "tiny.safetensors", "--architecture", "failing_cli_network:net")
    outcome = seethrough(*arguments)
    assert outcome.code != 0 and "Traceback" not in outcome.err and "no such thing" in outcome.err
    assert "Traceback" in seethrough(*arguments, "--debug").err
