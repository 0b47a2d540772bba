"""The columns of the tables: names, types, units, and the log fields they are of.

What is here is also written into each Parquet file, as metadata of its fields.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

SCHEMA = "eximkit.columns/1"

TEXT, LIST, FLAG = "string", "list<string>", "bool"
SMALL, WHOLE, SECONDS = "int32", "int64", "float64"
LOCAL, UTC = "timestamp[us]", "timestamp[us, UTC]"


class Column(NamedTuple):
    """One column. source: where in a log line its values are. unit: "" for none."""

    name: str
    type: str
    source: str
    description: str
    unit: str = ""


RECORD = (
    Column("zone", TEXT, "stamp", "offset from UTC, such as +0100"),
    Column("process", WHOLE, "[pid]", "process id, of Exim or of the syslog tag"),
    Column("syslog_host", TEXT, "syslog", "host that syslog names"),
    Column("message_id", TEXT, "message id", "of 23 characters, or 16 before 4.97"),
    Column(
        "kind", TEXT, "flag or words", "sort of entry; see eximkit.logs.record.Kind"
    ),
    Column("sender", TEXT, "<=, F=", "envelope sender; empty for the null sender"),
    Column("address", TEXT, "=> -> >> *> ** ==", "recipient, or pipe, file, reply"),
    Column("parents", LIST, "(...)", "addresses that it was made of"),
    Column("original", TEXT, "<...>", "original recipient"),
    Column("return_path", TEXT, "P=<...>", "return path; empty for the null sender"),
    Column("router", TEXT, "R=", "router"),
    Column("transport", TEXT, "T=", "transport"),
    Column("shadow", TEXT, "ST=", "shadow transport"),
    Column("shadow_error", TEXT, "ST=", "why the shadow transport failed"),
    Column("reference", TEXT, "R=", "message that a bounce reports on"),
    Column("dnssec", FLAG, "DS", "whether the DNS told of the host with DNSSEC"),
    Column("host_name", TEXT, "H=", "verified name of a client, name of a server"),
    Column("helo", TEXT, "H=(...)", "name that a client gave; it may be anything"),
    Column("ip", TEXT, "H=[...]", "address of the other host"),
    Column("port", SMALL, "H=[...]:port", "port of the other host"),
    Column("continued", FLAG, "H=[...]*", "on a connection that was open already"),
    Column("remote", FLAG, "H=[...]", "whether a delivery was to a host"),
    Column("interface", TEXT, "I=", "own address"),
    Column("interface_port", SMALL, "I=", "own port"),
    Column("tfo", TEXT, "TFO", "TFO: TCP Fast Open; TFO*: with data in the SYN"),
    Column("ident", TEXT, "U=", "local user, or what an ident server said"),
    Column("connection_id", TEXT, "Ci=", "connection"),
    Column("protocol", TEXT, "P=", "protocol"),
    Column("protocol_detail", TEXT, "PS=", "s TLS, e EHLO, h HELO, l LHLO, a AUTH"),
    Column("form", TEXT, "L", "L field as logged: L, L-, L., L.-, L* or L*-"),
    Column("tls", TEXT, "X=", "TLS version, cipher and bits, as logged"),
    Column("verified", TEXT, "CV=", "certificate verified: yes, no or dane"),
    Column("dn", TEXT, "DN=", "distinguished name of the certificate"),
    Column("sni", TEXT, "SNI=", "TLS server name indication"),
    Column("authenticator", TEXT, "A=", "authenticator"),
    Column("authenticated_id", TEXT, "A=", "who authenticated"),
    Column("auth_sender", TEXT, "A=", "AUTH= of MAIL"),
    Column("prdr", FLAG, "PRDR", "whether PRDR was used"),
    Column("proxy", TEXT, "PRX=", "proxy"),
    Column("chunking", FLAG, "K", "whether CHUNKING (BDAT) was used"),
    Column("spf", TEXT, "SPF", "result of SPF; yes where only the word is there"),
    Column("dkim", TEXT, "DKIM=", "verified domain; domain and selector when sent"),
    Column("arc", FLAG, "ARC", "whether ARC was verified"),
    Column("dmarc", TEXT, "DMARC", "result of DMARC; yes where only the word is there"),
    Column("size", WHOLE, "S=", "size of the message", "octets"),
    Column("eight_bit", SMALL, "M8S=", "BODY= of MAIL: 0, 7 or 8"),
    Column("receive_time", SECONDS, "RT=", "time that receiving took", "s"),
    Column("queue_time", SECONDS, "QT=", "time on the queue", "s"),
    Column("delivery_time", SECONDS, "DT=", "time that the delivery took", "s"),
    Column("queue", TEXT, "Q=", "named queue"),
    Column("header_id", TEXT, "id=", "Message-ID"),
    Column("header_id_created", FLAG, "id*=", "whether Exim made the Message-ID"),
    Column("subject", TEXT, "T=", "subject, 100 characters at most, unescaped"),
    Column("received_sender", TEXT, "from <...>", "sender before rewriting"),
    Column("recipients", LIST, "for ...", "envelope recipients"),
    Column("confirmation", TEXT, "C=", "server's last response, as logged"),
    Column("error_number", SMALL, "defer (n)", "errno, or Exim's own number below 0"),
    Column("error_name", TEXT, "defer (n):", "text of that errno"),
    Column("command", TEXT, "rejected ...", "what was rejected: RCPT, MAIL, EHLO, ..."),
    Column("text", TEXT, ": ...", "text of an error or of a rejection, or all of it"),
    Column("commands", LIST, "C=", "SMTP commands of a connection without MAIL"),
    Column("duration", SECONDS, "D=", "length of a connection", "s"),
    Column("number", WHOLE, "count, args", "count of connections, or of arguments"),
    Column("version", TEXT, "exim ... started", "version of Exim"),
)
"""The columns of `events` that are attributes of a `LogRecord`."""

PIPELINING = (
    Column("pipelining_offered", FLAG, "L", "PIPELINING was offered; null without L"),
    Column("pipelining_used", FLAG, "L", "PIPELINING was used; null without L"),
    Column("early_offered", FLAG, "L", "PIPECONNECT was offered; null if unknown"),
    Column("early_used", FLAG, "L", "early pipelining was used; null without L"),
    Column("tls_version", TEXT, "X=", "TLS version, such as TLS1.3"),
    Column("tls_cipher", TEXT, "X=", "TLS cipher suite and bits"),
    Column("tls_resumed", FLAG, "X=...*", "whether a TLS session was resumed"),
)
"""What the L field and X= say in parts."""

EVENTS = (
    Column("log", TEXT, "", "path of the log"),
    Column("line", WHOLE, "", "number of the line in its log, from 1"),
    Column("stamp", LOCAL, "stamp", "time as logged, by the log's own clock", "us"),
    Column("utc", UTC, "stamp", "the same in UTC; null without a zone", "us"),
    Column("direction", TEXT, "flag", "in: received over SMTP; out: sent; else null"),
    Column("session", WHOLE, "", "row of sessions; null without a direction"),
    *RECORD,
    *PIPELINING,
)
"""One row for each line of the logs, in their order within each file."""

_OF_SESSIONS = (
    "direction", "ip", "host_name", "helo", "dnssec", "protocol", "protocol_detail",
    "form", "pipelining_offered", "pipelining_used", "early_offered", "early_used",
    "tls", "tls_version", "tls_cipher", "tls_resumed", "verified", "dn", "sni",
    "authenticator", "tfo", "chunking", "prdr", "continued",
)  # fmt: skip
SESSIONS = (
    Column("session", WHOLE, "", "number that events refer to"),
    Column("events", WHOLE, "", "how many events refer to it", "rows"),
    *(column for name in _OF_SESSIONS for column in EVENTS if column.name == name),
)
"""One row for each way in which messages went from or to a host: what all its events
have in common."""


@cache
def arrow_type(name: str) -> pa.DataType:
    """The type of a column in Arrow."""
    import pyarrow as pa

    return {
        TEXT: pa.string(), LIST: pa.list_(pa.string()), FLAG: pa.bool_(),
        SMALL: pa.int32(), WHOLE: pa.int64(), SECONDS: pa.float64(),
        LOCAL: pa.timestamp("us"), UTC: pa.timestamp("us", "UTC"),
    }[name]  # fmt: skip


@cache
def arrow_schema(columns: tuple[Column, ...]) -> pa.Schema:
    """A table's schema; each field says what it is."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(
                column.name,
                arrow_type(column.type),
                metadata={
                    name: value
                    for name, value in (
                        ("description", column.description),
                        ("source", column.source),
                        ("unit", column.unit),
                    )
                    if value
                },
            )
            for column in columns
        ],
        metadata={"schema": SCHEMA},
    )
