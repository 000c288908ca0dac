"""The mended leopards' page: what the network went by, what a person said of it, what was changed, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seethrough.demo.mended import Mended
from seethrough.demo.page import SPECIES
from seethrough.errors import UsageError
from seethrough.findings.statistics import proportion
from seethrough.remedies.measure import AFTER, BEFORE, GROUP
from seethrough.remedies.proof import Pair
from seethrough.remedies.rung import BLOCK, HEAD
from seethrough.remedies.weights import parameters
from seethrough.report.frame import framed
from seethrough.report.proof_page import STYLES, bar_of, doubled
from seethrough.report.records import plain_data
from seethrough.show import audit_words, proof_words
from seethrough.show.audit_names import capital
from seethrough.show.language import Both, known_language
from seethrough.show.vocabulary.proof import PAGE
from seethrough.writing import refuse_unwritable, write_whole

SHOWN = 3
"""Pictures of what the audit found."""

TITLE = Both("It named leopards by the ground. Can that be mended?", "它凭地面认豹子，能纠正吗？")
EYEBROW = Both("The leopards, mended", "豹：修复")
LEAD = Both(
    "This network named leopards by the ground they stand on. Where it did worst, it was right in {before:percent} of the pictures. "
    "Repaired, it is right in {after:percent} where it does worst now. A network that learned on balanced pictures from the "
    "beginning reaches {balanced:percent}.",
    "这个网络凭脚下的地面认豹子。在它最差的情况下，只答对 {before:percent}。修复后，最差的情况下答对 {after:percent}。"
    "从一开始就在均衡图片上训练的网络是 {balanced:percent}。",
)
LEAD_NOTHING = Both(
    "This network names leopards by the ground they stand on, and nothing that was tried here made it better.",
    "这个网络凭脚下的地面认豹子，这里试过的办法都没能使它变好。",
)
TOOK = Both(
    "Everything on this page was drawn, asked, learned and counted here, in {minutes}.",
    "本页的一切都在这里绘制、询问、学习和统计，用时{minutes}。",
)
MINUTES = Both("{minutes} min {seconds} s", "{minutes} 分 {seconds} 秒")

WORDS = {
    "found": Both("What does it go by?", "它看的是什么？"),
    "question": Both(
        "It learned from pictures in which snow leopards nearly always stand on snow and Arabian leopards nearly always in the "
        "desert. With such pictures alone, and without being told where an animal stands, it was asked what the answers go by: each "
        "animal was left as it is, and the ground around it taken from another picture.",
        "训练图片中，雪豹几乎总在雪地上，阿拉伯豹几乎总在沙漠里。只用这样的图片，也不说明动物站在哪里，"
        "就来查它凭什么回答：动物保持原样，只把四周换成另一张图片的。",
    ),
    "seen": Both("The pictures whose answer moved most.", "回答变动最大的几张图片。"),
    "answered": Both("Is that part of the animal?", "这是动物的一部分吗？"),
    "answer": Both(
        "No: a snow leopard in the desert is still a snow leopard. No measurement can know that; it is the one thing that a person "
        "has to say.",
        "不是：站在沙漠里的雪豹仍然是雪豹。这一点测量不出来，是唯一需要人来说的。",
    ),
    "repaired": Both("What was changed?", "改了什么？"),
    "proved": Both("Did it help?", "有用吗？"),
}
LEARNED = Both(
    "The network was shown the same animals on exchanged grounds, so that the ground says nothing any more.",
    "让网络看同一批动物、但四周互换的图片，这样地面就不再说明任何事。",
)
CHANGED = {
    HEAD: Both(
        "Only its last step was learned anew, where what it has seen becomes an answer: {count:count} of {all:count} numbers. "
        "Everything else is as it was, to the last digit.",
        "只重新学习了最后一步，即由所见得出回答的那一步：{all:count} 个数中的 {count:count} 个。其余一字未动。",
    ),
    BLOCK: Both(
        "It was trained on for a little: {count:count} of its {all:count} numbers changed. Everything else is as it was, to the last digit.",
        "接着训练了一小会儿：{all:count} 个数中改了 {count:count} 个。其余一字未动。",
    ),
}
TRIED = Both(
    "Ways that change less were tried first ({count:count} of them), and did not suffice.",
    "先试了改动更小的办法（{count:count} 种），都不够。",
)
NO_BETTER = Both(
    "Ways that change more were tried as well ({count:count} of them), and were no better.",
    "也试了改动更大的办法（{count:count} 种），并不更好。",
)
NOT_CHANGED = Both(
    "No way that was tried made it better, so nothing was changed.", "试过的办法都没有使它变好，因此什么也没有改。"
)
HOW_PROVED = Both(
    "On {n:count} leopards that none of these networks has seen, half of them on unusual ground. Only here it was counted who stands "
    "where.",
    "用 {n:count} 只这些网络都没见过的豹来检验，其中一半站在不寻常的地面上。只有在这里才统计了谁站在哪里。",
)
GROUNDS = {
    "snow": Both("{species} on snow", "雪地里的{species}"),
    "desert": Both("{species} in the desert", "沙漠里的{species}"),
}
OF_THEM = Both("{n:count} pictures", "{n:count} 张图片")
BALANCED = Both("balanced", "均衡训练")


@dataclass(frozen=True, eq=False)
class MendedPage:
    """A page that stands alone."""

    text: str

    def html(self) -> str:
        """The page as one text."""
        return self.text

    def save(self, path: str | Path) -> Path:
        """Write the page, whole or not at all; the name ends in ``.html``.

        Raises
        ------
        UsageError
            For another suffix.
        EnvironmentLacks
            Where the folder is missing or can't be written.
        """
        path = Path(path)
        if path.suffix.lower() != ".html":
            raise UsageError(f"A page is written to a name that ends in .html, not {path.name!r}.")
        refuse_unwritable(path)
        write_whole(path, self.text.encode("utf-8"))
        return path


def mended_page(story: Mended, language: str = "en") -> MendedPage:
    """The page of a `Mended`."""
    known_language(language)
    proof = story.proof
    fault = None if proof is None or not proof.faults else proof.faults[0]
    pairs = () if proof is None else next((pairs for pairs in proof.pairs if pairs), ())
    changed = (
        Both("", "")
        if fault is None or proof is None
        else PAGE["changed"].fill(whose=proof_words.of_another(proof, fault))
    )
    owed = None if proof is None else proof_words.beside_controls(proof)
    text = framed(
        "mended.html",
        title=TITLE,
        eyebrow=EYEBROW,
        language=language,
        styles=STYLES,
        script="proof.js",
        payload={},
        lead=lead(story),
        took=TOOK.fill(minutes=MINUTES.fill(minutes=int(story.seconds // 60), seconds=int(story.seconds % 60))),
        found=audit_words.said(story.audit),
        seen=[doubled(pair, changed, (BEFORE,)) for pair in _seen(story)],
        repaired=list(_repaired(story)),
        places=[] if proof is None else list(_places(story)),
        verdict=Both("", "") if proof is None else proof_words.VERDICTS[proof.verdict],
        verdict_class="" if proof is None else proof.verdict.replace(" ", "-"),
        how_proved=Both("", "") if proof is None else HOW_PROVED.fill(n=proof.count),
        owed=owed or Both("", ""),
        pairs=[doubled(pair, changed) for pair in pairs],
        shown=Both("", "")
        if fault is None
        else PAGE["shown"].fill(count=len(pairs), n=len(fault.after.trials.numbers)),
        again=_again(story),
        limits=[PAGE["limit_pictures"], PAGE["limit_made"], PAGE["limit_again"]],
        provenance=[(str(k), str(plain_data(v))) for k, v in story.provenance.items()],
        words_of=WORDS,
        page=PAGE,
    )
    return MendedPage(text)


def lead(story: Mended) -> Both:
    """The whole in a few sentences."""
    if story.proof is None:
        return LEAD_NOTHING
    before, after, balanced = story.worst
    return LEAD.fill(before=before, after=after, balanced=balanced)


def _seen(story: Mended) -> Iterator[Pair]:
    """The audit's pairs of its first finding, each with how sure the network was of the picture's own class."""
    audit = story.audit
    for finding, examples in zip(audit.findings, audit.examples):
        if finding.candidate.aspect.kind != "background":
            continue
        answer = audit.labels[finding.candidate.answer]
        for example in examples[:SHOWN]:
            chances = example.chance_before, example.chance_after
            own = chances if example.truth == answer else (1 - chances[0], 1 - chances[1])
            yield Pair(example.name, example.truth, example.before, example.after, {BEFORE: own})
        return


def _repaired(story: Mended) -> Iterator[Both]:
    repair = story.repair
    if repair.network is None:
        yield NOT_CHANGED
        return
    yield LEARNED
    chosen = next(tried for tried in repair.tried if tried.rung == repair.rung)
    rungs = [tried.rung for tried in repair.tried if tried.score is not None]
    at = rungs.index(repair.rung)
    if at:
        yield TRIED.fill(count=at)
    numbers = {
        "count": sum(repair.changed.values()),
        "all": sum(p.numel() for p in parameters(repair.network).values()),
    }
    yield CHANGED.get(chosen.changes, CHANGED[HEAD]).fill(**numbers)
    if len(rungs) > at + 1:
        yield NO_BETTER.fill(count=len(rungs) - at - 1)


def _places(story: Mended) -> Iterator[dict[str, Any]]:
    """A species on a ground, and how often each of the three networks names it."""
    proof = story.proof
    assert proof is not None
    for row in proof.rows:
        if row.part.kind != GROUP:
            continue
        balanced = story.balanced[row.part.answer, row.part.name]
        shares = (
            ("before", PAGE["before"], row.right[BEFORE]),
            ("after", PAGE["after"], row.right[AFTER]),
            ("control", BALANCED, balanced),
        )
        yield {
            "name": capital(GROUNDS[row.part.name].fill(species=SPECIES[row.part.answer])),
            "n": OF_THEM.fill(n=row.n),
            "bars": [(kind, name, bar_of(proportion(round(right * row.n), row.n))) for kind, name, right in shares],
        }


def _again(story: Mended) -> Both:
    proof = story.proof
    if proof is None or not proof.risen:
        return PAGE["again_nothing"]
    names = [capital(proof_words.heading(proof, each)) for each in proof.risen]
    return Both("; ".join(name.en for name in names), "；".join(name.zh for name in names))


__all__ = ["MendedPage", "lead", "mended_page"]
