"""`eximkit lint`: options, files, exit codes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from eximkit.cli import main

EMPTY_HELO = "begin transports\nt:\n  driver = smtp\n  helo_data =\n"
MENDED = "begin transports\nt:\n  driver = smtp\n"
UNKNOWN = "begin transports\nt:\n  driver = smtp\n  helo_data = $primary_hostnam\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return name


def lint(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["lint", *arguments], input=stdin)


def document(*arguments: str, stdin: str | bytes | None = None) -> dict[str, Any]:
    run = lint("--format", "json", *arguments, stdin=stdin)
    assert run.exit_code in {0, 1}, run.output
    data: dict[str, Any] = json.loads(run.stdout)
    return data


def codes(*arguments: str, stdin: str | bytes | None = None) -> list[str]:
    return [row["code"] for row in document(*arguments, stdin=stdin)["findings"]]


def test_clean_is_0() -> None:
    run = lint(write("a.conf", "primary_hostname = a.example\n"))
    assert run.exit_code == 0
    assert "no findings" in run.stdout


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 1),
        (["--exit-zero"], 0),
        (["--fail-on", "error"], 1),
        (["--select", "EXH302", "--fail-on", "error"], 0),
        (["--select", "EXH302"], 1),
        (["--ignore", "EXH"], 0),
    ],
)
def test_findings_decide_the_exit_code(options: list[str], code: int) -> None:
    write("a.conf", EMPTY_HELO + "u:\n  driver = smtp\n  helo_data = localhost\n")
    assert lint(*options, "a.conf").exit_code == code


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["--format", "xml", "a.conf"], 2),
        (["--select", "NOPE", "a.conf"], 2),
        (["--exim-version", "9.99", "a.conf"], 2),
        (["-D", "lower=1", "a.conf"], 2),
        (["--fix", "--diff", "a.conf"], 2),
        (["--fix", "-"], 2),
        (["missing.conf"], 3),
        (["empty_directory"], 3),
        (["--root", "missing", "a.conf"], 3),
        (["--output", "missing/a.json", "a.conf"], 3),
    ],
)
def test_what_cannot_be_done(arguments: list[str], code: int) -> None:
    write("a.conf", EMPTY_HELO)
    Path("empty_directory").mkdir()
    run = lint(*arguments)
    assert run.exit_code == code
    assert run.stderr
    assert "Traceback" not in run.stderr


def test_standard_input() -> None:
    assert codes("-", stdin=EMPTY_HELO) == ["EXH301"]
    assert document("-", stdin=EMPTY_HELO)["files"] == ["-"]


def test_octets_that_are_not_utf8_come_and_go() -> None:
    data = b"smtp_banner = \xff\xe9 $nonesuch\n"
    (row,) = document("-", stdin=data)["findings"]
    assert (row["code"], row["line"]) == ("EXS201", 1)
    write("a.conf", EMPTY_HELO)
    Path("b.conf").write_bytes(b"# \xff\xe9\n" + EMPTY_HELO.encode())
    assert lint("--fix", "b.conf").exit_code == 0
    assert Path("b.conf").read_bytes() == b"# \xff\xe9\n" + MENDED.encode()


def test_several_paths_are_several_configurations() -> None:
    write("shared.inc", "smtp_banner = $nonesuch\n")
    for name in ("a.conf", "b.conf"):
        write(name, "primary_hostname = a.example\n.include shared.inc\n")
    data = document("a.conf", "b.conf")
    assert data["files"] == ["a.conf", "b.conf"]
    # What both include is said once.
    assert [row["path"] for row in data["findings"]] == ["shared.inc"]


def test_root() -> None:
    write("root/etc/x", "smtp_banner = $nonesuch\n")
    write("a.conf", ".include /etc/x\n")
    assert codes("--root", "root", "a.conf") == ["EXS201"]
    assert codes("a.conf") == ["EXS235"]


def test_macros() -> None:
    write("a.conf", ".ifdef BANNER\nsmtp_banner = BANNER\n.endif\n")
    assert codes("a.conf") == []
    assert codes("-D", "BANNER=$nonesuch", "a.conf") == ["EXS201"]
    assert codes("-DBANNER", "a.conf") == []


def test_versions() -> None:
    write("a.conf", "allow_insecure_tainted_data\n")
    assert codes("--exim-version", "4.95", "a.conf") == []
    assert codes("--exim-version", "4.96", "a.conf") == ["EXD601"]
    assert document("--exim-version", "4.96", "a.conf")["exim_version"] == "4.96"


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("main", "smtp_banner = $nonesuch\n", ["EXS201"]),
        ("transport", "t:\n  driver = smtp\n  helo_data =\n", ["EXH301"]),
        (
            "router",
            "r:\n  driver = accept\n  condition = ${if eqq{a}{b}}\n",
            ["EXS204"],
        ),
        ("acl", "check:\n  permit\n", ["EXS237"]),
        ("authenticator", "a:\n  driver = plain\n", ["EXS236"]),
        ("retry", "* F,2h,15m\n", ["EXS238"]),
        ("rewrite", "*@a.b\n", ["EXS238"]),
        ("expansion", "${lc:", ["EXS202"]),
    ],
)
def test_fragments(kind: str, text: str, expected: list[str]) -> None:
    assert expected[0] in codes("--as", kind, "-", stdin=text)


def test_debian_directory() -> None:
    write("etc/conf.d/main/01", "primary_hostname = a.example\n")
    write("etc/conf.d/transport/00_header", "begin transports\n")
    name = write("etc/conf.d/transport/30", "t:\n  driver = smtp\n  helo_data =\n")
    (row,) = document("etc")["findings"]
    assert (row["code"], row["path"], row["line"]) == ("EXH301", name, 3)


def test_output_is_written_whole() -> None:
    write("a.conf", EMPTY_HELO)
    write("out.json", "old")
    run = lint("--format", "json", "--output", "out.json", "a.conf")
    assert (run.exit_code, run.stdout) == (1, "")
    assert json.loads(Path("out.json").read_text())["summary"]["error"] == 1


def test_fix_edits_safely_and_says_what_is_left() -> None:
    write(
        "a.conf", EMPTY_HELO + "u:\n  driver = smtp\n  helo_data = $primary_hostnam\n"
    )
    run = lint("--fix", "--format", "json", "a.conf")
    assert [f["code"] for f in json.loads(run.stdout)["findings"]] == ["EXS201"]
    assert Path("a.conf").read_text() == MENDED + UNKNOWN.replace(
        "begin transports\nt:", "u:"
    )


def test_unsafe_fixes_are_asked_for() -> None:
    write("a.conf", UNKNOWN)
    assert lint("--fix", "a.conf").exit_code == 1
    assert Path("a.conf").read_text() == UNKNOWN
    assert lint("--fix", "--unsafe-fixes", "a.conf").exit_code == 0
    assert "$primary_hostname\n" in Path("a.conf").read_text()


def test_fix_keeps_to_what_is_selected() -> None:
    write("a.conf", EMPTY_HELO)
    lint("--fix", "--select", "EXS", "a.conf")
    assert Path("a.conf").read_text() == EMPTY_HELO


def test_fix_follows_links_and_keeps_the_mode() -> None:
    write("real.conf", EMPTY_HELO)
    Path("real.conf").chmod(0o640)
    Path("a.conf").symlink_to("real.conf")
    assert lint("--fix", "a.conf").exit_code == 0
    assert Path("a.conf").is_symlink()
    assert Path("real.conf").read_text() == MENDED
    assert Path("real.conf").stat().st_mode & 0o777 == 0o640


def test_fix_reaches_included_files() -> None:
    write("t.inc", "t:\n  driver = smtp\n  helo_data =\n")
    write("a.conf", "begin transports\n.include t.inc\n")
    write("b.conf", "begin transports\n.include t.inc\n")
    assert lint("--fix", "a.conf", "b.conf").exit_code == 0
    assert Path("t.inc").read_text() == "t:\n  driver = smtp\n"


def test_diff_changes_nothing() -> None:
    write("a.conf", EMPTY_HELO)
    run = lint("--diff", "a.conf")
    assert run.stdout.splitlines()[-1] == "-  helo_data ="
    assert Path("a.conf").read_text() == EMPTY_HELO
    assert run.exit_code == 1


def test_diff_of_standard_input() -> None:
    run = lint("--diff", "-", stdin=EMPTY_HELO)
    assert "-  helo_data =" in run.stdout


def test_settings_file() -> None:
    write("project/.eximkit.toml", 'select = ["EXH302"]\nfail-on = "error"\n')
    name = write("project/sub/a.conf", EMPTY_HELO)
    assert lint(name).exit_code == 0
    # The command line wins.
    assert codes("--select", "EXH301", name) == ["EXH301"]
    assert lint("--fail-on", "warning", "--select", "EXH301", name).exit_code == 1
    # The one beside a configuration that is named first counts.
    other = write("a.conf", EMPTY_HELO)
    assert codes(other, name) == ["EXH301", "EXH301"]


def test_settings_root_and_macros() -> None:
    write("p/.eximkit.toml", 'root = "r"\ndefine = ["FILE=/etc/x", "HOST=a.b"]\n')
    write("p/r/etc/x", "primary_hostname = HOST\nsmtp_banner = $nonesuch\n")
    name = write("p/a.conf", ".include FILE\n")
    assert codes(name) == ["EXS201"]
    assert codes("-D", "FILE=/etc/y", name) == ["EXS235"]


def test_a_bad_settings_file_is_wrong_usage() -> None:
    write(".eximkit.toml", "select = 3\n")
    run = lint(write("a.conf", ""))
    assert run.exit_code == 2
    assert ".eximkit.toml:1:1" in run.stderr


def test_no_colours_in_a_pipe() -> None:
    run = lint(write("a.conf", EMPTY_HELO))
    assert "\x1b" not in run.stdout


def test_unreadable_file() -> None:
    path = write("a.conf", "")
    assert lint(path).exit_code == 0  # All modules are there before privileges go.
    Path(path).chmod(0)
    user = os.geteuid()
    if user == 0:  # Root reads every file; somebody else does not.
        os.seteuid(65534)
    try:
        run = lint(path)
    finally:
        os.seteuid(user)
    assert run.exit_code == 3


def test_a_fix_says_which_files_it_changed() -> None:
    path = write("a.conf", EMPTY_HELO)
    run = lint("--fix", path)
    assert run.exit_code == 0
    assert run.stderr == "eximkit: fixed a.conf\n"
    assert lint("--fix", path).stderr == ""
