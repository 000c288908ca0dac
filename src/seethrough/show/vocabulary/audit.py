"""The words of an audit: what can be exchanged, how it was found, how far pictures go; plain enough for somebody who has
never heard of a gradient.
"""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both

NOTES: Mapping[str, Both] = {
    "no_foreground": Both(
        "Nobody said where in the pictures the thing itself is, so backgrounds could not be exchanged, and nothing is known "
        "of them. Masks or boxes around the things would show more; without any, they can be estimated (--masks estimate).",
        "没有说明主体在图片中的位置，因此无法交换背景，也就无从得知背景是否起作用。提供主体的遮罩或方框可以看到更多；"
        "如果都没有，可由图片估计（--masks estimate）。",
    ),
    "masks_miss": Both(
        "On {count:count} of {all:count} pictures the mask or box is missing, or covers nothing or everything; they were "
        "left out.",
        "{all:count} 张图片中有 {count:count} 张的遮罩或方框缺失，或什么都没盖住，或盖住了整张图片；这些图片没有使用。",
    ),
    "masks_elsewhere": Both(
        "The masks or boxes fit these pictures hardly better than those of other pictures would: see whether they belong to them "
        "and count in pixels of theirs. What is said about backgrounds may be about the things.",
        "这些遮罩或方框并不比其他图片的遮罩更贴合各自的图片：请检查它们是否对应这些图片、坐标是否以这些图片的像素计。关于背景的结论可能说的其实是主体。",
    ),
    "foreground_estimated": Both(
        "Nobody said where the things are, so it was estimated from the pictures. On {count:count} of {all:count} the estimates "
        "seemed good enough (two ways to tell agree on {agreement:percent} of what either takes for the thing); the others were "
        "left out. What is said about backgrounds is only as good as that: masks or boxes would make it surer.",
        "没有说明主体的位置，因此由图片估计得出。{all:count} 张中有 {count:count} 张的估计看来可用（两种判断方法的重合度为 {agreement:percent}），"
        "其余没有使用。关于背景的结论只能与估计同样可靠：提供遮罩或方框会更有把握。",
    ),
    "foreground_not_estimated": Both(
        "Where the things are could not be estimated well enough from these pictures, so backgrounds could not be exchanged. Masks "
        "or boxes around the things would show more.",
        "无法从这些图片中足够准确地估计主体的位置，因此无法交换背景。提供主体的遮罩或方框可以看到更多。",
    ),
    "no_evidence": Both(
        "Where this network looks can't be seen, only what it answers; whatever needs to know where it looks was left out.",
        "看不到这个网络看的是哪里，只能看到它的回答；需要知道它看哪里的检查没有进行。",
    ),
    "few_judges": Both(
        "Only {count:count} pictures were left to test with: a weak habit would not show. Some hundred are better.",
        "用于检验的图片只有 {count:count} 张：较弱的习惯看不出来。最好有一两百张。",
    ),
    "pictures_without_class": Both(
        "Of {count:count} pictures it isn't known what they show; they were left out.",
        "有 {count:count} 张图片不知道画的是什么；没有使用。",
    ),
    "classes_too_small": Both(
        "It takes {least:count} usable pictures of a class to say anything about it; those with fewer ({count:count}): {some}.",
        "每个类别至少要有 {least:count} 张可用的图片才能作出判断；这里有 {count:count} 个类别不足：{some}。",
    ),
    "right_by_chance": Both(
        "On these pictures the network is right {right:percent} of the time, and guessing would be {chance:percent}: it hasn't "
        "learned these classes, or they are mixed up with each other (what is which can be said with --called). Why it answers as it "
        "does matters little until that is settled.",
        "在这些图片上网络的正确率为 {right:percent}，而瞎猜也有 {chance:percent}：要么它没有学会这些类别，要么类别对错了号（可用 --called "
        "说明哪个是哪个）。弄清这一点之前，为什么这样回答意义不大。",
    ),
}

OF_THINGS = Both("of the surroundings", "周围环境的")
OF_PICTURES = Both("of the picture", "整张图片的")
OF_WHOLE = Both("of the whole picture", "整张图片的")
"""What a look belongs to: to what lies beside the thing where it is known where that is, else to the picture; or to all of it, the
thing too.
"""

