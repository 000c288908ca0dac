"""Configurations of Keras models that would do more than compute: forty and more, by the field that does it.

``python hostile_keras.py FOLDER`` opens them all and prints as JSON what became of each, and which events of the interpreter
(imports, code run or compiled, processes, sockets, files opened elsewhere) it caused.
"""

import base64
import copy
import json
import marshal
import os
import sys
import tempfile
import zipfile
from pathlib import Path

SECRET = "secret.txt"

WATCHED = ("import", "exec", "compile", "marshal.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn",
           "socket.", "urllib.", "pickle.", "code.__new__")  # fmt: skip


def entry(kind, config=None, module="keras.layers", registered=None):
    return {
        "module": module,
        "class_name": kind,
        "config": {} if config is None else config,
        "registered_name": registered,
    }


def function(name, module="builtins", registered=None):
    return entry("function", name, module, registered or name)


def layer_entries(mark, secret):
    """From the name of a hole to the entry of a layer."""
    code = base64.b64encode(marshal.dumps(compile(f"open({mark!r}, 'w')", "x", "exec"))).decode()
    lambda_ = {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None, "value": code}}
    evil = entry("Lambda", {"name": "evil", "function": lambda_, "arguments": {}})
    system = function("system", "os")

    def dense(**more):
        return entry("Dense", {"name": "evil", "units": 3, **more})

    inner = entry("Sequential", {"name": "inner", "layers": [evil]}, "keras")
    return {
        "Lambda": evil,
        "Lambda_by_name": entry("Lambda", {"name": "evil", "function": "system", "module": "os", "function_type": "function"}),
        "Lambda_arguments": entry("Lambda", {"name": "evil", "function": function("relu"), "arguments": {"x": lambda_}}),
        "lambda_as_activation": dense(activation=lambda_),
        "lambda_as_initializer": dense(kernel_initializer=lambda_),
        "module_os": entry("system", {"name": "evil"}, "os"),
        "module_subprocess": entry("Popen", {"name": "evil", "args": ["touch", mark]}, "subprocess"),
        "module_of_the_folder": entry("Dense", {"name": "evil"}, "evil_module"),
        "module_keras_hub": entry("Dense", {"name": "evil"}, "keras_hub.layers"),
        "module_of_Keras_that_is_not_loaded": entry("Dense", {"name": "evil"}, "keras.src.backend.openvino.nn"),
        "registered_name": entry("Dense", {"name": "evil", "units": 3}, "keras.layers", "mine>Evil"),
        "function_eval": dense(activation=function("eval")),
        "function_exec": dense(activation=function("exec")),
        "function_system": dense(activation=system),
        "function_get_file": dense(activation=function("get_file", "keras.utils")),
        "function_load_model": dense(activation=function("load_model", "keras.saving")),
        "function_load_img": dense(activation=function("load_img", "keras.utils")),
        "function_unsafe_deserialization": dense(activation=function("enable_unsafe_deserialization", "keras.config")),
        "class_unsafe_deserialization": entry("enable_unsafe_deserialization", {"name": "evil"}, "keras.config"),
        "class_load_model": entry("load_model", {"name": "evil", "filepath": secret, "safe_mode": False}, "keras.models"),
        "vocabulary_path": entry("StringLookup", {"name": "evil", "vocabulary": secret}),
        "vocabulary_URL": entry("IntegerLookup", {"name": "evil", "vocabulary": "http://127.0.0.1:9/x"}),
        "vocabulary_of_text": entry("TextVectorization", {"name": "evil", "vocabulary": secret}),
        "FeatureSpace": entry("FeatureSpace", {"name": "evil", "features": {}}, "keras.utils"),
        "TFSMLayer": entry("TFSMLayer", {"name": "evil", "filepath": secret}),
        "TorchModuleWrapper": entry("TorchModuleWrapper", {"name": "evil", "module": code}),
        "JaxLayer": entry("JaxLayer", {"name": "evil", "call_fn": lambda_}),
        "FlaxLayer": entry("FlaxLayer", {"name": "evil", "module": lambda_}),
        "typespec": dense(activation={"class_name": "__typespec__", "spec_name": "system", "module": "os", "config": [mark],
                                      "registered_name": None}),
        "build_config": {**dense(), "build_config": {"input_shape": lambda_}},
        "inbound_nodes_kwargs": {**dense(), "inbound_nodes": [{"args": [], "kwargs": {"mask": system}}]},
        "inbound_nodes_args": {**dense(), "inbound_nodes": [{"args": [lambda_], "kwargs": {}}]},
        "shared_object_id": {**evil, "shared_object_id": 1},
        "initializer_of_a_module": dense(kernel_initializer=entry("system", {}, "os")),
        "regularizer_of_a_module": dense(kernel_regularizer=entry("Popen", {"args": mark}, "subprocess")),
        "constraint_of_a_module": dense(kernel_constraint=entry("CDLL", {"name": mark}, "ctypes")),
        "policy_of_a_module": dense(dtype=entry("run", {"name": "x"}, "subprocess")),
        "quantizer_with_a_tokenizer": dense(quantization_config=entry("GPTQConfig", {"dataset": secret}, "keras.quantizers")),
        "TimeDistributed": entry("TimeDistributed", {"name": "outer", "layer": evil}),
        "Bidirectional": entry("Bidirectional", {"name": "outer", "layer": entry("LSTM", {"units": 2, "activation": system})}),
        "RNN_cell": entry("RNN", {"name": "outer", "cell": entry("MyCell", {}, "evil_module", "mine>MyCell")}),
        "Pipeline": entry("Pipeline", {"name": "outer", "layers": [evil]}),
        "nested_model": inner,
        "nested_model_of_a_module": entry("Functional", {"name": "evil", "layers": []}, "evil_module", "Functional"),
        "operation_with_a_function": entry("Map", {"name": "evil", "f": system}, "keras.src.ops.core", "Map"),
        "callback": entry("LambdaCallback", {"name": "evil", "on_epoch_begin": lambda_}, "keras.callbacks"),
        "dataset": entry("load_data", {"name": "evil"}, "keras.datasets.mnist"),
        "class_name_that_is_a_list": entry(["Lambda"], {"name": "evil"}),
        "class_name_that_is_a_dict": entry({"class_name": "Lambda"}, {"name": "evil"}),
        "class_name_of_a_dotted_path": entry("os.system", {"name": "evil"}),
        "array_of_long_letters": dense(kernel_initializer={"class_name": "__numpy__",
                                                           "config": {"value": [1], "dtype": "S1000000000"}}),
    }  # fmt: skip


