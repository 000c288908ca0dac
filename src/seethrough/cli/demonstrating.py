"""``demo``: the whole way from a network to a page, on material that comes with us."""

from __future__ import annotations

from pathlib import Path

from seethrough.cli.terminal import one_line, say, show, tell
from seethrough.errors import UsageError, nearest

DEMOS = ("leopards",)


def demo(name: str, *, out: str | None, language: str, repair: bool = False) -> None:
    """Open a network, summarise it, explain pictures, measure what it goes by, and write the page; or audit, repair and prove it,
    and write that one.
    """
    from seethrough.show.language import known_language

    known_language(language)
    if name not in DEMOS:
        raise UsageError(f"There is no demo {name!r}.{nearest(name, DEMOS)} There is: {', '.join(DEMOS)}.")
    path = Path(out or ("leopards-repaired.html" if repair else "leopards.html"))
    _refuse_no_page(path)
    _mended(path, language) if repair else _leopards(path, language)


def _refuse_no_page(path: Path) -> None:
    from seethrough.report import refuse_unknown_kind
    from seethrough.writing import refuse_unwritable

    if path.suffix.lower() != ".html":
        refuse_unknown_kind(path)
        raise UsageError(f"The demo writes a page; let {path.name!r} end in .html.")
    refuse_unwritable(path)


def _mended(path: Path, language: str) -> None:
    from seethrough.cli.terminal import progress
    from seethrough.demo import leopards_mended, mended_page
    from seethrough.demo.mended_page import lead
    from seethrough.show import audit_words, proof_words

    with progress() as step:
        story = leopards_mended(tell=tell, progress=step)
    mended_page(story, language).save(path)
    say(audit_words.said(story.audit).in_(language))
    say(lead(story).in_(language))
    if story.proof is not None:
        say(
            f"[{proof_words.VERDICTS[story.proof.verdict].in_(language)}] {proof_words.said(story.proof).in_(language)}"
        )
    say(one_line(path))


def _leopards(path: Path, language: str) -> None:
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
