"""What a server offers by a configuration, beside what a real Exim offers by it."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from eximkit import catalog
from eximkit.config.environment import environment_of
from eximkit.expansion.values import Known
from eximkit.files import load_config
from eximkit.interop.service_options import Client, service_plan
from eximkit.machine.clock import offset_of
from eximkit.machine.world import Machine

if TYPE_CHECKING:
    from pathlib import Path

CLIENTS = ("127.0.0.1", "192.0.2.7", "2001:db8::5")
AUTH = """\
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = yes
login:
  driver = plaintext
  public_name = LOGIN
  server_condition = yes
  server_advertise_condition = ${if def:tls_in_cipher}
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = x
  server_advertise_condition = ${if eq{$sender_host_address}{127.0.0.1}}
client:
  driver = plaintext
  public_name = LOGIN
  client_send = : a : b
"""
CASES = {
    "defaults": "",
    "lists": "pipelining_advertise_hosts = !127.0.0.1 : *\n"
    "pipelining_connect_advertise_hosts = 192.0.2.0/24\n"
    "chunking_advertise_hosts = <; 2001:db8::/32 ; 192.0.2.7\n"
    "smtputf8_advertise_hosts = !192.0.2.7\ndsn_advertise_hosts = +near",
    "early without pipelining": "pipelining_advertise_hosts =\n"
    "pipelining_connect_advertise_hosts = *",
    "size": "message_size_limit = 10M",
    "no size": "message_size_limit = 0",
    "a size of one's own": "message_size_limit = ${if eq{$sender_host_address}"
    "{127.0.0.1}{1K}{2K}}",
    "switches": "prdr_enable\nno_accept_8bitmime",
    "nothing": "pipelining_advertise_hosts =\nchunking_advertise_hosts =\n"
    "smtputf8_advertise_hosts =\nauth_advertise_hosts =\naccept_8bitmime = no",
    "auth for some": "auth_advertise_hosts = !192.0.2.7 : *",
    "a name": "smtp_active_hostname = ${if eq{$sender_host_address}{127.0.0.1}"
    "{near.example}{far.example}}",
    "a banner": "smtp_banner = $smtp_active_hostname says hello\\nto "
    "$sender_host_address\\nESMTP",
    "rejected": "host_reject_connection = 192.0.2.0/24",
    "names": "pipelining_advertise_hosts = +ignore_unknown : *.example.org : *",
}


def text(folder: Path, options: str, auth: str) -> str:
    return (
        "primary_hostname = host.example\nkeep_environment =\nhost_lookup =\n"
        f"spool_directory = {folder}/spool\nlog_file_path = {folder}/%slog\n"
        "rfc1413_query_timeout = 0s\ntls_advertise_hosts =\n"
        "dns_again_means_nonexist = *\ndns_retrans = 1s\ndns_retry = 1\n"
        "hostlist near = 127.0.0.0/8\nacl_smtp_rcpt = accept\n"
        f"{options}\n{auth}"
    )


def theirs(exim: Path, config: Path, address: str) -> tuple[list[str], list[str]]:
    """The lines of the banner, and of the response to EHLO."""
    done = subprocess.run(
        [exim, "-C", config, "-bh", address],
        input=b"EHLO c.example\r\nQUIT\r\n", capture_output=True, check=False,
        timeout=120,
    )  # fmt: skip
    answers = [line for line in done.stdout.decode().splitlines() if line[:3].isdigit()]
    banner = [line for line in answers if line[:3] in ("220", "554")]
    offer = [line[4:] for line in answers if line[:3] == "250"][1:]
    return banner, offer


@pytest.mark.parametrize("auth", ["", AUTH], ids=["", "auth"])
@pytest.mark.parametrize("case", CASES)
def test_offers(exim: Path, tmp_path: Path, case: str, auth: str) -> None:
    path = tmp_path / "exim.conf"
    path.write_text(text(tmp_path, CASES[case], auth))
    release = catalog.release("4.96")
    config = load_config(path, release=release)
    environment = environment_of(
        config, release, world=Machine(), headers={}, offset=offset_of,
        variables={"primary_hostname": Known("host.example")},
    )  # fmt: skip
    plan = service_plan(config, environment)
    for address in CLIENTS:
        banner, offer = theirs(exim, path, address)
        client = Client(address)
        refusal = plan.refusal(client)
        if refusal is not None:
            assert banner[0].startswith("554")
            continue
        service = plan.service(client)
        words = service.offer(secure=False).keywords
        ours = [" ".join((keyword, *rest)) for keyword, rest in words.items()]
        assert ours == [line for line in offer if line != "HELP"], address
        assert without_time(service.opening) == without_time(
            [line[4:] for line in banner]
        )


def without_time(lines: tuple[str, ...] | list[str]) -> list[str]:
    """Banners alike; an address that -bh was given is written in full there."""
    full = "2001:0db8:0000:0000:0000:0000:0000:0005"
    lines = [line.replace(full, CLIENTS[2]) for line in lines]
    return [re.sub(r"\d\d:\d\d:\d\d", "TIME", line) for line in lines]
