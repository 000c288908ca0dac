"""What bad input gets: every case is made, given to the command line, and its answer printed as a table.

    python scripts/bad_input.py > docs/bad-input.md

The page says only what was really answered; `scripts/check_documents.py` runs this again and compares.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("KERAS_BACKEND", "torch")

from bad_inputs.case import Case
from bad_inputs.of_a_network import FILES, INSIDE, LACKING, NAMES, PICTURES, SETTINGS
from bad_inputs.of_folders import AUDITED, MANY

HEAD = """# What bad input gets

One message: what, where, what to do; and an exit code. This table is printed by `python scripts/bad_input.py`, which
makes each of these and gives it to the command line; `make docs` runs it again and compares. Exit codes: 2 usage or
settings that conflict, 3 input refused, 4 the environment lacks something. The same sentences are raised in Python as
`UsageError`, `InputRefused` and `EnvironmentLacks`.
"""


def answer(case: Case) -> tuple[int, str]:
    """Exit code and message."""
    from seethrough.cli.failures import run

    out = io.StringIO()
    with TemporaryDirectory() as folder, chdir(folder):
        with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
            case.make()
        with redirect_stderr(out), redirect_stdout(io.StringIO()):
            code = run(shlex.split(case.command))
    lines = [line for line in out.getvalue().splitlines() if line.startswith("seethrough: ")]
    message = lines[-1].removeprefix("seethrough: ") if lines else ""
    return code, re.sub(re.escape(folder) + "/?", "", message)


HEADINGS = "| what | command | code | message |\n|---|---|---|---|"


def rows(cases: list[Case]) -> str:
    """Rows of a Markdown table."""
    made = []
    for case in cases:
        code, message = answer(case)
        shown = message.replace("|", "\\|").replace("<", "&lt;")
        made.append(f"| {case.what} | `{case.command}` | {code} | {shown} |")
    return "\n".join(made)


def page() -> str:
    """The whole document."""
    import subprocess

    sections = {
        "Files": FILES,
        "Names": NAMES,
        "Settings": SETTINGS,
        "Pictures": PICTURES,
        "Inside": INSIDE,
        "Many pictures": MANY,
        "The right reason": AUDITED,
    }
    parts = [f"## {name}\n\n{HEADINGS}\n{rows(cases)}\n" for name, cases in sections.items()]
    lacking = [
        subprocess.run([sys.executable, __file__, library], capture_output=True, text=True, check=True).stdout
        for library in LACKING
    ]
    return "\n".join([HEAD, *parts, f"## Libraries\n\n{HEADINGS}\n{''.join(lacking)}"])


def main() -> None:
    if len(sys.argv) > 1:
        case = prepared(LACKING[sys.argv[1]])
        sys.meta_path.insert(0, Blocked(sys.argv[1]))
        for name in [name for name in sys.modules if name.partition(".")[0] == sys.argv[1]]:
            del sys.modules[name]
        print(rows([case]))
    else:
        sys.stdout.write(page())


@dataclass(frozen=True)
class Blocked:
    """A library that can't be found."""

    library: str

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == self.library:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def prepared(case: Case) -> Case:
    """The same, with the files it makes kept as bytes: what makes them may need a library that won't be found then."""
    with TemporaryDirectory() as folder, chdir(folder):
        case.make()
        files = {path.name: path.read_bytes() for path in Path().iterdir()}
    return Case(case.what, case.command, lambda: [Path(name).write_bytes(content) for name, content in files.items()])


if __name__ == "__main__":
    main()
