from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from eximkit import catalog
from eximkit.catalog import release as named
from eximkit.catalog.options import every_option

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.catalog import OptionInfo, Release

TYPES = {
    "boolean", "boolean!", "integer", "size", "octal", "fixed", "time", "time!",
    "time-list", "string", "user", "user!", "group", "group!", "user-list",
    "group-list",
}  # fmt: skip
# Slips of the older list, or options of Exim 3 that no release known here has.
NOT_OPTIONS = {
    ("main", "dns_dane_ok"), ("main", "max_user_name_length"),
    ("main", "pipelining__connect_advertise_hosts"), ("main", "tls_remember_emstp"),
    ("main", "tls_sni"), ("generic-auth", "debug_print"),
    ("router:redirect", "forbid_fail"), ("transport:smtp", "authenticate_hosts"),
    ("transport:smtp", "gnutls_compat_mode"),
}  # fmt: skip


def found(kind: str, driver: str | None, name: str) -> OptionInfo:
    info = catalog.option(kind, driver, name)
    assert info is not None
    return info


def place(section: str) -> tuple[str, str | None]:
    """The kind and the driver of a section as the reference and OptionInfo name it."""
    kind, _, driver = section.removeprefix("generic-").partition(":")
    return {"auth": "authenticator"}.get(kind, kind), driver or None


def test_every_option_of_the_reference_is_known_where_it_stands(
    reference: Path,
) -> None:
    unknown = []
    for line in (reference / "options.jsonl").read_text().splitlines():
        row = json.loads(line)
        at = (row["section"], row["name"])
        if row["section"] == "acl-modifier" or at in NOT_OPTIONS:
            continue
        info = catalog.option(*place(row["section"]), row["name"])
        if info is None or info.section != row["section"]:
            unknown.append(at)
    assert unknown == []


@pytest.mark.parametrize(
    ("kind", "driver", "name", "since", "until"),
    [
        ("transport", "smtp", "hosts_pipe_connect", None, None),
        ("transport", "smtp", "helo_data", None, None),
        ("main", None, "pipelining_connect_advertise_hosts", None, None),
        ("main", None, "exim_version", "4.93", None),
        ("router", "accept", "set", "4.93", None),
        ("main", None, "queue_fast_ramp", "4.94", None),
        ("transport", "smtp", "message_linelength_limit", "4.95", None),
        ("main", None, "allow_insecure_tainted_data", "4.95", "4.95"),
        ("main", None, "srs_secrets", None, "4.95"),
        ("router", "redirect", "srs_condition", None, "4.95"),
        ("transport", "smtp", "host_name_extract", "4.96", None),
        ("main", None, "panic_coredump", "4.97", None),
        ("main", None, "hosts_xclient", "4.97", None),
        ("main", None, "wellknown_advertise_hosts", "4.98", None),
        ("main", None, "acl_smtp_atrn", "4.99", None),
        ("router", "redirect", "sieve_inbox", "4.99", None),
        ("main", None, "tcp_wrappers_daemon_name", None, "4.98.2"),
        ("main", None, "tls_advertise_requiretls", None, "4.92.3"),
        ("main", None, "gnutls_require_kx", None, "4.87"),
    ],
)
def test_when_options_came_and_went(
    kind: str, driver: str | None, name: str, since: str | None, until: str | None
) -> None:
    info = found(kind, driver, name)
    first = None if info.since is None else str(info.since)
    last = None if info.until is None else str(info.until)
    assert (first, last) == (since, until)
    for known in catalog.RELEASES:
        expected = (info.since is None or known >= info.since) and (
            info.until is None or known <= info.until
        )
        assert info.in_release(known) is expected
        assert (name in catalog.option_names(kind, driver, known)) is expected


@pytest.mark.parametrize(
    ("kind", "driver", "name", "kind_of_value", "of", "expanded", "multi"),
    [
        ("main", None, "recipients_max_reject", "boolean", "", False, False),
        ("router", "accept", "more", "boolean!", "", True, False),
        ("router", "accept", "condition", "string", "", True, True),
        ("router", "accept", "headers_add", "string", "string", True, True),
        ("router", "accept", "set", "string", "string", False, True),
        ("router", "accept", "user", "user!", "", True, False),
        ("router", "accept", "domains", "string", "domain", True, False),
        ("router", "accept", "senders", "string", "address", True, False),
        ("router", "accept", "local_parts", "string", "localpart", True, False),
        ("main", None, "delay_warning", "time-list", "", False, False),
        ("main", None, "never_users", "user-list", "", True, False),
        ("main", None, "smtp_receive_timeout", "time!", "", True, False),
        ("main", None, "queue_only_load", "fixed", "", False, False),
        ("main", None, "check_spool_space", "size", "", False, False),
        ("main", None, "sqlite_lock_timeout", "integer", "", False, False),
        ("transport", "appendfile", "mode", "octal", "", False, False),
        ("transport", "smtp", "helo_data", "string", "", True, False),
        ("transport", "smtp", "hosts_pipe_connect", "string", "host", True, False),
        ("transport", "smtp", "interface", "string", "string", True, False),
        ("transport", "smtp", "dkim_selector", "string", "string", True, False),
        ("main", None, "tls_eccurve", "string", "", True, False),
        ("main", None, "unknown_login", "string", "", True, False),
        ("router", "dnslookup", "check_srv", "string", "", True, False),
        ("transport", "smtp", "headers_remove", "string", "string", True, True),
    ],
)
def test_what_values_look_like(
    kind: str,
    driver: str | None,
    name: str,
    kind_of_value: str,
    of: str,
    expanded: bool,
    multi: bool,
) -> None:
    info = found(kind, driver, name)
    assert (info.type, info.list, info.expanded, info.multi) == (
        kind_of_value, of, expanded, multi,
    )  # fmt: skip


def test_a_driver_has_its_own_options_and_the_generic_ones() -> None:
    assert found("transport", "smtp", "helo_data").section == "transport:smtp"
    assert found("transport", "smtp", "driver").section == "generic-transport"
    assert found("transport", None, "driver").section == "generic-transport"
    assert found("authenticator", "plaintext", "server_prompts").section == (
        "auth:plaintext"
    )
    assert found("authenticator", None, "public_name").section == "generic-auth"
    assert catalog.option("transport", None, "helo_data") is None
    assert catalog.option("transport", "pipe", "helo_data") is None


@pytest.mark.parametrize(
    ("kind", "driver", "name"),
    [
        ("main", None, "qualify_Domain"),
        ("main", "smtp", "nonsense"),
        ("main", None, ""),
        ("router", "nonesuch", "helo_data"),
        ("router", "generic", "helo_data"),
        ("nonesuch", None, "driver"),
    ],
)
def test_what_is_not_there_is_not_found(
    kind: str, driver: str | None, name: str
) -> None:
    assert catalog.option(kind, driver, name) is None


def test_an_unknown_driver_has_the_generic_options() -> None:
    assert found("router", "nonesuch", "condition").section == "generic-router"
    assert "generic" not in catalog.drivers("router")


@pytest.mark.parametrize(
    ("kind", "driver", "name", "since", "before", "after"),
    [
        ("main", None, "recipients_max", "4.98", "integer", "integer!"),
        ("transport", "smtp", "max_rcpt", "4.97", "integer", "integer!"),
        ("router", "manualroute", "hosts_randomize", "4.99", "boolean", "boolean!"),
        ("router", "accept", "fallback_hosts", "4.99", "string", "string"),
        ("main", None, "warn_message_file", "4.94", "string", "string"),
        ("main", None, "dmarc_history_file", "4.99", "string", "string"),
    ],
)
def test_options_that_became_expandable(
    kind: str, driver: str | None, name: str, since: str, before: str, after: str
) -> None:
    info = found(kind, driver, name)
    oldest = catalog.RELEASES[0]
    assert (info.expanded_in(oldest), info.type_in(oldest)) == (False, before)
    assert (info.expanded_in(named(since)), info.type_in(named(since))) == (True, after)


def test_the_type_is_the_same_in_all_releases_for_the_rest() -> None:
    info = found("router", "accept", "more")
    assert {info.type_in(known) for known in catalog.RELEASES} == {"boolean!"}


def test_every_line_of_the_table_says_something_known() -> None:
    for known in (*catalog.RELEASES, catalog.Release.parse("4.100")):
        for kind, driver, info in every_option(known):
            at = (kind, driver, info.name)
            assert info.type in TYPES, at
            assert info.list in {"", "string", "domain", "host", "address", "localpart"}
            assert not info.list or info.type == "string", at
            assert info.since is None or info.until is None or info.since <= info.until
            assert not (info.type.endswith("!") and not info.expanded), at


def test_drivers() -> None:
    assert set(catalog.drivers("router")) == {
        "accept", "dnslookup", "ipliteral", "iplookup", "manualroute", "queryprogram",
        "redirect",
    }  # fmt: skip
    external = catalog.drivers("authenticator")["external"]
    assert not external.in_release(named("4.92"))
    assert external.in_release(named("4.93"))
    assert "gsasl" in catalog.drivers("authenticator")
    assert catalog.drivers("main") == {}


def test_names_are_told_in_order(release: Release) -> None:
    names = catalog.option_names("main", None, release)
    assert list(names) == sorted(names)
    assert len(names) > 250
