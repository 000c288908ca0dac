"""A Keras model's configuration, read as text before Keras sees it: every class in it must be one that only computes.

Keras builds whatever class a configuration names. Its own safe mode has been got round several times: by configurations
that named other modules' functions (CVE-2025-1550), download helpers (CVE-2025-8747) or the switch of the safe mode
itself (CVE-2025-9906), by a pickled torch module (CVE-2025-49655), by a lookup layer's vocabulary file
(CVE-2025-12058), by Lambda layers in HDF5 files (CVE-2025-9905). All of these name something. So names are compared
with a list here, and what isn't on it doesn't reach Keras.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from seethrough.errors import InputRefused
from seethrough.models.json_text import product

MODELS = frozenset({"Functional", "Sequential", "Model"})

LAYERS = frozenset(
    """
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AdditiveAttention AlphaDropout Attention AugMix
    AutoContrast Average AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D
    BatchNormalization Bidirectional CategoryEncoding CenterCrop Concatenate Conv1D Conv1DTranspose Conv2D
    Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution2D Cropping1D Cropping2D
    Cropping3D CustomScaleLayer CutMix Dense DepthwiseConv1D DepthwiseConv2D Dot Dropout ELU EinsumDense Embedding Equalization Flatten
    GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalAvgPool2D GlobalMaxPool2D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization
    GroupQueryAttention Identity InputLayer LSTM LSTMCell LayerNormalization LayerScale LeakyReLU Masking MaxPool1D
    MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum MixUp MultiHeadAttention Multiply
    Normalization PReLU Permute Pipeline RMSNormalization RNN RandAugment RandomBrightness RandomColorDegeneration
    RandomColorJitter RandomContrast RandomCrop RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur
    RandomGrayscale RandomHeight RandomHue RandomInvert RandomPerspective RandomPosterization RandomRotation
    RandomSaturation RandomSharpness RandomShear RandomTranslation RandomWidth RandomZoom ReLU RepeatVector Rescaling
    Reshape Resizing SeparableConv1D SeparableConv2D SeparableConvolution2D SimpleRNN SimpleRNNCell Softmax
    Solarization SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells Subtract
    ThresholdedReLU TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D
    ZeroPadding3D
    """.split()
)

PARTS = frozenset(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer LecunNormal LecunUniform Ones
    Orthogonal OrthogonalInitializer RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
    L1 L1L2 L2 OrthogonalRegularizer MaxNorm MinMaxNorm NonNeg UnitNorm
    DTypePolicy FloatDTypePolicy QuantizedDTypePolicy QuantizedFloat8DTypePolicy DTypePolicyMap Policy SeedGenerator
    AbsMaxQuantizer Int8QuantizationConfig Int4QuantizationConfig Float8QuantizationConfig
    """.split()
)
"""Initializers, regularizers, constraints, number types, and how numbers are quantized."""

PLAIN = frozenset(
    "__keras_tensor__ __numpy__ __tensor__ __ellipsis__ __slice__ __bytes__ __tuple__ TensorShape".split()
)
"""Values that JSON has no word for."""

FUNCTIONS = frozenset(
    """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear log_sigmoid
    log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid
    sparsemax squareplus swish tanh tanh_shrink threshold
    """.split()
)
"""Activations, which may be named as functions."""

WAY_OUT = (
    "If you trust this file, open it with allow_code=True (--allow-code), with any class of your own registered and "
    "imported before."
)

OPERATION_MODULES = tuple(f"keras.src.ops.{module}" for module in ("nn", "numpy", "math", "image", "linalg"))
"""Where the operations live that a functional model may use as layers; those that call a function of one's own
(``core``) aren't there.
"""

MODULES = frozenset(
    """
    keras keras.activations keras.constraints keras.dtype_policies keras.initializers keras.layers keras.models keras.ops
    keras.quantizers keras.random keras.regularizers keras.mixed_precision keras.engine.functional keras.engine.sequential
    keras.src.engine.functional keras.src.engine.sequential keras.src.models.functional keras.src.models.sequential
    keras.src.models.model keras.src.applications.convnext keras.src.applications.inception_resnet_v2
    keras.src.dtype_policies.dtype_policy keras.src.random.seed_generator keras.src.backend.common.keras_tensor
    """.split()
) | set(OPERATION_MODULES)
"""Where Keras says that its layers and their parts live. It would import any other module of its own that is named."""

