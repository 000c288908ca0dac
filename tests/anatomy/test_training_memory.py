"""What training takes, by purpose and by layer, the largest batch, and both as text, figure and file."""

import json
import os

import pytest
import torch
import torch.nn as nn

import seethrough as st
from seethrough.anatomy.largest_batch import size_of
from seethrough.anatomy.memory import LayerMemory
from seethrough.anatomy.memory_table import grouped
from seethrough.errors import InputRefused, UsageError


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x))) + x


def blocks():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.Sequential(Block(), Block(), Block()), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
    )  # fmt: skip


@pytest.fixture
def net():
    return st.open(blocks(), input_size=(3, 32, 32))


def test_what_is_told_adds_up(net):
    use = net.training_memory(batch=8)
    count = sum(p.numel() * 4 for p in net.module.parameters())
    assert use.parameters == use.gradients == count
    assert use.optimizer == 2 * count + 4 * len(list(net.module.parameters()))
    assert use.input == 8 * 3 * 32 * 32 * 4
    assert use.buffers == sum(b.numel() * b.element_size() for b in net.module.buffers())
    assert sum(use.at_peak.values()) == use.peak == max(m.bytes for m in use.moments)
    for part in ("parameters", "gradients", "optimizer", "activations"):
        assert sum(getattr(row, part) for row in use.by_layer) == getattr(use, part)


def test_layers_are_told_in_the_networks_order_with_what_they_make(net):
    use = net.training_memory(batch=8)
    image = 8 * 8 * 32 * 32 * 4
    rows = {row.path: row for row in use.by_layer}
    assert list(rows)[:5] == ["0", "1.0", "1.0.conv", "1.0.norm", "1.1"]
    assert rows["0"].activations == rows["1.0.conv"].activations == image
    # of its own forward a block keeps what the rectifier gives, and the sum, which the next convolution keeps
    assert rows["1.0"].activations == 2 * image and rows["1.0"].kind == "Block"
    assert rows["1.0.norm"].activations == 2 * 8 * 4  # mean and deviation; what it gives is read and let go


def test_weights_of_a_shared_layer_count_once_and_of_a_keras_layer_in_that_layer():
    keras = pytest.importorskip("keras")
    shared = keras.layers.Conv2D(3, 3, padding="same", name="again")
    x = keras.Input((16, 16, 3))
    y = keras.layers.Flatten()(shared(shared(x)))
    model = keras.Model(x, keras.layers.Dense(2, name="head")(y))
    use = st.open(model).training_memory(batch=4)
    rows = {row.path: row for row in use.by_layer}
    assert rows["again"].parameters == (27 * 3 + 3) * 4 and rows["head"].parameters == (768 * 2 + 2) * 4
    assert use.parameters == rows["again"].parameters + rows["head"].parameters
    assert use.input == 4 * 16 * 16 * 3 * 4 and rows["again"].activations >= 2 * 4 * 16 * 16 * 3 * 4


def test_frozen_keras_layers_take_neither_gradient_nor_state():
    keras = pytest.importorskip("keras")
    x = keras.Input((16, 16, 3))
    frozen = keras.layers.Conv2D(8, 3, name="frozen", trainable=False)
    model = keras.Model(
        x, keras.layers.Dense(2, name="head")(keras.layers.Flatten()(keras.layers.Dropout(0.5)(frozen(x))))
    )
    rows = {row.path: row for row in st.open(model).training_memory(batch=4).by_layer}
    assert rows["frozen"].parameters and not rows["frozen"].gradients + rows["frozen"].optimizer
    assert rows["head"].gradients == rows["head"].parameters


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (None, ()),
        ("layers", ("1.0", "1.1", "1.2")),
        ("1.*.conv", ("1.0.conv", "1.1.conv", "1.2.conv")),
        (["1.0", "1.2"], ("1.0", "1.2")),
    ],
)
def test_checkpoints_are_named_by_pattern_or_are_the_blocks_that_repeat(net, said, found):
    assert net.training_memory(4, checkpointing=said).settings["checkpointing"] == found


