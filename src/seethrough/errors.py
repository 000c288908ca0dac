"""What Seethrough says when it can't go on: one sentence that tells what, where, and what to do.

Each class carries the exit code of the command line, so that a failure means the same from Python and from a shell.
"""


class SeethroughError(Exception):
    """Anything Seethrough refuses or can't do. The message is a sentence for the person who meets it."""

    exit_code = 1


class UsageError(SeethroughError, ValueError):
    """A wrong argument, an unknown name, or settings that conflict."""

    exit_code = 2


class InputRefused(SeethroughError, ValueError):
    """A picture, a file or a network that can't be read, isn't safe to read, or doesn't fit."""

    exit_code = 3


class NetworkRefused(InputRefused):
    """A network that can't be written down as a graph; names the operation, the line and the reason."""


class EnvironmentLacks(SeethroughError):
    """Something outside is missing: an extra that isn't installed, disk, memory, a folder that can't be written."""

    exit_code = 4


def nearest(word: str, known: "list[str] | tuple[str, ...]", count: int = 3) -> str:
    """The known names most like ``word``, for the end of a message: ``' Nearest: a, b, c.'``, or nothing when none is
    like it.
    """
    import difflib

    folded = {name.casefold(): name for name in reversed(known)}
    close = [folded[n] for n in difflib.get_close_matches(word.casefold(), folded, n=count, cutoff=0.45)]
    close += [n for n in known if word and word.casefold() in n.casefold() and n not in close][
        : max(0, count - len(close))
    ]
    return f" Nearest: {', '.join(close)}." if close else ""


def is_out_of_memory(error: BaseException) -> bool:
    """Python's, CUDA's, and that of torch's CPU allocator, which is a RuntimeError like any other."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error))
    )
