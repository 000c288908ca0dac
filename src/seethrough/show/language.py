"""Two languages: texts that exist in both, and numbers as each writes them."""

from __future__ import annotations

import math
import string
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seethrough.errors import UsageError

LANGUAGES = ("en", "zh")
TAGS = {"en": "en", "zh": "zh-Hans"}
"""BCP 47 tags, for HTML's ``lang``."""

LONGEST = 120
"""Text from outside is cut after this many characters."""

_BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Both:
    """One text in English and in Simplified Chinese; braces hold places for numbers (see `Both.say`)."""

    en: str
    zh: str

    def in_(self, language: str) -> str:
        """The text in one language, as it stands."""
        return self.zh if language == "zh" else self.en

    def say(self, language: str, /, **values: Any) -> str:
        """The text with its places filled; ``{share:percent}``, ``{n:count}`` and ``{gap:value}`` format numbers.

        Raises
        ------
        KeyError
            Where a place has no value.
        """
        return _Filler(language).vformat(self.in_(language), (), values)

    def fill(self, **values: Any) -> Both:
        """The same text with its places filled, in both languages; a value that is `Both` itself is taken in each."""
        filled = (self.say(language, **_each(values, language)) for language in LANGUAGES)
        return Both(*filled)


Text = Both | str
"""What a page can say: in both languages, or a text that is the same in both (a name, a number)."""


def both(text: Text) -> Both:
    """The text in both languages; a plain string is the same in both."""
    return text if isinstance(text, Both) else Both(text, text)


def known_language(language: str) -> str:
    """``"en"`` or ``"zh"``, as it was asked for; anything else is refused."""
    if language not in LANGUAGES:
        raise UsageError(f"Words are there in English ('en') and Simplified Chinese ('zh'), not in {language!r}.")
    return language


def percent(share: float, language: str) -> str:
    """A share 0…1 as a percentage: whole from 10 % on, one decimal below and just under 100 %."""
    if not math.isfinite(share):
        return measured(share)
    space = "" if language == "zh" else "\u00a0"
    if 0 < abs(share) < 0.0005:
        return f"<{space}0.1{space}%"
    if 0.9995 <= share < 1:
        return f">{space}99.9{space}%"
    whole = share in (0, 1) or 0.0995 <= abs(share) < 0.995 or abs(share) > 1
    return _minus(f"{100 * share:.{0 if whole else 1}f}") + f"{space}%"


def share(part: float) -> Both:
    """A share 0…1 as a percentage in both languages."""
    return Both(percent(part, "en"), percent(part, "zh"))


def count(number: float) -> str:
    """A whole number with thousands set apart: ``138,357,544``."""
    return _minus(f"{int(number):,}")


def measured(number: float, digits: int = 3) -> str:
    """A measured number to some significant digits: ``0.0123``, ``−4.56``, ``1.2 × 10⁻⁷``."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else ("∞" if number > 0 else "−∞")
    mantissa, exponent = f"{number:.{digits - 1}e}".split("e")
    if number == 0 or -3 <= int(exponent) < 5:
        decimals = 0 if number == 0 else max(0, digits - 1 - int(exponent))
        return _minus(f"{number:.{decimals}f}")
    return f"{_minus(mantissa)}\u00a0×\u00a010{str(int(exponent)).translate(_SUPERSCRIPT)}"


def plain(text: object, longest: int = LONGEST) -> str:
    """Text from outside (a label, a file name) as one harmless line: no control or direction characters; cut."""
    kept = ("\ufffd" if unicodedata.category(c) == "Cs" else c for c in str(text) if c not in _BIDI)
    line = " ".join("".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in kept).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _minus(number: str) -> str:
    return number.replace("-", "−")


def _each(values: Mapping[str, Any], language: str) -> dict[str, Any]:
    return {name: v.in_(language) if isinstance(v, Both) else v for name, v in values.items()}


class _Filler(string.Formatter):
    """`str.format` with three formats for numbers; what has none is taken as text from outside."""

    def __init__(self, language: str) -> None:
        self.language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "percent":
            return percent(float(value), self.language)
        if format_spec == "count":
            return count(value)
        if format_spec == "value":
            return measured(float(value))
        return plain(value, longest=2000)