def test_checkpoints_and_precision_lower_the_peak(net):
    peak = net.training_memory(32, optimizer="none").peak
    assert net.training_memory(32, optimizer="none", checkpointing="layers").peak < 0.7 * peak
    assert net.training_memory(32, optimizer="none", precision="bf16").peak == pytest.approx(peak / 2, rel=0.05)
    assert net.training_memory(32, optimizer="none", precision="bf16-mixed").peak < 0.8 * peak


def test_the_optimizer_that_steps_all_at_once_and_the_convolutions_columns_are_the_workspace():
    convolution = st.open(nn.Conv2d(3, 4, 3, padding=1), input_size=(3, 64, 64)).training_memory(2, optimizer="sgd")
    assert convolution.workspace == (0, 2 * 64 * 64 * 27 * 4)
    linear = st.open(nn.Sequential(*(nn.Linear(1000, 1000) for _ in range(10))), input_size=(1000,))
    assert linear.training_memory(1, optimizer="sgd").workspace == (0, 0)
    use = linear.training_memory(1, optimizer="adam")
    assert use.peak_phase == "optimizer step"
    assert use.peak + use.workspace[1] == pytest.approx(5 * use.parameters, rel=0.01)  # weights, gradients, three more


@pytest.mark.parametrize(
    "asked",
    [
        {"optimizer": "adamm"}, {"precision": "bf17"}, {"checkpointing": "nowhere*"}, {"batch": 0},
    ],
)  # fmt: skip
def test_unknown_words_are_refused(net, asked):
    with pytest.raises(UsageError):
        net.training_memory(**asked)


def test_what_cannot_be_trained_is_refused():
    frozen = blocks().requires_grad_(False)
    with pytest.raises(UsageError, match="all of them are frozen"):
        st.open(frozen, input_size=(3, 32, 32)).training_memory()
    with pytest.raises(UsageError, match="repeats no block"):
        st.open(nn.Conv2d(3, 4, 3), input_size=(3, 32, 32)).training_memory(checkpointing="layers")
    single = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(4))
    with pytest.raises(InputRefused, match=r"batch of 1 .* more than 1 value"):
        st.open(single, input_size=(3, 32, 32)).training_memory(1)


def test_running_takes_less_than_training(net):
    use, trained = net.inference_memory(8), net.training_memory(8)
    assert use.peak < trained.peak / 2 and not use.gradients + use.optimizer and use.purpose == "inference"
    assert use.at_peak["other"] == use.activations == sum(row.activations for row in use.by_layer)


# --- the largest batch ------------------------------------------------------------------------------------------------


def test_the_largest_batch_fits_and_one_more_does_not(net):
    found = net.largest_batch("100MB")
    assert net.training_memory(found.batch).peak == found.peak <= found.limit == 10**8
    assert net.training_memory(found.batch + 1).peak == found.next_peak > found.limit
    assert int(found) == found.batch > found.cautious > 1
    cautious = net.training_memory(found.cautious)
    assert cautious.peak + cautious.workspace[1] <= found.limit
    more = net.training_memory(found.cautious + 1)
    assert more.peak + more.workspace[1] > found.limit


def test_the_largest_batch_of_a_network_that_does_not_grow_evenly_is_found_by_looking():
    class Every(nn.Module):
        """Every image is compared with every other: memory grows with the square of the batch."""

        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(12, 8)

        def forward(self, x):
            y = self.linear(x.flatten(1))
            return (y @ y.T).exp().sum(1, keepdim=True)

    net = st.open(Every(), input_size=(3, 2, 2))
    found = net.largest_batch("1MB", optimizer="sgd")
    assert net.training_memory(found.batch, optimizer="sgd").peak <= 10**6
    assert net.training_memory(found.batch + 1, optimizer="sgd").peak > 10**6
    assert 200 < found.batch < 400


def test_where_nothing_fits_it_is_said_what_the_smallest_batch_takes(net):
    found = net.largest_batch("10kB")
    assert found.batch == found.cautious == found.peak == 0 and found.smallest == 1
    assert found.next_peak == net.training_memory(1).peak and found.memory.batch == 1
    single = st.open(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(4)), input_size=(3, 32, 32)
    )
    assert single.largest_batch("10kB").smallest == 2


