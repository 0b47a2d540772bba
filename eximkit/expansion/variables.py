"""Variables that have a value although nothing has set them, as `exim -be` shows.

Exim specification, section 11.9. Most are constants or follow from options; those of
the clock follow from the world. What only the host or the caller tells is not made up:
it has to be set.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from eximkit.expansion.numbers import integer
from eximkit.expansion.values import EMPTY, Known, Value
from eximkit.expansion.world import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.expansion.environment import Environment

_ZERO = """
    acl_narg authentication_failed av_failed body_linecount body_zerocount dkim_created
    dkim_key_length dkim_key_nosubdomains dkim_key_testing event_defer_errno
    host_lookup_deferred host_lookup_failed host_port inode localhost_number
    max_received_linelength message_age message_body_size message_linecount
    message_size mime_anomaly_level mime_content_size mime_is_coverletter
    mime_is_multipart mime_is_rfc822 proxy_external_port proxy_local_port rcpt_count
    rcpt_defer_count rcpt_fail_count received_count received_time recipients_count
    runrc sender_host_port smtp_count_at_connection_start tls_in_bits
    tls_in_certificate_verified tls_in_ocsp tls_in_resumption tls_out_bits
    tls_out_certificate_verified tls_out_ocsp tls_out_resumption tls_out_tlsa_usage
"""
_NO = """
    message_smtputf8 prdr_requested proxy_session sender_helo_dnssec sender_host_dnssec
    spf_result_guessed tls_out_dane
"""
_NO_USER = str(2**32 - 1)
CONSTANTS: dict[str, str] = {
    **dict.fromkeys(_ZERO.split(), "0"),
    **dict.fromkeys(_NO.split(), "no"),
    "dkim_bodylength": "9999999999999",
    "dkim_expires": "9999999999999",
    "dkim_key_granularity": "*",
    "dkim_key_srvtype": "*",
    "local_user_gid": _NO_USER,
    "local_user_uid": _NO_USER,
    "mime_part_count": "-1",
    "received_port": "-1",
    "sending_port": "-1",
    "spf_guess": "v=spf1 a/24 mx/24 ptr ?all",
}
"""What they hold before there is a message or a connection (checked with 4.96)."""

_HOST = """
    authenticated_id authenticated_sender caller_gid caller_uid compile_date
    compile_number config_dir config_file exim_gid exim_path exim_uid initial_cwd
    load_average log_inodes log_space originator_gid originator_uid pid
    primary_hostname queue_size sender_address sender_ident spool_directory
    spool_inodes spool_space
"""
HOST = frozenset(_HOST.split())
"""What the host, the build or the caller gives, where neither sets it."""


def initial(name: str, environment: Environment) -> Value:
    """The value of a variable that nothing has set. Raises NotAllowed for `HOST`."""
    option = environment.options.get(name)
    rule = RULES.get(name)
    if rule is not None:
        return Known(rule(environment))
    if option is not None and name in OPTIONS:
        return Known(option)
    if name in CONSTANTS:
        return Known(CONSTANTS[name])
    if name in HOST:
        raise NotAllowed(f"${name}, which has to be set")
    return EMPTY


def _text(environment: Environment, name: str) -> str:
    return str(environment.variable(name))


def _local(environment: Environment) -> datetime:
    """The local time, with its offset."""
    now = datetime.fromtimestamp(_clock(environment), UTC)
    return now + timedelta(seconds=_offset(environment))


def _clock(environment: Environment) -> float:
    if environment.world is None:
        raise NotAllowed("the clock")
    return environment.world.clock()


def _offset(environment: Environment) -> int:
    return environment.offset(_clock(environment))


def _zone(environment: Environment) -> str:
    minutes = _offset(environment) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}{rest:02d}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
           "Dec")  # fmt: skip


def _inbox_time(environment: Environment) -> str:
    now = _local(environment)
    day, month = _DAYS[now.weekday()], _MONTHS[now.month - 1]
    return f"{day} {month} {now:%d %H:%M:%S %Y}"


def _full_time(environment: Environment) -> str:
    now = _local(environment)
    day, month = _DAYS[now.weekday()], _MONTHS[now.month - 1]
    return f"{day}, {now:%d} {month} {now:%Y %H:%M:%S} {_zone(environment)}"


def _log_time(environment: Environment) -> str:
    text = f"{_local(environment):%Y-%m-%d %H:%M:%S}"
    with_zone = environment.flag("log_timezone")
    return f"{text} {_zone(environment)}" if with_zone else text


def _zulu(environment: Environment) -> str:
    return f"{datetime.fromtimestamp(_clock(environment), UTC):%Y%m%d%H%M%SZ}"


def _microseconds(environment: Environment) -> str:
    return str(int(_clock(environment) * 1_000_000))


def _release(environment: Environment) -> str:
    return str(environment.release)


def _or_option(*names: str) -> Callable[[Environment], str]:
    """The first of these options that is set, else the last as a variable."""

    def rule(environment: Environment) -> str:
        for name in names[:-1]:
            if name in environment.options:
                return environment.options[name]
        return _text(environment, names[-1])

    return rule


def _return_size_limit(environment: Environment) -> str:
    set_to = environment.options.get(
        "bounce_return_size_limit", environment.options.get("return_size_limit", "100K")
    )
    return str(integer(set_to))


def _sender_part(after: bool) -> Callable[[Environment], str]:
    def rule(environment: Environment) -> str:
        local_part, sign, domain = _text(environment, "sender_address").rpartition("@")
        if not sign:
            return "" if after else domain
        return domain if after else local_part

    return rule


def _same_as(name: str) -> Callable[[Environment], str]:
    return lambda environment: _text(environment, name)


_OTHER_NAMES = {
    "interface_address": "received_ip_address",
    "interface_port": "received_port",
    "message_id": "message_exim_id",
    **{f"tls_{n}": f"tls_in_{n}"
       for n in ("bits", "certificate_verified", "cipher", "peerdn", "sni")},
}  # fmt: skip

RULES: dict[str, Callable[[Environment], str]] = {
    **{name: _same_as(other) for name, other in _OTHER_NAMES.items()},
    "bounce_return_size_limit": _return_size_limit,
    "exim_version": _release,
    "qualify_domain": _or_option("qualify_domain", "primary_hostname"),
    "qualify_recipient": _or_option("qualify_recipient", "qualify_domain"),
    "return_size_limit": _return_size_limit,
    "sender_address_domain": _sender_part(after=True),
    "sender_address_local_part": _sender_part(after=False),
    "smtp_active_hostname": _or_option("smtp_active_hostname", "primary_hostname"),
    "tod_bsdinbox": _inbox_time,
    "tod_epoch": lambda environment: str(int(_clock(environment))),
    "tod_epoch_l": _microseconds,
    "tod_full": _full_time,
    "tod_log": _log_time,
    "tod_logfile": lambda environment: f"{_local(environment):%Y%m%d}",
    "tod_zone": _zone,
    "tod_zulu": _zulu,
    "version_number": _release,
}
"""What follows from options, other variables or the clock."""

OPTIONS = frozenset(("localhost_number", "primary_hostname", "spf_guess",
                     "spool_directory"))  # fmt: skip
"""Variables that show the option of their name."""
