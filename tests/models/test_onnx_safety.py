"""ONNX files that lie or reach out: each hole a test, with a secret beside the folder that must be read by none."""

import os
import secrets
import sys
import time

import numpy as np
import pytest

from seethrough.errors import InputRefused, SeethroughError, UsageError
from seethrough.models import open_model

pytest.importorskip("onnx", reason="the extra onnx isn't installed")

import onnx
from onnx_material import Residual, exported, made, model_of, node_of, written

WEIGHT = np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32)
NUMBERS = WEIGHT.tobytes()


@pytest.fixture
def secret(tmp_path):
    """A file of 32 random bytes beside the folder of the network."""
    file = tmp_path / "secret.bin"
    file.write_bytes(secrets.token_bytes(len(NUMBERS)))
    return file


def external(folder, entries, *, dims=(2, 4)):
    """A network whose one weight is kept where ``entries`` say."""
    folder.mkdir(exist_ok=True)
    model = model_of([node_of("MatMul", "w", "input")], {"w": WEIGHT}, shape=(4, 4))
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    del weight.dims[:]
    weight.dims.extend(dims)
    for key, value in entries:
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    return written(model, folder / "net.onnx")


OUTSIDE = {
    "parent folder": "../secret.bin",
    "parent inside the path": "sub/../../secret.bin",
    "parent that comes back": "sub/../weights.bin",
    "absolute path": "{secret}",
    "backslashes": "..\\secret.bin",
    "network share": "\\\\server\\share\\secret.bin",
    "network share with slashes": "//server/share/secret.bin",
    "drive": "C:/secret.bin",
    "empty part": "sub//weights.bin",
    "null character": "weights.bin\0../secret.bin",
    "folder": ".",
}


@pytest.mark.parametrize("hole", OUTSIDE)
def test_external_data_by_a_name_that_leads_out_are_refused(hole, secret, tmp_path):
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "sub").mkdir()
    (folder / "weights.bin").write_bytes(NUMBERS)
    file = external(folder, [("location", OUTSIDE[hole].format(secret=secret))])
    refused_without_reading(file, secret)


def refused_without_reading(file, secret):
    opened = []

    def hear(event, arguments):
        if event == "open" and opened is not None:
            opened.append(str(arguments[0]))

    sys.addaudithook(hear)
    with pytest.raises(InputRefused) as refused:
        open_model(file)
    assert not any(name.endswith("secret.bin") for name in opened)
    assert secret.read_bytes().hex() not in str(refused.value) and "\n" not in str(refused.value)
    return str(refused.value)


def test_external_data_through_a_link_to_a_file_are_refused(secret, tmp_path):
    file = external(tmp_path / "net", [("location", "weights.bin")])
    (file.parent / "weights.bin").symlink_to(secret)
    assert "reached through a link" in refused_without_reading(file, secret)


def test_external_data_through_a_link_to_a_folder_are_refused(secret, tmp_path):
    file = external(tmp_path / "net", [("location", "sub/secret.bin")])
    (file.parent / "sub").symlink_to(tmp_path, target_is_directory=True)
    assert "reached through a link" in refused_without_reading(file, secret)


def test_external_data_through_a_hard_link_are_refused(secret, tmp_path):
    file = external(tmp_path / "net", [("location", "weights.bin")])
    os.link(secret, file.parent / "weights.bin")
    with pytest.raises(InputRefused, match="hard link"):
        open_model(file)


def test_external_data_in_a_pipe_are_refused_without_waiting(tmp_path):
    file = external(tmp_path / "net", [("location", "weights.bin")])
    os.mkfifo(file.parent / "weights.bin")
    start = time.perf_counter()
    with pytest.raises(InputRefused, match="no regular file"):
        open_model(file)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([("offset", "-8")], "the offset .* is '-8', no size"),
        ([("length", "-32")], "the length .* is '-32', no size"),
        ([("length", "1" * 30)], "no size"),
        ([("length", "0x20")], "no size"),
        ([("length", "320000000000")], "declares 32 bytes for 'w' and points to 320,000,000,000"),
        ([("offset", "8")], "points to 24 from byte 8"),
        ([("offset", "99999")], "points to 0 from byte 99,999"),
        ([("__class__", "builtins.dict")], "a key '__class__' that doesn't belong there"),
        ([("location", "other.bin")], "a key 'location' that doesn't belong there"),
    ],
)
def test_external_data_that_say_what_can_not_be_are_refused(entries, words, tmp_path):
    file = external(tmp_path / "net", [("location", "weights.bin"), *entries])
    (file.parent / "weights.bin").write_bytes(NUMBERS)
    with pytest.raises(InputRefused, match=words):
        open_model(file)


