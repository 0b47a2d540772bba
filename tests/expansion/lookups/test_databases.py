"""`dsearch`, `cdb`, `dbm`, `json`, `sqlite`, `passwd` and `testdb`."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.expansion.lookups.cdb import hashed
from eximkit.expansion.lookups.sqlite import quoted
from eximkit.expansion.strings import by_key
from eximkit.expansion.world import FileFailed, FileStatus, NotAllowed
from tests.expansion.lookups.looking import FILE, look
from tests.expansion.zone_world import ZoneWorld

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    Rows = tuple[Sequence[str], Sequence[Sequence[str | None]]]

PLACES = {
    "/d": 0o40755, "/d/.": 0o40755, "/d/..": 0o40755, "/d/sub": 0o40755,
    "/d/file": 0o100644, "/d/sub/x": 0o100644, "/d/link": 0o120777, "/f": 0o100644,
}  # fmt: skip
DIRECTORY = ZoneWorld(
    statuses={path: FileStatus(mode, 0, 0, 0) for path, mode in PLACES.items()}
)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("", "file sub link . .."),
        (",filter=file", "file"),
        (",filter=dir", "sub . .."),
        (",filter=subdir", "sub"),
        (",filter=file,filter=dir", "file sub . .."),
        (",filter=other", "file sub link . .."),
        (",FILTER=dir", "file sub link . .."),
    ],
)
def test_names_in_a_directory(options: str, found: str) -> None:
    names = ["file", "sub", "link", ".", "..", "none", "FILE", ""]
    got = [n for n in names if look(DIRECTORY, f"dsearch{options}", n, "/d") == n]
    assert got == found.split()


def test_a_path_in_a_directory() -> None:
    assert look(DIRECTORY, "dsearch,ret=full", "file", "/d") == "/d/file"
    assert look(DIRECTORY, "dsearch", "sub/x", "/d") == (
        'Failed: lookup of "sub/x" gave DEFER: '
        "key for dsearch lookup contains a slash: sub/x"
    )
    inside = look(DIRECTORY, "dsearch,key=path", "sub/x", "/d", version="4.98")
    assert inside == "sub/x"
    with pytest.raises(NotAllowed):
        look(DIRECTORY, "dsearch,key=path", "../f", "/d", version="4.98")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/none", "No such file or directory"),
        ("d", "No such file or directory"),
        ("", "No such file or directory"),
        ("/f", "Not a directory"),
    ],
)
def test_what_is_no_directory(path: str, reason: str) -> None:
    assert look(DIRECTORY, "dsearch", "x", path) == (
        f"Failed: failed to open {path} for directory search: {reason}"
    )


def test_a_directory_is_named_by_an_absolute_path() -> None:
    spool = {"spool_directory": "/d"}
    for path in (".", "..", "./..", "sub"):
        assert look(DIRECTORY, "dsearch", "x", path, options=spool) == (
            f"Failed: dirname '{path}' for dsearch is not absolute"
        )
    assert look(DIRECTORY, "dsearch", "x", "none", options=spool) == (
        "Failed: failed to open none for directory search: No such file or directory"
    )


def cdb(records: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A constant database, as cr.yp.to/cdb/cdb.txt describes it."""
    body = b""
    tables: list[list[tuple[int, int]]] = [[] for _ in range(256)]
    for key, data in records:
        value = hashed(key)
        tables[value % 256].append((value, 2048 + len(body)))
        body += struct.pack("<II", len(key), len(data)) + key + data
    header, end = b"", b""
    for table in tables:
        size = 2 * len(table)
        header += struct.pack("<II", 2048 + len(body) + len(end), size)
        slots = [(0, 0)] * size
        for value, at in table:
            place = value // 256 % size
            while slots[place][1]:
                place = (place + 1) % size
            slots[place] = value, at
        end += b"".join(struct.pack("<II", *slot) for slot in slots)
    return header + body + end


def in_cdb(octets: bytes, key: str) -> str | None:
    return look(ZoneWorld(files={FILE: octets.decode("latin-1")}), "cdb", key)


