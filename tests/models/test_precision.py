"""Half precision and quantized networks: explained in a float32 copy, the person's own untouched."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from seethrough.errors import InputRefused
from seethrough.models import open_model
from seethrough.models.precision import STAND_FOR, in_float32

pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch's quantization says of itself that it is deprecated
quantization = pytest.importorskip("torch.ao.quantization")


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.quant, self.dequant = quantization.QuantStub(), quantization.DeQuantStub()
        self.conv, self.bn, self.relu = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()
        self.hard, self.six = nn.Hardswish(), nn.ReLU6()
        self.add = torch.ao.nn.quantized.FloatFunctional()
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.relu(self.bn(self.conv(self.quant(x))))
        x = self.add.add(self.hard(x), self.six(x))
        return self.dequant(self.head(x.mean((2, 3))))


def small():
    torch.manual_seed(0)
    return Small().eval()


def images():
    return torch.rand(16, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def answers(module, x):
    with torch.no_grad():
        return module(x)


def static():
    torch.backends.quantized.engine = "x86" if "x86" in torch.backends.quantized.supported_engines else "qnnpack"
    network = quantization.fuse_modules(small(), [["conv", "bn", "relu"]])
    network.qconfig = quantization.get_default_qconfig(torch.backends.quantized.engine)
    prepared = quantization.prepare(network)
    answers(prepared, images())
    return quantization.convert(prepared)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_widened_with_the_very_weights_and_the_persons_module_stays(dtype):
    module = small().to(dtype)
    before = [(p.data_ptr(), p.dtype, p._version) for p in module.parameters()]
    opened = open_model(module)
    assert [(p.data_ptr(), p.dtype, p._version) for p in module.parameters()] == before
    assert opened.module is not module and {p.dtype for p in opened.module.parameters()} == {torch.float32}
    assert torch.equal(opened.module.head.weight, module.head.weight.float())
    assert torch.equal(opened.module.bn.running_var, module.bn.running_var.float())
    (note,) = [note for note in opened.notes if note.name == "explained_in_float32"]
    assert note.numbers == {"dtype": str(dtype).removeprefix("torch."), "layers": 3} and note.level == "info"
    assert opened.paths[id(opened.module.head)] == "head" and opened.info["conv"]["out_channels"] == 8


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_wide_networks_are_taken_as_they_are(dtype):
    module = small().to(dtype)
    found, notes = in_float32(module)
    assert found is module and notes == ()


def test_a_double_network_is_asked_in_double():
    from seethrough.network import open as open_network

    module = nn.Sequential(nn.Flatten(), nn.Linear(12, 3)).double()
    x = torch.rand(2, 3, 2, 2, dtype=torch.float64)
    net = open_network(module, input_size=(3, 2, 2))
    assert net.prepare(x).batch.dtype == torch.float64 and torch.equal(net.prepare(x).batch, x)


def test_shared_weights_stay_shared():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
            self.second.weight = self.first.weight

    found, _ = in_float32(Twice().half())
    assert found.first.weight is found.second.weight and found.first.weight.dtype == torch.float32


def test_a_statically_quantized_network_is_explained_by_the_float_network_it_stands_for():
    quantized = static()
    opened = open_model(quantized)
    assert type(opened.module.conv[0]) is nn.Conv2d and type(opened.module.head) is nn.Linear
    assert torch.equal(opened.module.head.weight, quantized.head.weight().dequantize())
    (note,) = [note for note in opened.notes if note.name == "explained_in_float32"]
    assert note.numbers == {"dtype": "qint8", "layers": 2}
    theirs, ours, before = (answers(m, images()) for m in (quantized, opened.module, small()))
    step = quantized.head.scale
    assert (ours - theirs).abs().max() <= 6 * step  # a few roundings on the way
    assert (ours - before).abs().max() <= 3 * step and not torch.equal(ours, before)
    ours.sum()
    x = images().requires_grad_()
    opened.module(x).sum().backward()
    assert x.grad is not None and bool(x.grad.abs().sum() > 0)
    assert "Quantized" in repr(quantized)


def test_dynamic_quantization_is_undone():
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 6), nn.ReLU(), nn.Linear(6, 2)).eval()
    quantized = quantization.quantize_dynamic(copy.deepcopy(network), {nn.Linear})
    found, (note,) = in_float32(quantized)
    x = torch.rand(4, 12)
    assert (answers(found, x) - answers(network, x)).abs().max() < 0.02
    assert note.numbers == {"dtype": "qint8", "layers": 2}


def test_a_network_traced_and_quantized_is_undone():
    fx = pytest.importorskip("torch.ao.quantization.quantize_fx")
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    ).eval()
    mapping = quantization.get_default_qconfig_mapping("x86")
    prepared = fx.prepare_fx(network, mapping, (images(),))
    answers(prepared, images())
    quantized = fx.convert_fx(prepared)
    found, notes = in_float32(quantized)
    assert [note.name for note in notes] == ["explained_in_float32"]
    assert (answers(found, images()) - answers(network, images())).abs().max() < 0.02


def test_a_quantized_layer_that_can_not_be_undone_is_named():
    recurrent = quantization.quantize_dynamic(nn.ModuleDict({"memory": nn.LSTM(4, 3)}), {nn.LSTM})
    half = nn.ModuleDict({"a": recurrent, "b": nn.Linear(2, 2).half()})
    with pytest.raises(InputRefused, match=r"The layer a\.memory is a quantized LSTM"):
        in_float32(half)


def test_layers_of_other_quantizers_are_refused_by_name():
    foreign = type("Linear4bit", (nn.Linear,), {"__module__": "bitsandbytes.nn.modules"})
    with pytest.raises(InputRefused, match="layer 1 is a Linear4bit of bitsandbytes"):
        in_float32(nn.Sequential(nn.ReLU(), foreign(2, 2)))


@pytest.mark.parametrize("name", ["LayerNorm", "GroupNorm", "ELU", "LeakyReLU", "MaxPool2d", "BatchNorm2d"])
def test_each_layer_stands_for_one_that_gives_the_same(name):
    options = {
        "LayerNorm": ((8,), {}), "GroupNorm": ((2, 8), {}), "ELU": ((), {"alpha": 0.7}), "BatchNorm2d": ((8,), {}),
        "LeakyReLU": ((), {"negative_slope": 0.3}), "MaxPool2d": ((2,), {}),
    }[name]  # fmt: skip
    made = getattr(nn, name)(*options[0], **options[1]).eval()
    stub = type(name, (type(made),), {"__module__": "torch.ao.nn.quantized.modules"})
    layer = copy.deepcopy(made)
    layer.__class__ = stub
    x = torch.rand(2, 8, 4, 8)
    assert torch.equal(STAND_FOR[name](layer)(x), made(x))


def test_torchvisions_quantizable_networks_are_undone_once_quantized():
    importer = pytest.importorskip("seethrough.models.torchvision_import")
    models = importer.import_torchvision().models
    torch.manual_seed(0)
    network = models.get_model("quantized_resnet18", num_classes=4).eval()
    network.fuse_model()
    network.qconfig = quantization.get_default_qconfig("x86")
    prepared = quantization.prepare(network)
    x = torch.rand(4, 3, 64, 64)
    answers(prepared, x)
    quantized = quantization.convert(prepared)
    opened = open_model(quantized, input_size=64)
    ours, before = answers(opened.module, x).numpy(), answers(network, x).numpy()
    assert np.corrcoef(ours.ravel(), before.ravel())[0, 1] > 0.99
    assert [type(layer).__name__ for layer in opened.module.modules() if "quantized" in type(layer).__module__] == [
        "FloatFunctional"
    ] * 8  # sums, now in float32