KINDS: Mapping[str, Both] = {
    "background": Both("the background", "背景"),
    "region": Both("what stands {place}", "图片{place}的内容"),
    "thing": Both("something else in the picture", "图中的另一样东西"),
    "thing at its edge": Both(
        "something that touches the thing or covers a part of it", "碰到主体或遮住它一部分的东西"
    ),
    "component": Both("a visual trait {of}", "{of}某种视觉特征"),
    "spectrum": Both("a fine pattern that runs through the picture", "遍布全图的细微纹样"),
}
"""By kind, or kind and name; ``{of}`` is `OF_THINGS`, `OF_PICTURES` or `OF_WHOLE`."""

PLACES: Mapping[str, Both] = {
    "top left": Both("at the top left", "左上角"),
    "top": Both("at the top", "上方"),
    "top right": Both("at the top right", "右上角"),
    "left": Both("at the left", "左侧"),
    "middle": Both("in the middle", "中央"),
    "right": Both("at the right", "右侧"),
    "bottom left": Both("at the bottom left", "左下角"),
    "bottom": Both("at the bottom", "下方"),
    "bottom right": Both("at the bottom right", "右下角"),
    "border": Both("along the border", "四周边缘"),
    "corners": Both("in the corners", "四角"),
}

ANY_PLACE = Both("a fixed place of the picture, such as a corner", "图片的固定位置（例如一角）")

NAMES: Mapping[str, Both] = {
    "brightness": Both("the brightness {of}", "{of}明暗"),
    "contrast": Both("the contrast {of}", "{of}对比度"),
    "hue": Both("the colour {of}", "{of}色调"),
    "saturation": Both("the strength of the colours {of}", "{of}色彩浓淡"),
    "light from above": Both("light that falls from above or below", "{of}上下明暗差别"),
    "light from the side": Both("light that falls from one side", "{of}左右明暗差别"),
    "vignette": Both("corners that are darker or brighter than the middle", "{of}四角与中央的明暗差别"),
    "fine detail": Both("the finest detail {of}: grain, thin lines", "{of}最细的细节（颗粒、细线）"),
    "medium detail": Both("the fine texture {of}", "{of}细纹理"),
    "coarse detail": Both("the coarse texture {of}", "{of}粗纹理"),
    "position": Both("where in the picture the thing stands", "主体在图片中的位置"),
    "size": Both("how large the thing is in the picture", "主体在图片中的大小"),
    "sharpness": Both("how sharp or blurred the picture is", "{of}清晰程度"),
}
"""Looks and detail, by name."""

OF_WHOM = Both("{what} of {whom}", "{whom}的{what}")
WHOM_HAS = Both("what {whom} has ({what})", "{whom}的{what}")
ITS_USUAL = Both("its usual {what}", "平常的{what}")
IT_USUALLY_HAS = Both("what it usually has ({what})", "平常的{what}")
"""Whose it is: of what is a name in English, and of what is more than that."""

EXCHANGED: Mapping[str, Both] = {
    "background": Both(
        "The thing itself stays, to the pixel. All around it was taken from another picture.",
        "主体一个像素也没变，四周全部换成了另一张图片的。",
    ),
    "region": Both(
        "Only this part was taken from another picture. Everything else stays.",
        "只有这一处换成了另一张图片的，其余都没变。",
    ),
    "look": Both(
        "Only this was matched to another picture. What the picture shows stays the same.",
        "只把这一点调成与另一张图片相同；画面里的东西没有变。",
    ),
    "detail": Both(
        "Only this was taken from another picture. Larger shapes and colours stay.",
        "只把这一层细节换成了另一张图片的；较大的形状和颜色没有变。",
    ),
    "layout": Both(
        "Only this was matched to another picture; the thing stands on its own ground, and what was behind it was filled in.",
        "只把这一点调成与另一张图片相同；主体仍在原来的背景上，它原先挡住的地方已补上。",
    ),
    "thing": Both(
        "Only this thing was put in or taken out. Everything else stays.",
        "只加入或去掉了这样东西，其余都没变。",
    ),
    "thing at its edge": Both(
        "Only a patch at the thing's edge was taken from another picture: put in, it lies over the thing as it lay there; taken out, the "
        "thing stays to the pixel.",
        "只把主体边缘处的一小块换成了另一张图片的：加入时它像在原图中那样盖住主体，去掉时主体的像素保持不变。",
    ),
    "component": Both(
        "Only this trait was matched to another picture.",
        "只把这种特征调成与另一张图片相同。",
    ),
    "spectrum": Both(
        "Only this pattern was taken from another picture; the eye hardly sees it.",
        "只把这种纹样换成了另一张图片的；肉眼几乎看不出来。",
    ),
}
"""By kind, or kind and name: what is done to a picture, in a sentence or two."""

