"""The house holds: imports go down only, importing costs nothing, and what is shipped works elsewhere."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "keras", "numpy", "scipy", "matplotlib", "PIL", "typer", "rich", "jinja2")


def python(*arguments, cwd=ROOT, **options):
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, timeout=300, **options)


def test_an_import_goes_down_only():
    """The floors are written in pyproject.toml; import-linter reads every import."""
    importlinter = pytest.importorskip("importlinter", reason="import-linter is of the extra dev")
    assert importlinter is not None
    done = python("-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))")
    assert done.returncode == 0, done.stdout


def test_every_room_stands_on_a_floor():
    """`exhaustive` in the contract refuses a room that no floor names; this holds that it stays switched on."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (contract,) = settings["tool"]["importlinter"]["contracts"]
    assert contract["exhaustive"] and contract["exhaustive_ignores"] == ["__main__"]
    named = {room.strip() for floor in contract["layers"] for room in floor.split(":")}
    there = {p.stem for p in (ROOT / "src/seethrough").iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert there - {"__init__", "__main__"} == named


@pytest.mark.parametrize("start", ["import seethrough", "import seethrough.__main__", "import seethrough.results"])
def test_importing_brings_nothing_heavy(start):
    allowed = ("numpy",) if start.endswith("results") else ()
    done = python("-c", f"{start}; import sys; print(*(m for m in {HEAVY!r} if m in sys.modules))")
    assert set(done.stdout.split()) <= set(allowed), done


def test_help_brings_neither_torch_nor_keras_nor_numpy():
    code = (
        "import sys; from seethrough.__main__ import main; code = main(['explain', '--help'])\n"
        "print(code, *(m for m in ('torch', 'keras', 'numpy') if m in sys.modules))"
    )
    done = python("-c", code)
    assert done.stdout.splitlines()[-1] == "0", done.stdout + done.stderr


def test_every_public_name_is_there():
    done = python("-c", "import seethrough as st; print(*(n for n in st.__all__ if getattr(st, n, None) is None))")
    assert done.returncode == 0 and done.stdout.strip() == "", done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel as it would be published."""
    pytest.importorskip("hatchling", reason="hatchling is of the extra dev")
    folder = tmp_path_factory.mktemp("wheel")
    done = python("-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_package(wheel):
    source = ROOT / "src"
    wanted = {
        p.relative_to(source).as_posix()
        for p in (source / "seethrough").rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        assert wanted <= set(archive.namelist())


def test_the_wheel_installed_elsewhere_runs_the_demo(wheel, tmp_path):
    installed, work = tmp_path / "site", tmp_path / "work"
    work.mkdir()
    done = python("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", installed, wheel)
    assert done.returncode == 0, done.stderr
    code = (
        f"import sys; sys.path.insert(0, {str(installed)!r}); import seethrough; print(seethrough.__file__)\n"
        "from seethrough.__main__ import main; sys.exit(main(['demo', 'leopards', '-o', 'leopards.html']))"
    )
    done = python("-c", code, cwd=work)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(installed))
    page = (work / "leopards.html").read_text("utf-8")
    assert "Content-Security-Policy" in page and "https://" not in page.partition("<body")[0]
    assert [p.name for p in work.iterdir()] == ["leopards.html"]
