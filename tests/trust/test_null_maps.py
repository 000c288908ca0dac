"""Null maps know nothing of a network, and are the same for a picture whatever its company."""

import torch
from trust_material import noise

from seethrough.trust.nulls import NULLS, blurred_map, centre, edges, null_maps, random_map


def test_there_are_four_of_each_picture_and_none_depends_on_company():
    x = noise(3, 3, 20, 24)
    maps = null_maps(x)
    assert maps.shape == (3, len(NULLS), 20, 24) and maps.dtype == torch.float64
    assert torch.equal(null_maps(x[1:2])[0], maps[1])
    assert not torch.equal(null_maps(x, seed=1)[0, 0], maps[0, 0])


def test_edges_are_sobels():
    x = torch.zeros(1, 1, 5, 5)
    x[..., 3:] = 1  # a step between columns 2 and 3
    steep = edges(x)[0]
    assert steep[2].tolist() == [0, 0, 4, 4, 0]
    assert torch.allclose(edges(torch.cat([x, x], 1))[0], 2 * steep)


def test_the_hill_stands_in_the_centre_and_blurred_noise_is_smooth():
    hill = centre(9, 13)
    assert (
        divmod(int(hill.argmax()), 13) == (4, 6)
        and torch.allclose(hill, hill.flip(0))
        and torch.allclose(hill, hill.flip(1))
    )
    rough, smooth = random_map(40, 40), blurred_map(40, 40)

    def steps(m):
        return float((m[1:] - m[:-1]).std() / m.std())

    assert steps(smooth) < 0.4 < 1 < steps(rough)


def test_the_random_state_is_neither_read_nor_changed():
    torch.manual_seed(1)
    a = random_map(4, 4)
    state = torch.get_rng_state()
    assert torch.equal(a, random_map(4, 4)) and torch.equal(state, torch.get_rng_state())
