"""``seethrough`` and ``python -m seethrough``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from seethrough.cli.process import INTERRUPTED, keep_freed_memory, leave, prepare

__all__ = ["keep_freed_memory", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line in this process, which it takes for its own.

    Parameters
    ----------
    arguments
        What stands after the program's name; None for those of the process.

    Returns
    -------
    int
        The exit code: see `seethrough.cli.failures`.
    """
    keep_freed_memory()
    prepare()
    from seethrough.cli import run

    code = run(sys.argv[1:] if arguments is None else arguments)
    if arguments is None and code == INTERRUPTED:
        leave(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