SAME: Mapping[str, Both] = {
    "": Both("taken from a picture of the same class", "换成同一类图片的"),
    "thing at its edge": Both("with another patch from along the same edge", "换成同一边缘上另一小块的"),
}
"""By kind and name, else for all: what it is held against."""

THAN: Mapping[str, Both] = {
    "": Both("with a picture of the same class", "换成同一类图片的"),
    "thing at its edge": SAME["thing at its edge"],
}
"""The same where something is more, or less, than that."""

WAYS: Mapping[str, Both] = {
    "properties": Both("light, colour and detail were measured", "测量了光线、颜色和细节"),
    "places": Both("the pictures were compared place by place", "逐处比较了图片"),
    "margins": Both("what lies along the edges was compared", "比较了图片边缘处的内容"),
    "evidence": Both("it was looked at where the network looks", "查看了网络看的是哪里"),
    "contributions": Both("what adds to the network's answers was taken apart", "拆解了构成网络回答的各个部分"),
    "concepts": Both("traits that return in many pictures were gathered", "归纳了在许多图片中反复出现的特征"),
    "slices": Both("pictures on which the network fails were compared", "比较了网络出错的图片"),
    "explanations": Both("pictures were sorted by where the network looks", "按网络看的位置把图片分组"),
    "spectrum": Both("fine patterns were measured", "测量了细微纹样"),
    "casts": Both("the same was measured on the things themselves", "在主体自身上也测到了同样的差别"),
    "always": Both("it is always tried", "这一项总会检验"),
    "things": Both("things that lie beside it were sought", "寻找了主体旁边的其他东西"),
    "touching": Both("what lies along its edge was compared", "比较了主体边缘处的内容"),
}
"""How a candidate was found, by the finder's name."""

MORE: Mapping[str, tuple[Both, Both]] = {
    "brightness": (Both("brighter", "更亮"), Both("darker", "更暗")),
    "contrast": (Both("richer in contrast", "对比更强"), Both("flatter in contrast", "对比更弱")),
    "saturation": (Both("more colourful", "色彩更浓"), Both("less colourful", "色彩更淡")),
    "fine detail": (Both("richer in such detail", "这类细节更多"), Both("poorer in such detail", "这类细节更少")),
    "medium detail": (Both("richer in such detail", "这类细节更多"), Both("poorer in such detail", "这类细节更少")),
    "coarse detail": (Both("richer in such detail", "这类细节更多"), Both("poorer in such detail", "这类细节更少")),
    "vignette": (Both("brighter in the corners", "四角更亮"), Both("darker in the corners", "四角更暗")),
    "light from above": (Both("darker at the top", "上方更暗"), Both("brighter at the top", "上方更亮")),
    "light from the side": (Both("brighter at the right", "右侧更亮"), Both("brighter at the left", "左侧更亮")),
}
"""What a picture is that has more of it, and less."""

TINTS: Mapping[tuple[bool, bool], tuple[Both, Both]] = {
    (True, False): (Both("redder", "更偏红"), Both("yellower", "更偏黄")),
    (True, True): (Both("more purple", "更偏紫"), Both("more purple", "更偏紫")),
    (False, True): (Both("greener", "更偏绿"), Both("bluer", "更偏蓝")),
    (False, False): (Both("greener", "更偏绿"), Both("greener", "更偏绿")),
}
"""By whether red and blue rise: where red changes more, and where blue does."""

