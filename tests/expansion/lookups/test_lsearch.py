"""`lsearch`, partial matching and defaults. What is said was Exim 4.96's answer."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.expansion.lookups.lsearch import CHUNK, entries
from eximkit.expansion.world import FileStatus, NotAllowed
from tests.expansion.lookups.looking import FILE, captures, look
from tests.expansion.zone_world import ZoneWorld

ALIASES = r"""plain: data one
  continued
	  more  
# comment
   not of it

nocolon data
noblank:data
spc   :   spaced   
empty:
bare
two: : x
colon:: y
"qu oted": qdata
"q\"e\\s\x41\101\n": esc
"unterminated: zz
"ab"cd: adj
'single': s
dup: first
dup: second
UPPER: up
:anon
cont:
  first
  second
colonbelow
  : y
a: x

  y
b: x
  # in it
  z
"": nothing
last: end"""  # noqa: W291, E101


def world(text: str = ALIASES) -> ZoneWorld:
    return ZoneWorld(files={FILE: text})


@pytest.mark.parametrize(
    ("key", "data"),
    [
        ("plain", "data one continued more"),
        ("PLAIN", "data one continued more"),
        ("nocolon", "data"),
        ("noblank", "data"),
        ("noblank:data", None),
        ("spc", "spaced"),
        ("empty", ""),
        ("bare", ""),
        ("two", ": x"),
        ("colon", ": y"),
        ("qu oted", "qdata"),
        ('q"e\\sAA\n', "esc"),
        ("unterminated: zz", ""),
        ("unterminated", None),
        ("ab", "cd: adj"),
        ("abcd", None),
        ('"ab"', None),
        ("'single'", "s"),
        ("dup", "first"),
        ("upper", "up"),
        ("anon", None),
        (":anon", None),
        ("cont", " first second"),
        ("colonbelow", " : y"),
        ("a", "x"),
        ("b", "x # in it z"),
        ("", None),
        ("last", "end"),
        ("last ", None),
    ],
)
def test_a_key_has_its_data(key: str, data: str | None) -> None:
    assert look(world(), "lsearch", key) == data


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("plain", "plain: data one continued more"),
        ("spc", "spc   :   spaced"),
        ("qu oted", "qu oted: qdata"),
        ('q"e\\sAA\n', 'q"e\\sAA\n: esc'),
        ("ab", "abcd: adj"),
        ("cont", "cont: first second"),
    ],
)
def test_the_whole_entry_may_be_asked_for(key: str, line: str) -> None:
    assert look(world(), "lsearch,ret=full", key) == line


def test_the_key_may_be_asked_for() -> None:
    assert look(world(), "lsearch,ret=key", "Plain") == "Plain"
    assert look(world(), "lsearch,ret=key,ret=full", "plain") == "plain"
    assert look(world(), "lsearch,ret=key", "nobody") is None


@pytest.mark.parametrize(
    ("text", "key", "data"),
    [
        ("k: x" + " " * 5000 + "z\n  q\n", "k", "x" + " " * 5000 + "z q"),
        ("k: " + "d" * 10_000 + "\n", "k", "d" * 10_000),
        ("j" * 4094 + ": v\n", "j" * 4094, " v"),
        ("i" * 4095 + ": v\n", "i" * 4095, ": v"),
        ("h" * 4096 + ": v\n", "h" * 4095, "h: v"),
        ('"' + "q" * 4093 + '": x\n', "q" * 4093, ": x"),
        ('"' + "p" * 4094 + '": x\n', "p" * 4094, '": x'),
        ("#" + "c" * 4094 + "hidden: no\nk: yes\n", "hidden", None),
        ("k: x\n#" + "y" * 4093 + " zzz\n  q\n", "k", "x"),
        ("k: x\n" + " " * 4095 + "\n  q\n", "k", "x  q"),
        ("nul\0x: d\nnext: a\0b\n  c\n", "nul", "next: a  c"),
        ("nul\0x: d\nnext: a\0b\n  c\n", "next", None),
        ("cr: data\r\n cont\r\n", "cr", "data cont"),
        ("vt\v: x\n", "vt", "x"),
    ],
)
def test_lines_come_in_pieces(text: str, key: str, data: str | None) -> None:
    assert look(world(text), "lsearch", key) == data


KEYS = """k1: v1
*: star
*@d: stard
*.b.c: pbc
*.c: pc
.x.y: dotxy
"++": plus
"""


@pytest.mark.parametrize(
    ("kind", "key", "data", "made"),
    [
        ("lsearch*", "k1", "v1", ()),
        ("lsearch*", "no", "star", ("no", "")),
        ("lsearch*", "", "star", ("", "")),
        ("lsearch*@", "k@d", "stard", ("k", "")),
        ("lsearch*@", "k@l@d", "stard", ("k@l", "")),
        ("lsearch*@", "@d", "star", ("@d", "")),
        ("lsearch*@", "k@e", "star", ("k@e", "")),
        ("partial-lsearch", "k1", "v1", ("", "k1")),
        ("partial-lsearch", "b.c", "pbc", ("", "b.c")),
        ("partial-lsearch", "a..b.c", "pbc", ("a.", "b.c")),
        ("partial-lsearch", "A.B.c", "pbc", ("A", "B.c")),
        ("partial1-lsearch*", "q.c", "pc", ("q", "c")),
        ("partial1-lsearch*", "q.d", "star", ("q.d", "")),
        ("partial1-lsearch", ".c", "pc", ("", "c")),
        ("partial0-lsearch", "a.b.d", "star", ("a.b.", "")),
        ("partial0-lsearch", "zz", "star", ("z", "")),
        ("partial0(++)lsearch", "a.b.d", "plus", ("a.b.", "")),
        ("partial0(++.)lsearch", "a.b.d", "plus", ("a.b.", "")),
        ("partial3(.)lsearch", "x.y", "dotxy", ("", "x.y")),
        ("partial(.)lsearch", "z.x.y", "dotxy", ("z", "x.y")),
    ],
)
def test_wildcards_of_keys(
    kind: str, key: str, data: str, made: tuple[str, ...]
) -> None:
    assert look(world(KEYS), kind, key) == data
    assert captures(world(KEYS), kind, key) == made


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("partial-lsearch", "q.d"),
        ("partial-lsearch", "q.q.c"),
        ("partial0()lsearch", "a.b"),
        ("partial1-lsearch", "x.c."),
        ("partial3(.)lsearch", "k.x.y"),
        ("lsearch", "no"),
    ],
)
def test_wildcards_that_do_not_fit(kind: str, key: str) -> None:
    assert look(world(KEYS), kind, key) is None


def test_files_that_cannot_be_used() -> None:
    there = ZoneWorld(
        files={"/spool/near": "k: v\n"},
        folders={"/dir": ()},
        statuses={"/dev/tty": FileStatus(0o20666, 0, 0, 0)},
    )
    missing = "for linear search: No such file or directory"
    assert look(there, "lsearch", "k", "/no") == f"Failed: failed to open /no {missing}"
    assert look(there, "lsearch", "k", "near") == (
        f"Failed: failed to open near {missing}"
    )
    assert look(there, "lsearch", "k", "") == f"Failed: failed to open  {missing}"
    for path in ("/dir", "/dev/tty"):
        assert look(there, "iplsearch", "k", path) == (
            f"Failed: {path} is not a regular file (lsearch lookup)"
        )
    # Exim works in its spool directory.
    spool = {"spool_directory": "/spool"}
    assert look(there, "lsearch", "k", "near", options=spool) == "v"


def test_a_huge_file_is_searched_at_once() -> None:
    text = "".join(f"key{n}: value {n}\n" for n in range(100_000))
    many = world(text + "x" * 1_000_000 + "\n" + "late: found\n")
    start = time.monotonic()
    assert look(many, "lsearch", "late") == "found"
    for n in range(0, 100_000, 1000):
        assert look(many, "lsearch", f"key{n}") == f"value {n}"
    assert time.monotonic() - start < 10


def test_other_types_say_that_they_are_not_supported() -> None:
    for kind, key in (("nis", "k"), ("spf", "k"), ("lmdb", "k"), ("mysql", None),
                      ("ldapm", None), ("redis", None), ("whoson", None)):  # fmt: skip
        with pytest.raises(NotAllowed, match=f"a lookup of type {kind}"):
            look(world(), kind, key)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="latin-1", exclude_characters="\0"),
                    min_size=1, max_size=20),
            st.text('ab :\\"#', max_size=20),
        )
    )
)  # fmt: skip
def test_quoted_keys_are_read_as_they_were_written(
    pairs: list[tuple[str, str]],
) -> None:
    def quoted(key: str) -> str:
        return "".join(f"\\{ord(c):03o}" for c in key)

    text = "".join(f'"{quoted(key)}": {data}\n' for key, data in pairs)
    found = [(e.key, e.data) for e in entries(text)]
    assert found == [(key, data.strip()) for key, data in pairs]


@given(st.binary(max_size=3 * CHUNK), st.sampled_from(["", "*", "*@"]))
def test_any_octets_are_a_file(octets: bytes, default: str) -> None:
    text = octets.decode("latin-1")
    for kind in ("lsearch", "nwildlsearch"):
        found = look(world("k: v\n" + text), f"{kind}{default}", "k")
        assert found is not None
        assert found.startswith("v")
