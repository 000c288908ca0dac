"""Hold the documents to the truth: links lead somewhere, commands parse, examples run, tables and figures are what
commands print.

    python scripts/check_documents.py
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
READMES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}


def documents() -> list[Path]:
    """Every document of the project."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def broken_links(document: Path) -> Iterator[str]:
    """Relative links and pictures that lead nowhere."""
    text = document.read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text):
        link = "".join(target).partition("#")[0]
        if link and "://" not in link and not (document.parent / link).exists():
            yield f"{document.relative_to(ROOT)}: the link {link} leads nowhere"


def commands(document: Path) -> Iterator[list[str]]:
    """Words of each command in the document's console blocks, without the prompt and comments."""
    for block in re.findall(r"```console\n(.*?)```", document.read_text("utf-8"), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                yield shlex.split(line[2:], comments=True)


def wrong_command(words: list[str]) -> str | None:
    """What is wrong with a command: a verb or option of ours, or a target of make, that there isn't."""
    if words[0] == "make" and len(words) > 1:
        targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        return None if words[1] in targets else f"make has no {words[1]}"
    if words[0] != "seethrough":
        return None
    from seethrough.cli.app import command
    from seethrough.cli.failures import described

    verbs = command().commands
    if words[1] not in verbs:
        return f"there is no verb {words[1]}"
    try:
        verbs[words[1]].make_context(words[1], words[2:])
    except Exception as error:
        return described(error)[0]
    return None


def missing_methods(document: Path) -> Iterator[str]:
    """Methods that a README's table of families doesn't name."""
    from seethrough.cli.listing import table

    rows = [line for line in document.read_text("utf-8").splitlines() if line.startswith("| ")]
    for row in table():
        if not any(f"`{row.name}`" in line for line in rows):
            yield f"{document.name}: the table of methods lacks {row.name} ({row.family})"


def stale_pages() -> Iterator[str]:
    """Pages of methods that aren't what their script writes."""
    from write_methods import PAGES, page

    for language, path in PAGES.items():
        if not path.exists() or path.read_text("utf-8") != page(language):
            yield f"{path.relative_to(ROOT)} is stale; run scripts/write_methods.py"


def failing_examples(document: Path) -> Iterator[str]:
    """Python blocks that raise, run where a picture of a leopard is."""
    from PIL import Image

    from seethrough.datasets.leopards import leopards

    with TemporaryDirectory() as folder, chdir(folder):
        Image.fromarray(leopards(1).pictures[0]).save("leopard.png")
        for block in re.findall(r"```python\n(.*?)```", document.read_text("utf-8"), re.DOTALL):
            try:
                with redirect_stdout(StringIO()):
                    exec(block, {})
            except Exception as error:
                yield f"{document.name}: an example raises {type(error).__name__}: {error}"


def missing_figures() -> Iterator[str]:
    """The demo's sentence, computed anew, where a README quotes another."""
    from seethrough.demo import leopards_report
    from seethrough.demo.page import verdict

    said = verdict(*leopards_report().findings)
    for language, document in READMES.items():
        quoted = next(line[2:] for line in document.read_text("utf-8").splitlines() if line.startswith("> "))
        sentence = said.in_(language).replace("\u00a0", " ")
        if not sentence.startswith(quoted):
            yield f"{document.name} quotes {quoted!r}, and the demo says {sentence!r}"


def untrue_answers() -> Iterator[str]:
    """Rows of the page on bad input that aren't what is answered now."""
    from bad_input import page

    said, written = page().splitlines(), (ROOT / "docs" / "bad-input.md").read_text("utf-8").splitlines()
    yield from (f"docs/bad-input.md lacks: {line}" for line in said if line not in written)
    yield from (f"docs/bad-input.md has what isn't answered: {line}" for line in written if line not in said)


def main() -> int:
    """Print what is wrong; 1 where anything is."""
    wrong = [each for document in documents() for each in broken_links(document)]
    said = {language: list(commands(document)) for language, document in READMES.items()}
    wrong += [f"{' '.join(words)}: {why}" for each in said.values() for words in each if (why := wrong_command(words))]
    wrong += [each for document in READMES.values() for each in missing_methods(document)]
    wrong += stale_pages()
    wrong += [each for document in READMES.values() for each in failing_examples(document)]
    wrong += missing_figures()
    wrong += untrue_answers()
    for each in wrong:
        print(each)
    print(f"{len(documents())} documents, {sum(map(len, said.values()))} commands: {len(wrong)} faults")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
