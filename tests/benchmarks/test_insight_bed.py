"""The planted test bed: what is drawn, what the oracle says of a network of which it is known what it reads, and the scorer."""

import ast
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from insight_bed import beds, fifth, first, fourth, nets, oracle, runs, second, third, told
from insight_bed.beds import ARCHITECTURES, FILES, SEEN
from insight_bed.case import AUDIT, TEST, TRAIN, Case, dealt, sheet
from insight_bed.cases import REPAIRS, ROWS, balanced, cases, jobs, subset
from insight_bed.nets import chances, network, train
from insight_bed.score import RIGHT, right, scored

BED = Path(first.__file__).parent
GENERATORS = [first, second, third, fourth, fifth]
EVERY = [(g, kind) for g in GENERATORS for kind in g.KINDS]
MOVES = ("position", "size", "shade", "tilt")
"""Of these the thing, or what is beside it, stands elsewhere."""
LENT = {"fourth_room"}
"""Files whose arithmetic of drawing a later generator has too."""


def test_generators_know_nothing_of_what_finds_nor_of_each_other():
    for name in (*sum(FILES.values(), ()), "layers", "nets", "oracle", "beds", "case", "cases"):
        tree = ast.parse((BED / f"{name}.py").read_text())
        modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert not any("seethrough" in module for module in modules)
        bed = next((bed for bed, files in FILES.items() if name in files), None)
        if bed:
            own = {"insight_bed.layers", *(f"insight_bed.{file}" for file in FILES[bed])}
            assert {module for module in modules if "insight_bed" in module} <= own


def test_a_mark_of_a_bed_knows_every_file_that_its_networks_depend_on():
    """A bed's pictures, networks and truth come of its marked files, but for the table of beds and what one of the others has."""
    there = {path.stem for path in BED.glob("*.py")}
    owned = [name for files in FILES.values() for name in files]
    assert {name for name in owned if owned.count(name) > 1} == LENT and set(owned) <= there
    named = {name for name in there if name.split("_")[0] in FILES or name.removeprefix("nets_") in FILES}
    assert named == set(owned)
    marks = {bed: runs.bed_state(bed) for bed in FILES}
    assert len(set(marks.values())) == len(FILES)


@pytest.mark.parametrize("changed", list(FILES))
def test_another_drawing_of_one_bed_leaves_the_rows_of_the_others(changed, tmp_path, monkeypatch):
    for path in BED.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(runs, "HERE", tmp_path)
    mark = runs.bed_state.__wrapped__
    before = {bed: mark(bed) for bed in FILES}
    with (tmp_path / f"{changed}.py").open("a") as file:
        file.write("# another\n")
    assert {bed for bed in FILES if mark(bed) != before[bed]} == {changed}
    (tmp_path / "nets.py").write_text("")
    assert all(mark(bed) != before[bed] for bed in FILES)


@pytest.mark.parametrize(("bed", "kind"), EVERY, ids=[kind for _, kind in EVERY])
def test_another_cue_changes_the_picture_and_only_by_the_cue(bed, kind):
    labels = np.arange(12) % 3
    one, masks = bed.draw(kind, labels, np.zeros(12, np.int64), seed=2000)
    same, again = bed.draw(kind, labels, np.zeros(12, np.int64), seed=2000)
    other, moved = bed.draw(kind, labels, np.full(12, 1), seed=2000)
    assert np.array_equal(one, same) and np.array_equal(masks, again)
    assert one.shape == (12, bed.SIDE, bed.SIDE, 3) and one.dtype == np.uint8
    changed = (one != other).any(3)
    assert changed.any((1, 2)).all()
    place = bed.place(kind, 2000)
    if place is not None and kind not in ("frame", "eyepiece"):
        inside = np.zeros((bed.SIDE, bed.SIDE), bool)
        for box in place if isinstance(place[0], tuple) else (place,):
            rows = [round(p * bed.SIDE) for p in box]
            inside[rows[0] : rows[1], rows[2] : rows[3]] = True
        assert not changed[:, ~inside].any()
    if kind in (
        "background",
        "object",
        "companion",
        "neighbour",
        "fence",
        "plate",
        "bokeh",
        "toy",
        "litter",
        "horizon",
        "vessel",
        "onlooker",
        "photographer",
        "curtain",
        "ruled",
        "snow",
        "reflection",
        "flash",
    ):  # the thing stays to the pixel, but where its edge is mixed
        core = np.stack([_eroded(_eroded(m)) for m in masks])
        assert (np.abs(one.astype(int) - other).max(3) > 1)[core].mean() < 0.05 and changed[~masks].mean() > 0.01
    if kind not in MOVES:
        assert (masks & moved).sum() > 0.7 * (masks | moved).sum()