FUNCTION_MODULES = frozenset({"builtins", "keras.activations", "keras.ops", "keras.src.activations.activations"})

RUNS_CODE = frozenset({"Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer"})
READS_FILES = frozenset({"StringLookup", "IntegerLookup", "TextVectorization", "FeatureSpace"})

NUMBER_TYPE = re.compile(r"bool|u?int(8|16|32|64)|b?float(16|32|64)|bfloat16")

LARGEST_DEPTH = 200

LARGEST_NUMBER = 2**31 - 1
LARGEST_SHAPE = 2**30
"""The most elements of a value that a configuration may declare: 4 GiB of float32 for one image."""

SHAPES = ("shape", "kernel_size", "pool_size", "size")
"""How the names of settings end that are the sides of something."""


def without_compilation(configuration: dict[str, Any]) -> dict[str, Any]:
    """The same without losses, metrics and optimizers, at any depth: Keras skips only the outermost when told not to
    compile.
    """
    copy = dict(configuration)
    waiting: list[Any] = [copy]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            here.pop("compile_config", None)
        for key, value in list(here.items() if isinstance(here, dict) else enumerate(here)):
            if isinstance(value, dict | list):
                here[key] = value.copy()
                waiting.append(here[key])
    return copy


def check_configuration(configuration: Mapping[str, Any], where: str) -> None:
    """Refuse a configuration that names anything but Keras' own computing layers and their parts.

    Raises
    ------
    InputRefused
        Names the layer, what it is, and the way out.
    """
    found = configuration.get("class_name")
    if not isinstance(found, str) or found not in MODELS:
        raise InputRefused(f"{where} holds {found!r}, which is code of its own and not in the file. {WAY_OUT}")
    for entry, layer in _entries(configuration, where):
        reason = _reason(entry)
        if reason:
            raise InputRefused(f"{where}: the layer {layer!r} {reason}. {WAY_OUT}")


def check_sizes(configuration: Mapping[str, Any], stored: int, where: str) -> None:
    """Refuse a configuration that declares layers larger than its weights, or values larger than any picture's.

    Keras builds a layer before it looks for its weights.

    Parameters
    ----------
    configuration
        Checked by `check_configuration`.
    stored
        How many numbers the file stores.

    Raises
    ------
    InputRefused
        Names the layer, what it declares, and the limit.
    """
    for entry, layer in _entries(configuration, where):
        for holder in (entry.get("config"), entry.get("build_config")):
            if isinstance(holder, Mapping) and entry["class_name"] not in PLAIN:
                _refuse_large_settings(holder, layer, where)
        fewest = _fewest_weights(entry["class_name"], entry.get("config"))
        if fewest > stored:
            raise InputRefused(
                f"{where}: the layer {layer!r} declares at least {fewest:,} weights, and the file stores {stored:,}; it "
                "is cut off or made to mislead."
            )


def _refuse_large_settings(settings: Mapping[str, Any], layer: str, where: str) -> None:
    for name, value in settings.items():
        if "seed" in name:
            continue
        if name.endswith(SHAPES):
            declared, limit = max(map(_extent, _shapes(value)), default=0), LARGEST_SHAPE
        else:
            declared, limit = max(map(_side, _whole_numbers(value)), default=0), LARGEST_NUMBER
        if declared > limit:
            raise InputRefused(
                f"{where}: the layer {layer!r} declares {declared:,} by its {name!r}; the limit is {limit:,}. It is made "
                "to mislead."
            )


def _shapes(value: Any) -> list[Any]:
    """The shapes in a setting: a layer that joins several values has one of each."""
    several = isinstance(value, list) and any(isinstance(each, list) for each in value)
    return value if several else [value]


def _extent(shape: Any) -> int:
    return product(map(_side, _whole_numbers(shape)))


def _side(number: int) -> int:
    return min(abs(number), 2**63)


