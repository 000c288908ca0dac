"""Small files that declare huge things: each under 1 MB, each for at least 8 GiB or 10¹² of something, or without end.

``python bombs.py FOLDER HOLE`` opens one and prints as JSON what was said, the seconds and the memory it took.
"""

import io
import json
import logging
import os
import pickle
import random
import resource
import struct
import sys
import warnings
import zipfile
from pathlib import Path

from hostile_keras import entry, replaced
from hostile_pickles import HEAD, MAGIC, archive, storage, tensor, text, whole


def true(folder, suffix):
    import keras

    path = folder / f"true{suffix}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="d")]).save(path)
    return path


def configured(folder, layer):
    """A true model with another layer in it."""
    source = true(folder, ".keras")
    with zipfile.ZipFile(source) as file:
        configuration = json.loads(file.read("config.json"))
    configuration["config"]["layers"].insert(1, layer)
    return replaced(source, folder / "bomb.keras", json.dumps(configuration))


def packed_configuration(folder):
    """512 MiB of JSON in half a megabyte."""
    with zipfile.ZipFile(folder / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("metadata.json", "{}")
        with file.open("config.json", "w", force_zip64=True) as member:
            for _ in range(512):
                member.write(b" " * (1 << 20))
    return folder / "bomb.keras"


def dense_of_1e12_units(folder):
    return configured(folder, entry("Dense", {"name": "bomb", "units": 10**12}))


def dense_of_1e9_units(folder):
    return configured(folder, entry("Dense", {"name": "bomb", "units": 10**9}))


def kernel_of_1e12_places(folder):
    settings = {"name": "bomb", "filters": 8, "kernel_size": [10**6, 10**6]}
    return configured(folder, entry("Conv2D", settings))


def input_of_1e12_places(folder):
    return configured(folder, entry("InputLayer", {"name": "bomb", "batch_shape": [None, 10**6, 10**6, 3]}))


def build_of_1e12_inputs(folder):
    return configured(
        folder, {**entry("Dense", {"name": "bomb", "units": 3}), "build_config": {"input_shape": [None, 10**12]}}
    )


def json_200_000_deep(folder):
    return replaced(true(folder, ".keras"), folder / "bomb.keras", '{"a":' + "[" * 200_000 + "]" * 200_000 + "}")


def json_of_a_million_lists(folder):
    return replaced(true(folder, ".keras"), folder / "bomb.keras", '{"a":[' + "[]," * 330_000 + "[]" + "]}")


def json_of_a_billion_digits(folder):
    return replaced(true(folder, ".keras"), folder / "bomb.keras", '{"a":' + "9" * 900_000 + "}")


def stride_0_over_1e11_elements(folder):
    pickled = HEAD + b"}" + text("w") + tensor(whole(10**11) + b"\x85", b"K\x00\x85") + b"s."
    return archive(folder / "bomb.pt", pickled, [("data/0", b"\0" * 4)])


def legacy_storage_of_8_tib(folder):
    path = folder / "bomb.pt"
    path.write_bytes(MAGIC + HEAD + b"}" + text("w") + storage(elements=whole(2**41)) + b"s." + pickle.dumps(["0"], 2))
    return path


def pickle_of_a_million_dicts(folder):
    with zipfile.ZipFile(folder / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x/data.pkl", HEAD + b"(" + b"}" * 15_000_000 + b"l.")
    return folder / "bomb.pt"


def zip_of_zeros(folder):
    with zipfile.ZipFile(folder / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x/data.pkl", pickle.dumps({}, 2))
        for i in range(40):
            file.writestr(f"x/data/{i}", bytes(16 << 20))
    return folder / "bomb.pt"


def zip_of_overlapping_members(folder):
    """Many members that share one piece of the file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x/data.pkl", pickle.dumps({}, 2))
        file.writestr("x/data/0", random.Random(0).randbytes(400_000))
    data = buffer.getvalue()
    begin = data.index(b"PK\x01\x02")
    first = data.index(b"PK\x01\x02", begin + 4)
    directory, member = data[begin:first], data[first : data.index(b"PK\x05\x06")]
    members = directory + b"".join(member.replace(b"x/data/0", b"x/dat%03d" % i) for i in range(900))
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 901, 901, len(members), begin, 0)
    (folder / "bomb.pt").write_bytes(data[:begin] + members + end)
    return folder / "bomb.pt"


def zip_directory_of_4e9_members(folder):
    data = bytearray(true(folder, ".keras").read_bytes())
    struct.pack_into("<HHI", data, len(data) - 22 + 8, 65535, 65535, 2**32 - 2)
    (folder / "bomb.keras").write_bytes(data)
    return folder / "bomb.keras"


def safetensors_header_of_an_exabyte(folder):
    (folder / "bomb.safetensors").write_bytes(struct.pack("<Q", 2**60) + b'{"a":1}' + b" " * 100)
    return folder / "bomb.safetensors"


def safetensors_shape_of_1e12(folder):
    header = json.dumps({"w": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4]}}).encode()
    (folder / "bomb.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    return folder / "bomb.safetensors"


def hdf5(folder, fill):
    import h5py

    path = true(folder, ".h5")
    with h5py.File(path, "r+", libver="latest") as file:
        fill(file)
    return path


def hdf5_shape_of_1e12(folder):
    return hdf5(folder, lambda file: file.create_dataset("w", (10**12,), "f4"))


def hdf5_chunked_shape_of_1e12(folder):
    options = {"chunks": (1000,), "compression": "gzip", "shuffle": True, "fletcher32": True}
    return hdf5(folder, lambda file: file.create_dataset("w", (10**12,), "f4", **options))


def hdf5_zeros_packed(folder):
    import numpy as np

    options = {"chunks": (1 << 26,), "compression": "gzip"}
    return hdf5(folder, lambda file: file.create_dataset("w", data=np.zeros(1 << 26, "f4"), **options))


def hdf5_attribute_of_many_texts(folder):
    """Thousands of references to one long text."""
    import h5py
    import numpy as np

    path = hdf5(
        folder, lambda file: file.attrs.create("x", np.array(["y" * 60_000] * 2 + [""] * 2_000, h5py.string_dtype()))
    )
    data = bytearray(path.read_bytes())
    at = data.index(struct.pack("<I", 60_000))
    reference = bytes(data[at : at + 16])
    for i in range(2_000):
        data[at + 16 * i : at + 16 * i + 16] = reference
    path.write_bytes(data)
    return path


def hdf5_of_many_groups(folder):
    return hdf5(
        folder, lambda file: [file.create_group(f"g{i}") for i in range(4_000)] and file.create_group("d/" * 300)
    )


BOMBS = {
    each.__name__: each
    for each in (
        packed_configuration, dense_of_1e12_units, dense_of_1e9_units, kernel_of_1e12_places, input_of_1e12_places,
        build_of_1e12_inputs, json_200_000_deep, json_of_a_million_lists, json_of_a_billion_digits,
        stride_0_over_1e11_elements, legacy_storage_of_8_tib, pickle_of_a_million_dicts, zip_of_zeros,
        zip_of_overlapping_members, zip_directory_of_4e9_members, safetensors_header_of_an_exabyte,
        safetensors_shape_of_1e12, hdf5_shape_of_1e12, hdf5_chunked_shape_of_1e12, hdf5_zeros_packed,
        hdf5_attribute_of_many_texts, hdf5_of_many_groups,
    )
}  # fmt: skip


def opened(path):
    """What became of one, in this process."""
    from seethrough.errors import SeethroughError
    from seethrough.models import open_model

    usual = {} if path.suffix in (".keras", ".h5") else {"architecture": "torch.nn:Identity"}
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, sum(os.times()[:4])
    try:
        open_model(path, **usual)
        said, code = "opened", 0
    except SeethroughError as error:
        said, code = str(error), error.exit_code
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    seconds = sum(os.times()[:4]) - start
    return {"said": said, "code": code, "size": path.stat().st_size, "seconds": seconds, "grown_mib": grown / 1024}


def in_a_fork(does):
    """So that none hides the memory of another, nor making a file that of opening it."""
    child = os.fork()
    if not child:
        try:
            does()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1]


def main(folder, holes):
    os.environ["KERAS_BACKEND"] = "torch"
    logging.disable(logging.WARNING)
    from seethrough.models import open_model

    open_model(true(folder, ".keras"))  # what is loaded for any file is loaded before the forks
    for hole in holes:
        place = folder / hole
        place.mkdir()
        made = in_a_fork(lambda hole=hole, place=place: (place / "bomb").symlink_to(BOMBS[hole](place)))
        path = (place / "bomb").resolve()
        status = made or in_a_fork(
            lambda path=path, hole=hole: print(json.dumps({"hole": hole, **opened(path)}), flush=True)
        )
        if status:
            print(json.dumps({"hole": hole, "said": f"died of {status}", "code": None}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or list(BOMBS))
