"""The shape of the house: what may import what, how large a module gets, what ships."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE = CHECKOUT / "eximkit"
MODULES = sorted(PACKAGE.rglob("*.py"))

# What each part may import besides itself. Logs, mail and configurations do not know
# each other; what joins them to the machine, and the command line, come last.
CONFIGURATION = "errors source problem catalog grammar expansion config"
MAY_IMPORT = {
    "errors": "",
    "source": "",
    "problem": "source",
    "catalog": "errors",
    "grammar": "errors",
    "expansion": "errors source problem catalog grammar",
    "config": CONFIGURATION,
    "lint": CONFIGURATION,
    "logs": "errors",
    "smtp": "errors",
    "interop": CONFIGURATION + " files logs smtp",
    "files": CONFIGURATION,
    "dns_client": "errors expansion",
    "machine": "errors source expansion files dns_client",
    "report": CONFIGURATION + " lint logs smtp interop",
    "cli": CONFIGURATION + " lint logs smtp interop files dns_client machine report",
}
# Parts that get all they work on as arguments.
CORES = ("source", "problem", "expansion", "config", "lint", "smtp")
IO_MODULES = {
    "asyncio", "glob", "http", "io", "os", "pathlib", "shutil", "socket", "subprocess",
    "tempfile", "urllib",
}  # fmt: skip
LATE = {
    "lark", "asyncio", "tabulate", "dns", "pcre2", "jsonschema", "cryptography",
    "jinja2", "matplotlib",
}  # fmt: skip
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "base", "misc"}


def part(path: Path) -> str:
    """The part of the package that a module belongs to, "" for the package itself."""
    top = path.relative_to(PACKAGE).parts[0]
    return "" if top in {"__init__.py", "__main__.py"} else top.removesuffix(".py")


def imports(tree: ast.AST) -> list[tuple[str, int]]:
    """Every module that an `import` names, wherever it stands, with its line."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            found.append((node.module or "", node.lineno))
            if node.module == "eximkit":
                found += [(f"eximkit.{a.name}", node.lineno) for a in node.names]
    return found


def wrong_imports(path: Path, tree: ast.AST) -> list[str]:
    here = part(path)
    if not here:
        return []
    allowed = {here, *MAY_IMPORT[here].split()}
    return [
        f"{path.relative_to(CHECKOUT)}:{line} imports {name}"
        for name, line in imports(tree)
        if name.startswith("eximkit.")
        and (to := name.split(".")[1]) not in allowed
        and to != "__version__"
    ]


def test_each_part_is_known() -> None:
    assert {part(path) for path in MODULES} - {""} <= set(MAY_IMPORT)


def test_imports_go_one_way() -> None:
    trees = {path: ast.parse(path.read_bytes()) for path in MODULES}
    wrong = [line for path, tree in trees.items() for line in wrong_imports(path, tree)]
    assert wrong == []


def test_a_wrong_import_is_seen() -> None:
    tree = ast.parse(
        "def f():\n from eximkit.lint import rule\n from eximkit import source, cli\n"
    )
    assert wrong_imports(PACKAGE / "config" / "model.py", tree) == [
        "eximkit/config/model.py:2 imports eximkit.lint",
        "eximkit/config/model.py:3 imports eximkit.cli",
    ]


def test_cores_do_no_input_or_output() -> None:
    wrong = []
    for path in MODULES:
        if part(path) not in CORES:
            continue
        tree = ast.parse(path.read_bytes())
        where = path.relative_to(CHECKOUT)
        wrong += [
            f"{where}:{line} imports {name}"
            for name, line in imports(tree)
            if name.split(".")[0] in IO_MODULES
        ]
        wrong += [
            f"{where}:{node.lineno} calls {node.func.id}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"open", "print", "input"}
        ]
    assert wrong == []


def test_modules_are_short() -> None:
    lengths = {
        str(path.relative_to(CHECKOUT)): len(path.read_text("utf-8").splitlines())
        for path in MODULES
    }
    assert {name: n for name, n in lengths.items() if n >= 400} == {}


def test_modules_are_named_by_their_subject() -> None:
    assert [p for p in MODULES if p.stem.strip("_") in FORBIDDEN_NAMES] == []