def _eroded(mask):
    kept = mask.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            kept &= np.roll(mask, step, axis)
    return kept


@pytest.mark.parametrize("bed", GENERATORS)
def test_the_class_is_the_thing(bed):
    """With the same cue, another thing changes only what it covers or covered."""
    cues = np.zeros(6, np.int64)
    (one, first_masks), (other, masks) = (bed.draw(bed.KINDS[0], np.full(6, k), cues, seed=1000) for k in (0, 1))
    around = first_masks | masks
    for _ in range(1):
        around = around | ~np.stack([_eroded(~m) for m in around])
    assert not (one != other).any(3)[~around].any() and (one != other).any((1, 2, 3)).all()
    assert 0.02 < masks.mean() < 0.4


@pytest.mark.parametrize("share", [0, 85, 95, 99, 100])
def test_cues_agree_with_the_class_as_often_as_is_said(share):
    labels = np.arange(600) % 3
    cues = dealt(labels, 3, share, np.random.default_rng(0))
    agree = (cues == labels).mean()
    assert abs(agree - (share / 100 if share else 1 / 3)) < 0.006
    if share < 100:  # and where they don't, all other classes' cues are there alike
        counts = np.array([[((labels == a) & (cues == b)).sum() for b in range(3) if b != a] for a in range(3)])
        assert np.ptp(counts, axis=1).max() <= 1


def test_rows_share_no_picture():
    case = Case("first", "mark", 95, "plain")
    a, b, c = (sheet(case, row, 64) for row in (TRAIN, AUDIT, TEST))
    assert not (a.pictures == b.pictures).all((1, 2, 3)).any() and not (b.pictures == c.pictures).all((1, 2, 3)).any()
    assert first.place("mark", 1000 + TRAIN) == first.place("mark", 1000 + TEST)


class ReadsCorner(nn.Module):
    """Its answer is 1 with a chance of 3 in 4 where there is something yellow in the bottom left corner, else of 1 in 4."""

    def forward(self, x):
        corner = x[:, :, -first.MARK :, : first.MARK]
        yellow = (corner[:, 0] + corner[:, 1] - 2 * corner[:, 2]).flatten(1).amax(1)
        there = (yellow > 0.95).float()
        logit = np.log(3) * (2 * there - 1)
        return torch.stack([torch.zeros_like(logit), logit], 1)


def test_the_oracle_says_what_a_network_reads(monkeypatch):
    monkeypatch.setattr(oracle, "TESTED", 64)
    case = Case("first", "mark", 90, "plain", seed=1)
    assert first.place("mark", 2000) == pytest.approx((1 - first.MARK / 64, 1, 0, first.MARK / 64))
    found = oracle.truth(case, ReadsCorner())
    assert found.effect == pytest.approx(50, abs=3) and found.used
    assert found.usual == pytest.approx(0.9, abs=0.03) and found.worst < 0.05 and found.other < 0.05
    blind = oracle.truth(replace(case, kind="hue"), ReadsCorner())
    assert abs(blind.effect) < 10 and not blind.used


@pytest.mark.parametrize("bed", list(ARCHITECTURES))
def test_networks_are_trained_alike_with_the_same_seed(bed, monkeypatch):
    monkeypatch.setattr(nets, "EPOCHS", 1)
    generator = beds.GENERATORS[bed]
    labels = np.arange(80) % 2
    pictures, _ = generator.draw("background", labels, labels, seed=1000)
    for name in ARCHITECTURES[bed]:
        answers = []
        for _ in range(2):
            module = network(bed, name, 2, seed=3)
            train(module, pictures, labels, seed=3)
            answers.append(chances(module, pictures))
            assert not module.training
        assert np.array_equal(*answers) and answers[0].shape == (80, 2)


def finding(kind, name="", verdict="proven", box=None, effect=20.0):
    aspect = {"kind": kind, "name": name, **({"box": box} if box else {})}
    interval = {"value": effect, "low": effect - 3, "high": effect + 3, "n": 60}
    return {
        "aspect": aspect,
        "verdict": verdict,
        "effect": interval,
        "answer": 1,
        "corrected": 1e-4,
        "ways": ["places"],
    }


