from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from eximkit import catalog
from eximkit.catalog import release as named

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from eximkit.catalog import Entry, Release

# How the reference writes what it has no fixed name for.
PATTERNS = {"acl_c...": "acl_c_x", "acl_m...": "acl_m0", "r_...": "r_x"}


def rows(reference: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (reference / name).read_text().splitlines()]


def known_in_4_96(entry: Entry | None, in_4_96: bool | None, release: Release) -> bool:
    return entry is not None and (not in_4_96 or entry.in_release(release))


def test_every_variable_of_the_reference_is_known(
    reference: Path, release: Release
) -> None:
    wrong = []
    for row in rows(reference, "variables.jsonl"):
        name = PATTERNS.get(row["name"], row["name"])
        # "header_" and "sender_rate_" are beginnings of names, not names.
        if name.endswith("_"):
            continue
        if not known_in_4_96(catalog.variable(name), row["in_4_96"], release):
            wrong.append(name)
    assert wrong == []


@pytest.mark.parametrize(
    ("file", "find"),
    [
        ("operators.jsonl", catalog.operator),
        ("conditions.jsonl", catalog.condition),
        ("expansion_items.jsonl", catalog.item),
    ],
)
def test_every_name_of_the_reference_is_known(
    reference: Path, release: Release, file: str, find: Callable[[str], Entry | None]
) -> None:
    wrong = [
        row["name"]
        for row in rows(reference, file)
        if row.get("braced", True)
        and not known_in_4_96(find(row["name"]), row["in_4_96"], release)
    ]
    assert wrong == []


def test_argument_counts_are_those_of_the_reference(reference: Path) -> None:
    for row in rows(reference, "expansion_items.jsonl"):
        if row["braced"]:
            info = catalog.item(row["name"])
            assert info is not None
            assert (info.maximum, info.tail) == (row["max_args"], row["yes_no_tail"])
    for row in rows(reference, "conditions.jsonl"):
        condition = catalog.condition(row["name"])
        assert condition is not None
        assert condition.minimum == row["min_args"]
        assert condition.maximum == row["max_args"]


def test_acl_words_of_the_reference_are_known(reference: Path) -> None:
    for row in rows(reference, "acl.jsonl"):
        if row["kind"] == "verb":
            assert row["name"] in catalog.acl_verbs
            continue
        info = catalog.acl_condition(row["name"])
        assert info is not None
        if row["name"] != "bmi_optin":
            assert info.modifier == (row["kind"] == "modifier"), row["name"]
            assert info.negatable == (row["kind"] == "condition"), row["name"]


@pytest.mark.parametrize(
    "name",
    ["0", "1", "123", "acl_c", "acl_m", "acl_m0", "acl_m_x", "acl_c9_Y", "r_", "r_x",
     "auth1", "auth4", "regex9", "acl_arg9", "sending_ip_address"],
)  # fmt: skip
def test_variables_that_exim_takes(name: str, release: Release) -> None:
    info = catalog.variable(name)
    assert info is not None
    assert info.in_release(release)


@pytest.mark.parametrize(
    "name",
    ["", "nonesuch", "auth5", "auth0", "regex0", "regex10", "acl_arg10", "acl_cx",
     "acl_x", "acl_m-", "2x", "Sending_ip_address", "sending_ip_address\n", "٣", "r-x",
     "acl_m0\n", "sender_rate_", "1é"],
)  # fmt: skip
def test_variables_that_exim_does_not_know(name: str) -> None:
    assert catalog.variable(name) is None


@pytest.mark.parametrize(
    ("find", "name", "since", "until"),
    [
        (catalog.variable, "sending_ip_address", None, None),
        (catalog.variable, "r_name", "4.93", None),
        (catalog.variable, "tls_in_ver", "4.93", None),
        (catalog.variable, "queue_size", "4.94", None),
        (catalog.variable, "connection_id", "4.99", None),
        (catalog.variable, "dmarc_alignment_spf", "4.99", None),
        (catalog.variable, "srs_recipient", None, None),
        (catalog.variable, "srs_status", None, "4.95"),
        (catalog.operator, "sha2_256", "4.93", None),
        (catalog.operator, "headerwrap_76_998", "4.97", None),
        (catalog.operator, "xtextd", "4.98", None),
        (catalog.operator, "reverse_ip", None, None),
        (catalog.item, "listquote", "4.94", None),
        (catalog.item, "if", None, None),
        (catalog.condition, "forany_json", "4.93", None),
        (catalog.condition, "inlisti", None, None),
        (catalog.condition, "pwcheck", None, "4.99.4"),
        (catalog.lookup_type, "json", "4.93", None),
        (catalog.lookup_type, "redis", None, None),
        (catalog.lookup_type, "psl", "4.100", None),
        (catalog.lookup_type, "ibase", None, "4.100.1"),
        (catalog.log_selector, "spf_verbose", "4.100", None),
        (catalog.acl_condition, "seen", "4.96", None),
        (catalog.acl_condition, "atrn_domains", "4.99", None),
        (catalog.acl_condition, "demime", None, "4.87"),
        (catalog.log_selector, "pipelining", None, None),
        (catalog.log_selector, "msg_id", "4.93", None),
        (catalog.log_selector, "queue_time_exclusive", "4.95", None),
        (catalog.log_selector, "connection_id", "4.97", None),
    ],
)
def test_when_names_came_and_went(
    find: Callable[[str], Entry | None],
    name: str,
    since: str | None,
    until: str | None,
) -> None:
    info = find(name)
    assert info is not None
    assert str(info.since) == str(since)
    assert str(info.until) == str(until)


