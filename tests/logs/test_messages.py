from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.errors import SettingsError
from eximkit.logs import messages
from eximkit.logs.chunks import Chunk, whole_lines
from eximkit.logs.messages import Story, grep, rendered, show
from eximkit.logs.passes import Passes
from eximkit.logs.patterns import Pattern
from eximkit.logs.sources import gather

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

A, B, C = b"10HmaX-000000005vi-0000", b"10HmaY-000000005vj-0000", b"10HmaZ-0005vk-00"


def line(second: int, message: bytes, text: bytes) -> bytes:
    return b"2026-01-02 03:04:%02d %s\n" % (
        second, b" ".join(filter(None, (message, text)))
    )  # fmt: skip


LOG = [
    line(1, A, b"<= anna@a.example H=x [192.0.2.1] S=1"),
    line(2, B, b"<= ben@b.example H=x [192.0.2.1] S=1"),
    line(3, b"", b"H=y [192.0.2.2] F=<anna@a.example> rejected RCPT <x@y>: no"),
    line(4, A, b"=> carl@c.example R=r T=t"),
    line(5, C, b"H=z [192.0.2.3] F=<dora@d.example> rejected after DATA: spam"),
    line(6, B, b"=> anna@b.example R=r T=t"),
    line(7, B, b"Completed"),
    line(8, b"", b"Start queue run: pid=7"),
    line(9, A, b"Completed QT=8s"),
    line(10, B, b"something late"),
    line(11, A, b"** carl@c.example: never"),
]


def reading(text: bytes, size: int = 1 << 20) -> Callable[[], Iterable[Chunk]]:
    return lambda: whole_lines([text], size=size)


def found(pattern: str, *, text: bytes = b"".join(LOG), **options: bool) -> list[Story]:
    return list(grep(reading(text), Pattern(pattern), **options))


def story(message: bytes, *numbers: int, ended: bool = True) -> Story:
    return Story(message, b"".join(LOG[n] for n in numbers), ended)


# --- Patterns -----------------------------------------------------------------------

PLAIN = (
    r"", r"a", r"^a", r"b$", r"^$", r"a.*b", r"a[^b]*b", r"a[^]b]c", r"\s+", r"a\s*b",
    r"\W", r"\D+b", r"\S+", r"(a|b)+c", r"(?:a|b)c?", r"(?i)A", r"a{2,3}", r"\bab\b",
    r"\Bb", r"[ab]+$", r"[[:alpha:]]b", r"a\.b", r"a|^b|c$", r"[^\w]b", r"a??b", r".",
)  # fmt: skip
OTHER = (
    r"\Aa", r"b\Z", r"b\z", r"(?<!a)b", r"(?!a)b", r"a++b", r"(?>a*)b", r"(a)\1",
    r"[\s]b", r"(?s)a.b", r"[^a]++$", r"a(?=\W)", r"b(?!c)", r"(?=.*b)a", r"\Rb",
    r"[[:space:]]a", r"\x61", r"(*ACCEPT)b",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PLAIN)
def test_whole_chunks_are_searched_for_plain_patterns(pattern: str) -> None:
    assert Pattern(pattern)._chunk is not None


@pytest.mark.parametrize("pattern", OTHER)
def test_lines_are_searched_for_other_patterns(pattern: str) -> None:
    assert Pattern(pattern)._chunk is None


@given(
    st.sampled_from(PLAIN + OTHER),
    st.text("abcAB \t.\r", max_size=10).map(str.encode).map(lambda b: [b])
    | st.lists(st.text("abcAB \t.\r", max_size=6).map(str.encode), max_size=12),
    st.booleans(),
    st.booleans(),
)
def test_what_a_chunk_has_is_what_its_lines_have(
    pattern: str, lines: list[bytes], ended: bool, caseless: bool
) -> None:
    wanted = Pattern(pattern, ignore_case=caseless)
    text = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    alone = text.split(b"\n")
    if not alone[-1]:
        alone.pop()
    begins = [len(b"\n".join([*alone[:n], b""])) for n in range(len(alone))]
    hits = [wanted.matches(one) for one in alone]
    expected = [begin for begin, hit in zip(begins, hits, strict=True) if hit]
    assert wanted.lines(text) == expected
    # Among many lines that do not match, it is looked for in another way.
    many = b"~\n" * 25_000
    found = [begin - len(many) for begin in wanted.lines(many + text)]
    assert [begin for begin in found if begin >= 0] == expected
    kept = [one + b"\n" for one in alone]
    if kept and not text.endswith(b"\n"):
        kept[-1] = kept[-1][:-1]
    assert wanted.hits(kept, b"".join(kept)) == hits


