"""Write the pages of methods from the table that the methods declare themselves in: nobody lists them twice.

python scripts/write_methods.py            # docs/methods.md and docs/methods.zh-CN.md
"""

from __future__ import annotations

from pathlib import Path

from seethrough.attribution import METHODS, Method
from seethrough.show.trust_words import family_words
from seethrough.show.vocabulary import METHODS as WORDS
from seethrough.show.vocabulary.costs import COSTS
from seethrough.show.words import NEEDS

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {"en": DOCS / "methods.md", "zh": DOCS / "methods.zh-CN.md"}

HEAD = {
    "en": (
        "# The methods\n\n[简体中文](methods.zh-CN.md)\n\n"
        "{count} methods, by family; `seethrough methods` prints them, `seethrough methods gradcam` all about one. "
        "Each is `st.<name>(net, image)` too. What a method needs and what it costs for one picture is beside it; all "
        "methods of one question share one forward pass, and a walk back for each set of rules.\n\n"
        "Made by `scripts/write_methods.py` from the table in which the methods declare themselves.\n",
        "## {family}\n\n| method | how to read its map | needs | cost | source |\n|---|---|---|---|---|",
    ),
    "zh": (
        "# 方法\n\n[English](methods.md)\n\n"
        "共 {count} 种方法，按类别排列；`seethrough methods` 列出全部，`seethrough methods gradcam` 详述其一。"
        "每种方法也可写作 `st.<名称>(net, image)`。表中写明各方法需要什么、每张图片花费多少；同一问题的所有方法共用一次前向，"
        "每套规则共用一次反向。\n\n由 `scripts/write_methods.py` 根据各方法自己的声明生成。\n",
        "## {family}\n\n| 方法 | 怎样读它的图 | 需要 | 花费 | 出处 |\n|---|---|---|---|---|",
    ),
}


def page(language: str) -> str:
    """The page of all methods in a language."""
    head, section = HEAD[language]
    parts = [head.format(count=len(METHODS))]
    for family in dict.fromkeys(m.family for m in METHODS.values()):
        rows = [_row(m, language) for m in METHODS.values() if m.family == family]
        name = family_words(family).in_(language)
        parts.append("\n".join([section.format(family=name), *rows]) + "\n")
    return "\n".join(parts)


def _row(method: Method, language: str) -> str:
    words = WORDS[method.name]
    needs = NEEDS[method.needs.value].in_(language) if method.needs.value in NEEDS else "—"
    line = words.line.in_(language).replace("|", "\\|")
    cost = COSTS.get(method.cost, method.cost) if language == "zh" else method.cost
    return f"| `{method.name}` {words.name.in_(language)} | {line} | {needs} | {cost} | {method.source} |"


def main() -> None:
    for language, path in PAGES.items():
        path.write_text(page(language), "utf-8")
        print(path)


if __name__ == "__main__":
    main()
