"""A proof on networks of which it is known what they read, and pictures of which it is known what is in them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from proof_material import BIASED, CORNER, MARK, MENDED, THING, boxes_of, opened, write

from seethrough.datasets.collection import collect
from seethrough.errors import InputRefused, UsageError
from seethrough.findings.audit import audit
from seethrough.findings.judge import PROVEN, Finding
from seethrough.findings.statistics import Interval
from seethrough.remedies.follow import GONE, LESS, NEW, NOTHING, SAME, STRONGER, state_of
from seethrough.remedies.measure import OTHER, RIGHT, WORST_GROUP, WORST_SLICE, Part, Versus
from seethrough.remedies.proof import IMPROVED, NO_IMPROVEMENT, WORSE, verdict_of
from seethrough.remedies.prove import prove
from seethrough.remedies.repair import repair
from seethrough.remedies.used import NAME

FINDERS = ["places"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Audited pictures, and fresh ones of which the groups are known."""
    home = tmp_path_factory.mktemp("proof")
    write(home / "photos", 120, seed=0)
    groups = write(home / "fresh", 120, seed=1, usual=0.8)
    lines = [f"{name},{group}" for name, group in groups.items()]
    (home / "groups.csv").write_text("\n".join(lines))
    found = audit(
        opened(*BIASED), home / "photos", boxes=boxes_of(home / "photos"), folder=home / "audit", finders=FINDERS
    )
    found.save(home / "audit" / "findings.json")
    assert {f.candidate.aspect.kind for f in found.proven} == {"region", "background"}
    return home


@pytest.fixture
def audited(home):
    """The audit's folder, in which nothing was proved yet."""
    (home / "audit" / NAME).unlink(missing_ok=True)
    return home / "audit"


@pytest.fixture(scope="module")
def proof(home):
    """Of a repair that works, beside a control that doesn't; on fresh pictures."""
    (home / "audit" / NAME).unlink(missing_ok=True)
    controls = {"plain": opened((MARK, 13.0), (THING, 7.0))}
    return prove(
        opened(*BIASED), opened(*MENDED), home / "fresh", findings=home / "audit", boxes=boxes_of(home / "fresh"),
        groups=home / "groups.csv", controls=controls,
    )  # fmt: skip


def test_a_repair_that_works_has_improved_the_worst_group(proof):
    assert (proof.verdict, proof.reason) == (IMPROVED, "gain") and proof.count == 120 and not proof.own_part
    worst = proof.primary
    assert worst is not None and worst.name == WORST_GROUP and worst.worst_before.name == "unusual"
    assert worst.before.value == 0 and worst.after.value == 1 and worst.chance < 0.025 and worst.change.low > 0
    assert worst.controls["plain"].value == 0 and worst.beyond["plain"].low > 0
    assert proof.right.before.value < 0.9 and proof.right.after.value == 1
    assert {row.part.name: row.right["before"] for row in proof.rows if row.part.kind == "group"} == {
        "usual": 1,
        "unusual": 0,
    }


def test_without_groups_the_worst_slice_shows_it_too(proof):
    worst = proof.figure(WORST_SLICE)
    assert worst.before.value < 0.3 and worst.after.value == 1 and worst.worst_before.name == OTHER
    sides = {
        (row.part.answer, row.part.name): row for row in proof.rows if row.part.kind == "side" and not row.part.finding
    }
    truth = {(row.part.answer, row.part.name): row.n for row in proof.rows if row.part.kind == "group"}
    for answer in (0, 1):  # found without being told: which pictures have the other class's mark
        assert sides[answer, "other"].n == truth[answer, "unusual"] and sides[answer, "own"].n == truth[answer, "usual"]


def test_the_effects_are_gone_and_nothing_came_instead(proof):
    assert proof.faults and {each.state for each in proof.faults} == {GONE} and not proof.risen
    for each in proof.faults:
        assert each.before.verdict == PROVEN and each.before.effect.low > 30 and abs(each.after.effect.value) < 1
        assert each.before.flips > 0.6 and each.after.flips == 0 and each.flips_chance < 1e-6 and each.chance < 0.001
        assert each.change.high < -30 and each.controls["plain"].value > 20


def test_pictures_show_what_changed(proof):
    pairs = next(pairs for pairs in proof.pairs if pairs)
    assert pairs[0].own.shape == pairs[0].changed.shape == (24, 24, 3) and (pairs[0].own != pairs[0].changed).any()
    for pair in pairs:
        assert pair.chances["before"][0] - pair.chances["before"][1] > 0.3
        assert abs(pair.chances["after"][0] - pair.chances["after"][1]) < 0.05