@given(st.lists(st.tuples(st.binary(min_size=1), st.binary()), max_size=40))
def test_what_is_put_into_a_cdb_is_found(records: list[tuple[bytes, bytes]]) -> None:
    octets = cdb(records)
    for key, _ in records:
        first = next(data for other, data in records if other == key)
        assert in_cdb(octets, key.decode("latin-1")) == first.decode("latin-1")
    assert in_cdb(octets, "no such key at all") is None


@given(st.randoms(use_true_random=False), st.integers(0, 3000))
def test_a_damaged_cdb_gives_an_answer_all_the_same(
    chance: random.Random, length: int
) -> None:
    octets = bytearray(cdb([(b"key%d" % n, b"data") for n in range(60)]))
    for _ in range(20):
        octets[chance.randrange(len(octets))] = chance.randrange(256)
    broken = bytes(octets[: len(octets) - length])
    for n in range(60):
        answer = in_cdb(broken, f"key{n}")
        if answer is not None and answer.startswith("Failed"):
            assert "cdb" in answer


def test_a_cdb_whose_tables_claim_too_much() -> None:
    octets = struct.pack("<II", 2048, 0xFFFFFFFF) * 256 + bytes(64)
    assert in_cdb(octets, "k") == (
        f'Failed: lookup of "k" gave DEFER: cdb: corrupt cdb file {FILE} (too short)'
    )


def test_files_that_are_no_cdb() -> None:
    there = ZoneWorld(files={"/short": "x" * 2047}, folders={"/dir": ()})
    assert look(there, "cdb", "k", "/no") == (
        "Failed: failed to open /no for cdb lookup: No such file or directory"
    )
    assert look(there, "cdb", "k", "/short") == (
        "Failed: failed to open /short too short for cdb lookup: Success"
    )
    assert look(there, "cdb", "k", "/dir") == (
        "Failed: failed to open cannot read header from /dir for cdb lookup: "
        "Is a directory"
    )


# Hashes and trees that Berkeley DB 5.3 wrote, with pages of 512 octets.
def page(
    number: int, kind: int, places: list[int], body: bytes, **fields: int
) -> bytes:
    """A page whose items lie at `places`; body is what its end holds."""
    head = struct.pack(
        "<QIIIHHBB", 0, number, 0, fields.get("next", 0),
        fields.get("entries", len(places)), fields.get("offset", 0), 1, kind,
    )  # fmt: skip
    head += b"".join(struct.pack("<H", place) for place in places)
    return head + bytes(512 - len(head) - len(body)) + body


def meta(magic: int, **fields: int) -> bytes:
    return struct.pack(
        "<QIIIIBBB", 0, 0, magic, fields.get("version", 9), fields.get("size", 512),
        0, 8, fields.get("flags", 0),
    ).ljust(512, b"\0")  # fmt: skip


def hash_page(number: int, *items: bytes) -> bytes:
    places, body = [], b""
    for item in items:
        body = item + body
        places.append(512 - len(body))
    return page(number, 13, places, body)


HASH = meta(0x061561) + hash_page(
    1,
    b"\1k1\0", b"\1v1\0",
    b"\1nz", b"\1plain",
    b"\1a\0b", b"\1joined",
    b"\1big\0", struct.pack("<B3xII", 3, 2, 600),
    b"\1dup\0", b"\2" + struct.pack("<H", 3) + b"one" + struct.pack("<H", 3),
) + page(2, 7, [], b"B" * 486, next=3, entries=1, offset=486) + page(
    3, 7, [], (b"B" * 114).ljust(486, b"x"), entries=1, offset=114
)  # fmt: skip
TREE = meta(0x053162) + page(
    1, 5, [500, 490, 480, 470],
    struct.pack("<HB5s2x", 2, 1, b"t2") + struct.pack("<HB5s2x", 2, 0x81, b"d\0")
    + struct.pack("<HB5s2x", 4, 1, b"leaf") + struct.pack("<HB5s4x", 3, 1, b"t1\0"),
)  # fmt: skip


def in_dbm(octets: bytes, kind: str, key: str) -> str | None:
    return look(ZoneWorld(files={FILE: octets.decode("latin-1")}), kind, key)


