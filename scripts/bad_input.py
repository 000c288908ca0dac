"""What bad input gets: every case is made, given to the command line, and its answer printed as a table.

    python scripts/bad_input.py > docs/bad-input.md

The page says only what was really answered; `scripts/check_documents.py` runs this again and compares.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import struct
import sys
import zipfile
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import torch
from PIL import Image
from torch import nn

HEAD = """# What bad input gets

One message: what, where, what to do; and an exit code. This table is printed by `python scripts/bad_input.py`, which
makes each of these and gives it to the command line; `make docs` runs it again and compares. Exit codes: 2 usage or
settings that conflict, 3 input refused, 4 the environment lacks something. The same sentences are raised in Python as
`UsageError`, `InputRefused` and `EnvironmentLacks`.
"""


@dataclass(frozen=True, slots=True)
class Case:
    """What is wrong, the command that meets it, and what makes it in the working folder."""

    what: str
    command: str
    make: Callable[[], object] = lambda: None


class Small(nn.Module):
    """A classifier of three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3, stride=2), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.conv(x).relu().mean((2, 3)))


class Touch:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("canary",)


BUILDERS = """
import torch.nn as nn


def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


def wider():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))
"""


def weights(name: str = "net.pt") -> None:
    """A state dict, and a file with the function that builds its network."""
    layers = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    torch.save(nn.Sequential(*layers).state_dict(), name)
    Path("small.py").write_text(BUILDERS)


def fixed() -> None:
    """A network that takes 32 × 32 alone, its weights, and a picture."""
    torch.save(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 30 * 30, 3)).state_dict(), "net.pt")
    Path("fixed.py").write_text(
        "import torch.nn as nn\n\n\ndef net():\n    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 30 * 30, 3))\n"
    )
    picture()


def names() -> None:
    """Weights, a picture, and a list of four names."""
    weights()
    picture()
    Path("names.txt").write_text("a\nb\nc\nd\n")


def box(body: str) -> None:
    """A picture, and a file of Python."""
    picture()
    Path("box.py").write_text(body)


def black_box() -> None:
    """A function of the pictures that leaves the calculus."""
    box(
        "import numpy as np\n\ndef predict(images):\n    return np.stack([images.mean((1, 2, 3)), images.max((1, 2, 3))], 1)\n"
    )


def folder_of(*names: str) -> None:
    """A folder with files of weights."""
    Path("models").mkdir()
    for name in names:
        torch.save(Small().state_dict(), Path("models") / name)


def keras(file: str, *, lambda_: bool = False) -> None:
    """A small Keras file, or one with a Lambda layer."""
    import keras

    layers = [keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)]
    if lambda_:
        layers.insert(1, keras.layers.Lambda(lambda x: x * 2))
    keras.Sequential([keras.Input((16, 16, 3)), *layers]).save(file)


def onnx(file: str, *, operator: str = "Relu", location: str | None = None) -> None:
    """A small ONNX file: of an operator, or with weights elsewhere."""
    import onnx as format_
    from onnx import TensorProto, helper, numpy_helper

    kernel = numpy_helper.from_array(np.ones((4, 3, 1, 1), np.float32), "kernel")
    if location is not None:
        kernel = TensorProto(name="kernel", dims=[4, 3, 1, 1], data_type=TensorProto.FLOAT)
        kernel.data_location = TensorProto.EXTERNAL
        kernel.external_data.add(key="location", value=location)
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["y"], name="first"),
        helper.make_node(operator, ["y"], ["z"], name="second", domain="" if operator == "Relu" else "com.example"),
    ]
    shape = ["N", 3, 8, 8]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 4, 8, 8])],
        [kernel],
    )
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("com.example", 1)]
    Path(file).write_bytes(format_.helper.make_model(graph, opset_imports=imports).SerializeToString())


def zip_of(file: str, **members: bytes) -> None:
    """An archive."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)


def bomb(file: str) -> None:
    """A Keras file whose configuration unpacks to 200 MB."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", b" " * (200 * 2**20))
        archive.writestr("model.weights.h5", b"")


def header_beyond_file(file: str) -> None:
    """A safetensors file that declares a header of 2^40 bytes."""
    Path(file).write_bytes(struct.pack("<Q", 2**40) + b'{"a": 1}')


