"""A check as a whole: what passes, what it is as data and as text, and what it says of real architectures."""

import json

import pytest
import torch
import torch.nn as nn
from checked_networks import Small, check, finding, names, small

import seethrough as st
from seethrough.errors import UsageError


def test_a_trained_network_that_is_as_meant_passes_without_a_warning():
    module = small()
    module.stem.requires_grad_(False)
    found = check(module, frozen=["stem"], trainable=["block*", "head", "norm"], input=(3, 16, 16), outputs=5,
                  classes=list("abcde"))  # fmt: skip
    assert found.passed and found.passes(strict=True)
    assert names(found, "error") == names(found, "warning") == []
    assert [claim.verdict for claim in found.claims] == ["holds"] * 9


def test_a_check_leaves_the_network_as_it_was():
    module = small()
    module.block[2].train()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    state = torch.get_rng_state()
    check(module, input=(3, 9, 9), outputs=4)
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())
    assert [m.training for m in module.modules()].count(True) == 1 and module.block[2].training


def test_its_data_are_plain_and_its_words_in_both_languages():
    found = check(small(), frozen=["stem"], outputs=4)
    told = json.loads(json.dumps(found.to_dict()))
    assert told["passed"] is False and told["errors"] == 2
    by_name = {claim["name"]: claim for claim in told["claims"]}
    assert by_name["frozen"]["verdict"] == "fails" and by_name["frozen"]["meant"] == ["stem"]
    assert by_name["frozen"]["findings"][0] == {
        "name": "frozen_trains", "level": "error", "layers": ["stem"], "numbers": {"parameters": 224},
    }  # fmt: skip
    assert "stem would train, with 224 parameters" in str(found) and "✗ no" in str(found)
    assert "本应冻结的 stem 仍会训练，共 224 个参数" in found.text(language="zh")
    with pytest.raises(UsageError, match="'fr'"):
        found.text(language="fr")


def test_in_a_notebook_it_is_a_table_and_names_from_outside_are_text():
    module = nn.Sequential()
    module.add_module("<script>x", nn.Conv2d(3, 4, 1))
    html = check(module, frozen=["*"])._repr_html_()
    assert "<table>" in html and "&lt;script&gt;x would train" in html and "<script" not in html


def test_it_is_a_file_by_its_suffix(tmp_path):
    found = check(small(), frozen=["stem"])
    assert json.loads(found.save(tmp_path / "check.json").read_text("utf-8")) == json.loads(json.dumps(found.to_dict()))
    page = found.save(tmp_path / "check.html", language="zh").read_text("utf-8")
    assert "Content-Security-Policy" in page and "本应冻结的 stem 仍会训练" in page and "frozen" in page
    with pytest.raises(UsageError, match=r"\.html, \.json"):
        found.save(tmp_path / "check.png")


def test_without_an_input_size_what_cannot_be_looked_at_is_said():
    found = check(small(), size=None)
    unchecked = {claim.name for claim in found.unchecked}
    assert unchecked == {"input", "outputs", "ending", "wiring"}
    assert found.passed and not found.passes(strict=True)
    assert "Not checked (input)" in str(found) and "input=(3, 224, 224)" in str(found)


def test_what_was_meant_and_cannot_be_checked_does_not_pass():
    found = check(small(), size=None, outputs=5)
    assert not found.passed and names(found, "error") == []
    assert "error: Not checked (outputs)" in str(found)


def test_the_meant_input_serves_where_nobody_else_knows_a_size():
    found = check(small(), size=None, input="3x16x16", outputs=5)
    assert found.passed and not found.unchecked


def test_a_network_that_looks_at_values_is_checked_as_far_as_it_goes():
    class Looks(Small):
        def forward(self, x):
            x = self.features(x)
            return self.head(x) if x.sum() > 0 else self.head(-x)

    found = check(small(Looks), outputs=5)
    by_name = {claim.name: claim for claim in found.claims}
    assert by_name["outputs"].verdict == "holds" and by_name["wiring"].verdict == "unchecked"
    assert "values of an image" in (by_name["wiring"].unchecked or "")
    assert by_name["wiring"].found == {"layers": 7, "used": 6}  # up to where it looks; the head stands behind


def test_a_network_that_answers_alike_whatever_it_sees_is_told_without_a_graph():
    class Blind(Small):
        def forward(self, x):
            return self.head(torch.ones(len(x), 16) * float(self.features(x).sum() > 1e9))

    assert "answers_alike" in names(check(small(Blind)), "error")


@pytest.mark.parametrize(
    "said",
    [{"frozen": [""]}, {"trainable": [3]}, {"input": "axb"}, {"input": (3, 0, 4)}, {"outputs": 0}, {"input": ()}],
)
def test_what_makes_no_sense_is_refused(said):
    with pytest.raises(UsageError):
        check(small(), **said)


def test_a_network_that_comes_with_us_has_no_faults():
    for net in (st.open("demo:leopards"),):
        found = net.check(outputs=len(net.classes))
        assert found.passed, str(found)
        assert not {"weights_as_drawn", "statistics_untouched", "layers_not_used", "dead_branch"} & set(names(found))


def test_vgg16_of_keras_as_the_article_asks_of_it():
    pytest.importorskip("keras", reason="keras isn't installed")
    net = st.open("keras:VGG16")
    found = net.check(frozen=["block1*"], input="224x224x3", outputs=10)
    wrong = finding(found, "frozen_trains")
    assert wrong.layers == ("block1_conv1", "block1_conv2") and wrong.numbers == {"parameters": 1792 + 36928}
    assert finding(found, "outputs_other").numbers == {"meant": 10, "outputs": 1000}
    assert finding(found, "weights_random").level == "warning"
    for layer in net.module.layers[:15]:
        layer.trainable = False
    found = net.check(frozen=["block[1-4]*"], trainable=["block5*"], input=(224, 224, 3), outputs=1000)
    assert found.passed, str(found)
    (others,) = [f for f in found.findings if f.name == "unnamed_train"]
    assert others.layers == ("fc1", "fc2", "predictions")
    claims = {claim.name: claim for claim in found.claims}
    assert claims["frozen"].found["training_layers"] == 0 and claims["frozen"].found["layers"] == 10


def test_resnet50_of_keras_has_no_fault_in_its_wiring():
    pytest.importorskip("keras", reason="keras isn't installed")
    net = st.open("keras:ResNet50")
    net.module.trainable = False
    found = net.check(frozen=["*"], outputs=1000)
    assert found.passed and names(found, "warning") == ["weights_random"], str(found)
    claims = {claim.name: claim for claim in found.claims}
    assert claims["ending"].found == {"activation": "softmax"}
    assert claims["wiring"].verdict == "holds" and claims["training"].found["normalisations"] == 53


class Spoken(Small):
    """Takes words beside the picture."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(10, 16)

    def forward(self, image, words):
        return self.head(self.features(image) + self.words(words).mean(1))


def test_a_network_of_several_inputs_is_checked_with_what_stands_beside_the_picture():
    sizes = {"image": (3, 16, 16), "words": (4, "int64")}
    found = st.open(small(Spoken), input_size=sizes).check(outputs=5)
    assert found.passed and not found.unchecked, str(found)
    assert {claim.name: claim.verdict for claim in found.claims}["wiring"] == "holds"