@pytest.mark.parametrize(
    ("octets", "kind", "key", "found"),
    [
        (HASH, "dbm", "k1", "v1"),
        (HASH, "dbm", "K1", None),
        (HASH, "dbmnz", "k1", None),
        (HASH, "dbmnz", "nz", "plain"),
        (HASH, "dbmjz", "a:b", "joined"),
        (HASH, "dbmjz", "<; a ; b", "joined"),
        (HASH, "dbm", "big", "B" * 600),
        (HASH, "dbm", "dup", "one"),
        (TREE, "dbm", "t1", "leaf"),
        (TREE, "dbm", "d", None),
    ],
)
def test_databases_of_berkeley(
    octets: bytes, kind: str, key: str, found: str | None
) -> None:
    assert in_dbm(octets, kind, key) == found


def test_files_that_are_none_of_berkeley() -> None:
    there = ZoneWorld(files={"/db": "x" * 600, "/empty": ""}, folders={"/dir": ()})
    missing = "as a db (v4.1+) file: No such file or directory"
    for path in ("/no", "/db", "/empty", "relative"):
        answer = look(there, "dbmnz", "k", path)
        assert answer == f"Failed: failed to open {path} {missing}"
    assert look(there, "dbm", "k", "/dir") == (
        "Failed: failed to open /dir as a db (v4.1+) file: Is a directory"
    )
    for fields in ({"version": 5}, {"flags": 1}, {"size": 500}):
        with pytest.raises(NotAllowed, match="a hash of Berkeley DB"):
            in_dbm(meta(0x061561, **fields), "dbm", "k")


@given(st.lists(st.tuples(st.integers(512, 2047), st.integers(0, 255)), max_size=30))
def test_a_damaged_database_gives_an_answer_all_the_same(
    damage: list[tuple[int, int]],
) -> None:
    for whole in (HASH, TREE):
        octets = bytearray(whole)
        for at, value in damage:
            if at < len(octets):
                octets[at] = value
        answer: str | None = None
        with suppress(NotAllowed):
            answer = in_dbm(bytes(octets), "dbm", "big")
        assert answer is None or isinstance(answer, str)


JSON = r"""{"a": {"b": [1, "two", {"c": true}], "n": null, "r": 0.5}, "0": "zero",
"s": "quo\te \u00e9", "big": 12345678901234567890, "e": {}, "c\u0001": 1}"""


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("s", "quo\te Ã©"),
        ("a:b:0", "1"),
        ("a:b:1", "two"),
        ("a : b : 2 : c", "true"),
        ("<;a;b;1", "two"),
        ("a:b", '[1, "two", {"c": true}]'),
        ("e", "{}"),
        ("big", "12345678901234567890"),
        ("0", None),
        ("a:b:3", None),
        ("a:x", None),
        ("s:x", None),
        ("a:b:x", None),
    ],
)
def test_json(key: str, found: str | None) -> None:
    there = ZoneWorld(files={FILE: JSON})
    assert look(there, "json", key, version="4.99") == found


def test_json_that_libraries_write_in_their_own_ways() -> None:
    there = ZoneWorld(files={FILE: JSON})
    for key in ("a:r", "a:n", "a"):
        with pytest.raises(NotAllowed, match="JSON"):
            look(there, "json", key, version="4.99")
    there = ZoneWorld(files={FILE: '{"x": ["\\u001f\\u00ff\\n/"]}'})
    found = look(there, "json", "x", version="4.99")
    assert found == '["\\u001F\xc3\xbf\\n/"]'


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, "nul", "NaN", '{"a": Infinity}', '"\xff"',
             "9" * 5000]
)  # fmt: skip
def test_what_is_no_json(text: str) -> None:
    answer = look(ZoneWorld(files={FILE: text}), "json", "a", version="4.99")
    assert answer is not None
    assert answer.startswith(f"Failed: {FILE} is not JSON: ")


@dataclass
class Database(ZoneWorld):
    """A world whose only database fails as it is told to."""

    number: int = 0
    queries: list[tuple[str, str]] = field(default_factory=list)

    def sqlite(self, path: str, query: str) -> Rows:
        self.queries.append((path, query))
        if self.number:
            raise FileFailed(path, "it fails", self.number)
        return ZoneWorld.sqlite(self, path, query)


