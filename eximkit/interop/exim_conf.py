"""Configurations for a private Exim, as a server and as a client.

Nothing of the machine's own Exim is used: not its configuration, spool, log or port.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit.interop.peer import PASSWORD, USER
from eximkit.smtp.early import Tls

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.interop.peer import Setup

_SHARED = """\
primary_hostname = {name}
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
pid_file_path = {folder}/pid
keep_environment =
host_lookup =
rfc1413_query_timeout = 0s
remote_max_parallel = 1
never_users =
log_selector = +pipelining +millisec +deliver_time +tls_resumption \\
  +smtp_protocol_error +smtp_syntax_error +outgoing_port
"""

_SERVER = """\
local_interfaces = <; {address}
daemon_smtp_ports = {port} : {tls_port}
tls_on_connect_ports = {tls_port}
tls_advertise_hosts = {tls}
tls_certificate = {folder}/server.pem
tls_privatekey = {folder}/server.pem
tls_resumption_hosts = {resume}
{versions}
pipelining_advertise_hosts = {pipelining}
pipelining_connect_advertise_hosts = {early}
chunking_advertise_hosts = {chunking}
smtp_accept_max = 200
smtp_connect_backlog = 128
smtp_receive_timeout = 20s
acl_smtp_rcpt = recipients
# Each message is dropped once it is received: as good as any test, and nothing stays.
acl_smtp_data = discard

begin acl
recipients:
  deny local_parts = nobody
  accept

begin routers
nowhere:
  driver = redirect
  data = :blackhole:

begin authenticators
{authenticators}
"""

_CLIENT = """\
retry_data_expire = {expire}s
acl_not_smtp = accept
qualify_domain = client.example
tls_advertise_hosts =

begin routers
there:
  driver = manualroute
  route_data = {host}::{port}
  self = send
  transport = out

begin transports
out:
  driver = smtp
  protocol = {protocol}
  helo_data = {helo}
  hosts_pipe_connect = {early}
  hosts_avoid_pipelining = {avoid_pipelining}
  hosts_try_fastopen = {fast_open}
  hosts_try_chunking = {chunking}
  hosts_try_prdr =
  hosts_avoid_tls = {avoid_tls}
  hosts_require_tls = {require_tls}
  tls_verify_hosts = :
  tls_try_verify_hosts = :
  tls_resumption_hosts = {resume}
  {versions}
  hosts_require_auth = {require_auth}
  hosts_try_auth = {try_auth}
  connect_timeout = 20s
  command_timeout = 20s
  data_timeout = 20s
  final_timeout = 20s

begin retry
* * F,5d,1s

begin authenticators
{authenticators}
"""

_SERVER_PLAIN = f"""\
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{USER}}}}}\
{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
"""
_CLIENT_PLAIN = f"""\
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^{USER}^{PASSWORD}
"""
_CLIENT_CRAM = f"""\
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  client_name = {USER}
  client_secret = {PASSWORD}
"""
_CLIENT_SIDE = {"PLAIN": _CLIENT_PLAIN, "CRAM-MD5": _CLIENT_CRAM}

_WEEK = 7 * 24 * 3600


def _everybody(yes: bool) -> str:
    """A list of hosts: all, or none."""
    return "*" if yes else ""


def _versions(setup: Setup) -> str:
    """The TLS version alone, as GnuTLS has it, and no other."""
    if not setup.tls_version:
        return ""
    return f"tls_require_ciphers = NORMAL:-VERS-ALL:+VERS-TLS{setup.tls_version}"


def server(setup: Setup, folder: Path, address: str, port: int, tls_port: int) -> str:
    """The configuration of a server. Its certificate is `folder`/server.pem."""
    return _SHARED.format(name="server.example", folder=folder) + _SERVER.format(
        folder=folder, address=address, port=port, tls_port=tls_port,
        tls=_everybody(setup.tls is Tls.STARTTLS),
        resume=_everybody(setup.resume), versions=_versions(setup),
        pipelining=_everybody(setup.pipelining),
        early=_everybody(setup.early_offered),
        chunking=_everybody(setup.bdat),
        authenticators=_SERVER_PLAIN if setup.account else "",
    )  # fmt: skip


def client(setup: Setup, folder: Path, host: str, port: int, early: bool) -> str:
    """The configuration of a client that sends all to one port of one host."""
    wants_tls = setup.tls is not Tls.NONE
    return _SHARED.format(name="client.example", folder=folder) + _CLIENT.format(
        host=host, port=port, helo=setup.helo,
        expire=setup.expire or _WEEK,
        protocol="smtps" if setup.tls is Tls.ON_CONNECT else "smtp",
        early=_everybody(early),
        avoid_pipelining=_everybody(setup.avoid_pipelining),
        fast_open=_everybody(setup.fast_open),
        chunking=_everybody(setup.bdat),
        avoid_tls=_everybody(not wants_tls),
        require_tls=_everybody(wants_tls and setup.tls_required),
        resume=_everybody(setup.resume), versions=_versions(setup),
        require_auth=_everybody(setup.account and setup.auth_required),
        try_auth=_everybody(setup.account and not setup.auth_required),
        authenticators="".join(_CLIENT_SIDE[name] for name in setup.mechanisms)
        if setup.account else "",
    )  # fmt: skip


def version_of(text: str) -> str:
    """The version in what `exim -bV` prints, "" for none."""
    found = re.search(r"^Exim version (\S+)", text, re.MULTILINE)
    return found[1] if found else ""
