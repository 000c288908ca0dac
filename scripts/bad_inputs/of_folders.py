"""Cases about many pictures: their runs, audits, repairs and proofs."""

from __future__ import annotations

from bad_inputs.case import LEOPARDS, Case
from bad_inputs.pictures import heard, judged, photos, picture, proved_before, surveyed, worded

PROVE = f"prove {LEOPARDS} demo:leopards-balanced photos --findings audit"
MEND = f"repair {LEOPARDS} photos --findings audit"

MANY = [
    Case("no such folder", f"units {LEOPARDS} photos -o units/"),
    Case("a folder without pictures", f"units {LEOPARDS} photos -o units/", photos),
    Case(
        "only broken pictures", f"health {LEOPARDS} photos", lambda: (photos("a.png"), picture("photos/a.png", cut=90))
    ),
    Case("no such layer", f"units {LEOPARDS} photos --layer stage9 -o units/", lambda: photos("a.png")),
    Case(
        "labels of other pictures",
        f"wall {LEOPARDS} photos --truth truth.csv -o wall.html",
        lambda: photos("a.png", "b.png", truth="c.png,snow leopard\n"),
    ),
    Case("no such layout", f"wall {LEOPARDS} photos --layout tsme -o wall.html", lambda: photos("a.png", "b.png")),
    Case("a folder with another network's run", f"units {LEOPARDS} photos --layer stage2 -o units/", surveyed),
    Case("a folder that is no run", "verify photos", lambda: photos("a.png")),
]

AUDITED = [
    Case("classes that the network calls otherwise", f"audit {LEOPARDS} photos", lambda: judged("snow", "desert")),
    Case(
        "a class called like no output",
        f"audit {LEOPARDS} photos --called snow=wolf --called desert=1",
        lambda: judged("snow", "desert"),
    ),
    Case("pictures without a class", f"audit {LEOPARDS} photos", lambda: photos("a.png", "b.png")),
    Case("one class", f"audit {LEOPARDS} photos", lambda: judged("snow leopard")),
    Case(
        "classes with one picture",
        f"audit {LEOPARDS} photos",
        lambda: photos("snow leopard/a.png", "Arabian leopard/a.png"),
    ),
    Case(
        "a class with one picture",
        f"audit {LEOPARDS} photos",
        lambda: photos(*(f"snow leopard/{name}.png" for name in "abcd"), "Arabian leopard/a.png"),
    ),
    Case(
        "boxes that miss the pictures",
        f"audit {LEOPARDS} photos --boxes boxes.csv",
        lambda: judged("snow leopard", "Arabian leopard", box="900,900,950,950"),
    ),
    Case("a file instead of a folder", f"audit {LEOPARDS} photos -o audit.html", lambda: judged("snow leopard")),
    Case(
        "words that aren't there",
        f"audit {LEOPARDS} photos --words words",
        lambda: judged("snow leopard", "Arabian leopard"),
    ),
    Case("words without folders", f"audit {LEOPARDS} photos --words words", worded),
    Case("one word", f"audit {LEOPARDS} photos --words words", lambda: worded(snow=4)),
    Case("a word with too few pictures", f"audit {LEOPARDS} photos --words words", lambda: worded(snow=4, sand=1)),
    Case("too many words", f"audit {LEOPARDS} photos --words words", lambda: worded(**{f"w{k}": 0 for k in range(51)})),
    Case(
        "a repair without an audit", f"{MEND} --answer 1=background", lambda: judged("snow leopard", "Arabian leopard")
    ),
    Case("a repair of nothing", MEND, heard),
    Case("a repair of what belongs to the class", f"{MEND} --answer 1=class", heard),
    Case("a repair of a finding that isn't there", f"{MEND} --answer 2=background", heard),
    Case("a repair of another network", f"{MEND} --answer 1=background", lambda: heard("demo:leopards-balanced")),
    Case("a repair into another format", f"{MEND} --answer 1=background -o repaired.keras", heard),
    Case("a way to repair that there isn't", f"{MEND} --answer 1=background --rungs grupped", heard),
    Case(
        "a repair of a function",
        "repair predict.py:answer photos --findings audit --answer 1=background --input-size 128x128x3",
        heard,
    ),
    Case("a proof without an audit", PROVE, lambda: judged("snow leopard", "Arabian leopard")),
    Case("a proof of what wasn't repaired", f"prove {LEOPARDS} {LEOPARDS} photos --findings audit", heard),
    Case("a proof by another network's audit", PROVE, lambda: heard("demo:leopards-balanced")),
    Case("a proof with pictures that proved before", PROVE, proved_before),
    Case("a proof with too few pictures", f"{PROVE} --answer 1=class", heard),
]