TABLE: dict[tuple[str, str], Rows] = {
    ("/db", "one"): (["n"], [["Al"]]),
    ("/db", "empty"): (["n"], [[""]]),
    ("/db", "null"): (["n"], [[None], ["b"]]),
    ("/db", "none"): (["n"], []),
    ("/db", "two"): (["id", "a b"], [["1", "two words"], ["2", None]]),
    ("/db", "odd"): (["a", "b", "c", "d", "e"],
                     [["", 'q"uote', '"start', 'tab\t"\\', "x=\\y"]]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("one", "Al"),
        ("empty", ""),
        ("null", "<NULL>\nb"),
        ("none", None),
        ("two", 'id=1 a b="two words" \nid=2 a b=<NULL> '),
        ("odd", 'a="" b=q"uote c="\\"start" d="tab\t\\"\\\\" e=x=\\y '),
    ],
)
def test_rows_of_sqlite(query: str, found: str | None) -> None:
    there = Database(databases=TABLE)
    assert look(there, "sqlite,file=/db", None, query) == found
    assert look(there, "sqlite", None, f" \n/db \t{query}") == found
    assert look(there, "sqlite", None, query, options={"sqlite_dbfile": "/db"}) == found
    assert there.queries == [("/db", query)] * 3


def test_the_database_is_named_by_an_absolute_path() -> None:
    wanted = 'Failed: absolute file name expected for "sqlite" lookup'
    there = Database(databases=TABLE)
    for kind, query in (("sqlite", "one"), ("sqlite", ""), ("sqlite,file=", "one"),
                        ("sqlite,file=db", "one")):  # fmt: skip
        assert look(there, kind, None, query) == wanted
    assert look(there, "sqlite,ret=key,file=/db", None, "one") == "one"


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (5, None),  # What the engine refuses finds nothing.
        (21, "Failed: unable to open database file"),
        (2, NotAllowed),
        (27, NotAllowed),
        (110, NotAllowed),
    ],
)
def test_databases_that_fail(number: int, outcome: str | type | None) -> None:
    there = Database(number=number)
    if isinstance(outcome, type):
        with pytest.raises(NotAllowed, match="/db"):
            look(there, "sqlite,file=/db", None, "one")
    else:
        assert look(there, "sqlite,file=/db", None, "one") == outcome


@given(st.text('ab \t\n"\\=', max_size=10))
def test_extract_reads_what_sqlite_quotes(value: str) -> None:
    # In quotes all of it comes back; without them extract stops at a blank only.
    written = quoted(value)
    assert by_key("k", f"k={written} ") == value


def test_users_and_the_type_for_tests() -> None:
    there = ZoneWorld(users={"root": "root:x:0:0:The Boss:/root:/bin/sh"})
    line = "*:0:0:The Boss:/root:/bin/sh"
    assert look(there, "passwd", None, "root") == line
    assert look(there, "passwd", None, "\n root") == line
    assert look(there, "passwd", None, "nobody") is None
    assert look(there, "passwd", None, "") is None
    assert look(there, "testdb", None, "any thing") == "any thing"
    assert look(there, "testdb", None, "fail") is None
    assert look(there, "testdb", None, "defer") == (
        'Failed: lookup of "defer" gave DEFER: testdb lookup forced DEFER'
    )


@dataclass
class Large(ZoneWorld):
    """A world whose files are larger than it reads."""

    def status(self, path: str, *, follow: bool = True) -> FileStatus:  # noqa: ARG002
        return FileStatus(0o100644, 0, 0, 1 << 40)

    def read(self, path: str) -> str:
        raise FileFailed(path, "larger than 8 octets", 27)


@pytest.mark.parametrize("kind", ["lsearch", "wildlsearch", "iplsearch", "cdb", "json"])
def test_files_too_large_to_read_are_not_answered(kind: str) -> None:
    with pytest.raises(NotAllowed, match="the file /big, larger than 8 octets"):
        look(Large(), kind, "1.2.3.4", "/big", version="4.99")
