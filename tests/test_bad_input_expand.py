"""Whatever the string: a value or a clear failure, within bounded time and memory.

Each case runs the command in a process of its own, as a user would, with limits on
processor time and address space that a runaway evaluation would exceed at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.test_bad_input import CHECKOUT, SECONDS, Run, eximkit

if TYPE_CHECKING:
    from pathlib import Path


def expand(*arguments: str | Path, stdin: bytes = b"") -> Run:
    """Expand; a value or `Failed:`, in a few lines for each string."""
    start = time.monotonic()
    run = eximkit("expand", *arguments, stdin=stdin)
    assert time.monotonic() - start < 3 * SECONDS
    assert run.code in {0, 1}, run.err
    assert (run.code == 1) == run.out.startswith("Failed: ")
    assert len(run.err) < 2000
    return run


def whole(text: bytes, *options: str) -> Run:
    """Expand one string, by way of standard input: arguments have a limit."""
    return expand(*options, "-", stdin=text)


def fails(text: bytes, *options: str) -> str:
    run = whole(text, *options)
    assert run.code == 1, run.out[:2000]
    assert len(run.out) < 2000
    return run.out.removeprefix("Failed: ")


# --- size and depth -------------------------------------------------------------------

MEGABYTE = 1 << 20
LONG = [
    b"x", b"$", b"${", b"}", b"{", b"\\", b"$a", b"${a}", b"${uc:a}", b"\\N", b"\\x",
    b"${if", b"${lookup", b"\x00", b"\xc3\xa9", b"$1", b"\\N\\", b"${eval:1}", b"$h_",
    b"!", b"${if def:h_a:{b}}", b"${if and{{", b"\n",
]  # fmt: skip


@pytest.mark.parametrize("unit", LONG, ids=repr)
def test_a_megabyte(unit: bytes) -> None:
    text = unit * (MEGABYTE // len(unit))
    for options in (("--exim-version", "4.96"), ("--tree", "--check")):
        run = eximkit("expand", *options, "-", stdin=text)
        assert run.code in {0, 1}, run.err
        assert len(run.err) < 2000


NESTED = {
    "operators": (b"${uc:", b"}"),
    "conditions": (b"${if eq{a}{a}{", b"}}"),
    "maps": (b"${map{a:b}{", b"}}"),
    "negations": (b"${if !", b"def:host{a}}"),
    "groups": (b"${if and{{", b"}}}"),
    "lookups": (b"${lookup{", b"}lsearch{/x}}"),
    "quantifiers": (b"${if forany{a}{", b"}{y}}"),
    "never closed": (b"${uc:", b""),
}


@pytest.mark.parametrize("what", NESTED)
@pytest.mark.parametrize("depth", [99, 300, 10_000])
def test_levels(what: str, depth: int) -> None:
    opening, closing = NESTED[what]
    text = opening * depth + b"x" + closing * depth
    for options in (("--exim-version", "4.96"), ("--tree", "--check")):
        run = eximkit("expand", *options, "-", stdin=text)
        assert run.code in {0, 1}, run.err
        assert len(run.err) < 2000


def test_deep_operators_have_a_value() -> None:
    assert whole(b"${uc:" * 90 + b"x" + b"}" * 90).out == "X\n"


# --- work without end -----------------------------------------------------------------

TEN = b":".join(b"%d" % n for n in range(10))
BOMBS = {
    "reduce that doubles": b"${reduce{%s}{a}{$value$value}}" % b":".join([b"1"] * 60),
    "reduce that squares": b"${reduce{1:1:1:1:1:1:1:1:1:1:1:1}{aaaa}"
    b"{${map{<, ${sg{$value}{a}{a,}}}{$value}}}}",
    "maps in maps": b"${map{%s}{" % TEN * 9 + b"x" + b"}}" * 9,
    "filters in filters": b"${filter{%s}{forany{%s}{forany{%s}{forany{%s}{forany{%s}"
    b"{forany{%s}{eq{$item}{x}}}}}}}}" % ((TEN,) * 6),
    "sorting": b"${sort{%s}{<}{${map{%s}{${map{%s}{$item}}}}}}"
    % (b":".join(b"%d" % n for n in range(2000)), TEN, TEN),
    "replacing": b"${sg{%s}{}{%s}}" % (b"a" * 20_000, b"b" * 20_000),
    "replacing what was replaced": b"${sg{" * 9 + b"aaaaaaaaaa"
    + b"}{a}{aaaaaaaaaa}}" * 9,
    "expanding itself": b"${reduce{%s}{x}{${expand:$value$value$value}}}"
    % b":".join([b"1"] * 60),
    "hexadecimal": b"${escape:" * 30 + b"\xff" * 1000 + b"}" * 30,
    "quoting": b"${quote:" * 60 + b'"' * 1000 + b"}" * 60,
    "base 64": b"${base64:" * 90 + b"x" * 10_000 + b"}" * 90,
    "long lists": b"${listextract{-1}{${map{%s}{${map{%s}{$item}}}}}}"
    % (b":".join([b"a"] * 5000), b":".join([b"b"] * 5000)),
    "numbers": b"${eval:" + b"9*" * 100_000 + b"9}",
    "brackets": b"${eval:" + b"(" * 100_000 + b"1" + b")" * 100_000 + b"}",
    "minus signs": b"${eval:" + b"-" * 100_000 + b"1}",
    "prvs": b"${map{%s}{${prvs{a@b}{%s}}}}" % (TEN, b"k" * 100_000),
    "digests": b"${map{%s}{${sha256:%s}}}" % (b":".join([b"a"] * 5000), b"k" * 20_000),
    "JSON": b"${extract json{a}{" + b"[" * 100_000 + b"}}",
    "address lists": b"${addresses:" + b"(" * 100_000 + b"}",
    "addresses": b"${address:" + b"<" * 100_000 + b"}",
    "encoded words": b"${rfc2047d:" + b"=?utf-8?q?=41?= " * 10_000 + b"}",
    "international names": b"${utf8_domain_to_alabel:" + b"\xc3\xa9" * 50_000 + b"}",
    "list of lists": b"${if match_domain{x}{" + b"+a : " * 50_000 + b"}{y}{n}}",
    "networks": b"${if match_ip{1.2.3.4}{" + b"10.0.0.0/8 : " * 20_000 + b"}{y}{n}}",
    "translating": b"${tr{%s}{%s}{%s}}"
    % (b"abc" * 50_000, b"abc" * 20_000, b"xyz" * 20_000),
    "headers": b"$h_" + b"x" * 200_000 + b":",
    "time": b"${time_eval:" + b"9w" * 100_000 + b"}",
    "named lists": b"${listnamed:" + b"x" * 200_000 + b"}",
}  # fmt: skip


@pytest.mark.parametrize("what", BOMBS)
def test_bombs(what: str) -> None:
    run = whole(BOMBS[what])
    assert len(run.out) <= 32 * MEGABYTE


REGULAR = [
    (b"(a+)+$", b"a" * 40 + b"!"),
    (b"(a|aa)+$", b"a" * 60 + b"!"),
    (b"^(([a-z])+.)+[A-Z]([a-z])+$", b"a" * 60),
    (b"(.*)*(.*)*(.*)*x", b"a" * 5000),
    (b"(?:a?){40}a{40}", b"a" * 40),
    (b"(x+x+)+y", b"x" * 5000),
    (b"((((((((((.*)*)*)*)*)*)*)*)*)*)*y", b"a" * 200),
]


@pytest.mark.parametrize(("pattern", "subject"), REGULAR, ids=range(len(REGULAR)))
def test_regular_expressions_without_end(pattern: bytes, subject: bytes) -> None:
    quoted = b"\\N" + pattern + b"\\N"
    whole(b"${if match{%s}{%s}{y}{n}}" % (subject, quoted))
    whole(b"${sg{%s}{%s}{z}}" % (subject, quoted))
    # Each match is bounded; so is their sum.
    items = b":".join([subject] * 400)
    whole(b"${filter{%s}{match{$item}{%s}}}" % (items, quoted), "--timeout", "3")
    whole(b"${if forany{%s}{match{$item}{%s}}}" % (items, quoted), "--timeout", "3")


@pytest.mark.parametrize(
    "pattern", [b"(" * 5000, b"(?R)", b"(a{1000}){1000}", b"[" * 5000, b"(?<a>(?&a))",
                b"\\\\" * 50_001, b"(?:" * 240 + b"a" + b")+" * 240]
)  # fmt: skip
def test_regular_expressions_that_are_none(pattern: bytes) -> None:
    whole(b"${if match{aaaa}{\\N" + pattern + b"\\N}{y}{n}}")


def test_the_bounds_can_be_set() -> None:
    many = b"${map{" + b":".join([b"a"] * 1000) + b"}{${uc:$item}}}"
    assert whole(many).code == 0
    assert "more than 100 steps" in fails(many, "--max-steps", "100")
    assert "more than 1000 octets" in fails(many, "--max-output", "1000")
    assert whole(many, "--max-output", "5000").code == 0


# --- the machine ----------------------------------------------------------------------


def command(code: str) -> bytes:
    """`${run` of a piece of Python, written without braces, quotes and blanks."""
    return f"${{run{{{sys.executable} -c {code}}}{{$value}}{{rc $runrc}}}}".encode()


def test_a_command_needs_permission() -> None:
    assert "--allow run" in fails(command("print(1)"))
    assert "--allow run" in fails(command("print(1)"), "--allow", "files,env,dns")
    assert whole(command("print(1)"), "--allow", "run").out == "1\n\n"


@pytest.mark.parametrize("code", ["__import__('time').sleep(99)", "exec('while(1):1')"])
def test_a_command_that_does_not_end(code: str) -> None:
    start = time.monotonic()
    whole(command(f'"{code}"'), "--allow", "run", "--timeout", "1")
    assert time.monotonic() - start < SECONDS


def test_a_command_that_writes_without_end() -> None:
    code = "\"exec('while(1):print(9**999)')\""
    whole(command(code), "--allow", "run", "--max-output", "10000")


FILE_USES = [
    "${{readfile{{{}}}}}",
    "${{lookup{{k}}lsearch{{{}}}{{$value}}{{none}}}}",
    "${{lookup{{k}}wildlsearch{{{}}}{{$value}}{{none}}}}",
    "${{lookup{{1.2.3.4}}iplsearch{{{}}}{{$value}}{{none}}}}",
    "${{lookup{{k}}cdb{{{}}}{{$value}}{{none}}}}",
    "${{lookup{{k}}dbm{{{}}}{{$value}}{{none}}}}",
    "${{lookup{{k}}dsearch{{{}}}{{$value}}{{none}}}}",
    "${{lookup{{k}}json{{{}}}{{$value}}{{none}}}}",
    "${{lookup sqlite,file={} {{select 1}}{{$value}}{{none}}}}",
    "${{if exists{{{}}}{{y}}{{n}}}}",
    "${{stat:{}}}",
    "${{if match_domain{{a}}{{lsearch;{}}}}}",
    "${{if match_domain{{a}}{{{}}}}}",
]


def places(tmp_path: Path) -> dict[str, Path]:
    """Files that are none, or too much."""
    found = {name: tmp_path / name for name in ("missing", "directory", "fifo", "loop",
             "huge", "binary", "zeros", "line", "lines")}  # fmt: skip
    found["directory"].mkdir()
    os.mkfifo(found["fifo"])
    found["loop"].symlink_to(found["loop"])
    with found["huge"].open("wb") as stream:
        stream.truncate(1 << 40)
    found["binary"].write_bytes(bytes(range(256)) * 4000)
    found["zeros"].write_bytes(bytes(MEGABYTE))
    found["line"].write_bytes(b"k: " + b"x" * 7 * MEGABYTE)
    found["lines"].write_bytes(b"k\n :\n" * MEGABYTE)
    return found | {"device": tmp_path.__class__("/dev/zero")}


@pytest.mark.parametrize("use", FILE_USES)
def test_files_that_are_none(tmp_path: Path, use: str) -> None:
    found = places(tmp_path)
    requests = [{"expr": use.format(path)} for path in found.values()]
    rows = answers(requests, "--allow", "files")
    for name, row in zip(found, rows, strict=True):
        assert row["ok"] or row["error"], name
        assert row["kind"] in {None, "file", "value", "unsupported", "forced"}, name
        assert len(row["error"] or "") < 2000, name


# --- requests -------------------------------------------------------------------------


def answers(requests: list[dict[str, Any]], *options: str) -> list[dict[str, Any]]:
    stdin = "".join(json.dumps(request) + "\n" for request in requests).encode()
    run = eximkit("expand", "--jsonl", *options, stdin=stdin)
    assert run.code in {0, 1}, run.err
    assert run.err == ""
    return [json.loads(line) for line in run.out.splitlines()]


def test_a_line_that_is_too_long() -> None:
    stdin = b'{"expr": "' + b"x" * (9 * MEGABYTE) + b'"}\n{"expr": "after"}\n'
    run = eximkit("expand", "--jsonl", stdin=stdin)
    first, second = map(json.loads, run.out.splitlines())
    assert first["error"].startswith("line 1: longer than")
    assert second["output"] == "after"


def test_answers_come_before_the_next_request() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "eximkit", "expand", "--jsonl"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    with child:
        for number in range(3):
            child.stdin.write(b'{"expr": "${eval:%d+1}"}\n' % number)
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["output"] == str(number + 1)
        child.stdin.close()
        assert child.stdout.read() == b""
    assert child.returncode == 0


def test_a_reader_that_goes_away() -> None:
    code = (
        f'yes \'{{"expr": "a"}}\' | {sys.executable} -m eximkit expand --jsonl'
        " | head -1; echo ${PIPESTATUS[1]}"
    )
    done = subprocess.run(
        ["bash", "-c", code], capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    assert done.stdout.splitlines()[1:] == ["141"]
    assert done.stderr == ""


@pytest.mark.parametrize("text", ["FOO", "FOO = 1", "set acl_m_x = ${uc:$acl_m_x}FOO"])
def test_macros_that_multiply(text: str) -> None:
    values = ["x" * 100, *(f"M{n:02}_M{n:02}_" * 9 for n in range(12))]
    defines = [f"-DM{n:02}_={value}" for n, value in enumerate(values)]
    eximkit("expand", *reversed(defines), f"-DFOO={'M12_' * 9}", text)
