"""The word that names a lookup type."""

from __future__ import annotations

import pytest

from eximkit.catalog import release
from eximkit.expansion.lookups import Kind, read_kind
from eximkit.expansion.values import ExpansionFailed

DNSDB, NO_KEY = 'lookup type "dnsdb,x"', "not a single-key lookup type"
NOT_FOR = "are not permitted for lookup type"
NEW, OLD = release("4.99"), release("4.92")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("lsearch", Kind("lsearch", True)),
        ("lsearch*", Kind("lsearch", True, default="*")),
        ("lsearch*@", Kind("lsearch", True, default="*@")),
        ("lsearch*x@", Kind("lsearch", True, default="*")),
        ("lsearch*@@", Kind("lsearch", True, default="*@")),
        ("partial-lsearch", Kind("lsearch", True, 2)),
        ("partial0-lsearch", Kind("lsearch", True, 0)),
        ("partial3(.)lsearch*", Kind("lsearch", True, 3, ".", "*")),
        ("partial()lsearch", Kind("lsearch", True, 2, "")),
        ("partial4294967297-lsearch", Kind("lsearch", True, 1)),
        ("partial4294967295-lsearch", Kind("lsearch", True)),
        ("lsearch,ret=key", Kind("lsearch", True, options=("ret=key",))),
        ("lsearch*,x,ret=full", Kind("lsearch", True, default="*",
                                     options=("ret=full",))),
        ("lsearch,ret=keyx,xret=key,RET=key,,ret", Kind("lsearch", True)),
        ("dnsdb,cache=no_rd", Kind("dnsdb", False, options=("cache=no_rd",))),
    ],
)  # fmt: skip
def test_a_type_is_taken_apart(text: str, kind: Kind) -> None:
    assert read_kind(text, NEW) == kind


@pytest.mark.parametrize(
    ("text", "keyed", "message"),
    [
        ("", True, 'unknown lookup type ""'),
        ("LSEARCH", True, 'unknown lookup type "LSEARCH"'),
        ("lsearch@", True, 'unknown lookup type "lsearch@"'),
        ("lsearch,a*", True, 'unknown lookup type "lsearch,a"'),
        ("partial--lsearch", True, 'unknown lookup type "-lsearch"'),
        ("partial-partial-lsearch", True, 'unknown lookup type "partial-lsearch"'),
        ("partial(*.)-lsearch", True, 'unknown lookup type "-lsearch"'),
        ("partial", True, 'format error in lookup type "partial"'),
        ("partial3lsearch", True, 'format error in lookup type "partial3lsearch"'),
        ("partial(a)lsearch", True, 'format error in lookup type "partial(a)lsearch"'),
        ("partial(.lsearch", True, 'format error in lookup type "partial(.lsearch"'),
        ("lsearch*,x", False, 'missing {key} for single-key "lsearch*,x" lookup'),
        ("dnsdb,x", True, f"a single key was given for {DNSDB}, which is {NO_KEY}"),
        ("dnsdb*,x", False, f'defaults using "*" or "*@" {NOT_FOR} "dnsdb*,x"'),
        ("partial-dnsdb*", True, '"partial" is not permitted for lookup type "dnsdb*"'),
    ],
)
def test_what_is_no_type_is_refused_in_exims_words(
    text: str, keyed: bool, message: str
) -> None:
    with pytest.raises(ExpansionFailed) as failed:
        read_kind(text, NEW, keyed=keyed)
    assert failed.value.message == message
    assert failed.value.kind == "syntax"


def test_types_and_options_come_with_releases() -> None:
    with pytest.raises(ExpansionFailed, match='unknown lookup type "json"'):
        read_kind("json", OLD)
    assert read_kind("json", NEW).name == "json"
    with pytest.raises(ExpansionFailed, match='unknown lookup type "lsearch,ret=key"'):
        read_kind("lsearch,ret=key", OLD)
    assert read_kind("lsearch,ret=key", release("4.94")).options == ("ret=key",)
    assert read_kind("dsearch,key=path", release("4.96")).options == ()
    assert read_kind("dsearch,key=path", NEW).options == ("key=path",)
