"""One entry of a main log, as data.

Exim specification, chapter "Log files".
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from eximkit.logs.values import tls_version, unescaped


class Kind(StrEnum):
    """What sort of entry a line is. The values are stable names."""

    ARRIVAL = "arrival"
    """`<=`: a message was received."""
    FAKE_REJECT = "fake_reject"
    """`(=`: received, and the sender was told that it was rejected."""
    DELIVERY = "delivery"
    """`=>`: delivered, the first address of a transaction."""
    FURTHER = "further"
    """`->`: delivered, another address of the same transaction."""
    CUTTHROUGH = "cutthrough"
    """`>>`: delivered while it was being received."""
    SUPPRESSED = "suppressed"
    """`*>`: would have been delivered, but for `-N`."""
    FAILURE = "failure"
    """`**`: failed for good."""
    DEFERRAL = "deferral"
    """`==`: put off."""
    COMPLETED = "completed"
    """The message left the spool."""

    FROZEN = "frozen"
    """A message became frozen: `Frozen`, `frozen by`, `Frozen (delivery error …)`."""
    STILL_FROZEN = "still_frozen"
    """`Message is frozen`: a queue run passed over a message that had been frozen."""
    UNFROZEN = "unfrozen"
    REMOVED = "removed"
    """`removed by`, `cancelled by`: taken off the queue by hand or for its age."""
    HOST_ERROR = "host_error"
    """A remote host did not take the message now: `H=name [ip]: SMTP error …`."""
    ERROR_IGNORED = "error_ignored"
    NO_DELIVERY = "no_delivery"
    """`no immediate delivery: …`."""
    DKIM = "dkim"
    """The result of one signature's verification."""
    SPAM_SCAN = "spam_scan"
    """`SA: …`, of sa-exim."""
    NOTE = "note"
    """Free text about one message, of no other sort."""

    REJECTION = "rejection"
    TEMPORARY_REJECTION = "temporary_rejection"
    SYNC_GREETING = "sync_greeting"
    """Input came before the greeting, from a client that may not do so."""
    SYNC_NOT_ADVERTISED = "sync_not_advertised"
    """A command came too soon; PIPELINING had not been advertised."""
    SYNC_ADVERTISED = "sync_advertised"
    """A command came too soon, where even PIPELINING does not allow it."""
    VERIFY_FAILED = "verify_failed"
    """`sender verify fail for …`; the rejection has a line of its own."""
    DISCARDED = "discarded"
    """A recipient or a message that an ACL dropped in silence."""
    WARNING = "warning"
    """`Warning: …`, of an ACL."""
    SYNTAX_ERROR = "syntax_error"
    """`SMTP syntax error in "…"`, `SMTP protocol error in "…"`."""
    INCOMPLETE = "incomplete"
    """`incomplete transaction (…)`."""
    AUTH_FAILED = "auth_failed"
    ETRN = "etrn"
    """A client asked for its queue to be run, by ETRN or ATRN."""

    CONNECTION = "connection"
    """A client connected."""
    CONNECTION_CLOSED = "connection_closed"
    LOST_CONNECTION = "lost_connection"
    """The client went away, or did not answer in time."""
    REFUSED_CONNECTION = "refused_connection"
    DROPPED_CONNECTION = "dropped_connection"
    """`SMTP call from … dropped: …`."""
    NO_MAIL = "no_mail"
    """`no MAIL in SMTP connection from …`."""
    NO_HOST_NAME = "no_host_name"
    """The client's address has no name, or not one that leads back to it."""
    TLS_ERROR = "tls_error"

    DAEMON_START = "daemon_start"
    QUEUE_RUN = "queue_run"
    """`Start queue run: …`."""
    QUEUE_RUN_END = "queue_run_end"
    RE_EXEC = "re_exec"
    """`SIGHUP received: re-exec daemon`."""
    ARGUMENTS = "arguments"
    """`cwd=… args: …`: how Exim was called."""

    PIECE = "piece"
    """A further piece of a long syslog entry, read without those before it."""
    UNPARSED = "unparsed"
    """A whole stamp, and nothing known after it; or an event flag and fields that do
    not fit."""
    GARBAGE = "garbage"
    """Not one whole entry. Nothing in it counts; see `eximkit.logs.line`."""


class Direction(StrEnum):
    """Which way a message went."""

    IN = "in"
    OUT = "out"


