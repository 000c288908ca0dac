"""Files of PyTorch made to do harm: sixty and more, by route, and what each calls for first."""

import io
import pickle
import struct
import tarfile
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

HEAD = b"\x80\x02"
MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)


@dataclass(frozen=True)
class Hostile:
    """A file, named after its hole; ``calls`` is what it names first, None where nothing is named."""

    hole: str
    path: Path
    calls: str | None = None


def text(word):
    return b"X" + struct.pack("<I", len(word.encode())) + word.encode()


def short(word):
    return b"\x8c" + bytes([len(word)]) + word.encode()


def whole(number):
    data = pickle.encode_long(number)
    return b"\x8a" + bytes([len(data)]) + data


def archive(path, pickled, members=(), folder="x", **options):
    with zipfile.ZipFile(path, "w", **options) as file:
        file.writestr(f"{folder}/data.pkl", pickled)
        file.writestr(f"{folder}/version", "3\n")
        for name, data in members:
            file.writestr(f"{folder}/{name}", data)
    return path


def storage(kind="FloatStorage", key="0", elements=b"K\x01"):
    return b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + elements + b"tQ"


def tensor(size, stride, offset=b"K\x00", stored=None):
    hooks = b"ccollections\nOrderedDict\n)R"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + (stored or storage())
        + offset
        + size
        + stride
        + b"\x89"
        + hooks
        + b"tR"
    )


def routes(mark):
    """From the name of a route to a pickle and what it calls for first; each would make the file ``mark`` if it ran."""
    touch = text(f"touch {mark}")
    run = b"cposix\nsystem\n"
    system = "posix.system"
    argv = b"]" + b"(" + text("touch") + text(str(mark)) + b"e"
    return {
        "GLOBAL_REDUCE": (HEAD + run + touch + b"\x85R.", system),
        "STACK_GLOBAL": (b"\x80\x04" + short("posix") + short("system") + b"\x93" + touch + b"\x85R.", system),
        "STACK_GLOBAL_through_the_memo": (
            b"\x80\x04"
            + short("posix")
            + b"\x94"
            + short("system")
            + b"\x94"
            + b"00h\x00h\x01\x93"
            + touch
            + b"\x85R.",
            system,
        ),
        "INST": (HEAD + b"(" + touch + b"iposix\nsystem\n.", system),
        "OBJ": (HEAD + b"(" + run + touch + b"o.", system),
        "NEWOBJ": (HEAD + b"csubprocess\nPopen\n" + argv + b"\x85\x81.", "subprocess.Popen"),
        "NEWOBJ_EX": (b"\x80\x04csubprocess\nPopen\n" + argv + b"\x85}\x92.", "subprocess.Popen"),
        "BUILD": (
            HEAD + b"ctypes\nSimpleNamespace\n)R}" + text("x") + run + touch + b"\x85Rsb.",
            "types.SimpleNamespace",
        ),
        "BUILD_of_a_tensor": (HEAD + tensor(b"K\x01\x85", b"K\x01\x85") + b"}" + text("__class__") + b"Nsb.", None),
        "EXT1": (HEAD + b"\x82\x01" + touch + b"\x85R.", None),
        "EXT2": (HEAD + b"\x83\x01\x00" + touch + b"\x85R.", None),
        "EXT4": (HEAD + b"\x84\x01\x00\x00\x00" + touch + b"\x85R.", None),
        "PERSID": (HEAD + b"Pposix.system\n.", None),
        "BINPERSID_of_a_module": (HEAD + b"(" + text("module") + run + text("x.py") + text("x") + b"tQ.", system),
        "BINPERSID_of_text": (HEAD + text("posix.system") + b"Q.", None),
        "GLOBAL_left_and_fetched": (
            HEAD + run + b"q\x000ccollections\nOrderedDict\nq\x010h\x00" + touch + b"\x85R.",
            system,
        ),
        "memo_overwritten": (
            HEAD + b"ccollections\nOrderedDict\nq\x000" + run + b"q\x000h\x00" + touch + b"\x85R.",
            system,
        ),
        "DUP": (HEAD + run + b"20" + touch + b"\x85R.", system),
        "POP_MARK": (HEAD + b"(" + touch + b"1" + run + touch + b"\x85R.", system),
        "in_a_list": (HEAD + b"](" + run + touch + b"\x85Re.", system),
        "as_a_key": (HEAD + b"}" + run + touch + b"\x85RNs.", system),
        "as_a_state": (HEAD + b"ccollections\nOrderedDict\n)R" + run + touch + b"\x85Rb.", system),
        "behind_true_weights": (
            HEAD + b"}(" + text("w") + tensor(b"K\x01\x85", b"K\x01\x85") + text("y") + run + touch + b"\x85Ru.",
            system,
        ),
        "rebuild_from_type": (
            HEAD + b"ctorch._tensor\n_rebuild_from_type_v2\n(" + run + b"ctorch\nTensor\n" + touch + b"\x85}tR.",
            "torch._tensor._rebuild_from_type_v2",
        ),
        "a_dotted_name": (
            HEAD + b"ctorch\nserialization.os.system\n" + touch + b"\x85R.",
            "torch.serialization.os.system",
        ),
        "a_storage_that_is_none": (HEAD + storage("serialization.os.system") + b".", "torch.serialization.os.system"),
        "no_end": (HEAD + run + touch + b"\x85R", system),
    }


