"""Which ACLs a real Exim refuses a word in: one message or session for each pair."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIG = """\
primary_hostname = host.example
keep_environment =
spool_directory = {folder}
log_file_path = {folder}/%slog
prdr_enable
hosts_require_helo =
dns_retrans = 1s
dns_retry = 1
dkim_verify_signers = signer.example
spamd_address = 127.0.0.1 9
av_scanner = clamd:127.0.0.1 9
{settings}
begin acl
a:
  {statements}
  accept
begin routers
r:
  driver = redirect
  data = :blackhole:
begin authenticators
p:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = yes
"""
MESSAGE = "Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain\n\nhello\n"
HELO = "EHLO client.example\n"
MAIL = f"{HELO}MAIL FROM:<a@client.example>\n"
RCPT = f"{MAIL}RCPT TO:<b@host.example>\n"
DATA = f"{RCPT}DATA\n{MESSAGE}.\n"
AUTH = f"{HELO}AUTH PLAIN AGEAYg==\n"
QUIT = "QUIT\n"
# What the client says, by the main option that names the ACL; None: the message comes
# from the command line.
SESSIONS: dict[str, str | None] = {
    "acl_not_smtp": None,
    "acl_not_smtp_mime": None,
    "acl_not_smtp_start": None,
    "acl_smtp_auth": f"{AUTH}{QUIT}",
    "acl_smtp_connect": f"{HELO}{QUIT}",
    "acl_smtp_data": f"{DATA}{QUIT}",
    "acl_smtp_data_prdr": DATA.replace(
        "a@client.example>", "a@client.example> PRDR"
    ).replace("DATA\n", "RCPT TO:<c@host.example>\nDATA\n"),
    "acl_smtp_dkim": f"{DATA}{QUIT}",
    "acl_smtp_etrn": f"{HELO}ETRN x\n{QUIT}",
    "acl_smtp_expn": f"{HELO}EXPN x\n{QUIT}",
    "acl_smtp_helo": f"{HELO}{QUIT}",
    "acl_smtp_mail": f"{MAIL}{QUIT}",
    "acl_smtp_mailauth": f"{AUTH}MAIL FROM:<a@client.example> AUTH=b@client.example\n",
    "acl_smtp_mime": f"{DATA}{QUIT}",
    "acl_smtp_notquit": HELO,
    "acl_smtp_predata": f"{DATA}{QUIT}",
    "acl_smtp_quit": f"{HELO}{QUIT}",
    "acl_smtp_rcpt": f"{RCPT}{QUIT}",
    "acl_smtp_starttls": f"{HELO}STARTTLS\n",
    "acl_smtp_vrfy": f"{HELO}VRFY b@host.example\n{QUIT}",
}
# Something that each word takes, so that no error but "not here" can come.
VALUES = {
    "acl": "acl = accept",
    "authenticated": "authenticated = *",
    "control": "control = debug/kill",
    "decode": "decode = default",
    "delay": "delay = 0s",
    "encrypted": "encrypted = *",
    "hosts": "hosts = *",
    "log_reject_target": "log_reject_target = main",
    "ratelimit": "ratelimit = 1 / 1h / readonly / key",
    "seen": "seen = -5m / key=x / readonly",
    "set": "set acl_m0 = x",
    "udpsend": "udpsend = <; 127.0.0.1 ; 9 ; x",
    "verify": "verify = helo",
}


def refused(exim: Path, words: Sequence[str], acl: str) -> bool:
    """Whether Exim says that one of the words cannot be used in an option's ACL."""
    folder = Path(tempfile.mkdtemp(prefix="eximkit-acl-"))
    # Exim becomes its own user, who must be able to use its spool.
    folder.chmod(0o777)
    try:
        said = _run(exim, folder, words, acl)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    # It must have come to the first word at all, and to each where none is refused.
    statements = re.findall(r'^processing "', said, re.MULTILINE)
    assert statements, said
    no = re.search(
        r"cannot (?:test|use) .* in .* ACL|condition test error in ACL", said
    )
    assert no or len(statements) >= len(words), said
    return no is not None


def _statement(word: str) -> str:
    if word == "endpass":
        return "accept condition = no\n  endpass"
    return f"warn {VALUES.get(word, f'{word} = x')}"


def _run(exim: Path, folder: Path, words: Sequence[str], acl: str) -> str:
    acls = {"acl_smtp_rcpt": "accept", acl: "a"}
    settings = "\n".join(f"{option} = {value}" for option, value in acls.items())
    config = folder / "exim.conf"
    config.write_text(
        CONFIG.format(
            folder=folder,
            settings=settings,
            statements="\n  ".join(map(_statement, words)),
        )
    )
    session = SESSIONS[acl]
    if session is None:
        arguments = ["-d-all+acl", "-odq", "-f", "a@client.example", "b@host.example"]
        text = MESSAGE
    else:
        arguments = ["-d-all+acl", "-bh", "192.0.2.1"]
        text = session.replace("\n", "\r\n")
    done = subprocess.run(
        [exim, "-C", config, *arguments], input=text.encode(), capture_output=True,
        check=False, timeout=60,
    )  # fmt: skip
    return (done.stdout + done.stderr).decode("latin-1")
