"""`wildlsearch`, `nwildlsearch` and `iplsearch`, by what Exim 4.96 answered."""

from __future__ import annotations

import pytest

from eximkit.expansion.values import ExpansionFailed
from eximkit.expansion.world import NotAllowed
from tests.expansion.lookups.looking import FILE, captures, look
from tests.expansion.zone_world import ZoneWorld


def world(*keys: str, **files: str) -> ZoneWorld:
    """A file with these keys, each in quotes, its number as the data."""
    lines = [
        f'"{key}": {number}\n'.replace("\\", "\\\\") for number, key in enumerate(keys)
    ]
    return ZoneWorld(files={FILE: "".join(lines), "/f": "k1: v\n", **files})


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("abc", ["abc", "ABC"], ["ab", "abcd"]),
        (" abc ", ["abc"], [" abc ", " abc"]),
        ("*.b.c", ["q.b.c", ".b.c", "Q.B.C"], ["b.c"]),
        ("**x", ["a*x"], ["ax"]),
        ("a*b", ["a*b"], ["axb"]),
        ("*", ["x"], [""]),
        ("^", ["x"], []),
        (r"^(\d+)\.com$", ["12.com"], ["a.com"]),
        ("^^a", ["a"], ["^a"]),
        ("!abc", ["x", "!abc"], ["abc"]),
        ("! abc", ["x"], ["abc"]),
        ("!!abc", ["abc", "x"], []),
        ("!", ["x"], [""]),
        ("!+named", ["x", "named"], []),
        ("@", ["@"], ["host.example"]),
        ("@[]", ["@[]"], ["[127.0.0.1]"]),
        ("+dl", ["+dl"], ["x"]),
        ("a::b", ["a::b"], ["a:b"]),
        ("1.2.3.0/24", ["1.2.3.0/24"], ["1.2.3.4"]),
        ("lsearch;/f", ["k1"], ["k2", "lsearch;/f"]),
        ("lsearch; /f", ["k1"], ["k2"]),
        ("*;x", ["q;x"], ["q"]),
        ("xÉ", ["xÉ", "XÉ"], ["xé"]),
        ("", [], [""]),
    ],
)
def test_a_pattern_matches(
    pattern: str, matching: list[str], others: list[str]
) -> None:
    there = world(pattern)
    for key in matching:
        assert look(there, "nwildlsearch", key) == "0", key
    for key in others:
        assert look(there, "nwildlsearch", key) is None, key


def test_the_first_pattern_counts() -> None:
    there = world("^b", "*.c", "*")
    assert look(there, "nwildlsearch", "b.c") == "0"
    assert look(there, "nwildlsearch", "a.c") == "1"
    assert look(there, "nwildlsearch", "x") == "2"
    assert look(there, "nwildlsearch,ret=full", "a.c") == "*.c: 1"
    assert look(there, "nwildlsearch,ret=key", "a.c") == "a.c"


def test_captures_are_forgotten_by_a_match() -> None:
    there = world("^(.)(.)$")
    assert captures(there, "nwildlsearch", "ab") == ("",)
    assert captures(there, "partial-nwildlsearch", "ab") == ("", "ab")


def expand(text: str) -> str:
    if text == "$bad":
        raise ExpansionFailed('unknown variable name "bad"')
    if text == "$fail":
        raise ExpansionFailed("fail requested", forced=True)
    return text.replace("$d", "example.com")


def test_wildlsearch_expands_its_keys() -> None:
    there = world("$fail", "*.$d", "$d")
    assert look(there, "wildlsearch", "a.example.com", expand=expand) == "1"
    assert look(there, "wildlsearch", "example.com", expand=expand) == "2"
    assert look(there, "wildlsearch", "other", expand=expand) is None
    assert look(there, "nwildlsearch", "$D", expand=expand) == "2"


