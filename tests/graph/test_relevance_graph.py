"""What a composite finds on a graph: linear maps with what is folded in, the first layer, and operations without a rule."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import seethrough as st
from seethrough.errors import NetworkRefused
from seethrough.graph import relevance as rules
from seethrough.graph.composite import composite
from seethrough.graph.linear_maps import linear_maps
from seethrough.graph.run import Run


class Function(nn.Module):
    def __init__(self, function, *parts):
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, x):
        return self.function(x, *self.parts)


def run_of(module, x, target=1):
    prepared = st.open(module.eval(), input_size=tuple(x.shape[1:])).prepare(x)
    source = st.open(module.eval(), input_size=tuple(x.shape[1:])).source_of(prepared)
    return Run(source, prepared.batch, lambda out, _: out.flatten(1)[:, target], keeps=True)


def maps_of(module, x):
    return linear_maps(run_of(module, x).graph)


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def norm(channels):
    made = nn.BatchNorm2d(channels)
    for t in (made.running_mean, made.weight.data, made.bias.data):
        t.normal_()
    made.running_var.uniform_(0.3, 2)
    return made


def described(maps):
    return [(m.kind, [f.name for f in m.folded], m.first) for m in maps]


def test_a_residual_network_has_one_map_for_each_convolution_with_its_normalisation():
    from seethrough.models.torchvision_import import make_torchvision_importable

    make_torchvision_importable()
    torchvision = pytest.importorskip("torchvision")
    found = described(maps_of(torchvision.models.resnet18(), noise(1, 3, 32, 32)))
    assert found[0] == ("convolution", ["batch_norm"], True) and found[-1] == ("linear", [], False)
    assert len(found) == 21 and found[1:-1] == [("convolution", ["batch_norm"], False)] * 19


def test_what_somebody_else_reads_in_between_is_not_folded():
    def both(x, conv, bn):
        y = conv(x)
        return bn(y) + y

    found = described(maps_of(Function(both, nn.Conv2d(3, 4, 3), norm(4)), noise(1, 3, 6, 6)))
    assert found == [("convolution", [], True), ("affine", [], False)]


def test_a_normalisation_behind_a_rectifier_or_in_front_of_a_layer_stands_alone():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), norm(4), nn.ReLU(), nn.Conv2d(4, 4, 1))
    found = described(maps_of(module, noise(1, 3, 6, 6)))
    assert found == [("convolution", [], True), ("affine", [], False), ("convolution", [], False)]


def test_batch_statistics_are_not_folded():
    """Of a network that is explained as in training, what a normalisation does depends on the batch."""
    maps = maps_of(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)), noise(2, 3, 6, 6))
    assert described(maps) == [("convolution", [], True)]


def test_a_layer_whose_weights_come_from_the_image_is_no_linear_map_and_its_data_gets_all():
    def dynamic(x, conv):
        return F.conv2d(x, conv(x.mean(0, keepdim=True)).mean((2, 3)).reshape(2, 3, 1, 1))

    run = run_of(Function(dynamic, nn.Conv2d(3, 6, 1)), noise(1, 3, 4, 4))
    assert [m.kind for m in linear_maps(run.graph)] == ["convolution"]
    found = run.gradient("", composite(run.graph))
    torch.testing.assert_close(found.sum(), run.scores.sum(), rtol=1e-4, atol=1e-5)


def test_the_first_layers_read_the_image_as_it_is_or_prepared():
    mean, deviation = torch.rand(1, 3, 1, 1), torch.rand(1, 3, 1, 1) + 0.5

    def branches(x, one, two, deep):
        x = (x - mean) / deviation
        return deep(F.relu(one(F.pad(x, (1, 1, 1, 1)))).flatten(1) + two(x.flatten(1)))

    module = Function(branches, nn.Conv2d(3, 2, 3), nn.Linear(48, 32), nn.Linear(32, 4))
    run = run_of(module, noise(1, 3, 4, 4))
    assert [(m.kind, m.first) for m in linear_maps(run.graph)] == [
        ("convolution", True),
        ("linear", True),
        ("linear", False),
    ]
    even = run.gradient("", composite(run.graph, convolution=rules.flat, linear=rules.flat, first=rules.flat))
    assert even.std(1).max() < 1e-6 < even.abs().max()  # however the pixels were prepared: the same in all channels


def test_what_is_made_of_a_weight_is_let_go_once_its_layer_is_passed():
    run = run_of(
        nn.Sequential(nn.Conv2d(3, 4, 3), norm(4), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.Flatten()), noise(1, 3, 8, 8)
    )
    maps = linear_maps(run.graph)
    passed = run.gradient(rules=composite(run.graph, convolution=rules.z_plus, maps=maps))
    assert passed.any() and [m.kind for m in maps] == ["convolution"] * 2
    assert not any({"weight", "positive", "negative"} & vars(m).keys() for m in maps)
    again = run.gradient(rules=composite(run.graph, convolution=rules.z_plus, maps=maps))
    assert torch.equal(again, passed)


def test_the_network_is_left_as_it_was():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), norm(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)).eval()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    run = run_of(module, noise(2, 3, 6, 6))
    for rule in (rules.z_plus, rules.gamma, rules.alpha_beta, rules.w_square, rules.flat):
        run.gradient("", composite(run.graph, convolution=rule, linear=rule))
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())
    assert all(p.grad is None for p in module.parameters())


ALL = {
    "epsilon": rules.epsilon,
    "gamma": rules.gamma,
    "z_plus": rules.z_plus,
    "alpha_beta": rules.alpha_beta,
    "w_square": rules.w_square,
    "flat": rules.flat,
}


@pytest.mark.parametrize("rule", ["z_plus", "w_square", "flat", "epsilon", "gamma"])
def test_without_biases_nothing_is_lost_on_the_way(rule):
    """Behind rectifiers and with positive outputs, so that every output has what speaks for it."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 6, 3, bias=False), nn.ReLU(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(24, 5, bias=False),
    ).double()  # fmt: skip
    run = run_of(module, noise(2, 3, 12, 12).double())
    found = run.gradient("", composite(run.graph, convolution=ALL[rule], linear=rules.epsilon))
    torch.testing.assert_close(found.flatten(1).sum(1), run.scores, rtol=1e-4, atol=0)


