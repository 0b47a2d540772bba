"""What ACLs of a configuration refuse, beside what a real Exim refuses by them."""

from __future__ import annotations

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
from eximkit.smtp.events import Opened, Received
from eximkit.smtp.server import Server

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.interop.service_options import ServicePlan

CONFIG = r"""
primary_hostname = host.example
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
keep_environment =
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
smtp_accept_max_nonmail = 100
domainlist ours = ok.example : *.ok.example
acl_smtp_connect = c
acl_smtp_helo = h
acl_smtp_mail = ${if eq{a}{a}{m}}
acl_smtp_rcpt = r
begin acl
c:
  drop hosts = 192.0.2.9
  deny hosts = 192.0.2.8
       message = go away\nand stay there
  defer hosts = !192.0.2.6 : 192.0.2.4/30
  accept set acl_c_from = $sender_host_address
h:
  deny condition = ${if eq{$sender_helo_name}{bad}}
  defer condition = ${if eq{$sender_helo_name}{later}}
  accept set acl_c_seen = $sender_helo_name
m:
  deny senders = a@bad.example : *@worse.example
  deny senders = : b@x.example
       message = no ${if eq{$acl_c_seen}{x}{x}{y}} from $acl_c_from\nsecond
  defer sender_domains = later.example
  warn set acl_m_list = $acl_m_list+$sender_address
  accept
r:
  accept acl = inner $domain
  deny local_parts = root : ^adm
       message = 554 5.7.1 no $local_part
  defer recipients = q@d.example
       message = 455 later
  deny message = 250 not so
       local_parts = wrong
  deny message = $acl_m_list $acl_c_seen
       local_parts = say
  accept authenticated = *
         endpass
         domains = nowhere
  require domains = d.example
       message = relay for $domain
  drop local_parts = x
inner:
  accept condition = ${if match_domain{$acl_arg1}{+ours}}
"""
DIALOGUE = (
    "EHLO bad", "EHLO later", "HELO x", "MAIL FROM:<a@bad.example>",
    "MAIL FROM:<c@worse.example>", "MAIL FROM:<b@x.example>",
    "MAIL FROM:<a@later.example>", "MAIL FROM:<>", "MAIL FROM:<a@b.example>",
    "RCPT TO:<a@ok.example>", "RCPT TO:<a@sub.OK.example>", "RCPT TO:<root@d.example>",
    "RCPT TO:<Administrator@d.example>", "RCPT TO:<q@d.example>",
    'RCPT TO:<"Adm x\\"y"@d.example>', "RCPT TO:<wrong@d.example>",
    "RCPT TO:<say@d.example>", "RCPT TO:<a@z.example>",
    "RCPT TO:<k@d.example>", "RSET", "MAIL FROM:<d@b.example>",
    "RCPT TO:<say@d.example>", "RCPT TO:<x@d.example>", "NOOP",
)  # fmt: skip


def theirs(exim: Path, config: Path, address: str) -> list[list[str]]:
    """Exim's replies, each as its lines."""
    done = subprocess.run(
        [exim, "-C", config, "-bh", address],
        input="".join(f"{line}\r\n" for line in DIALOGUE).encode(),
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    found: list[list[str]] = [[]]
    for line in done.stdout.decode().splitlines():
        if line[:3].isdigit():
            found[-1].append(line)
            if line[3:4] != "-":
                found.append([])
    return [lines for lines in found if lines]


def ours(plan: ServicePlan, address: str) -> list[list[str]]:
    """The same of a server by the plan."""
    client = Client(address)
    server, judge = Server(plan.service(client)), plan.judge(client)
    assert judge is not None
    replies: list[list[str]] = []
    for line in (b"", *(f"{one}\r\n".encode() for one in DIALOGUE)):
        for event in server.feed(line):
            verdict = None
            match event:
                case Opened():
                    verdict = judge.connection()
                case Received(command):
                    verdict = judge.command(command, server.session, ("", ""))
            given = event.reply  # type: ignore[union-attr]
            close = isinstance(event, Opened) and verdict is not None
            if verdict is not None:
                given, close = verdict.reply, close or verdict.close
            replies.append(server.send(given, close=close).decode().splitlines())
    return replies


@pytest.mark.parametrize(
    "address", ["192.0.2.9", "192.0.2.8", "192.0.2.7", "192.0.2.6", "10.0.0.1"]
)
def test_acls(exim: Path, folder: Path, address: str) -> None:
    path = folder / "exim.conf"
    path.write_text(CONFIG.replace("{folder}", str(folder)))
    release = catalog.release("4.96")
    config = load_config(path, release=release)
    environment = environment_of(
        config, release, world=Machine(), headers={}, offset=offset_of,
        variables={"primary_hostname": Known("host.example")},
    )  # fmt: skip
    plan = service_plan(config, environment)
    assert set(plan.acls.names) == {"connect", "helo", "mail", "rcpt"}
    expected, found = theirs(exim, path, address), ours(plan, address)
    for number, (one, other) in enumerate(zip(expected, found, strict=True)):
        said = ("banner", *DIALOGUE)[number]
        if one[0][0] == "2":
            # The words of what is not refused are each one's own.
            assert other[0][0] == "2", said
        else:
            assert other == one, said