def test_a_region_is_right_where_the_mark_lies_and_nowhere_else():
    place = (0.86, 1.0, 0.0, 0.14)
    assert right("mark", finding("region", "bottom left", box=(0.8, 1.0, 0.0, 0.2)), place)
    assert not right("mark", finding("region", "top left", box=(0.0, 0.2, 0.0, 0.2)), place)
    assert not right("mark", finding("region", "all", box=(0.0, 1.0, 0.0, 1.0)), place)
    assert not right("mark", finding("region", "border", box=(0.9, 0.1, 0.9, 0.1)), place)
    assert not right("mark", finding("background"), place)
    assert right("frame", finding("region", "border", box=(0.9, 0.1, 0.9, 0.1)), (0.0, 1.0, 0.0, 1.0))
    assert right("tint", finding("look", "hue"), None) and not right("tint", finding("look", "brightness"), None)
    assert right("grain", finding("detail", "fine detail"), None)
    bars = third.place("letterbox", 1000)
    for box, name in (((0.85, 1.0, 0.0, 1.0), "foot"), ((0.9, 0.1, 0.9, 0.1), "border"), ((0, 1, 0, 0.2), "left")):
        assert right("letterbox", finding("region", name, box=box), bars)
    assert not right("letterbox", finding("region", "middle", box=(0.2, 0.7, 0.0, 0.4)), bars)
    assert not right("letterbox", finding("region", "corner", box=(0.0, 0.2, 0.0, 0.2)), bars)
    assert right("eyepiece", finding("region", "corner", box=(0.0, 0.2, 0.0, 0.2)), third.place("eyepiece", 1000))


def test_of_the_fourth_what_lies_in_corners_at_an_edge_or_anywhere_has_the_names_a_person_would_accept():
    corners, edge = fourth.place("sticker", 1000), fourth.place("gutter", 2000)
    assert edge == (0.0, 1.0, 0.0, fourth.GUTTER) and fourth.place("gutter", 1000)[2] == 1 - fourth.GUTTER
    assert right("sticker", finding("region", "bottom right", box=(0.78, 1.0, 0.78, 1.0)), corners)
    assert right("sticker", finding("region", "corners", box=(0.8, 0.2, 0.8, 0.2)), corners)
    assert right("sticker", finding("thing", "a disc"), corners)
    assert not right("sticker", finding("region", "middle", box=(0.3, 0.7, 0.3, 0.7)), corners)
    assert not right("sticker", finding("region", "foot", box=(0.8, 1.0, 0.0, 1.0)), (0.02, 0.2, 0.02, 0.2))
    assert right("gutter", finding("region", "left", box=(0.0, 1.0, 0.0, 0.2)), edge)
    assert right("gutter", finding("look", "light from the side"), edge)
    assert not right("gutter", finding("region", "right", box=(0.0, 1.0, 0.8, 1.0)), edge)
    assert not right("gutter", finding("look", "light from above"), edge)
    assert not right("hand", finding("background"), None) and right("litter", finding("background"), None)
    assert right("dusk", finding("look", "hue"), None) and not right("dusk", finding("look", "contrast"), None)


def test_of_the_fifth_what_is_of_the_scene_and_what_lies_along_an_edge_has_the_names_a_person_would_accept():
    sides, foot, shadow = (fifth.place(kind, 1000) for kind in ("curtain", "foliage", "photographer"))
    assert right("curtain", finding("region", "left", box=(0.0, 1.0, 0.0, 0.2)), sides)
    assert right("curtain", finding("region", "right", box=(0.0, 1.0, 0.8, 1.0)), sides)
    assert right("curtain", finding("background"), sides)
    assert not right("curtain", finding("region", "middle", box=(0.3, 0.7, 0.3, 0.7)), sides)
    assert not right("curtain", finding("look", "light from the side"), sides)
    for kind, place in (("foliage", foot), ("photographer", shadow)):
        assert right(kind, finding("region", "foot", box=(0.75, 1.0, 0.0, 1.0)), place)
        assert right(kind, finding("thing", "a dark shape"), place)
        assert not right(kind, finding("region", "all", box=(0.0, 1.0, 0.0, 1.0)), place)
    assert not right("photographer", finding("region", "top", box=(0.0, 0.3, 0.0, 1.0)), shadow)
    assert right("fold", finding("region", "middle", box=(0.4, 0.6, 0.0, 1.0)), fifth.place("fold", 1000))
    assert not right("fold", finding("detail", "fine detail"), fifth.place("fold", 1000))
    assert fifth.place("smear", 1000) != fifth.place("smear", 2000)
    assert not right("leash", finding("background"), None) and not right("tilt", finding("layout", "position"), None)
    assert right("dapple", finding("look", "contrast"), None) and not right("dapple", finding("look", "hue"), None)
    assert not right("snow", finding("look", "brightness"), None)


