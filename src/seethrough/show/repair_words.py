"""A repair in words: whether the network is mended, how, at what cost, and what was tried."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

from seethrough.findings.statistics import Interval
from seethrough.remedies.repaired import BETTER, FINE, NOTHING, PASSED, WORSE, Mended, Repair, Tried
from seethrough.remedies.score import CLASS, GIVEN, SIDE, Group
from seethrough.show.audit_names import aspect_name, capital, points, whose
from seethrough.show.language import Both, plain
from seethrough.show.vocabulary import repair as words

VERDICTS: Mapping[str, Both] = {
    PASSED: Both("Mended", "已修复"),
    BETTER: Both("Better, not mended", "有改善，未完全修复"),
    WORSE: Both("Worse", "变差"),
    NOTHING: Both("Nothing helped", "没有有效的方法"),
    FINE: Both("Nothing to mend", "无需修复"),
}

SAID: Mapping[str, Both] = {
    PASSED: Both(
        "On pictures that it didn't learn from, the network's answers no longer go by {what}.",
        "在没有参与学习的图片上，网络的回答不再看{what}。",
    ),
    BETTER: Both(
        "The network does better where {what} goes against the class, but not as well as it should: see what is missing below.",
        "当{what}与类别相反时，网络答得更好了，但还不够：缺什么见下文。",
    ),
    WORSE: Both(
        "Nothing that was tried makes the network better; this is the least bad of it, because it was asked for.",
        "试过的方法都没有使网络变好；应要求给出其中最不坏的一个。",
    ),
    NOTHING: Both(
        "Nothing that was tried makes the network better where {what} goes against the class. It stays as it is.",
        "试过的方法都没有使网络在{what}与类别相反时答得更好。网络保持原样。",
    ),
    FINE: Both(
        "On the pictures that were kept for this, the network's answers don't go by {what} enough to mend anything.",
        "在为此留出的图片上，网络的回答几乎不看{what}，没有需要修复的。",
    ),
}
NONE_TRIED = Both(
    "None of the ways to mend it could be tried: below is why. The network stays as it is.",
    "没有一种方法可以尝试，原因见下文。网络保持原样。",
)
AND = Both(" and ", "和")

USUAL = Both(
    "Right in all usual pictures: {before:percent} → {after:percent}",
    "平常图片的正确率：{before:percent} → {after:percent}",
)
USUAL_BEFORE = Both("Right in all usual pictures: {before:percent}", "平常图片的正确率：{before:percent}")
LOWEST = Both(
    "Right where it is weakest: {before:percent} ({before_group}) → {after:percent} ({after_group})",
    "最薄弱处的正确率：{before:percent}（{before_group}）→ {after:percent}（{after_group}）",
)
LOWEST_BEFORE = Both(
    "Right where it is weakest: {before:percent} ({before_group})",
    "最薄弱处的正确率：{before:percent}（{before_group}）",
)
MOVES = Both(
    "{what} moves its certainty by {before} → {after} percentage points",
    "{what}使它的把握变动：{before} → {after} 个百分点",
)
MOVES_BEFORE = Both(
    "{what} moves its certainty by {before} percentage points", "{what}使它的把握变动 {before} 个百分点"
)

QUOTED = Both("“{name}”", "“{name}”")
GROUPS: Mapping[str, Both] = {
    CLASS: Both("“{answer}”", "“{answer}”"),
    SIDE: Both("“{answer}” that came with {whose}", "“{answer}”，原图带有{whose}"),
    GIVEN: Both("“{answer}”, given {whose}", "“{answer}”，换上{whose}"),
}

HOW = Both(
    "How: {how}. {count:count} numbers of the network are others now, in {places}.",
    "方法：{how}。网络有 {count:count} 个数值改变，位于 {places}。",
)
HOW_WRAPPED = Both("How: {how}. No weight of the network changed.", "方法：{how}。网络的权重没有改变。")
MORE_PLACES = Both("{some} and {count:count} more", "{some} 等（另有 {count:count} 处）")
TRIED = Both("Tried:", "尝试过的方法：")
PASSES = Both("passes", "通过")
NOT_QUITE = Both("not enough: {lacks}", "不够：{lacks}")
LINE = Both("{how}: {outcome}", "{how}：{outcome}")
LINE_WITH = Both(
    "{how}: {outcome} (usual {usual:percent}, weakest {lowest:percent})",
    "{how}：{outcome}（平常 {usual:percent}，最薄弱处 {lowest:percent}）",
)
OPEN_WITH = Both("It opens with: {command}", "打开它：{command}")
PROVE_WITH = Both("Prove it with: {command}", "验证它：{command}")
NOT_WRITTEN = Both("{file} was not written.", "没有写入 {file}。")
ANYWAY = Both(
    "To have the best of what was tried all the same, say --anyway.", "如仍想要其中最好的一个，请加上 --anyway。"
)


def verdict(repair: Repair) -> Both:
    """In a word or two."""
    return VERDICTS[repair.verdict]


def said(repair: Repair) -> Both:
    """In a sentence."""
    if repair.verdict == NOTHING and all(each.score is None for each in repair.tried):
        return NONE_TRIED
    return SAID[repair.verdict].fill(what=everything(repair))


def everything(repair: Repair) -> Both:
    """What was to be mended: “the background and the colour of the surroundings”."""
    names = list(dict.fromkeys(name_of(fault) for fault in repair.faults))
    return Both(AND.en.join(n.en for n in names), AND.zh.join(n.zh for n in names))


def name_of(fault: Mended) -> Both:
    """A finding as a few words."""
    aspect = fault.said["aspect"]
    plainly = SimpleNamespace(
        kind=str(aspect.get("kind", "")), name=str(aspect.get("name", "")), whole=aspect.get("whole") is True
    )
    return aspect_name(plainly, True)  # pyright: ignore[reportArgumentType] (only its kind and name are read)


def lines(repair: Repair) -> list[Both]:
    """The numbers, a line each."""
    before, after = repair.before, repair.after
    worst = before.worst()
    if after is None:
        found = [USUAL_BEFORE.fill(before=before.usual)]
        if worst is not None:
            found.append(LOWEST_BEFORE.fill(before=worst.right, before_group=group_name(repair, worst)))
        return found + [
            MOVES_BEFORE.fill(what=capital(name_of(fault)), before=points(abs(effect.value)))
            for fault, effect in zip(repair.faults, before.effects)
        ]
    found, now = [USUAL.fill(before=before.usual, after=after.usual)], after.worst()
    if worst is not None and now is not None:
        found.append(
            LOWEST.fill(
                before=worst.right, before_group=group_name(repair, worst), after=now.right, after_group=group_name(repair, now)
            )
        )  # fmt: skip
    return found + [
        _moves(fault, was, is_now) for fault, was, is_now in zip(repair.faults, before.effects, after.effects)
    ]


def _moves(fault: Mended, was: Interval, now: Interval) -> Both:
    return MOVES.fill(what=capital(name_of(fault)), before=points(abs(was.value)), after=points(abs(now.value)))


def group_name(repair: Repair, group: Group) -> Both:
    """Which pictures a group is."""
    fault = repair.faults[group.finding] if 0 <= group.finding < len(repair.faults) else None
    return GROUPS[group.kind].fill(
        answer=_label(repair, group.answer),
        whose="" if fault is None else whose(name_of(fault), QUOTED.fill(name=_label(repair, group.other))),
    )


def _label(repair: Repair, output: int) -> str:
    return plain(repair.labels[output], 60)


def how(repair: Repair) -> Both | None:
    """By which way, and what of the network changed; None where nothing did."""
    if not repair.rung:
        return None
    if not repair.changed:
        return HOW_WRAPPED.fill(how=rung_name(repair.rung))
    paths = list(repair.changed)
    some = ", ".join(plain(path, 60) for path in paths[:3])
    places = Both(some, some) if len(paths) <= 3 else MORE_PLACES.fill(some=some, count=len(paths) - 3)
    return HOW.fill(how=rung_name(repair.rung), count=sum(repair.changed.values()), places=places)


def rung_name(rung: str) -> Both:
    """What a way does."""
    return words.RUNGS.get(rung, Both(plain(rung), plain(rung)))


def tried(each: Tried) -> Both:
    """What came of a way, in a line."""
    name = capital(rung_name(each.rung))
    if each.score is None:
        return LINE.fill(
            how=name, outcome=words.WHY_NOT.get(each.why_not, Both(plain(each.why_not), plain(each.why_not)))
        )
    outcome = PASSES
    if each.lacks:
        known = [words.LACKS.get(code, Both(plain(code), plain(code))) for code in each.lacks]
        outcome = NOT_QUITE.fill(lacks=Both("; ".join(k.en for k in known), "；".join(k.zh for k in known)))
    return LINE_WITH.fill(how=name, outcome=outcome, usual=each.score.usual, lowest=each.score.lowest)


__all__ = [
    "ANYWAY", "NOT_WRITTEN", "OPEN_WITH", "PROVE_WITH", "TRIED", "everything", "group_name", "how", "lines", "name_of",
    "rung_name", "said", "tried", "verdict",
]  # fmt: skip
