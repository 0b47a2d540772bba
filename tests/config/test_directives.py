"""Conditionals and includes."""

from __future__ import annotations

import pytest

from eximkit.config import lines as reading
from eximkit.config.directives import MemoryFiles
from eximkit.config.lines import LineReader
from eximkit.config.macros import MacroTable
from eximkit.errors import InputError
from eximkit.source import SourceFile


def read(main: str, files: dict[str, str] | None = None) -> tuple[list[str], list[str]]:
    """The logical lines and the codes of the problems."""
    macros = MacroTable({"_HAVE_TLS": "y"})
    reader = LineReader(SourceFile("/etc/exim/conf", main), MemoryFiles(files), macros)
    found = []
    while (line := reader.next_line()) is not None:
        found.append(line.text)
        if line.text[:1].isupper():
            problem = macros.define(line)
            if problem is not None:
                reader.problems.append(problem)
    return found, [problem.code for problem in reader.problems]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (".ifdef _HAVE_TLS\na\n.else\nb\n.endif\n", ["a"]),
        (".ifdef NO\na\n.else\nb\n.endif\n", ["b"]),
        (".ifndef NO\na\n.elifndef NO\nb\n.else\nc\n.endif\n", ["a"]),
        (".ifdef NO\na\n.elifdef _HAVE_TLS\nb\n.elifdef _HAVE_TLS\nc\n.endif\n", ["b"]),
        (".ifdef NO\na\n.elifndef NO\nb\n.else\nc\n.endif\n", ["b"]),
        # Any macro anywhere in the line makes it true, nothing makes it false.
        (".ifdef no or _HAVE_TLSX\na\n.endif\n", ["a"]),
        (".ifdef\na\n.endif\n", []),
        # But built-in ones are not looked for after a capital.
        (".ifdef NO _HAVE_TLS\na\n.endif\n", []),
        # A second .else, and an .elifdef after it, are as good as an end.
        (".ifdef NO\n.else\na\n.else\nb\n.elifdef _HAVE_TLS\nc\n.endif\n", ["a"]),
        (".ifdef NO\n.ifdef _HAVE_TLS\na\n.else\nb\n.endif\nc\n.endif\n", []),
        (".ifdef NO\n.elifdef\n#.endif\nx \\\n.endif\na\n", ["a"]),
        ("  .ifdef NO  \nx\n\t.endif this is ignored\n", []),
        # What follows the keyword: the letter t will do, a tab will not.
        (".ifdeft NO\nx\n.endift\n", []),
        ("A = .ifdef\nA NO\na\n.endif\n", ["A = .ifdef", "a"]),
    ],
)
def test_conditionals(text: str, lines: list[str]) -> None:
    assert read(text) == (lines, [])


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (".endif\na\n", ["a"]),
        (".else\na\n", ["a"]),
        (".elifdef X\na\n", ["a"]),
        (".ifdef\tNO\na\n.endif\n", ["a"]),
        (".ifdefA\na\n.endif\n", ["a"]),
        (".ifdef NO\na\n.endifx\n", []),
        (".ifndef NO\na\n", ["a"]),
        # The line end of CRLF files is neither a blank nor an end to Exim.
        (".ifndef NO\r\na\r\n.endif\r\n", ["a"]),
        (".ifndef NO\n" * 11 + "a\n" + ".endif\n" * 11, ["a"]),
    ],
)
def test_unbalanced_conditionals(text: str, lines: list[str]) -> None:
    assert read(text) == (lines, ["EXS234"])


def test_ten_levels_are_not_too_deep() -> None:
    assert read(".ifndef NO\n" * 10 + "a\n" + ".endif\n" * 10) == (["a"], [])


def test_the_unclosed_conditional_is_shown() -> None:
    reader = LineReader(
        SourceFile("c", "a\n.ifdef A\n.ifdef B\n.endif\n"), MemoryFiles(), MacroTable()
    )
    while reader.next_line() is not None:
        pass
    assert [problem.place.line for problem in reader.problems] == [2]


