"""What the benchmarks reckon themselves: fits, medians, choices, and the table between its marks."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from rows import ORDER, agreement, measured, shown
from rows import table as rows_of_the_table
from rows.nets import NAMES
from rows.row import Agreement, Pair, Row, Setting, medians
from scale import exponent


def pair(share=1.0, our_share=1.0, unlike=None):
    """A work of no content."""
    return Pair(
        opened=object,
        ours=lambda opened: [1.0, 2.0],
        theirs=lambda: [1.0, 2.5],
        agreement=agreement.difference,
        setting="as it comes",
        share=share,
        our_share=our_share,
        unlike=unlike,
    )


def row(made):
    return Row("none", {"en": "none"}, {"en": "nobody"}, {"vgg16": 2}, lambda setting: made)


def one(key="gradcam", network="vgg16", **changed):
    """A measured row."""
    told = {
        "key": key, "network": network, "work": {"en": "Grad-CAM", "zh": "Grad-CAM"},
        "peer": {"en": "a peer", "zh": "同行"}, "bar": 3, "counts": "first", "first": [2.0, 1.0, 9.0], "next": [0.5],
        "theirs": [4.0, 3.0, 100.0], "others": 0.1, "setting": "its best", "share": 1, "our_share": 1, "chosen": {},
        "agreement": {"figure": "difference", "value": 2e-7}, "peak_ours": 100.4, "peak_theirs": 200.0,
    }  # fmt: skip
    return {**told, **changed}


MACHINE = {"threads": 2, "processor": "a processor", "torch": "2.13"}


@pytest.mark.parametrize("power", [0.0, 1.0, 2.5])
def test_the_exponent_of_a_power_is_found_whatever_its_factor(power):
    sizes = [1, 3, 10, 40]
    slope, explained = exponent(sizes, [7 * size**power for size in sizes])
    assert slope == pytest.approx(power, abs=1e-9)
    assert explained == pytest.approx(1)


def test_what_is_no_power_is_explained_in_part():
    _, explained = exponent([1, 2, 4, 8], [1, 5, 1, 5])
    assert explained < 0.5


def test_the_ratio_is_that_of_medians_of_what_the_row_counts():
    assert shown.ratio(one()) == 2
    assert shown.ratio(one(counts="next")) == 8


def test_a_bar_that_is_missed_is_marked():
    assert "wanted ≥ 3 ✗" in shown.line(one())
    assert "wanted ≥ 1.5 ✓" in shown.line(one(bar=1.5))
    assert "wanted" not in shown.line(one(bar=None))


def test_a_row_that_could_not_run_says_why():
    told = {k: v for k, v in one().items() if k in ("key", "network", "work", "peer", "bar", "counts")}
    told["missing"] = "zennit isn't installed (extra `bench`)"
    assert "zennit isn't installed" in shown.line(told)
    assert "| not run |" in shown.markdown([told], {"vgg16": "VGG16"}, MACHINE, "en")


def test_the_table_has_a_line_a_work_and_a_column_a_network():
    found = [one(), one(network="resnet50", first=[0.01]), one("forward", "keras_vgg16")]
    text = shown.markdown(found, NAMES, MACHINE, "en")
    lines = text.splitlines()
    assert lines[0].endswith("| VGG16 | ResNet-50 | MobileNetV2 (Keras) |")
    assert lines[2] == "| Grad-CAM | a peer | 2.0× · 8.0× (100 / 200) | 400× · 8.0× (100 / 200) | – |"
    assert lines[3].endswith("| 2.0× · 8.0× (100 / 200) | – | – |")
    assert "reckoned" not in text


def test_it_is_said_that_a_part_was_timed():
    assert "reckoned" in shown.markdown([one(share=0.1)], NAMES, MACHINE, "en")
    assert "推算" in shown.markdown([one(share=0.1)], NAMES, MACHINE, "zh")


def test_only_what_stands_between_the_marks_is_replaced():
    document = f"before\n{shown.BEGIN}\nold\n{shown.END}\nbehind\n"
    new = shown.replaced(document, "new")
    assert new == f"before\n{shown.BEGIN}\nnew\n{shown.END}\nbehind\n"
    assert shown.replaced(new, "new") == new


@pytest.mark.parametrize("document", ["", shown.BEGIN, f"{shown.END}{shown.BEGIN}", 2 * (shown.BEGIN + shown.END)])
def test_a_document_without_both_marks_is_left_alone(document):
    with pytest.raises(ValueError, match="needs"):
        shown.replaced(document, "new")


def test_both_readmes_have_the_marks():
    for name in ("README.md", "README.zh-CN.md"):
        document = (Path(__file__).parents[2] / name).read_text("utf-8")
        assert shown.replaced(document, "x").count(shown.BEGIN) == 1


def test_the_rest_of_a_work_is_reckoned_from_the_part_that_was_timed(monkeypatch):
    seconds = iter([1.0, 3.0, 0.5])
    monkeypatch.setattr(measured, "timed", lambda call, device: (next(seconds), call()))
    monkeypatch.setattr(measured, "TURNS", 0)
    found = measured.timings(row(pair(share=0.25, our_share=0.1)), Setting("vgg16"), limit=0)
    assert found["theirs"] == [12.0]
    assert found["next"] == [5.0]
    assert found["first"] == [1.0 + 0.9 * 5.0]
    assert found["agreement"]["value"] == pytest.approx(0.5 / 2.5)


def test_what_was_timed_in_part_is_compared_on_another_work(monkeypatch):
    monkeypatch.setattr(measured, "timed", lambda call, device: (1.0, call()))
    monkeypatch.setattr(measured, "TURNS", 0)
    alike = pair(unlike=(lambda opened: [4.0], lambda: [4.0]))
    assert measured.timings(row(alike), Setting("vgg16"), limit=0)["agreement"]["value"] == 0


def test_a_peak_has_what_a_call_held():
    def held():
        return torch.ones(64, 1024, 1024).sum()

    big = Pair(object, lambda opened: held(), held, agreement.difference, "")
    assert measured.peak(row(big), Setting("vgg16"), "theirs") > 200


def test_the_quicker_of_two_settings_is_chosen_once():
    setting, calls = Setting("vgg16"), []
    sides = {"slow": lambda: sum(range(300_000)), "quick": lambda: calls.append(1)}
    assert setting.best("way", sides) == "quick"
    before = len(calls)
    assert setting.best("way", sides) == "quick"
    assert len(calls) == before


def test_a_first_round_does_not_count_where_there_are_others():
    rounds = iter([5.0, 1.0, 1.0])

    def call():
        torch.zeros(1)
        return next(rounds)

    assert set(medians({"a": call}, 2, 100)) == {"a"}
    assert next(rounds, None) is None


def test_difference_and_ranks():
    assert agreement.difference([1, 2], [[1.0], [4.0]]) == Agreement("difference", 0.5)
    assert agreement.ranks([1, 2, 30], np.array([2, 3, 4])).value == pytest.approx(1)
    with pytest.raises(ValueError, match="can't be compared"):
        agreement.difference([1, 2], [1])


def test_every_row_is_in_the_table_with_words_in_both_languages():
    found = rows_of_the_table()
    assert tuple(found) == ORDER
    for key, each in found.items():
        assert set(each.work) == set(each.peer) == {"en", "zh"}, key
        assert set(each.bars) <= set(NAMES), key
        assert each.counts in ("first", "next")
