"""`eximkit expand`: strings, lines, JSON requests, and what may be touched."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from eximkit import catalog
from eximkit.cli import main
from eximkit.cli.completion import Permission
from eximkit.machine.world import PERMISSIONS

NEWEST = str(catalog.NEWEST)
CONFIG = """\
primary_hostname = mail.example.org
qualify_domain = example.org
keep_environment =
WHO = world
domainlist ours = a.example : b.example
begin acl
greet:
  accept message = hello $acl_arg1
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def expand(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["expand", *arguments], input=stdin)


def value(*arguments: str, stdin: str | bytes | None = None) -> str:
    run = expand(*arguments, stdin=stdin)
    assert run.exit_code == 0, run.output
    return run.stdout.removesuffix("\n")


def failure(*arguments: str) -> str:
    run = expand(*arguments)
    assert run.exit_code == 1, run.output
    assert run.stdout.startswith("Failed: ")
    return run.stdout.removeprefix("Failed: ").rstrip("\n")


def answers(stdin: str | bytes, *arguments: str) -> list[dict[str, Any]]:
    run = expand("--jsonl", *arguments, stdin=stdin)
    assert run.exit_code in {0, 1}, run.output
    return [json.loads(line) for line in run.stdout.splitlines()]


# --- strings --------------------------------------------------------------------------


def test_each_string_has_a_line() -> None:
    assert value("${uc:abc}", "${lc:DEF}", "") == "ABC\ndef\n"


def test_a_failure_is_1_and_the_other_strings_are_answered() -> None:
    run = expand("a", "${if eq{a}{b}{c}fail}", "b")
    assert run.exit_code == 1
    assert run.stdout == 'a\nFailed: "if" failed and "fail" requested\nb\n'


def test_a_name_that_is_wrong_comes_with_a_place_and_advice() -> None:
    run = expand("x${if eqq{a}{b}}")
    assert run.stdout.startswith("Failed: unknown condition ")
    assert run.stderr.splitlines() == [
        "  |",
        "1 | x${if eqq{a}{b}}",
        "  |       ^^^",
        "  = did you mean `eq`?",
    ]


def test_a_name_of_another_release_is_told_of() -> None:
    run = expand("--exim-version", "4.96", "${headerwrap:a}")
    assert run.exit_code == 1
    assert "it came with 4.97" in run.stderr
    assert expand("--exim-version", "4.97", "${headerwrap:a}").exit_code == 0


def test_octets_go_through_as_they_are() -> None:
    data = b"caf\xc3\xa9 \xff ${uc:x}"
    run = expand("-", stdin=data)
    assert run.stdout_bytes == b"caf\xc3\xa9 \xff X\n"


def test_standard_input_as_one_string() -> None:
    assert value("-", stdin="${uc:a\nb}\n") == "A\nB"


def test_a_release_is_followed() -> None:
    assert value("--exim-version", "4.98", "$version_number") == "4.98"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--set", "domain", "x"], 2),
        (["--set", "domian=a", "x"], 2),
        (["--exim-version", "9.99", "x"], 2),
        (["-D", "lower=1", "x"], 2),
        (["--allow", "everything", "x"], 2),
        (["--max-steps", "0", "x"], 2),
        (["--timeout", "nan", "x"], 2),
        (["--jsonl", "x"], 2),
        (["--jsonl", "--tree"], 2),
        (["--config", "missing.conf", "x"], 3),
        (["--root", "missing", "x"], 3),
    ],
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    run = expand(*arguments)
    assert run.exit_code == code, run.output
    assert run.stdout == ""


def test_a_wrong_name_to_set_comes_with_a_better_one() -> None:
    assert "did you mean domain?" in expand("--set", "domian=a", "x").stderr


# --- what is known --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("domain", "$domain", "v"),
        ("$domain", "${uc:$domain}", "V"),
        ("1", "$1", "v"),
        ("acl_m_x", "$acl_m_x", "v"),
        ("r_x", "$r_x", "v"),
        ("h_Subject", "$h_subject:", "v"),
        ("header_x-y:", "$h_X-Y:", "v"),
    ],
)
def test_variables_are_set_by_hand(name: str, text: str, expected: str) -> None:
    assert value("--set", f"{name}=v", text) == expected


