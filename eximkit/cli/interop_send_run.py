"""A run of `eximkit interop send`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from eximkit.cli import interop_setup as setup
from eximkit.cli.output import emit, style
from eximkit.errors import SettingsError
from eximkit.interop.courier import Courier, Plan
from eximkit.interop.dialling import PORT, TLS_PORT, parse_place, resolve
from eximkit.smtp import addresses
from eximkit.smtp.early import Tls, Wish
from eximkit.smtp.message import Fate
from eximkit.smtp.route import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.interop.courier import Delivered
    from eximkit.interop.dialling import Target
    from eximkit.interop.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Options:
    """The command line of `eximkit interop send`."""

    place: str | None
    mail_from: str
    recipients: tuple[str, ...]
    message: str | None
    messages: int
    repeat: int
    config: str | None
    transport: str | None
    defines: tuple[str, ...]
    helo: str | None
    as_exim: bool
    tls: str | None
    tls_required: bool
    tls_version: str | None
    ca: str | None
    sni: str | None
    early: str
    no_pipelining: bool
    bdat: bool
    tfo: bool
    tfo_content: bool
    cache: str | None
    account_file: str | None
    auth: tuple[str, ...]
    auth_required: bool
    clear_passwords: bool
    interface: str | None
    timeout: float | None
    mainlog: str | None
    transcript: str | None
    form: str


def run(options: Options) -> bool:
    """Send, and say what came of it. Whether all was delivered."""
    if options.place is None:
        raise click.UsageError("--to HOST[:PORT] is missing.")
    tls = Tls(options.tls or "none")
    host, port = parse_place(options.place, TLS_PORT if tls is Tls.ON_CONNECT else PORT)
    recipients = tuple(_address(r, "--rcpt") for r in options.recipients)
    messages = setup.messages_of(
        options.message,
        _address(options.mail_from, "--mail-from"),
        recipients or ("postmaster",),
        options.messages,
    )
    plan = _plan(options, tls)
    with (
        setup.opened_cache(options.cache) as cache,
        setup.opened_transcript(
            options.transcript, options.place, options.form == "table"
        ) as transcript,
    ):
        wanted = transcript if options.transcript or transcript.keep else None
        courier = Courier(plan, cache, wanted)

        async def deliver() -> list[Delivered]:
            targets = await resolve(host, port)
            deliveries = []
            for _ in range(options.repeat):
                # What is shown is what was said last.
                transcript.events.clear()
                deliveries.append(await courier.deliver_to_one_of(targets, messages))
            return deliveries

        deliveries = asyncio.run(deliver())
        _report(options, deliveries, transcript)
    return all(each.fate is Fate.DELIVERED for each in deliveries)


def _address(text: str, option: str) -> str:
    """An address of the envelope. Raises SettingsError for what is none."""
    from eximkit.errors import RemoteProtocolError

    try:
        address, rest = addresses.path(f"<{text}>")
    except RemoteProtocolError as error:
        raise SettingsError(f"{option} {text!r}: {error}") from None
    if rest:
        raise SettingsError(f"{option} {text!r}: not an address")
    return address


def _plan(options: Options, tls: Tls) -> Plan | Callable[[Target], Plan]:
    name = options.helo if options.helo is not None else setup.own_name()
    account = setup.account_of(options.account_file) if options.account_file else None
    if options.auth_required and account is None:
        raise SettingsError("--auth-required: --account-file is missing")
    route = Route(
        name=setup.checked_name(name, options.as_exim),
        tls=tls,
        tls_required=options.tls_required,
        account=account,
        auth_required=options.auth_required,
        mechanisms=setup.mechanisms_of(options.auth),
        clear_passwords=options.clear_passwords,
        pipelining=not options.no_pipelining,
        chunking=options.bdat,
        as_is=options.as_exim,
    )
    wish = Wish(
        early=options.early == "auto",
        pipelining=not options.no_pipelining,
        tls=tls,
        tls_required=options.tls_required,
    )
    manner = setup.manner_of(
        setup.tls_context(tls, options.tls_version, options.ca),
        options.interface,
        options.sni,
        options.timeout,
        (options.tfo, options.tfo_content),
    )
    return Plan(route, wish, manner)


def _report(
    options: Options, deliveries: list[Delivered], transcript: Transcript
) -> None:
    from eximkit.report import send_json, send_table

    for fault in dict.fromkeys(each.fault for each in deliveries if each.fault):
        setup.note(f"the cache is of no use: {fault}")
    if options.form == "json":
        emit(send_json.report(deliveries), None)
        return
    emit(send_table.report(deliveries, transcript.events, style(None)), None)