def test_it_is_plain_data(proof):
    record = json.loads(json.dumps(proof.to_dict(), default=str))
    assert record["format"] == "seethrough proof 1" and record["verdict"] == "improved"
    assert [f["state"] for f in record["findings"] if f["fault"]] == [GONE, GONE]
    assert record["figures"][0]["name"] == RIGHT and record["provenance"]["after"]["fingerprint"]


def test_pictures_prove_once(home, audited):
    given = {"findings": audited, "boxes": boxes_of(home / "photos")}
    first = prove(opened(*BIASED), opened((MARK, 13.0), (THING, 7.0)), home / "photos", **given)
    assert first.own_part and first.count == 24 and first.verdict == NO_IMPROVEMENT
    assert {note.name for note in first.notes} >= {"few_proofs", "proof_without_controls"}
    with pytest.raises(UsageError, match=r"used for a proof before.*force=True"):
        prove(opened(*BIASED), opened(*MENDED), home / "photos", **given)
    forced = prove(opened(*BIASED), opened(*MENDED), home / "photos", force=True, **given)
    assert forced.verdict == IMPROVED and "proof_used" in {note.name for note in forced.notes}
    record = json.loads((audited / NAME).read_text("utf-8"))
    assert [use["verdict"] for use in record["used"]] == [NO_IMPROVEMENT, IMPROVED]


def test_what_goes_by_another_mark_instead_has_not_improved(home, audited, tmp_path):
    """Whac-A-Mole: the corner at the bottom right comes in the place of the one at the top left."""
    write(tmp_path / "both", 120, seed=2, corner=0.9)
    found = prove(
        opened(*BIASED), opened((CORNER, 16.0), (THING, 4.0)), tmp_path / "both", findings=audited,
        boxes=boxes_of(tmp_path / "both"), answers="region=background",
    )  # fmt: skip
    new = [each for each in found.risen if each.candidate.aspect.kind == "region"]
    assert new and new[0].number is None and new[0].state == NEW and new[0].candidate.aspect.name == "bottom right"
    assert new[0].before.verdict != PROVEN and new[0].after.effect.low > 20
    assert [each.state for each in found.faults] == [GONE]
    assert (found.verdict, found.reason) == (NO_IMPROVEMENT, "moved")


def test_what_makes_it_worse_is_called_so(home, audited):
    found = prove(
        opened(*MENDED), opened((MARK, 20.0)), home / "fresh", findings={**_said(audited), "provenance": {"finders": FINDERS}},
        boxes=boxes_of(home / "fresh"),
    )  # fmt: skip
    assert found.verdict == WORSE and found.primary.change.high < 0
    assert "proof_not_marked" in {note.name for note in found.notes}


def test_what_a_repair_gives_is_proved_beside_its_controls(home, audited):
    """The whole way: what `repair` left in the audit's folder is taken up, and what was asked isn't asked again."""
    biased = opened(*BIASED)
    mended = repair(
        biased, audited, home / "photos", answers="background=background", boxes=boxes_of(home / "photos"), rungs=["exchanged"]
    )  # fmt: skip
    assert mended.network is not None and set(mended.controls) == {"plain", "shuffled"}
    given = {"findings": audited, "boxes": boxes_of(home / "fresh"), "groups": home / "groups.csv"}
    found = prove(biased, mended.network, home / "fresh", **given)
    assert found.verdict == IMPROVED and set(found.controls) == {"plain", "shuffled"}
    assert [each.candidate.aspect.kind for each in found.faults] == ["background"]  # what the repair was for
    assert found.primary.before.value < 0.2 and found.primary.after.value > 0.8
    for name in ("plain", "shuffled"):  # so plain a thing, even training on can learn it: then that is what is said
        assert found.primary.beyond[name].value == pytest.approx(
            found.primary.after.value - found.primary.controls[name].value
        )
        assert name in found.faults[0].controls
    del given["findings"]  # the repair knows by which audit it was made
    again = prove(biased, mended, home / "fresh", force=True, **given)
    assert again.to_dict()["findings"] == found.to_dict()["findings"]
    assert again.provenance["asked"] < found.provenance["asked"] / 3


