"""Two networks over the same images."""

import pytest
import torch
import torch.nn as nn
from health_networks import opened, pictures, small

import seethrough as st


@pytest.fixture(scope="module")
def worse():
    net = small()
    with torch.no_grad():
        net[3].bias[[5, 9, 11]] = -1e9
        net[0].weight[7], net[0].bias[7] = net[0].weight[1], net[0].bias[1]
    return net


def test_findings_that_are_gone_and_new_are_told_apart(worse):
    health = st.health(opened(worse), pictures(), other=opened(small()))
    assert health.comparison is not None and health.other is not None
    gone = {(f.name, f.layer) for f in health.comparison.gone}
    assert {("dead", "3"), ("duplicates", "0")} <= gone and not health.comparison.new
    back = st.health(opened(small()), pictures(), other=opened(worse))
    assert {(f.name, f.layer) for f in back.comparison.new} == gone and not back.comparison.gone


def test_a_network_beside_itself_differs_in_nothing(worse):
    beside = st.health(opened(worse), pictures(), other=opened(worse)).comparison
    assert beside.gone == beside.new == () and beside.alone == beside.other_alone == ()
    assert all(str(m.first) == str(m.second) for m in beside.matched)


def test_layers_of_other_names_are_matched_by_order_where_their_forms_agree(worse):
    class Named(nn.Module):
        def __init__(self, net):
            super().__init__()
            self.first, self.second, self.more, self.head = net[0], net[3], nn.Conv2d(24, 24, 1), net[7]

        def forward(self, x):
            x = torch.max_pool2d(torch.relu(self.first(x)), 2)
            x = torch.relu(self.more(torch.relu(self.second(x))))
            return self.head(x.mean((2, 3)))

    beside = st.health(opened(worse), pictures(26), other=opened(Named(small()))).comparison
    assert [(m.layer, m.other) for m in beside.matched] == [("0", "first"), ("3", "second"), ("7", "head")]
    assert beside.alone == () and beside.other_alone == ("more",)
    assert ("dead", "3") in {(f.name, f.layer) for f in beside.gone}


def test_of_one_finding_other_units_are_another_finding(worse):
    other = small()
    with torch.no_grad():
        other[3].bias[[2, 3]] = -1e9
    beside = st.health(opened(worse), pictures(), other=opened(other)).comparison
    assert [f.units for f in beside.new if f.name == "dead"] == [(2, 3)]
    assert [f.units for f in beside.gone if f.name == "dead"] == [(5, 9, 11)]