def test_a_value_may_hold_an_equals_sign_and_nothing() -> None:
    assert value("--set", "domain=a=b", "$domain") == "a=b"
    assert value("--set", "domain=", "<$domain>") == "<>"


def test_a_configuration_is_known(here: Path) -> None:
    Path("a.conf").write_text(CONFIG)
    known = ["--config", "a.conf"]
    assert value(*known, "$primary_hostname $qualify_domain WHO") == (
        "mail.example.org example.org world"
    )
    assert value(*known, "${acl{greet}{you}}") == "hello you"
    assert value(*known, "${if match_domain{b.example}{+ours}{y}{n}}") == "y"
    assert value(*known, "$config_file $config_dir") == f"a.conf {here}/"
    assert value(*known, "-D", "WHO=none", "WHO") == "none"


def test_the_settings_beside_a_configuration_count() -> None:
    Path("etc").mkdir()
    Path("etc/a.conf").write_text("keep_environment =\n")
    Path(".eximkit.toml").write_text(
        'exim-version = "4.95"\ndefine = ["FOO=a", "BAR=b"]\nroot = "etc"\n'
    )
    known = ["--config", "etc/a.conf", "--allow", "files", "-D", "BAR=c"]
    text = "$version_number FOO BAR ${if exists{/a.conf}{y}{n}}"
    assert value(*known, text) == "4.95 a c y"
    assert value(*known, "--exim-version", "4.96", "$version_number") == "4.96"
    assert value("FOO") == "FOO"


def test_a_configuration_that_exim_refuses_is_told_of() -> None:
    Path("a.conf").write_text("no_such_option = 1\nWHO = you\n")
    run = expand("--config", "a.conf", "WHO")
    assert (run.exit_code, run.stdout) == (0, "you\n")
    assert "a.conf:1" in run.stderr


def test_macros_without_a_configuration() -> None:
    assert value("-D", "FOO=${uc:a}", "-D", "BAR", "FOO<BAR>") == "A<>"


# --- permissions ----------------------------------------------------------------------

TOUCHING = [
    ("files", "${readfile{/etc/passwd}}"),
    ("files", "${lookup{a}lsearch{/etc/aliases}{y}{n}}"),
    ("files", "${if exists{/etc/passwd}{y}{n}}"),
    ("files", "${stat:/etc/passwd}"),
    ("env", "${env{HOME}{y}{n}}"),
    ("dns", "${lookup dnsdb{a=localhost}{y}{n}}"),
    ("run", "${run{/bin/echo a}}"),
]


@pytest.mark.parametrize(("permission", "text"), TOUCHING)
def test_nothing_is_touched_without_permission(permission: str, text: str) -> None:
    others = [p for p in PERMISSIONS if p != permission]
    for allowed in ([], ["--allow", ",".join(others)]):
        assert f"--allow {permission}" in failure(*allowed, text)
    (row,) = answers(json.dumps({"expr": text}))
    assert row["kind"] == "unsupported"


def test_what_is_allowed_is_done(here: Path) -> None:
    Path("f").write_text("one\ntwo\n")
    assert value("--allow", "files", "${readfile{" + str(here) + "/f}{:}}") == (
        "one:two:"
    )
    assert value("--allow", "run,files", "${run{/bin/echo a b}}") == "a b\n"


def test_the_environment_is_what_the_configuration_keeps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CANARY", "sings")
    text = "${env{CANARY}{$value}{gone}}"
    assert value("--allow", "env", text) == "sings"
    for line, expected in (
        ("keep_environment = CANARY", "sings"), ("keep_environment =", "gone"),
        ("qualify_domain = a.example", "gone"),
    ):  # fmt: skip
        Path("e.conf").write_text(f"{line}\n")
        assert value("--config", "e.conf", "--allow", "env", text) == expected


def test_absolute_paths_are_below_the_root(here: Path) -> None:
    Path("etc").mkdir()
    Path("etc/t").write_text("k: found\n")
    Path("etc/away").symlink_to("/../../../../etc/t")
    for name in ("t", "away"):
        text = "${lookup{k}lsearch{/etc/" + name + "}}"
        assert value("--root", str(here), "--allow", "files", text) == "found"


