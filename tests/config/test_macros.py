"""Macros: definitions as Exim takes them, substitution against a plain model of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.config.macros import MacroTable, parse_define
from eximkit.config.substitution import GROWTH_LIMIT, NameIndex
from eximkit.errors import SettingsError
from eximkit.source import SourceFile, Text


def text(data: str) -> Text:
    return Text.of(SourceFile("conf", data))


def table(*definitions: str, builtin: dict[str, str] | None = None) -> MacroTable:
    macros = MacroTable(builtin or {})
    for line in definitions:
        assert macros.define(text(line)) is None, line
    return macros


def substituted(macros: MacroTable, line: str, *, logical_start: bool = True) -> str:
    file = SourceFile("conf", line)
    result = macros.substitute(file, 0, len(line), logical_start)
    return line if result is None else result.text.text


@pytest.mark.parametrize(
    ("definitions", "line", "outcome"),
    [
        (["AB = zz"], "fooABbar", "foozzbar"),
        (["A = x"], "AAA", "xxx"),
        (["AA = x"], "AAA", "xA"),
        # In order of definition, each result for later ones only.
        (["AB = CD", "CD = x"], "AB", "x"),
        (["A = A"], "A", "A"),
        (["A = B", "B = A"], "A B", "A A"),
        (["ABC = long", "AB = short"], "ABC AB", "long short"),
        # A name that appears where a value meets the text around it.
        (["A = FO", "FOO = x"], "AO", "x"),
        (["FOO = x", "A = FO"], "AO", "FOO"),
        (["E =", "AB = x"], "AEB", "x"),
        # The name of a definition stays; what follows its sign does not.
        (["AB = x"], "AB == AB", "AB == x"),
        (["AB = x"], "  AB\t= AB", "  AB\t= x"),
        (["AB = x"], "AB AB = AB", "x x = x"),
        (["AB = x"], "a AB = AB", "a x = x"),
    ],
)
def test_substitution(definitions: list[str], line: str, outcome: str) -> None:
    macros = MacroTable()
    for definition in definitions:
        # As written: the reader has not substituted in these.
        assert macros.define(text(definition)) is None
    assert substituted(macros, line) == outcome


def test_the_rest_of_a_logical_line_may_look_like_a_definition() -> None:
    assert substituted(table("A = x"), "A = A", logical_start=False) == "x = x"


def test_built_in_macros_wait_for_an_underscore() -> None:
    macros = table("X = x", builtin={"_HAVE_TLS": "y"})
    assert substituted(macros, "hostlist h = _HAVE_TLS") == "hostlist h = y"
    assert substituted(macros, "host_x = X _HAVE_TLS") == "host_x = x y"
    # Exim looks for them only if an underscore precedes every capital.
    assert substituted(macros, "hostlist h = X _HAVE_TLS") == "hostlist h = x _HAVE_TLS"


def test_origins_through_macros_in_macros() -> None:
    macros = table("AA = [BB]", "BB = b", "CC = c")
    line = "x AA y CC"
    result = macros.substitute(SourceFile("conf", line), 0, len(line))
    assert result is not None
    found = result.text
    assert found.text == "x [b] y c"
    place = found.place(3, 4)
    assert (place.start, place.end, place.exact) == (2, 4, False)
    assert place.use is not None
    assert place.use.macro.name == "BB"
    assert place.use.outer is not None
    assert (place.use.outer.macro.name, place.use.outer.offset) == ("AA", 1)
    bracket = found.place(4, 5).use
    assert bracket is not None
    assert (bracket.macro.name, bracket.offset) == ("AA", 3)
    plain = found.place(6, 7)
    assert (plain.start, plain.exact) == (5, True)


def test_an_empty_outcome_has_a_place() -> None:
    result = table("AB =").substitute(SourceFile("conf", "AB"), 0, 2)
    assert result is not None
    assert result.text.text == ""
    use = result.text.place(0).use
    assert use is not None
    assert use.macro.name == "AB"


@pytest.mark.parametrize(
    ("before", "line", "code", "value"),
    [
        ([], "ABC x", "EXS233", None),
        ([], "ABC", "EXS233", None),
        ([], "AB-C = 1", "EXS233", None),
        ([], "A" * 64 + " = 1", "EXS233", None),
        ([], "A" * 63 + " = 1", None, "1"),
        ([], "A == 1", "EXS233", "1"),
        (["AB = 1"], "AB = 2", "EXM409", "2"),
        (["AB = 1"], "AB==2", None, "2"),
        (["AB = 1"], "ABC = 2", "EXM401", None),
        (["AB = 1"], "XAB = 2", "EXM401", None),
        (["ABC = 1"], "AB = 2", None, "2"),
        (["ABC = 1", "AB = 2"], "ABC == 3", None, "3"),
        ([], "A_HAVE_TLS = 1", "EXM401", None),
        ([], "A =", None, ""),
        ([], 'A = "x" # y', None, '"x" # y'),
        ([], "A\x0c=\tx", None, "x"),
        ([], "A ==", "EXS233", ""),
        ([], "A\xc9 = x", "EXS233", None),
    ],
)
def test_definitions(
    before: list[str], line: str, code: str | None, value: str | None
) -> None:
    macros = table(*before, builtin={"_HAVE_TLS": "y"})
    problem = macros.define(text(line))
    assert (problem and problem.code) == code
    if problem is not None:
        assert problem.refuses
    name = line.partition("=")[0].strip()
    assert (macros.defined[name].value.text if name in macros else None) == value


def test_redefinition_can_be_mended() -> None:
    macros = table("AB = 1")
    problem = macros.define(text("AB = 2"))
    assert problem is not None
    assert problem.replacement == "=="
    assert (problem.place.start, problem.place.end) == (3, 4)
    assert [place.line for _, place in problem.related] == [1]


def test_the_command_line_outranks_the_file() -> None:
    macros = MacroTable({}, [parse_define("FOO=bar")])
    assert macros.define(text("FOO = inner")) is None
    assert macros.define(text("FOO == again")) is None
    assert substituted(macros, "x FOO") == "x bar"


@pytest.mark.parametrize(
    ("argument", "parsed"),
    [
        ("FOO=bar", ("FOO", "bar")),
        ("FOO", ("FOO", "")),
        ("FOO = bar baz", ("FOO", "bar baz")),
        ("FOO=", ("FOO", "")),
        ("FOO==x", ("FOO", "=x")),
        ("FOO=é", ("FOO", "\xc3\xa9")),
    ],
)
def test_command_line_arguments(argument: str, parsed: tuple[str, str]) -> None:
    assert parse_define(argument) == parsed


@pytest.mark.parametrize("argument", ["foo=bar", "", "=x", "_X=1", "A-B=1", "A" * 64])
def test_command_line_arguments_that_exim_refuses(argument: str) -> None:
    with pytest.raises(SettingsError, match="-D"):
        parse_define(argument)


def naive(definitions: list[tuple[str, str]], line: str) -> str:
    """Exim's way: each macro in turn, from left to right, over the whole line."""
    for name, value in definitions:
        line = line.replace(name, value)
    return line


