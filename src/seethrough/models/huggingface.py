"""The door to Hugging Face: image networks of transformers by name, by kind, or in a folder.

Only classes of transformers itself are built. Weights are read here, from files that were checked, and handed to them as
tensors; transformers never opens a file of weights.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import torch.nn as nn

from seethrough.errors import EnvironmentLacks, InputRefused, SeethroughError, UsageError, nearest
from seethrough.images import Preprocessing
from seethrough.models.files import as_path, fingerprint
from seethrough.models.hub import hub
from seethrough.models.huggingface_files import configuration_in, weights_among
from seethrough.models.opened import Known, Opened, Said
from seethrough.models.preprocessing import at_size
from seethrough.models.processors import preprocessing_of
from seethrough.models.state import FIRST, random_state_kept
from seethrough.models.torch import fill, open_live_torch, weights_in
from seethrough.models.torchvision_import import make_torchvision_importable
from seethrough.results import Note

RANDOM = (None, "none", "random")
PUBLISHED = ("imagenet", "pretrained")

FETCHED = ("config.json", "preprocessor_config.json", "processor_config.json")

USUAL = (3, 224, 224)

TASKS = {
    "classification": "MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES",
    "segmentation": "MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES",
    "detection": "MODEL_FOR_OBJECT_DETECTION_MAPPING_NAMES",
    "embedding": "MODEL_FOR_IMAGE_MAPPING_NAMES",
}
"""By task the table of transformers from a kind of network to its class; a kind is opened as the first that has it."""

TOWERS = {
    "CLIPModel": "CLIPVisionModelWithProjection",
    "MetaClip2Model": "MetaClip2VisionModelWithProjection",
    "ChineseCLIPModel": "ChineseCLIPVisionModel",
    "AltCLIPModel": "AltCLIPVisionModel",
    "SiglipModel": "SiglipVisionModel",
    "GroupViTModel": "GroupViTVisionModel",
    "CLIPSegModel": "CLIPSegVisionModel",
    "BlipModel": "BlipVisionModel",
    "BlipForConditionalGeneration": "BlipVisionModel",
    "Aimv2Model": "Aimv2VisionModel",
}
"""From networks of pictures and words to the class of their part that sees."""

EMBEDDINGS = ("image_embeds", "pooler_output", "last_hidden_state")


@dataclass(frozen=True, slots=True)
class Built:
    """A network of transformers, and what is known of it."""

    module: nn.Module
    known: Known


def open_huggingface(name: str, said: Said, weights: str | Path | None) -> Opened:
    """Open an image network of transformers.

    Parameters
    ----------
    name
        Of the hub, ``"google/vit-base-patch16-224"``; a kind of network, ``"vit"``, in its usual build with random
        weights; or a folder, ``"./my-network"``.
    weights
        ``"imagenet"`` or ``"pretrained"``, those of that name; None, ``"none"`` or ``"random"`` (never downloads); or a
        file.

    Raises
    ------
    UsageError
        A kind that transformers doesn't have, a network that takes no pictures, weights that a kind can't have.
    InputRefused
        A folder or file that can't be read, isn't safe to read, or doesn't fit.
    EnvironmentLacks
        transformers isn't installed, or the network isn't on this machine and can't be fetched.
    """
    _transformers()
    if as_path(name).is_dir():
        if weights not in (*RANDOM, *PUBLISHED):
            raise UsageError(f"weights={str(weights)!r} says nothing about the folder {name!r}, which has its own.")
        return open_huggingface_folder(as_path(name), said)
    if "/" not in name:
        return _open_kind(name, said, weights)
    if weights in PUBLISHED:
        return open_huggingface_folder(_fetched(name, weights=True), said, source=f"hf:{name}", label="pretrained")
    folder = _fetched(name, weights=False)
    built = _built_in(folder, said, state=None, allow_code=False)
    return _opened(built, f"hf:{name}", said, weights)


def open_huggingface_folder(
    folder: Path, said: Said, *, source: str | None = None, label: str | None = None, allow_code: bool = False
) -> Opened:
    """Open a network that transformers saved in a folder; nothing in it runs unless ``allow_code``."""
    _transformers()
    files = weights_among(folder)
    state: dict[str, torch.Tensor] = {}
    for file in files:
        state |= weights_in(file)
    built = _built_in(folder, said, state=state, allow_code=allow_code)
    record = {"transformers": _transformers().__version__, "file_sha256": fingerprint(files[0])}
    return open_live_torch(
        built.module,
        said,
        source=source or str(folder),
        weights=label or folder.resolve().name,
        known=built.known,
        provenance=record,
    )


def of_kind(kind: str, said: Said) -> Built:
    """A kind of network in its usual build, with random weights."""
    tables = importlib.import_module("transformers.models.auto.modeling_auto")
    there = [task for task, table in TASKS.items() if kind in getattr(tables, table)]
    if not there:
        known = sorted({each for table in TASKS.values() for each in getattr(tables, table)})
        raise UsageError(
            f"transformers has no kind of image network {kind!r}.{nearest(kind, known, 5)} A network on the hub goes by "
            "owner and name, hf:google/vit-base-patch16-224."
        )
    task = said.task or there[0]
    if task not in there:
        raise UsageError(f"hf:{kind} has no network for {task}; it has: {', '.join(there)}.")
    name = getattr(tables, TASKS[task])[kind]
    kind_of_network = getattr(_transformers(), name if isinstance(name, str) else name[0])
    _refuse_words(kind_of_network)
    with _refusing(f"hf:{kind}"):
        config = kind_of_network.config_class()
    processor = _usual_processor(kind)
    return _assembled(kind_of_network, config, None if processor is None else preprocessing_of(processor), said, task)


def _open_kind(kind: str, said: Said, weights: str | Path | None) -> Opened:
    if weights in PUBLISHED:
        raise UsageError(
            f"hf:{kind} names a kind of network, which has no weights of its own; name a network of the hub, such as "
            "hf:google/vit-base-patch16-224, a folder, or leave the weights random with weights=None."
        )
    return _opened(of_kind(kind, said), f"hf:{kind}", said, weights)


def _opened(built: Built, source: str, said: Said, weights: str | Path | None) -> Opened:
    """With random weights, or those of a file."""
    record = {"transformers": _transformers().__version__}
    if weights in RANDOM:
        label, notes = "random", (Note("random_weights", "warning", {"architecture": source.partition(":")[2]}),)
    else:
        file = as_path(str(weights))
        label, notes = str(weights), fill(built.module, weights_in(file), repr(str(file)))
        record["file_sha256"] = fingerprint(file)
    return open_live_torch(
        built.module, said, source=source, weights=label, known=built.known, notes=notes, provenance=record
    )


def _transformers() -> ModuleType:
    make_torchvision_importable()
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        raise EnvironmentLacks(
            "This is a network of Hugging Face transformers, which isn't installed; install it with: pip install "
            "'seethrough[hf]'."
        ) from error


def _fetched(name: str, *, weights: bool) -> Path:
    """The folder in the hub's cache that holds a network."""
    from huggingface_hub import snapshot_download

    instead = (
        f"connect to the internet once, or copy its folder here and name that; weights='pretrained' may download {name}"
        if not weights
        else "connect to the internet once, or copy its folder here and name that"
    )
    with hub(f"The files of hf:{name}", f"{instead}; a kind of network, such as hf:vit, needs none", download=weights):
        folder = Path(snapshot_download(name, allow_patterns=list(FETCHED)))
        for pattern in ("model*.safetensors", "pytorch_model*.bin") if weights else ():
            folder = Path(snapshot_download(name, allow_patterns=[*FETCHED, pattern, f"{pattern}.index.json"]))
            if any(folder.glob(pattern)):
                break
    return folder


