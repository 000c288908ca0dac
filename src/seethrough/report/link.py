"""Join plain ES modules into one script, so that a page can carry them and work from a disk, without Node.

Our own modules keep to a small part of the language, and the linker refuses what lies outside it instead of guessing:
static imports from ``"./name.js"`` (named, ``as``, ``* as`` or for effect), exports on declarations of ``const``,
``function``, ``async function`` or ``class``, no cycles, no ``import()``, no ``import.meta``, no ``await`` at the top.
Each module becomes a function scope; its exports are the object that the function returns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_IMPORT = re.compile(r"^import\b(?P<what>[^;'\"]*)(?P<quote>['\"])(?P<path>[^'\"]*)(?P=quote)[ \t]*;", re.MULTILINE)
_EXPORT = re.compile(r"^export\s+(?=(?:const|(?:async\s+)?function\*?|class)\s+(?P<name>[\w$]+))", re.MULTILINE)
_NAMED = re.compile(r"\s*\{(?P<names>[^{}]*)\}\s*from\s*")
_WHOLE = re.compile(r"\s*\*\s*as\s+(?P<name>[\w$]+)\s+from\s*")
_NAME = re.compile(r"(?P<theirs>[\w$]+)(?:\s+as\s+(?P<ours>[\w$]+))?")

_BEFORE_REGEX = set("(,=:[!&|?{};+-*%<>~^")
_WORDS_BEFORE_REGEX = {"return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do", "await"}


class LinkError(ValueError):
    """A module that the linker does not take; names the module and what in it."""


@dataclass(frozen=True, slots=True)
class _Module:
    name: str
    body: str
    """The text with imports taken out and ``export`` dropped."""
    imports: tuple[tuple[str, str], ...]
    """(module, binding): ``("state.js", "{ State }")``, or an empty binding for effect."""
    exports: tuple[str, ...]


def link(folder: Path, entry: str) -> str:
    """The module ``entry`` of a folder and all it imports, as one script.

    Raises
    ------
    LinkError
        For a form outside the rule, a missing module, a missing export, or a cycle.
    """
    names = sorted(path.name for path in folder.glob("*.js"))
    return link_sources({name: (folder / name).read_text(encoding="utf-8") for name in names}, entry)


def link_sources(sources: Mapping[str, str], entry: str) -> str:
    """The same for sources by file name."""
    order: list[_Module] = []
    _visit(entry, sources, order, ())
    number = {module.name: i for i, module in enumerate(order)}
    exports = {module.name: module.exports for module in order}
    for module in order:
        _check_bindings(module, exports)
    return "\n".join(_wrapped(module, number) for module in order)


def _visit(name: str, sources: Mapping[str, str], order: list[_Module], path: tuple[str, ...]) -> None:
    if name in path:
        raise LinkError(f"{' → '.join((*path, name))}: modules import each other in a circle.")
    if any(module.name == name for module in order):
        return
    if name not in sources:
        raise LinkError(f"{path[-1] if path else 'entry'}: there is no module {name!r}.")
    module = _parse(name, sources[name])
    for imported, _ in module.imports:
        _visit(imported, sources, order, (*path, name))
    order.append(module)


def _parse(name: str, text: str) -> _Module:
    if re.search(r"</script|<!--", text, re.IGNORECASE):
        raise LinkError(f"{name}: '</script' or '<!--' would end the script in a page.")
    code = blank(text)
    imports: list[tuple[str, str]] = []
    cuts: list[tuple[int, int]] = []
    for found in _IMPORT.finditer(code):
        path = text[found.start("path") : found.end("path")]
        imports.append((_sibling(name, path), _binding(name, found["what"])))
        cuts.append(found.span())
    exports = []
    for found in _EXPORT.finditer(code):
        exports.append(found["name"])
        cuts.append(found.span())
    rest = _without(code, cuts)
    _refuse_other_forms(name, rest)
    return _Module(name, _without(text, cuts).strip("\n"), tuple(imports), tuple(exports))


def _sibling(module: str, path: str) -> str:
    if not re.fullmatch(r"\./[\w.-]+\.js", path):
        raise LinkError(f"{module}: imports from {path!r}; only './name.js' beside it is linked.")
    return path[2:]


def _binding(module: str, what: str) -> str:
    if not what.strip():
        return ""
    if whole := _WHOLE.fullmatch(what):
        return whole["name"]
    named = _NAMED.fullmatch(what)
    if named is None:
        raise LinkError(f"{module}: 'import{what.rstrip()}' is not linked; name what is imported in braces.")
    parts = []
    for item in filter(None, (part.strip() for part in named["names"].split(","))):
        name = _NAME.fullmatch(item)
        if name is None:
            raise LinkError(f"{module}: {item!r} is not a name that can be imported.")
        parts.append(f"{name['theirs']}: {name['ours']}" if name["ours"] else name["theirs"])
    return "{ " + ", ".join(parts) + " }"


def _refuse_other_forms(name: str, code: str) -> None:
    for pattern, what in (
        (
            r"(?<![.\w$])import\b(?!\s*:)",
            "a form of 'import' other than a static one from './name.js' that ends in ';'",
        ),
        (r"(?<![.\w$])export\b(?!\s*:)", "'export' on something other than a const, function or class declaration"),
    ):
        if found := re.search(pattern, code):
            raise LinkError(f"{name}, line {_line(code, found.start())}: {what}.")
    for found in re.finditer(r"(?<![.\w$])await\b", code):
        if _depth(code, found.start()) == 0:
            raise LinkError(f"{name}, line {_line(code, found.start())}: 'await' at the top of a module.")


def _check_bindings(module: _Module, exports: Mapping[str, tuple[str, ...]]) -> None:
    for source, binding in module.imports:
        if not binding.startswith("{"):
            continue
        for part in filter(None, binding.strip("{} ").split(", ")):
            if (wanted := part.split(":")[0]) not in exports[source]:
                raise LinkError(f"{module.name}: {source} has no export {wanted!r}.")


def _wrapped(module: _Module, number: Mapping[str, int]) -> str:
    bound = "".join(f"const {binding} = module_{number[name]};\n" for name, binding in module.imports if binding)
    given = f"return {{ {', '.join(module.exports)} }};\n" if module.exports else ""
    return f"// {module.name}\nconst module_{number[module.name]} = (() => {{\n{bound}{module.body}\n{given}}})();\n"


def _without(text: str, cuts: list[tuple[int, int]]) -> str:
    """The text with spans taken out; line breaks inside them stay, so that line numbers do."""
    parts, at = [], 0
    for start, end in sorted(cuts):
        parts += [text[at:start], "\n" * text.count("\n", start, end)]
        at = end
    return "".join([*parts, text[at:]])


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _depth(code: str, at: int) -> int:
    before = code[:at]
    return before.count("{") - before.count("}")


def blank(text: str) -> str:
    """JavaScript with the insides of strings, templates, comments and regular expressions as spaces, in the same
    places.

    Code in a template's ``${…}`` is kept. Line breaks stay.

    Raises
    ------
    LinkError
        Where a string, a template, a comment or a regular expression does not end.
    """
    return _Blanker(text).run()


class _Blanker:
    """One pass over a text; ``out`` is what has been read, blanked."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.out = text, 0, list[str]()

    def run(self) -> str:
        self._code(closing="")
        return "".join(self.out)

    def _code(self, closing: str) -> None:
        """Copy code up to the brace that closes a template's ``${``, or to the end."""
        depth = 0
        while self.at < len(self.text):
            c, two = self.text[self.at], self.text[self.at : self.at + 2]
            if closing and c == closing and depth == 0:
                return
            depth += (c == "{") - (c == "}")
            if two == "//":
                self._skip_to(self._find("\n", or_end=True))
            elif two == "/*":
                self._skip_to(self._find("*/", start=self.at + 2) + 2)
            elif c in "'\"":
                self._quoted(c)
            elif c == "`":
                self._template()
            elif c == "/" and self._regex_may_start():
                self._regex()
            else:
                self._copy(1)
        if closing:
            raise LinkError(f"line {_line(self.text, len(self.text))}: a template string does not end.")

    def _quoted(self, quote: str) -> None:
        start = self.at
        self._copy(1)
        while self.at < len(self.text) and self.text[self.at] not in (quote, "\n"):
            self._skip_to(self.at + (2 if self.text[self.at] == "\\" else 1))
        if self.text[self.at : self.at + 1] != quote:
            raise LinkError(f"line {_line(self.text, start)}: a string does not end.")
        self._copy(1)

    def _template(self) -> None:
        start = self.at
        self._copy(1)
        while self.at < len(self.text) and self.text[self.at] != "`":
            if self.text[self.at] == "\\":
                self._skip_to(self.at + 2)
            elif self.text[self.at : self.at + 2] == "${":
                self._copy(2)
                self._code(closing="}")
                self._copy(1)
            else:
                self._skip_to(self.at + 1)
        if self.at >= len(self.text):
            raise LinkError(f"line {_line(self.text, start)}: a template string does not end.")
        self._copy(1)

    def _regex(self) -> None:
        start, in_class = self.at, False
        self._skip_to(self.at + 1)
        while self.at < len(self.text) and (in_class or self.text[self.at] != "/"):
            c = self.text[self.at]
            if c == "\n":
                break
            in_class = c == "[" or (in_class and c != "]")
            self._skip_to(self.at + (2 if c == "\\" else 1))
        if self.text[self.at : self.at + 1] != "/":
            raise LinkError(f"line {_line(self.text, start)}: a regular expression does not end.")
        self._skip_to(self.at + 1)

    def _regex_may_start(self) -> bool:
        before = "".join(self.out[-40:]).rstrip()
        word = re.search(r"[\w$]+$", before)
        if word:
            return word[0] in _WORDS_BEFORE_REGEX
        return not before or before[-1] in _BEFORE_REGEX

    def _find(self, what: str, start: int | None = None, or_end: bool = False) -> int:
        found = self.text.find(what, self.at if start is None else start)
        if found < 0 and not or_end:
            raise LinkError(f"line {_line(self.text, self.at)}: a comment does not end.")
        return len(self.text) if found < 0 else found

    def _copy(self, length: int) -> None:
        self.out += self.text[self.at : self.at + length]
        self.at += length

    def _skip_to(self, end: int) -> None:
        end = min(end, len(self.text))
        self.out += ["\n" if c == "\n" else " " for c in self.text[self.at : end]]
        self.at = end
