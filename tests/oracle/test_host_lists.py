"""Host lists for connections, as a real Exim answers them (`exim -bh ADDRESS`)."""

from __future__ import annotations

import random
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from eximkit.config.environment import environment_of
from eximkit.expansion.values import Known
from eximkit.files import load_config
from eximkit.interop.hostlist import HostList
from eximkit.interop.option_values import AroundHere
from eximkit.machine.clock import offset_of
from eximkit.machine.world import Machine

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.expansion.environment import Environment

ADDRESSES = ("127.0.0.1", "127.0.0.2", "192.0.2.7", "2001:db8::5", "::1")
NAMED = {
    "inner": "192.0.2.0/24 : 2001::db8::::/32",
    "outer": "!192.0.2.7 : +inner",
    "nobody": "",
}
WRITTEN = (
    "*", "", ":", "! *", "*.example.org : *", "* : *.example.org",
    "+ignore_unknown : *.x : *",
    "+include_unknown : *.example.org", "+include_unknown : !*.x : *", "^.*", "!^x",
    "+inner", "!+inner", "!+outer", "+outer : *", "localhost", "!localhost", "@[]",
    "<; ::1 ; 10.0.0.0/8", "<, 192.0.2.7, !*", "<;2001:db8::/33", "127.0.0.1/64",
    "192.0.2.7/0", "0.0.0.0/0 : ::::/0", "::::1", "<+ ::1 + *", "192.0.2.7 :", ": *",
    "!192.0.2.7 : !127.0.0.1", "<\\n 192.0.2.7 \\n ::1", " 192.0.2.7 ", "192.0.2.07",
)  # fmt: skip
ITEMS = (
    "127.0.0.1", "127.0.0.0/8", "192.0.2.0/29", "192.0.2.7", "198.51.100.0/24",
    "::::1", "2001::db8::::/32", "2001::db8::::5", "fe80::::/10", "@[]", "localhost",
    "+inner", "+outer", "+nobody", "*.example.org", "*", "^mail", "",
    "+include_unknown", "+ignore_unknown",
)  # fmt: skip


def lists() -> list[str]:
    draw = random.Random(4)
    found = list(WRITTEN)
    for _ in range(150):
        items = (
            ("!" if draw.random() < 0.35 else "") + draw.choice(ITEMS[:-2])
            if draw.random() < 0.9
            else draw.choice(ITEMS)
            for _ in range(draw.randint(1, 5))
        )
        found.append(" : ".join(items))
    return found


def configuration(folder: Path) -> Path:
    lines = [
        "primary_hostname = host.example",
        f"spool_directory = {folder}/spool",
        f"log_file_path = {folder}/%slog",
        "keep_environment =",
        "host_lookup =",
        # No name is to be found, whatever the machine could find out.
        "host_lookup_order = bydns",
        "dns_retrans = 1s",
        "dns_retry = 1",
        "dns_again_means_nonexist = *",
        "rfc1413_query_timeout = 0s",
        "acl_smtp_connect = check",
        *(f"hostlist {name} = {text}" for name, text in NAMED.items()),
        "begin acl",
        "check:",
    ]
    for number, text in enumerate(lists()):
        lines += [f"  warn hosts = {text}", f"       logwrite = holds-{number}-"]
    path = folder / "exim.conf"
    path.write_text("\n".join([*lines, "  accept", ""]))
    return path


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return configuration(tmp_path_factory.mktemp("hosts"))


@pytest.fixture(scope="module")
def environment(config: Path) -> Environment:
    return environment_of(
        load_config(config), load_config(config).release or pytest.fail("no release"),
        world=Machine(), variables={"primary_hostname": Known("host.example")},
        headers={}, offset=offset_of,
    )  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_lists_as_exim_answers_them(
    exim: Path, config: Path, environment: Environment, address: str
) -> None:
    done = subprocess.run(
        [exim, "-C", config, "-bh", address],
        input=b"QUIT\r\n", capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    held = {int(n) for n in re.findall(rb"LOG: holds-(\d+)-", done.stderr)}
    assert held, done.stderr[-2000:]
    wrong = []
    for number, text in enumerate(lists()):
        if address == "::1" and ("localhost" in text or "@[]" in text):
            continue  # Whether it is there, and has a name, is this machine's affair.
        octets = text.replace("\\n", "\n")
        known = HostList.of(octets, AroundHere(environment))
        if known.matches(address) != (number in held):
            wrong.append((text, number in held))
    assert wrong == []