def test_every_kind_has_a_name_to_be_called_by_and_each_later_generator_has_kinds_that_nobody_had():
    assert set(RIGHT) == {kind for _, kind in EVERY}
    for bed, at_least, seen in ((third, 8, 4), (fourth, 10, 5), (fifth, 12, 5)):
        others = GENERATORS[: GENERATORS.index(bed)]
        before = {kind for other in others for kind in other.KINDS}
        assert len(bed.UNSEEN) >= at_least and not set(bed.UNSEEN) & before and len(bed.SEEN) == seen
        assert not {*bed.THINGS} & {thing for other in others for thing in other.THINGS}
        assert bed.SIDE not in {other.SIDE for other in others}
    names = [name for each in ARCHITECTURES.values() for name in each]
    assert len(set(names)) == len(names) == 15
    assert {bed: SEEN[bed] for bed in SEEN if bed != "first"} == {
        bed: beds.GENERATORS[bed].SEEN for bed in ("second", "third", "fourth", "fifth")
    }


@pytest.mark.parametrize(("bed", "kind"), [(bed, kind) for bed in (fourth, fifth) for kind in bed.KINDS])
def test_a_cue_is_plain_and_leaves_the_class_alone(bed, kind):
    """It is seen in every picture, as large for one thing as for another, and hides little of the thing."""
    labels = np.arange(48) % 3
    one, masks = bed.draw(kind, labels, np.zeros(48, np.int64), seed=3000)
    other, left = bed.draw(kind, labels, np.ones(48, np.int64), seed=3000)
    change = np.abs(one.astype(int) - other).max(3).astype(float)
    assert (np.sort(change.reshape(48, -1), 1)[:, -60:].mean(1) > 12).all()
    sizes = np.array([change[labels == k].mean() for k in range(3)])
    assert np.ptp(sizes) < 0.35 * sizes.mean()
    assert (masks & left).sum((1, 2)).min() > 0.4 * masks.sum((1, 2)).min()


def test_a_headline_is_what_the_first_proven_group_is_called_by():
    both = [finding("background", effect=40.0), finding("look", "hue")]
    assert scored("hue", {"findings": both}, None)["named"] is False
    grouped = {"findings": both, "groups": [{"main": 2, "parts": [{"finding": 1}]}]}
    assert scored("hue", grouped, None) | {"findings": None} == {
        "any": True, "proven": True, "named": True, "told": True, "suspected": False, "headline": "look hue", "findings": None,
    }  # fmt: skip
    other = scored("hue", {"findings": both, "groups": [{"main": 1, "parts": [{"finding": 2}]}]}, None)
    assert other["told"] and not other["named"]
    nothing = scored("hue", {"findings": [finding("look", "hue", verdict="suspected")]}, None)
    assert not nothing["any"] and not nothing["named"] and nothing["suspected"] and nothing["headline"] is None