def test_the_words_of_allow_are_the_permissions() -> None:
    assert Permission.words == PERMISSIONS


def test_permissions_are_completed() -> None:
    context = click.Context(main)
    option = click.Option(["--allow"])

    def completed(text: str) -> list[str]:
        return [c.value for c in Permission().shell_complete(context, option, text)]

    assert completed("e") == ["env"]
    assert completed("files,") == [f"files,{word}" for word in PERMISSIONS]


# --- lines ----------------------------------------------------------------------------

LINES = """\
${uc:a}

X = 1
<X>
${uc:a\\
   b}
  lead\x20\x20
X == 2
<X>
$nosuch
end\\"""


def test_lines_as_exim_has_them() -> None:
    run = expand("--exim-version", "4.96", stdin=LINES)
    failed = next(line for line in run.stdout.split("\n") if "nosuch" in line)[2:]
    assert failed.startswith("Failed: unknown variable ")
    assert run.stdout == (
        "> A\n> \n> Defined macro 'X'\n> <1>\n> AB\n>   lead\n> Defined macro 'X'\n"
        "> <2>\n> " + failed + "\n> end\n> \n"
    )
    assert run.exit_code == 1


def test_lines_as_exim_itself_answers(exim: Path) -> None:
    lines = "\n".join(line for line in LINES.split("\n") if "nosuch" not in line)
    done = subprocess.run(
        [exim, "-be"], input=lines, capture_output=True, text=True, check=True
    )
    assert expand("--exim-version", "4.96", stdin=lines).stdout == done.stdout


LASTING = """\
${acl{keep}{a}}$acl_c_x
$acl_c_x
${if eq{${acl{keep}{b}}}{}{$acl_c_x}}$acl_c_x
r=$prvscheck_result
${prvscheck{prvs=1786953959=a@b.c}{k}{y}}
r=$prvscheck_result $prvscheck_address
${run{/bin/false}{y}{n}}
$runrc
"""


def test_what_a_line_leaves_to_the_next(exim: Path) -> None:
    Path("a.conf").write_text(
        "keep_environment =\nbegin acl\nkeep:\n  accept set acl_c_x = <$acl_arg1>\n"
    )
    done = subprocess.run(
        [exim, "-C", "a.conf", "-be"],
        input=LASTING, capture_output=True, text=True, check=True,
    )  # fmt: skip
    ours = expand(
        "--config", "a.conf", "--allow", "run", "--exim-version", "4.96", stdin=LASTING
    )
    assert ours.stdout == done.stdout


def test_requests_leave_nothing_behind() -> None:
    Path("a.conf").write_text("begin acl\nkeep:\n  accept set acl_c_x = 1\n")
    rows = answers(
        '{"expr": "${acl{keep}}$acl_c_x", "set": {"acl_c_y": "2"}}\n'
        '{"expr": "$acl_c_x$acl_c_y"}\n',
        "--config", "a.conf",
    )  # fmt: skip
    assert [row["output"] for row in rows] == ["1", ""]


def test_lines_set_variables_from_497_on() -> None:
    lines = "set acl_m0 = ${uc:a}\nset,t acl_m_x=b\n$acl_m0$acl_m_x\nset nosuch = 1\n"
    new = expand("--exim-version", "4.97", stdin=lines).stdout
    assert new == (
        "> variable m0 set\n> variable m_x set\n> Ab\n"
        "> Failed: nosuch is no variable\n> \n"
    )
    old = expand("--exim-version", "4.96", stdin=lines).stdout
    assert old.startswith("> set acl_m0 = A\n> set,t acl_m_x=b\n> \n")


@pytest.mark.parametrize("arguments", [[], ["-"], ["--jsonl"], ["--check", "-"]])
def test_standard_input_that_is_closed(arguments: list[str], checkout: Path) -> None:
    command = shlex.join([sys.executable, "-m", "eximkit", "expand", *arguments])
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} <&-"], capture_output=True, text=True,
        check=False, cwd=checkout,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert done.stderr == "eximkit: standard input: it is closed\n"