@pytest.mark.parametrize(
    ("said", "size"),
    [
        ("24GB", 24 * 10**9),
        ("24GiB", 24 * 2**30),
        ("16000MB", 16 * 10**9),
        ("1.5 gb", 1_500_000_000),
        ("7", 7),
        (12, 12),
    ],
)
def test_sizes_are_read(said, size):
    assert size_of(said) == size


@pytest.mark.parametrize("said", ["", "GB", "24 G B", "-1GB", "24QB", "0", 0, True, "1e9"])
def test_what_is_no_size_is_refused(said):
    with pytest.raises(UsageError, match="24GB"):
        size_of(said)


# --- as a person sees it ----------------------------------------------------------------------------------------------


def test_rows_are_brought_together_by_the_beginnings_of_their_paths_and_lose_nothing():
    rows = [
        LayerMemory(f"stage{i}.{j}.{name}", "Conv2d", 1, 2, 3, 4) for i in range(4) for j in range(5) for name in "abc"
    ]
    few = grouped(rows, 20)
    assert [row.path for row in few][:2] == ["stage0.0*", "stage0.1*"] and len(few) == 20
    assert [row.path for row in grouped(rows, 7)] == ["stage0*", "stage1*", "stage2*", "stage3*"]
    numbered = grouped([LayerMemory(str(i), "Conv2d", 1) for i in range(1000)], 10)
    assert len(numbered) == 10 and numbered[0].path == "0 … 99"
    assert all(sum(r.total for r in grouped(rows, n)) == 600 for n in (3, 7, 20, 60))


def test_the_text_says_what_it_takes_where_and_of_which_layers(net):
    text = str(net.training_memory(8))
    assert "batches of 8 of 3×32×32 · adam · float32" in text
    assert "state of adam" in text and "Peak" in text and "1.0.conv" in text
    assert "Gradients" not in str(net.inference_memory(8))
    largest = str(net.largest_batch("100MB"))
    assert largest.startswith("Largest batch") and "100 MB" in largest


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_is_drawn_and_written(net, tmp_path, language):
    use = net.training_memory(8, checkpointing="layers")
    for suffix, begins in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".html", b"<!doctype html>"), (".json", b"{")):
        file = use.save(tmp_path / f"memory{suffix}", language=language)
        assert file.read_bytes().startswith(begins)
    assert json.loads((tmp_path / "memory.json").read_text("utf-8"))["peak"]["bytes"] == use.peak
    page = (tmp_path / "memory.html").read_text("utf-8")
    assert "data:image/png;base64," in page and "1.0.conv" in page and "反向" in page
    assert use._repr_html_().startswith("<img src=") and net.inference_memory()._repr_html_()


def test_names_from_outside_are_drawn_as_data(tmp_path):
    module = nn.Sequential()
    module.add_module("<b>$x$\x1b[31m", nn.Conv2d(3, 4, 3))
    use = st.open(module, input_size=(3, 16, 16)).training_memory(2)
    page = use.save(tmp_path / "memory.html").read_text("utf-8")
    assert "<b>$x$" not in page and "\x1b" not in page and "\x1b" not in str(use)
    use.save(tmp_path / "memory.png")


@pytest.mark.skipif(os.environ.get("KERAS_BACKEND", "torch") != "torch", reason="Keras runs on another backend here")
def test_keras_settles_its_precision_itself():
    keras = pytest.importorskip("keras")
    x = keras.Input((16, 16, 3))
    half = keras.layers.Conv2D(8, 3, padding="same", dtype="mixed_bfloat16")
    model = keras.Model(x, half(x))
    net = st.open(model)
    assert net.training_memory(4).at_peak["other"] < 4 * 16 * 16 * 8 * 4 * 2.5
    with pytest.raises(UsageError, match="set_dtype_policy"):
        net.training_memory(precision="bf16")
