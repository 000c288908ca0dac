"""Words of a person's own, on scenes of known textures and a network whose features are known."""

import json

import numpy as np
import pytest
import torch
import torch.nn as nn
from PIL import Image

import seethrough as st
from seethrough.errors import InputRefused, UsageError
from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects import Region, Thing
from seethrough.findings.aspects.thing import thing
from seethrough.findings.audit import audit
from seethrough.findings.canvas import Canvas
from seethrough.findings.inside import Inside
from seethrough.findings.meaning import Seen, difference, meaning, meaning_of
from seethrough.findings.record import record_of
from seethrough.findings.seen import seen
from seethrough.findings.statistics import proportion
from seethrough.findings.views import FEATURES, LOOKS
from seethrough.findings.words import ALIKE, NONE, TOLD, UNTELLABLE, spoken_of, vocabulary

SIDE, COUNT = 32, 200
THING, MARK = (slice(11, 21), slice(11, 21)), (slice(0, 8), slice(24, 32))
OFTEN = 0.9
KINDS = ("lying", "standing", "checks", "plain")


def texture(chance, kind):
    """(SIDE, SIDE, 3): lines that lie or stand, checks, or plain ground, in light of its own."""
    wave = np.where((np.arange(SIDE) + chance.integers(0, 4)) // 2 % 2, 1.0, -1.0)
    lying = np.tile(wave[:, None], (1, SIDE))
    shape = {"lying": lying, "standing": lying.T, "checks": lying * lying.T, "plain": 0 * lying}[kind]
    light = np.kron(chance.uniform(0.3, 0.7, (4, 4)), np.ones((8, 8)))  # else all would be near-duplicates
    x = light + chance.uniform(0.15, 0.25) * shape + chance.normal(0, 0.03, (SIDE, SIDE))
    return np.repeat(x[..., None], 3, 2).clip(0, 1)


def saved(x, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((x * 255).astype(np.uint8)).save(path)


class Weave(nn.Module):
    """Its features are how strong lying, standing and crossed lines are, and how bright it is; it answers by which lines there are
    more of.
    """

    def __init__(self, strength=20.0):
        super().__init__()
        self.lines, self.act, self.pool = nn.Conv2d(3, 6, 3, bias=False), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        down = torch.tensor([[1.0, 1, 1], [0, 0, 0], [-1, -1, -1]]) / 9
        crossed = torch.tensor([[1.0, 0, -1], [0, 0, 0], [-1, 0, 1]]) / 6
        filters = torch.stack([down, -down, down.T, -down.T, crossed, torch.full((3, 3), 1 / 27)])
        self.lines.weight.data = filters[:, None].repeat(1, 3, 1, 1)
        self.read = nn.Linear(6, 2)
        self.read.weight.data = strength * torch.tensor([[0.0] * 6, [-1, -1, 1, 1, 0, 0]])
        self.read.bias.data = torch.zeros(2)

    def forward(self, x):
        return self.read(self.pool(self.act(self.lines(x))).flatten(1))


def opened():
    return st.open(Weave().eval(), input_size=(3, SIDE, SIDE), preprocessing="unit", classes=["cat", "dog"])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Photos of cats before lying and dogs before standing lines, 9 times in 10; and pictures of words."""
    home, chance = tmp_path_factory.mktemp("words"), np.random.default_rng(0)
    for k in range(COUNT):
        label = k % 2
        x = texture(chance, KINDS[label if chance.random() < OFTEN else 1 - label])
        x[THING] = 0.85 if label else 0.15
        saved(x, home / "photos" / ("cat", "dog")[label] / f"{k:03}.png")
    for kind in KINDS:
        for k in range(8):
            saved(texture(chance, kind), home / "words" / kind / f"{k}.png")
    return home


@pytest.fixture(scope="module")
def boxes(home):
    return {f"{p.parent.name}/{p.name}": (11, 11, 20, 20) for p in (home / "photos").glob("*/*.png")}


@pytest.fixture(scope="module")
def asked(home, boxes):
    """A function (words, folder) → Audit."""

    def ask(words=None, net=None, folder=None):
        net = opened() if net is None else net
        return audit(net, home / "photos", boxes=boxes, finders=["places"], words=words, folder=folder)

    return ask


@pytest.fixture(scope="module")
def without(asked):
    return asked()


@pytest.fixture(scope="module")
def told(asked, home, tmp_path_factory):
    return asked(home / "words", folder=tmp_path_factory.mktemp("told"))


@pytest.fixture(scope="module")
def again(home, boxes, without):
    """A function (net, *words) → what spoken_of says of the first finding, the background, of the audit without words."""
    looked = seen(opened(), home / "photos", boxes=boxes)

    def say(*words, finding=None):
        own = vocabulary(opened(), {word: home / "words" / word for word in words})
        findings = without.findings if finding is None else [finding]
        return spoken_of(own, looked.canvas, looked.facts, findings, without.groups)[0]

    return say


def test_words_say_what_lies_around_the_answer_and_around_its_rival_and_how_often(told):
    spoken = told.spoken[0]
    assert told.findings[0].candidate.aspect.kind == "background" and told.findings[0].verdict == "proven"
    assert (spoken.outcome, spoken.by, spoken.right, spoken.of) == (TOLD, FEATURES, 32, 32)
    more, less = spoken.words
    assert (more.word, less.word) == ("standing", "lying")
    for word, own in ((more, True), (less, False)):
        assert word.own.low < (OFTEN if own else 1 - OFTEN) < word.own.high, word
        assert word.rivals.low < (1 - OFTEN if own else OFTEN) < word.rivals.high, word
        assert 15 <= word.own.n <= 25
    assert more.more.low > 0.4 and less.more.high < -0.4
    assert told.provenance["words"] == dict.fromkeys(sorted(KINDS), 8)


def test_nothing_of_what_is_found_and_judged_changes_with_words(told, without):
    plain, more = without.to_dict(), told.to_dict()
    assert more["findings"][0].pop("words")["outcome"] == TOLD
    for each in (plain, more):
        del each["provenance"]
    assert json.dumps(plain) == json.dumps(more)
    for one, other in zip(without.findings, told.findings):
        assert all(
            (getattr(one.trials, name) == getattr(other.trials, name)).all()
            for name in ("donors", "changed", "control")
        )


def test_words_added_to_a_finished_audit_ask_of_the_network_only_what_they_need(home, asked, tmp_path):
    first = asked(folder=tmp_path)
    kept = {p: p.stat().st_mtime_ns for p in sorted(tmp_path.rglob("*")) if p.is_file()}
    more = asked(home / "words", folder=tmp_path)
    assert {p: p.stat().st_mtime_ns for p in sorted(tmp_path.rglob("*")) if p.is_file()} == kept
    pictures = sum(len(more.facts.split.of(part)) for part in ("find", "judge"))
    assert 0 < more.provenance["asked"] <= pictures < first.provenance["asked"]
    record = record_of(json.loads(json.dumps(more.to_dict())))
    assert record.findings[0]["words"]["words"][0]["word"] == "standing"
    canvas = Canvas(opened(), seen(opened(), home / "photos").collection)
    assert record.candidate(1, canvas).key == record_of(first).candidate(1, canvas).key


def test_words_that_fit_neither_side_are_not_said(again):
    spoken = again("checks", "plain")
    assert spoken.outcome == NONE and not spoken.words and spoken.none > 0.9


def test_a_word_for_one_side_alone_is_said_of_it(again):
    spoken = again("standing", "plain")
    assert spoken.outcome == TOLD and [word.word for word in spoken.words] == ["standing"]


def test_words_that_fit_both_sides_alike_are_not_said(home, again, tmp_path):
    chance = np.random.default_rng(3)
    both = {}
    for name, level in (("bright", 0.15), ("dim", -0.15)):  # of both kinds of lines, as both classes' photos are
        both[name] = [(255 * (texture(chance, KINDS[k % 2]) + level).clip(0, 1)).astype(np.uint8) for k in range(12)]
        for k, x in enumerate(both[name]):
            saved(x / 255, home / "words-alike" / name / f"{k}.png")
    spoken = again("../words-alike/bright", "../words-alike/dim")
    assert spoken.outcome == ALIKE and spoken.right == 24


def test_words_that_the_network_can_not_tell_apart_are_said_to_be_so(home, again):
    chance = np.random.default_rng(4)
    for name in ("one", "other"):
        for k in range(8):
            saved(texture(chance, "lying"), home / "words-same" / name / f"{k}.png")
    spoken = again("../words-same/one", "../words-same/other")
    assert spoken.outcome == UNTELLABLE and not spoken.words and spoken.right < 12 and spoken.of == 16


def marked(without, aspect):
    """The first finding as if it were of another aspect."""
    finding = without.findings[0]
    said = {
        name: getattr(finding.candidate, name)
        for name in ("answer", "rivals", "ways", "strength", "reappeared", "numbers")
    }
    return type(finding)(Candidate(aspect, **said), **{
        name: getattr(finding, name) for name in ("trials", "effect", "chance", "corrected", "verdict", "flips", "control_flips")
    })  # fmt: skip


@pytest.mark.parametrize(
    "aspect",
    [
        Region("top left", (0.0, 0.3, 0.0, 0.3)),
        Region("border", (0.75, 0.25, 0.75, 0.25)),
        Region("corners", (0.0, 0.4, 0.0, 0.4), ((0.6, 1.0, 0.6, 1.0),)),
    ],
    ids=lambda aspect: aspect.name,
)
def test_a_part_of_the_picture_is_told_by_that_part(again, without, aspect):
    spoken = again("lying", "standing", finding=marked(without, aspect))
    assert spoken.outcome == TOLD and spoken.words[0].word == "standing"
    assert spoken.words[0].own.value > 0.6 and spoken.words[0].rivals.value < 0.25


def test_a_thing_is_told_where_it_lies(again, without, home, boxes):
    looked = seen(opened(), home / "photos", boxes=boxes)
    inside = Inside(looked.canvas, "lines")
    something = thing(inside, [0, 0, 1, 1, 0, 0], 0.1, (0.4, 0.4))
    assert isinstance(something, Thing)
    spoken = again("lying", "standing", finding=marked(without, something))
    assert spoken.outcome == TOLD and spoken.words[0].word == "standing"


def test_of_a_network_without_features_words_are_told_by_colours_and_detail(tmp_path):
    def black_box(images):
        red = (images[..., 0].astype(np.float32) - images[..., 2]).mean((1, 2)) / 255
        chance = 1 / (1 + np.exp(60 * (red - 0.12)))
        return np.stack([1 - chance, chance], 1)

    chance = np.random.default_rng(5)
    colours = {"brown": np.array((1, 0.7, 0.4)), "grey": np.array((0.8, 0.8, 0.8))}
    for k in range(120):
        label = k % 2
        x = texture(chance, "plain") * colours[("brown", "grey")[label if chance.random() < OFTEN else 1 - label]]
        x[THING] = 0.85 if label else 0.15
        saved(x, tmp_path / "photos" / ("cat", "dog")[label] / f"{k:03}.png")
    words = {
        word: [(255 * texture(chance, "plain") * c).astype(np.uint8) for _ in range(6)] for word, c in colours.items()
    }
    boxes = {f"{p.parent.name}/{p.name}": (11, 11, 20, 20) for p in (tmp_path / "photos").glob("*/*.png")}
    net = st.open(black_box, input_size=(SIDE, SIDE, 3), classes=["cat", "dog"])
    found = audit(net, tmp_path / "photos", boxes=boxes, finders=["places"], words=words)
    spoken = found.spoken[0]
    assert spoken.by == LOOKS and spoken.right == spoken.of == 12
    assert spoken.outcome == TOLD and {word.word for word in spoken.words} == {"brown", "grey"}


def test_the_interval_of_a_difference_of_shares_is_newcombes():
    found = difference(proportion(56, 70), proportion(48, 80))  # his table II, the first example
    assert (round(found.value, 4), round(found.low, 4), round(found.high, 4)) == (0.2, 0.0524, 0.3339)


def test_each_of_the_words_own_pictures_is_held_against_the_others_alone():
    chance = np.random.default_rng(0)
    rows = np.concatenate([chance.normal(0, 1, (6, 5)), chance.normal(4, 1, (6, 5))])
    of = np.repeat([0, 1], 6)
    means = meaning_of(rows, of, 2)
    for k in range(12):
        rest = np.arange(12) != k
        other = meaning_of(rows[rest], of[rest], 2)
        apart = (((rows[k] - other.means) / other.width) ** 2).mean(1)
        assert means.taken_for[k] == apart.argmin()
    new = np.array([[0.0] * 5, [4.0] * 5, [40.0] * 5], np.float32)
    assert means.tellable.all() and (means.nearest(Seen(new, new)) == [0, 1, -1]).all()


def test_what_the_network_takes_for_a_word_but_is_of_other_colours_altogether_is_none_of_them():
    chance, of = np.random.default_rng(1), np.repeat([0, 1], 6)
    told = np.concatenate([chance.normal(0, 1, (6, 5)), chance.normal(4, 1, (6, 5))])
    means = meaning(Seen(told, chance.normal(0, 1, (12, 3))), of, 2)
    seen = Seen(np.zeros((2, 5), np.float32), np.array([[0.0] * 3, [20.0] * 3], np.float32))
    assert (means.nearest(seen) == [0, -1]).all()


def test_what_are_no_words_is_refused_in_a_sentence_before_anything_is_looked_at(home, tmp_path):
    net, words = opened(), home / "words"

    def refused(given, error, said):
        with pytest.raises(error, match=said) as caught:
            audit(net, tmp_path / "nowhere", words=given)  # pictures that aren't there would be told of next
        assert str(caught.value).count(".\n") == 0

    refused({"lying": words / "lying"}, UsageError, "give 2 to 50 of them, and not 1")
    refused({f"w{k}": words / "lying" for k in range(51)}, UsageError, "and not 51")
    refused(words / "lying", UsageError, "There is no folder in")
    refused(tmp_path / "none", InputRefused, "There is no folder of words")
    refused(3, UsageError, "and not 3")
    refused({"": words / "lying", "b": words / "plain"}, UsageError, "a text that isn't empty")
    (tmp_path / "bad" / "sand").mkdir(parents=True)
    refused(
        {"lying": words / "lying", "sand": tmp_path / "bad" / "sand"},
        InputRefused,
        "'sand' has no picture that can be read",
    )
    (tmp_path / "bad" / "sand" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    refused(
        {"lying": words / "lying", "sand": tmp_path / "bad" / "sand"},
        InputRefused,
        "'sand' has no picture that can be read",
    )
    refused({"lying": words / "lying", "sand": 3}, InputRefused, "'sand' has no picture that can be read")
    refused(
        {"lying": words / "lying", "sand": tmp_path / "gone"}, InputRefused, "'sand' has no picture that can be read"
    )
    few = sorted((words / "plain").iterdir())[:3]
    refused({"lying": words / "lying", "plain": few}, InputRefused, "'plain' has 3 pictures that can be read; give 4")


def test_a_place_that_the_things_cover_in_every_picture_is_none_of_the_words(again, without):
    spoken = again("lying", "standing", finding=marked(without, Region("middle", (0.4, 0.6, 0.4, 0.6))))
    assert spoken.outcome != TOLD and not spoken.words


def test_refuted_findings_and_looks_have_no_words(told):
    for finding, spoken in zip(told.findings, told.spoken):
        somewhere = finding.candidate.aspect.kind in ("background", "region", "thing")
        assert spoken is None or (somewhere and finding.verdict != "not found")
