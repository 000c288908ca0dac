"""A finding in the words that the person gave, in a sentence or two: how often pictures look like them, or why nothing is said."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.findings.audit import Audit
from seethrough.findings.views import LOOKS
from seethrough.findings.words import ALIKE, NONE, TOLD, UNTELLABLE, Word
from seethrough.show.audit_names import joined, label
from seethrough.show.language import Both, plain

FITS: Mapping[str, Both] = {
    "background": Both(
        "In your words: around “{answer}” {own:percent} of pictures look like {word}, around {others} {rivals:percent}.",
        "用您的词说：“{answer}”的图片中，周围像{word}的占 {own:percent}，{others}的占 {rivals:percent}。",
    ),
    "region": Both(
        "In your words: this part looks like {word} in {own:percent} of the pictures of “{answer}”, in {rivals:percent} of those of "
        "{others}.",
        "用您的词说：“{answer}”的图片中，这一处像{word}的占 {own:percent}，{others}的占 {rivals:percent}。",
    ),
    "thing": Both(
        "In your words: the place where it would be looks like {word} in {own:percent} of the pictures of “{answer}”, in "
        "{rivals:percent} of those of {others}.",
        "用您的词说：“{answer}”的图片中，它最可能出现的位置像{word}的占 {own:percent}，{others}的占 {rivals:percent}。",
    ),
}
"""By the kind of what was found."""

AND = Both(
    "For {word} it is {own:percent} and {rivals:percent}.",
    "像{word}的则分别占 {own:percent} 和 {rivals:percent}。",
)
OTHERS = {True: Both("“{rival}”", "“{rival}”"), False: Both("the others", "其他类别")}
"""The rivals: the one, or all of them."""

NOTHING: Mapping[str, Both] = {
    NONE: Both(
        "In your words: none of them; {none:percent} of these pictures look like none of your words.",
        "用您的词说：都不像；这些图片中有 {none:percent} 不像您给出的任何一个词。",
    ),
    ALIKE: Both(
        "In your words: none of them surely fits “{answer}” more often than {others}, or less often.",
        "用您的词说：没有哪个词在“{answer}”的图片中肯定比在{others}的图片中多或少。",
    ),
    UNTELLABLE: Both(
        "In your words nothing can be said: the network's features can't tell your words apart (of their own pictures, {right:count} "
        "of {of:count} were put to the right word).",
        "用您的词无法描述：网络的特征分不清这些词（它们自己的 {of:count} 张示例中，只有 {right:count} 张归对了词）。",
    ),
}
"""By what came of it."""

UNTELLABLE_BY_LOOKS = Both(
    "In your words nothing can be said: nothing is known of this network's inside, and by colours and detail alone your words can't be "
    "told apart (of their own pictures, {right:count} of {of:count} were put to the right word).",
    "用您的词无法描述：看不到这个网络的内部，而只凭颜色和细节分不清这些词（它们自己的 {of:count} 张示例中，只有 {right:count} 张归对了词）。",
)
BY_LOOKS = Both(
    "That goes by colours and detail alone, since nothing is known of this network's inside.",
    "这只是按颜色和细节判断的，因为看不到这个网络的内部。",
)


def in_own_words(audit: Audit, number: int) -> Both | None:
    """A finding in the person's words; None where none were given, or it isn't told with them.

    Parameters
    ----------
    number
        Of the finding, from 0.
    """
    spoken = audit.spoken[number] if audit.spoken else None
    if spoken is None:
        return None
    candidate = audit.findings[number].candidate
    rivals = candidate.rivals
    answer, others = label(audit, candidate.answer), OTHERS[len(rivals) == 1].fill(rival=label(audit, rivals[0]))
    if spoken.by == LOOKS and spoken.outcome == UNTELLABLE:
        return UNTELLABLE_BY_LOOKS.fill(right=spoken.right, of=spoken.of)
    if spoken.outcome == TOLD:
        first, *more = spoken.words
        said = FITS[candidate.aspect.kind].fill(answer=answer, others=others, **_shares(first))
        told = joined(said, *(AND.fill(**_shares(word)) for word in more))
    else:
        told = NOTHING[spoken.outcome].fill(
            answer=answer, others=others, none=spoken.none, right=spoken.right, of=spoken.of
        )
    return joined(told, BY_LOOKS) if spoken.by == LOOKS else told


def _shares(word: Word) -> dict[str, object]:
    quoted = plain(word.word, 40)
    return {"word": Both(f"“{quoted}”", f"“{quoted}”"), "own": word.own.value, "rivals": word.rivals.value}


__all__ = ["in_own_words"]
