from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eximkit.config.environment import environment_of
from eximkit.errors import SettingsError
from eximkit.expansion.values import Known
from eximkit.expansion.world import DnsAnswer, DnsRecord
from eximkit.files import load_config
from eximkit.interop.hostlist import MOST, HostList, is_local
from eximkit.interop.option_values import AroundHere
from eximkit.machine.world import Machine

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
hostlist inner = 192.0.2.0/24
hostlist outer = +inner : 198.51.100.1
hostlist first = +second
hostlist second = +first
hostlist made = ${lookup dnsdb{a=mx.example.org}}
"""


class Resolver(Machine):
    """A machine whose DNS knows one name."""

    def resolve(self, name: str, record_type: str, **_: object) -> DnsAnswer:
        if name == "broken.example":
            return DnsAnswer("again")
        if name != "mx.example" or record_type != "A":
            return DnsAnswer("no data")
        return DnsAnswer("found", (DnsRecord("A", ("192.0.2.1",)),))


def around(tmp_path: Path, world: Machine | None = None) -> AroundHere:
    path = tmp_path / "exim.conf"
    path.write_text(CONFIG)
    config = load_config(path)
    assert config.release is not None
    return AroundHere(
        environment_of(
            config, config.release, world=world or Machine(),
            variables={"primary_hostname": Known("mx.example")}, headers={},
            offset=lambda _zone: lambda _time: 0,
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "address", "name", "answer"),
    [
        ("*", "192.0.2.1", "", True),
        ("", "192.0.2.1", "", False),
        (":", "192.0.2.1", "", False),
        ("192.0.2.0/24", "192.0.2.1", "", True),
        ("!192.0.2.1 : *", "192.0.2.1", "", False),
        ("!192.0.2.1 : *", "192.0.2.2", "", True),
        ("!192.0.2.1", "192.0.2.2", "", True),
        ("<; 2001:db8::/32 ; ::1", "::1", "", True),
        ("2001::db8::::/32", "2001:db8::1", "", True),
        ("fe80::::/10", "fe80::1%eth0", "", True),
        ("192.0.2.1", "2001:db8::1", "", False),
        ("*.example.org", "192.0.2.1", "A.Example.ORG", True),
        ("*.example.org", "192.0.2.1", "example.net", False),
        ("^mail[0-9]+\\.", "192.0.2.1", "mail7.example", True),
        ("^mail[0-9]+\\.", "192.0.2.1", "smtp.example", False),
        # Without a name such a pattern ends the list, as Exim has it.
        ("*.example.org : *", "192.0.2.1", "", False),
        ("+include_unknown : *.example.org", "192.0.2.1", "", True),
        ("+ignore_unknown : *.example.org : *", "192.0.2.1", "", True),
        ("localhost", "127.0.0.1", "", True),
        ("localhost", "::1", "", True),
        ("LOCALHOST.", "127.0.0.1", "", True),
        ("localhost", "127.0.0.2", "", False),
        ("@[]", "127.0.0.1", "", True),
        ("@[]", "203.0.113.9", "", False),
    ],
)
def test_answers(text: str, address: str, name: str, answer: bool) -> None:
    hosts = HostList.parse(text)
    assert hosts.unsupported == ()
    assert hosts.answer(address, name) is answer
    assert hosts.matches(address, name) is answer


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("mx.example", "the addresses of mx.example"),
        ("@", "the name of this host"),
        ("net-lsearch;/etc/hosts", "a lookup of type lsearch, /etc/hosts"),
        ("/etc/hosts.allow", "the file /etc/hosts.allow"),
        ("192.0.2.1 : !mx.example", "the addresses of mx.example"),
    ],
)
def test_what_cannot_be_decided_is_named(text: str, what: str) -> None:
    hosts = HostList.parse(text)
    assert len(hosts.unsupported) == 1
    assert what in hosts.unsupported[0]
    assert hosts.answer("198.51.100.7") is None
    assert not hosts.matches("198.51.100.7")


def test_what_stands_before_it_decides_all_the_same() -> None:
    hosts = HostList.parse("192.0.2.1 : !192.0.2.2 : mx.example")
    assert hosts.answer("192.0.2.1") is True
    assert hosts.answer("192.0.2.2") is False
    assert hosts.answer("192.0.2.3") is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("+inner", "no named lists"),
        ("^a[", "regular expression error"),
        ("*" * (MOST + 1), "octets"),
    ],
)
def test_what_is_no_list(text: str, what: str) -> None:
    with pytest.raises(SettingsError, match=what):
        HostList.parse(text)


def test_named_lists(tmp_path: Path) -> None:
    here = around(tmp_path)
    hosts = HostList.parse("!+inner : +outer", here)
    assert hosts.unsupported == ()
    assert hosts.answer("192.0.2.9") is False
    assert hosts.answer("198.51.100.1") is True
    assert hosts.answer("203.0.113.1") is False
    with pytest.raises(SettingsError, match=r"no host list \+absent"):
        HostList.parse("+absent", here)
    with pytest.raises(SettingsError, match="part of itself"):
        HostList.parse("+first", here)
    made = HostList.parse("+made", here)
    assert made.answer("192.0.2.1") is None
    assert "made" in made.unsupported[0]


def test_names_are_looked_up_where_that_is_allowed(tmp_path: Path) -> None:
    here = around(tmp_path, Resolver())
    for text in ("mx.example", "@", "other.example : mx.example"):
        hosts = HostList.parse(text, here)
        assert hosts.unsupported == ()
        assert hosts.answer("192.0.2.1") is True
        assert hosts.answer("192.0.2.2") is False
    assert HostList.parse("broken.example : *", here).answer("192.0.2.1") is None


def test_one_list_answers_for_ever(tmp_path: Path) -> None:
    hosts = HostList.parse("+outer : !203.0.113.0/24", around(tmp_path))
    for number in range(3000):
        assert hosts.answer(f"203.0.113.{number % 256}") is False


def test_what_is_no_address_is_nobody() -> None:
    assert HostList.parse("192.0.2.1").answer("not an address") is False
    assert not is_local("not an address")