# What Python's expressions mean, too.
SHARED = [
    p for p in PLAIN + OTHER if not any(w in p for w in ("[[:", r"\z", r"\R", "(*"))
]


@given(st.sampled_from(SHARED), st.text("abcAB .", max_size=10))
def test_patterns_mean_what_they_mean_to_python(pattern: str, line: str) -> None:
    expected = re.search(pattern, line) is not None
    assert Pattern(pattern).matches(line.encode()) == expected


def test_a_literal_is_itself() -> None:
    text = r"a.b*[c]\d$ (x)|{2}#~^"
    assert Pattern(text, literal=True).lines(b"x\n-" + text.encode() + b"-\n") == [2]
    assert Pattern("a.b", literal=True).lines(b"axb\n") == []
    assert Pattern("[A]", literal=True, ignore_case=True).lines(b"[a]\n") == [0]
    assert Pattern("\udcff", literal=True).lines(b"\n\xff\n") == [1]


def test_a_pattern_that_means_nothing_is_named() -> None:
    with pytest.raises(SettingsError, match=r"pattern 'ab\(': missing .* character 3"):
        Pattern("ab(")
    with pytest.raises(SettingsError, match="more than one line"):
        Pattern("a\nb")


def test_no_pattern_takes_for_ever() -> None:
    with pytest.raises(SettingsError, match="takes too long"):
        Pattern("(a+)+$").lines(b"a" * 8000 + b"b\n")
    with pytest.raises(SettingsError, match="takes too long"):
        list(found("(a+)+$", text=line(1, A, b"a" * 8000 + b"b")))


# --- Messages -----------------------------------------------------------------------


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("size", [1, 200, 1 << 20])
def test_all_lines_of_messages_with_a_match(size: int, once: bool) -> None:
    def stories(pattern: str, **options: bool) -> list[Story]:
        read = reading(b"".join(LOG), size)
        return list(grep(read, Pattern(pattern), once=once, **options))

    assert stories("anna@") == [
        story(b"", 2), story(B, 1, 5, 6), story(A, 0, 3, 8),
        story(B, 9, ended=False), story(A, 10, ended=False),
    ]  # fmt: skip
    assert stories("dora") == [story(C, 4)]
    assert stories("queue run") == [story(b"", 7)]
    assert stories("nothing") == []
    assert stories("anna@", invert=True) == [story(C, 4), story(b"", 7)]
    assert stories("ben@|never") == [
        story(B, 1, 5, 6), story(B, 9, ended=False), story(A, 10, ended=False),
    ]  # fmt: skip


def test_messages_that_took_longer() -> None:
    read = reading(b"".join(LOG[:9]))
    pattern = Pattern("@")
    assert [s.id for s in grep(read, pattern, longer=4)] == [b"", B, A]
    assert [s.id for s in grep(read, pattern, longer=5)] == [b"", A]
    assert [s.id for s in grep(read, pattern, longer=8)] == [b""]


@pytest.mark.parametrize("once", [True, False])
def test_messages_that_mention_one_found(once: bool) -> None:
    log = [
        line(1, A, b"<= anna@a.example S=1"),
        line(2, B, b"<= <> R=" + A + b" S=1"),
        line(3, C, b"<= x@y S=1 id=E" + B + b"@host"),
        line(4, C, b"Completed"),
        line(5, B, b"Completed"),
        line(6, A, b"Completed"),
        line(7, A, b"Completed"),
    ]
    read = reading(b"".join(log))
    pattern = Pattern("anna")
    assert [s.id for s in grep(read, pattern, once=once)] == [A, A]
    related = grep(read, pattern, once=once, related=True)
    assert [s.id for s in related] == [C, B, A, A]


