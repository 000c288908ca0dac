"""The linker joins modules in the order they need each other, and refuses every form that it does not know."""

import re

import pytest

from seethrough.report.link import LinkError, blank, link_sources


def test_a_module_comes_after_what_it_imports_and_in_its_own_scope():
    text = link_sources(
        {
            "page.js": "import { b as c } from './b.js';\nimport * as all from './a.js';\nconst x = c + all.a;\n",
            "b.js": 'import { a } from "./a.js";\nexport const b = a + 1;\n',
            "a.js": "export const a = 1;\nexport function f() {}\nexport async function g() {}\nexport class K {}\n",
        },
        "page.js",
    )
    assert [m[1] for m in re.finditer(r"^// (\S+)$", text, re.M)] == ["a.js", "b.js", "page.js"]
    assert "const { b: c } = module_1;" in text and "const all = module_0;" in text
    assert "return { a, f, g, K };" in text and "export" not in text and "import" not in text


def test_lines_in_strings_templates_and_comments_are_left_alone():
    source = "const t = `\nimport { x } from './no.js';\nexport const y = ${ `export ${1}` };\n`;\n/*\nimport './no.js';\n*/\n"
    assert source.strip() in link_sources({"a.js": source}, "a.js")


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import x from './b.js';", "braces"),
        ("import { x } from 'lit';", "beside it"),
        ("import { x } from '../b.js';", "beside it"),
        ("import { x } from './b.js'", "static one"),
        ("const x = import('./b.js');", "static one"),
        ("import { x } from './b.js' with { type: 'json' };", "static one"),
        ("import { nothing } from './b.js';", "no export 'nothing'"),
        ("import { x } from './c.js';", "no module 'c.js'"),
        ("import { a } from './a.js';", "circle"),
        ("const u = import.meta.url;", "static one"),
        ("export default 1;", "'export'"),
        ("export let x = 1;", "'export'"),
        ("const x = 1;\nexport { x };", "line 2: 'export'"),
        ("export * from './b.js';", "'export'"),
        ("export const { x } = y;", "'export'"),
        ("await 1;", "'await'"),
        ("const x = '</script>';", "script"),
        ("const x = 'a\n';", "does not end"),
        ("const x = `a;", "does not end"),
        ("/* a", "does not end"),
    ],
)
def test_what_lies_outside_the_rule_is_refused(source, what):
    with pytest.raises(LinkError, match=re.escape(what)):
        link_sources({"a.js": source, "b.js": "export const x = 1;\n"}, "a.js")


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("a = 'b//c'; // d", "a = '    ';     "),
        ("a = /'[/']/g; b", "a =        g; b"),
        ("a / b / 'c'", "a / b / ' '"),
        ("return /`/; b", "return    ; b"),
        ("`a${b + `c${d}`}e`", "` ${b + ` ${d}`} `"),
        ("'\\'' + x", "'  ' + x"),
        ("/* ' */ x", "        x"),
    ],
)
def test_blanking_keeps_code_and_places_and_nothing_else(source, code):
    assert blank(source) == code


def test_await_inside_a_function_is_taken():
    assert "await 1" in link_sources({"a.js": "async function f() { await 1; }\n"}, "a.js")