def _whole_numbers(value: Any) -> Iterator[int]:
    """Whole numbers in a setting and its lists; 0 and what isn't known don't multiply."""
    if isinstance(value, list):
        for each in value:
            yield from _whole_numbers(each)
    elif isinstance(value, int) and not isinstance(value, bool) and value:
        yield value


def _fewest_weights(kind: str, settings: Any) -> int:
    """How many weights a layer of such settings has at the very least: by its settings alone, before it sees an input."""
    if not isinstance(settings, Mapping):
        return 0

    def said(name: str, otherwise: int = 1) -> int:
        return product(_whole_numbers(settings.get(name, otherwise)))

    if kind == "Dense":
        return said("units")
    if kind.startswith("DepthwiseConv"):
        return said("kernel_size") * said("depth_multiplier")
    if kind.startswith(("Conv1D", "Conv2D", "Conv3D", "Convolution2D", "SeparableConv")):
        return said("filters") * (1 if kind.startswith("Separable") else said("kernel_size"))
    if kind == "Embedding":
        return said("input_dim") * said("output_dim")
    if kind in ("LSTM", "LSTMCell", "GRU", "GRUCell", "SimpleRNN", "SimpleRNNCell"):
        return said("units") ** 2
    return 0


def _entries(configuration: Mapping[str, Any], where: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every mapping that names a class, with the name of the layer in which it stands."""
    waiting: list[tuple[Any, str, int]] = [(configuration, "", 0)]
    while waiting:
        here, layer, depth = waiting.pop()
        if depth > LARGEST_DEPTH:
            raise InputRefused(f"{where} nests its configuration more than {LARGEST_DEPTH} deep; that is no network.")
        if isinstance(here, Mapping):
            if "class_name" in here:
                layer = _own_name(here) or layer
                yield here, layer
            waiting += [(value, layer, depth + 1) for value in here.values()]
        elif isinstance(here, list):
            waiting += [(value, layer, depth + 1) for value in here]


def _own_name(entry: Mapping[str, Any]) -> str | None:
    inner, kind = entry.get("config"), entry["class_name"]
    name = inner.get("name") if isinstance(inner, Mapping) else None
    # An initializer's or number type's name says nothing about where it stands.
    is_part = isinstance(kind, str) and kind in PARTS
    return None if name is None or is_part else str(name)[:200]


def _reason(entry: Mapping[str, Any]) -> str | None:
    """Why an entry can't be let through, as the end of a sentence that starts with the layer; None where it can."""
    kind, module, registered = entry["class_name"], entry.get("module"), entry.get("registered_name")
    if not isinstance(kind, str) or not isinstance(module, str | None) or not isinstance(registered, str | None):
        return "names a class in a way that Keras doesn't"
    if kind in RUNS_CODE:
        return f"is a {kind.strip('_')}, which would run code from the file"
    if kind in READS_FILES:
        return f"is a {kind}, which may read other files"
    if kind == "function":
        return _reason_function(entry, module)
    if registered not in (None, kind):
        return f"is of the custom class {registered!r}"
    if kind in PLAIN:
        return _reason_plain(entry.get("config"), kind)
    if module is not None and module.partition(".")[0] != "keras":
        return f"is {module}.{kind}, which isn't Keras' own"
    if module in OPERATION_MODULES or (kind in MODELS | LAYERS | PARTS and (module is None or module in MODULES)):
        return None
    home = f" of {module}" if module else ""
    return f"is of the class {kind!r}{home}, which isn't among Keras' layers that only compute"


def _reason_plain(value: Any, kind: str) -> str | None:
    """NumPy takes ``S1000000000`` for a number type, and makes room for so many letters an element."""
    said = value.get("dtype") if isinstance(value, Mapping) else None
    if kind in ("__numpy__", "__tensor__") and not (isinstance(said, str) and NUMBER_TYPE.fullmatch(said)):
        return f"holds an array of the type {said!r}, which no layer computes with"
    return None


def _reason_function(entry: Mapping[str, Any], module: str | None) -> str | None:
    name = entry.get("config")
    if name in FUNCTIONS and module in FUNCTION_MODULES and entry.get("registered_name") in (None, name, "function"):
        return None
    return f"calls the function {module}.{name}, which isn't one of Keras' activations"
