"""The words of a proof: what became of each finding, what bounds the proof, and the page's own."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both

NOTES: Mapping[str, Both] = {
    "held_out_seen": Both(
        "{count:count} of {all:count} pictures, or nearly the same ones, had a part in the audit; they were left out.",
        "{all:count} 张图片中有 {count:count} 张（或几乎相同的图片）参与过审查，已排除。",
    ),
    "few_proofs": Both(
        "Only {count:count} pictures prove here: small changes, to the better or the worse, can't be told from chance.",
        "这里只有 {count:count} 张图片用于验证：较小的变化（无论好坏）无法与偶然区分。",
    ),
    "proof_used": Both(
        "These pictures were used for a proof before (times: {count:count}, last on {when}). Of several repairs that are proved on the "
        "same pictures the best is partly lucky, so this proof is worth less than the first.",
        "这些图片此前已用于验证 {count:count} 次（最近一次：{when}）。多个修复在同一批图片上验证时，最好的那个多少有运气成分，因此这次验证的分量不如第一次。",
    ),
    "proof_not_marked": Both(
        "The audit has no folder, so that nobody can be warned when these pictures are used for a proof again.",
        "该审查没有保存文件夹，因此再次用这些图片验证时无法提醒。",
    ),
    "proof_without_faults": Both(
        "No finding was called background, so what the network should no longer go by isn't known; only how often it is right is "
        "compared.",
        "没有任何一项被标为“只是碰巧在旁边”，因此不知道网络不该再看什么；这里只比较答对的比例。",
    ),
    "proof_faults_untried": Both(
        "{count:count} findings could not be tried on these pictures.",
        "有 {count:count} 项无法在这些图片上检验。",
    ),
    "proof_without_controls": Both(
        "There was no other training of the same length to compare with, so how much of a change is owed to the repair itself isn't "
        "known.",
        "没有时间相同的其他训练可供对照，因此不知道变化中有多少归功于修复本身。",
    ),
    "groups_small": Both(
        "{count:count} groups have too few pictures to count as the weakest spot ({some}).",
        "有 {count:count} 个分组的图片太少，不能算作最薄弱处（{some}）。",
    ),
}

STATES: Mapping[str, Both] = {
    "gone": Both("Gone", "已消失"),
    "less": Both("Less", "减弱"),
    "same": Both("As before", "未变"),
    "stronger": Both("Stronger", "增强"),
    "new": Both("New", "新出现"),
    "nothing": Both("Not to be seen here", "在此看不出"),
}
"""What became of a finding."""

CONTROLS: Mapping[str, Both] = {
    "plain": Both("only trained longer", "只是继续训练"),
    "shuffled": Both("repaired at random", "随意修复"),
}
"""Networks that had the same budget."""

PAGE: Mapping[str, Both] = {
    "skip": Both("Skip to the result", "跳到结果"),
    "what": Both("What was done", "做了什么"),
    "how": Both(
        "Both networks were shown the same pictures, none of which had a part in finding the wrong reason or in mending it: as they "
        "are, and with one thing beside the subject taken from a picture of another class. A network that knows the subject itself "
        "stays with its answer.",
        "两个网络看的是同一批图片，这些图片都没有参与发现错误理由或修复：先看原图，再看把主体之外的一样东西换成另一类图片的版本。"
        "真正认得主体的网络，回答不会改变。",
    ),
    "right": Both("How often it is right", "答对的比例"),
    "before": Both("before", "修复前"),
    "after": Both("repaired", "修复后"),
    "column_pictures": Both("Pictures", "图片数"),
    "column_where": Both("Where", "范围"),
    "column_what": Both("What", "内容"),
    "column_state": Both("Now", "现状"),
    "column_effect": Both("Effect, before and now", "作用：修复前与修复后"),
    "all_pictures": Both("All pictures", "全部图片"),
    "worst class": Both("Weakest class", "最薄弱的类别"),
    "worst slice": Both("Weakest spot", "最薄弱处"),
    "worst group": Both("Weakest group", "最薄弱的分组"),
    "now": Both("now: {part}", "现在：{part}"),
    "bars": Both(
        "Bars: share of right answers; thin lines: where the share would lie with other pictures, 95 times in 100.",
        "横条：答对的比例；细线：换用其他图片时，100 次中有 95 次会落在的范围。",
    ),
    "everywhere": Both("Every part in numbers", "各部分的数值"),
    "small": Both(
        "The pictures are too few for this part to count as the weakest.", "这一部分图片太少，不计入最薄弱处。"
    ),
    "reasons": Both("What it should no longer go by", "它不该再看的东西"),
    "again": Both("What else it goes by now", "它现在还看什么"),
    "again_why": Both(
        "A network from which one wrong reason is taken may lean on another. So the repaired network was searched again.",
        "去掉一个错误的理由之后，网络可能转而依赖另一个。因此对修复后的网络重新做了检查。",
    ),
    "again_nothing": Both(
        "Nothing counts for more than before. What stays small, or of another kind, could still be there unseen.",
        "没有什么比以前更起作用。作用很小或属于其他类型的，仍可能存在而没有看出来。",
    ),
    "others": Both("The rest, in a table", "其余各项"),
    "controls": Both("How much of it is owed to the repair", "有多少归功于修复"),
    "controls_why": Both(
        "Any further training changes a network. So two others were trained just as long, with another aim.",
        "任何继续训练都会改变网络。因此另外用同样的时间训练了两个目的不同的网络作为对照。",
    ),
    "shown": Both(
        "Shown are the {count:count} pictures that the first network was misled by most, of {n:count} that were tried.",
        "这里是所试 {n:count} 张中，修复前的网络受误导最深的 {count:count} 张。",
    ),
    "as_is": Both("as it is", "原图"),
    "changed": Both("with {whose}", "换成{whose}"),
    "sure_of": Both("How sure of “{truth}”", "对“{truth}”的把握"),
    "exact": Both("Exact numbers", "精确数值"),
    "limits": Both("What this can't show", "这里看不到的"),
    "limit_pictures": Both(
        "It knows only these pictures. What comes only elsewhere may still go wrong.",
        "它只知道这些图片。只在别处出现的情况仍可能出错。",
    ),
    "limit_made": Both(
        "Pictures with something taken from another one are put together and may look strange. Where there are enough pictures that "
        "are so by themselves, they are counted too.",
        "换过内容的图片是拼成的，可能显得不自然。如果有足够多本来就如此的图片，也一并计入。",
    ),
    "limit_again": Both(
        "A new wrong reason is found only if it is of a kind that is looked for.",
        "新的错误理由只有属于会检查的类型时才能发现。",
    ),
    "passed": Both("Pictures that could not be read: {count:count}", "无法读取的图片：{count:count} 张"),
    "effect": Both("Effect before and now, in percentage points (95 %)", "修复前与修复后的作用（百分点，95%）"),
    "change": Both("Change (95 %)", "变化（95%）"),
    "flips": Both("Answers that turned, before and now (same class)", "改变的回答：修复前与修复后（括号内为同类）"),
    "chance": Both("Chance of this if both were alike", "若两者相同而偶然出现的概率"),
    "independent": Both("Pictures that are no near-duplicates", "不重复的图片数"),
    "gained": Both("Became right / became wrong", "变对 / 变错"),
    "points": Both("{points} percentage points", "{points} 个百分点"),
    "between": Both("{value} ({low} … {high})", "{value}（{low} … {high}）"),
}
"""The page's own words."""
