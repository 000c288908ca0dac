"""What a step holds, against what real steps really keep: saved tensors, torch's own tracker, and numbers by hand."""

import gc
from functools import partial

import pytest
import torch
import torch.nn as nn
from small import Calls, Residual, paths
from torch.distributed._tools.mem_tracker import MemTracker
from torch.utils.checkpoint import checkpoint

from seethrough.errors import InputRefused, NetworkRefused
from seethrough.graph.memory import AGAIN, BACKWARD, FORWARD, STEP, Setting, held

ADAM = Setting(optimizer=torch.optim.Adam)
SIZE = (3, 16, 16)


def step(module, size=SIZE, batch=4, setting=ADAM):
    return held(module, module, [torch.empty(1, *size)], batch, setting, paths=paths(module))


def storages(tensors):
    return {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}


def really_kept(module, size=SIZE, batch=4):
    """Bytes of what a real forward keeps for the walk back, or returns; neither weights nor the batch, storages once."""
    saved, images = [], torch.randn(batch, *size)
    module.train()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        output = module(images)
    own = storages([*module.parameters(), *module.buffers(), images])
    return sum(size for key, size in storages([*saved, output]).items() if key not in own)


def tracked(module, size=SIZE, batch=4, optimizer=None):
    """The peak of the second of two real steps, as torch's own tracker sees it."""
    module.train()
    images = torch.randn(batch, *size)
    stepper = None if optimizer is None else optimizer(module.parameters())
    tracker = MemTracker()
    tracker.track_external(module, images)
    with tracker:
        for again in (True, False):
            output = module(images)
            output.backward(torch.ones_like(output))
            if stepper is not None:
                stepper.step()
            module.zero_grad()
            del output
            if again:
                tracker.reset_mod_stats()
    return tracker.get_tracker_snapshot("peak")[torch.device("cpu")]["Total"]


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.attention = nn.Conv2d(3, 16, 4, 4), nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2)
        return x + self.attention(x, x, x, need_weights=False)[0]


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.b(self.a(x))


class Again(nn.Module):
    """One convolution, many times."""

    def __init__(self, times=100):
        super().__init__()
        self.times, self.conv, self.head = times, nn.Conv2d(3, 3, 3, padding=1), nn.Linear(3, 2)

    def forward(self, x):
        for _ in range(self.times):
            x = torch.sigmoid(self.conv(x))
        return self.head(x.mean((2, 3)))


def conv(width=8):
    return nn.Conv2d(3, width, 3, padding=1)


TRAPS = {
    "a rectifier": lambda: nn.Sequential(conv(), nn.ReLU()),
    "a rectifier in place": lambda: nn.Sequential(conv(), nn.ReLU(inplace=True)),
    "an activation that keeps its input": lambda: nn.Sequential(conv(), nn.GELU()),
    "dropout and its mask": lambda: nn.Sequential(conv(), nn.Dropout(), nn.ReLU()),
    "batch normalisation and its statistics": lambda: nn.Sequential(conv(), nn.BatchNorm2d(8), nn.ReLU(inplace=True)),
    "layer normalisation": lambda: nn.Sequential(conv(), nn.LayerNorm(16)),
    "a pool and its indices": lambda: nn.Sequential(conv(), nn.MaxPool2d(2)),
    "an average, which keeps nothing": lambda: nn.Sequential(conv(), nn.AvgPool2d(2)),
    "softmax, which keeps its output": lambda: nn.Sequential(conv(), nn.Softmax(1)),
    "views": lambda: Calls(lambda x, a: a(x).flatten(2).transpose(1, 2).sin(), conv()),
    "a sum, which keeps nothing": lambda: Calls(lambda x, a, b: a(x) + b(x), conv(), conv()),
    "a product, which keeps both": lambda: Calls(lambda x, a, b: a(x) * b(x), conv(), conv()),
    "one value kept by three": lambda: Calls(lambda x, a: (y := a(x)).sin() * y.exp() + y.tanh(), conv()),
    "concatenation": lambda: Calls(lambda x, a, b: torch.cat([a(x), b(x)], 1).relu(), conv(), conv()),
    "a way without a gradient": lambda: Calls(lambda x, a: a(x) * a(x).detach().sigmoid(), conv()),
    "attention": Attention,
    "tied weights": Tied,
    "a layer called a hundred times": Again,
    "a residual network": lambda: Residual(inplace=True),
    "a recurrent layer": lambda: Calls(lambda x, a: a(x.flatten(1, 2))[0], nn.GRU(16, 8, batch_first=True)),
    "writing through a view": lambda: Calls(lambda x, a: _half_in_place(a(x)), conv()),
}