PAGE: Mapping[str, Both] = {
    "skip": Both("Skip to what was found", "跳到结果"),
    "what": Both("What was done", "做了什么"),
    "how": Both(
        "A network can be right for a wrong reason: it may name an animal by the ground it usually stands on. To find out, one "
        "thing beside the animal at a time is taken from another picture, and the network is asked again. If its answer "
        "changes with a picture of another class, and not with one of the same class, then that is what it went by.",
        "网络可能因为错误的理由而答对：例如凭动物脚下的地面说出它的名字。检验的办法是：每次只把主体之外的一样东西换成另一张图片的，"
        "再问网络一次。如果换成另一类图片的回答会变，而换成同一类图片的不变，那么网络看的就是这样东西。",
    ),
    "exact": Both("Exact numbers", "精确数值"),
    "parts": Both("Told with it, each exchanged by itself", "与此相关的各项（分别单独交换）"),
    "more_pictures": Both("More pictures", "更多图片"),
    "answers": Both("Your answers", "您的回答"),
    "answers_why": Both(
        "Only a person can say what belongs to a class. Answer under each finding; your answers are gathered here, and whoever "
        "repairs the network needs them. Nothing is sent anywhere.",
        "什么属于一个类别，只有人能说了算。请在每一项下面回答；您的回答会汇集在这里，修复网络的人需要它们。任何内容都不会发送到别处。",
    ),
    "answered": Both("{count} of {all} answered", "已回答 {count} / {all}"),
    "copy": Both("Copy", "复制"),
    "copied": Both("Copied", "已复制"),
    "download": Both("Save as answers.json", "保存为 answers.json"),
    "no_scripts": Both(
        "Scripts are off, so the buttons are missing. Write the answers down as 1=background (it only happens to be there) or "
        "1=class (it belongs to it).",
        "脚本已关闭，因此没有按钮。请这样写下回答：1=background（只是碰巧在旁边）或 1=class（属于它）。",
    ),
    "not_found": Both("Looked for, and not found", "查过，没有发现"),
    "not_found_why": Both(
        "Each of these told the classes apart in the pictures, but exchanging it changed next to nothing. The last column says how "
        "much it could count all the same without showing in so few pictures.",
        "下列各项在图片中确实能区分类别，但换掉它们几乎没有影响。最后一列是：在这么多图片上，它最多还可能有多大作用而没被看出来。",
    ),
    "nothing_noticed": Both(
        "Nothing beside the things told the classes apart clearly enough to be tested.",
        "主体之外没有什么能明显区分这些类别，因此没有可检验的内容。",
    ),
    "further": Both("Further findings", "其他发现"),
    "column_what": Both("What", "内容"),
    "column_answer": Both("For", "涉及类别"),
    "column_pictures": Both("Pictures", "图片数"),
    "column_changed": Both("Answers that changed", "改变的回答"),
    "column_hidden": Both("Could count for up to", "最多可能的作用"),
    "points": Both("{points} percentage points", "{points} 个百分点"),
    "right": Both("How often it is right", "答对的比例"),
    "right_why": Both(
        "On the pictures that were tested with, as they are. A network can be right nearly always, and for a wrong reason.",
        "在用于检验的原图上。网络可能几乎总是答对，理由却是错的。",
    ),
    "column_class": Both("Class", "类别"),
    "column_called": Both("Called in the pictures", "图片中的叫法"),
    "column_right": Both("Right", "答对"),
    "of": Both("{right:count} of {n:count}", "{n:count} 张中的 {right:count} 张"),
    "worst": Both(
        "The {shown:count} classes with the fewest right answers, of {all:count}.",
        "{all:count} 个类别中答对最少的 {shown:count} 个。",
    ),
    "limits": Both("What this can't see", "这里看不到的"),
    "limit_pictures": Both(
        "It knows only these pictures. What never varies in them, and what comes only elsewhere, does not show.",
        "它只知道这些图片。在其中从不变化的、或只在别处出现的，都看不出来。",
    ),
    "limit_thing": Both(
        "It looks beside the thing alone. What touches or covers the thing, a hand that holds it or a tag on it, can hardly be exchanged; "
        "and whether the network goes by a wrong part of the thing itself isn't asked.",
        "它只看主体之外。碰到或盖住主体的东西（拿着它的手、贴在上面的标签）几乎无法替换；网络是否看了主体身上错误的部分，也没有检查。",
    ),
    "limit_kinds": Both(
        "It looks for what it knows how to exchange. A reason of another kind stays unseen.",
        "它只查会交换的那些内容。其他类型的理由看不出来。",
    ),
    "passed": Both("Pictures that could not be read: {count:count}", "无法读取的图片：{count:count} 张"),
    "effect": Both("Effect in percentage points, with its 95 % interval", "作用（百分点）及 95% 置信区间"),
    "independent": Both("Pictures that are no near-duplicates", "不重复的图片数"),
    "flips": Both("Answers that changed: another class / control", "改变的回答：另一类 / 对照"),
    "chance": Both(
        "Chance of this if it counted for nothing; corrected for all that was tested",
        "若毫无作用而偶然出现的概率；按检验总数校正后",
    ),
    "strength": Both(
        "How well it tells the classes apart in the pictures (0.5 not at all, 1 wholly)",
        "在图片中区分类别的能力（0.5 毫无，1 完全）",
    ),
    "reappeared": Both("Seen again in so many draws of the pictures", "在重抽图片时再次出现的比例"),
    "ways": Both("Found by", "发现方式"),
    "kind": Both("Kind", "类型"),
}
"""The page's own words."""
