"""Lookups over random files and zones, against the answers of a real Exim."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from eximkit.catalog import release
from eximkit.expansion.environment import Environment
from eximkit.expansion.expand import expand
from eximkit.expansion.values import Failure
from eximkit.machine.world import Machine
from tests.conftest import without
from tests.oracle.asking import ask, escaped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ROUNDS = 250
ENVIRONMENT = Environment(
    absent_empty=True, world=Machine(("files",)), release=release("4.96")
)
FAILURES = {"value", "file", "syntax"}
Lookup = tuple[str, str | None, str]


def ours(expression: str, environment: Environment = ENVIRONMENT) -> tuple[bool, str]:
    result = expand(expression, environment)
    if isinstance(result, Failure):
        assert result.kind in FAILURES | {"forced"}, f"{expression}: {result}"
        return False, result.message
    return True, result.text


def written(lookup: Lookup, *, shown: str = "$value|$1|$2") -> str:
    """An expression that shows what a lookup finds; all but the type is escaped."""
    kind, key, query = lookup
    keyed = "" if key is None else f"{{{escaped(key)}}}"
    return f"${{lookup{keyed} {kind}{{{escaped(query)}}}{{[{shown}]}}{{no}}}}"


def compare(exim: Path, folder: Path, expressions: Sequence[str]) -> None:
    wrong = [
        f"Exim {theirs.text!r}, here {mine!r}: {expression}"
        for expression, theirs in zip(
            expressions, ask(exim, folder, expressions), strict=True
        )
        if (theirs.ok, theirs.text) != (mine := ours(expression))
    ]
    assert not wrong, f"{len(wrong)} of {len(expressions)}:\n" + "\n".join(wrong[:10])


KEYS = [
    "k1", "K1", "k2", "a.b.c", "x.b.c", "b.c", "c", "x@d", "k1@d", "@d", "q k", 'e"x',
    "*", "*.b.c", "*@d", "", "nobody", "é", "a..c", ".c", "c.", "k1:",
]  # fmt: skip
LSEARCH_TOKENS = [
    "k1", "K1", "k2", "a.b.c", "*.b.c", "*.c", "*", "*@d", "k1@d", '"q k"', '"e\\"x"',
    '"', '""', ":", ": ", " : ", " ", "\t", "  ", "data", "\\x41", "é", ".", "@", "#",
    "\n", "\n", "\n", "\n", "\n", "\n ", "\n\t", "\n#", "\n\n", "\r\n", "\v", "\0",
]  # fmt: skip
SINGLE = ["", "*", "*@"]
PARTIALS = ["", "", "partial-", "partial1-", "partial0-", "partial3-", "partial(.)",
            "partial1()", "partial0(*)", "partial0(@.)"]  # fmt: skip
OPTIONS = ["", "", "", ",ret=full", ",ret=key", ",ret=full,ret=key", ",cache=no_rd",
           ",ret=other", ","]  # fmt: skip


def lines(chance: random.Random, tokens: Sequence[str], most: int) -> str:
    text = "".join(chance.choices(tokens, k=chance.randrange(most)))
    if chance.random() < 0.2:
        at = chance.randrange(len(text) + 1)
        text = (
            text[:at] + chance.choice("x :") * chance.choice([4093, 9000]) + text[at:]
        )
    return text


def test_linear_searches(exim: Path, tmp_path: Path) -> None:
    chance = random.Random("lsearch")
    expressions = []
    for number in range(60):
        path = tmp_path / f"file{number}"
        path.write_bytes(lines(chance, LSEARCH_TOKENS, 60).encode("latin-1"))
        for _ in range(10):
            key = chance.choice(KEYS)
            partial = chance.choice(PARTIALS)
            if not key and partial:
                continue  # Exim itself may end there: a count below zero.
            kind = f"{partial}lsearch{chance.choice(SINGLE)}{chance.choice(OPTIONS)}"
            expressions.append(written((kind, key, str(path))))
    compare(exim, tmp_path, expressions)


WILD = [
    "k1", "*", "*c", "*.b.c", "**", "a*b", "^k", "^.b", "^(.)\\.", "^K1$", "!k1", "! c",
    "!!c", "@", "@[]", "+list", "a::b", "é", "^\\N\\d\\N", "\\N$x\\N", "$", "${lc:K1}",
    "${if eq{a}{b}{c}fail}", "$nonesuch", "\\x41", "*@d", "1.2.3.0/24", " k2 ",
]  # fmt: skip


def test_patterns_as_keys(exim: Path, tmp_path: Path) -> None:
    chance = random.Random("wildlsearch")
    expressions = []
    for number in range(60):
        path = tmp_path / f"file{number}"
        text = "".join(
            f'"{key}": {n}\n'.replace("\\", "\\\\")
            for n, key in enumerate(chance.choices(WILD, k=chance.randrange(1, 5)))
        )
        path.write_bytes(text.encode("latin-1"))
        for _ in range(8):
            key = chance.choice([*KEYS, "A", "1", "x", "a::b", "@[]", "+list"])
            kind = chance.choice(["wildlsearch", "nwildlsearch"])
            kind += chance.choice(SINGLE) + chance.choice(OPTIONS)
            expressions.append(written((kind, key, str(path)), shown="$value"))
    compare(exim, tmp_path, expressions)


NETWORKS = [
    "1.2.3.4", "1.2.3.0/24", "1.2.0.0/16", "0.0.0.0/0", "1.2.3.4/33", "1.2.3.4/",
    "1.2.3.4/x", "abcd::/16", "abcd::1", "::/0", "::ffff:1.2.3.4", "::ffff:0:0/96", "*",
    "bad", "1.2.3.5/31", "1.2.3", "fe80::/10",
]  # fmt: skip
ADDRESSES = [
    "1.2.3.4", "1.2.3.5", "1.2.9.9", "9.9.9.9", "abcd::1", "abcd::", "::1", "0:0::1",
    "::ffff:1.2.3.4", "::ffff:9.9.9.9", "*", "", "1.2.3.0/24", "1.2.3", "host.example",
    "1.2.3.4 ", "fe80::1",
]  # fmt: skip


def test_networks_as_keys(exim: Path, tmp_path: Path) -> None:
    chance = random.Random("iplsearch")
    expressions = []
    for number in range(50):
        path = tmp_path / f"file{number}"
        keys = chance.choices(NETWORKS, k=chance.randrange(1, 6))
        path.write_text("".join(f'"{key}": {n}\n' for n, key in enumerate(keys)))
        for _ in range(8):
            kind = f"iplsearch{chance.choice(['', '*'])}{chance.choice(OPTIONS)}"
            expressions.append(written((kind, chance.choice(ADDRESSES), str(path))))
    compare(exim, tmp_path, expressions)


def test_directories(exim: Path, tmp_path: Path) -> None:
    place = tmp_path / "directory"
    (place / "sub").mkdir(parents=True)
    (place / "file").write_text("x")
    (place / "sub" / "below").write_text("x")
    (place / "link").symlink_to("file")
    (place / "loop").symlink_to("loop")
    (place / "odd name é").write_text("x")
    names = ["file", "sub", "link", "loop", "none", ".", "..", "", "sub/below", "/file",
             "odd name é".encode().decode("latin-1"), "FILE", "file."]  # fmt: skip
    options = ["", ",ret=full", ",filter=file", ",filter=dir", ",filter=subdir",
               ",filter=file,filter=subdir", ",ret=full,filter=dir", ",filter=x",
               "*", "*@,ret=full", ",key=path"]  # fmt: skip
    paths = [str(place), f"{place}/", f"{place}/file", f"{place}/none", f"{place}/loop",
             "directory", "", ".", "./..", "./nonesuch"]  # fmt: skip
    expressions = [
        written((f"dsearch{option}", name, paths[0]))
        for option in options
        for name in names
    ]
    expressions += [written(("dsearch", "file", path)) for path in paths]
    compare(exim, tmp_path, expressions)


def test_constant_databases(exim: Path, tmp_path: Path, corpus: Path) -> None:
    chance = random.Random("cdb")
    known = corpus / "exim-testsuite" / "aux-fixed" / "2400.cdb"
    whole = known.read_bytes()
    keys = ["first", "second", "third", "", "no", "partial.b.c", "*", "First"]
    expressions = [
        written((f"{partial}cdb{default}", key, str(known)))
        for key in keys
        for partial in ("", "partial0(x)")
        for default in SINGLE
        if key or not partial
    ]
    for number in range(40):
        path = tmp_path / f"{number}.cdb"
        # Damage of the header alone: what it points at is then anything.
        octets = bytearray(whole)
        octets[chance.randrange(2048)] = chance.randrange(256)
        path.write_bytes(octets[: chance.choice([len(octets), 2048, 2060])])
        expressions += [written(("cdb", key, str(path))) for key in keys[:3]]
    compare(exim, tmp_path, expressions)


def test_databases_of_berkeley(exim: Path, tmp_path: Path, corpus: Path) -> None:
    build = shutil.which("exim_dbmbuild", path=f"{os.environ['PATH']}:/usr/sbin")
    if build is None:
        without("no exim_dbmbuild: install Debian's exim4-base")
    source = tmp_path / "source"
    lines = ["k1: v1", "k2 two", "  more", '"q k": quoted', "empty:", "*.b.c: part"]
    lines += [f"key{n}: value {n}" for n in range(3000)]
    lines += ["*: star", "big: " + "B" * 9000]
    source.write_text("\n".join(lines) + "\n")
    subprocess.run([build, source, tmp_path / "zero"], check=True)
    subprocess.run([build, "-nozero", source, tmp_path / "nozero"], check=True)
    paths = [tmp_path / "zero", tmp_path / "nozero", tmp_path / "none", source,
             corpus / "exim-testsuite" / "aux-fixed" / "2302.emptydbmnzlookup",
             tmp_path]  # fmt: skip
    keys = [
        "k1",
        "K1",
        "k2",
        "q k",
        "empty",
        "x.b.c",
        "key0",
        "key2999",
        "big",
        "",
        "no",
    ]
    compare(exim, tmp_path, [
        written((f"{partial}{kind}{default}", key, str(path)))
        for path in paths
        for kind in ("dbm", "dbmnz", "dbmjz")
        for key in keys
        for partial, default in (("", ""), ("", "*"), ("partial-", ""))
        if key or not partial
    ])  # fmt: skip


def test_sqlite_databases(exim: Path, tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite"
    rows: list[tuple[int, str, float | None, str | bytes | None]] = [
        (1, "plain", 1.5, b"ab"),
        (2, "two words", None, b""),
        (3, 'q"uote', -0.1, "x=y"),
        (4, "", 1e20, 'tab\t"\\'),
        (5, '"start', 3, "é"),
        (6, "line\ntwo", 1 / 3, None),
    ]
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "create table t (id integer, name text, number real, any blob)"
        )
        database.executemany("insert into t values (?, ?, ?, ?)", rows)
    queries = [
        "select name from t", "select * from t", "select number from t where id > 2",
        "select id as 'a b', any as \"c=d\" from t", "select * from t where id = 9",
        "select null", "select null, 1", "select 1 where 0", "selec", "select * from n",
        "", " ", "-- nothing", "select ''", "select count(*), max(number) from t",
        "select any from t where id = 6", "select 1.0, 123456789.0, 1e15",
        "select 12345678901234567890", "select -1e300 * 1e300", "select 1; select 2",
    ]  # fmt: skip
    expressions = [
        written((kind, None, query))
        for text in queries
        for kind, query in (
            (f"sqlite,file={path}", text),
            ("sqlite", f"{path} {text}"),
            ("sqlite", f" {path}\n\t{text}"),
        )
    ]
    expressions += [
        written(("sqlite", None, "select 1")),
        written(("sqlite", None, "")),
        written(("sqlite,file=db.sqlite", None, "select 1")),
        written((f"sqlite,ret=key,file={path}", None, "select 5")),
        written((f"sqlite,file={tmp_path}", None, "select 1")),
    ]
    compare(exim, tmp_path, expressions)


def test_users(exim: Path, tmp_path: Path) -> None:
    names = [
        "root",
        " root",
        "\nroot",
        "daemon",
        "nobody",
        "none",
        "",
        "0",
        "root ",
        "R",
    ]
    compare(exim, tmp_path, [written(("passwd", None, name)) for name in names])


TYPE_PARTS = [
    "partial", "partial-", "partial2-", "partial(", "(.)", "-", "lsearch", "dnsdb",
    "passwd", "nonesuch", "*", "*@", "@", ",", "ret=key", "LSEARCH", "9", "dsearch",
]  # fmt: skip


def test_words_for_types(exim: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("k: v\n*: star\n")
    chance = random.Random("types")
    words = {"".join(chance.choices(TYPE_PARTS, k=chance.randrange(1, 5)))
             for _ in range(400)}  # fmt: skip
    expressions = [
        f"${{if eq{{a}}{{b}}{{${{lookup{key} {word}{{x}}}}}}{{ok}}}}"
        for word in sorted(words)
        if word[0].isalpha()
        for key in ("", "{k}")
    ]
    compare(exim, tmp_path, expressions)


def test_files_that_cannot_be_used(exim: Path, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "empty").write_text("")
    (tmp_path / "short").write_text("k: v\n")
    paths = [str(tmp_path / name) for name in ("none", "loop", "empty", "none/x", "")]
    kinds = [
        "lsearch",
        "wildlsearch*",
        "iplsearch",
        "cdb",
        "dsearch",
        "partial-lsearch",
    ]
    expressions = [
        written((kind, "1.2.3.4", path))
        for kind in kinds
        for path in [*paths, "relative", "", "/dev/null", "short/"]
        # What errno was before cannot be known for a file that is no cdb.
        if not (kind == "cdb" and path.endswith(("empty", "null")))
    ]
    compare(exim, tmp_path, expressions)


@pytest.mark.parametrize("pattern", ["^(", "a;b", "net-lsearch;/f", "lsearch;/none"])
def test_patterns_at_which_exim_ends(exim: Path, tmp_path: Path, pattern: str) -> None:
    (tmp_path / "file").write_text(f'"{pattern}": x\n')
    expression = written(("nwildlsearch", "x", str(tmp_path / "file")))
    with pytest.raises(AssertionError, match="Exim stopped"):
        ask(exim, tmp_path, [expression])
    assert ours(expression)[1].startswith("Exim stops: ")