def _half_in_place(x):
    y = x.sin()
    y[:, :4].mul_(0.5)
    return y


@pytest.mark.parametrize("name", TRAPS)
def test_what_is_kept_is_what_a_real_forward_keeps(name):
    module = TRAPS[name]()
    assert sum(step(module).activations.values()) == really_kept(module)


@pytest.mark.parametrize(
    "optimizer", [None, partial(torch.optim.SGD, lr=0.1), torch.optim.Adam], ids=["none", "sgd", "adam"]
)
@pytest.mark.parametrize("name", [n for n in TRAPS if n != "attention"])
def test_the_peak_is_the_one_that_the_tracker_of_torch_sees(name, optimizer):
    module = TRAPS[name]()
    found = step(module, setting=Setting(optimizer=optimizer)).peak.bytes
    assert found == pytest.approx(tracked(module, optimizer=optimizer), rel=0.02)


@pytest.mark.parametrize(
    ("make", "copies", "counter"),
    [
        (partial(torch.optim.SGD, lr=0.1), 0, 0),
        (partial(torch.optim.SGD, lr=0.1, momentum=0.9), 1, 0),
        (torch.optim.Adam, 2, 4),
        (torch.optim.AdamW, 2, 4),
        (torch.optim.RMSprop, 1, 4),
        (torch.optim.Adagrad, 1, 4),
        (torch.optim.NAdam, 2, 8),
    ],
)
def test_the_state_of_an_optimizer_is_so_many_copies_of_the_parameters_and_a_counter_each(make, copies, counter):
    shares = step(Residual(), setting=Setting(optimizer=make)).shares.values()
    assert all(s.gradient == s.parameter and s.state == copies * s.parameter + counter for s in shares)


def test_the_state_is_there_from_the_first_operation_of_a_later_step():
    module = nn.Sequential(nn.Flatten(), nn.Linear(768, 1000))
    with_state, without = step(module), step(module, setting=Setting())
    state = sum(s.state for s in with_state.shares.values())
    assert with_state.moments[0].bytes == without.moments[0].bytes + state and state > 6_000_000


def test_a_layer_called_a_hundred_times_keeps_a_hundred_activations():
    once, often = (sum(step(Again(n)).activations.values()) for n in (1, 100))
    assert (
        often - once == 99 * 4 * 3 * 16 * 16 * 4
    )  # what the sigmoid gives, which the next call's convolution keeps too


def test_frozen_parameters_take_no_gradient_and_nothing_before_the_first_that_is_trained_is_kept():
    module = nn.Sequential(conv(), nn.ReLU(), conv_on(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 256, 2))
    everything = step(module)
    for p in module[:4].parameters():
        p.requires_grad_(False)
    found = step(module)
    frozen = [found.shares[id(p)] for p in module[:4].parameters()]
    assert all(s.gradient == s.state == 0 and s.parameter for s in frozen)
    assert set(everything.activations) == {"1", "3", "5"} and set(found.activations) == {"3", "5"}
    assert sum(found.activations.values()) == really_kept(module)


def conv_on(width):
    return nn.Conv2d(width, 8, 3, padding=1)


def test_nothing_trained_is_refused():
    module = conv().requires_grad_(False)
    with pytest.raises(NetworkRefused, match="depends on a parameter that is trained"):
        step(module)


# --- precision --------------------------------------------------------------------------------------------------------


def test_half_precision_takes_half_of_everything():
    module = nn.Sequential(conv(), nn.GELU(), nn.Flatten(), nn.Linear(8 * 256, 2))
    whole, half = step(module), step(module, setting=Setting(torch.bfloat16, optimizer=torch.optim.Adam))
    assert half.images * 2 == whole.images
    assert sum(half.activations.values()) * 2 == sum(whole.activations.values())
    assert sum(s.parameter + s.gradient for s in half.shares.values()) * 2 == sum(
        s.parameter + s.gradient for s in whole.shares.values()
    )


def test_mixed_precision_keeps_float32_weights_and_casts_of_them_and_halves_activations():
    module = nn.Sequential(nn.Flatten(), nn.Linear(768, 512), nn.GELU(), nn.Linear(512, 512))
    whole = step(module, batch=64)
    mixed = step(module, batch=64, setting=Setting(autocast=torch.bfloat16, optimizer=torch.optim.Adam))
    assert mixed.shares == whole.shares
    cast = 512 * 512 * 2  # of the second weight; the first isn't needed on the way back, which ends there
    batch = 64 * 768 * 2  # the batch is cast too, and kept
    assert sum(mixed.activations.values()) == sum(whole.activations.values()) // 2 + cast + batch


# --- segments ---------------------------------------------------------------------------------------------------------


