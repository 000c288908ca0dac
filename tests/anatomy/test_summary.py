"""Summaries: totals are the parameters' own, every row is told, and a person can read it."""

import io
import json
import time
from dataclasses import replace

import pytest
import torch
import torch.nn as nn
from anatomy_networks import Encoder, Mixed, written_down
from rich.console import Console

from seethrough.anatomy.figures import amount
from seethrough.anatomy.summary import summarize
from seethrough.errors import UsageError
from seethrough.models.open import open_model


def rows_of(summary):
    return {row.path: row for top in summary.rows for row in top.walk()}


def body(summary):
    """The lines of the table."""
    lines = str(summary).splitlines()
    first, last = (k for k, line in enumerate(lines) if line.startswith("─"))
    return lines[first + 1 : last]


def test_totals_are_the_parameters_own_counted_once(mixed):
    opened, graph = mixed
    summary, module = summarize(opened, graph), opened.module
    assert summary.parameters == sum(p.numel() for p in module.parameters())
    assert summary.trainable == sum(p.numel() for p in module.parameters() if p.requires_grad)
    assert summary.frozen == summary.parameters - summary.trainable == 8 * 27 + 8
    assert summary.buffers == sum(b.numel() for b in module.buffers())
    assert summary.bytes == sum(t.numel() * t.element_size() for t in (*module.parameters(), *module.buffers()))
    assert sum(row.count.parameters for row in summary.rows) == summary.parameters


def test_what_is_shared_is_marked_and_counted_where_it_is_met_first(mixed):
    rows = rows_of(summarize(*mixed))
    assert rows["again"].shared_with == "conv" and rows["again"].count.parameters == 0 and rows["again"].shared == 584
    assert rows["tied"].shared_with == "head" and rows["tied"].count.parameters == 8 and rows["tied"].shared == 64
    assert rows["conv"].calls == 2 and rows["relu"].calls == 2
    assert rows["conv"].macs == 2 * 8 * 8 * 64 * 9
    assert rows[""].name == "(scale)" and rows[""].count.parameters == 5


def test_a_layer_that_nobody_calls_is_listed_and_said_to_be_so(mixed):
    rows = rows_of(summarize(*mixed))
    assert rows["dead"].state == "not called" and rows["dead"].calls == 0 and rows["dead"].count.parameters == 20
    assert all(rows[p].state == "" for p in ("stem", "conv", "head", "norm"))


def test_attention_that_reads_a_layers_weights_is_told_from_one_that_is_unused(encoder):
    rows = rows_of(summarize(*encoder))
    assert rows["layers.0.self_attn.out_proj"].state == "weights used"


def test_shapes_and_fields_are_those_of_the_network(mixed):
    summary = summarize(*mixed)
    rows = rows_of(summary)
    assert summary.input_size == (3, 16, 16)
    assert summary.outputs == {"logits": (8,), "features": (8,)}
    assert rows["stem"].outputs == ((8, 8, 8),)
    assert rows["stem"].receptive.size == (3, 3) and rows["stem"].receptive.stride == (2, 2)
    assert rows["head"].receptive.whole


def test_a_graph_that_is_not_in_canonical_form_tells_the_same(mixed):
    opened, graph = mixed
    assert summarize(opened, written_down(opened, canonically=False)).to_dict() == summarize(opened, graph).to_dict()


def test_macs_of_a_container_are_those_of_what_is_in_it(encoder):
    summary = summarize(*encoder)
    rows = rows_of(summary)
    assert rows["layers"].macs == sum(rows[f"layers.{k}"].macs for k in range(6))
    assert summary.macs == rows["patches"].macs + rows["layers"].macs + rows["head"].macs
    assert rows["layers.0"].macs == 16 * (16 * 48 + 16 * 16 + 2 * 16 * 32) + 2 * 16 * 16 * 16