def without_modules(value):
    """The same as Keras wrote it before it named modules; its older reader is asked then."""
    if isinstance(value, dict):
        return {key: without_modules(inner) for key, inner in value.items() if key not in ("module", "registered_name")}
    return [without_modules(inner) for inner in value] if isinstance(value, list) else value


def files(folder, mark, secret):
    """(hole, path) of each, in the three ways."""
    import h5py
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="d")])
    model.save(folder / "true.keras")
    model.save(folder / "true.h5")
    true = json.loads(model.to_json())
    yield "true", folder / "true.keras"
    yield "true", folder / "true.h5"
    for hole, layer in layer_entries(str(mark), str(secret)).items():
        evil = copy.deepcopy(true)
        evil["config"]["layers"].insert(1, layer)
        for way, configuration in (("keras", evil), ("h5", evil), ("older.keras", without_modules(evil))):
            path = folder / f"{hole}.{way}"
            path.write_bytes((folder / ("true.h5" if way == "h5" else "true.keras")).read_bytes())
            if way == "h5":
                with h5py.File(path, "r+") as file:
                    file.attrs["model_config"] = json.dumps(configuration)
            else:
                replaced(folder / "true.keras", path, json.dumps(configuration))
            yield f"{hole} in .{way}", path


def replaced(source, target, configuration):
    """A ``.keras`` archive with another configuration."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, configuration if name == "config.json" else old.read(name))
    return target


def main(folder):
    os.environ["KERAS_BACKEND"] = "torch"
    from seethrough.errors import InputRefused
    from seethrough.models import open_model

    mark, secret = folder / "ran", folder / SECRET
    secret.write_text("a secret that nobody may read")
    (folder / "evil_module.py").write_text(f"open({str(mark)!r}, 'w')\nDense = Functional = MyCell = None\n")
    sys.path.insert(0, str(folder))
    hostile = list(files(folder, mark, secret))
    events, watching = [], False

    def hook(event, arguments):
        if not watching:
            return
        elsewhere = event == "open" and str(arguments[0]).endswith(SECRET)
        ours = (event == "subprocess.Popen" and arguments[1][1:3] == ["-I", "-c"]) or event == "os.posix_spawn"
        if (event.startswith(WATCHED) and not ours) or elsewhere:
            events.append(f"{event} {arguments!r}"[:200])

    sys.addaudithook(hook)
    for path in (folder / "true.keras", folder / "true.h5"):
        open_model(path)  # whatever is imported for any file is imported now
    outcomes = {}
    for hole, path in hostile:
        events.clear()
        watching = True
        try:
            open_model(path)
            ended = "opened"
        except InputRefused as error:
            ended = str(error)
        except Exception as error:
            ended = f"{type(error).__name__}: {error}"
        watching = False
        outcomes[f"{hole} {path.suffix}" if hole == "true" else hole] = (ended, list(events))
    print(json.dumps({"outcomes": outcomes, "ran": mark.exists()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp()))