@pytest.mark.parametrize(
    ("line", "lines", "codes"),
    [
        (".include /inc", ["a"], []),
        (".include\t/inc", ["a"], []),
        ('.include "/inc"', ["a"], []),
        (".include sub/b", ["b"], []),
        (".include /etc/exim", [], ["EXS235"]),
        (".include", [], ["EXS235"]),
        (".include /none", [], ["EXS235"]),
        (".include /inc # comment", [], ["EXS235"]),
        (".include_if_exists /none", [], []),
        (".include_if_exists /inc", ["a"], []),
        (".include_if_exists inc", [], ["EXM407"]),
        (".include_if_exists", [], ["EXM407"]),
        (".includes /inc", [".includes /inc"], []),
        (". include /inc", [". include /inc"], []),
        (".ifdef NO\n.include /none\n.endif", [], []),
        ("A = /inc\n.include A", ["A = /inc", "a"], []),
    ],
)
def test_includes(line: str, lines: list[str], codes: list[str]) -> None:
    files = {"/inc": "a\n", "/etc/exim/sub/b": "b"}
    assert read(f"{line}\nz\n", files) == ([*lines, "z"], codes)


def test_a_directory_is_no_reason_to_refuse() -> None:
    reader = LineReader(
        SourceFile("c", ".include /d\n.include /n\n"),
        MemoryFiles({"/d/x": ""}),
        MacroTable(),
    )
    assert reader.next_line() is None
    assert [problem.refuses for problem in reader.problems] == [False, True]


def test_the_word_without_a_line_end_is_no_directive() -> None:
    assert read("a\n.include") == (["a", ".include"], [])


def test_a_file_may_end_inside_a_conditional_or_a_continuation() -> None:
    files = {"/if": ".ifdef NO\n", "/more": "x = \\\n"}
    assert read(".include /if\na\n.endif\nb\n", files) == (["b"], [])
    assert read(".include /more\n  1\n", files) == (["x = 1"], [])


def test_relative_names_are_relative_to_the_including_file() -> None:
    files = {"/etc/exim/s/a": ".include b\n", "/etc/exim/s/b": "b\n"}
    assert read(".include s/a\n.include s/b\n", files) == (["b", "b"], [])


def test_cycles_end() -> None:
    files = {"/a": "x\n.include /b\ny\n", "/b": ".include /a\nz\n"}
    assert read(".include /a\n", files) == (["x", "z", "y"], ["EXS235"])
    assert read(".include conf\na\n", {"/etc/exim/conf": ""})[1] == ["EXS235"]


def test_a_file_may_include_itself_until_a_macro_stops_it() -> None:
    files = {"/a": ".ifndef X\nX = 1\n.include /a\n.else\na\n.endif\n"}
    assert read(".include /a\n", files) == (["X = 1", "a"], [])


def test_a_cycle_that_redefines_macros_ends() -> None:
    files = {"/a": "X == Xx\n.include /a\n"}
    lines, codes = read("X =\n.include /a\n", files)
    assert codes == ["EXS235"]
    assert len(lines) <= reading.INCLUDE_DEPTH + 1


def test_files_that_include_each_other_twice_end() -> None:
    files = {f"/{i}": f".include /{i + 1}\n" * 2 for i in range(60)}
    files["/60"] = "a\n"
    lines, codes = read(".include /0\n", files)
    assert codes == ["EXS235"]
    assert len(lines) <= reading.INCLUDE_COUNT


def test_many_octets_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "INCLUDE_OCTETS", 10)
    lines, codes = read(".include /a\n" * 9, {"/a": "aaaa\n"})
    assert lines == ["aaaa"] * 3
    assert codes == ["EXS235"]


def test_a_file_that_cannot_be_read() -> None:
    class Unreadable(MemoryFiles):
        def read(self, path: str) -> str:
            raise InputError(f"{path}: Permission denied")

    reader = LineReader(
        SourceFile("c", ".include /a\nb\n"), Unreadable({"/a": ""}), MacroTable()
    )
    line = reader.next_line()
    assert line is not None
    assert line.text == "b"
    assert "Permission denied" in reader.problems[0].message


def test_files_are_listed_with_what_included_them() -> None:
    reader = LineReader(
        SourceFile("/m", "\n.include /a\n"), MemoryFiles({"/a": "b"}), MacroTable()
    )
    line = reader.next_line()
    assert line is not None
    assert line.place(0).path == "/a"
    origin = reader.files[1].included_from
    assert origin is not None
    assert (origin.path, origin.line, origin.column) == ("/m", 2, 10)
