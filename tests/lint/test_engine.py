"""Selecting, sorting and merging findings; fixes that hold and fixes that do not."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit import catalog
from eximkit.config.build import build
from eximkit.config.directives import MemoryFiles
from eximkit.errors import SettingsError
from eximkit.lint import engine, fixes, rules, verify
from eximkit.lint.finding import Edit, Finding, Fix, Severity
from eximkit.lint.result import LintResult, combined, order
from eximkit.lint.rules.greeting_names import EMPTY
from eximkit.source import Macro, Place, SourceFile, Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RELEASE = catalog.release("4.96")
EMPTY_HELO = "begin transports\nt:\n  driver = smtp\n  helo_data =\n"


def lint(text: str, select: Sequence[str] = ()) -> LintResult:
    config = build(SourceFile("a", text), MemoryFiles(), release=RELEASE)
    return engine.run(config, select=select)


def codes(result: LintResult) -> list[str]:
    return [finding.code for finding in result.findings]


@pytest.mark.parametrize(
    ("select", "ignore", "chosen"),
    [
        ([], [], True),
        (["EXS"], [], True),
        (["EXS201"], ["EXS"], True),
        (["EXS"], ["EXS201"], False),
        (["EXP"], [], False),
        ([], ["EX"], False),
        (["EXS201"], ["EXS201"], False),
    ],
)
def test_the_longer_prefix_decides(
    select: list[str], ignore: list[str], *, chosen: bool
) -> None:
    assert ("EXS201" in engine.selected(select, ignore)) is chosen


@pytest.mark.parametrize("prefix", ["", "NOPE", "EXS2010", "exs"])
def test_a_prefix_of_no_code_is_refused(prefix: str) -> None:
    with pytest.raises(SettingsError):
        engine.selected([prefix], [])
    with pytest.raises(SettingsError):
        engine.selected([], [prefix])


def test_findings_are_sorted_and_said_once() -> None:
    result = lint(EMPTY_HELO + "  port = x\nu:\n  driver = smtp\n  helo_data = $a$b\n")
    assert list(result.findings) == sorted(result.findings, key=order)
    places = [(f.code, f.place.path, f.place.start) for f in result.findings]
    assert len(set(places)) == len(places)


def test_two_defects_of_one_code_at_one_place_are_one_finding() -> None:
    result = lint("BOTH = $nonesuch and $neither\nsmtp_banner = BOTH\n")
    (finding,) = result.findings
    assert finding.code == "EXS201"
    assert any("neither" in note for note in finding.notes)


def test_a_macro_is_mended_where_it_is_defined() -> None:
    (finding,) = lint("NAME = $primary_hostnam\nsmtp_banner = NAME\n").findings
    assert finding.fix is None
    assert "macro NAME" in finding.unfixable


def test_an_unselected_code_is_not_called_unused() -> None:
    text = "# eximkit: ignore[EXH301] why\nprimary_hostname = a.example\n"
    assert codes(lint(text)) == ["EXI001"]
    assert codes(lint(text, select=["EXI", "EXS"])) == []


def test_counts_and_levels() -> None:
    result = lint(EMPTY_HELO + "u:\n  driver = smtp\n  helo_data = localhost\n")
    counts = result.counts()
    assert (counts[Severity.ERROR], counts[Severity.WARNING]) == (1, 1)
    assert result.reaches(Severity.ERROR)
    assert not replace(result, findings=()).reaches(Severity.INFO)


def test_results_of_several_configurations() -> None:
    one, two = lint(EMPTY_HELO), lint("smtp_banner = $nonesuch\n")
    both = combined([one, two, one])
    assert codes(both) == ["EXS201", "EXH301"]
    assert len(both.paths) == 3


def finding(
    text: str, start: int, end: int, new: str, *, safe: bool = True, path: str = "a"
) -> Finding:
    place = Place(SourceFile(path, text), start, end)
    return EMPTY.finding(
        "m", place, driver=f"d{start}", fix=Fix((Edit(path, start, end, new),), safe)
    )


def test_fixes_that_touch_are_made_one_after_the_other() -> None:
    first = finding("abcdef", 0, 2, "x")
    touching = finding("abcdef", 2, 3, "y")
    apart = finding("abcdef", 4, 4, "z")
    chosen = fixes.compatible([first, touching, apart], unsafe=False)
    assert chosen == [first, apart]
    assert fixes.edited(chosen, {"a": SourceFile("a", "abcdef")}) == {"a": "xcdzef"}


def test_unsafe_fixes_are_asked_for() -> None:
    risky = finding("abc", 0, 1, "x", safe=False)
    assert fixes.compatible([risky], unsafe=False) == []
    assert fixes.compatible([risky], unsafe=True) == [risky]


@given(
    st.text("ab\n", max_size=30),
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 5), st.text("xy", max_size=3))
    ),
)
def test_edits_change_nothing_else(
    text: str, wanted: list[tuple[int, int, str]]
) -> None:
    findings = [
        finding(text, min(at, len(text)), min(at + width, len(text)), new)
        for at, width, new in wanted
    ]
    chosen = fixes.compatible(findings, unsafe=True)
    after = fixes.edited(chosen, {"a": SourceFile("a", text)}).get("a", text)
    edits = sorted(
        (edit.start, edit.end, edit.text)
        for each in chosen
        if each.fix
        for edit in each.fix.edits
    )
    # What stands between the edits is what stood there.
    at = old = 0
    for start, end, new in edits:
        assert after[at : at + start - old] == text[old:start]
        at += start - old
        assert after[at : at + len(new)] == new
        at, old = at + len(new), end
    assert after[at:] == text[old:]


def text_of_macro() -> Place:
    file = SourceFile("a", "x = NAME\n")
    macro = Macro("NAME", Text.of(SourceFile("b", "value")), None)
    return Text.of(file).replaced(4, 8, macro).place(4, 9)


def test_what_cannot_be_edited() -> None:
    generated = SourceFile("<macros>", "x", generated=True)
    assert "made up" in fixes.why_not(Place(generated, 0, 1))
    assert "macro NAME" in fixes.why_not(text_of_macro())
    assert "several lines" in fixes.why_not(Place(SourceFile("a", "x"), 0, 1, False))
    assert fixes.why_not(Place(SourceFile("a", "x"), 0, 1)) == ""


def test_a_diff_is_by_lines_of_exim() -> None:
    before, after = "a\x85b\nc", "a\x85b\nd"
    assert list(fixes.diff({"p": before}, {"p": after})) == [
        "--- p", "+++ p", "@@ -1,2 +1,2 @@", " a\udc85b",
        "-c", "\\ No newline at end of file",
        "+d", "\\ No newline at end of file",
    ]  # fmt: skip


class Relint:
    """A linter of `a`: each `!` is an EXH301 of the driver after it, each `?` is new.

    It counts how often it was asked.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.calls = 0

    def __call__(self, texts: Mapping[str, str]) -> LintResult:
        self.calls += 1
        text = texts.get("a", self.text)
        file = SourceFile("a", text)
        marks = [at for at, c in enumerate(text) if c == "!"]
        found = [self.marked(file, at) for at in marks]
        if "?" in text:
            rule = rules.rule("EXS201")
            found.append(rule.finding("new", Place(file, 0, 1)))
        return LintResult(RELEASE, ("a",), tuple(found), (), {"a": file})

    @staticmethod
    def marked(file: SourceFile, at: int) -> Finding:
        name = file.data[at + 1]
        edit = Edit("a", at, at + 2, {"q": "?", "n": "!n"}.get(name, ""))
        place = Place(file, at, at + 1)
        return EMPTY.finding("m", place, driver=name, fix=Fix((edit,), safe=True))


