"""Something that lies beside the thing at changing places is found, exchanged where it lies, and named."""

import numpy as np
import pytest
import torch

from planted_scenes import Finds, as_pictures, canvas_of, facts_and_canvas, opened, scenes
from seethrough.findings.aspects import Thing, aspect_of
from seethrough.findings.aspects.thing import peaks, thing
from seethrough.findings.aspects.without import painted_over
from seethrough.findings.audit import audit
from seethrough.findings.finders.things import Things
from seethrough.findings.inside import Inside, layer_with_places
from seethrough.findings.judge import NOT_FOUND, PROVEN

MARK = 8


@pytest.fixture(scope="module")
def pictures():
    return scenes(200, mark=MARK)


@pytest.fixture(scope="module")
def red(pictures):
    """The red square, as the layer sees it."""
    x, on, _, _ = pictures
    inside = Inside(canvas_of(Finds(0), x, on), "act")
    return thing(inside, [1.0, -1.0], 0.2, (0.25, 0.25))


def test_the_layer_is_the_last_that_has_places(pictures):
    x, on, _, _ = pictures
    canvas = canvas_of(Finds(0), x, on)
    layer = layer_with_places(canvas)
    assert layer == "act"
    values = Inside(canvas, layer).of(torch.rand(3, 3, 48, 48))
    assert values.shape == (3, 2, 12, 12)


def test_what_a_layer_gives_leads_on_to_the_answers(pictures):
    x, on, _, _ = pictures
    canvas, some = canvas_of(Finds(0), x, on), torch.rand(3, 3, 48, 48)
    inside = Inside(canvas, "act")
    with torch.no_grad():
        assert torch.allclose(inside.onward(some, inside.of(some)), canvas.net.module(some), atol=1e-5)


def test_it_is_found_where_it_lies(pictures, red):
    x, on, _, at = pictures
    has = np.flatnonzero(at[:, 0] >= 0)[:40]
    found = red.found(as_pictures(x[has], on[has]))
    middle = (at[has] + MARK / 2) / 48
    assert (found[:, 0, 0] > 0).all() and abs(found[:, 0, 1:] - middle).max() < 0.06
    none = np.flatnonzero(at[:, 0] < 0)[:40]
    assert (red.amount(as_pictures(x[none], on[none])) < 0).all()


def test_put_in_it_is_there_and_taken_out_it_is_gone(pictures, red):
    x, on, _, at = pictures
    has, none = np.flatnonzero(at[:, 0] >= 0)[:30], np.flatnonzero(at[:, 0] < 0)[:30]
    full, empty = as_pictures(x[has], on[has]), as_pictures(x[none], on[none])
    for own, donors, wanted in ((empty, full, True), (full, empty, False)):
        changed = red.exchange(own, donors)
        is_red = (changed[:, 0] - changed[:, 1] > 0.5).flatten(1).sum(1)
        assert ((is_red >= 0.9 * MARK**2) if wanted else (is_red == 0)).all()
        where = (own.fore > 0).expand_as(changed)
        assert torch.equal(changed[where], own.x[where])
        assert (changed != own.x).any(1).float().mean() < 0.13  # two patches of a sixteenth each


def test_a_picture_without_it_gives_as_large_a_patch(pictures, red):
    x, on, _, at = pictures
    sizes = red.patch(as_pictures(x[:40], on[:40])).sum((1, 2, 3))
    assert (sizes == sizes[0]).all() and len(set((at[:40, 0] >= 0).tolist())) == 2


def test_pictures_that_were_changed_are_looked_at_anew(pictures, red):
    x, on, _, at = pictures
    has = np.flatnonzero(at[:, 0] >= 0)[:4]
    own = as_pictures(x[has], on[has])
    assert (red.amount(own) > 0).all()
    gone = red.exchange(own, as_pictures(x[at[:, 0] < 0][:4], on[:4]))
    assert (red.amount(type(own)(gone, own.fore, own.numbers)) < 0).all()


