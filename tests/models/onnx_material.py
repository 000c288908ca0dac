"""ONNX files that tests make: small networks of torch and Keras as PyTorch's two exporters write them, and single nodes."""

from pathlib import Path

import numpy as np
import torch
import torch.nn as nn


class Residual(nn.Module):
    """A stem, a residual block that uses one activation twice, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.block = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8))
        self.act, self.head = nn.ReLU(), nn.Linear(8, 5)

    def forward(self, x):
        x = self.act(self.stem(x))
        x = self.act(x + self.block(x))
        return self.head(x.mean((2, 3)))


class Tokens(nn.Module):
    """Patches with a class token, one encoder layer of attention: what a batch size is written into."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.token = nn.Conv2d(3, 16, 4, 4), nn.Parameter(torch.randn(1, 1, 16))
        self.norm, self.qkv, self.head = nn.LayerNorm(16), nn.Linear(16, 48), nn.Linear(16, 5)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = self.norm(torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1))
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, 4, c // 4).permute(2, 0, 3, 1, 4)
        x = x + (((q @ k.transpose(-2, -1)) / 2).softmax(-1) @ v).transpose(1, 2).reshape(b, n, c)
        return self.head(x[:, 0])


def made(kind, seed=0):
    """A network with weights and running statistics that do something."""
    torch.manual_seed(seed)
    module = kind().eval()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 1.5)
    return module


def exported(module, file: Path, *, size=(3, 16, 16), batch=None, dynamo=False, opset=17) -> Path:
    """Write a module as ONNX: for any batch size, or for one."""
    images = (torch.rand(batch or 2, *size),)
    if dynamo:
        shapes = ({0: torch.export.Dim("batch")},) if batch is None else None
        program = torch.onnx.export(module, images, dynamo=True, dynamic_shapes=shapes, verbose=False)
        program.save(str(file), external_data=False)
        return file
    axes = {"input": {0: "batch"}} if batch is None else None
    torch.onnx.export(
        module, images, str(file), dynamo=False, input_names=["input"], dynamic_axes=axes, opset_version=opset
    )
    return file


def model_of(nodes, weights=None, *, shape=("batch", 3, 8, 8), outputs=("output",), opset=17, element=1, **more):
    """An `onnx.ModelProto` of some nodes."""
    from onnx import helper, numpy_helper

    arrays = [numpy_helper.from_array(np.asarray(array), name) for name, array in (weights or {}).items()]
    entry = helper.make_tensor_value_info("input", element, shape)
    ends = [helper.make_tensor_value_info(name, 10 if element == 10 else 1, None) for name in outputs]
    graph = helper.make_graph(nodes, "graph", [entry], ends, arrays)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9, **more)


def node_of(operator, *inputs, output="output", name="", **settings):
    """An `onnx.NodeProto`."""
    from onnx import helper

    return helper.make_node(operator, list(inputs), [output], name=name or operator.lower(), **settings)


def written(model, file: Path) -> Path:
    """A model in a file."""
    file.write_bytes(model.SerializeToString())
    return file
