"""Damaged files by the thousand, half of them damaged where it counts; each is opened or refused, and nothing else.

``python mutants.py KIND FIRST COUNT [SHARE]`` prints one line of JSON about mutants FIRST … FIRST + COUNT − 1; SHARE is which
part of HDF5 files goes through the reader process (the rest goes through a fork of this one, to be quick).
"""

import contextlib
import io
import json
import os
import random
import shutil
import signal
import struct
import sys
import tempfile
import traceback
import warnings
import zipfile
from collections import Counter
from pathlib import Path

KINDS = {"keras": ".keras", "h5": ".h5", "safetensors": ".safetensors", "pt": ".pt", "legacy": ".pt"}

ODD = (
    0, -1, 1, 2, 3, 255, 2**31, 2**32 - 1, 2**63, 2**64, 10**12, 10**40, 1e308, -0.5, None, True, "", "x", "../x", "a" * 999,
    "\ud800", "\0", "é", [], {}, [[]], [None], [10**9, 10**9], {"class_name": "Dense"}, {"class_name": "Lambda", "config": {}},
    "Dense", "float16", "int8", "same", "linear", "softmax", "channels_first",
)  # fmt: skip


def network():
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 3))


def whole(folder):
    """One true file of each kind."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    import torch
    from safetensors.torch import save_file

    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu", name="c")(image)
    x = keras.layers.Add()([x, keras.layers.BatchNormalization()(x)])
    x = keras.layers.Dense(3, name="d")(keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(folder / "keras.keras")
        model.save(folder / "h5.h5")
    state = network().state_dict()
    save_file(state, folder / "safetensors.safetensors", metadata={"format": "pt"})
    torch.save({"epoch": 3, "state_dict": state}, folder / "pt.pt")
    torch.save(state, folder / "legacy.pt", _use_new_zipfile_serialization=False)
    return {kind: (folder / f"{kind}{suffix}").read_bytes() for kind, suffix in KINDS.items()}


def mutant(kind, data, seed):
    """The file of that number; the same for ever."""
    chance = random.Random(f"{kind} {seed}")
    return AIMED[kind](data, chance) if seed % 2 else blind(data, chance)


def blind(data, chance, head=None):
    """Some bytes changed, cut out, doubled or added, somewhere, or in the first ``head``."""
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(min(len(data), head or len(data)))
        length = chance.choice((1, 1, 2, 4, 8, 64))
        match chance.randrange(7):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at : at + length] = chance.randbytes(length)
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[at : at + length]
            case 4:
                data[at : at + length] = bytes([chance.choice((0, 255))]) * length
            case 5:
                data[at : at + 8] = struct.pack("<Q", chance.choice((2**63, 2**40, 2**32, 2**31, 0, 1)))
            case 6 if chance.random() < 0.3:
                del data[at:]
        if not data:
            break
    return bytes(data)


def odd_json(parsed, chance):
    """A few fields of a JSON value changed, renamed or dropped."""
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        places = list(_places(parsed))
        if not places:
            break
        holder, key = chance.choice(places)
        match chance.randrange(5):
            case 0 | 1 | 2:
                holder[key] = chance.choice(ODD)
            case 3:
                del holder[key]
            case 4 if isinstance(holder, dict):
                holder[chance.choice(("class_name", "config", "module", "name", "shape", "dtype", "x"))] = holder.pop(
                    key
                )
            case 4:
                holder.append(holder[key])
    return json.dumps(parsed).encode()


def _places(value):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from _places(inner)


def _rezipped(data, change):
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as new:
        for name, content in change(members).items():
            new.writestr(name, content)
    return buffer.getvalue()


def aimed_keras(data, chance):
    def change(members):
        if chance.random() < 0.6:
            members["config.json"] = odd_json(json.loads(members["config.json"]), chance)
        elif chance.random() < 0.5:
            members["model.weights.h5"] = aimed_hdf5(members["model.weights.h5"], chance)
        else:
            members["model.weights.h5"] = blind(members["model.weights.h5"], chance)
        return members

    return _rezipped(data, change)


def aimed_hdf5(data, chance):
    """Groups, arrays and attributes changed by HDF5 itself."""
    import h5py
    import numpy as np

    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        names = []
        file.visit(names.append)
        name = chance.choice(names)
        match chance.randrange(5):
            case 0 if "model_config" in file.attrs:
                changed = odd_json(json.loads(file.attrs["model_config"]), chance)
                file.attrs["model_config"] = changed.decode()
            case 1:
                del file[name]
            case 2:
                del file[name]
                shape = chance.choice(((), (0,), (3,), (7, 2), (1, 1, 1, 1, 1)))
                file[name] = np.zeros(shape, chance.choice(("f2", "f4", "f8", "i1", "u8", "?", "S3", "c8", ">f4")))
            case 3:
                holder = chance.choice((file, file[name]))
                attribute = chance.choice([*holder.attrs, "layer_names", "weight_names", "dtype", "name"])
                holder.attrs[attribute] = chance.choice((0, 1.5, "x", ["a", "b"], np.zeros(3), "../x", "bfloat16"))
            case _:
                file.create_dataset(f"x{chance.random()}", (10**6,), "f4", chunks=(1000,), compression="gzip")
                file.move(name, chance.choice(("x", "layers/y", "model_weights/z", name + "_")))
    return buffer.getvalue()


def aimed_safetensors(data, chance):
    (length,) = struct.unpack("<Q", data[:8])
    header = odd_json(json.loads(data[8 : 8 + length]), chance)
    said = len(header) if chance.random() < 0.8 else chance.choice((0, 1, length + 1, 2**40, 2**64 - 1))
    return struct.pack("<Q", said) + header + data[8 + length :]


def aimed_pt(data, chance):
    def change(members):
        name = next(name for name in members if name.endswith("data.pkl"))
        members[name] = blind(members[name], chance)
        return members

    return _rezipped(data, change)


def aimed_legacy(data, chance):
    return blind(data, chance, head=900)


AIMED = {
    "keras": aimed_keras, "h5": aimed_hdf5, "safetensors": aimed_safetensors, "pt": aimed_pt, "legacy": aimed_legacy,
}  # fmt: skip


def outcome(path):
    """``"opened"``, ``"refused"``, or what went wrong."""
    from seethrough.errors import SeethroughError
    from seethrough.models import open_model

    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            keras = path.suffix in (".keras", ".h5")
            opened = open_model(path) if keras else open_model(path, architecture=network)
            dict(opened.info)
            return "opened"
    except SeethroughError as error:
        return "refused" if "\n" not in str(error) and len(str(error)) < 1500 else f"a long message: {error}"[:300]
    except Exception:
        return traceback.format_exc()[-1500:]


def read_forked(kind, path, numbers, where):
    """Instead of the reader process one that needs no start, for speed; with its limit on time."""
    from seethrough.errors import SeethroughError
    from seethrough.models import reader
    from seethrough.models.hdf5 import read_hdf5

    inward, outward = os.pipe()
    child = os.fork()
    if not child:
        try:
            signal.setitimer(signal.ITIMER_PROF, reader.SECONDS)
            try:
                said = {"read": read_hdf5(path, numbers, where)}
            except SeethroughError as error:
                said = {"kind": type(error).__name__, "refused": str(error)}
            with os.fdopen(outward, "w") as stream:
                json.dump(said, stream)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(outward)
    with os.fdopen(inward, "rb") as stream:
        said = stream.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        DEATHS[signal.Signals(-code).name if code < 0 else code] += 1
        raise reader._died(code, where)
    return reader._understood(said, where)


DEATHS = Counter()
"""How readers ended that didn't end by themselves."""