SYSLOG = (
    b"Jan  2 03:04:05 mx exim[1]: [1/2] 2026-01-02 03:04:05 " + A + b" <= anna@\n",
    b"Jan  2 03:04:05 mx exim[2]: 2026-01-02 03:04:05 " + B + b" Completed\n",
    b"Jan  2 03:04:05 mx exim[1]: [2/2] a.example S=1\n",
    b"Jan  2 03:04:06 mx exim[1]: 2026-01-02 03:04:06 " + A + b" Completed\n",
    b"Jan  2 03:04:07 mx exim[3]: [1\\2] H=x rejected\n",
    b"Jan  2 03:04:07 mx exim[3]: [2\\2]  RCPT\n",
)


@pytest.mark.parametrize("once", [True, False])
def test_entries_that_syslog_split_are_whole(once: bool) -> None:
    def stories(pattern: str) -> list[Story]:
        blocks = [b"".join(SYSLOG)]
        read = lambda: whole_lines(blocks, pieces=True)  # noqa: E731
        return list(grep(read, Pattern(pattern), once=once))

    message = Story(A, SYSLOG[0] + SYSLOG[2] + SYSLOG[3], True)
    assert stories("anna@a.example") == [message]
    assert stories("a.example S=1") == [message]
    assert stories(r"rejected\\n RCPT") == [Story(b"", SYSLOG[4] + SYSLOG[5], True)]
    assert stories(r"\[2/2\]") == []


HEADS = (
    b"2026-01-02 03:04:05 ", b"2026-01-02 03:04:05.678 ", b"2026-01-02 03:04:05 +0100 ",
    b"2026-01-02 03:04:05.678 -0330 [1234] ", b"2026-01-02 03:04:05 [7] ",
    b"Jan  2 03:04:05 mx exim[7]: 2026-01-02 03:04:05 ", b"Jan 12 03:04:05 mx exim4: ",
    b"Jan 12 03:04:05 mx exim[7]: [7] ",
    b"2026-01-02T03:04:05.678901+00:00 mx exim[7]: ",
    b"2026-01-02T03:04:05Z mx exim[7]: 2026-01-02 03:04:05.123 +0000 [7] ",
)  # fmt: skip


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("message", [A, C])
def test_every_form_of_stamp(head: bytes, message: bytes) -> None:
    log = head + message + b" <= a@b S=1\n" + head + message + b" Completed\n"
    noise = head + b"about " + message + b" \n" + message + b" <= a@b\n"
    read = reading(noise + log + noise)
    assert list(show(read, [message.decode()])) == [Story(message, log, True)]
    assert Story(message, log, True) in list(grep(read, Pattern("<= a@b S")))


def test_messages_by_their_ids() -> None:
    read = reading(b"".join(LOG), 100)
    assert list(show(read, [C.decode(), A.decode(), "10HmaX-0005vi-00"])) == [
        story(C, 4), story(A, 0, 3, 8, 10),
    ]  # fmt: skip
    assert list(show(read, [B.decode(), B.decode()])) == [story(B, 1, 5, 6, 9)]
    with pytest.raises(SettingsError, match="not a message id: '1qAbCd'"):
        list(show(read, ["1qAbCd"]))


def test_output_is_the_log_s_own() -> None:
    weird = b"2026-01-02 03:04:05 " + A + b' <= a@b T="\xff\0\r\x0b\x0c\x1c\x85 L*"'
    (only,) = found("L", text=weird)
    assert only == Story(A, weird, False)
    assert rendered(only) == (
        b"+++ " + A + b" has not completed +++\n" + weird + b"\n\n"
    )
    assert rendered(story(B, 1, 6)) == LOG[1] + LOG[6] + b"\n"


TEXTS = (
    b"<= a@b S=1", b"=> c@d R=r", b"Completed", b"Completed QT=3s", b"a Completed b",
    b"H=x F=<Completed> rejected after DATA", b"H=x rejected RCPT", b"x\ry", b"\xff\0",
    b"<= <> R=" + A, b"** x@y: SMTP data timeout", b"SMTP data timeout (message aban",
)  # fmt: skip