def _built_in(folder: Path, said: Said, *, state: dict[str, torch.Tensor] | None, allow_code: bool) -> Built:
    """A network as the configuration in a folder says, with the weights given or random ones."""
    where = repr(str(folder))
    described = configuration_in(folder, tensors=None if state is None else len(state), allow_code=allow_code)
    transformers = _transformers()
    with _refusing(where), hub(f"The files of {where}", "copy the whole folder", download=False):
        kind = _class(described, folder, allow_code=allow_code)
        if allow_code and described.get("auto_map"):
            config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=True)
        else:
            config = kind.config_class.from_pretrained(folder)
        if "projection_dim" in described:  # of the whole; its part that sees is described without it
            config.projection_dim = described["projection_dim"]
    processor = _processor_in(folder)
    known = None if processor is None else preprocessing_of(processor)
    return _assembled(kind, config, known, said, _task_of(kind), state=state, where=where)


def _class(described: dict[str, Any], folder: Path, *, allow_code: bool) -> Any:
    """The class that a configuration names: one of transformers' own that takes pictures."""
    transformers = _transformers()
    names = [name for name in described.get("architectures") or () if isinstance(name, str)]
    if allow_code and described.get("auto_map"):
        module = importlib.import_module("transformers.dynamic_module_utils")
        reference = next((value for key, value in described["auto_map"].items() if key.startswith("AutoModel")), None)
        if reference is not None:
            return module.get_class_from_dynamic_module(reference, folder)
    if not names:
        raise InputRefused(
            f'The config.json of {str(folder)!r} names no architecture; add "architectures": ["…"], or save the network '
            "again with save_pretrained."
        )
    name = TOWERS.get(names[0], names[0])
    found = getattr(transformers, name, None)
    if not (isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)):
        raise UsageError(f"transformers {transformers.__version__} has no network {name!r}; a newer one may have it.")
    _refuse_words(found)
    return found