CALLED = {
    "builtins": ("eval", "exec", "getattr", "open", "bytearray", "__import__"), "__builtin__": ("apply", "execfile"),
    "os": ("system", "execvp", "popen"), "nt": ("system",), "subprocess": ("run",), "runpy": ("_run_code",),
    "pickle": ("loads",), "marshal": ("loads",), "types": ("CodeType", "FunctionType"), "operator": ("attrgetter",),
    "functools": ("partial",), "importlib": ("import_module",), "ctypes": ("CDLL",), "shutil": ("rmtree",),
    "socket": ("create_connection",), "urllib.request": ("urlopen",), "torch": ("load", "FloatTensor"),
    "torch.jit": ("load",), "torch.hub": ("load",), "numpy": ("load",), "timeit": ("timeit",), "code": ("interact",),
    "torch._utils": ("_rebuild_sparse_tensor", "_rebuild_wrapper_subclass", "_rebuild_device_tensor_from_numpy"),
    "numpy._core.multiarray": ("scalar", "_reconstruct"), "torch.nn.modules.linear": ("Linear",),
}  # fmt: skip
"""What a pickle may be made to call, by module."""


def hostile_files(folder, mark):
    """Write them all."""
    folder.mkdir(exist_ok=True)
    for hole, (pickled, calls) in routes(mark).items():
        yield Hostile(hole, archive(folder / f"{hole}.pt", pickled, [("data/0", b"\0" * 4)]), calls)
    for module, names in CALLED.items():
        for name in names:
            pickled = HEAD + f"c{module}\n{name}\n".encode() + text(str(mark)) + b"\x85R."
            yield Hostile(f"{module}.{name}", archive(folder / f"{module}.{name}.pth", pickled), f"{module}.{name}")
    yield from _containers(folder, mark)
    yield from _lies(folder)
    yield from _programs(folder)