def test_external_data_without_a_file_are_refused(tmp_path):
    with pytest.raises(InputRefused, match="name no file"):
        open_model(external(tmp_path / "net", []))
    with pytest.raises(InputRefused, match="can't be read from its folder"):
        open_model(external(tmp_path / "net", [("location", "weights.bin")]))


def test_external_data_of_a_shape_that_is_not_there_are_refused_before_anything_is_allocated(tmp_path):
    file = external(tmp_path / "net", [("location", "weights.bin")], dims=(10**6, 10**6))
    (file.parent / "weights.bin").write_bytes(NUMBERS)
    with pytest.raises(InputRefused, match=r"declares 4,000,000,000,000 bytes for 'w' and points to 32"):
        open_model(file)


def test_the_same_bytes_for_thousands_of_weights_are_refused(tmp_path):
    size = 2**20
    model = model_of([node_of("Relu", "input")])
    for i in range(50):
        weight = model.graph.initializer.add(name=f"w{i}", dims=[size], data_type=1, data_location=1)
        weight.external_data.add(key="location", value="weights.bin")
    (tmp_path / "weights.bin").write_bytes(bytes(4 * size))
    with pytest.raises(InputRefused, match=r"the same bytes .* again and again"):
        open_model(written(model, tmp_path / "net.onnx"))


def test_external_data_inside_the_folder_are_read(tmp_path):
    folder = tmp_path / "net"
    file = external(folder, [("location", "sub/weights.bin"), ("offset", "16"), ("length", "32"), ("checksum", "x")])
    (folder / "sub").mkdir()
    (folder / "sub" / "weights.bin").write_bytes(bytes(16) + NUMBERS + bytes(8))
    pytest.importorskip("onnxruntime", reason="the extra onnx isn't installed")
    try:
        opened = open_model(file)
    except UsageError as error:  # a product from the left has no batch; that it was read is what counts
        pytest.fail(str(error))
    (weight,) = opened.module.parameters()
    assert np.array_equal(weight.detach().numpy(), WEIGHT)


# --- what a file declares -----------------------------------------------------------------------------------------------


def declared(dims, **stored):
    model = model_of([node_of("Relu", "input"), node_of("Mul", "input", "w", output="aside")])
    model.graph.initializer.add(name="w", dims=dims, data_type=stored.pop("data_type", 1), **stored)
    return model


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: declared([10**6, 10**6], raw_data=b"abcd"), "declares 1,000,000,000,000 numbers .* and stores 1"),
        (lambda: declared([10**9], float_data=[1.0]), "declares 1,000,000,000 numbers"),
        (lambda: declared([2**62, 2**62, 2**62], raw_data=b""), "and stores 0"),
        (lambda: declared([-1, 4], raw_data=b"abcd"), "an impossible shape"),
        (lambda: declared([1] * 40, raw_data=b"abcd"), "an impossible shape"),
        (lambda: declared([1], raw_data=b"abc"), "and stores -1"),
        (lambda: declared([2], raw_data=b"abcd" * 2, float_data=[1.0, 2.0]), "and stores -1"),
        (lambda: declared([1], data_type=8, string_data=[b"x"]), "is of a type"),
        (lambda: declared([1], data_type=99, raw_data=b"abcd"), "is of a type"),
    ],
)
def test_a_weight_that_is_not_there_is_refused_before_it_is_allocated(model, words, tmp_path):
    with pytest.raises(InputRefused, match=words):
        open_model(written(model(), tmp_path / "net.onnx"))


