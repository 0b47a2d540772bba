from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from eximkit import catalog
from eximkit.catalog import release as named
from eximkit.catalog.options import every_option, places
from eximkit.catalog.tables import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from eximkit.catalog import Release

# The specification tells what these are as good as, or what they were; the binary shows
# something else.
UNLIKE = {
    "message_size_limit", "check_log_inodes", "check_log_space", "check_spool_inodes",
    "check_spool_space", "sqlite_lock_timeout", "sieve_enotify_mailto_owner",
    "quota_filecount", "quota_warn_threshold", "once_repeat",
}  # fmt: skip
# What a default looks like, by type; other types take any text.
LOOKS = {
    "boolean": r"true|false", "integer": r"-?[0-9]+K?", "size": r"[0-9]+M?",
    "octal": r"0[0-7]+", "time": r"([0-9]+[wdhms])+",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "driver", "name", "in_release", "value"),
    [
        ("main", None, "remote_max_parallel", "4.92", "2"),
        ("main", None, "remote_max_parallel", "4.96.2", "2"),
        ("main", None, "remote_max_parallel", "4.97", "4"),
        ("main", None, "remote_max_parallel", "4.99.1", "4"),
        ("main", None, "recipients_max", "4.94.2", "0"),
        ("main", None, "recipients_max", "4.95", "50000"),
        ("main", None, "queue_fast_ramp", "4.96", "false"),
        ("main", None, "queue_fast_ramp", "4.97", "true"),
        ("main", None, "dkim_verify_hashes", "4.93", "sha256:sha512:sha1"),
        ("main", None, "dkim_verify_hashes", "4.94", "sha256:sha512"),
        ("main", None, "acl_smtp_rcpt", "4.96", ""),
        ("main", None, "auto_thaw", "4.96", "0s"),
        ("main", None, "allow_insecure_tainted_data", "4.95", "false"),
        ("main", None, "limits_advertise_hosts", "4.98", "*"),
        ("transport", "smtp", "helo_data", "4.96", "$primary_hostname"),
        ("transport", "smtp", "interface", "4.96", ""),
        ("transport", "smtp", "hosts_try_dane", "4.92.3", ""),
        ("transport", "smtp", "hosts_try_dane", "4.93", "*"),
        ("transport", "smtp", "hosts_noproxy_tls", "4.92", "*"),
        ("transport", "smtp", "hosts_noproxy_tls", "4.93", ""),
        ("transport", "smtp", "port", "4.98.2", "smtp"),
        ("transport", "smtp", "port", "4.99", "25"),
        ("transport", "smtp", "transport_filter_timeout", "4.96", "5m"),
        ("transport", "pipe", "umask", "4.96", "022"),
        ("router", "redirect", "sieve_inbox", "4.99", "inbox"),
        ("router", None, "dnssec_request_domains", "4.92", ""),
        ("router", "accept", "dnssec_request_domains", "4.93", "*"),
        ("authenticator", "gsasl", "server_scram_iter", "4.96", "4096"),
    ],
)
def test_defaults(
    kind: str, driver: str | None, name: str, in_release: str, value: str
) -> None:
    assert catalog.default(kind, driver, name, named(in_release)) == value


@pytest.mark.parametrize(
    ("kind", "driver", "name", "in_release"),
    [
        ("main", None, "nonesuch", "4.96"),
        ("main", None, "queue_fast_ramp", "4.93"),  # not there yet
        ("main", None, "allow_insecure_tainted_data", "4.96"),  # gone
        ("main", None, "primary_hostname", "4.96"),  # the machine's
        ("router", "accept", "log_as_local", "4.96"),  # by the driver
        ("main", None, "received_header_text", "4.92"),  # not known
        ("main", None, "srs_hashmin", "4.92"),
        ("transport", "nonesuch", "helo_data", "4.96"),
    ],
)
def test_where_no_default_can_be_told(
    kind: str, driver: str | None, name: str, in_release: str
) -> None:
    assert catalog.default(kind, driver, name, named(in_release)) is None


def test_what_comes_from_elsewhere_is_told_from_what_is_not_known() -> None:
    assert catalog.default_depends("main", None, "primary_hostname")
    assert catalog.default_depends("router", "accept", "log_as_local")
    assert not catalog.default_depends("main", None, "srs_hashmin")
    assert not catalog.default_depends("main", None, "nonesuch")


def test_a_default_has_the_type_of_its_option() -> None:
    for known in catalog.RELEASES:
        for kind, driver, info in every_option(known):
            value = catalog.default(kind, driver, info.name, known)
            looks = LOOKS.get(info.type.rstrip("!"))
            if value is not None and looks:
                assert re.fullmatch(looks, value), info


def tables() -> Iterator[tuple[str, str | None, dict[str, object]]]:
    found = load("defaults")
    for kind, driver in places():
        table = found["main"] if kind == "main" else found.get(kind, {}).get(
            driver or "generic", {}
        )  # fmt: skip
        yield kind, driver, table


def test_every_line_is_of_an_option_that_stands_there() -> None:
    lines = 0
    for kind, driver, table in tables():
        for name, value in table.items():
            info = catalog.option(kind, driver, name)
            assert info is not None, (kind, driver, name)
            assert info.section.startswith("generic-") is (
                driver is None and kind != "main"
            )
            if isinstance(value, dict):
                firsts = [catalog.Release.parse(first) for first in value]
                assert firsts == sorted(firsts), name
            lines += 1
    found = load("defaults")
    groups = ["main", "router", "transport", "authenticator", "depends", "unknown"]
    assert set(found) == set(groups)
    told = sum(
        len(t) for g in groups[1:4] for t in found[g].values()
    ) + len(found["main"])  # fmt: skip
    assert lines == told


def test_the_newest_defaults_are_those_of_the_reference(reference: Path) -> None:
    same = {"7d": "1w", "24h": "1d"}
    newest = catalog.Release.parse("4.100")
    wrong = []
    for line in (reference / "options.jsonl").read_text().splitlines():
        row = json.loads(line)
        kind, _, driver = row["section"].removeprefix("generic-").partition(":")
        kind = {"auth": "authenticator"}.get(kind, kind)
        text = row["default"]
        info = catalog.option(kind, driver or None, row["name"])
        if (
            info is None
            or info.section != row["section"]
            or not isinstance(text, str)
            or not plain(text)
        ):
            continue
        value = catalog.default(kind, driver or None, row["name"], newest)
        expected = same.get(text, text.strip('"').replace(" : ", ":"))
        if value not in {None, expected} and row["name"] not in UNLIKE:
            wrong.append((row["section"], row["name"], value, text))
    assert wrong == []


def plain(text: str) -> bool:
    """Whether the reference gives a value rather than telling about one."""
    return text in {"true", "false", "*"} or text[0].isdigit() or text[0] in '"$'


def test_a_release_that_is_not_known_has_the_nearest_before(release: Release) -> None:
    between = catalog.Release.parse("4.97.9")
    assert catalog.default("main", None, "remote_max_parallel", between) == "4"