def test_there_are_as_many_twins_kinds_and_strengths_as_are_asked_for():
    clean = cases("clean")
    assert len({case.key for case in clean}) == len(clean) >= 60
    planted = cases("first")
    assert len({c.kind for c in planted}) >= 6 and {c.correlation for c in planted} == {85, 90, 95, 99, 100}
    for row, bed in (("clean3", "third"), ("clean4", "fourth"), ("clean5", "fifth")):
        assert len(cases(row)) >= 24 and {c.bed for c in cases(row)} == {c.bed for c in cases(bed)} == {bed}
    assert {case.bed for case in [*clean, *cases("bare")]} == {"first", "second"}
    every = [case.network for row in ROWS if row not in ("bare", REPAIRS) for case in cases(row)]
    assert len(set(every)) == len(every)
    for bed in (third, fourth, fifth):
        row = cases(bed.__name__.split(".")[-1])
        assert {c.correlation for c in row if c.kind in bed.UNSEEN} == {90, 95, 100}
        assert {c.correlation for c in row if c.kind in bed.SEEN} == {95}
    for row in ("clean", "clean3", "clean4", "clean5", "first", "second", "third", "fourth", "fifth", "bare"):
        every = cases(row)
        few = [case for case in every if subset(case)]
        assert every[: len(few)] == few and (row == "bare") == (len(few) == len(every))
        assert len({case.architecture for case in few}) == 3 * len({case.bed for case in few})
    assert not set(first.KINDS) & set(second.UNSEEN)
    mended = jobs(REPAIRS)
    assert len({job.key for job in mended}) == len(mended) and {job.case.correlation for job in mended} == {95, 100}
    assert {job.case.kind for job in mended} >= {*first.KINDS, *second.UNSEEN}
    assert not {job.key for job in mended} & {job.key for job in jobs("first")}
    assert balanced(mended[0].case).network == mended[0].case.network.replace("-95-", "-0-")


def test_what_was_run_is_not_run_again_unless_something_else_finds(tmp_path, monkeypatch):
    ran = []

    def fake(job, folder):
        ran.append(job.key)
        bed = job.case.bed
        return {"key": job.key, "case": {"bed": bed}, "bed": runs.bed_state(bed), "findings": runs.findings_state()}

    monkeypatch.setattr(runs, "run", fake)
    some = jobs("clean")[:3]
    runs.run_all(some[:2], tmp_path)
    runs.run_all(some, tmp_path)
    assert ran == [job.key for job in some]
    with (tmp_path / runs.FILE).open("a") as file:
        file.write('{"key": "broken o')
    assert set(runs.read(tmp_path)) == set(ran)
    monkeypatch.setattr(runs, "findings_state", lambda: {"commit": "other", "mark": "other"})
    runs.run_all(some[:1], tmp_path)
    assert len(ran) == 3
    runs.run_all(some[:1], tmp_path, anew=True)
    assert len(ran) == 4
    runs.run_all(some, tmp_path, anew=True, until=0.0)
    assert len(ran) == 4


def row(kind, *, used=True, proven=True, named=True, correlation=95, any_=True):
    case = {"bed": "second", "kind": kind, "correlation": correlation, "masked": True}
    found = [{"called": "look hue", "answer": 1, "verdict": "proven", "effect": 9.0, "low": 6.0, "corrected": 1e-3}]
    audit = {"any": any_, "proven": proven, "named": named, "told": named, "findings": found, "slice": None}
    return {"key": kind, "case": case, "used": used, "network": {"effect": 30.0, "usual": 0.9}, "audit": audit}


def mended(worst, usual=0.96, correlation=95):
    scores = {"before": (0.3, 0.97), "after": (worst, usual), "balanced": (0.8, 0.9)}
    found = {name: {"worst": w, "usual": u} for name, (w, u) in scores.items()} | {
        "rung": "grouped",
        "verdict": "passed",
    }
    return {"key": "x-repair", "case": {"correlation": correlation}, "used": True, "repair": found}


def test_a_repair_is_held_against_balanced_training():
    lines = []
    assert told.repairs([mended(0.73), mended(0.6, correlation=100)], lines.append)
    assert not told.repairs([mended(0.71)], lines.append)  # 89 % of .8
    assert not told.repairs([mended(0.8, usual=0.95)], lines.append)  # two points lost
    assert not told.repairs([mended(0.5, correlation=100)], lines.append)
    assert told.repairs([], lines.append) and "91%" in "\n".join(lines)


def test_tables_count_what_is_used_and_every_false_alarm_is_told():
    lines = []
    rows = [row("frame"), row("frame", proven=False), row("grain", used=False), row("grain", named=False)]
    assert not told.planted(rows, second.UNSEEN, "Second", lines.append)
    text = "\n".join(lines)
    assert (
        "the shortcut is      2 of   3" in text
        and "anything proven      3 of   3" in text
        and "named right    1 of   3" in text
        and "missed" in text
    )
    lines.clear()
    assert not told.clean([row("frame", correlation=0)] + [row("grain", correlation=0, any_=False)] * 70, lines.append)
    assert "1 of  71" in "\n".join(lines) and sum("look hue" in line for line in lines) == 1
    assert told.clean([row("grain", correlation=0, any_=False)] * 60, lines.append)
    assert json.dumps(rows)