@pytest.mark.parametrize("rule", ALL)
@pytest.mark.parametrize("x", [torch.zeros(1, 3, 6, 6), torch.full((1, 3, 6, 6), 1e-30), noise(1, 3, 6, 6) * 1e12])
def test_pictures_of_nothing_and_of_extremes_give_finite_numbers(rule, x):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3, bias=False))
    run = run_of(module, x)
    for eps in (rules.EPSILON, 0.0):
        named = ALL[rule]
        if rule == "epsilon":
            named = lambda *given, eps=eps: rules.epsilon(*given, eps=eps)  # noqa: E731
        assert torch.isfinite(run.gradient("", composite(run.graph, convolution=named, linear=named))).all()


def test_a_picture_s_relevance_does_not_depend_on_its_company():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)).double()
    x = torch.cat([noise(1, 3, 6, 6).abs(), noise(1, 3, 6, 6) * 100]).double()
    for rule in ALL.values():
        together, alone = run_of(module, x), run_of(module, x[:1])
        found = [r.gradient("", composite(r.graph, convolution=rule, linear=rule))[0] for r in (together, alone)]
        torch.testing.assert_close(*found, rtol=1e-9, atol=1e-12)


def test_an_operation_without_a_rule_is_named_with_its_layer_and_a_way_out():
    class Strange(nn.Module):
        def forward(self, x):
            return torch.fft.fft2(x).abs()

    module = nn.Sequential(nn.Conv2d(3, 4, 3), Strange(), nn.Flatten(), nn.Linear(64, 3))
    run = run_of(module, noise(1, 3, 6, 6))
    with pytest.raises(
        NetworkRefused, match=r"relevance rule for the operation '\w+' in layer '1'.*integrated_gradients"
    ):
        run.gradient("", composite(run.graph))


def test_what_gets_no_relevance_needs_no_rule():
    """A gate made by something strange: the signal gets all, so nobody asks how the gate came to be."""

    def gate(x, conv):
        return conv(x) * torch.sigmoid(torch.fft.fft2(x).abs().mean((1, 2, 3), keepdim=True))

    run = run_of(Function(gate, nn.Conv2d(3, 4, 1)), noise(1, 3, 6, 6))
    assert torch.isfinite(run.gradient("", composite(run.graph))).all()


def test_relevance_of_a_layer_is_had_at_the_layer():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), norm(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)).double()
    run = run_of(module, noise(2, 3, 6, 6).double())
    chosen = composite(run.graph)
    a, weights = run.value("2"), module[4].weight[1].reshape(1, 4, 4, 4)
    at_relu = run.gradient("2", chosen)
    torch.testing.assert_close(at_relu, (a * weights).detach(), rtol=1e-5, atol=1e-7)
    # What is folded hands on: the convolution's own output stands for what the two give together.
    torch.testing.assert_close(run.gradient("0", chosen), at_relu)
