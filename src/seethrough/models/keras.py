"""The door to Keras 3, and the only file that imports it: networks by name, files, and a person's own live models.

Keras runs on its torch backend here, so that one engine serves both worlds. A model's layers are named as Keras names
them; those inside a nested model or wrapper are ``outer/inner``.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import torch

from seethrough.errors import EnvironmentLacks, InputRefused, SeethroughError, UsageError, nearest
from seethrough.images import Preprocessing, preprocessing_named
from seethrough.models.files import as_path, fingerprint, kind_of
from seethrough.models.hdf5_copy import stored_shapes
from seethrough.models.keras_files import WEIGHTS, unpacked, weights_file
from seethrough.models.keras_forms import calling, inputs_of
from seethrough.models.keras_precision import in_float32
from seethrough.models.labels import imagenet_names
from seethrough.models.mapping import ByLayer
from seethrough.models.opened import Opened, Said
from seethrough.models.preprocessing import KERAS_FAMILIES, for_channels, inside
from seethrough.models.state import not_finite, random_state_kept, refuse_misfit
from seethrough.results import Note

NOT_ON_TORCH = frozenset({"NASNetLarge", "NASNetMobile"})
"""Architectures that Keras itself refuses to build on its torch backend."""

RANDOM = (None, "none", "random")


def _keras() -> ModuleType:
    """Keras on the torch backend."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    try:
        keras = importlib.import_module("keras")
    except ImportError as error:
        raise EnvironmentLacks(
            "This is a Keras network, and Keras isn't installed; install it with: pip install 'seethrough[keras]'."
        ) from error
    _refuse_other_backend(keras)
    return keras


def _refuse_other_backend(keras: ModuleType) -> None:
    if not keras.__version__.startswith("3."):
        raise EnvironmentLacks(
            f"Keras {keras.__version__} is installed and Keras 3 is needed; install it with: pip install "
            "'seethrough[keras]'."
        )
    backend = keras.backend.backend()
    if backend != "torch":
        raise EnvironmentLacks(
            f"Keras runs on its {backend} backend in this process, and Seethrough needs torch; set "
            "KERAS_BACKEND=torch before keras is imported "
            "(a model saved as .keras opens there unchanged)."
        )


def is_keras_model(source: Any) -> bool:
    """Whether this is a live Keras model, of any version and on any backend; imports nothing."""
    homes = {kind.__module__.partition(".")[0] for kind in type(source).__mro__}
    return bool(homes & {"keras", "tf_keras"}) and any(hasattr(source, word) for word in ("get_config", "get_weights"))


def applications() -> tuple[str, ...]:
    """The names that ``keras:`` knows: every architecture of `keras.applications` that the torch backend can build."""
    found = vars(_keras().applications)
    built = (name for name, value in found.items() if name[0].isupper() and callable(value))
    return tuple(sorted(name for name in built if name not in NOT_ON_TORCH))


def open_application(name: str, said: Said, weights: str | Path | None) -> Opened:
    """Open an architecture of `keras.applications`.

    Parameters
    ----------
    name
        ``"VGG16"``, ``"ResNet50"``…
    weights
        ``"imagenet"`` (downloaded by Keras unless it has them), None, ``"none"`` or ``"random"`` (never downloads), or
        a file.
    """
    keras = _keras()
    build = _architecture(keras, name)
    file = None if weights in (*RANDOM, "imagenet") else _existing(str(weights))
    classes = said.named()
    if weights == "imagenet":
        model = _downloaded(build, name, said)
    else:
        model = _built(build, name, said, outputs=len(classes or imagenet_names()))
    if file is not None:
        _load_weights(model, file)
    family = build.__module__.rpartition(".")[2]
    return _opened(
        keras,
        model,
        f"keras:{name}",
        "random" if weights in RANDOM else str(weights),
        said,
        classes=classes or (imagenet_names() if _outputs(model) == len(imagenet_names()) else None),
        guessed=preprocessing_named(KERAS_FAMILIES[family]) if family in KERAS_FAMILIES else None,
        usual_size=USUAL_SIZE,
        notes=(Note("random_weights", "warning", {"architecture": name}),) if weights in RANDOM else (),
    )


USUAL_SIZE = (224, 224, 3)
"""What ImageNet's networks are trained on; for those that Keras builds without saying (MobileNetV3)."""


def _architecture(keras: ModuleType, name: str) -> Any:
    if name in NOT_ON_TORCH:
        raise UsageError(f"Keras can't build {name} on its torch backend; another architecture will have to do.")
    known = applications()
    if name not in known:
        raise UsageError(f"Keras has no architecture {name!r}.{nearest(name, known)}")
    return getattr(keras.applications, name)


def _existing(said: str) -> Path:
    """A file of weights, looked at before a large network is built for nothing."""
    path = as_path(said)
    if not path.exists():
        raise InputRefused(f"There is no file {said!r}; weights are 'imagenet', a file, or None for random ones.")
    kind_of(path)
    return path