class Piece(NamedTuple):
    r"""The mark of a piece of a long syslog entry, `[3/7]`.

    kind: `/` where the entry was cut for its length after this piece, `\` where it has
    a line end there.
    """

    number: int
    total: int
    kind: str


ARRIVALS = frozenset({Kind.ARRIVAL, Kind.FAKE_REJECT})
DELIVERIES = frozenset({Kind.DELIVERY, Kind.FURTHER, Kind.CUTTHROUGH})


class LogRecord(NamedTuple):
    r"""An entry of a main log.

    Text is UTF-8 with surrogate escapes for octets that are none (`\udc80` to
    `\udcff`); "" and None stand for fields that the line does not have. `raw` is the
    line without its end. Escapes are as written; `subject` is without them.

    stamp: `YYYY-MM-DD HH:MM:SS` as written, "" for garbage; year `0000` where the line
    has none and none was given. zone: such as `+0100`. process: of `[pid]`, or else of
    the syslog tag.

    sender: of the envelope, "" for the null sender; None where it is not logged.
    address: the recipient; for a pipe, a file or an automatic reply what stands in its
    place. parents: `(…)`. original: `<…>` after the address.

    host_name, helo, ip, port: the other end, as in `H=`; helo only of clients. remote
    tells deliveries to a host from others. continued: `]*`, on a connection that an
    earlier message had opened. interface: address and port of `I=`. spf, dmarc: the
    result, or `yes` where the line has the bare word.

    form: of the L field, see `eximkit.logs.pipelining`. tls: X= whole. dn, subject_raw,
    confirmation: what stands between the quotes. size: S= in octets. Times in seconds:
    receive_time RT=, queue_time QT=, delivery_time DT=, duration D=.

    command: what was rejected or out of place, such as `RCPT`. text: the message of an
    error or a rejection, or all of a free text. commands: C= of a `no MAIL` line.
    version: of the daemon that started. number: of connections, or of arguments.
    """

    raw: bytes
    kind: Kind
    stamp: str = ""
    milliseconds: int | None = None
    zone: str = ""
    process: int | None = None
    syslog_host: str = ""
    piece: Piece | None = None
    message_id: str = ""

    sender: str | None = None
    address: str = ""
    parents: tuple[str, ...] = ()
    original: str = ""
    return_path: str | None = None
    router: str = ""
    transport: str = ""
    shadow: str = ""
    shadow_error: str = ""

    reference: str = ""
    dnssec: bool = False
    host_name: str = ""
    helo: str = ""
    ip: str = ""
    port: int | None = None
    continued: bool = False
    remote: bool = False
    interface: str = ""
    interface_port: int | None = None
    tfo: str = ""
    ident: str = ""
    connection_id: str = ""
    protocol: str = ""
    protocol_detail: str = ""
    form: str = ""
    tls: str = ""
    verified: str = ""
    dn: str = ""
    sni: str = ""
    authenticator: str = ""
    authenticated_id: str = ""
    auth_sender: str = ""
    prdr: bool = False
    proxy: str = ""
    chunking: bool = False
    spf: str = ""
    dkim: str = ""
    arc: bool = False
    dmarc: str = ""

    size: int | None = None
    eight_bit: int | None = None
    receive_time: float | None = None
    queue_time: float | None = None
    delivery_time: float | None = None
    queue: str = ""
    header_id: str = ""
    header_id_created: bool = False
    subject_raw: str | None = None
    received_sender: str | None = None
    recipients: tuple[str, ...] = ()

    confirmation: str = ""
    error_number: int | None = None
    error_name: str = ""
    command: str = ""
    text: str = ""
    commands: tuple[str, ...] = ()
    duration: float | None = None
    number: int | None = None
    version: str = ""

    @property
    def direction(self) -> Direction | None:
        """In for arrivals from a host, out for deliveries to one, None for the rest."""
        if self.kind in ARRIVALS:
            return Direction.IN if self.ip else None
        return Direction.OUT if self.remote and self.kind in DELIVERIES else None

    @property
    def subject(self) -> str | None:
        """The subject without its escapes: the first 100 characters of it at most."""
        return None if self.subject_raw is None else unescaped(self.subject_raw)

    @property
    def tls_version(self) -> str:
        """Such as `TLS1.3`, whichever library wrote it; "" in clear."""
        return tls_version(self.tls)

    @property
    def tls_resumed(self) -> bool:
        """Whether an earlier TLS session was resumed."""
        return self.tls.endswith("*")

    @property
    def over_smtp(self) -> bool:
        """Whether the line names a host by its address."""
        return bool(self.ip)
