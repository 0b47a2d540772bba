"""A log report as metrics in Prometheus's text format.

Counters are those of all the lines that were counted: with `--state` they go on over
rotations and restarts. Labels have few values each: forms, TLS versions and protocols
that are known, the busiest transports; addresses of hosts only where they are asked
for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eximkit import __version__
from eximkit.errors import MissingExtraError
from eximkit.logs.usage import NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.core import Metric

    from eximkit.logs.grouping import Tally
    from eximkit.logs.result import LogReport
    from eximkit.logs.traffic import Distribution
    from eximkit.report.logs_live import Moment
    from eximkit.report.logs_view import View

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
TRANSPORTS = 100
OTHER = "other"

_TLS = {"clear", "SSL3", "TLS1", "TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3"}
_PROTOCOLS = {
    "-", "smtp", "smtps", "smtpa", "smtpsa", "esmtp", "esmtps", "esmtpa", "esmtpsa",
    "lmtp", "lmtps", "lmtpa", "lmtpsa", "essmtp", "essmtpa", "ssmtp", "local",
    "local-smtp", "local-esmtp", "local-bsmtp", "local-ebsmtp",
}  # fmt: skip

_STATES = ("on", "off", "unknown")

Values = dict[tuple[str, ...], float]


class _Row(NamedTuple):
    """A metric. name: without `_total`. labels: names. values: by their values."""

    name: str
    text: str
    labels: tuple[str, ...]
    values: Callable[[LogReport], Values]


def _one(value: Callable[[LogReport], float]) -> Callable[[LogReport], Values]:
    return lambda result: {(): value(result)}


_COUNTERS = (
    _Row("exim_messages_received", "Messages accepted (lines with <= or (=), from "
         "hosts (H= is there) or locally.", ("origin",),
         lambda r: {("smtp",): r.messages.arrivals_smtp,
                    ("local",): r.messages.arrivals_local}),
    _Row("exim_null_sender_messages_received", "Those of the messages accepted that "
         "came from <>, as bounces do.", (),
         _one(lambda r: r.messages.arrivals_null_sender)),
    _Row("exim_received_bytes", "Size of the messages accepted (S=).", (),
         _one(lambda r: r.messages.octets)),
    _Row("exim_deliveries", "Addresses delivered to (lines with =>, -> or >>), at "
         "hosts (H= is there) or locally.", ("destination",),
         lambda r: {("remote",): r.messages.deliveries_remote,
                    ("local",): r.messages.deliveries_local}),
    _Row("exim_deferrals", "Deliveries put off (lines with ==).", (),
         _one(lambda r: r.messages.deferrals)),
    _Row("exim_failures", "Deliveries failed for good (lines with **).", (),
         _one(lambda r: r.messages.failures)),
    _Row("exim_messages_completed", "Messages done with (Completed).", (),
         _one(lambda r: r.messages.completed)),
    _Row("exim_messages_frozen", "Messages frozen (Frozen, frozen by ...).", (),
         _one(lambda r: r.messages.frozen)),
    _Row("exim_rejections", "Lines in which an ACL or the protocol rejects something, "
         "temporarily or not (rejected RCPT, ...).", (),
         _one(lambda r: r.messages.rejects)),
    _Row("exim_sync_errors", "SMTP protocol synchronization errors: input before the "
         "greeting, or before a reply with PIPELINING advertised or not.", ("reason",),
         lambda r: {(n.removeprefix("sync_"),): c
                    for n, c in r.messages.sync_errors.items()}),
    _Row("exim_pipelining_received", "Messages accepted from hosts by their L field; "
         "none: without one.", ("form",), lambda r: _labelled(r.pipelining.inbound)),
    _Row("exim_pipelining_deliveries", "Addresses delivered to at hosts by the L "
         "field; none: without one.", ("form",),
         lambda r: _labelled(r.pipelining.outbound)),
    _Row("exim_early_pipelining_offered", "Messages accepted from hosts that were "
         "offered early pipelining (L field with . or *).", (),
         _one(lambda r: r.pipelining.total.usage.inbound.offered)),
    _Row("exim_early_pipelining_received", "Those of the messages accepted that came "
         "with early pipelining (L field with *).", (),
         _one(lambda r: r.pipelining.total.usage.inbound.early)),
    _Row("exim_early_pipelining_possible_deliveries", "First transactions on a "
         "connection to a host that offers PIPELINING (L field), which might be early.",
         (), _one(lambda r: r.pipelining.total.usage.outbound.fresh)),
    _Row("exim_early_pipelining_deliveries", "Those of these transactions that were "
         "early (L*).", (), _one(lambda r: r.pipelining.total.usage.outbound.early)),
    _Row("exim_tls_messages_received", "Messages accepted from hosts by TLS version "
         "(X=).", ("version",),
         lambda r: _known(r, "tls", _TLS, lambda t: sum(t.inbound.values()))),
    _Row("exim_tls_deliveries", "Addresses delivered to at hosts by TLS version (X=).",
         ("version",),
         lambda r: _known(r, "tls", _TLS, lambda t: sum(t.outbound.values()))),
    _Row("exim_protocol_messages_received", "Messages accepted by protocol (P=).",
         ("protocol",), lambda r: _known(r, "proto", _PROTOCOLS, lambda t: t.arrivals)),
    _Row("exim_transport_deliveries", "Addresses delivered to by transport (T=), the "
         f"busiest {TRANSPORTS}.", ("transport",),
         lambda r: _transports(r)),  # noqa: PLW0108 - defined below
    _Row("eximkit_log_lines", "Lines of log that were read.", (),
         _one(lambda r: r.lines)),
    _Row("eximkit_log_read_bytes", "Log text that was read.", (),
         _one(lambda r: r.octets)),
    _Row("eximkit_log_garbage_lines", "Those of the lines that are not one whole "
         "entry; nothing in them is counted.", (), _one(lambda r: r.garbage)),
    _Row("eximkit_log_unparsed_lines", "Those of the lines that are of no known form.",
         (), _one(lambda r: r.unparsed)),
)  # fmt: skip
_GAUGES = (
    _Row("exim_hosts_seen", "Hosts that are told apart: at least so many sent (in) or "
         "received (out).", ("direction",),
         lambda r: {(way,): hosts.seen for way, hosts in r.hosts.items()}),
    _Row("exim_round_trips_saved", "Round trips saved by early pipelining so far, "
         "an estimate.", ("direction",),
         lambda r: {(way,): s.total.saved for way, s in r.round_trips.items()}),
    _Row("exim_log_selector_pipelining", "1 for whether the log has L fields: on, off "
         "or unknown.", ("state",),
         lambda r: {(s,): s == r.pipelining.selector for s in _STATES}),
    _Row("eximkit_build_info", "1; the label tells the version of eximkit.",
         ("version",), lambda _: {(__version__,): 1}),
)  # fmt: skip


def report(result: LogReport, view: View) -> Iterator[str]:
    """All metrics; those of the busiest `view.top` hosts. Raises MissingExtraError."""
    yield exposition(result, view.top).decode()


def exposition(result: LogReport, top: int = 0, moment: Moment | None = None) -> bytes:
    """The text that Prometheus reads.

    result: grouped as the registry of formats says. top: how many hosts have metrics
    of their own. moment: of a log that is followed. Raises MissingExtraError.
    """
    client = _client()
    registry = client.CollectorRegistry(auto_describe=False)
    registry.register(_Collected(list(_families(result, top, moment))))
    text: bytes = client.generate_latest(registry)
    return text


class _Collected:
    """Metrics that are there already, as a registry takes them."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def _client() -> Any:  # noqa: ANN401 - an optional package
    try:
        import prometheus_client
    except ImportError:
        raise MissingExtraError(
            "metrics need the `metrics` extra: pip install 'eximkit[metrics]'"
        ) from None
    return prometheus_client


