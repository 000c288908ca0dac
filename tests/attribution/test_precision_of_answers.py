"""Answers in bfloat16: near those in float32, said how near, and only where they were wanted."""

import numpy as np
import pytest
import torch
import torch.nn as nn
from masked_material import run_of

import seethrough as st
from seethrough.errors import UsageError
from seethrough.graph.execute import execute
from seethrough.graph.fast import halved as halves
from seethrough.graph.fast import local
from seethrough.graph.fast.choose import twin
from seethrough.graph.fast.convolution import Convolution
from seethrough.graph.fast.halved import halved
from seethrough.show import words

X = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
HERE = pytest.mark.skipif(not halves.can_halve(), reason="this processor doesn't compute in bfloat16")


class Branches(nn.Module):
    """Convolutions with a sum, a normalisation, a product, numbers that are no floats, attention among places."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.c = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 1)
        self.norm, self.fc = nn.GroupNorm(2, 8), nn.Linear(8, 4)

    def forward(self, x):
        y = self.a(x).relu()
        y = self.norm(self.b(y) + self.c(y)).relu()
        y = nn.functional.max_pool2d(y, 4)
        tokens = y.flatten(2).transpose(1, 2)
        tokens = tokens + nn.functional.scaled_dot_product_attention(tokens, tokens, tokens)
        strongest = tokens.argmax(1).float().mean(1, keepdim=True)
        return self.fc(tokens.mean(1)) + 0.001 * strongest


def asked(module, method="rise", **settings):
    net = st.open(module.eval(), input_size=(3, 32, 32))
    settings = {"samples": 64} | settings if method == "rise" else settings
    return getattr(st, method)(net, X, 1, **settings)


def noted(found, name):
    return [n for n in found.checks if n.name == name]


def test_a_graph_in_bfloat16_gives_nearly_the_same_in_float32():
    run = run_of(Branches().eval(), X)
    given, wanted = run.source.given(run.graph, X), run.answer_value
    fused = twin(run.graph, [wanted], given)
    half = halved(fused, [wanted], given)
    found, expected = (execute(graph, given, [wanted])[wanted] for graph in (half, run.graph))
    assert found.dtype == torch.float32 and not torch.equal(found, expected)
    assert float((found - expected).abs().max()) < 0.03 * float(expected.abs().max())
    weights = [o.function.weight for o in half if isinstance(o.function, Convolution)]
    assert weights and all(w.dtype == torch.bfloat16 for w in weights)


def test_a_value_that_is_read_in_both_precisions_is_cast_once_each_way():
    run = run_of(Branches().eval(), X)
    given, wanted = run.source.given(run.graph, X), run.answer_value
    half = halved(twin(run.graph, [wanted], given), [wanted], given)
    cast = [o.inputs for o in half if o.function is halves._cast]
    assert len(cast) == len(set(cast)) and len(cast) < len(half.operations)


@HERE
def test_a_map_in_bfloat16_is_nearly_that_in_float32_and_says_how_far_off_its_answers_are():
    found, expected = asked(Branches(), precision="bf16"), asked(Branches())
    scale = np.abs(expected.values).max()
    assert 0 < np.abs(found.values - expected.values).max() < 0.1 * scale and found.passes == expected.passes
    (note,) = noted(found, "computed_in_bf16")
    numbers = note.numbers
    assert numbers["answers"] == 128 and 0 < numbers["compared"] < 128 and numbers["time"] > 0
    assert 0 < numbers["difference"] < 0.1 * numbers["moved"]
    text = words.note_words(note)
    assert "128 answers" in text.en and "bfloat16" in text.zh
    assert not noted(expected, "computed_in_bf16")


def test_what_bfloat16_makes_of_the_pictures_themselves_is_taken_off():
    run = run_of(Branches().eval(), X)
    given, wanted = run.source.given(run.graph, X.repeat(3, 1, 1, 1)), run.answer_value
    fused, clean = twin(run.graph, [wanted], given), {wanted: run.logits}
    half = execute(halved(fused, [wanted], given), given, [wanted])[wanted]
    halving = halves.Halving()
    found = halving.run(fused, given, wanted, X, lambda: (run.source.given(run.graph, X), clean))
    torch.testing.assert_close(found, run.logits.repeat(3, 1), rtol=0, atol=1e-5)
    assert float((half - found).abs().max()) > 1e-4 and halving.answers == halving.compared == 6


@HERE
def test_several_batches_say_one_thing():
    net = st.open(Branches().eval(), input_size=(3, 32, 32))
    found = st.explain(net, X, ["rise"], 1, samples=64, batch_size=1, precision="bf16")["rise"]
    (note,) = noted(found, "computed_in_bf16")
    assert note.numbers["answers"] == 128


@HERE
def test_methods_that_ask_for_gradients_or_only_for_changes_stay_in_float32(monkeypatch):
    monkeypatch.setattr(local, "_pays", lambda *_: True)
    layers = nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
    for method, settings in (("saliency", {}), ("occlusion", {"window": 4, "stride": 4})):
        torch.manual_seed(0)
        module = nn.Sequential(*layers)
        found, expected = (asked(module, method, precision=p, **settings) for p in ("bf16", "float32"))
        np.testing.assert_array_equal(found.values, expected.values)
        assert noted(found, "bf16_unused")


@HERE
def test_double_precision_is_never_halved():
    run = run_of(Branches().double().eval(), X.double())
    assert not halves.Halving().takes(run.graph, 1000)


def test_where_the_processor_has_no_bfloat16_it_is_said(monkeypatch):
    monkeypatch.setattr(halves, "can_halve", lambda: False)
    found, expected = asked(Branches(), precision="bf16"), asked(Branches())
    np.testing.assert_array_equal(found.values, expected.values)
    assert noted(found, "bf16_not_here")


def test_another_precision_is_refused_in_one_sentence():
    with pytest.raises(UsageError, match="precision is one of float32, bf16, not 'half'"):
        asked(Branches(), precision="half")