@pytest.mark.parametrize(
    ("name", "seen", "arguments"),
    [
        ("lc", "lc", ""),
        ("lc_x", "lc", ""),  # Exim ignores what it does not want
        ("l_3", "l", "digits"),
        ("substr_-1_2", "substr", "signed"),
        ("s", "s", "signed"),
        ("hash_3_63", "hash", "digits"),
        ("sha3_224", "sha3", "any"),
        ("listnamed_d", "listnamed", "any"),
        ("quote_mysql", "quote", "any"),
        ("quote_local_part", "quote_local_part", ""),
        ("local_part", "local_part", ""),
        ("domain_x", "domain", ""),
        ("mask_n", "mask", "any"),
    ],
)
def test_an_operator_is_found_with_its_arguments(
    name: str, seen: str, arguments: str
) -> None:
    info = catalog.operator(name)
    assert info is not None
    assert (info.name, info.arguments) == (seen, arguments)


@pytest.mark.parametrize("name", ["", "_", "local_part_x", "LC", "utf8_x", "acl_x"])
def test_what_is_no_operator(name: str) -> None:
    assert catalog.operator(name) is None


def test_lookup_types_know_their_style() -> None:
    styles = {
        name: info.single_key
        for name in catalog.lookup_type_names(catalog.NEWEST)
        if (info := catalog.lookup_type(name))
    }
    assert styles["lsearch"]
    assert styles["iplsearch"]
    assert styles["spf"]
    assert not styles["dnsdb"]
    assert not styles["passwd"]


@pytest.mark.parametrize(
    ("names", "find"),
    [
        (catalog.variable_names, catalog.variable),
        (catalog.operator_names, catalog.operator),
        (catalog.item_names, catalog.item),
        (catalog.condition_names, catalog.condition),
        (catalog.lookup_type_names, catalog.lookup_type),
        (catalog.acl_condition_names, catalog.acl_condition),
        (catalog.log_selector_names, catalog.log_selector),
    ],
)
def test_lists_of_names_are_ordered_and_hold_what_the_release_has(
    names: Callable[[Release], tuple[str, ...]], find: Callable[[str], Entry | None]
) -> None:
    for known in catalog.RELEASES:
        listed = names(known)
        assert list(listed) == sorted(set(listed))
        assert all((e := find(name)) and e.in_release(known) for name in listed)


@pytest.mark.parametrize(
    ("find", "name", "certain"),
    [
        (catalog.lookup_type, "nmh", False),
        (catalog.lookup_type, "ibase", False),
        (catalog.lookup_type, "psl", True),
        (catalog.variable, "bmi_deliver", False),
        (catalog.variable, "connection_id", True),
        (catalog.acl_condition, "bmi_optin", False),
        (catalog.operator, "xtextd", False),
    ],
)
def test_what_no_source_says_for_certain(
    find: Callable[[str], Entry | None], name: str, certain: bool
) -> None:
    info = find(name)
    assert info is not None
    assert info.certain is certain


def test_what_is_doubtful_came_or_went() -> None:
    # Otherwise there is nothing to doubt: it has always been there.
    for known in catalog.RELEASES:
        for name in (
            *catalog.variable_names(known),
            *catalog.lookup_type_names(known),
            *catalog.acl_condition_names(known),
            *catalog.operator_names(known),
        ):
            for find in (
                catalog.variable,
                catalog.lookup_type,
                catalog.acl_condition,
                catalog.operator,
            ):
                info = find(name)
                assert info is None or info.certain or info.since or info.until


def test_log_selectors_that_are_on() -> None:
    on = catalog.default_log_selectors(named("4.92"))
    assert "tls_cipher" in on
    assert "pipelining" not in on
    assert "msg_id" not in on  # came with 4.93
    assert "msg_id" in catalog.default_log_selectors(named("4.93"))
    assert set(on) < set(catalog.log_selector_names(named("4.92")))


def test_verbs() -> None:
    assert set(catalog.acl_verbs) == {
        "accept", "defer", "deny", "discard", "drop", "require", "warn",
    }  # fmt: skip