def shape_bomb(operator, *numbers, **settings):
    constants = {f"c{i}": np.array(n, np.int64) for i, n in enumerate(numbers)}
    return [node_of(operator, *constants, output="big", **settings)], constants


@pytest.mark.parametrize(
    "nodes",
    [
        lambda: shape_bomb("ConstantOfShape", [10**6, 10**6]),
        lambda: shape_bomb("Range", 0, 10**12, 1),
        lambda: shape_bomb("Tile", [1], [10**12]),
        lambda: shape_bomb("Expand", [1], [10**6, 10**6]),
    ],
    ids=["ConstantOfShape", "Range", "Tile", "Expand"],
)
def test_constants_that_grow_to_terabytes_are_refused(nodes, tmp_path):
    made_of, constants = nodes()
    model = model_of(
        [*made_of, node_of("Cast", "big", output="cast", to=1), node_of("Mul", "input", "cast")], constants
    )
    with pytest.raises(InputRefused, match="can't be run"):
        open_model(written(model, tmp_path / "net.onnx"))


@pytest.mark.parametrize(
    "node",
    [
        lambda: node_of("Pad", "input", "pads"),
        lambda: node_of("Tile", "input", "times"),
        lambda: node_of("Resize", "input", "", "scales"),
        lambda: node_of("Expand", "input", "shape"),
        lambda: node_of("Conv", "input", "w", pads=[10**6] * 4),
    ],
    ids=["Pad", "Tile", "Resize", "Expand", "Conv"],
)
def test_pictures_that_grow_to_terabytes_are_refused(node, tmp_path):
    constants = {
        "pads": np.array([0, 0, 0, 0, 0, 0, 10**6, 10**6]), "times": np.array([1, 1, 10**5, 10**5]),
        "scales": np.float32([1, 1, 1e5, 1e5]), "shape": np.array([10**9, 1, 1, 1, 1]), "w": np.ones((3, 3, 1, 1), np.float32),
    }  # fmt: skip
    with pytest.raises(InputRefused, match=r"node '\w+' .*than 2 GB"):
        open_model(written(model_of([node()], constants), tmp_path / "net.onnx"))