def _built(build: Any, name: str, said: Said, outputs: int) -> Any:
    try:
        with random_state_kept():
            return build(weights=None, classes=outputs, input_shape=said.size("channels_last"))
    except ValueError as error:
        raise UsageError(f"Keras can't build {name} so: {_first_sentence(error)}") from error


def _downloaded(build: Any, name: str, said: Said) -> Any:
    try:
        # Keras draws its progress bar on standard output, which belongs to the answer.
        with random_state_kept(), contextlib.redirect_stdout(sys.stderr):
            return build(weights="imagenet", input_shape=said.size("channels_last"))
    except ValueError as error:
        raise UsageError(f"Keras can't build {name} so: {_first_sentence(error)}") from error
    except Exception as error:  # Keras raises a bare Exception where the download fails
        raise EnvironmentLacks(
            f"The ImageNet weights of {name} couldn't be downloaded ({_first_sentence(error)[:200]}); connect to the "
            "internet once, or give a file with weights='….h5', or weights=None for random ones."
        ) from error


def open_keras_file(path: Path, said: Said, *, allow_code: bool) -> Opened:
    """Open a whole model: ``.keras``, or ``.h5`` with its configuration.

    Nothing in it runs unless ``allow_code``: its configuration is compared with what Keras has (`configuration`), its
    archive and arrays with what they declare, and it is first loaded onto torch's ``meta`` device, where shapes are
    checked and nothing is allocated.
    """
    keras = _keras()
    with TemporaryDirectory(prefix="seethrough-") as folder:
        stored = unpacked(path, Path(folder), allow_code=allow_code)
        model = _load(keras, stored, path, allow_code=allow_code)
        if not allow_code:
            _refuse_unused(model, stored / WEIGHTS if stored.is_dir() else stored, path)
    record = {"file_sha256": fingerprint(path)}
    return _opened(keras, model, str(path), path.name, said, classes=said.named(), provenance=record)


def _load(keras: ModuleType, stored: Path, path: Path, *, allow_code: bool) -> Any:
    def load() -> Any:
        return keras.saving.load_model(str(stored), compile=False, safe_mode=not allow_code)

    try:
        with random_state_kept():
            if not allow_code:
                with keras.device("meta"):
                    load()
            return load()
    except SeethroughError:
        raise
    except Exception as error:  # whatever Keras raises on a file that isn't what it says
        raise InputRefused(f"Keras can't read {str(path)!r}: {_first_sentence(error)[:300]}") from error


def _load_weights(model: Any, path: Path) -> None:
    """Load a file's weights into a model that was built from its name."""
    with TemporaryDirectory(prefix="seethrough-") as folder:
        file = weights_file(path, Path(folder))
        try:
            model.load_weights(str(file))
        except Exception as error:  # Keras raises ValueError, KeyError, TypeError… where layers don't match
            built = Path(folder) / "built.weights.h5"
            model.save_weights(str(built))
            refuse_misfit(_in_order(model, stored_shapes(built)), stored_shapes(file), repr(str(path)))
            raise InputRefused(
                f"Keras can't load the weights of {str(path)!r}: {_first_sentence(error)[:300]}"
            ) from error
        _refuse_unused(model, file, path)


def _refuse_unused(model: Any, file: Path, path: Path) -> None:
    """Keras passes over weights that it has no layer for; where a file has any, it isn't this network's."""
    found = stored_shapes(file)
    if len(found) > len(model.variables):
        with TemporaryDirectory(prefix="seethrough-") as folder:
            built = Path(folder) / "built.weights.h5"
            model.save_weights(str(built))
            refuse_misfit(_in_order(model, stored_shapes(built)), found, repr(str(path)))