def _families(result: LogReport, top: int, moment: Moment | None) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    for kind, rows in (
        (CounterMetricFamily, (*_COUNTERS, *_hosts(result, top), *_read(moment))),
        (GaugeMetricFamily, (*_GAUGES, *_unread(moment))),
    ):
        for row in rows:
            family = kind(row.name, row.text, labels=row.labels)
            for labels, value in row.values(result).items():
                family.add_metric([_utf8(label) for label in labels], value)
            yield family
    yield from _times(result)


def _utf8(label: str) -> str:
    """A word of a log as a label, which has to be UTF-8."""
    return label.encode("utf-8", "backslashreplace").decode()


def _times(result: LogReport) -> Iterator[Metric]:
    from prometheus_client.core import HistogramMetricFamily

    if result.traffic is None:
        return
    times = result.traffic.times
    for name, text, found in (
        ("exim_queue_time_seconds", "From arrival to Completed, by stamps of lines.",
         times.queue),
        ("exim_receive_time_seconds", "Time of receiving messages (RT=).",
         times.receive),
        ("exim_delivery_time_seconds", "Time of deliveries (DT=).", times.delivery),
    ):  # fmt: skip
        family = HistogramMetricFamily(name, text, labels=())
        family.add_metric((), _buckets(found), found.seconds)
        yield family


