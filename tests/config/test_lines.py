"""Physical lines to logical lines: against Exim's own reading, and on hostile input."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit import catalog
from eximkit.config import lines as reading
from eximkit.config.directives import MemoryFiles
from eximkit.config.lines import LineReader, Part
from eximkit.config.macros import MacroTable, parse_define
from eximkit.errors import SettingsError
from eximkit.source import SourceFile, octets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from eximkit.catalog import Release
    from eximkit.problem import Problem
    from eximkit.source import Text

MAIN = "/tmp/eximtest/CONFIG"  # noqa: S108 - a name, nothing is written there


@dataclass
class Read:
    lines: list[Text]
    reader: LineReader
    definitions: list[Problem]

    @property
    def texts(self) -> list[str]:
        return [line.text for line in self.lines]

    @property
    def problems(self) -> list[Problem]:
        return [*self.reader.problems, *self.definitions]

    @property
    def codes(self) -> list[str]:
        return [problem.code for problem in self.problems]

    @property
    def refused(self) -> bool:
        return any(problem.refuses for problem in self.problems)


def read(
    main: str | Iterable[Part],
    files: Mapping[str, str] | None = None,
    builtin: Mapping[str, str] | None = None,
    defines: Iterable[str] = (),
) -> Read:
    """Read as the builder does in the main part, where definitions are allowed."""
    macros = MacroTable(builtin or {}, [parse_define(text) for text in defines])
    source = SourceFile(MAIN, main) if isinstance(main, str) else main
    reader = LineReader(source, MemoryFiles(files), macros)
    found, wrong = [], []
    while (line := reader.next_line()) is not None:
        found.append(line)
        if "A" <= line.text[:1] <= "Z":
            problem = macros.define(line)
            if problem is not None:
                wrong.append(problem)
    return Read(found, reader, wrong)


def spaced(lines: Iterable[str]) -> list[str]:
    """Lines as `-bP config` shows them: its own indentation does not count."""
    return [" ".join(line.split()) for line in lines if line.strip()]


def assert_traced(line: Text) -> None:
    """The pieces cover the line, and each is what the file or the macro says."""
    at = 0
    for piece in line.pieces:
        text = line.text[piece.start : piece.end]
        assert piece.start == at
        at = piece.end
        if piece.verbatim:
            assert piece.use is None
            assert piece.file.data[piece.offset : piece.offset + piece.width] == text
        else:
            assert piece.use is not None
            value = piece.use.macro.value.text
            assert value[piece.use.offset : piece.use.offset + len(text)] == text
            replaced = piece.file.data[piece.offset : piece.offset + piece.width]
            assert replaced.strip()
    assert at == len(line.text)


# What Exim's messages say of what is read here, not in its parser.
MATTERS = ("macro", ".endif", ".ifdef", "include", "Byte Order Mark")


def probes(reference: Path) -> list[dict[str, Any]]:
    text = (reference / "config-probes.jsonl").read_text("utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    # Rows with an ellipsis are cut short there.
    return [row for row in rows if "..." not in row["config"]]


def test_probes(reference: Path, release: Release) -> None:
    builtin = catalog.builtin_macros(release)
    wrong: dict[str, object] = {}
    asked = 0
    for row in probes(reference):
        # The directory in which the probes were tried has files of its own.
        files = {"/tmp/eximtest/x": "", **row.get("files", {})}  # noqa: S108
        try:
            defines = [define.removeprefix("-D") for define in row["args"]]
            got = read(octets(row["config"]), files, builtin, defines)
        except SettingsError:
            if row["verdict"] == "accept" or not row["args"]:
                wrong[row["id"]] = "not read"
            continue
        asked += 1
        refuses = any(word in row["message"] for word in MATTERS)
        if "parsed" in row and spaced(got.texts)[1:] != spaced(row["parsed"]):
            wrong[row["id"]] = spaced(got.texts)
        elif refuses and not got.refused:
            wrong[row["id"]] = row["message"]
        elif row["verdict"] == "accept" and any(p.refuses for p in got.reader.problems):
            wrong[row["id"]] = got.codes
    assert wrong == {}
    assert asked > 400


def test_what_exim_holds(corpus: Path, release: Release) -> None:
    builtin = catalog.builtin_macros(release)
    suite = corpus / "exim-testsuite"
    files = {
        f"/tmp/eximtest/aux-fixed/{path.name}": path.read_text("latin-1")  # noqa: S108
        for path in (suite / "aux-fixed").iterdir()
        if path.is_file()
    }
    wrong, asked = {}, 0
    for path in sorted((suite / "parsed").iterdir()):
        got = read((suite / "confs" / path.name).read_text("latin-1"), files, builtin)
        held = [
            line
            for line in path.read_text("latin-1").split("\n")
            if not line.startswith("#")
        ]
        for line in got.lines:
            assert_traced(line)
        if any(problem.code == "EXS235" for problem in got.problems):
            # The file it includes is in the half of the suite that is not here.
            continue
        asked += 1
        if spaced(got.texts) != spaced(held) or got.reader.problems:
            wrong[path.name] = spaced(got.texts)
    assert wrong == {}
    assert asked > 500


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\n\n b \t\n", ["a", "b"]),
        ("a\r\nb\\\r\n  c\r\n", ["a", "bc"]),
        ("a\\", ["a"]),
        ("a \\", ["a "]),
        ("a\\\n\nb", ["a", "b"]),
        ("a\\\n# b\n  # c \\\n  d\n", ["ad"]),
        # The blanks that a blank line trims had hidden another backslash.
        ("a\\ \\\n\n  b\n", ["ab"]),
        ("\\\n\\\na\n", ["a"]),
        (" \\\n", [""]),
        (" \\\n\n", []),
        # A NUL ends the line for Exim, its backslash included.
        ("a\0b\\\nc\n", ["a", "c"]),
        ("a\x0b\x0c", ["a"]),
        ("a\x85\xa0", ["a\x85\xa0"]),
        ("", []),
        ("#", []),
    ],
)
def test_joining(text: str, lines: list[str]) -> None:
    got = read(text)
    assert got.texts == lines
    for line in got.lines:
        assert_traced(line)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("x = q\\\n  # c", ["x = q  # c"]),
        ("x = q\\\n# a\n# b\n", ["x = q# b"]),
        ("A = # b\nx = q\\\nA\n", ["A = # b", "x = q# b"]),
        ("x = q\\\n.endifx\n", ["x = q.endifx"]),
        ("x = q\\\n# c\n\n", ["x = q"]),
        ("x = q\\\n# c\ny\n", ["x = qy"]),
        ("x = q\n# c", ["x = q"]),
    ],
)
def test_what_is_put_aside_last_is_found_again_at_the_end(
    text: str, lines: list[str]
) -> None:
    assert read(text).texts == lines


def test_positions_survive_continuation_and_comments() -> None:
    got = read("first = a : \\\n# no\n\tb : \\\n  c\nsecond\n")
    line = got.lines[0]
    assert line.text == "first = a : b : c"
    place = line.place(line.text.index("c"))
    assert (place.line, place.column) == (4, 3)
    assert got.lines[1].place(0).line == 5


def test_positions_through_an_include_inside_a_continuation() -> None:
    files = {"/tmp/eximtest/inc": "  b : \\\n"}  # noqa: S108
    got = read("hostlist h = a : \\\n.include inc\n  c\n", files)
    line = got.lines[0]
    assert line.text == "hostlist h = a : b : c"
    place = line.place(line.text.index("b :"))
    assert (place.path, place.line, place.column) == ("/tmp/eximtest/inc", 1, 3)  # noqa: S108
    assert place.file.included_from is not None
    assert place.file.included_from.line == 2
    assert line.place(line.text.index("c")).line == 3
    assert [file.path for file in got.reader.files] == [MAIN, "/tmp/eximtest/inc"]  # noqa: S108


def test_several_parts_make_one_configuration() -> None:
    first, second = SourceFile("a", "x = 1\\\nskipped\n"), SourceFile("b", "y\n")
    blank = SourceFile("blank", "\n", generated=True)
    got = read([Part(first, 0, 7), Part(blank), Part(second), Part(first, 7)])
    assert got.texts == ["x = 1", "y", "skipped"]
    assert [file.path for file in got.reader.files] == ["a", "b"]
    assert got.lines[2].place(0).line == 2


def test_remarks_name_the_line_that_follows_them() -> None:
    got = read(
        "# eximkit: ignore[A1] one\n# other\n\nx = a \\\n  # eximkit: ignore[B2] two\n"
        "  b\n.ifdef NO\n# eximkit: skipped\n.endif\n# eximkit:last\n"
    )
    remarks = [(r.text, r.line, r.place.line) for r in got.reader.remarks]
    assert got.texts == ["x = a b"]
    assert remarks == [
        ("# eximkit: ignore[A1] one", 0, 1),
        ("# eximkit: ignore[B2] two", 0, 5),
        ("# eximkit:last", 1, 10),
    ]
    place = got.reader.remarks[1].place
    assert place.exact
    assert place.file.data[place.start : place.end] == remarks[1][0]


def test_a_byte_order_mark_is_refused_once() -> None:
    mark = "\xef\xbb\xbf"
    got = read(mark + "a\n.include i\n", {"/tmp/eximtest/i": mark + "b"})  # noqa: S108
    assert got.texts == ["a", "b"]
    assert got.codes == ["EXS219", "EXS219"]
    assert got.problems[0].replacement == ""
    # Inside a continuation Exim takes it for text.
    inside = read("a\\\n.include i\n", {"/tmp/eximtest/i": mark + "b"})  # noqa: S108
    assert inside.texts == ["a" + mark + "b"]
    assert inside.codes == []


def test_one_endless_line_is_cut_with_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "LINE_COUNT", 100)
    got = read("x = \\\n" + "a\\\n" * 105 + "b\n")
    assert got.texts == ["x = " + "a" * 99]
    assert got.codes == ["EXS230"]
    assert not got.refused


def test_blank_lines_that_undo_backslashes_stay_linear() -> None:
    got = read("x = " + "\\ " * 100_000 + "\\\n" + "\n" * 100_001 + "y\n")
    assert got.texts == ["x =", "y"]


def test_a_megabyte_on_one_line() -> None:
    got = read("A = b\nx = " + "a A " * 250_000)
    assert got.problems == [] or got.codes == ["EXS233"]
    long = read("x = " + "a" * 1_000_000)
    assert len(long.lines[0]) == 1_000_004


SNIPPETS = st.sampled_from(
    ["\n", "\n", "\\\n", " ", "#", "A", "AB", "B", " = ", " == ", "x", "_HAVE_TLS", '"',
     ".ifdef ", ".ifndef ", ".else", ".elifdef ", ".endif", ".include ", "/i", "i",
     ".include_if_exists ", "\r", "\t", "\0", "\xef\xbb\xbf", "\x85", "$", "{", "\\"]
)  # fmt: skip


@given(st.lists(SNIPPETS | st.characters(max_codepoint=255), max_size=60))
def test_any_text_is_read_and_traced(parts: list[str]) -> None:
    text = "".join(parts)
    files = {"/i": text[::-1], "/tmp/eximtest/i": "A == A\n.ifdef A\n" + text}  # noqa: S108
    got = read(text, files, {"_HAVE_TLS": "y"}, ["B=A"])
    for line in got.lines:
        assert_traced(line)
    for problem in got.problems:
        place = problem.place
        assert 0 <= place.start <= place.end <= len(place.file.data)
        assert place.line >= 1
        assert problem.message
    for remark in got.reader.remarks:
        assert 0 <= remark.line <= len(got.lines)


@given(st.binary(max_size=400))
def test_any_octets_are_read(data: bytes) -> None:
    for line in read(data.decode("latin-1")).lines:
        assert_traced(line)


def test_exim_agrees_on_made_up_files(
    exim_as_root: Path, tmp_path: Path, release: Release, made_up: list[str]
) -> None:
    builtin = catalog.builtin_macros(release)
    path = tmp_path / "conf"
    wrong, accepted = [], 0
    for text in made_up:
        path.write_text(text, "latin-1")
        asked = subprocess.run(
            [exim_as_root, "-C", path, "-bP", "config"],
            capture_output=True,
            check=False,
        )
        if asked.returncode != 0 or asked.stderr:
            continue
        accepted += 1
        held = asked.stdout.decode("latin-1").split("\n")
        got = read(text, None, builtin)
        if got.refused or spaced(got.texts) != spaced(
            line for line in held if not line.startswith("#")
        ):
            wrong.append((text, got.texts, got.codes))
    assert wrong == []
    assert accepted > len(made_up) // 10


@pytest.fixture
def made_up() -> list[str]:
    """Small files of what may go wrong, the same each time."""
    import random

    chance = random.Random(20)
    names = ["A", "AB", "B", "BA", "CAB", "AA", "Ab", "A_1", "B_"]
    values = ["x", "A", "B", "AB", "y B", "", "_HAVE_TLS", "\\", "C\\", "# q", " ", "b"]

    def value() -> str:
        return "".join(chance.choice(values) for _ in range(chance.randint(0, 5)))

    def line(number: int) -> str:
        kind = chance.random()
        if kind < 0.4:
            sign = chance.choice([" =", "=", " = "])
            return chance.choice(["", "  "]) + chance.choice(names) + sign + value()
        if kind < 0.65:
            end = chance.choice(["", "", "\\", "\\ ", " \\", "\\\\"])
            return f"hostlist h{number} = {value()}{end}"
        if kind < 0.75:
            words = [
                ".ifdef A\n",
                ".ifndef _HAVE_TLS\n",
                ".ifdeft B\n",
                ".ifdef\tA\n# ",
            ]
            return chance.choice(words) + f"hostlist i{number} = A\\\n.endif"
        if kind < 0.85:
            return chance.choice(["", " ", "#c", "# A\\", "\\", " \\", "\\\\"])
        start = chance.choice(["q\\", "r : \\", "A\\ \\", "s\\ \\ \\"])
        after = chance.choice(["", " ", "# c", "  t", "\tA B", " \\", ".endifx"])
        return f"hostlist g{number} = {start}\n{after}"

    return [
        "keep_environment =\n" + "\n".join(map(line, range(chance.randint(1, 7)))) + end
        for end in ["\n", ""] * 50
    ]