def test_what_was_written_down_is_the_same(pictures, red):
    x, on, _, _ = pictures
    again = aspect_of(red.to_dict(), canvas_of(Finds(0), x, on))
    assert again == red and isinstance(again, Thing)
    own, donors = as_pictures(x[:5], on[:5]), as_pictures(x[5:10], on[5:10])
    assert torch.equal(again.exchange(own, donors), red.exchange(own, donors))


def test_a_thing_that_fills_the_picture_leaves_no_place(red, pictures):
    x, on, _, _ = pictures
    own = as_pictures(x[:2], np.ones_like(on[:2]))
    assert red.patch(own).sum() == 0 and torch.equal(red.exchange(own, as_pictures(x[2:4], on[2:4])), own.x)


def test_the_highest_place_is_found_between_places():
    heat = np.zeros((1, 6, 6), np.float32)
    heat[0, 2, 3] = heat[0, 2, 4] = 2.0
    free = np.ones_like(heat, bool)
    assert np.allclose(peaks(heat, free), [[2, 2.5 / 6, 4 / 6]], atol=1e-3)
    assert not np.isfinite(peaks(heat, ~free)[0, 0])


def test_of_a_painted_thing_nothing_shows(pictures):
    x, on, _, _ = pictures
    own = as_pictures(x[:6], on[:6])
    gone = painted_over(own)
    assert ((gone[:, 2] - gone[:, 0])[own.fore[:, 0] > 0] < 0.12).all()
    assert torch.equal(gone[..., :14, :], own.x[..., :14, :])


def test_what_a_network_goes_by_is_proven_to_be_a_thing(pictures):
    x, on, label, _ = pictures
    found = audit(
        opened(Finds(0)), list(x), truth=[["grey", "blue"][k] for k in label], masks=list(on), finders=["things"]
    )
    proven = {f.candidate.key: f for f in found.findings if f.verdict == PROVEN}
    assert proven["thing", "", 1].effect.low > 30
    assert not any(kind == "region" for kind, _, _ in proven)
    assert found.groups[0].main == [f.candidate.aspect.kind for f in found.findings].index("thing")


def test_what_it_does_not_go_by_is_not(pictures):
    """However surely it tells the classes apart: this network reads the thing itself, and the square comes with it."""
    x, on, label, _ = pictures
    found = audit(
        opened(Finds(1)), list(x), truth=[["grey", "blue"][k] for k in label], masks=list(on), finders=["things"]
    )
    assert not found.proven
    judged = {f.candidate.key: f for f in found.findings}
    assert judged["thing", "", 1].verdict == NOT_FOUND and abs(judged["thing", "", 1].effect.value) < 1


def test_where_nothing_comes_with_the_classes_nothing_is_sought_further(pictures):
    x, on, label, _ = scenes(160, agree=0.5, mark=MARK)
    facts, canvas = facts_and_canvas(Finds(1), x, on, label)
    found = Things().find(facts, canvas, facts.split.of("find"), np.random.default_rng(0))
    assert all(c.strength < 0.8 for c in found)


def test_what_lies_beside_the_one_class_and_beside_the_other_is_exchanged_together(pictures, red):
    x, on, _, at = pictures
    none = np.flatnonzero(at[:, 0] < 0)[:8]
    full, empty = (as_pictures(x[rows], on[rows]) for rows in (np.flatnonzero(at[:, 0] >= 0)[:8], none))
    blue = thing(red.inside, [-1.0, 1.0], 0.2, (0.25, 0.25), against=True)
    both = red.joined(blue)
    assert [t.against for t in both.traits] == [False, True] and both.joined(blue) == both
    empty.x[:, :, 0:8, 0:8] = torch.tensor([0.1, 0.1, 0.9])[:, None, None]
    changed = both.exchange(empty, full)
    assert (changed[:, 0] - changed[:, 1] > 0.5).any((1, 2)).all()
    assert (changed[:, 2, :8, :8] < 0.8).all() and (red.exchange(empty, full)[:, 2, :8, :8] > 0.8).any()
    assert (both.amount(full) > 0).all() and (both.amount(empty) < 0).all()
