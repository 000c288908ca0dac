"""A thing is moved or made as large as another, and is itself; nothing of it stays where it stood."""

import numpy as np
import pytest
import torch

from seethrough.errors import UsageError
from seethrough.findings.aspects import Layout, aspect_of
from seethrough.findings.aspects.layout import LARGEST, spans
from seethrough.findings.canvas import Pictures
from seethrough.findings.facts import Facts
from seethrough.findings.finders.properties import LAYOUTS, layouts
from seethrough.findings.split import split

SIDE = 40


def some(places, fore=True):
    """Patterned red things (top, left, height, width) on grey ground."""
    x, on = torch.full((len(places), 3, SIDE, SIDE), 0.5), torch.zeros(len(places), 1, SIDE, SIDE)
    for k, (top, left, height, width) in enumerate(places):
        on[k, :, top : top + height, left : left + width] = 1
        pattern = torch.rand(height, width, generator=torch.Generator().manual_seed(k))
        x[k, 0, top : top + height, left : left + width] = 0.7 + 0.3 * pattern
        x[k, 1:, top : top + height, left : left + width] = 0.1
    return Pictures(x, on if fore else None, np.arange(len(places)))


OWN = [(4, 6, 8, 10), (20, 20, 6, 6), (0, 0, 12, 12)]


def red(x):
    return (x[:, 0] - x[:, 1]) > 0.3


def test_where_things_are():
    assert spans(some(OWN).fore).tolist() == [[[4, 12], [6, 16]], [[20, 26], [20, 26]], [[0, 12], [0, 12]]]
    assert spans(torch.zeros(1, 1, SIDE, SIDE)).tolist() == [[[0, SIDE], [0, SIDE]]]


def test_a_thing_is_moved_to_where_the_donors_stands_and_is_itself():
    own, donors = some(OWN), some([(24, 22, 8, 10), (2, 30, 6, 6), (20, 20, 12, 12)])
    changed = Layout("position").exchange(own, donors)
    for k, (top, left, height, width) in enumerate(OWN):
        t, s, _, _ = [(24, 22, 8, 10), (2, 30, 6, 6), (20, 20, 12, 12)][k]
        assert torch.allclose(
            changed[k, :, t : t + height, s : s + width],
            own.x[k, :, top : top + height, left : left + width],
            atol=1e-4,
        )
        assert red(changed)[k].sum() == height * width  # nothing of it is left where it stood


def test_it_stays_in_the_picture():
    changed = Layout("position").exchange(some([(4, 6, 20, 20)]), some([(36, 36, 4, 4)]))
    assert red(changed).sum() == 400 and red(changed)[0, 20:, 20:].all()


def test_a_thing_is_made_as_large_as_the_donors():
    own, donors = some([(16, 16, 8, 8), (10, 10, 20, 20)]), some([(0, 0, 16, 16), (0, 0, 10, 10)])
    changed = Layout("size").exchange(own, donors)
    assert red(changed).sum((1, 2)).tolist() == pytest.approx([256, 100], rel=0.15)
    assert red(changed)[0, 12:28, 12:28].float().mean() > 0.9
    assert Layout("size").amount(own).tolist() == pytest.approx([64 / SIDE**2, 400 / SIDE**2])


def test_it_is_not_made_larger_than_the_picture_or_beyond_bounds():
    changed = Layout("size").exchange(some([(10, 10, 4, 4), (2, 2, 30, 30)]), some([(0, 0, 40, 40), (0, 0, 40, 40)]))
    assert red(changed)[0].sum() <= (4 * LARGEST + 1) ** 2 and red(changed)[1].sum() == SIDE**2


@pytest.mark.parametrize("name", LAYOUTS)
def test_its_own_place_and_size_change_nothing_and_it_is_written_down(name):
    own = some(OWN)
    assert torch.allclose(Layout(name).exchange(own, own), own.x, atol=1e-4)
    assert aspect_of(Layout(name).to_dict(), None) == Layout(name)
    with pytest.raises(UsageError, match="masks or boxes"):
        Layout(name).exchange(some(OWN, fore=False), own)


def test_places_and_sizes_are_measured_on_the_masks():
    fore = np.zeros((2, 32, 32), np.uint8)
    fore[0, 8:16, 0:8] = 255
    given = np.zeros(2, np.int64)
    facts = Facts(
        given, ("a", "b"), np.ones((2, 2), np.float32), np.zeros((2, 1), np.float32), None, np.ones((2, 4, 4), np.float32), {},
        np.zeros((2, 32, 32, 3), np.uint8), fore, split(given, np.arange(2)),
    )  # fmt: skip
    assert np.allclose(layouts(facts)["position"], [[12 / 32, 4 / 32], [0.5, 0.5]])
    assert np.allclose(layouts(facts)["size"][:, 0], [np.log(64 / 1024), np.log(1 / 1024)])