def main(kind, first, count, share=0.0):
    import resource

    from seethrough.models import hdf5_copy

    apart = hdf5_copy.read_apart
    folder = Path(tempfile.mkdtemp(prefix="mutants-"))
    try:
        data = whole(folder)[kind]
        assert outcome(folder / f"{kind}{KINDS[kind]}") == "opened", outcome(folder / f"{kind}{KINDS[kind]}")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        counts, wrong, slowest = Counter(), {}, (0.0, first)
        for seed in range(first, first + count):
            path = folder / f"mutant{KINDS[kind]}"
            path.write_bytes(mutant(kind, data, seed))
            print(seed, file=sys.stderr, flush=True)  # the last one printed is the one that killed
            hdf5_copy.read_apart = apart if random.Random(seed).random() < share else read_forked
            start = sum(os.times()[:4])  # of the processor, children's too: other work on the machine doesn't count
            ended = outcome(path)
            slowest = max(slowest, (sum(os.times()[:4]) - start, seed))
            if ended not in ("opened", "refused"):
                wrong[seed], ended = ended, "wrong"
            counts[ended] += 1
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    finally:
        shutil.rmtree(folder)
    print(
        json.dumps({"counts": counts, "wrong": wrong, "slowest": slowest, "grown_mib": grown / 1024, "deaths": DEATHS})
    )


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:4]), *map(float, sys.argv[4:]))
