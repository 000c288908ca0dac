"""From exceptions to one message and an exit code.

0 done · 1 done, but some items failed, or something unexpected · 2 usage · 3 input refused · 4 environment · 130 and
143 interrupted.
"""

from __future__ import annotations

import errno
import re
import shlex
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from seethrough.cli.process import INTERRUPTED, TERMINATED, Terminated
from seethrough.cli.terminal import complain
from seethrough.errors import EnvironmentLacks, SeethroughError, is_out_of_memory

SOME_FAILED = 1
USAGE = 2

NOTHING_HALF = "Interrupted; nothing is left half-written."
"""What follows it are the notes of whoever was interrupted: what is kept, and how to go on."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE}
"""What the system says when it is the system that lacks something."""

KEYWORDS = frozenset(
    (
        "weights",
        "architecture",
        "input_size",
        "classes",
        "preprocessing",
        "output",
        "task",
        "allow_code",
        "window",
        "stride",
        "memory_limit",
        "precision",
        "steps",
        "layer",
        "probabilities",
        "trust",
        "budget",
        "called",
        "force",
        "minutes",
        "allow_wrapper",
    )
)
"""Keywords of the library that are options here."""

CALLED = re.compile(r"called=\{'([^']*)': '?([^'}]*)'?\}")
"""A mapping of the library's with one class in it, which is one word here."""

FLAGS = re.compile(r"\b(force)=True")
"""What is only said or not said here."""


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Parameters
    ----------
    arguments
        What stands after the program's name.

    Returns
    -------
    int
        The exit code.
    """
    from seethrough.cli.app import command

    debug = "--debug" in arguments
    try:
        code = _invoked(command(), arguments)
        sys.stdout.flush()
    except (KeyboardInterrupt, Terminated) as interruption:
        code = TERMINATED if isinstance(interruption, Terminated) else INTERRUPTED
        complain(" ".join([NOTHING_HALF, *getattr(interruption, "__notes__", ())]))
    except Exception as error:
        if debug:
            traceback.print_exc()
        message, code = described(error)
        complain(message)
    return int(code or 0)


def _invoked(command: Any, arguments: Sequence[str]) -> int | None:
    """What a verb returns. The parser's own ``main`` would make a number of Ctrl-C, and lose the notes on it."""
    from typer import Exit

    try:
        with command.make_context("seethrough", list(arguments)) as context:
            return command.invoke(context)
    except Exit as done:  # after --help and --version
        return done.exit_code


def described(error: Exception) -> tuple[str, int]:
    """The message for a person and the exit code."""
    if isinstance(error, SeethroughError):
        return for_the_shell(str(error)), error.exit_code
    if hasattr(error, "format_message"):
        return _usage(error), USAGE
    if is_out_of_memory(error):
        return (
            "The memory of this machine isn't enough for that; close other programs, or use smaller pictures.",
            EnvironmentLacks.exit_code,
        )
    if isinstance(error, OSError) and error.errno in FULL:
        where = f" ({error.filename})" if error.filename else ""
        return f"The system refused{where}: {error.strerror}.", EnvironmentLacks.exit_code
    first = str(error).strip().partition("\n")[0][:300]
    said = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return f"Something unexpected went wrong ({said}). Run the command again with --debug to see where.", 1


def for_the_shell(message: str) -> str:
    """A message of the library, with the options that its keywords are here.

    >>> for_the_shell("Nothing says how large its input is; say input_size=(3, 224, 224).")
    'Nothing says how large its input is; say input_size=(3, 224, 224). (Here: --input-size.)'
    >>> for_the_shell("Say which is which, as in called={'desert': 'snow leopard'}.")
    "Say which is which, as in --called 'desert=snow leopard'."
    >>> for_the_shell("Give fresh ones, or say force=True.")
    'Give fresh ones, or say --force.'
    """
    message = CALLED.sub(lambda found: f"--called {shlex.quote(f'{found[1]}={found[2]}')}", message)
    message = FLAGS.sub(lambda found: f"--{found[1]}", message)
    said = dict.fromkeys(word for word in re.findall(r"\b([a-z_]+)=", message) if word in KEYWORDS)
    options = ", ".join(f"--{word.replace('_', '-')}" for word in said)
    return f"{message} (Here: {options}.)" if options else message


def _usage(error: Exception) -> str:
    """The parser's own sentence, and where to read more; it knows the options most like a mistyped one."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "seethrough"
    sentence = error.format_message().strip()  # type: ignore[attr-defined]
    end = "" if sentence.endswith((".", "?", "!")) else "."
    return f"{sentence}{end} See: {path} --help"
