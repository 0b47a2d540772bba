"""`eximkit interop serve`: the reference server."""

from __future__ import annotations

import click

from eximkit.cli.interop_config import config_options

KEYWORDS = ("PIPECONNECT", "PIPE_CONNECT", "X_PIPE_CONNECT")

OF_CONFIG = (
    "name", "early_hosts", "keyword", "pipelining_hosts", "chunking_hosts", "starttls",
    "account_file", "clear_passwords", "size", "prdr", "smtputf8", "dsn",
    "max_recipients", "max_messages",
)  # fmt: skip
"""Options that a configuration decides, where there is one."""


@click.command("serve", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--listen", "listen", multiple=True, metavar="ADDR:PORT",
    help="Where to listen; port 0 takes a free one, '' is nowhere "
    "(default: 127.0.0.1:0).",
)  # fmt: skip
@click.option(
    "--tls-listen", "tls_listen", multiple=True, metavar="ADDR:PORT",
    help="Where to listen for clients that begin with TLS.",
)  # fmt: skip
@click.option(
    "--config", metavar="FILE",
    help="Offer what this configuration of Exim has its server offer.",
)  # fmt: skip
@config_options
@click.option("--mainlog", metavar="FILE", help="Write a main log as Exim does.")
@click.option(
    "--spool", metavar="DIR", help="Keep messages in this maildir (default: discard)."
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text",
    show_default=True, help="How to say where it listens.",
)  # fmt: skip
@click.option("--transcript", metavar="FILE", help="Note all that is said, and when.")
@click.option("--name", metavar="HOST", help="What the server calls itself.")
@click.option(
    "--early-hosts",
    metavar="LIST",
    help="Offer early pipelining to these (default: *).",
)
@click.option(
    "--keyword", type=click.Choice(KEYWORDS), default=KEYWORDS[0], show_default=True,
    help="How early pipelining is offered.",
)  # fmt: skip
@click.option("--pipelining-hosts", metavar="LIST", help="Offer PIPELINING to these.")
@click.option("--chunking-hosts", metavar="LIST", help="Offer CHUNKING to these.")
@click.option(
    "--starttls/--no-starttls", default=True, show_default=True, help="Offer STARTTLS."
)
@click.option(
    "--cert", metavar="FILE", help="Certificate, in PEM (default: a throw-away one)."
)
@click.option("--key", metavar="FILE", help="Its key, if that is not in the same file.")
@click.option(
    "--tls-version", type=click.Choice(["1.2", "1.3"]), help="No other TLS than this."
)
@click.option(
    "--resumption/--no-resumption", default=True, show_default=True,
    help="Let clients take up TLS sessions again.",
)  # fmt: skip
@click.option(
    "--account-file", metavar="FILE",
    help="Offer AUTH to those in it, one name:password a line.",
)  # fmt: skip
@click.option(
    "--clear-passwords", is_flag=True, help="Offer PLAIN and LOGIN without TLS, too."
)
@click.option(
    "--size", type=click.IntRange(0), metavar="N",
    help="The most octets of a message, 0 for any (default: 50 MiB).",
)  # fmt: skip
@click.option("--prdr/--no-prdr", default=True, show_default=True, help="Offer PRDR.")
@click.option(
    "--smtputf8/--no-smtputf8", default=True, show_default=True, help="Offer SMTPUTF8."
)
@click.option("--dsn/--no-dsn", default=False, show_default=True, help="Offer DSN.")
@click.option("--tfo", is_flag=True, help="Take data in SYN packets: TCP Fast Open.")
@click.option(
    "--max-connections", type=click.IntRange(1), metavar="N",
    help="At the same time (default: 1000).",
)  # fmt: skip
@click.option(
    "--max-per-host", type=click.IntRange(0), metavar="N",
    help="Of one address at the same time (default: any).",
)  # fmt: skip
@click.option(
    "--max-recipients", type=click.IntRange(1), metavar="N",
    help="Of one message (default: 1000).",
)  # fmt: skip
@click.option(
    "--max-messages", type=click.IntRange(1), metavar="N",
    help="On one connection (default: 1000).",
)  # fmt: skip
@click.option(
    "--timeout", type=click.FloatRange(0.1), metavar="SECONDS",
    help="Wait so long for a command, and 12 times as long for a whole connection "
    "(default: 300).",
)  # fmt: skip
@click.option(
    "--processes", type=click.IntRange(1, 64), default=1, show_default=True,
    metavar="N", help="How many processes serve.",
)  # fmt: skip
def serve(**options: object) -> None:
    """Be a server that takes early input (PIPECONNECT), until SIGTERM or Ctrl-C.

    Nobody but this machine can reach it unless you say so with --listen. Messages are
    counted and discarded, or kept in a maildir. A LIST is a host list of Exim, such as
    "192.0.2.0/24 : !198.51.100.7 : *.example.org"; '' is nobody.
    """
    from eximkit.cli.interop_config import CONFIG_OPTIONS, given, reading_of
    from eximkit.cli.interop_serve_run import run
    from eximkit.interop.serving import Options

    by_hand = given(*OF_CONFIG)
    if options["config"] is not None and by_hand:
        raise click.UsageError(
            f"--config says what {by_hand[0]} is about: leave one of them out."
        )
    reading = reading_of(options)
    rest = {name: of for name, of in options.items() if name not in CONFIG_OPTIONS}
    raise click.exceptions.Exit(run(Options(**rest), reading))  # type: ignore[arg-type]
