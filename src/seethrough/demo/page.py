"""The leopards' page: the answer in words, the figures side by side, and the explained pictures."""

from __future__ import annotations

import numpy as np

from seethrough.demo.leopards import MEASURED_BY, Finding, LeopardsReport
from seethrough.report import Answer, Explained, Page, Paragraph, Section, Table
from seethrough.show.language import Both, share
from seethrough.show.words import METHODS

SPECIES = (Both("snow leopard", "雪豹"), Both("Arabian leopard", "阿拉伯豹"))
BACKGROUNDS = (Both("snow", "雪地"), Both("desert", "沙漠"))
LEARNED = (
    Both("learned on 95 % correlated pictures", "在 95 % 相关的图片上训练"),
    Both("learned on balanced pictures", "在均衡的图片上训练"),
)
SHORT = (Both("95 % correlated", "95 % 相关"), Both("balanced", "均衡"))
BACKGROUND = Both("the background", "背景")


def leopards_page(report: LeopardsReport, language: str = "en") -> Page:
    """The page of a `LeopardsReport`."""
    first, second = report.findings
    return Page(
        title=Both("Has it learned the animal, or the snow?", "它学到的是动物，还是雪地？"),
        sections=(
            Section(
                "", (Paragraph(verdict(first, second), lead=True), Paragraph(_beside(second)), Paragraph(_question()))
            ),
            Section(Both("Measured", "测量结果"), (_figures(report), Paragraph(_how_measured(report)))),
            *(_pictures(report, animal) for animal in range(len(report.explained[0]))),
        ),
        eyebrow=Both("The leopards", "豹"),
        language=language,
        provenance={**report.provenance, "networks": [f.network.provenance for f in report.findings]},
    )


def verdict(first: Finding, second: Finding) -> Both:
    """The first network in words: how often it is right, and where its evidence lies."""
    usual, other, on = first.usual, first.exchanged, share(first.on_background[MEASURED_BY])
    follows = other.background > other.right
    english = (
        f"This network is right on {usual.right} of {usual.total} usual pictures, and on {other.right} of {other.total} with the backgrounds exchanged; "
        f"{on.en} of the evidence lies on the background. "
        + (
            f"It goes by the background: on {other.background} of {other.total} exchanged pictures its answer is the animal that usually stands there."
            if follows
            else "It goes by the animal more than by the background."
        )
    )
    chinese = (
        f"这个网络在 {usual.total} 张常见图片中答对 {usual.right} 张，在交换背景后的 {other.total} 张中答对 {other.right} 张；"
        f"{on.zh} 的证据位于背景上。"
        + (
            f"它看的是背景：在交换背景后的 {other.total} 张图片中，有 {other.background} 张的回答是通常出现在该背景中的动物。"
            if follows
            else "它看动物多于看背景。"
        )
    )
    return Both(english, chinese)


def _beside(second: Finding) -> Both:
    usual, other, on = second.usual, second.exchanged, share(second.on_background[MEASURED_BY])
    return Both(
        f"A network of the same build that learned on balanced pictures is right on {usual.right} of {usual.total} and {other.right} of {other.total}, with "
        f"{on.en} of its evidence on the background.",
        f"结构相同、在均衡图片上训练的网络分别答对 {usual.total} 张中的 {usual.right} 张和 {other.total} 张中的 {other.right} 张，"
        f"其证据有 {on.zh} 位于背景上。",
    )


def _question() -> Both:
    return Both(
        "Snow leopards mostly stand on snow, Arabian leopards mostly in the desert. A network that has only seen such pictures may name the animal by the "
        "ground it stands on, and be right nearly always until the ground changes. The test is to exchange the backgrounds and leave every hair of the "
        "animal as it is.",
        "雪豹大多站在雪地上，阿拉伯豹大多站在沙漠里。只见过这类图片的网络可能凭脚下的地面说出动物的名字，"
        "而且在地面变化之前几乎总是对的。检验的办法是：交换背景，而动物本身一根毛也不变。",
    )


def _figures(report: LeopardsReport) -> Table:
    rows: list[tuple[Both | str, ...]] = []
    for words, pick in (
        (Both("right on usual pictures", "常见图片上答对"), lambda f: f"{f.usual.right} / {f.usual.total}"),
        (
            Both("right with the backgrounds exchanged", "交换背景后答对"),
            lambda f: f"{f.exchanged.right} / {f.exchanged.total}",
        ),
        (
            Both("answer follows the exchanged background", "回答跟随交换后的背景"),
            lambda f: f"{f.exchanged.background} / {f.exchanged.total}",
        ),
    ):
        rows.append((words, *(pick(f) for f in report.findings)))
    for method in report.findings[0].on_background:
        name = METHODS[method].name
        words = Both(f"evidence on the background, by {name.en}", f"位于背景上的证据（{name.zh}）")
        rows.append((words, *(share(f.on_background[method]) for f in report.findings)))
    rows.append(
        (
            Both("for comparison: the background's share of the area", "对照：背景所占的面积"),
            *[share(report.background_area)] * len(report.findings),
        )
    )
    return Table((Both("network", "网络"), *SHORT), tuple(rows))


def _how_measured(report: LeopardsReport) -> Both:
    total = report.findings[0].usual.total
    return Both(
        f"Counted on {total} freshly drawn animals (seed {report.seed}), each on both backgrounds; evidence is averaged over the "
        f"{2 * len(report.explained[0])} pictures explained below. The sentence above uses occlusion: what the answer really loses when a place is covered.",
        f"在 {total} 只新绘制的动物上统计（随机种子 {report.seed}），每只动物出现在两种背景上；证据按下面解释的 "
        f"{2 * len(report.explained[0])} 张图片取平均。上文的句子采用遮挡法：遮住某处时答案真正损失多少。",
    )


def _pictures(report: LeopardsReport, animal: int) -> Section:
    count = len(report.explained[0])
    blocks = []
    for side, part in enumerate(report.explained):
        row = animal + side * count
        background = BACKGROUNDS[int(part.backgrounds[animal])]
        heading = Both(
            f"On {'the usual' if not side else 'the other'} background: {background.en}",
            f"{'常见' if not side else '交换后的'}背景：{background.zh}",
        )
        answers = tuple(Answer(finding.explanations, row, words) for finding, words in zip(report.findings, LEARNED))
        blocks.append(Explained(answers, heading, mask=np.logical_not(part.masks[animal]), mask_name=BACKGROUND))
    species = SPECIES[int(report.explained[0].species[animal])]
    return Section(Both(f"Animal {animal + 1}: {species.en}", f"第 {animal + 1} 只动物：{species.zh}"), tuple(blocks))