def test_a_key_that_does_not_expand_defers() -> None:
    there = world("abc", "$bad", "*")
    assert look(there, "wildlsearch", "abc", expand=expand) == "0"
    assert look(there, "wildlsearch", "x", expand=expand) == (
        'Failed: lookup of "x" gave DEFER: '
    )


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("^(", 'regular expression error in "^("'),
        ("a;b", 'unknown lookup type "a"'),
        ("net-lsearch;/f", 'unknown lookup type "net-lsearch"'),
        ("lsearch;/missing", "failed to open /missing for linear search: No such"),
    ],
)
def test_exim_ends_at_some_patterns(pattern: str, why: str) -> None:
    answer = look(world(pattern), "nwildlsearch", "x")
    assert answer is not None
    assert answer.startswith(f"Failed: Exim stops: {why}")


def test_patterns_may_not_go_in_circles() -> None:
    there = world(f"nwildlsearch;{FILE}")
    with pytest.raises(NotAllowed, match="without end"):
        look(there, "nwildlsearch", "x")


def test_a_list_in_a_file_is_not_followed() -> None:
    with pytest.raises(NotAllowed, match='the list in the file "/etc/list"'):
        look(world("/etc/list"), "nwildlsearch", "x")


def test_a_catastrophic_pattern_is_not_answered() -> None:
    with pytest.raises(NotAllowed, match="too long to match"):
        look(world("^(a+)+$"), "nwildlsearch", "a" * 60 + "!")


NETWORKS = """1.2.3.4: exact
"1.2.3.5/31": q31
1.2.3.0/24 net24
1.2.0.0/16:net16
"abcd::/16": v6
::1 lost
"::ffff:9.9.9.9": mapped
9.9.9.0/24: nine
bad/key: bad
7.7.7.7/33: over
7.7.7.6/x: no mask
*: star
"""


@pytest.mark.parametrize(
    ("key", "data"),
    [
        ("1.2.3.4", "exact"),
        ("1.2.3.5", "q31"),
        ("1.2.3.9", "net24"),
        ("1.2.9.9", "net16"),
        ("abcd::1", "v6"),
        ("::1", None),
        ("9.9.9.9", "nine"),
        ("::ffff:9.9.9.9", "nine"),
        ("7.7.7.7", "over"),
        ("7.7.7.6", None),
        ("8.8.8.8", None),
        ("fe80::1%eth0", None),
        ("*", "star"),
        ("", None),
    ],
)
def test_addresses_are_found_in_networks(key: str, data: str | None) -> None:
    assert look(ZoneWorld(files={FILE: NETWORKS}), "iplsearch", key) == data


def test_the_default_of_networks() -> None:
    there = ZoneWorld(files={FILE: NETWORKS})
    assert look(there, "iplsearch*", "8.8.8.8") == "star"
    assert look(there, "iplsearch,ret=full", "1.2.9.9") == "1.2.0.0/16:net16"


def test_an_empty_mask_is_the_whole_world() -> None:
    there = ZoneWorld(files={FILE: "7.7.7.5/: all\n"})
    assert look(there, "iplsearch", "1.1.1.1") == "all"
    assert look(there, "iplsearch", "::1") is None


@pytest.mark.parametrize(
    "key", ["rhubarb", "1.2.3.0/24", " 1.2.3.4", "1.2.3", "a\n\t\x01\\b\xe9"]
)
def test_what_is_no_address_defers(key: str) -> None:
    there = ZoneWorld(files={FILE: NETWORKS})
    shown = key
    escapes = {"\n": "n", "\t": "t", "\x01": "001", "\xe9": "351"}
    for octet, written in escapes.items():
        shown = shown.replace(octet, "\\" + written)
    assert look(there, "iplsearch", key) == (
        f'Failed: lookup of "{shown}" gave DEFER: "{key}" is not a valid iplsearch key '
        "(an IP address, with optional CIDR mask, is wanted): in a host list, use "
        "net-iplsearch as the search type"
    )
