"""The public face: every name that is promised is there, and type checkers are told of the same ones."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import seethrough as st
from seethrough.attribution import METHODS


@pytest.mark.parametrize("name", st.__all__)
def test_every_public_name_is_there_and_explains_itself(name):
    thing = getattr(st, name)
    assert name == "__version__" or (thing.__doc__ and thing.__name__ == name)


def test_type_checkers_are_told_of_the_same_names():
    tree = ast.parse(Path(st.__file__).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    told = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert told | {"__version__"} == set(st.__all__) == set(dir(st)) - set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_a_name_too_and_explains_itself(name):
    ask = getattr(st, name)
    assert ask.__name__ == name and "Returns" in ask.__doc__ and METHODS[name].source in ask.__doc__


def test_importing_it_imports_neither_torch_nor_keras_nor_numpy():
    code = "import sys, seethrough; print(*({'torch', 'keras', 'numpy', 'matplotlib'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_a_name_that_is_not_there_says_so():
    with pytest.raises(AttributeError, match="no attribute 'heatmap'"):
        st.heatmap  # noqa: B018
