"""``methods``: which methods of attribution there are, one of them in full, and which fit a network."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from seethrough.cli.opening import Words, open_to_look
from seethrough.cli.terminal import one_line, say, say_json, show_table
from seethrough.errors import UsageError, nearest

if TYPE_CHECKING:
    from seethrough.attribution import Method

FITS = "fits"
WIDTH, INDENT, BESIDE = 100, "    ", 12

SHORT: Mapping[str, str] = {
    "any network": "any network",
    "a gradient from the answer to the image": "gradient",
    "inputs with height and width": "pictures",
    "a layer with height and width": "spatial layer",
    "a layer": "layer",
    "a network that can be written down, operation by operation": "rules",
    "average pooling over the places of a layer, with one linear layer behind it": "pooled head",
    "attention among the picture's places": "attention",
}
"""What a method needs, in a word for the table; told in full with the method."""


@dataclass(frozen=True, slots=True)
class Told:
    """A row of the table of methods."""

    name: str
    family: str
    needs: str
    cost: str
    good_for: str
    source: str


def methods(name: str | None, *, family: str | None, words: Words | None, as_json: bool) -> None:
    """Print the table of methods, one method in full, or what fits a network."""
    if name is not None:
        if family is not None:
            raise UsageError("A method belongs to one family; name the method or the family.")
        _one(name, words, as_json=as_json)
        return
    chosen = _of_family(family)
    why = None if words is None else _fits(words, chosen)
    if as_json:
        say_json([_record(m, why) for m in chosen])
    elif why is None:
        _say_table(chosen)
        say("`seethrough methods NAME` tells one in full, with its settings; --for MODEL, which fit a network.")
    else:
        rows = [(m.name, why[m.name] or FITS) for m in chosen]
        show_table(("method", "fits"), [(family, rows_of(family, chosen, rows)) for family in families(chosen)])
        say(
            f"{sum(reason is None for reason in why.values())} of {len(why)} fit {one_line(words.model if words else '')}."
        )


def families(chosen: Sequence[Method]) -> list[str]:
    """The families of some methods, in order."""
    return list(dict.fromkeys(m.family for m in chosen))


def rows_of(family: str, chosen: Sequence[Method], rows: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The rows of the methods of one family."""
    return [row for m, row in zip(chosen, rows) if m.family == family]


def _say_table(chosen: Sequence[Method]) -> None:
    """Two lines a method: its name, what it needs and costs; what it is good for, and where it comes from."""
    wide = max(len(m.name) for m in chosen) + 2
    needed = max(map(len, SHORT.values())) + 2
    say(f"{'method':{wide}}{'needs':{needed}}passes for one picture\n    good for (source)")
    for family in families(chosen):
        say(f"\n{family.upper()}")
        for m in chosen:
            if m.family == family:
                cost = wrap(m.cost, WIDTH - wide - needed)
                say(f"{m.name:{wide}}{SHORT[m.needs.value]:{needed}}{cost[0]}")
                for line in cost[1:]:
                    say(" " * (wide + needed) + line)
                for line in wrap(f"{m.good_for} ({m.source})", WIDTH, initial_indent=INDENT, subsequent_indent=INDENT):
                    say(line)
    say()


def table() -> tuple[Told, ...]:
    """Every method, in the order they are presented."""
    from seethrough.attribution import METHODS

    return tuple(_told(m) for m in METHODS.values())


def _told(m: Method) -> Told:
    return Told(m.name, m.family, m.needs.value, m.cost, m.good_for, m.source)


def _of_family(family: str | None) -> list[Method]:
    from seethrough.attribution import METHODS

    if family is None:
        return list(METHODS.values())
    folded = family.strip().casefold().replace("_", " ").replace("-", " ")
    found = [m for m in METHODS.values() if m.family == folded]
    if not found:
        families = list(dict.fromkeys(m.family for m in METHODS.values()))
        hint = nearest(folded, families) or f" There are: {', '.join(families)}."
        raise UsageError(f"There is no family {family!r}.{hint}")
    return found


def _fits(words: Words, chosen: Sequence[Method]) -> Mapping[str, str | None]:
    """By method: None where it fits the network, else why it doesn't."""
    from seethrough.explanation.suiting import suits

    net = open_to_look(words)
    return suits(net, chosen)


def _record(m: Method, why: Mapping[str, str | None] | None) -> dict[str, Any]:
    fit = {} if why is None else {"fits": why[m.name] is None, "why_not": why[m.name]}
    return {**asdict(_told(m)), **fit}


# --- one method -------------------------------------------------------------------------------------------------------


def _one(name: str, words: Words | None, *, as_json: bool) -> None:
    from seethrough.attribution import method_named

    m = method_named(name)
    why = None if words is None else _fits(words, [m])
    settings = {key: value for key, value in m.defaults.items() if key != "progress"}
    summary, described, returns = told_of(m)
    if as_json:
        dial = None if m.dial is None else {"setting": m.dial.setting, "values": list(m.dial.values)}
        say_json(
            {
                **_record(m, why),
                "summary": summary,
                "settings": settings,
                "settings_described": described,
                "returns": returns,
                "takes_layer": m.takes_layer,
                "signed": m.signed,
                "measures": m.measures,
                "black_box": m.black_box,
                "dial": dial,
            }
        )
        return
    say(f"{m.name}  ({m.family})\n\n{summary}\n")
    rows = [("needs", m.needs.value), ("cost", f"{m.cost}, for one picture"), ("good for", m.good_for)]
    rows += [("gives", returns)] if returns else []
    rows += [("source", m.source)]
    if why is not None and words is not None:
        rows.append((FITS, f"{one_line(words.model)}: {why[m.name] or 'yes'}"))
    _say_rows(rows)
    if settings:
        say("Settings, each by --set NAME=VALUE:\n")
        for key, value in settings.items():
            say(f"  {key} = {_shown(value)}")
            for line in described.get(key, "").splitlines():
                say(f"      {line}")
    if m.dial is not None:
        values = ", ".join(_shown(value) for value in m.dial.values)
        say(f"\nA budget turns {m.dial.setting}, from cheap to fine: {values}.")


def _say_rows(rows: Sequence[tuple[str, str]]) -> None:
    """A line or more for each: what, and behind it in a column of its own what about it."""
    for what, about in rows:
        head, *more = wrap(about, WIDTH - BESIDE)
        say(f"{what:{BESIDE - 2}}  {head}")
        for line in more:
            say(" " * BESIDE + line)
    say()


def told_of(m: Method) -> tuple[str, dict[str, str], str]:
    """The method's docstring: what it does, what each setting means, and what it returns."""
    text = inspect.getdoc(m.function) or ""
    before, _, returns = text.partition("\n\nReturns\n-------\n")
    summary, _, parameters = before.partition("\n\nParameters\n----------\n")
    returns = returns.partition("\n\n")[0].removeprefix("Tensor, ")
    return summary.strip(), dict(_parameters(parameters)), " ".join(returns.split())


def _parameters(text: str) -> list[tuple[str, str]]:
    """From NumPy's way of writing parameters to a name and its text each."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line and not line.startswith(" "):
            found += [(name.strip(), []) for name in line.partition(":")[0].split(",")]
        elif found:
            found[-1][1].append(line.strip())
    described = [(name, "\n".join(lines).strip()) for name, lines in found]
    # "steps, baseline" share one text, which stands behind the last of them
    for i in range(len(described) - 2, -1, -1):
        if not described[i][1]:
            described[i] = (described[i][0], described[i + 1][1])
    return described


def _shown(value: object) -> str:
    return (
        ", ".join(map(str, value))
        if isinstance(value, tuple)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )
