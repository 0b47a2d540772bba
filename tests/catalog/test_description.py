from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit import catalog
from eximkit.catalog import release as named
from eximkit.catalog.options import every_option
from eximkit.catalog.tables import load

ALL = catalog.Release.parse("4.100")


def kinds(name: str) -> list[str]:
    return [found.kind for found in catalog.describe(name)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lc", ["operator"]),
        ("${lc:", ["operator"]),
        ("substr", ["item", "operator"]),
        ("substr_1_2", ["operator"]),
        ("!match", ["condition"]),
        ("and", ["condition"]),
        ("acl", ["item", "condition", "ACL condition"]),
        ("$sender_host_address", ["variable"]),
        ("${sender_host_address}", ["variable"]),
        ("$acl_m_x", ["variable"]),
        ("$h_subject:", ["header"]),
        ("h_subject", ["header"]),
        ("h_3", ["operator", "header"]),
        ("rheader_from", ["header"]),
        ("dsearch", ["lookup type"]),
        ("+pipelining", ["log selector"]),
        ("accept", ["ACL verb", "router driver"]),
        ("logwrite", ["ACL modifier"]),
        ("helo_data", ["transport option"]),
        ("headers_add", ["router option", "transport option"]),
        ("smtp", ["transport driver"]),
        ("$lc", []),
        ("nonesuch", []),
        ("", []),
        ("$", []),
        ("x" * 100_000, []),
    ],
)
def test_what_a_name_can_mean(name: str, expected: list[str]) -> None:
    assert kinds(name) == expected


def test_what_is_told_of_an_item() -> None:
    (extract,) = catalog.describe("extract")
    assert (extract.minimum, extract.maximum) == (2, 3)
    assert extract.form[0] == "${extract{KEY}{DATA}[YES][NO]}"
    assert extract.since is None
    assert "JSON" in extract.text


def test_what_is_told_of_releases() -> None:
    (item,) = catalog.describe("listquote")
    assert str(item.since) == "4.94"
    (operator,) = catalog.describe("headerwrap_76")
    assert (operator.name, str(operator.since)) == ("headerwrap", "4.97")
    (condition,) = catalog.describe("pwcheck")
    assert condition.until is not None
    assert condition.until < ALL


def test_what_is_not_certain_is_told() -> None:
    (nmh,) = catalog.describe("nmh")
    assert not nmh.certain
    assert all(found.certain for found in catalog.describe("dsearch"))


def test_an_option_is_told_with_its_value() -> None:
    (greeting,) = catalog.describe("helo_data")
    assert greeting.where == "transport:smtp"
    assert greeting.text == "String, expanded; $primary_hostname where it is not set."
    old, new = (
        catalog.describe("recipients_max", named(of))[0].text for of in ("4.94", "4.98")
    )
    assert old == "Integer; 0 where it is not set."
    assert new == "Integer, expanded; 50000 where it is not set."
    (several, _) = catalog.describe("headers_add")
    assert several.text == "String list, expanded, may be set more than once."


def test_a_log_selector_is_told_with_its_state() -> None:
    assert catalog.describe("pipelining")[0].text.startswith("Off")
    assert catalog.describe("+tls_cipher")[0].text.startswith("On")


def test_lookup_types_are_told_with_their_options() -> None:
    (of_4_96,) = catalog.describe("dsearch", named("4.96"))
    assert of_4_96.text.endswith("Options: cache, filter, ret.")
    assert of_4_96.form == ("${lookup{KEY} dsearch{FILE}}",)
    assert catalog.describe("dnsdb")[0].form == ("${lookup dnsdb{QUERY}}",)


TABLES = {
    "items": catalog.item_names,
    "operators": catalog.operator_names,
    "conditions": catalog.condition_names,
    "lookups": catalog.lookup_type_names,
    "acl": catalog.acl_condition_names,
}


@pytest.mark.parametrize("table", TABLES)
def test_every_name_has_its_sentence(table: str) -> None:
    releases = (*catalog.RELEASES, ALL)
    names = {name for known in releases for name in TABLES[table](known)}
    # Gone before the oldest release that is known here.
    old = {"demime"} if table == "acl" else set()
    lines = load("help")[table]
    assert set(lines) == names | old
    for name, (text, *forms) in lines.items():
        assert re.fullmatch(r"[A-Z].*\.", text), name
        assert len(text) < 180, name
        assert all(name in form for form in forms), name


def test_every_verb_and_kind_of_header_has_its_sentence() -> None:
    assert set(load("help")["verbs"]) == set(catalog.acl_verbs)
    assert set(load("help")["headers"]) == {"h", "bh", "lh", "rh"}


def test_forms_have_as_many_arguments_as_there_may_be() -> None:
    for name, (_, *forms) in load("help")["items"].items():
        info = catalog.item(name)
        assert info is not None
        for form in forms:
            count = form.count("{") - 1
            if info.tail:
                assert "[YES][NO]" in form, form
            if name == "if":
                continue
            if "…" not in form:
                assert count >= info.minimum, form
                assert info.maximum is None or count <= info.maximum, form


def test_every_option_can_be_described() -> None:
    for _, _, info in every_option(ALL):
        found = catalog.describe(info.name)
        assert info.section in {one.where for one in found}


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    for found in catalog.describe(text):
        assert found.form