class Blocks(nn.Module):
    def __init__(self, really=False):
        super().__init__()
        self.really = really
        self.stem, self.blocks = (
            conv(),
            nn.ModuleList(nn.Sequential(conv_on(8), nn.GELU(), conv_on(8), nn.GELU()) for _ in range(6)),
        )

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if self.really else block(x)
        return x


def test_a_segment_keeps_its_input_and_its_peak_is_that_of_torchs_own_checkpoints():
    module = Blocks()
    plain = step(module)
    found = step(module, setting=Setting(optimizer=torch.optim.Adam, segments={id(b) for b in module.blocks}))
    image = 4 * 8 * 16 * 16 * 4
    assert sum(found.activations.values()) == 7 * image  # what goes into each of six blocks, and the output
    assert found.peak.bytes < plain.peak.bytes
    assert found.peak.bytes == pytest.approx(tracked(Blocks(really=True), optimizer=torch.optim.Adam), rel=0.02)
    assert any(m.phase == AGAIN and m.layer.startswith("blocks.5") for m in found.moments)


def test_a_person_s_own_checkpoints_count():
    assert sum(step(Blocks(really=True)).activations.values()) == 7 * 4 * 8 * 16 * 16 * 4


# --- where ------------------------------------------------------------------------------------------------------------


def test_the_peak_is_found_in_the_layer_and_phase_where_it_is():
    wide = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.Conv2d(4, 256, 1), nn.Conv2d(256, 4, 1), nn.Flatten(), nn.Linear(1024, 1)
    )
    peak = step(wide).peak
    assert (peak.phase, peak.layer, peak.operation) == (BACKWARD, "2", "convolution_backward")
    heavy = nn.Sequential(nn.Flatten(), nn.Linear(768, 4000))
    assert step(heavy, batch=1).peak.phase == STEP


def test_every_operation_of_the_walk_back_is_laid_to_the_layer_that_made_its_node():
    module = nn.Sequential(conv(), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 256, 2))
    moments = step(module, setting=Setting()).moments
    of = {(m.phase, m.operation): m.layer for m in moments}
    assert of[FORWARD, "convolution"] == of[BACKWARD, "convolution_backward"] == "0"
    assert of[BACKWARD, "threshold_backward"] == "1"
    assert [m.layer for m in moments if m.phase == BACKWARD and m.operation == "mm"] == ["3", "3"]


def test_inference_holds_no_more_than_two_neighbouring_activations():
    module = nn.Sequential(*(layer for _ in range(20) for layer in (conv_on(8), nn.GELU())))
    found = step(module, (8, 16, 16), setting=Setting(training=False))
    image = 4 * 8 * 16 * 16 * 4
    assert found.at_peak[""] == 2 * image and not found.at_peak["optimizer"]


# --- the person's network ---------------------------------------------------------------------------------------------


def test_the_network_is_left_as_it_was_found():
    module = Residual().eval()
    module.a.weight.grad = kept = torch.ones_like(module.a.weight)
    before = {k: v.clone() for k, v in module.state_dict().items()}
    chance = torch.get_rng_state()
    step(module)
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())
    assert module.a.weight.grad is kept and module.b.weight.grad is None
    assert not module.training and torch.equal(torch.get_rng_state(), chance)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())


def test_a_network_that_fails_is_left_as_it_was_found_and_says_why_once(capfd):
    module = nn.Sequential(conv(), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(7, 2)).eval()
    call = nn.Module.__call__
    with pytest.raises(InputRefused, match=r"batch of 4 .* reduction dim"):
        step(module)
    assert not module.training and nn.Module.__call__ is call and int(module[1].num_batches_tracked) == 0
    assert "Traceback" not in "".join(capfd.readouterr())


def test_nothing_is_allocated():
    found = step(nn.Sequential(conv(64), nn.ReLU()), (3, 512, 512), batch=10_000)
    assert found.peak.bytes > 10**12


def test_networks_that_look_at_numbers_of_their_own_are_run_and_those_that_look_at_the_image_refused():
    own = Calls(lambda x, a: a(x) * int(torch.arange(5).sum()), conv())
    assert sum(step(own).activations.values()) == really_kept(own)
    with pytest.raises(NetworkRefused, match="values of an image"):
        step(Calls(lambda x, a: a(x) if x.mean() > 0 else a(x) * 2, conv()))


def test_nothing_of_a_step_outlives_it():
    module = Residual()
    step(module)
    gc.collect()
    from torch._subclasses.fake_tensor import FakeTensor

    assert not [o for o in gc.get_objects() if isinstance(o, FakeTensor) and o.dim() == 4 and o.shape[0] == 4]