NAMES = st.text("AB_c", min_size=1, max_size=4).filter(lambda name: name[0] in "AB")


@given(
    st.lists(st.tuples(NAMES, st.text("ABc_ ", max_size=5)), max_size=8),
    st.text("ABc_ ", max_size=30),
    st.text("ABc_ ", max_size=500),
)
def test_as_a_plain_model_does(
    wanted: list[tuple[str, str]], line: str, longer: str
) -> None:
    macros = MacroTable()
    definitions: list[tuple[str, str]] = []
    for name, value in wanted:
        contained = any(known in name for known, _ in definitions)
        if name not in dict(definitions):
            problem = macros.define(text(f"{name} = {value}"))
            assert (problem is not None) == contained
        if not contained:
            definitions.append((name, value.lstrip()))
    for sample in (line, longer):
        assert substituted(macros, "x" + sample) == naive(definitions, "x" + sample)


@given(
    st.sets(st.text("AB_c", min_size=1, max_size=5).filter(lambda n: n[0] in "AB_")),
    st.text("AB_c", max_size=40),
)
def test_both_ways_to_look_names_up_agree(names: set[str], line: str) -> None:
    index = NameIndex()
    for order, name in enumerate(sorted(names)):
        index.add(name, order)
    expected = {index.order[name] for name in names if name in line}
    assert index.within(line, -1, 0, len(line)) == expected
    long = line + "." * 20_000
    assert index.within(long, -1, 0, len(long)) == expected


def test_a_bomb_ends_with_a_problem() -> None:
    macros = MacroTable()
    macros.define(text("X00 = " + "x" * 10))
    for number in range(1, 40):
        line = f"X{number:02d} = " + f"X{number - 1:02d}" * 10
        result = macros.substitute(SourceFile("conf", line), 0, len(line))
        assert result is not None
        assert len(result.text) <= GROWTH_LIMIT
        if result.problem is not None:
            assert result.problem.code == "EXS233"
            assert not result.problem.refuses
            return
        macros.define(result.text)
    pytest.fail("no problem")


def test_a_bomb_of_later_macros_ends_with_a_problem() -> None:
    macros = MacroTable()
    for number in range(40):
        macros.define(text(f"X{number:02d} = " + f"X{number + 1:02d}" * 10))
    result = macros.substitute(SourceFile("conf", "x = X00"), 0, 7)
    assert result is not None
    assert result.problem is not None


def test_a_hundred_thousand_macros() -> None:
    macros = MacroTable()
    for number in range(100_000):
        assert macros.define(text(f"M{number:06d} = v{number}")) is None
    line = "x = M000000 and M099999 aM050000b M1"
    assert substituted(macros, line) == "x = v0 and v99999 av50000b M1"


def test_a_long_chain_of_macros_keeps_a_short_trace() -> None:
    macros = MacroTable()
    for number in range(5000):
        macros.define(text(f"X{number:04d} = X{number + 1:04d}"))
    result = macros.substitute(SourceFile("conf", "x = X0000"), 0, 9)
    assert result is not None
    assert result.text.text == "x = X5000"
    use, depth = result.text.place(4, 9).use, 0
    while use is not None:
        use, depth = use.outer, depth + 1
    assert 1 < depth < 100