@given(
    st.lists(
        st.tuples(st.sampled_from([A, B, C, b""]), st.sampled_from(TEXTS)), max_size=30
    ),
    st.sampled_from(["a@b", "Completed", "R=", "x", "[ab]@", "(?<=a)@", "nothing"]),
    st.sampled_from([1, 100, 400, 1 << 20]),
    st.booleans(),
    st.integers(0, 5),
)
def test_however_it_is_read_the_same_is_found(
    lines: list[tuple[bytes, bytes]], pattern: str, size: int, related: bool, few: int
) -> None:
    text = b"".join(line(n, *entry) for n, entry in enumerate(lines))
    wanted = Pattern(pattern)
    whole = list(grep(reading(text), wanted, once=True, related=related))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(messages, "FEW", few)
        patch.setattr(messages, "MANY", 0)
        twice = list(grep(reading(text, size), wanted, related=related))
    assert twice == whole
    # Every line is in one story of its message, in order; all of those that match are.
    mine = [line(n, *entry) for n, entry in enumerate(lines)]
    matching = [one for one in mine if wanted.matches(one[:-1])]
    total = b"".join(s.text for s in whole)
    assert all(one in total for one in matching)
    assert Counter(total.split(b"\n")) <= Counter(text.split(b"\n")) + Counter([b""])
    rest = list(grep(reading(text, size), wanted, invert=True))
    if not related:
        both = b"".join(s.text for s in whole + rest)
        assert sorted(both.split(b"\n")) == sorted(text.split(b"\n"))


def test_unfinished_messages_are_kept_within_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def endless() -> Iterable[Chunk]:
        for n in range(2000):
            message = b"10H%03d-000000005vi-0000" % (n % 1000)
            yield Chunk(0, line(1, message, b"<= a@b " + b"x" * 1000))

    monkeypatch.setattr(messages, "HELD_LIMIT", 50_000)
    stories = list(grep(endless, Pattern("nothing"), invert=True))
    assert 10 < len(stories) < 50
    assert all(not s.ended for s in stories)


# --- Beside exigrep -----------------------------------------------------------------


def exigrep(*arguments: str | Path) -> bytes:
    program = shutil.which("exigrep", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("no exigrep")
    done = subprocess.run([program, *arguments], capture_output=True, check=True)
    return done.stdout


UNFINISHED = re.compile(rb"^\+\+\+ .* \+\+\+\n", re.MULTILINE)


def finished(output: bytes) -> list[bytes]:
    return [b for b in output.split(b"\n\n") if b and not UNFINISHED.match(b)]


@pytest.fixture(scope="module")
def old_log(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with ids that exigrep knows."""
    log = tmp_path_factory.mktemp("logs") / "mainlog"
    tool = corpus.parent / "tools" / "gen_mainlog.py"
    if not tool.is_file():
        pytest.skip(f"no generator at {tool}")
    options = ["--mb", "1", "--shapes", "600", "--ids", "old", "--garbage", "0"]
    subprocess.run(
        [sys.executable, tool, *options, "-o", log], check=True, capture_output=True
    )
    return log


@pytest.mark.parametrize(
    ("pattern", "options"),
    [
        ("anna@", {}),
        (r"ben@.*R=", {}),
        ("Completed", {}),
        ("L* ", {"literal": True}),
        ("rejected RCPT", {}),
        ("anna", {"invert": True}),
    ],
)
def test_exigrep_prints_the_same(
    pattern: str, options: dict[str, bool], old_log: Path
) -> None:
    flags = ["-I"]
    flags += ["-l"] if options.get("literal") else []
    flags += ["-v"] if options.get("invert") else []
    wanted = Pattern(pattern, literal=options.get("literal", False))
    with gather([old_log]) as logs:
        stories = grep(Passes(logs), wanted, invert=options.get("invert", False))
        ours = b"".join(map(rendered, stories))
    theirs = exigrep(*flags, pattern, old_log)
    # Its unfinished messages are in no order; with -v they are all there.
    assert finished(ours) == finished(theirs)
    assert len(finished(ours)) > 20
    if "invert" not in options:
        assert sorted(re.split(UNFINISHED, ours)) == sorted(
            re.split(UNFINISHED, theirs)
        )
