from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eximkit import catalog
from eximkit.catalog import release as named
from eximkit.catalog.tables import load
from tests.oracle.asking import ask

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.catalog import Release


def options(name: str, release: str) -> dict[str, tuple[str, ...] | None]:
    return {o.name: o.values for o in catalog.lookup_options(name, named(release))}


@pytest.mark.parametrize(
    ("name", "release", "expected"),
    [
        ("lsearch", "4.93", {}),
        ("lsearch", "4.94", {"ret": ("key",)}),
        ("lsearch", "4.95", {"cache": ("no_rd",), "ret": ("key", "full")}),
        ("cdb", "4.96", {"cache": ("no_rd",), "ret": ("key",)}),
        ("dnsdb", "4.96", {"cache": ("no_rd",)}),
        ("mysql", "4.94", {"servers": None}),
        ("sqlite", "4.95", {"cache": ("no_rd",), "file": None}),
        ("sqlite", "4.94.2", {}),
        ("nmh", "4.96", {}),
        ("nonesuch", "4.96", {}),
    ],
)
def test_options_of_lookup_types(
    name: str, release: str, expected: dict[str, tuple[str, ...] | None]
) -> None:
    assert options(name, release) == expected


def test_options_that_came_later() -> None:
    assert options("dsearch", "4.97.1") == {
        "cache": ("no_rd",),
        "filter": ("file", "dir", "subdir"),
        "ret": ("key", "full"),
    }
    assert options("dsearch", "4.98")["key"] == ("path",)
    (key,) = [
        option
        for option in catalog.lookup_options("dsearch", catalog.NEWEST)
        if option.name == "key"
    ]
    assert str(key.since) == "4.98"


def test_an_option_without_a_value() -> None:
    newest = catalog.Release.parse("4.100")
    found = {o.name: o.values for o in catalog.lookup_options("nmh", newest)}
    assert found["udp"] == ()
    assert found["port"] is None


def test_an_option_is_not_older_than_its_type() -> None:
    for known in catalog.RELEASES:
        for name in catalog.lookup_type_names(known):
            info = catalog.lookup_type(name)
            assert info is not None
            for option in catalog.lookup_options(name, known):
                assert option.in_release(known)
                assert info.since is None or (
                    option.since is not None and option.since >= info.since
                )


def test_every_table_is_of_a_lookup_type() -> None:
    for name in load("lookups"):
        assert name in {"every", "single_key"} or catalog.lookup_type(name), name


@pytest.mark.parametrize(
    ("option", "key", "expected"),
    [
        ("lsearch,ret=full", "ab", "ab: cd"),
        ("lsearch,ret=key", "ab", "ab"),
        ("lsearch,cache=no_rd", "ab", "cd"),
        ("wildlsearch,ret=full", "ab", "ab: cd"),
        ("nwildlsearch,ret=full", "ab", "ab: cd"),
        ("iplsearch,ret=full", "192.0.2.1", "192.0.2.1: ip"),
        ("iplsearch,ret=key", "192.0.2.1", "192.0.2.1"),
        ("lsearch,nonesuch=x", "ab", "cd"),
    ],
)
def test_exim_agrees_on_files(
    judge: Path, tmp_path: Path, option: str, key: str, expected: str
) -> None:
    file = tmp_path / "data"
    file.write_text("ab: cd\n192.0.2.1: ip\n")
    (answer,) = ask(judge, tmp_path, [f"${{lookup{{{key}}}{option}{{{file}}}}}"])
    assert (answer.ok, answer.text) == (True, expected)


def test_exim_agrees_on_directories(
    judge: Path, tmp_path: Path, release: Release
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "dir").mkdir()
    found = {o.name: o.values for o in catalog.lookup_options("dsearch", release)}
    assert found["filter"] is not None
    fits = {"file": "file", "dir": "dir", "subdir": "dir"}
    for kind in found["filter"]:
        for name in ("file", "dir"):
            text = f"${{lookup{{{name}}}dsearch,filter={kind}{{{tmp_path}}}{{y}}{{n}}}}"
            (answer,) = ask(judge, tmp_path, [text])
            assert answer.text == ("y" if fits[kind] == name else "n")
    # A path as the key came with 4.98.
    text = f"${{lookup{{dir/x}}dsearch,key=path{{{tmp_path}}}{{y}}{{n}}}}"
    (answer,) = ask(judge, tmp_path, [text])
    assert "contains a slash" in answer.text
