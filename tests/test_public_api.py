"""`import eximkit`: what its documentation promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import eximkit

BAD = "begin transports\nt:\n  driver = smtp\n  helo_data = $nonesuch\n  helo_data =\n"


@pytest.mark.parametrize("name", eximkit.__all__)
def test_each_public_name_is_there(name: str) -> None:
    assert getattr(eximkit, name) is getattr(eximkit, name)
    assert name in dir(eximkit)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="nonesuch"):
        eximkit.nonesuch  # noqa: B018


def test_importing_is_cheap() -> None:
    code = "import sys, eximkit; print([m for m in sys.modules if 'eximkit.' in m])"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(eximkit.__file__).parents[1],
    )  # fmt: skip
    assert run.stdout == "[]\n"


def test_a_configuration_is_linted(tmp_path: Path) -> None:
    path = tmp_path / "exim.conf"
    path.write_text(BAD)
    config = eximkit.load_config(path, release="4.96")
    assert [problem.code for problem in config.problems] == ["EXR305"]
    findings = eximkit.lint(config)
    assert [finding.code for finding in findings] == ["EXS201", "EXR305"]
    assert all(isinstance(finding, eximkit.Finding) for finding in findings)
    assert eximkit.lint(config, select=["EXP"]) == []
    assert [f.code for f in eximkit.lint(config, ignore=["EXS"])] == ["EXR305"]


def test_lint_is_a_package_too() -> None:
    import eximkit.lint.engine

    assert eximkit.lint.engine.lint  # type: ignore[attr-defined]
    assert callable(eximkit.lint)


def test_a_fragment_is_linted(tmp_path: Path) -> None:
    path = tmp_path / "acl"
    path.write_text("check:\n  permit\n")
    config = eximkit.load_config(path, fragment="acl")
    assert [finding.code for finding in eximkit.lint(config)] == ["EXS237"]


def test_errors_are_ours(tmp_path: Path) -> None:
    with pytest.raises(eximkit.InputError):
        eximkit.load_config(tmp_path / "missing")
    with pytest.raises(eximkit.SettingsError):
        eximkit.load_config(tmp_path / "missing", release="1.0")
    with pytest.raises(eximkit.ExpansionSyntaxError):
        eximkit.parse_expansion("${lc:")