def test_without_an_input_size_parameters_are_told_and_what_is_missing(mixed):
    opened = open_model(Mixed())
    summary = summarize(opened)
    assert summary.parameters == summarize(*mixed).parameters
    assert summary.macs is None and rows_of(summary)["conv"].outputs == () and rows_of(summary)["dead"].state == ""
    (sentence,) = summary.missing
    assert "input_size" in sentence and sentence in str(summary)
    assert "item() at x.py:3" in summarize(opened, why_not="item() at x.py:3 needs the values of an image").missing[0]


def test_unknown_operations_are_named_not_counted_as_nothing():
    class Fourier(nn.Module):
        def forward(self, x):
            return torch.fft.fft2(x).abs().mean((2, 3))

    opened = open_model(nn.Sequential(nn.Conv2d(3, 4, 1), Fourier()), input_size=(3, 8, 8))
    summary = summarize(opened, written_down(opened))
    assert summary.macs == 8 * 8 * 12
    assert "fft_fft2 in 1" in summary.missing[0]


def test_lazy_layers_are_said_to_have_no_shape_yet():
    lazy = nn.Sequential(nn.LazyConv2d(4, 3), nn.Conv2d(4, 2, 1))
    opened = open_model(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 1)))
    summary = summarize(replace(opened, module=lazy, layers=dict(lazy.named_children())))
    assert summary.parameters == 10
    assert any("0.weight" in sentence for sentence in summary.missing)


def test_alike_layers_are_folded_with_their_sum_and_the_first_inside(encoder):
    summary = summarize(*encoder)
    lines = body(summary)
    assert len(lines) < 20
    (folded,) = (line for line in lines if "alike" in line)
    assert "0 … 5  × 6 alike" in folded
    assert f"{6 * rows_of(summary)['layers.0'].count.parameters:,}" in folded
    assert sum("self_attn" in line for line in lines) == 1
    assert len(summary.to_dict()["layers"]) == sum(1 for name, _ in Encoder().named_modules() if name)


def test_layers_that_differ_in_a_setting_a_weight_or_a_flag_are_not_folded():
    layers = [nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.LeakyReLU(0.1)) for _ in range(9)]
    layers[2][1].negative_slope = 0.3
    layers[5][0].requires_grad_(False)
    opened = open_model(nn.Sequential(*layers), input_size=(4, 8, 8))
    starts = [
        line.split()[0]
        for line in body(summarize(opened, written_down(opened)))
        if not line.startswith(("│", "├", "└"))
    ]
    assert starts == ["0", "1", "2", "3", "4", "5", "6"]
    assert "6 … 8  × 3 alike" in str(summarize(opened))


def test_repeats_inside_of_repeats_are_folded_too():
    block = lambda: nn.Sequential(*[m for _ in range(5) for m in (nn.Conv2d(4, 4, 1), nn.ReLU())])  # noqa: E731
    opened = open_model(nn.Sequential(*[block() for _ in range(50)]), input_size=(4, 8, 8))
    lines = body(summarize(opened, written_down(opened)))
    assert len(lines) == 4
    assert "× 50 alike" in lines[0] and "× 5 alike" in lines[1]


def test_thousands_of_layers_are_one_screen_in_little_time():
    layers = [m for _ in range(500) for m in (nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())]
    opened = open_model(
        nn.Sequential(nn.Conv2d(3, 8, 1), *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)),
        input_size=(3, 32, 32),
    )
    graph = written_down(opened)
    start = time.process_time()
    text = str(summarize(opened, graph))
    assert time.process_time() - start < 3
    assert len(text.splitlines()) < 30
    assert "1 … 1000  × 500 alike" in text and "3…1001" in text


def test_depth_and_pattern_choose_rows_and_leave_totals():
    opened = open_model(Encoder(3), input_size=(3, 32, 32))
    graph = written_down(opened)
    whole = summarize(opened, graph)
    shallow = summarize(opened, graph, depth=1)
    assert [row.path for row in shallow.rows] == ["patches", "layers", "head"] == list(rows_of(shallow))
    chosen = summarize(opened, graph, pattern="layers.1.*norm*")
    paths = list(rows_of(chosen))
    assert paths == ["layers", "layers.1", "layers.1.norm1", "layers.1.norm2"]
    assert whole.parameters == shallow.parameters == chosen.parameters and chosen.macs == whole.macs
    assert rows_of(chosen)["layers"].count == rows_of(whole)["layers"].count
    with pytest.raises(UsageError, match=r"heat.*Nearest: head"):
        summarize(opened, graph, pattern="heat")
    with pytest.raises(UsageError, match="depth=0"):
        summarize(opened, graph, depth=0)


