"""What the signature of a verb means: its parameters are the arguments and options, its docstring is the help.

What a verb asks about its network is one parameter, ``words``, which stands where those options stand in the help: it is taken
apart into an option for each field of `Words` that the verb says it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from seethrough.cli import options as o
from seethrough.cli.app import app
from seethrough.cli.opening import Words

Verb = TypeVar("Verb", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Only:
    """The fields of `Words` that are options of a verb, beside ``model``, which all have; the others stay as they are."""

    names: tuple[str, ...]


SHAPED = ("architecture", "input_size", "output", "task", "allow_code")
BUILT = ("weights", *SHAPED)
ANSWERING = (*BUILT, "classes", "preprocessing", "device")

Shaped = Annotated[Words, Only(SHAPED)]
Built = Annotated[Words, Only(BUILT)]
Named = Annotated[Words, Only((*BUILT, "classes"))]
Answering = Annotated[Words, Only(ANSWERING)]
Asked = Annotated[Words, Only((*ANSWERING, "seed"))]
Limited = Annotated[Words, Only((*ANSWERING, "seed", "memory_limit"))]
Explained = Annotated[Words, Only((*ANSWERING, "seed", "memory_limit", "precision"))]
"""What is asked about a network: to see its layers and their weights, its names too; what it answers, also by chance, within
a limit, and how exactly.
"""


def verb(function: Verb) -> Verb:
    """Put a function into the command line as a verb."""
    app.command()(taken_apart(function))
    return function


def taken_apart(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with an option in place of each field of its ``words``.

    MODEL is the first argument of whatever has ``words``, and ``--debug``, which `failures` reads, the last option of all.
    """
    own = signature(function, eval_str=True).parameters
    asked = _asked(own["words"]) if "words" in own else ()

    @wraps(function)
    def called(debug: bool, **said: Any) -> Any:
        if asked:
            said["words"] = Words(**{parameter.name: said.pop(parameter.name) for parameter in asked})
        return function(**said)

    parameters = list(asked[:1])
    for parameter in own.values():
        parameters += asked[1:] if parameter.name == "words" else [parameter]
    parameters.append(_keyword("debug", o.Debug, False))
    called.__dict__["__signature__"] = Signature(parameters)
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called


def _asked(words: Parameter) -> tuple[Parameter, ...]:
    """An argument or option for each field that is asked for, in the order of the fields, ``model`` first."""
    said = get_type_hints(Words, include_extras=True)
    _, only = get_args(words.annotation)
    wanted = ("model", *only.names)
    assert said.keys() >= set(wanted), f"{wanted} aren't all fields of Words"
    return tuple(_keyword(f.name, said[f.name], f.default) for f in fields(Words) if f.name in wanted)


def _keyword(name: str, annotation: Any, default: Any) -> Parameter:
    return Parameter(
        name, Parameter.KEYWORD_ONLY, annotation=annotation, default=Parameter.empty if default is MISSING else default
    )