def _buckets(found: Distribution) -> list[tuple[str, float]]:
    """Cumulative counts, as Prometheus has them."""
    total = 0
    buckets: list[tuple[str, float]] = []
    bounds = [*(str(float(b)) for b in found.boundaries), "+Inf"]
    for bound, count in zip(bounds, found.counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets


def _hosts(result: LogReport, top: int) -> Iterator[_Row]:
    for way, name, text in (
        ("in", "exim_host_messages_received", "Messages accepted from a host (H=)"),
        ("out", "exim_host_deliveries", "Addresses delivered to at a host (H=)"),
    ):
        if top:
            rows = result.hosts[way].top[:top]
            found: Values = {(row.address,): row.total for row in rows}
            yield _Row(name, f"{text}, the busiest {top}.", ("host",), _these(found))


def _these(values: Values) -> Callable[[LogReport], Values]:
    return lambda _: values


def _read(moment: Moment | None) -> Iterator[_Row]:
    if moment is not None:
        yield _Row("eximkit_log_rotations", "How often a log was rotated while it was "
                   "followed.", (), _one(lambda _: moment.rotations))  # fmt: skip
        yield _Row("eximkit_log_gaps", "How often lines may have been lost: the file "
                   "in which reading stood was not there any more.", (),
                   _one(lambda _: moment.gaps))  # fmt: skip


def _unread(moment: Moment | None) -> Iterator[_Row]:
    if moment is not None:
        yield _Row("eximkit_log_unread_bytes", "Log text that is there and was not "
                   "read yet.", (), _one(lambda _: moment.unread))  # fmt: skip


def _labelled(counts: Mapping[str, int]) -> Values:
    return {(form or NONE,): count for form, count in counts.items()}


def _known(
    result: LogReport, group: str, known: set[str], count: Callable[[Tally], int]
) -> Values:
    """The counts of a group by its keys; those of keys that are not known together."""
    found: Values = {}
    for key, tally in result.groups[group].items():
        label = key.removeprefix("utf8") if group == "proto" else key
        name = (label if label in known else OTHER,)
        if total := count(tally):
            found[name] = found.get(name, 0) + total
    return found


def _transports(result: LogReport) -> Values:
    ranked = sorted(
        ((key, tally.deliveries) for key, tally in result.groups["transport"].items()),
        key=lambda row: (-row[1], row[0]),
    )
    return {(key,): count for key, count in ranked[:TRANSPORTS] if count}