def function_of(name, nodes):
    from onnx import helper

    return helper.make_function(
        "own", name, ["x"], ["y"], nodes, [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    )


def call_of(name, x, y):
    from onnx import helper

    return helper.make_node(name, [x], [y], domain="own")


def with_functions(*functions):
    model = model_of([call_of("f0", "input", "output")], functions=list(functions))
    model.opset_import.add(domain="own", version=1)
    return model


def test_functions_that_call_each_other_in_a_ring_are_refused(tmp_path):
    ring = with_functions(function_of("f0", [call_of("f1", "x", "y")]), function_of("f1", [call_of("f0", "x", "y")]))
    with pytest.raises(InputRefused, match="call each other in a ring"):
        open_model(written(ring, tmp_path / "net.onnx"))
    with pytest.raises(InputRefused, match="in a ring"):
        open_model(written(with_functions(function_of("f0", [call_of("f0", "x", "y")])), tmp_path / "net.onnx"))


def test_functions_that_double_forty_times_are_refused(tmp_path):
    doubling = [
        function_of(f"f{i}", [call_of(f"f{i + 1}", "x", "a"), call_of(f"f{i + 1}", "a", "y")]) for i in range(30)
    ]
    last = function_of("f30", [node_of("Relu", "x", output="y")])
    with pytest.raises(InputRefused, match="nodes; more than"):
        open_model(written(with_functions(*doubling, last), tmp_path / "net.onnx"))


def test_functions_are_written_out(tmp_path):
    twice = function_of("f0", [node_of("Relu", "x", output="a"), node_of("Neg", "a", output="y")])
    assert [layer.node.operator for layer in open_model(written(with_functions(twice), tmp_path / "n.onnx")).layers.values()] == ["Relu", "Neg"]  # fmt: skip


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def test_millions_of_empty_nodes_are_refused_before_they_are_built(tmp_path):
    graph = b"\x0a\x00" * 600_000  # the graph's first field, a node of no bytes
    file = tmp_path / "net.onnx"
    file.write_bytes(b"\x08\x08\x3a" + varint(len(graph)) + graph)
    start = time.process_time()
    with pytest.raises(InputRefused, match="more than 500,000 fields"):
        open_model(file)
    assert time.process_time() - start < 5


def test_messages_inside_each_other_without_end_are_refused(tmp_path):
    inside = b""
    for _ in range(200):  # a graph in an attribute of a node of a graph
        inside = b"".join((b"\x32", varint(len(inside)), inside))
        inside = b"".join((b"\x2a", varint(len(inside)), inside))
        inside = b"".join((b"\x0a", varint(len(inside)), inside))
    file = tmp_path / "net.onnx"
    file.write_bytes(b"\x08\x08\x3a" + varint(len(inside)) + inside)
    with pytest.raises(InputRefused, match="messages inside each other"):
        open_model(file)


@pytest.mark.parametrize(
    "content", [b"\x00" * 64, b"\x08\x08", b"\x08\x07" * 20, b"<html>not found</html>", b"\x3a\xff"]
)
def test_what_is_no_onnx_file_is_refused_in_a_sentence(content, tmp_path):
    file = tmp_path / "net.onnx"
    file.write_bytes(content)
    with pytest.raises(InputRefused, match="no ONNX file") as refused:
        open_model(file)
    assert "\n" not in str(refused.value)


# --- by chance ----------------------------------------------------------------------------------------------------------


def damaged(content, random):
    """A file with some bytes changed, left out, doubled, or cut off."""
    data = bytearray(content)
    how = random.integers(4)
    at = int(random.integers(len(data)))
    if how == 0:
        for _ in range(int(random.integers(1, 9))):
            data[int(random.integers(len(data)))] = int(random.integers(256))
    elif how == 1:
        del data[at : at + int(random.integers(1, 40))]
    elif how == 2:
        data[at:at] = data[at : at + int(random.integers(1, 40))]
    else:
        del data[at:]
    return bytes(data)


def changed(model, random):
    """A model with a number, a name or a list in it changed, so that it still parses."""
    node = model.graph.node[int(random.integers(len(model.graph.node)))]
    how = random.integers(5)
    if how == 0 and len(node.attribute):
        attribute = node.attribute[int(random.integers(len(node.attribute)))]
        attribute.i = int(random.integers(-(2**40), 2**40))
        for i in range(len(attribute.ints)):
            attribute.ints[i] = int(random.choice([-1, 0, 1, 7, 2**20, 2**40]))
    elif how == 1 and node.input:
        node.input[int(random.integers(len(node.input)))] = str(random.choice(["", "input", "nowhere", "output"]))
    elif how == 2:
        node.op_type = str(random.choice(["Relu", "Conv", "Reshape", "Gemm", "Loop", "Concat", "Resize", "Softmax"]))
    elif how == 3 and model.graph.initializer:
        weight = model.graph.initializer[int(random.integers(len(model.graph.initializer)))]
        weight.data_type = int(random.integers(24))
    else:
        weight = model.graph.initializer[int(random.integers(len(model.graph.initializer)))]
        weight.dims[int(random.integers(len(weight.dims)))] = int(random.choice([-1, 0, 1, 2**31, 2**62]))
    return model.SerializeToString()


@pytest.mark.parametrize("seed", range(10))
def test_damaged_files_are_opened_or_refused_within_two_seconds(seed, tmp_path):
    file = tmp_path / "net.onnx"
    content = exported(made(Residual), file).read_bytes()
    random = np.random.default_rng(seed)
    for i in range(60):
        mutant = damaged(content, random) if i % 2 else changed(onnx.ModelProto.FromString(content), random)
        file.write_bytes(mutant or b"\0")
        start = time.process_time()
        try:
            open_model(file)
        except SeethroughError as refused:
            assert "\n" not in str(refused), (seed, i)
        assert time.process_time() - start < 2, (seed, i)
