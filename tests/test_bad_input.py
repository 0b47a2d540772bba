"""Whatever the input: a finding or a clear error, within bounded time and memory.

Each case runs the command in a process of its own, as a user would, with limits on
processor time and address space that a runaway reading would exceed at once.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
SECONDS = 15
MEMORY = 700 * 2**20

HEAD = b"""primary_hostname = mail.example.org
keep_environment =
log_selector = +pipelining
"""
BODY = b"""begin routers
r:
  driver = manualroute
  route_list = * 192.0.2.1
  transport = t
begin transports
t:
  driver = smtp
  hosts_pipe_connect = *
"""


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str

    @property
    def codes(self) -> set[str]:
        return {finding["code"] for finding in json.loads(self.out)["findings"]}


def limits() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def eximkit(*arguments: str | Path, stdin: bytes = b"") -> Run:
    """Run the command; fail on a traceback, an internal error, or a limit reached."""
    done = subprocess.run(
        [sys.executable, "-m", "eximkit", *map(str, arguments)],
        input=stdin, capture_output=True, timeout=4 * SECONDS, check=False,
        preexec_fn=limits,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    err = done.stderr.decode("utf-8", "backslashreplace")
    assert "Traceback" not in err, err[-3000:]
    assert done.returncode not in {70, -signal.SIGKILL, -signal.SIGXCPU}, err[-3000:]
    assert done.returncode >= 0, f"killed by signal {-done.returncode}: {err[-3000:]}"
    return Run(done.returncode, done.stdout.decode("utf-8"), err)


def lint(tmp_path: Path, data: bytes, *options: str) -> Run:
    """Lint these octets as JSON, which has to be valid, from a file."""
    path = tmp_path / "bad.conf"
    path.write_bytes(data)
    run = eximkit("lint", "--format", "json", *options, path)
    assert run.code in {0, 1}, run.err
    assert json.loads(run.out)["schema"] == "eximkit.lint/1"
    return run


def helo(value: bytes) -> bytes:
    return HEAD + BODY + b"  helo_data = " + value + b"\n"


# --- octets ---------------------------------------------------------------------------


def test_empty(tmp_path: Path) -> None:
    assert lint(tmp_path, b"").codes == set()


def test_binary(tmp_path: Path) -> None:
    data = random.Random(1).randbytes(200_000)
    assert lint(tmp_path, data).code == 1


def test_binary_of_long_lines(tmp_path: Path) -> None:
    data = random.Random(2).randbytes(200_000).replace(b"\n", b" ")
    assert lint(tmp_path, data).code == 1


def test_byte_order_mark(tmp_path: Path) -> None:
    run = lint(tmp_path, b"\xef\xbb\xbf" + HEAD + BODY)
    assert run.codes == {"EXS219"}
    assert run.code == 1


def test_utf_16(tmp_path: Path) -> None:
    assert lint(tmp_path, (HEAD + BODY).decode().encode("utf-16")).code == 1


@pytest.mark.parametrize(
    "where", [b"# \0\n", b"smtp_banner = a\0b\n", b"\0\n", b"\0" * 9]
)
def test_nul(tmp_path: Path, where: bytes) -> None:
    lint(tmp_path, HEAD + where + BODY)


@pytest.mark.parametrize(
    "octet", [b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\x85"]
)
def test_octets_that_are_not_utf_8(tmp_path: Path, octet: bytes) -> None:
    comment = lint(tmp_path, HEAD + b"# caf" + octet + b"\n" + BODY)
    assert comment.codes == set()
    value = lint(
        tmp_path, HEAD + b"smtp_banner = $primary_hostnam" + octet + b"\n" + BODY
    )
    assert "EXS201" in value.codes


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "bad.conf"
    path.write_bytes(HEAD + b"no_such\x1b[31m = \x07\x9b\n" + BODY)
    run = eximkit("lint", path)
    assert run.code == 1
    assert [c for c in run.out if not c.isprintable() and c != "\n"] == []


def test_crlf(tmp_path: Path) -> None:
    run = lint(tmp_path, (HEAD + BODY).replace(b"\n", b"\r\n"))
    assert run.codes <= {"EXS219"}


def test_no_final_newline(tmp_path: Path) -> None:
    assert lint(tmp_path, (HEAD + BODY).rstrip(b"\n")).codes == set()
    assert "EXS202" in lint(tmp_path, helo(b"${if def:host").rstrip(b"\n")).codes


def test_ends_in_a_continuation(tmp_path: Path) -> None:
    lint(tmp_path, HEAD + BODY + b"  helo_data = mail.example.org \\")


# --- size -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unit", [b"a", b" ", b"$", b"{", b"}", b"${", b"\\", b":", b"\xff", b'"',
             b"${lc:x}", b"$host ", b"\\N", b"<", b"!"],
)  # fmt: skip
def test_a_megabyte_on_one_line(tmp_path: Path, unit: bytes) -> None:
    lint(tmp_path, helo(unit * (2**20 // len(unit))))


@pytest.mark.parametrize(
    "unit", [b"a", b"=", b"A = ", b".ifdef ", b"begin ", b"#", b"\t"]
)
def test_a_megabyte_that_is_no_value(tmp_path: Path, unit: bytes) -> None:
    lint(tmp_path, unit * (2**20 // len(unit)) + b"\n" + HEAD + BODY)


def test_a_megabyte_of_continuations(tmp_path: Path) -> None:
    lint(tmp_path, helo(b"a\\\n" * (2**20 // 3)))


def test_a_megabyte_of_list(tmp_path: Path) -> None:
    items = b" : ".join(b"host%d.example.org" % n for n in range(40_000))
    lint(tmp_path, HEAD + b"hostlist many = " + items + b"\n" + BODY)


def test_many_lines_that_are_wrong(tmp_path: Path) -> None:
    run = lint(tmp_path, b"no_such_option = 1\n" * 5_000)
    assert run.codes == {"EXR308"} or "EXR308" in run.codes


def test_many_lines_that_could_be_mended_and_then_clash(tmp_path: Path) -> None:
    run = lint(tmp_path, b"smtp_acept_max = 4\n" * 20_000)
    assert run.codes == {"EXR308"}


# --- depth ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opener", "closer"),
    [(b"{", b"}"), (b"${lc:", b"}"), (b"${if eq{a}{a}{", b"}}"),
     (b"${if !", b"def:host}"), (b"${if and{{", b"}}}"), (b"${expand:", b"}"),
     (b"${lookup{", b"}lsearch{/x}}"), (b"${map{a}{", b"}}"), (b"${acl{", b"}}"),
     (b"${extract json{", b"}}"), (b"${if match{a}{", b"}}")],
    ids=lambda text: text.decode(),
)  # fmt: skip
@pytest.mark.parametrize("closed", [True, False])
def test_ten_thousand_levels(
    tmp_path: Path, opener: bytes, closer: bytes, closed: bool
) -> None:
    deep = opener * 10_000 + b"a" + (closer * 10_000 if closed else b"")
    run = lint(tmp_path, helo(deep))
    if not closed and opener != b"{":
        assert "EXS202" in run.codes


def test_many_conditionals(tmp_path: Path) -> None:
    run = lint(tmp_path, b".ifdef A\n" * 20_000 + HEAD + BODY)
    assert "EXS234" in run.codes
    lint(tmp_path, b".ifndef A\n" * 20_000 + HEAD + b".endif\n" * 20_000 + BODY)


# --- includes -------------------------------------------------------------------------


def test_a_file_that_includes_itself(tmp_path: Path) -> None:
    run = lint(tmp_path, HEAD + b".include %s/bad.conf\n" % bytes(tmp_path) + BODY)
    assert "EXS235" in run.codes


def test_files_that_include_each_other(tmp_path: Path) -> None:
    other = tmp_path / "other.conf"
    other.write_bytes(b".include %s/bad.conf\n" % bytes(tmp_path) * 2)
    run = lint(tmp_path, HEAD + b".include %s\n" % bytes(other) * 2 + BODY)
    assert "EXS235" in run.codes


def test_includes_that_double(tmp_path: Path) -> None:
    for n in range(40):
        following = b".include %s/%d.inc\n" % (bytes(tmp_path), n + 1)
        (tmp_path / f"{n}.inc").write_bytes(following * 2)
    (tmp_path / "40.inc").write_bytes(b"# the end\n")
    run = lint(tmp_path, HEAD + b".include %s/0.inc\n" % bytes(tmp_path) + BODY)
    assert "EXS235" in run.codes


@pytest.mark.parametrize(
    "target", ["", "missing", "x" * 5000, "a\0b", "/proc/self/mem"]
)
def test_includes_of_what_is_no_file(tmp_path: Path, target: str) -> None:
    # A directory, nothing, a name too long, a name with a NUL, an unreadable file: even
    # root cannot read octet 0 of its own memory.
    path = target if target.startswith("/") else f"{tmp_path}/{target}"
    lint(tmp_path, HEAD + b".include " + path.encode() + b"\n" + BODY)


def test_an_endless_include(tmp_path: Path) -> None:
    run = lint(tmp_path, HEAD + b".include /dev/zero\n" + BODY)
    assert "EXS235" in run.codes


# --- macros ---------------------------------------------------------------------------


def test_a_hundred_thousand_macros(tmp_path: Path) -> None:
    macros = b"".join(b"MAC_%06d_ = value %d\n" % (n, n) for n in range(100_000))
    run = lint(tmp_path, macros + HEAD + BODY + b"  helo_data = MAC_077777_\n")
    assert "EXS201" not in run.codes


def test_macros_that_double(tmp_path: Path) -> None:
    bomb = b"BOMB_00_ = aaaaaaaa\n" + b"".join(
        b"BOMB_%02d_ = BOMB_%02d_BOMB_%02d_\n" % (n + 1, n, n) for n in range(60)
    )
    assert lint(tmp_path, bomb + helo(b"BOMB_60_")).code == 1


def test_macros_that_double_on_use(tmp_path: Path) -> None:
    bomb = b"".join(
        b"BOMB_%02d_ = BOMB_%02d_BOMB_%02d_\n" % (n, n + 1, n + 1) for n in range(60)
    )
    assert lint(tmp_path, bomb + b"BOMB_60_ = a\n" + helo(b"BOMB_00_")).code == 1


def test_macros_that_multiply_expansions(tmp_path: Path) -> None:
    macro = b"BIG_ = " + b"${if eq{$host}{x}{$sending_ip_address}{y}}" * 1000 + b"\n"
    lint(tmp_path, macro + helo(b"BIG_") + b"  headers_add = BIG_\n" * 20)


# --- expansions that would run away ---------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        b"${if match{" + b"a" * 40 + b"!}{\\N^(a+)+$\\N}{x}{y}}",
        b"${sg{" + b"a" * 2000 + b"}{a}{" + b"b" * 2000 + b"}}",
        b"${length_999999999999:x}",
        b"${eval:9223372036854775807*9223372036854775807}",
        b"${eval:" + b"(" * 5000 + b"1" + b")" * 5000 + b"}",
        b"${eval:1/0}",
        b"${eval:1<<99999999999}",
        b"${listextract{99999999999999999999}{a:b}}",
        b"${extract{-9223372036854775808}{:}{a:b}}",
        b"${map{<, 1,2,3,4,5,6,7,8,9}{" * 12 + b"x" + b"}}" * 12,
        b"${map{" + b"a:" * 20000 + b"}{" + b"$host" * 20000 + b"}}",
        b"${reduce{1:2:3:4}{x}{${reduce{1:2:3:4}{x}{$value$value$value$value}}$value}}",
        b"${sort{" + b":".join(b"%d" % n for n in range(5000)) + b"}{<}{$item}}",
        b"${if forany{" + b"a:" * 20000 + b"}{eq{$item}{b}}{x}{y}}",
        b"${expand:\\${expand:\\\\\\${expand:x}}}",
        b"${acl{loop}}",
        b"${if acl{{loop}}{x}{y}}",
        b"${if eq{$host}{a}{x}{${if eq{$domain}{b}{x}{y}}}}" * 2000,
        b"".join(b"${if eq{$acl_m_%d}{a}{%d}{x}}" % (n, n) for n in range(300)),
        b"${if and{" + b"{eq{$host}{a}}" * 5000 + b"}{x}{y}}",
    ],
    ids=lambda value: value[:24].decode(),
)
def test_expansions_that_would_run_away(tmp_path: Path, value: bytes) -> None:
    acl = b"begin acl\nloop:\n  accept message = ${acl{loop}}${acl{loop}}\n"
    acl += b"         condition = ${if acl{{loop}}}\n         acl = loop\n"
    lint(tmp_path, HEAD + acl + BODY + b"  helo_data = " + value + b"\n")


def test_lists_that_name_themselves(tmp_path: Path) -> None:
    lists = b"hostlist a = +b : +a\nhostlist b = +a : +b\n"
    lint(tmp_path, HEAD + lists + BODY + b"  hosts_avoid_esmtp = +a\n")


def test_router_variables_that_expand_themselves(tmp_path: Path) -> None:
    body = BODY.replace(b"begin transports", b"  set = r_x = \\${expand:\\$r_x}\\$r_x\n"
                        b"begin transports")  # fmt: skip
    lint(tmp_path, HEAD + body + b"  helo_data = ${expand:$r_x}\n")


def test_a_redos_in_a_list(tmp_path: Path) -> None:
    lint(tmp_path, HEAD + BODY + b"  hosts_avoid_esmtp = ^(a+)+\\$ : ^(x|x)*y\n")


# --- arguments and files --------------------------------------------------------------


def fails(run: Run, code: int) -> None:
    """An error on standard error, and nothing where results are expected."""
    assert run.code == code, (run.code, run.err)
    assert run.out == ""
    assert run.err.strip()


@pytest.mark.parametrize("fmt", ["text", "json", "jsonl", "sarif", "github", "concise"])
def test_a_file_that_is_not_there(tmp_path: Path, fmt: str) -> None:
    run = eximkit("lint", "--format", fmt, tmp_path / "missing.conf")
    fails(run, 3)
    assert "missing.conf" in run.err


@pytest.mark.parametrize(
    "path", ["/proc/self/mem", "/dev/zero", "/" + "x/" * 3000, "a\0b"]
)
def test_what_cannot_be_read(path: str) -> None:
    if "\0" in path:
        # No process can be given such an argument: the system refuses.
        with pytest.raises(ValueError, match="null byte"):
            eximkit("lint", path)
        return
    fails(eximkit("lint", path), 3)


def test_a_directory_that_is_no_configuration(tmp_path: Path) -> None:
    fails(eximkit("lint", tmp_path), 3)


def test_a_directory_of_directories(tmp_path: Path) -> None:
    for part in ("main", "acl", "router", "transport", "retry", "rewrite", "auth"):
        (tmp_path / "conf.d" / part / "10_folder").mkdir(parents=True)
        (tmp_path / "conf.d" / part / "20_gone").symlink_to("nowhere")
    run = eximkit("lint", tmp_path)
    assert run.code in {0, 1, 3}


def test_nothing_to_lint() -> None:
    fails(eximkit("lint"), 2)


@pytest.mark.parametrize(
    "options",
    [["--exim-version", "3.36"], ["--exim-version", ""], ["--select", "NOPE"],
     ["--ignore", "EXP107,NOPE"], ["--format", "pdf"], ["--fail-on", "never"],
     ["--as", "gizmo"],
     ["--no-such-option"], ["-D", "1X=2"], ["-D", ""], ["-D", "lower=1"]],
    ids=" ".join,
)  # fmt: skip
def test_options_that_mean_nothing(tmp_path: Path, options: list[str]) -> None:
    path = tmp_path / "fine.conf"
    path.write_bytes(HEAD + BODY)
    run = eximkit("lint", *options, path)
    assert run.code == 2, run.err
    assert run.out == ""


def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "fine.conf"
    path.write_bytes(HEAD + BODY)
    for target in (tmp_path, tmp_path / "no" / "such" / "folder"):
        assert eximkit("lint", "--output", target, path).code in {2, 3}
    assert eximkit("lint", "--format", "json", "--output", "/dev/full", path).code == 3


def test_standard_input(tmp_path: Path) -> None:
    data = random.Random(3).randbytes(50_000)
    run = eximkit("lint", "--format", "json", "-", stdin=data)
    assert run.code == 1
    assert run.codes
    assert eximkit("lint", "--format", "json", "-", stdin=b"").code == 0


@pytest.mark.parametrize("kind", ["main", "acl", "router", "transport", "authenticator",
                                  "retry", "rewrite", "expansion"])  # fmt: skip
def test_fragments_of_noise(tmp_path: Path, kind: str) -> None:
    noise = random.Random(kind).randbytes(20_000)
    lint(tmp_path, noise, "--as", kind)
    lint(tmp_path, b"", "--as", kind)
    lint(tmp_path, b"${" * 20_000, "--as", kind)


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    path = tmp_path / "bad.conf"
    path.write_bytes(b"no_such_option = 1\n" * 5_000)
    child = subprocess.Popen(
        [sys.executable, "-m", "eximkit", "lint", path], cwd=CHECKOUT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.read(10)
    child.stdout.close()
    err = child.stderr.read()
    child.stderr.close()
    assert child.wait(timeout=60) == 141
    assert err == b""


@pytest.mark.parametrize("code", ["EXP999", "", "x" * 100_000, "../../etc/passwd"])
def test_an_unknown_code_to_explain(code: str) -> None:
    fails(eximkit("explain", code), 2)