def picture(file: str = "cat.png", *, cut: int | None = None, seed: int = 0) -> None:
    """A picture; or its first bytes."""
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    Path(file).write_bytes(out.getvalue()[:cut])


def photos(*names: str, truth: str = "") -> None:
    """A folder of pictures, and what a file says of their classes."""
    Path("photos").mkdir()
    for name in names:
        Path("photos", name).parent.mkdir(exist_ok=True)
        picture(f"photos/{name}")
    if truth:
        Path("truth.csv").write_text(truth)


def surveyed() -> None:
    """A folder of pictures, and the run of another network over it."""
    from seethrough.cli.failures import run

    photos("a.png", "b.png")
    run(["units", "demo:leopards-balanced", "photos", "--layer", "stage2", "-o", "units/"])


def judged(*classes: str, box: str = "") -> None:
    """Four pictures of each class, and a file with the same box for all."""
    Path("photos").mkdir()
    names = [f"{name}/{number}.png" for name in classes for number in range(4)]
    for number, name in enumerate(names):
        Path("photos", name).parent.mkdir(exist_ok=True)
        picture(f"photos/{name}", seed=number)
    if box:
        Path("boxes.csv").write_text("image,x0,y0,x1,y1\n" + "".join(f"{name},{box}\n" for name in names))


def heard(network: str = "demo:leopards") -> None:
    """Four pictures of each class, and the record of an audit of a network, with one finding."""
    import json

    import seethrough as st

    judged("snow leopard", "Arabian leopard")
    finding = {
        "aspect": {"kind": "background"}, "answer": 1, "rivals": [0], "ways": ["places"], "strength": 1.0, "reappeared": 1.0,
        "numbers": {}, "verdict": "proven",
    }  # fmt: skip
    record = {
        "format": "seethrough audit 1",
        "provenance": {"fingerprint": st.open(network).fingerprint},
        "labels": ["snow leopard", "Arabian leopard"],
        "split": {"seed": 0},
        "findings": [finding],
    }
    Path("audit").mkdir()
    Path("audit/findings.json").write_text(json.dumps(record))
    Path("predict.py").write_text("def answer(images):\n    return images.mean((1, 2))[:, :2]\n")


def proved_before() -> None:
    """The same, and a mark that the pictures were used for a proof."""
    from seethrough.datasets.collection import collect
    from seethrough.findings.record import record_of
    from seethrough.remedies.held_out import mark_of
    from seethrough.remedies.used import Use, mark

    heard()
    pictures = mark_of(record_of("audit"), collect("photos"))
    mark(Path("audit"), Use(pictures, "0123456789abcdef", "improved", "2026-11-30"))


LEOPARDS = "demo:leopards"
PROVE = f"prove {LEOPARDS} demo:leopards-balanced photos --findings audit"
MEND = f"repair {LEOPARDS} photos --findings audit"
BUILD = "--architecture small:net"
SIZE = "--input-size 8"