def test_what_can_not_be_proved_is_refused(home, audited, tmp_path):
    biased, mended, boxes = opened(*BIASED), opened(*MENDED), boxes_of(home / "fresh")
    with pytest.raises(UsageError, match="same network"):
        prove(biased, opened(*BIASED), home / "fresh", findings=audited, boxes=boxes)
    with pytest.raises(UsageError, match="goes on from an audit; give"):
        prove(biased, mended, home / "fresh", boxes=boxes)
    with pytest.raises(UsageError, match="of another network"):
        prove(mended, biased, home / "fresh", findings=audited, boxes=boxes)
    with pytest.raises(InputRefused, match=r"too few .* with: 4 of 'dark', 4 of 'light'; give 8"):
        write(tmp_path / "few", 8, seed=5)
        prove(biased, mended, tmp_path / "few", findings=audited, boxes=boxes_of(tmp_path / "few"))
    with pytest.raises(UsageError, match=r"Finding \d \(background\).*give masks or boxes"):
        prove(biased, mended, home / "fresh", findings=audited)
    copies = tmp_path / "copies"
    for path in (home / "photos").glob("*/*.png"):
        (copies / path.parent.name).mkdir(parents=True, exist_ok=True)
        (copies / path.parent.name / f"renamed-{path.name}").write_bytes(path.read_bytes())
    with pytest.raises(InputRefused, match="had a part in the audit"):
        prove(biased, mended, copies, findings=audited, boxes=boxes_of(copies))
    assert not (audited / NAME).exists()
    (audited / NAME).write_text("{}")
    with pytest.raises(InputRefused, match="can't be read"):
        prove(biased, mended, home / "fresh", findings=audited, boxes=boxes)


def _said(folder):
    return json.loads((folder / "findings.json").read_text("utf-8"))


# --- what may be said, by the numbers alone ---------------------------------------------------------------------------


def share(name, before, after, low, high, chance=0.001):
    part = Part("class", 0)
    change = Interval(after - before, low, high, 100)
    return Versus(name, Interval(before, 0, 1, 100), Interval(after, 0, 1, 100), change, chance, 1, 1, part, part)


@pytest.mark.parametrize(
    ("worst", "right", "verdict"),
    [
        ((0.4, 0.8, 0.3, 0.5), (0.9, 0.9, -0.02, 0.02), (IMPROVED, "gain")),
        ((0.4, 0.8, 0.3, 0.5), (0.95, 0.9, -0.08, -0.02), (IMPROVED, "gain")),
        ((0.4, 0.44, 0.01, 0.07), (0.95, 0.85, -0.12, -0.05), (WORSE, "right lost")),
        ((0.4, 0.42, -0.05, 0.1), (0.9, 0.9, -0.02, 0.02), (NO_IMPROVEMENT, "no gain")),
        ((0.4, 0.42, -0.05, 0.1), (0.9, 0.8, -0.14, -0.05), (WORSE, "right lost")),
        ((0.6, 0.4, -0.3, -0.1), (0.9, 0.9, -0.02, 0.02), (WORSE, "worst lost")),
    ],
)
def test_a_verdict_goes_by_the_worst_part_and_not_beyond_what_is_sure(worst, right, verdict):
    assert verdict_of([share(RIGHT, *right), share(WORST_SLICE, *worst)], []) == verdict
    unsure = [share(RIGHT, *right, chance=0.2), share(WORST_SLICE, *worst, chance=0.2)]
    assert verdict_of(unsure, []) == (NO_IMPROVEMENT, "no gain")


def test_a_state_is_told_by_both_verdicts_and_the_change():
    def found(verdict, value):
        none = np.zeros(0)
        return Finding(None, none, Interval(value, value - 3, value + 3, 50), 0.5, 0.5, verdict, 0.0, 0.0)

    def state(before, after):
        proven = [PROVEN if value > 8 else "not found" for value in (before, after)]
        moved = Interval(after - before, after - before - 2, after - before + 2, 50)
        return state_of(found(proven[0], before), found(proven[1], after), moved)

    cases = [
        (50, 0, GONE),
        (50, 20, LESS),
        (50, 49, SAME),
        (50, 60, STRONGER),
        (0, 30, NEW),
        (0, 1, NOTHING),
        (9, 7.5, SAME),
    ]
    assert [(before, after, state(before, after)) for before, after, _ in cases] == cases


def test_the_pictures_of_the_audit_are_told_from_others(home, audited):
    from seethrough.findings.record import record_of
    from seethrough.remedies.held_out import is_audited

    record = record_of(audited)
    assert is_audited(record, collect(home / "photos")) and not is_audited(record, collect(home / "fresh"))
    elsewhere = replace(record, said={**record.said, "provenance": {}})
    assert not is_audited(elsewhere, collect(list(np.zeros((3, 8, 8, 3), np.uint8))))
