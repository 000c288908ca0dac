"""A machine that reads a pickle and runs nothing: what would be called is only written down.

A pickle is a program for a small stack machine. Here its instructions work on plain values and on stand-ins (`Name`,
`Call`, `Storage`), and whoever starts the machine is asked about each name, each call and each storage, in the order in
which they come, before anything that follows is looked at. So nothing is taken for granted that a trick with the stack or
the memo could have arranged otherwise.
"""

from __future__ import annotations

import io
import mmap
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, Protocol, cast

MOST_INSTRUCTIONS = 1_000_000

Readable = io.BytesIO | mmap.mmap
"""What gives no more bytes than it has, however many are asked for."""


class NotPickled(ValueError):
    """A pickle that can't be read so: broken, or with instructions that no file of weights has."""


@dataclass(frozen=True, slots=True)
class Name:
    """What a pickle calls for by name: ``"torch.FloatStorage"``."""

    path: str


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """What a call would have given."""

    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Storage:
    """Numbers that lie elsewhere in the file.

    Attributes
    ----------
    key
        Under which they lie.
    elements
        How many are declared.
    itemsize
        Bytes of one.
    """

    key: str
    elements: int
    itemsize: int


class Judge(Protocol):
    """Who is asked; each raises what it likes."""

    def name(self, path: str) -> None:
        """Whether a name may be called for."""
        ...

    def call(self, name: str, arguments: tuple[Any, ...]) -> None:
        """Whether an allowed name may be called with these."""
        ...

    def storage(self, described: Any) -> Storage:
        """The storage that a persistent identifier describes."""
        ...


def run(file: Readable, judge: Judge) -> Any:
    """Read one pickle, from where the file stands to its end.

    Returns
    -------
    Any
        Numbers, text, lists, tuples and dicts as they are, stand-ins for the rest.

    Raises
    ------
    NotPickled
        See there.
    """
    machine = _Machine(judge)
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(cast(IO[bytes], file))):
            if count >= MOST_INSTRUCTIONS:
                raise NotPickled(f"more than {MOST_INSTRUCTIONS:,} instructions")
            if opcode.name == "STOP":
                return machine.stack.pop()
            machine.step(opcode.name, argument)
    except (KeyError, IndexError, EOFError, OverflowError, AttributeError, TypeError) as error:
        raise NotPickled(f"{type(error).__name__}: {error}") from error
    raise NotPickled("it has no end")


PUSHES = frozenset(
    "STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 "
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT".split()
)
"""Instructions that put their argument on the stack."""

MAKES: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_TUPLE": tuple, "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
}  # fmt: skip

NOTHING = frozenset({"PROTO", "FRAME"})

MAPPINGS = frozenset({"collections.OrderedDict", "collections.Counter"})


class _Machine:
    """Stack, marks and memo, and what each instruction does to them."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def step(self, code: str, argument: Any) -> None:
        if code in PUSHES:
            self.stack.append(argument)
        elif code in MAKES:
            self.stack.append(MAKES[code]())
        elif code not in NOTHING:
            does = getattr(self, f"do_{code.lower()}", None)
            if does is None:
                raise NotPickled(f"the instruction {code}, which no file of weights has")
            does(argument)

    def marked(self) -> list[Any]:
        """What was put on the stack since the last mark."""
        items, self.stack = self.stack, self.below.pop()
        return items

    # The stack and the memo.

    def do_mark(self, argument: Any) -> None:
        self.below.append(self.stack)
        self.stack = []

    def do_pop(self, argument: Any) -> None:
        self.stack.pop()

    def do_pop_mark(self, argument: Any) -> None:
        self.marked()

    def do_dup(self, argument: Any) -> None:
        self.stack.append(self.stack[-1])

    def do_memoize(self, argument: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def do_put(self, argument: Any) -> None:
        self.memo[int(argument)] = self.stack[-1]

    def do_get(self, argument: Any) -> None:
        self.stack.append(self.memo[int(argument)])

    do_binput = do_long_binput = do_put
    do_binget = do_long_binget = do_get

    # Containers.

    def do_tuple(self, argument: Any) -> None:
        items = self.marked()
        self.stack.append(tuple(items))

    def do_tuple1(self, argument: Any) -> None:
        self.stack[-1:] = [(self.stack[-1],)]

    def do_tuple2(self, argument: Any) -> None:
        self.stack[-2:] = [(self.stack[-2], self.stack[-1])]

    def do_tuple3(self, argument: Any) -> None:
        self.stack[-3:] = [(self.stack[-3], self.stack[-2], self.stack[-1])]

    def do_list(self, argument: Any) -> None:
        items = self.marked()
        self.stack.append(items)

    def do_append(self, argument: Any) -> None:
        item = self.stack.pop()
        self._list().append(item)

    def do_appends(self, argument: Any) -> None:
        items = self.marked()
        self._list().extend(items)

    def _list(self) -> list[Any]:
        if type(self.stack[-1]) is not list:
            raise NotPickled("something is appended to what is no list")
        return self.stack[-1]

    def do_dict(self, argument: Any) -> None:
        items = self.marked()
        self.stack.append({})
        self._set(items)

    def do_setitem(self, argument: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def do_setitems(self, argument: Any) -> None:
        self._set(self.marked())

    def _set(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict and not (isinstance(target, Call) and target.name in MAPPINGS):
            raise NotPickled("something is set in what is no dict")
        for key in items[::2]:
            refuse_no_key(key)
        if len(items) % 2:
            raise NotPickled("a key without a value")
        if isinstance(target, dict):
            target.update(zip(items[::2], items[1::2]))

    # What would run.

    def do_global(self, argument: str) -> None:
        module, _, attribute = argument.partition(" ")
        self._name(f"{module}.{attribute}")

    def do_stack_global(self, argument: Any) -> None:
        attribute, module = self.stack.pop(), self.stack.pop()
        if not (isinstance(attribute, str) and isinstance(module, str)):
            raise NotPickled("a name that is no text")
        self._name(f"{module}.{attribute}")

    def _name(self, path: str) -> None:
        self.judge.name(path)
        self.stack.append(Name(path))

    def do_inst(self, argument: str) -> None:
        self.judge.name(argument.replace(" ", ".", 1))
        raise NotPickled("the instruction INST, which no file of weights has")

    def do_reduce(self, argument: Any) -> None:
        arguments, called = self.stack.pop(), self.stack.pop()
        if not (isinstance(called, Name) and isinstance(arguments, tuple)):
            raise NotPickled("a call of what is no function")
        self.judge.call(called.path, arguments)
        self.stack.append(Call(called.path, arguments))

    def do_build(self, argument: Any) -> None:
        state, built = self.stack.pop(), self.stack[-1]
        if not (isinstance(built, Call) and built.name in MAPPINGS and type(state) is dict):
            raise NotPickled("a state for what has none")

    def do_binpersid(self, argument: Any) -> None:
        self.stack.append(self.judge.storage(self.stack.pop()))


def refuse_no_key(key: Any) -> None:
    """Keys are hashed, and the hash of a tuple of tuples of tuples may take for ever."""
    parts = key if isinstance(key, tuple) else (key,)
    if len(parts) > 100 or not all(part is None or isinstance(part, str | bytes | int | float) for part in parts):
        raise NotPickled("a key that is neither text nor a number")
