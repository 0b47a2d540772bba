"""A reference server from its options: what is checked and opened before it serves."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from eximkit.errors import InputError, SettingsError
from eximkit.interop import accounts, certs, endpoint, tls
from eximkit.interop.hostlist import HostList
from eximkit.interop.house import Bounds, Door, House
from eximkit.interop.mainlog import MainLog
from eximkit.interop.offering import Offering
from eximkit.interop.spool import Discard, Maildir
from eximkit.interop.transcript import Transcript
from eximkit.interop.workers import Sum, Workers, allow_files, alone
from eximkit.smtp import Service, auth
from eximkit.smtp.addresses import is_name

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from eximkit.interop.endpoint import Endpoint
    from eximkit.interop.offering import Policy
    from eximkit.interop.service_options import ServicePlan
    from eximkit.interop.spool import Spool

_SPARE_FILES = 64
_MANY_FILES = 4096
"""For any number of connections."""
_DAY = 86400.0
_WHOLE = 12
"""A connection may take so many times as long as one command."""


@dataclass(frozen=True, slots=True)
class Options:
    """The command line of `eximkit interop serve`; None where it says nothing."""

    listen: tuple[str, ...] = ()
    tls_listen: tuple[str, ...] = ()
    config: str | None = None
    mainlog: str | None = None
    spool: str | None = None
    form: str = "text"
    transcript: str | None = None
    name: str | None = None
    early_hosts: str | None = None
    keyword: str = "PIPECONNECT"
    pipelining_hosts: str | None = None
    chunking_hosts: str | None = None
    starttls: bool = True
    cert: str | None = None
    key: str | None = None
    tls_version: str | None = None
    resumption: bool = True
    account_file: str | None = None
    clear_passwords: bool = False
    size: int | None = None
    prdr: bool = True
    smtputf8: bool = True
    dsn: bool = False
    tfo: bool = False
    max_connections: int | None = None
    max_per_host: int | None = None
    max_recipients: int | None = None
    max_messages: int | None = None
    timeout: float | None = None
    processes: int = 1


@dataclass(frozen=True, slots=True)
class Opened:
    """Where a server listens. ca: a file of what clients are to trust, "" for none."""

    plain: tuple[Endpoint, ...]
    secure: tuple[Endpoint, ...]
    ca: str = ""
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Serving:
    """A server that is about to serve: `with`, then `run`.

    plan: of the configuration, if there is one. complain: takes lines for the user.
    Entering raises InputError and SettingsError for whatever cannot be used.
    """

    options: Options
    plan: ServicePlan | None = None
    complain: Callable[[str], object] = print
    _stack: ExitStack = field(default_factory=ExitStack)
    _doors: list[Door] = field(default_factory=list)
    _spool: Spool = field(default_factory=Discard)
    _log: MainLog | None = None
    _context: ssl.SSLContext | None = None
    _transcript: Transcript | None = None
    _notes: list[str] = field(default_factory=list)
    _ca: str = ""
    _name: str = ""
    _policy: Policy | None = None

    def __enter__(self) -> Self:
        with self._stack:
            self._prepare()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, ready: Callable[[Opened], object]) -> Sum:
        """Serve until a signal comes. ready: told where it listens, once it does."""
        bounds = self._bounds()
        plain = tuple(
            endpoint.bound(door.listener) for door in self._doors if not door.secure
        )
        secure = tuple(
            endpoint.bound(door.listener) for door in self._doors if door.secure
        )
        opened = Opened(plain, secure, self._ca, tuple(self._notes))
        allow_files((bounds.connections or _MANY_FILES) + _SPARE_FILES)
        if self.options.processes == 1:
            return alone(self._house(bounds), self._doors, lambda: ready(opened))
        forget = self._spool.forget if isinstance(self._spool, Maildir) else list
        workers = Workers(
            self.options.processes,
            lambda: self._house(bounds),
            self._doors,
            bounds.stop + 2 * bounds.drain_seconds,
            forget,
            self.complain,
        )
        return workers.run(lambda: ready(opened))

    def _house(self, bounds: Bounds) -> House:
        if self._policy is None:
            raise SettingsError("to be entered first")
        return House(
            self._policy, self._spool, self._context, bounds, self._log,
            self._transcript, self._name, self.complain,
        )  # fmt: skip

    def _prepare(self) -> None:
        options = self.options
        self._name = self._own_name()
        texts = options.listen or ("127.0.0.1:0",)
        where = [endpoint.parse(text) for text in texts if text]
        secure = [endpoint.parse(text) for text in options.tls_listen]
        if self.plan is not None:
            secure += [at for at in where if at.port in self.plan.on_connect_ports]
            where = [at for at in where if at not in secure]
            self._hint(self.plan)
        if not where and not secure:
            raise SettingsError("nowhere to listen: --listen is empty")
        if options.transcript is not None and options.processes > 1:
            raise SettingsError("--transcript is of one process: leave out --processes")
        if options.starttls or secure:
            self._context = self._tls([*where, *secure])
        self._policy = self.plan or self._offering()
        if options.spool is not None:
            self._spool = Maildir(options.spool)
        if options.mainlog is not None:
            self._log = self._main_log(options.mainlog)
        for at in (*where, *secure):
            if not at.loopback:
                self._notes.append(f"{at}: other hosts can reach this")
        if options.tfo and not endpoint.fast_open_allowed():
            self._notes.append(
                "the kernel lets no server use Fast Open here: "
                "sysctl net.ipv4.tcp_fastopen=3"
            )
        for at, tls_first in [(at, False) for at in where] + [
            (at, True) for at in secure
        ]:
            listener = endpoint.listening(at, fast_open=options.tfo)
            self._stack.callback(listener.close)
            self._doors.append(Door(listener, tls_first, options.tfo))
        if options.transcript is not None:
            self._transcript = self._new_transcript(options.transcript)

    def _hint(self, plan: ServicePlan) -> None:
        """Say where the configuration would have it listen, unless that was heard."""
        if plan.listen and not (self.options.listen or self.options.tls_listen):
            shown = ", ".join(
                f"{host or '*'} port {port}" for host, port in plan.listen
            )
            self._notes.append(
                f"the configuration has its server at {shown}; here --listen decides"
            )

    def _own_name(self) -> str:
        name = self.options.name
        if name is None:
            name = self.plan.name if self.plan else os.uname().nodename
            return name if is_name(name) else "localhost"
        if not is_name(name):
            raise SettingsError(f"--name {name!r}: not a host name")
        return name

    def _offering(self) -> Offering:
        options = self.options
        known = {}
        if options.account_file is not None:
            known = accounts.read(options.account_file)
        usual = Service()
        service = Service(
            name=self._name,
            early=options.keyword,
            size=usual.size if options.size is None else options.size,
            smtputf8=options.smtputf8,
            dsn=options.dsn,
            prdr=options.prdr,
            starttls=options.starttls,
            mechanisms=auth.MECHANISMS if known else (),
            clear_passwords=options.clear_passwords,
            most_recipients=options.max_recipients or usual.most_recipients,
            most_messages=options.max_messages or usual.most_messages,
        )
        return Offering(
            service,
            early=self._hosts("--early-hosts", options.early_hosts),
            pipelining=self._hosts("--pipelining-hosts", options.pipelining_hosts),
            chunking=self._hosts("--chunking-hosts", options.chunking_hosts),
            accounts=known,
        )

    def _hosts(self, option: str, text: str | None) -> HostList:
        try:
            hosts = HostList.parse("*" if text is None else text)
        except SettingsError as error:
            raise SettingsError(f"{option}: {error}") from None
        self._notes += [f"{option}: {item}" for item in hosts.unsupported]
        return hosts

    def _tls(self, where: list[Endpoint]) -> ssl.SSLContext:
        options = self.options
        version = options.tls_version or ""
        cert, key = options.cert, options.key
        if cert is None and key is not None:
            raise SettingsError("--key is of no use without --cert")
        if cert is None and self.plan is not None and self.plan.certificate:
            cert, key = self.plan.certificate, self.plan.private_key or None
        if cert is not None:
            return tls.server_context(cert, key, version, options.resumption)
        names = [self._name, "localhost", "127.0.0.1", "::1"]
        names += [at.address for at in where]
        made = certs.throw_away(*dict.fromkeys(n for n in names if "[" not in n))
        directory = tempfile.TemporaryDirectory(prefix="eximkit-")
        self._stack.callback(directory.cleanup)
        self._ca = str(made.write_authority(Path(directory.name)))
        return made.context(version, options.resumption)

    def _main_log(self, path: str) -> MainLog:
        """A log that can be written to: now, and not when a client is there."""
        try:
            with Path(path).open("ab"):
                pass
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"{path}: {reason}") from None
        if self.plan is not None and self.plan.selectors:
            return MainLog(Path(path), self.plan.selectors)
        return MainLog(Path(path))

    def _new_transcript(self, path: str) -> Transcript:
        try:
            stream = Path(path).open("wb", buffering=0)  # noqa: SIM115
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"{path}: {reason}") from None
        self._stack.callback(stream.close)
        here = str(endpoint.bound(self._doors[0].listener))
        return Transcript("server", local=here, write=stream.write)

    def _bounds(self) -> Bounds:
        options, plan, usual = self.options, self.plan, Bounds()
        wait = options.timeout or (plan.timeout or _DAY if plan else usual.wait)
        most = options.max_connections
        if most is None:
            most = plan.most_connections if plan else usual.connections
        per_address = options.max_per_host
        if per_address is None:
            per_address = plan.most_per_host if plan else usual.per_address
        return Bounds(
            # Each process counts its own.
            connections=-(-most // options.processes),
            per_address=-(-per_address // options.processes),
            wait=wait,
            whole=_WHOLE * wait,
            drain_seconds=min(usual.drain_seconds, wait),
        )