def _refuse_words(kind: Any) -> None:
    """Refuse a class that takes something else than pictures, or something beside them."""
    if kind.main_input_name != "pixel_values":
        raise UsageError(
            f"{kind.__name__} takes {kind.main_input_name} and not pictures alone; Seethrough explains image networks."
        )


def _task_of(kind: Any) -> str | None:
    for word, task in (
        ("ForImageClassification", "classification"),
        ("SemanticSegmentation", "segmentation"),
        ("ObjectDetection", "detection"),
        ("DepthEstimation", "regression"),
    ):
        if word in kind.__name__:
            return task
    return "embedding" if kind.__name__.endswith(("Model", "WithProjection")) else None


def _assembled(
    kind: Any,
    config: Any,
    prepared: tuple[Preprocessing, tuple[int, int, int]] | None,
    said: Said,
    task: str | None,
    *,
    state: dict[str, torch.Tensor] | None = None,
    where: str = "",
) -> Built:
    """The network that a class makes of a configuration, first without memory to see what it takes and gives."""
    classes = said.named()
    if classes is not None and state is None:
        config.num_labels = len(classes)
    elif classes is not None and task == "classification" and len(classes) != config.num_labels:
        raise UsageError(
            f"{where} has {config.num_labels} outputs, and {len(classes)} names were given; one name an output is wanted."
        )
    size = said.size("channels_first")
    if state is None and size is not None and len(size) == 3 and hasattr(config, "image_size"):
        config.image_size = size[1] if size[1] == size[2] else list(size[1:])
    with _refusing(where or f"hf:{config.model_type}"):
        with torch.device("meta"):
            sketch = kind(config).eval()
        sizes = [each for each in (size, None if prepared is None else prepared[1], _own_size(config), USUAL) if each]
        size, outputs = _tried(sketch, sizes)
        if state is None:
            with random_state_kept():
                module = kind(config).eval()
        else:
            module = _with_weights(kind, config, sketch, state, where)
    preprocessing = None
    if prepared is not None:
        preprocessing = at_size(prepared[0], prepared[1], size)
    output = next((each for each in EMBEDDINGS if each in outputs), None) if "logits" not in outputs else "logits"
    return Built(module, Known(size, _names(config), preprocessing, output, task))