FILES = [
    Case("no such file", "summary nothing.keras"),
    Case("an empty file", "summary empty.pt", lambda: Path("empty.pt").touch()),
    Case("a folder without a network", "summary models", lambda: folder_of()),
    Case("two networks in one folder", "summary models", lambda: folder_of("a.pt", "b.pt")),
    Case(
        "a TensorFlow SavedModel", "summary models", lambda: (folder_of(), Path("models/saved_model.pb").write_bytes(b"\x08"))
    ),
    Case("a TensorFlow Lite file", "summary net.tflite", lambda: Path("net.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(32))),
    Case("TorchScript", "summary net.pt", lambda: torch.jit.script(nn.ReLU()).save("net.pt")),
    Case(
        "an exported program (`.pt2`)",
        "summary net.pt2",
        lambda: torch.export.save(torch.export.export(Small(), (torch.rand(1, 3, 8, 8),)), "net.pt2"),
    ),
    Case("a whole pickled module", "summary net.pt", lambda: torch.save(nn.Sequential(nn.ReLU()), "net.pt")),
    Case("a pickle that calls a function", "summary net.pt", lambda: torch.save({"a": Touch()}, "net.pt")),
    Case("weights without an architecture", "summary net.pt", weights),
    Case("weights of another architecture", f"summary net.pt --architecture small:wider {SIZE}", weights),
    Case("an architecture that isn't there", "summary net.pt --architecture small:other", weights),
    Case("a safetensors header longer than its file", f"summary net.safetensors {BUILD} {SIZE}", lambda: header_beyond_file("net.safetensors")),
    Case("a Keras Lambda layer", "summary net.keras", lambda: keras("net.keras", lambda_=True)),
    Case("a Keras file that unpacks to far more than it is", "summary net.keras", lambda: bomb("net.keras")),
    Case("an archive of something else", "summary net.keras", lambda: zip_of("net.keras", readme=b"hello")),
    Case("an archive with a member outside of it", "summary net.pt", lambda: zip_of("net.pt", **{"..__x": b"", "data.pkl": b""})),
    Case("ONNX with weights outside of its folder", "summary net.onnx", lambda: onnx("net.onnx", location="../secret")),
    Case("an ONNX operator that isn't known", "summary net.onnx", lambda: onnx("net.onnx", operator="Mystery")),
    Case("a broken ONNX file", "summary net.onnx", lambda: Path("net.onnx").write_bytes(b"\x08\x07\x12\xff\xff")),
]  # fmt: skip

NAMES = [
    Case("no such network", "summary keras:VGG61"),
    Case("no such network", "summary torchvision:resnet51"),
    Case("no such network", "summary timm:convnext_tinny"),
    Case("no such network", "summary hf:vitt"),
    Case("no such network of ours", "summary demo:tigers"),
    Case("a Keras architecture that can't be built on torch", "summary keras:NASNetMobile"),
    Case("no such layer", "layers keras:MobileNet conv_pad_99"),
    Case("no such output", f"predict net.pt cat.png {BUILD} {SIZE} --preprocessing unit --output logit", names),
    Case("no such task", f"summary {LEOPARDS} --task clasification"),
]

SETTINGS = [
    Case(
        "names for another number of outputs",
        f"predict net.pt cat.png {BUILD} {SIZE} --preprocessing unit --classes names.txt",
        names,
    ),
    Case("an input size that the network can't take", "summary keras:VGG16 --input-size 8"),
    Case(
        "an input size that the network can't take",
        "predict net.pt cat.png --architecture fixed:net --input-size 64 --preprocessing unit",
        fixed,
    ),
    Case(
        "an input size of another rank", f"predict net.pt cat.png {BUILD} --input-size 8x8 --preprocessing unit", names
    ),
    Case("no input size where one is needed", f"explain net.pt cat.png {BUILD} --preprocessing unit", names),
    Case("no preprocessing where one is needed", f"explain net.pt cat.png {BUILD} {SIZE}", names),
    Case("a device that isn't there", f"predict {LEOPARDS} cat.png --device cuda:7", picture),
    Case("no such method", f"explain {LEOPARDS} cat.png --methods gradcm", picture),
    Case("a setting that no method has", f"explain {LEOPARDS} cat.png --set stepz=3", picture),
    Case("a setting of another method", f"explain {LEOPARDS} cat.png --methods gradcam --set window=3", picture),
    Case("attention where there is none", f"explain {LEOPARDS} cat.png --methods attention_rollout", picture),
    Case("a layer without places", f"explain {LEOPARDS} cat.png --methods gradcam --layer head", picture),
    Case(
        "a layer for methods that take none", f"explain {LEOPARDS} cat.png --methods saliency --layer stage2", picture
    ),
    Case("relevance of a black box", "explain box.py:predict cat.png --input-size 8x8x3 --methods lrp", black_box),
    Case(
        "a gradient of a black box", "explain box.py:predict cat.png --input-size 8x8x3 --methods saliency", black_box
    ),
    Case("a window larger than the input", f"explain {LEOPARDS} cat.png --methods occlusion --window 999", picture),
    Case("a fill that isn't one", f"explain {LEOPARDS} cat.png --methods occlusion --fill pink", picture),
    Case("no channel of that number", f"explain {LEOPARDS} cat.png --methods saliency --target stage2[999]", picture),
    Case("an output taken from itself", f"explain {LEOPARDS} cat.png --target '0 - 0'", picture),
    Case("a time that isn't one", f"explain {LEOPARDS} cat.png --budget soon", picture),
    Case("nothing left to ask", f"explain {LEOPARDS} cat.png --methods all,-all", picture),
    Case("nothing to compare", f"compare {LEOPARDS} cat.png --target 0", picture),
    Case("no such metric", f"evaluate {LEOPARDS} photos --metrics insertoin", lambda: photos("a.png")),
    Case("a label that isn't one", f"explain {LEOPARDS} cat.png --target lepard", picture),
    Case("a memory size that isn't one", f"memory {LEOPARDS} --fits lots"),
    Case("no such optimizer", f"memory {LEOPARDS} --optimizer adamm"),
    Case("another kind of file", f"summary {LEOPARDS} -o tree.docx"),
    Case("a function that isn't there", "predict box.py:predict cat.png", lambda: box("x = 1\n")),
    Case(
        "a function that raises",
        "predict box.py:predict cat.png --input-size 8x8x3",
        lambda: box("def predict(images):\n    return images['a']\n"),
    ),
]

PICTURES = [
    Case("no such picture", f"predict {LEOPARDS} nothing.jpg"),
    Case("a picture that is cut off", f"predict {LEOPARDS} cat.png", lambda: picture(cut=900)),
    Case("a file that is no picture", f"predict {LEOPARDS} cat.png", lambda: Path("cat.png").write_text("miau")),
]

INSIDE = [
    Case("a layer that has no kernels", f"filters {LEOPARDS} pool"),
    Case("a pattern that fits no layer", f"activations {LEOPARDS} cat.png --layers conv9*", picture),
    Case("a channel that there isn't", f"maximize {LEOPARDS} stage1 --channels 99"),
    Case("nothing to maximize", f"maximize {LEOPARDS}"),
    Case("ranges that aren't any", f"maximize {LEOPARDS} stage1 --channels few"),
]

MANY = [
    Case("no such folder", f"units {LEOPARDS} photos -o units/"),
    Case("a folder without pictures", f"units {LEOPARDS} photos -o units/", photos),
    Case(
        "only broken pictures", f"health {LEOPARDS} photos", lambda: (photos("a.png"), picture("photos/a.png", cut=90))
    ),
    Case("no such layer", f"units {LEOPARDS} photos --layer stage9 -o units/", lambda: photos("a.png")),
    Case(
        "labels of other pictures",
        f"wall {LEOPARDS} photos --truth truth.csv -o wall.html",
        lambda: photos("a.png", "b.png", truth="c.png,snow leopard\n"),
    ),
    Case("no such layout", f"wall {LEOPARDS} photos --layout tsme -o wall.html", lambda: photos("a.png", "b.png")),
    Case("a folder with another network's run", f"units {LEOPARDS} photos --layer stage2 -o units/", surveyed),
    Case("a folder that is no run", "verify photos", lambda: photos("a.png")),
]

AUDITED = [
    Case("classes that the network calls otherwise", f"audit {LEOPARDS} photos", lambda: judged("snow", "desert")),
    Case(
        "a class called like no output",
        f"audit {LEOPARDS} photos --called snow=wolf --called desert=1",
        lambda: judged("snow", "desert"),
    ),
    Case("pictures without a class", f"audit {LEOPARDS} photos", lambda: photos("a.png", "b.png")),
    Case("one class", f"audit {LEOPARDS} photos", lambda: judged("snow leopard")),
    Case(
        "classes with one picture",
        f"audit {LEOPARDS} photos",
        lambda: photos("snow leopard/a.png", "Arabian leopard/a.png"),
    ),
    Case(
        "boxes that miss the pictures",
        f"audit {LEOPARDS} photos --boxes boxes.csv",
        lambda: judged("snow leopard", "Arabian leopard", box="900,900,950,950"),
    ),
    Case("a file instead of a folder", f"audit {LEOPARDS} photos -o audit.html", lambda: judged("snow leopard")),
    Case(
        "a repair without an audit", f"{MEND} --answer 1=background", lambda: judged("snow leopard", "Arabian leopard")
    ),
    Case("a repair of nothing", MEND, heard),
    Case("a repair of what belongs to the class", f"{MEND} --answer 1=class", heard),
    Case("a repair of a finding that isn't there", f"{MEND} --answer 2=background", heard),
    Case("a repair of another network", f"{MEND} --answer 1=background", lambda: heard("demo:leopards-balanced")),
    Case("a repair into another format", f"{MEND} --answer 1=background -o repaired.keras", heard),
    Case("a way to repair that there isn't", f"{MEND} --answer 1=background --rungs grupped", heard),
    Case(
        "a repair of a function",
        "repair predict.py:answer photos --findings audit --answer 1=background --input-size 128x128x3",
        heard,
    ),
    Case("a proof without an audit", PROVE, lambda: judged("snow leopard", "Arabian leopard")),
    Case("a proof of what wasn't repaired", f"prove {LEOPARDS} {LEOPARDS} photos --findings audit", heard),
    Case("a proof by another network's audit", PROVE, lambda: heard("demo:leopards-balanced")),
    Case("a proof with pictures that proved before", PROVE, proved_before),
    Case("a proof with too few pictures", f"{PROVE} --answer 1=class", heard),
]

LACKING = {
    "timm": Case("timm isn't installed", "summary timm:resnet18"),
    "transformers": Case("transformers isn't installed", "summary hf:vit"),
    "keras": Case("Keras isn't installed", "summary keras:VGG16"),
    "onnx": Case("onnx isn't installed", "summary net.onnx", lambda: onnx("net.onnx")),
}
"""Each tried in a process where that library can't be found."""


def answer(case: Case) -> tuple[int, str]:
    """Exit code and message."""
    from seethrough.cli.failures import run

    out = io.StringIO()
    with TemporaryDirectory() as folder, chdir(folder):
        with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
            case.make()
        with redirect_stderr(out), redirect_stdout(io.StringIO()):
            code = run(shlex.split(case.command))
    lines = [line for line in out.getvalue().splitlines() if line.startswith("seethrough: ")]
    message = lines[-1].removeprefix("seethrough: ") if lines else ""
    return code, re.sub(re.escape(folder) + "/?", "", message)


HEADINGS = "| what | command | code | message |\n|---|---|---|---|"


def rows(cases: list[Case]) -> str:
    """Rows of a Markdown table."""
    made = []
    for case in cases:
        code, message = answer(case)
        shown = message.replace("|", "\\|").replace("<", "&lt;")
        made.append(f"| {case.what} | `{case.command}` | {code} | {shown} |")
    return "\n".join(made)


def page() -> str:
    """The whole document."""
    import subprocess

    sections = {
        "Files": FILES,
        "Names": NAMES,
        "Settings": SETTINGS,
        "Pictures": PICTURES,
        "Inside": INSIDE,
        "Many pictures": MANY,
        "The right reason": AUDITED,
    }
    parts = [f"## {name}\n\n{HEADINGS}\n{rows(cases)}\n" for name, cases in sections.items()]
    lacking = [
        subprocess.run([sys.executable, __file__, library], capture_output=True, text=True, check=True).stdout
        for library in LACKING
    ]
    return "\n".join([HEAD, *parts, f"## Libraries\n\n{HEADINGS}\n{''.join(lacking)}"])


def main() -> None:
    if len(sys.argv) > 1:
        case = prepared(LACKING[sys.argv[1]])
        sys.meta_path.insert(0, Blocked(sys.argv[1]))
        for name in [name for name in sys.modules if name.partition(".")[0] == sys.argv[1]]:
            del sys.modules[name]
        print(rows([case]))
    else:
        sys.stdout.write(page())


@dataclass(frozen=True)
class Blocked:
    """A library that can't be found."""

    library: str

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == self.library:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def prepared(case: Case) -> Case:
    """The same, with the files it makes kept as bytes: what makes them may need a library that won't be found then."""
    with TemporaryDirectory() as folder, chdir(folder):
        case.make()
        files = {path.name: path.read_bytes() for path in Path().iterdir()}
    return Case(case.what, case.command, lambda: [Path(name).write_bytes(content) for name, content in files.items()])


if __name__ == "__main__":
    main()