def test_no_lines_at_all() -> None:
    assert value(stdin="") == "> "


# --- JSON lines -----------------------------------------------------------------------


def test_requests_are_answered_in_order() -> None:
    rows = answers(
        '{"expr": "${uc:$domain}", "set": {"domain": "a"}}\n\n{"expr": "$domain"}\n'
        '{"expr": "$nosuch"}\n{"expr": "${if eq{a}{b}{c}fail}"}\n'
        '{"expr": "${eval:1/0}"}'
    )
    assert rows[0] == {"ok": True, "output": "A", "error": None, "kind": None}
    assert rows[1]["output"] == ""
    assert [row["kind"] for row in rows[2:]] == ["syntax", "forced", "value"]
    assert all(row["output"] is None and row["error"] for row in rows[2:])


def test_octets_are_surrogate_escapes() -> None:
    rows = answers(b'{"expr": "\xc3\xa9\\udcff\xfe${length_1:\xc3\xa9}"}')
    assert rows[0]["output"] == "é\udcff\udcfe\udcc3"


BAD_LINES = {
    "{": "line 2, column 2: not JSON",
    "nonsense": "line 2, column 1: not JSON",
    "[]": "line 2: an object",
    '"a"': "line 2: an object",
    '{"set": {}}': "line 2: an object",
    '{"expr": 1}': "line 2: an object",
    '{"expr": "a", "set": []}': 'line 2: "set"',
    '{"expr": "a", "set": {"domain": 1}}': 'line 2: "set"',
    '{"expr": "a", "sett": {}}': "line 2: no request has the key 'sett'",
    '{"expr": "\\ud800"}': "line 2: a surrogate",
    '{"expr": "a", "set": {"nosuch": ""}}': "set: nosuch is no variable",
    "[" * 100_000: "line 2: not JSON",
    "1" * 5000: "line 2: not JSON",
    "\x00\x01": "line 2, column 1: not JSON",
}


@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: line[:30])
def test_a_bad_line_has_an_answer_and_the_next_one_too(line: str) -> None:
    rows = answers('{"expr": "before"}\n' + line + '\n{"expr": "after"}\n')
    assert [row["output"] for row in rows] == ["before", None, "after"]
    assert rows[1]["ok"] is False
    assert rows[1]["error"].startswith(BAD_LINES[line])
    assert rows[1]["kind"] in {"syntax", "value"}


def test_the_exit_code_of_requests() -> None:
    assert expand("--jsonl", stdin='{"expr": "a"}\n').exit_code == 0
    assert expand("--jsonl", stdin='{"expr": "a"}\n{').exit_code == 1
    assert expand("--jsonl", stdin="").exit_code == 0


def test_requests_do_not_define_macros_but_know_them() -> None:
    rows = answers('{"expr": "B = 1"}\n{"expr": "FOO B"}\n', "-D", "FOO=x")
    assert [row["output"] for row in rows] == ["B = 1", "x B"]


def test_requests_can_be_checked_only() -> None:
    rows = answers(
        '{"expr": "${if eqq{a}{b}}"}\n{"expr": "${lookup{a}lsearch{/x}{y}{n}}"}\n',
        "--check",
    )
    assert rows[0]["kind"] == "syntax"
    (found,) = rows[0]["findings"]
    assert (found["code"], found["column"], found["end_column"]) == ("EXS204", 6, 9)
    assert rows[1] == {
        "ok": True, "output": None, "error": None, "kind": None, "findings": [],
    }  # fmt: skip


# --- check and tree -------------------------------------------------------------------

WRONG = [
    "$primary_hostnam",
    "${if def:x{a}{b}",
    "${lcc:a} ${if equal{a}{b}{c}{d}}",
    "${if def: host{a}{b}}",
    "${lookup{a}lsaerch{/x}{y}{n}}",
    "${substr{1}}",
    "plain",
    "a\n$nosuch é ${if eqq{a}{b}}",
]