def test_the_command_line_imports_heavy_things_late() -> None:
    wrong = []
    for path in sorted((PACKAGE / "cli").glob("*.py")):
        for node in ast.parse(path.read_bytes()).body:
            names = [name for name, _ in imports(node)] if is_import(node) else []
            wrong += [(path.name, name) for name in names if name.split(".")[0] in LATE]
    assert wrong == []


def test_matplotlib_and_jinja_are_loaded_in_few_places() -> None:
    found = {
        (name.split(".")[0], path.relative_to(PACKAGE).as_posix())
        for path in MODULES
        for name, _ in imports(ast.parse(path.read_bytes()))
        if name.split(".")[0] in {"matplotlib", "jinja2"}
    }
    assert found == {
        ("jinja2", "report/logs_html.py"),
        ("matplotlib", "report/charts.py"),
        ("matplotlib", "report/svg.py"),
    }


def is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def test_help_loads_click_and_no_more() -> None:
    code = (
        "import sys; sys.argv = ['eximkit', '--help']\n"
        "from eximkit.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    loaded = set(run.stderr.split())
    assert "Usage" in run.stdout
    assert "click" in loaded
    tops = {name.split(".")[0] for name in loaded}
    assert tops & LATE == set()
    ours = {name.split(".")[1] for name in loaded if name.startswith("eximkit.")}
    assert ours <= {"cli", "errors"}


def tracked_files() -> list[Path]:
    run = subprocess.run(
        ["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if run.returncode != 0:
        pytest.skip("not a git checkout")
    return [
        p
        for name in run.stdout.split("\0")
        if name and (p := CHECKOUT / name).is_file()
    ]


def test_no_file_names_a_machine_or_a_package_index() -> None:
    # Put together here so that this file does not hold them.
    words = [
        "/wo" + "rk/", "/opt/" + "ekvenv", "/opt/" + "pypi", "/opt/" + "wheels",
        "/ro" + "ot/", "pypi" + ".org", "python" + "hosted", "index" + "-url",
    ]  # fmt: skip
    pattern = re.compile("|".join(map(re.escape, words)).encode())
    found = [
        f"{path.relative_to(CHECKOUT)}: {match[0].decode()}"
        for path in tracked_files()
        for match in pattern.finditer(path.read_bytes())
    ]
    assert found == []


def test_no_unfinished_business() -> None:
    words = [
        "TO" + "DO",
        "FIX" + "ME",
        "XX" + "X",
        "NotImplemented" + "Error",
        "x" + "fail",
    ]
    pattern = re.compile(rf"\b({'|'.join(words)})\b")
    found = [
        f"{path.relative_to(CHECKOUT)}: {match[0]}"
        for path in tracked_files()
        if path.suffix in {".py", ".lark", ".toml", ".md", ".conf"}
        for match in pattern.finditer(path.read_text("utf-8"))
    ]
    assert found == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel, unpacked as an installation would be."""
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "-w", "--no-isolation", "--outdir", out, "."],
        cwd=CHECKOUT, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    (built,) = out.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(out / "site")
    return out / "site"


def test_the_wheel_holds_every_grammar_and_table(wheel: Path) -> None:
    for folder, pattern in (
        (CHECKOUT, "grammars/*.lark"), (PACKAGE, "**/*.toml"),
        (PACKAGE, "report/templates/*"),
    ):  # fmt: skip
        assert list(folder.glob(pattern))
        for path in folder.glob(pattern):
            shipped = wheel / "eximkit" / path.relative_to(folder)
            assert shipped.read_bytes() == path.read_bytes()
    assert (wheel / "eximkit" / "py.typed").is_file()
    assert not (wheel / "grammars").exists(), "would be a package of everybody's"


def test_the_wheel_reads_with_its_own_grammars(wheel: Path) -> None:
    sample = CHECKOUT / "samples" / "configs" / "bad" / "helo.conf"
    code = (
        "import eximkit, eximkit.grammar\n"
        "for name in ('config', 'expansion'): eximkit.grammar.grammar_text(name)\n"
        f"config = eximkit.load_config({str(sample)!r})\n"
        "print(eximkit.__file__, *(f.code for f in eximkit.lint(config)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=wheel, capture_output=True, text=True, check=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(wheel)},
    )  # fmt: skip
    assert run.stdout.split() == [
        str(wheel / "eximkit" / "__init__.py"), "EXP101", "EXP106",
    ]  # fmt: skip
