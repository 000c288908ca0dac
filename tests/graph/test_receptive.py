"""Receptive fields against the support of a unit's gradient, and against published sizes."""

import itertools

import pytest
import torch
import torch.nn as nn
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from seethrough.graph.canonical import canonical
from seethrough.graph.fakes import fake_tensors
from seethrough.graph.receptive import receptive_fields
from seethrough.graph.record import record
from seethrough.graph.unite import unite

SIZE = 36


class Step(nn.Module):
    """One function of a map, as data."""

    def __init__(self, name, function):
        super().__init__()
        self.name, self.function = name, function

    def forward(self, x):
        return self.function(x)

    def __repr__(self):
        return self.name


class Branches(nn.Module):
    """Two ways, cut to the smaller map and brought together."""

    def __init__(self, join, *ways):
        super().__init__()
        self.join, self.ways = join, nn.ModuleList(ways)

    def forward(self, x):
        parts = [way(x) for way in self.ways]
        height, width = (min(p.shape[a] for p in parts) for a in (2, 3))
        parts = [p[..., :height, :width] for p in parts]
        return torch.cat(parts, 1)[:, :2] + torch.cat(parts, 1)[:, 2:] if self.join == "concat" else sum(parts)


def written_down(module, *size, canonically=False, batches=(1,)):
    paths, mode, example = (
        {id(m): name for name, m in module.eval().named_modules()},
        fake_tensors(),
        torch.zeros(1, *size),
    )
    graph = unite([record(module, module, example, batch=b, paths=paths, fake_mode=mode) for b in batches])
    return canonical(graph) if canonically else graph


def output_field(module, *size, spatial=None, canonically=False):
    graph = written_down(module, *size, canonically=canonically)
    return receptive_fields(graph, spatial)[graph.output.value]


def positive(module):
    """With weights that can't cancel, a gradient is zero only where nothing is seen."""
    for p in module.parameters():
        nn.init.uniform_(p, 0.5, 1)
    return module.double().eval()


def support(module, place, size=SIZE):
    """First and last row and column on which a unit really depends, or None."""
    x = torch.rand(1, 2, size, size, dtype=torch.double).add_(0.5).requires_grad_()
    value = module(x)
    (gradient,) = torch.autograd.grad(value[0, :, place[0], place[1]].sum(), x)
    seen = gradient.abs().sum((0, 1)) > 0
    if not seen.any():
        return None
    return [(int(rows.min()), int(rows.max())) for rows in (seen.any(1).nonzero(), seen.any(0).nonzero())]


def stated(field, place):
    """The same as the receptive field says it."""
    return [
        (0, SIZE - 1) if n is None else (start + stride * i, start + stride * i + n - 1)
        for n, stride, start, i in zip(field.size, field.stride, field.start, place)
    ]


numbers = st.integers


@st.composite
def convolutions(draw, longest_stride=3):
    k, s, d = draw(st.tuples(numbers(1, 4), numbers(1, longest_stride), numbers(1, 2)))
    k2 = draw(numbers(1, 4))
    return nn.Conv2d(2, 2, (k, k2), s, (draw(numbers(0, k)), draw(numbers(0, k2))), d, bias=False)


poolings = st.builds(lambda k, s: nn.AvgPool2d(k, s, k // 2), numbers(2, 3), numbers(1, 3))
paddings = st.builds(lambda a, b, c, d: nn.ZeroPad2d((a, b, c, d)), *[numbers(0, 3)] * 4)
evenly = st.one_of(convolutions(), poolings, paddings, st.just(nn.Softplus()))
joins = st.sampled_from(["add", "concat"])
alike = st.builds(Branches, joins, st.one_of(convolutions(1), paddings), st.one_of(convolutions(1), paddings))
branches = st.builds(Branches, joins, evenly, evenly)

TOKENS = Step(
    "tokens and back", lambda x: x.flatten(2).transpose(1, 2).softmax(-1).transpose(1, 2).unflatten(2, x.shape[2:])
)
TURNED = Step(
    "a turned convolution",
    lambda x: F.conv2d(x.transpose(2, 3), torch.ones(2, 2, 1, 3).to(x), stride=(2, 1)).transpose(2, 3),
)
UNEVEN = [
    nn.Upsample(scale_factor=2), nn.Upsample(scale_factor=3, mode="bilinear"), nn.Upsample(size=17, mode="bicubic"),
    nn.Upsample(size=20, mode="bilinear", align_corners=True), nn.ConvTranspose2d(2, 2, 3, 2, 1, bias=False), nn.AdaptiveAvgPool2d(7),
    Step("every second row", lambda x: x[:, :, 1::2]), Step("cut", lambda x: x[:, :, 1:-1, 2:]), TURNED,
    Step("flipped", lambda x: x.flip(2)), Step("rolled", lambda x: x.roll(2, 3)), Step("repeated", lambda x: x.repeat_interleave(2, 2)),
    Step("laid out", lambda x: F.pixel_shuffle(torch.cat([x, x], 1), 2).repeat(1, 2, 1, 1)), TOKENS,
    Step("unlaid", lambda x: F.pixel_unshuffle(F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2)), 2)[:, 2:4]),
    Step("gated", lambda x: x * x.mean((2, 3), keepdim=True)), Step("rows mixed", lambda x: x + x.mean(2, keepdim=True)),
    Step("written", lambda x: torch.zeros_like(x).copy_(x)), nn.GroupNorm(1, 2), Step("a row", lambda x: x[:, :, 0].unsqueeze(2)),
]  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.lists(st.one_of(evenly, alike), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_a_unit_away_from_the_border_depends_on_just_what_its_field_says(layers, random):
    network = positive(nn.Sequential(*layers))
    with torch.no_grad():
        shape = tuple(network(torch.zeros(1, 2, SIZE, SIZE, dtype=torch.double)).shape) if fits(network) else (0,)
    if min(shape) == 0:
        return
    field = output_field(network.float(), 2, SIZE, SIZE)
    network = network.double()
    inside = [
        p for p in itertools.product(range(shape[2]), range(shape[3]))
        if all(a >= 0 and b <= SIZE - 1 for a, b in stated(field, p)) and all(n is not None for n in field.size)
    ]  # fmt: skip
    for place in random.sample(inside, min(2, len(inside))):
        assert support(network, place) == stated(field, place)


def fits(network):
    try:
        network(torch.zeros(1, 2, SIZE, SIZE, dtype=torch.double))
    except RuntimeError:
        return False
    return True


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.one_of(evenly, branches, st.sampled_from(UNEVEN)), min_size=1, max_size=5),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_no_unit_depends_on_anything_outside_of_its_field(layers, canonically, random):
    network = positive(nn.Sequential(*layers))
    if not fits(network):
        return
    shape = network(torch.zeros(1, 2, SIZE, SIZE, dtype=torch.double)).shape
    field = output_field(network.float(), 2, SIZE, SIZE, canonically=canonically)
    network = network.double()
    for place in [(0, 0), (random.randrange(shape[2]), random.randrange(shape[3])), (shape[2] - 1, shape[3] - 1)]:
        seen = support(network, place)
        for (first, last), (low, high) in zip(seen or [], stated(field, place)):
            assert low - 1e-9 <= first and last < high + 1, (network, place, field)


def conv_nets():
    vgg = []
    for depth in (2, 2, 3, 3, 3):
        vgg += [layer for _ in range(depth) for layer in (nn.LazyConv2d(4, 3, padding=1), nn.ReLU())] + [
            nn.MaxPool2d(2)
        ]
    yield "VGG16 to its last pooling", nn.Sequential(*vgg), 212, 32
    alex = [nn.Conv2d(3, 4, 11, 4, 2), nn.MaxPool2d(3, 2), nn.Conv2d(4, 4, 5, padding=2), nn.MaxPool2d(3, 2)]
    alex += [nn.Conv2d(4, 4, 3, padding=1) for _ in range(3)] + [nn.MaxPool2d(3, 2)]
    yield "AlexNet", nn.Sequential(*alex), 195, 32