def _own_size(config: Any) -> tuple[int, ...] | None:
    """What a configuration says of the pictures that the network was built for."""
    side, channels = getattr(config, "image_size", None), getattr(config, "num_channels", 3)
    if isinstance(side, int):
        return (channels, side, side)
    return (channels, *side) if isinstance(side, list | tuple) and len(side) == 2 else None


def _tried(sketch: nn.Module, sizes: list[tuple[int, ...]]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The first size that the network takes, and the names of what it gives; without memory, nothing is computed."""
    for size in sizes:
        try:
            with torch.no_grad():
                found = sketch(torch.empty(1, *size, device="meta"))
            return size, tuple(found.keys())
        except Exception:  # whatever a forward raises about a shape, or about tensors that hold nothing
            continue
    return sizes[0], ()


def _names(config: Any) -> tuple[str, ...] | None:
    """The names of the outputs, where somebody named them."""
    named = getattr(config, "id2label", None) or {}
    if not named or all(str(label) == f"LABEL_{i}" for i, label in named.items()):
        return None
    if sorted(named) != list(range(len(named))):
        return None
    return tuple(str(named[i]) for i in range(len(named)))


def _with_weights(kind: Any, config: Any, sketch: nn.Module, state: dict[str, torch.Tensor], where: str) -> nn.Module:
    """The network with its weights, all of them or none."""
    declared = sum(parameter.numel() for parameter in sketch.parameters())
    stored = sum(tensor.numel() for tensor in state.values())
    if declared > 2 * stored + 1_000_000:  # what is missing would be allocated before it is missed
        raise InputRefused(
            f"The config.json of {where} describes {declared:,} weights, and its files hold {stored:,}; they don't belong "
            "together."
        )
    with random_state_kept(), _quietly():
        module, report = kind.from_pretrained(
            None, config=config, state_dict=state, output_loading_info=True, ignore_mismatched_sizes=True
        )
    missing = [f"{key} missing" for key in sorted(report["missing_keys"])]
    other = [f"{key} is {tuple(found)}, not {tuple(meant)}" for key, found, meant in sorted(report["mismatched_keys"])]
    if missing or other:
        raise InputRefused(
            f"The weights of {where} don't fit its configuration: {len(missing)} missing, {len(other)} of another shape. "
            f"First: {'; '.join([*missing, *other][:FIRST])}."
        )
    return module.eval()


def _usual_processor(kind: str) -> Any | None:
    """The processor that goes with a kind of network, as it is without further settings."""
    table = importlib.import_module("transformers.models.auto.image_processing_auto").IMAGE_PROCESSOR_MAPPING_NAMES
    backends = table.get(kind) or {}
    for name in (backends.get("pil"), backends.get("torchvision")):
        try:
            return getattr(_transformers(), name)() if name else None
        except (ImportError, TypeError, AttributeError):
            continue
    return None


def _processor_in(folder: Path) -> Any | None:
    """The processor whose settings stand in a folder; None where there are none."""
    if not any((folder / name).exists() for name in FETCHED[1:]):
        return None
    configuration_in(folder, FETCHED[1])
    automatic = _transformers().AutoImageProcessor
    for backend in ("pil", "torchvision"):
        try:
            with _quietly():
                return automatic.from_pretrained(
                    folder, backend=backend, trust_remote_code=False, local_files_only=True
                )
        except (ImportError, OSError, ValueError, TypeError, KeyError, AttributeError):
            continue
    return None


@contextmanager
def _refusing(where: str) -> Iterator[None]:
    """Whatever transformers raises about a configuration or its weights, as one sentence."""
    try:
        with _quietly():
            yield
    except SeethroughError:
        raise
    except ImportError as error:
        reason = _first_line(error).partition(". ")[0]
        raise EnvironmentLacks(f"{where} needs a library that isn't installed; install it first ({reason}).") from error
    except Exception as error:  # by what is wrong in the configuration: ValueError, TypeError, KeyError, RuntimeError…
        raise InputRefused(f"transformers can't build the network of {where}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the reports and bars that transformers draws while loading: what they say is looked at here."""
    logging = importlib.import_module("transformers.utils.logging")
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
