"""``demo``: the whole way from a network to a page, on material that comes with us."""

from __future__ import annotations

from pathlib import Path

from seethrough.cli.terminal import one_line, say, show, tell
from seethrough.errors import UsageError, nearest

DEMOS = ("leopards",)


def demo(name: str, *, out: str | None, language: str) -> None:
    """Open a network, summarise it, explain pictures, measure what it goes by, and write the page."""
    from seethrough.show.language import known_language

    known_language(language)
    if name not in DEMOS:
        raise UsageError(f"There is no demo {name!r}.{nearest(name, DEMOS)} There is: {', '.join(DEMOS)}.")
    _leopards(Path(out or "leopards.html"), language)


def _leopards(path: Path, language: str) -> None:
    from seethrough.report import refuse_unknown_kind
    from seethrough.writing import refuse_unwritable

    if path.suffix.lower() != ".html":
        refuse_unknown_kind(path)
        raise UsageError(f"The demo writes a page; let {path.name!r} end in .html.")
    refuse_unwritable(path)
    from seethrough.demo import leopards_page, leopards_report
    from seethrough.demo.leopards import NETWORKS
    from seethrough.demo.page import verdict
    from seethrough.network import open as open_network

    show(open_network(NETWORKS[0]).summary(depth=1))
    report = leopards_report(tell=tell)
    page = leopards_page(report, language)
    page.save(path)
    say()
    say(verdict(*report.findings).in_(language))
    say(one_line(path))