@pytest.mark.parametrize("text", WRONG)
def test_check_finds_what_lint_finds(text: str) -> None:
    Path("x").write_text(text, "utf-8")
    linted = CliRunner().invoke(
        main, ["lint", "--as", "expansion", "--format", "json", "x"]
    )
    theirs = [
        (f["code"], f["message"], f["line"], f["column"], f["end_column"])
        for f in json.loads(linted.stdout)["findings"]
    ]
    (row,) = answers(json.dumps({"expr": text}), "--check")
    ours = [
        (f["code"], f["message"], f["line"], f["column"], f["end_column"])
        for f in row["findings"]
    ]
    assert ours == theirs
    checked = expand("--check", text)
    assert checked.exit_code == linted.exit_code
    assert all(code in checked.stdout for code, *_ in theirs)


def test_check_touches_nothing_and_shows_the_place() -> None:
    run = expand("--check", "${if eqq{a}{b}}", "${readfile{/nowhere}}")
    assert run.exit_code == 1
    assert run.stdout.splitlines()[:3] == [
        "string 1:1:6: EXS204 error: unknown condition `eqq`; did you mean `eq`?",
        "  |",
        "1 | ${if eqq{a}{b}}",
    ]
    assert "string 2:1" not in run.stdout


def test_check_of_lines_is_one_report() -> None:
    run = expand("--check", stdin="$nosuch\nfine\n${uc:\\\nx}${lcc:y}\n\n")
    assert run.exit_code == 1
    assert "line 1:1:2: EXS201" in run.stdout
    assert "line 3:1:" in run.stdout
    assert run.stdout.endswith("4 strings: 2 errors (Exim " + NEWEST + ")\n")
    assert value("--check", stdin="") == ""


def test_check_of_a_whole_configuration() -> None:
    Path("a.conf").write_text(
        "begin transports\nt:\n  driver = smtp\n  helo_data = $primary_hostnam\n"
        "begin acl\na:\n  warn message = ${if eqq{a}{b}}\n  bad_verb\n"
    )
    run = expand("--config", "a.conf", "--check")
    assert run.exit_code == 1
    assert "EXS201" in run.stdout
    assert "EXS204" in run.stdout
    assert "bad_verb" not in run.stdout


def test_a_tree() -> None:
    text = "${if and{{eq{$domain}{a.b}}{!def:h_x:}}{a${uc:$1}}fail}\\t"
    assert value("--tree", text).split("\n") == [
        "item if",
        "  condition: and",
        "    1: eq",
        "      1: $domain",
        '      2: "a.b"',
        "    2: not def:h_x:",
        "  yes:",
        '    "a"',
        "    operator uc",
        "      text: $1",
        "  no: fail",
        '"\\t"',
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ['""']),
        ("a", ['"a"']),
        ("${map{a:b}{}}", ["item map", '  1: "a:b"', '  2: ""']),
        (
            "${lookup{k}partial-lsearch*{/f}{$value}}",
            ["item lookup partial-lsearch*", '  key: "k"', '  file: "/f"',
             "  yes: $value"],
        ),
        ("${lookup dnsdb{a=b}}", ["item lookup dnsdb", '  query: "a=b"']),
        ("${substr_1_2:$h_Subject:}", ["operator substr_1_2", "  text: $h_Subject:"]),
        (
            "${filter{a}{forany{$item}{eq{$item}{b}}}}",
            ["item filter", '  1: "a"', "  condition: forany", "    list: $item",
             "    condition: eq", "      1: $item", '      2: "b"'],
        ),
        ("${extract json{k}{$1}}", ["item extract json", '  1: "k"', "  2: $1"]),
    ],
)  # fmt: skip
def test_trees(text: str, lines: list[str]) -> None:
    assert value("--tree", text).split("\n") == lines


def test_a_tree_is_80_columns_wide_however_deep() -> None:
    text = "${uc:" * 500 + "x" * 500 + "}" * 500
    lines = value("--tree", text).split("\n")
    assert len(lines) > 500
    assert max(map(len, lines)) <= 80


def test_what_cannot_be_parsed_has_no_tree() -> None:
    run = expand("--tree", "${if {")
    assert run.exit_code == 1
    assert run.stdout.startswith("Failed: ")
    assert "^" in run.stderr
