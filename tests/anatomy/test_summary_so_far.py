"""A network that ends in steps that look at values is summed up as far as its graph goes, and says where that is."""

import pytest
import torch
import torch.nn as nn

from seethrough import open as open_network
from seethrough.errors import NetworkRefused


class Router(nn.Module):
    """A trunk, two experts of which the image chooses one, and a head."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.experts = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(2))
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        y = self.trunk(x)
        expert = self.experts[int(y.mean() > 0.2)]
        return self.head(expert(y).mean((2, 3)))


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return open_network(Router().eval(), input_size=16)


def test_what_comes_before_the_end_has_shapes_and_macs_and_the_rest_has_none(net):
    told = net.summary()
    rows = {row.path: row for top in told.rows for row in top.walk()}
    assert rows["trunk"].outputs == ((8, 16, 16),) and rows["trunk.0"].macs == told.macs == 8 * 27 * 256
    for behind in ("experts.0", "experts.1", "head"):
        row = rows[behind]
        assert (row.outputs, row.macs, row.calls, row.state) == ((), None, None, ""), (
            "nobody knows whether it is called"
        )
    assert told.outputs == {} == told.to_dict()["outputs"]
    assert told.parameters == sum(p.numel() for p in net.module.parameters())


def test_one_sentence_says_where_the_graph_ends_and_why(net):
    (said,) = (m for m in net.summary().missing if "The graph ends" in m)
    assert said.startswith("The graph ends in 'Router' at ") and "(test_summary_so_far.py:22)" in said
    assert "needs the values of an image" in said and said in str(net.summary())


def test_the_whole_graph_is_still_refused_to_whoever_would_run_it(net):
    with pytest.raises(NetworkRefused, match="needs the values of an image"):
        net.graph()
    assert net.graph(so_far=True).ended and not open_network(Router().trunk, input_size=16).graph(so_far=True).ended


def test_it_is_explained_all_the_same(net):
    x = torch.randn(1, 3, 16, 16)
    assert torch.allclose(torch.from_numpy(net.predict(x).values), net.module(x), atol=1e-6)
