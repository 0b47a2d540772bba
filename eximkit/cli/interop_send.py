"""`eximkit interop send`: options to deliveries, outcomes to an exit code."""

from __future__ import annotations

import sys

import click

from eximkit.cli.interop_config import config_options

TLS = ("none", "starttls", "on-connect")

_HELP = {"help_option_names": ["-h", "--help"]}


@click.command(context_settings=_HELP)
@click.option(
    "--to", "place", metavar="HOST[:PORT]",
    help="Where to send: an address or a name; [IPV6]:PORT. Port 25, or 465 for TLS"
    " on connect.",
)  # fmt: skip
@click.option(
    "--mail-from", default="", metavar="ADDRESS", help="Sender (default: <>)."
)
@click.option(
    "--rcpt", "recipients", multiple=True, metavar="ADDRESS",
    help="A recipient; can be given several times (default: postmaster).",
)  # fmt: skip
@click.option(
    "--message", metavar="FILE",
    help="The message, - for standard input (default: a small one).",
)  # fmt: skip
@click.option(
    "--messages", type=click.IntRange(1, 10_000), default=1, metavar="N",
    help="Send it so often on one connection.",
)  # fmt: skip
@click.option(
    "--repeat", type=click.IntRange(1, 10_000), default=1, metavar="N",
    help="So many connections, one after the other.",
)  # fmt: skip
@click.option(
    "--config", metavar="FILE", help="Send as a transport of this configuration would."
)
@click.option("--transport", metavar="NAME", help="The smtp transport of --config.")
@config_options
@click.option("--helo", metavar="NAME", help="Name to greet with (default: this host).")
@click.option(
    "--as-exim", is_flag=True,
    help="Greet with a name that is empty or malformed, as Exim would.",
)  # fmt: skip
@click.option("--tls", type=click.Choice(TLS), help="When to turn to TLS.")
@click.option("--tls-required", is_flag=True, help="Send nothing without TLS.")
@click.option("--tls-version", type=click.Choice(("1.2", "1.3")), help="No other one.")
@click.option("--ca", metavar="FILE", help="Check certificates by these authorities.")
@click.option("--sni", metavar="NAME", help="Ask for the certificate of this name.")
@click.option(
    "--early", type=click.Choice(("auto", "never")), default="auto", show_default=True,
    help="Talk before the banner where that was offered before.",
)  # fmt: skip
@click.option("--no-resume", is_flag=True, help="A full TLS handshake each time.")
@click.option(
    "--expire", type=click.IntRange(1, 366 * 86400), metavar="SECONDS",
    help="What is remembered counts so long (default: a week).",
)  # fmt: skip
@click.option("--no-pipelining", is_flag=True, help="Wait for each reply.")
@click.option("--bdat", is_flag=True, help="Send by BDAT where CHUNKING is offered.")
@click.option("--tfo", is_flag=True, help="TCP Fast Open: let the SYN carry commands.")
@click.option(
    "--tfo-content", is_flag=True,
    help="Let the SYN carry the message too. A SYN may arrive twice, and so may the"
    " message.",
)  # fmt: skip
@click.option(
    "--cache", metavar="FILE",
    help="What is remembered of servers (default: eximkit/ehlo.sqlite in"
    " $XDG_CACHE_HOME).",
)  # fmt: skip
@click.option(
    "--account-file", metavar="FILE", help="Use AUTH: a file with a line user:password."
)
@click.option(
    "--auth", multiple=True, metavar="MECHANISM",
    help="PLAIN, CRAM-MD5 or LOGIN; several in order of preference.",
)  # fmt: skip
@click.option("--auth-required", is_flag=True, help="Send nothing without AUTH.")
@click.option(
    "--clear-passwords", is_flag=True,
    help="Let PLAIN and LOGIN be used without TLS (never early).",
)  # fmt: skip
@click.option("--interface", metavar="ADDRESS", help="Connect from this address.")
@click.option(
    "--timeout", type=click.FloatRange(0.001, 86400), metavar="SECONDS",
    help="Wait for nothing longer than that (default: as RFC 5321 says).",
)  # fmt: skip
@click.option("--mainlog", metavar="FILE", help="Log as Exim does, at the end of FILE.")
@click.option("--transcript", metavar="FILE", help="Write what was said as JSON lines.")
@click.option(
    "--format", "form", type=click.Choice(("table", "json")), default="table",
    help="For people (default) or programs.",
)  # fmt: skip
def send(**options: object) -> None:
    """Send a message to one host, early where it may be.

    A host that was seen to offer early pipelining is talked to before its banner: what
    it offered is remembered from one run to the next. What goes wrong then says nothing
    about the message, and it is sent once more without. Exit code 1 unless all
    recipients were accepted.
    """
    from eximkit.cli.interop_send_run import Options, run

    if not run(Options(**options)):  # type: ignore[arg-type]
        sys.exit(1)