def test_a_fix_that_does_not_hold_is_not_offered() -> None:
    # q brings another finding, n mends nothing, g holds.
    relint = Relint("!g.!q.!n.!h.")
    result = verify.verified(relint({}), relint)
    offered = {f.driver: f.fix is not None for f in result.findings}
    assert offered == {"g": True, "q": False, "n": False, "h": True}
    assert all(f.unfixable for f in result.findings if f.fix is None)


def test_many_fixes_are_judged_together() -> None:
    relint = Relint("".join(f"!{chr(0x100 + i)}." for i in range(500)))
    result = verify.verified(relint({}), relint)
    assert all(f.fix for f in result.findings)
    assert relint.calls == 2


def test_judging_has_an_end() -> None:
    relint = Relint("!n." * 500)
    result = verify.verified(relint({}), relint)
    assert not any(f.fix for f in result.findings)
    assert relint.calls < 100


def test_fixing_goes_on_until_nothing_is_left() -> None:
    relint = Relint("a!g!h!i!j")
    assert verify.fixed(relint, None, unsafe=False) == {"a": "a"}


def test_fixing_nothing_changes_nothing() -> None:
    relint = Relint("a!qb!n")
    assert verify.fixed(relint, None, unsafe=True) == {}


def test_a_guard_may_leave_a_remark() -> None:
    text = (
        "primary_hostname = a.example\nlog_selector = +pipelining\n"
        "begin transports\nt:\n  driver = smtp\n  hosts_pipe_connect = *\n"
        "  helo_data = [${sending_ip_address}]\n"
    )

    def relint(texts: Mapping[str, str]) -> LintResult:
        return lint(texts.get("a", text))

    texts = verify.fixed(relint, None, unsafe=True)
    left = relint(texts)
    assert "EXP107" in codes(left)
    assert not left.reaches(Severity.WARNING)


def seconds(text: str) -> float:
    start = time.process_time()
    lint(text)
    return time.process_time() - start


@pytest.mark.parametrize(
    "text",
    [
        "smtp_banner = " + "$zz " * 40_000,
        "hostlist h = " + " : ".join(["::1"] * 40_000),
        "local_interfaces = " + " : ".join(["lo"] * 40_000),
        "domainlist d = " + " : ".join(["zz;/x"] * 40_000),
        "# eximkit: ignore[EXH301] why\n" * 20_000
        + "begin transports\n"
        + "".join(f"t{i}:\n driver = smtp\n helo_data =\n" for i in range(2_000)),
        "Z = "
        + "$zz " * 1_000
        + "\n"
        + "".join(f"domainlist d{i} = Z\n" for i in range(500)),
    ],
    ids=["variables", "addresses", "devices", "lookups", "comments", "macro"],
)
def test_many_defects_take_no_time_to_speak_of(text: str) -> None:
    assert seconds(text + "\n") < 10


def test_what_exim_refuses_a_file_for_cannot_be_taken_back() -> None:
    result = lint("# eximkit: ignore[EXR308] we know\nno_such_option = 1\n")
    assert codes(result) == ["EXR308"]
    (finding,) = result.findings
    assert finding.exim_refuses
    assert finding.option == "no_such_option"
    assert "has no effect" in finding.notes[-1]


def test_a_refusal_is_not_lost_where_findings_are_merged() -> None:
    (mine,) = lint(EMPTY_HELO).findings
    other = replace(mine, message="and Exim does not load it", exim_refuses=True)
    for pair in ([mine, other], [other, mine]):
        (merged,) = engine._merged(pair)
        assert merged.exim_refuses
