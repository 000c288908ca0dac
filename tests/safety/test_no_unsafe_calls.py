"""What must not be called on the way of a file that nobody vouched for; read off the source, so that no test can miss it."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "seethrough"

FORBIDDEN = {
    "eval", "exec", "compile", "__import__", "pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load", "marshal.loads",
    "sympify", "sympy.sympify", "dill.load", "joblib.load", "torch.jit.load", "torch.export.load", "torch.hub.load",
    "np.load", "numpy.load", "yaml.load", "yaml.unsafe_load", "os.system", "os.popen", "get_class_from_dynamic_module", "module.get_class_from_dynamic_module",
}  # fmt: skip

WITH_CONSENT = {("models/torch.py", "_open_program"): {"torch.jit.load", "torch.export.load"}}
"""Where a call stands behind ``if not allow_code: raise``."""

LIVE = {("models/keras_precision.py", "in_float32"), ("models/keras_copy.py", "copied")}
"""Where a model that already lives in this process is described and built again."""


def functions(tree):
    """Each call with the function that it stands in, but for what stands under ``if allow_code …``."""

    def within(node, function):
        if isinstance(node, ast.Call):
            yield function, node
        consented = isinstance(node, ast.If) and ast.unparse(node.test).startswith("allow_code")
        for child in ast.iter_child_nodes(node):
            if not (consented and child in node.body):
                yield from within(child, node.name if isinstance(node, ast.FunctionDef) else function)

    return within(tree, "the module")


def sources():
    return sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_nothing_runs_what_a_file_says(path):
    place = path.relative_to(SOURCE).as_posix()
    for function, call in functions(ast.parse(path.read_text("utf-8"))):
        name, where = ast.unparse(call.func), function
        allowed = WITH_CONSENT.get((place, where), set())
        if any(k.arg == "allow_pickle" and ast.unparse(k.value) == "False" for k in call.keywords):
            allowed = allowed | {"np.load", "numpy.load"}  # arrays of numbers; by NumPy's default too, but said
        assert name not in FORBIDDEN - allowed, f"{place}, {where}: {name} in line {call.lineno}"
        for keyword in call.keywords:
            said = ast.unparse(keyword.value)
            if keyword.arg == "weights_only":
                assert said in ("True", "not allow_code"), f"{place}: weights_only={said} in line {call.lineno}"
            if keyword.arg == "safe_mode" and (place, where) not in LIVE:
                assert said in ("True", "not allow_code"), f"{place}: safe_mode={said} in line {call.lineno}"
            if keyword.arg == "trust_remote_code":
                assert said == "False", f"{place}: trust_remote_code={said} in line {call.lineno}"
            assert keyword.arg != "allow_pickle" or said == "False", f"{place}: allow_pickle in line {call.lineno}"


def test_every_torch_load_says_weights_only_and_every_load_model_its_safe_mode():
    found = []
    for path in sources():
        for _, call in functions(ast.parse(path.read_text("utf-8"))):
            name, said = ast.unparse(call.func), {keyword.arg for keyword in call.keywords}
            if name == "torch.load":
                found.append(name)
                assert "weights_only" in said, f"{path.name}: torch.load in line {call.lineno}"
            if name.endswith("saving.load_model"):
                found.append(name)
                assert "safe_mode" in said, f"{path.name}: load_model in line {call.lineno}"
    assert {"torch.load", "keras.saving.load_model"} <= set(found)


@pytest.mark.parametrize("place", WITH_CONSENT)
def test_consent_is_asked_before_the_call(place):
    """The first thing that the function does is to refuse where no consent was given."""
    path, name = place
    tree = ast.parse((SOURCE / path).read_text("utf-8"))
    (function,) = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name]
    guards = [node for node in function.body if isinstance(node, ast.If) and ast.unparse(node.test) == "not allow_code"]
    assert guards and isinstance(guards[0].body[-1], ast.Raise)
    calls = [node.lineno for node in ast.walk(function) if isinstance(node, ast.Call)]
    risky = [line for line in calls if line > guards[0].end_lineno]
    assert risky and min(risky) > guards[0].end_lineno


def test_hdf5_of_a_stranger_is_opened_in_one_file_only():
    """`hdf5` runs in the reader process; `hdf5_copy` writes, and reads what it wrote."""
    homes = set()
    for path in sources():
        for _, call in functions(ast.parse(path.read_text("utf-8"))):
            if ast.unparse(call.func).endswith((".File", "h5f.open")) and "h5" in path.read_text("utf-8"):
                homes.add(path.name)
    assert homes == {"hdf5.py", "hdf5_copy.py"}