def test_plain_data_survives_json(mixed):
    data = summarize(*mixed).to_dict()
    assert json.loads(json.dumps(data)) == data
    assert {"parameters", "trainable", "frozen", "macs", "layers", "input_size", "outputs"} <= set(data)
    stem = next(row for row in data["layers"] if row["path"] == "stem")
    assert stem["receptive_field"]["size"] == [3, 3] and stem["outputs"] == [[8, 8, 8]] and stem["trainable"] == 0


def test_text_keeps_to_a_hundred_columns_and_says_what_is_frozen(mixed, encoder):
    for opened, graph in (mixed, encoder):
        assert max(map(len, str(summarize(opened, graph)).splitlines())) <= 100
    text = str(summarize(*mixed))
    assert "stem  frozen" in text and "again  = conv" in text and "relu  × 2 calls" in text


def test_long_names_are_cut_in_the_middle_and_control_characters_are_shown_harmless():
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.add_module("a_very_long_name_" * 8 + "end", nn.Conv2d(3, 4, 1))
            self.add_module("evil\x1b[31m[red]\nname", nn.ReLU())

        def forward(self, x):
            for child in self.children():
                x = child(x)
            return x

    opened = open_model(Outer(), input_size=(3, 8, 8))
    summary = summarize(opened, written_down(opened))
    text = str(summary)
    assert max(map(len, text.splitlines())) <= 100 and "\x1b" not in text and "end" in text
    out = io.StringIO()
    Console(file=out, width=100, no_color=True).print(summary)
    assert "\x1b" not in out.getvalue() and "[red]" in out.getvalue()


def test_the_coloured_view_says_the_same_words(mixed):
    summary, out = summarize(*mixed), io.StringIO()
    Console(file=out, width=120, no_color=True).print(summary)
    for word in ("stem  frozen", "again  = conv", "not called", f"{summary.parameters:,}", "MACs", "“= path”"):
        assert word in out.getvalue()


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "·"), (0, "·"), (432, "432"), (86_704_128, "86.7 M"), (1_849_688_064, "1.85 G"), (999, "999")],
)
def test_amounts_are_told_in_three_figures(number, text):
    assert amount(number) == text


def test_nothing_of_the_network_is_changed_by_looking(mixed):
    opened, graph = mixed
    before = {k: v.clone() for k, v in opened.module.state_dict().items()}
    flags = [m.training for m in opened.module.modules()]
    str(summarize(opened, graph))
    assert all(torch.equal(v, before[k]) for k, v in opened.module.state_dict().items())
    assert flags == [m.training for m in opened.module.modules()]


def test_a_thousand_layers_that_differ_are_a_page_of_text_that_adds_up():
    opened = open_model(nn.Sequential(nn.ModuleList(nn.Linear(3, 3 + i) for i in range(1000))))
    summary = summarize(opened)
    text = str(summary)
    assert len(text.splitlines()) < 80 and "… 945 more lines" in text and "57 of 1,001 lines are shown" in text
    hidden = sum(row.count.parameters for row in summary.rows[0].children[40:-15])
    assert f"{hidden:,}" in text
    assert len(str(summarize(opened, depth=2)).splitlines()) > 1000


def test_levels_that_would_fill_many_screens_are_left_out_and_said():
    def block(i):
        return nn.Sequential(*[nn.Linear(1 + i, 1 + k) for k in range(20)])

    text = str(summarize(open_model(nn.Sequential(*map(block, range(20))))))
    assert "20 of 420 lines are shown" in text and "Sequential" in text and "Linear" not in text