def _containers(folder, mark):
    """The same pickle, wrapped in other ways."""
    evil, calls = routes(mark)["GLOBAL_REDUCE"]
    benign = pickle.dumps({}, 2)

    def written(hole, data, suffix=".pt"):
        path = folder / f"{hole}{suffix}"
        path.write_bytes(data)
        return path

    yield Hostile("plain_pickle", written("plain_pickle", evil), calls)
    text_pickle = f"cposix\nsystem\n(S'touch {mark}'\ntR.".encode()
    yield Hostile("protocol_0", written("protocol_0", text_pickle), calls)
    mark_first = f"(S'touch {mark}'\niposix\nsystem\n.".encode()
    yield Hostile("protocol_0_INST", written("protocol_0_INST", mark_first, ".pth"), calls)
    yield Hostile("legacy_object", written("legacy_object", MAGIC + evil + pickle.dumps([], 2)), calls)
    yield Hostile("legacy_keys", written("legacy_keys", MAGIC + benign + evil), calls)
    yield Hostile("legacy_magic", written("legacy_magic", evil + MAGIC + benign + pickle.dumps([], 2)), calls)
    for suffix in (".safetensors", ".keras", ".h5", ".weights.h5"):
        yield Hostile(f"called{suffix}", written("called", evil, suffix), calls)
        yield Hostile(f"archive_called{suffix}", archive(folder / f"archive{suffix}", evil), calls)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in (("sys_info", benign), ("storages", evil), ("tensors", evil), ("pickle", evil)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    yield Hostile("legacy_tar", written("legacy_tar", buffer.getvalue()))
    inner = archive(folder / "inner.zip", evil)
    path = archive(folder / "zip_in_zip.pt", benign, [("y/data.pkl", evil), ("inner.pt", inner.read_bytes())])
    yield Hostile("zip_in_zip", path)
    inner.unlink()
    yield Hostile("another_case", archive(folder / "case.pt", benign, [("DATA.PKL", evil)]))
    one, other = archive(folder / "one.zip", benign), archive(folder / "other.zip", evil)
    yield Hostile("two_archives_in_one", written("two", one.read_bytes() + other.read_bytes()))
    one.unlink(), other.unlink()
    path = archive(folder / "crc.pt", evil)
    path.write_bytes(path.read_bytes().replace(b"posix", b"Posix"))
    yield Hostile("damaged_CRC", path)
    path = archive(folder / "encrypted.pt", evil)
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    yield Hostile("encrypted_flag", path)
    yield Hostile("no_folder", _flat(folder / "flat.pt", evil))


def _flat(path, pickled):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("data.pkl", pickled)
    return path


def _lies(folder):
    """Pickles of nothing but allowed names that aren't true."""
    stored = [("data/0", b"\0" * 4)]

    def pickled(hole, code, members=stored):
        return Hostile(hole, archive(folder / f"{hole}.pt", HEAD + code + b".", members))

    huge = whole(10**11)
    yield pickled("SETITEM_on_no_dict", tensor(b"K\x01\x85", b"K\x01\x85") + b"K\x00K\x01s")
    yield pickled("SETITEMS_on_a_list", b"](K\x00K\x01u")
    yield pickled("APPEND_to_no_list", b"}K\x00a")
    yield pickled("storage_larger_than_its_member", storage(elements=whole(2**40)))
    yield pickled("storage_without_a_member", storage(key="7"))
    yield pickled("storage_of_negative_size", storage(elements=whole(-5)))
    yield pickled("tensor_past_its_storage", tensor(b"K\x02\x85", b"K\x01\x85"))
    yield pickled("tensor_before_its_storage", tensor(b"K\x01\x85", b"K\x01\x85", offset=whole(-1)))
    yield pickled("stride_0_over_1e11_elements", b"}" + text("w") + tensor(huge + b"\x85", b"K\x00\x85") + b"s")
    yield pickled("a_codec_that_doubles", b"c_codecs\nencode\n" + text("aa") + text("hex") + b"\x86R")
    yield pickled("a_key_that_hashes_for_ever", b"})" + b"q\x000h\x00h\x00\x86" * 60 + b"Ns")
    yield pickled("a_set_that_hashes_for_ever", b"cbuiltins\nset\n])" + b"q\x000h\x00h\x00\x86" * 60 + b"a\x85R")


def _programs(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(nn.Linear(2, 2)).save(str(folder / "script.pt"))
    yield Hostile("TorchScript", folder / "script.pt")
    torch.save(nn.Linear(2, 2), folder / "module.pt")
    yield Hostile("whole_module", folder / "module.pt", "torch.nn.modules.linear.Linear")
    torch.save(nn.Linear(2, 2), folder / "module_legacy.pt", _use_new_zipfile_serialization=False)
    yield Hostile("whole_module_legacy", folder / "module_legacy.pt", "torch.nn.modules.linear.Linear")
