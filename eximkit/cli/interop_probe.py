"""`eximkit interop probe`: what a host offers, and whether it means it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from eximkit.interop.probing import Probed

_HELP = {"help_option_names": ["-h", "--help"]}


@click.command(context_settings=_HELP)
@click.argument("place", metavar="HOST[:PORT]")
@click.option(
    "--tls", type=click.Choice(("none", "starttls", "on-connect")), default="none",
    show_default=True, help="When to turn to TLS.",
)  # fmt: skip
@click.option("--tls-version", type=click.Choice(("1.2", "1.3")), help="No other one.")
@click.option("--ca", metavar="FILE", help="Check certificates by these authorities.")
@click.option("--sni", metavar="NAME", help="Ask for the certificate of this name.")
@click.option("--helo", metavar="NAME", help="Name to greet with (default: this host).")
@click.option("--tfo", is_flag=True, help="TCP Fast Open: let the SYN carry commands.")
@click.option("--interface", metavar="ADDRESS", help="Connect from this address.")
@click.option(
    "--timeout", type=click.FloatRange(0.001, 86400), default=60.0, show_default=True,
    metavar="SECONDS", help="Wait for nothing longer than that.",
)  # fmt: skip
@click.option("--transcript", metavar="FILE", help="Write what was said as JSON lines.")
@click.option(
    "--format", "form", type=click.Choice(("table", "json")), default="table",
    help="For people (default) or programs.",
)  # fmt: skip
def probe(
    place: str,
    tls: str,
    tls_version: str | None,
    ca: str | None,
    sni: str | None,
    helo: str | None,
    tfo: bool,
    interface: str | None,
    timeout: float,
    transcript: str | None,
    form: str,
) -> None:
    """Say what a host offers, and whether it honours early input. Sends no mail.

    Greets the host as every client does, and where it offers early pipelining once more
    without waiting. Port 25, or 465 for TLS on connect. Nothing is remembered. Exit
    code 1 where the host does not answer, or does not keep to what it offers.
    """
    import asyncio

    from eximkit.cli import interop_setup as setup
    from eximkit.cli.output import emit, style
    from eximkit.errors import SettingsError
    from eximkit.interop.courier import Plan
    from eximkit.interop.dialling import PORT, TLS_PORT, parse_place, resolve
    from eximkit.interop.probing import Verdict
    from eximkit.interop.probing import probe as probing
    from eximkit.report import probe_report
    from eximkit.smtp.addresses import is_name
    from eximkit.smtp.early import Tls, Wish
    from eximkit.smtp.route import Route

    mode = Tls(tls)
    host, port = parse_place(place, TLS_PORT if mode is Tls.ON_CONNECT else PORT)
    name = setup.own_name() if helo is None else helo
    if not is_name(name):
        raise SettingsError(f"--helo {name!r}: no host may greet with that")
    plan = Plan(
        Route(name, mode),
        Wish(tls=mode),
        setup.manner_of(
            setup.tls_context(mode, tls_version, ca), interface, sni, timeout,
            (tfo, False),
        ),
    )  # fmt: skip

    async def ask() -> Probed:
        for target in await resolve(host, port):
            found = await probing(plan, target, told)
            if found.verdict is not Verdict.UNREACHED:
                break
        return found

    with setup.opened_transcript(transcript, place, form == "table") as told:
        found = asyncio.run(ask())
        if form == "json":
            emit(probe_report.as_json(found, mode), None)
        else:
            emit(probe_report.table(found, mode, told.events, style(None)), None)
    if found.verdict in (Verdict.UNREACHED, Verdict.BROKEN):
        sys.exit(1)
