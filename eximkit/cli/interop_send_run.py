"""A run of `eximkit interop send`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eximkit.cli import interop_setup as setup
from eximkit.cli.output import emit, style
from eximkit.errors import SettingsError
from eximkit.interop.courier import Courier, Plan
from eximkit.interop.delivery_log import DeliveryLog
from eximkit.interop.dialling import PORT, TLS_PORT, parse_place
from eximkit.interop.errand import Errand
from eximkit.interop.mainlog import MainLog
from eximkit.machine.caller import caller
from eximkit.smtp import addresses
from eximkit.smtp.early import WEEK, Tls, Wish
from eximkit.smtp.message import Fate
from eximkit.smtp.route import Route

if TYPE_CHECKING:
    from eximkit.cli.interop_transport import Transport
    from eximkit.interop.cache import EhloCache
    from eximkit.interop.courier import Delivered
    from eximkit.interop.dialling import Target
    from eximkit.interop.transcript import Transcript
    from eximkit.smtp.message import Message


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
    allow: tuple[tuple[str, ...], ...]
    exim_version: str | None
    root: str | None
    helo: str | None
    as_exim: bool
    tls: str | None
    tls_required: bool
    tls_version: str | None
    ca: str | None
    sni: str | None
    early: str
    no_resume: bool
    expire: int | None
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


_OF_THE_TRANSPORT = (
    "helo", "tls", "tls_required", "sni", "no_resume", "expire",
    "no_pipelining", "bdat", "tfo",
    "account_file", "auth", "auth_required", "interface",
)  # fmt: skip
"""Options that mean nothing beside `--transport`, whose own they are."""


def run(options: Options) -> bool:
    """Send, and say what came of it. Whether all was delivered."""
    _check(options)
    recipients = tuple(_address(each, "--rcpt") for each in options.recipients)
    messages = setup.messages_of(
        options.message,
        _address(options.mail_from, "--mail-from"),
        recipients or ("postmaster",),
        options.messages,
    )
    place = options.place or ""
    with ExitStack() as opened:
        cache = opened.enter_context(setup.opened_cache(options.cache))
        transcript = opened.enter_context(
            setup.opened_transcript(options.transcript, place, options.form == "table")
        )
        log = _log(options, opened)
        errand = _errand(options, messages, cache, transcript, log)
        deliveries = errand.run()
        if deliveries:
            _report(options, deliveries, transcript)
    if errand.ended_by:
        sys.exit(128 + errand.ended_by)
    return all(each.fate is Fate.DELIVERED for each in deliveries)


def _check(options: Options) -> None:
    """What only means something together. Raises UsageError."""
    if options.place is None:
        raise click.UsageError("--to HOST[:PORT] is missing.")
    if (options.config is None) != (options.transport is None):
        raise click.UsageError("--config FILE and --transport NAME go together.")
    if options.config is None:
        return
    for name in _OF_THE_TRANSPORT:
        if getattr(options, name):
            option = "--" + name.replace("_", "-")
            raise click.UsageError(
                f"{option} is what the transport of --config decides."
            )


def _errand(
    options: Options,
    messages: list[Message],
    cache: EhloCache,
    transcript: Transcript,
    log: DeliveryLog | None,
) -> Errand:
    on_connect = options.tls == Tls.ON_CONNECT.value
    host, port = parse_place(options.place or "", 0)
    usual = port or (TLS_PORT if on_connect else PORT)
    wanted = transcript if options.transcript or transcript.keep else None
    # What is shown is what was said last.
    before = transcript.events.clear
    if options.config is None:
        courier = Courier(_plan(options), cache, wanted)
        return Errand(
            courier, host, usual, messages, options.repeat, log, before=before
        )
    transport = _transport(options, messages[0])

    def placed(target: Target) -> Target:
        return transport.target(target, port)

    courier = Courier(transport.plan, cache, wanted)
    return Errand(courier, host, usual, messages, options.repeat, log, placed, before)


def _log(options: Options, opened: ExitStack) -> DeliveryLog | None:
    if options.mainlog is None:
        return None
    log = MainLog(Path(options.mainlog))
    opened.callback(log.close)
    transport = options.transport or "remote_smtp"
    return DeliveryLog(log, transport=transport, user=caller().login)


def _transport(options: Options, message: Message) -> Transport:
    from eximkit.cli import interop_config
    from eximkit.cli.interop_transport import Transport
    from eximkit.interop.transport_options import Envelope

    reading = interop_config.Reading(
        options.config or "", options.defines, options.allow, options.exim_version,
        options.root,
    )  # fmt: skip
    return Transport(
        interop_config.read(reading),
        options.transport or "",
        Envelope(message.sender, message.recipients),
        as_exim=options.as_exim,
        clear_passwords=options.clear_passwords,
        content_in_syn=options.tfo_content,
        early=options.early == "auto",
        tls_version=options.tls_version or "",
        timeout=options.timeout,
        authorities=options.ca or "",
    )


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


def _plan(options: Options) -> Plan:
    tls = Tls(options.tls or "none")
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
        expire=options.expire or WEEK,
    )
    manner = setup.manner_of(
        setup.tls_context(tls, options.tls_version, options.ca),
        options.interface,
        options.sni,
        options.timeout,
        (options.tfo, options.tfo_content),
    )
    return Plan(route, wish, replace(manner, resume=not options.no_resume))


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