@pytest.mark.parametrize(("network", "size", "stride"), [pytest.param(*c[1:], id=c[0]) for c in conv_nets()])
def test_published_sizes_come_out(network, size, stride):
    network(torch.zeros(1, 3, 224, 224))
    field = output_field(network, 3, 224, 224)
    assert field.size == (size, size)
    assert field.stride == (stride, stride)


def test_a_field_has_its_centre_where_the_formula_puts_it():
    field = output_field(nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, (5, 1), padding=(0, 0))), 3, 32, 32)
    assert (field.size, field.stride, field.start, field.center) == ((11, 3), (2, 2), (-1, -1), (4, 0))


WHOLE = {
    "global pooling": Step("", lambda x: x.mean((2, 3))),
    "flattened": nn.Sequential(nn.Flatten(), nn.Linear(2 * SIZE * SIZE, 3)),
    "attention": Step("", lambda x: F.scaled_dot_product_attention(*[x.flatten(2).transpose(1, 2)] * 3)),
    "a gate": Step("", lambda x: x * x.mean((2, 3), keepdim=True).sigmoid()),
    "instance norm": nn.InstanceNorm2d(2),
    "a class token": Step("", lambda x: F.softmax(x.flatten(2) @ x.flatten(2).transpose(1, 2), -1)),
}


@pytest.mark.parametrize("module", WHOLE.values(), ids=WHOLE.keys())
def test_what_looks_at_all_places_sees_the_whole_picture(module):
    field = output_field(nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), module), 2, SIZE, SIZE)
    assert field.whole
    assert field.center == (None, None)


def test_tokens_keep_the_patch_they_come_from_and_windows_see_their_window():
    patches = nn.Sequential(
        nn.Conv2d(2, 4, 4, 4), Step("", lambda x: x.flatten(2).transpose(1, 2)), nn.LayerNorm(4), nn.Linear(4, 4)
    )
    assert output_field(patches, 2, SIZE, SIZE).size == (4, 4)

    def windows(x):  # 9 × 9 patches in windows of 3 × 3, each with its own attention
        t = x.permute(0, 2, 3, 1).reshape(-1, 3, 3, 3, 3, 4).permute(0, 1, 3, 2, 4, 5).reshape(-1, 9, 4)
        t = F.scaled_dot_product_attention(t, t, t)
        return t.reshape(-1, 3, 3, 3, 3, 4).permute(0, 5, 1, 3, 2, 4).reshape(-1, 4, 9, 9)

    field = output_field(nn.Sequential(nn.Conv2d(2, 4, 4, 4), Step("", windows)), 2, SIZE, SIZE)
    assert field.size == (12, 12)


def test_along_one_axis_only_the_other_stays_as_it_was():
    field = output_field(Step("", lambda x: F.pad(x, (1, 1)).mean(2, keepdim=True)), 2, SIZE, SIZE)
    assert field.size == (None, 1)
    assert field.start == (0, -1)


def test_channels_last_graphs_are_read_along_the_axes_they_have():
    network = Step(
        "", lambda x: F.conv2d(x.permute(0, 3, 1, 2), torch.ones(4, 2, 3, 5), stride=(2, 1)).permute(0, 2, 3, 1)
    )
    assert output_field(network, SIZE, SIZE, 2, spatial=(1, 2)).size == (3, 5)


def test_what_does_not_depend_on_the_picture_has_no_field():
    graph = written_down(Step("", lambda x: x.mean((2, 3)) + torch.zeros(x.shape[0], 2)), 2, SIZE, SIZE, batches=(2, 3))
    fields = receptive_fields(graph)
    made = [v for o in graph if o.name == "zeros" for v in o.outputs]
    assert made and not any(v in fields for v in made)