def _in_order(model: Any, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Shapes by ``layer/number`` as the model's layers follow each other; a file has them by its own names."""
    at = {layer.name: i for i, layer in enumerate(model.layers)}
    return dict(sorted(shapes.items(), key=lambda item: at.get(item[0].rpartition("/")[0], len(at))))


def open_live_keras(model: Any, said: Said) -> Opened:
    """Open a person's own model. It is neither built, nor compiled, nor switched to another mode."""
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(model, keras.Model):
        if keras is not None and isinstance(model, keras.layers.Layer):
            raise UsageError(
                f"{type(model).__name__} is a Keras layer, not a model; put it in a keras.Sequential with an Input."
            )
        raise InputRefused("This model isn't of Keras 3; save it as .keras or .h5, and open the file.")
    _refuse_other_backend(keras)
    if not model.built:
        raise InputRefused(
            f"The Keras model {model.name!r} has no weights yet; build it first, for instance with model.build((None, "
            "224, 224, 3)), or call it once."
        )
    return _opened(keras, model, f"{model.name} (live Keras model)", "live", said, classes=said.named())


def _opened(
    keras: ModuleType,
    model: Any,
    source: str,
    weights: str,
    said: Said,
    *,
    classes: tuple[str, ...] | None,
    guessed: Preprocessing | None = None,
    usual_size: tuple[int, ...] | None = None,
    notes: Sequence[Note] = (),
    provenance: Mapping[str, Any] | None = None,
) -> Opened:
    model, narrowness = in_float32(keras, model)
    layout = _layout(keras, model)
    inputs = inputs_of(model, said, layout)
    size = next(iter(inputs.values())).shape if inputs else said.size(layout) or _input_size(model) or usual_size
    outputs = _outputs(model)
    if classes is not None and outputs is not None and len(classes) != outputs:
        raise UsageError(
            f"{source} has {outputs} outputs, and {len(classes)} names were given; one name an output is wanted."
        )
    channels = None if size is None or len(size) != 3 else size[0 if layout == "channels_first" else 2]
    if said.preprocessing is not None:
        preprocessing = preprocessing_named(said.preprocessing)
    else:
        preprocessing = inside(_head(model)) or guessed
    layers, paths = tree_of(model)
    return Opened(
        module=model,
        source=source,
        framework="keras",
        layout=layout,
        input_size=size,
        weights=weights,
        classes=classes,
        preprocessing=for_channels(preprocessing, channels),
        paths=paths,
        layers=layers,
        info=ByLayer(layers, lambda layer: layer.get_config()),
        arrays=ByLayer(layers, lambda layer: layer.get_weights()),
        output=said.output,
        task=said.task,
        inputs=inputs,
        call=calling(model, said, inputs),
        notes=(*notes, *narrowness, *not_finite(_weights(layers))),
        provenance={"keras": keras.__version__, "torch": torch.__version__, **(provenance or {})},
    )


def tree_of(model: Any) -> tuple[dict[str, Any], dict[int, str]]:
    """The layers by path, in Keras' order, and from each layer's identity to its (first) path."""
    layers: dict[str, Any] = {}
    paths: dict[int, str] = {}

    def enter(parent: Any, prefix: str) -> None:
        for layer in _inner(parent):
            path = _unused(f"{prefix}{layer.name}", layers)
            layers[path] = layer
            if id(layer) not in paths:
                paths[id(layer)] = path
            enter(layer, f"{path}/")

    enter(model, "")
    return layers, paths


def _inner(parent: Any) -> list[Any]:
    """A model's layers; for a wrapper, an attention or a layer of one's own, the layers that it keeps."""
    if hasattr(parent, "layers"):
        return list(parent.layers)
    return parent._flatten_layers(include_self=False, recursive=False)


def _unused(path: str, taken: Mapping[str, Any]) -> str:
    """The path, or ``path#2`` where a subclassed model has two layers of one name."""
    return next(name for i in range(1, len(taken) + 2) if (name := path if i == 1 else f"{path}#{i}") not in taken)


def _weights(layers: Mapping[str, Any]) -> Iterator[tuple[str, torch.Tensor]]:
    for path, layer in layers.items():
        inside = {id(variable) for inner in _inner(layer) for variable in inner.weights}
        yield from ((path, variable.value) for variable in layer.weights if id(variable) not in inside)


def _head(model: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Class and configuration of what stands before the first layer with a kernel."""
    for operation in _operations(model):
        kind = type(operation).__name__
        # Only these two are asked to describe themselves; a layer of one's own may be unable to.
        if kind in ("Rescaling", "Normalization"):
            yield kind, operation.get_config()
        elif getattr(operation, "weights", None):
            return
        else:
            yield kind, {}


def _operations(model: Any) -> Iterator[Any]:
    for operation in getattr(model, "operations", None) or model.layers:
        if hasattr(operation, "layers"):
            yield from _operations(operation)
        else:
            yield operation


def _layout(keras: ModuleType, model: Any) -> str:
    formats = (getattr(layer, "data_format", None) for layer in _operations(model))
    return next((each for each in formats if each), keras.config.image_data_format())


def _input_size(model: Any) -> tuple[int, ...] | None:
    """The shape of one input where there is one input and its shape is known."""
    shape = _shape(model, "input_shape")
    sides = () if shape is None else tuple(side for side in shape[1:] if side is not None)
    return sides if shape is not None and len(sides) == len(shape) - 1 else None


def _outputs(model: Any) -> int | None:
    shape = _shape(model, "output_shape")
    return shape[-1] if shape is not None and len(shape) == 2 else None


def _shape(model: Any, which: str) -> tuple[int | None, ...] | None:
    try:
        shape = getattr(model, which)
    except (AttributeError, ValueError):  # a subclassed model knows no symbolic shapes
        return None
    if not isinstance(shape, tuple | list) or not all(side is None or isinstance(side, int) for side in shape):
        return None  # several inputs or outputs, each with a shape of its own
    return tuple(shape)


def _first_sentence(error: Exception) -> str:
    return " ".join(str(error).split("\n\n")[0].split()) or type(error).__name__
