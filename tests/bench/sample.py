"""A configuration to measure with: 3,000 lines, 1,000 expansions, always the same.

Exim loads it, and it is shaped like a hosting provider's: macros, lists, long ACLs,
many routers and transports, conditionals, continuation lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINES = 3000
EXPANSIONS = 1000

# Cycled, so that the mix of easy and hard ones does not depend on the size.
VALUES: tuple[str, ...] = (
    "${if eq{$domain}{example.org}{yes}{no}}",
    "${lookup{$domain}lsearch{/etc/exim4/table%d}{$value}{no}}",
    "${if and{{def:host}{match_ip{$sender_host_address}{<; 192.0.2.%d}}}{true}{false}}",
    "${if forany{$recipients}{match{$item}{\\N^user%d@\\N}}}",
    "${extract{%d}{:}{${lc:$sender_address_domain}}{$value}{none}}",
    "${if or{{eq{$acl_m_%d}{}}{>{$message_size}{10240}}{!def:h_Subject:}}}",
    "${map{<; a;b;%d}{${uc:$item}.HELO_DOMAIN}}",
    "${sg{$sender_host_name}{\\N[^a-z%d]+\\N}{-}}",
    "${if <{${eval:$message_size/1024}}{%d}}",
    "${reduce{<, 1,2,%d}{0}{${eval:$value+$item}}}",
)


def macros() -> Iterator[str]:
    yield "HELO_DOMAIN = example.org"
    for n in range(40):
        yield f"SET_{n:02}_PATH = /var/spool/area{n:02}"


def main_part() -> Iterator[str]:
    yield "primary_hostname = mail.example.org"
    yield "keep_environment ="
    yield "log_selector = +pipelining"
    yield "acl_smtp_rcpt = check_0"
    for n in range(30):
        yield f"domainlist area{n} = area{n}.example.org : \\"
        yield f"    *.area{n}.example.net"


def acl(n: int, value: Callable[[], str]) -> Iterator[str]:
    yield f"check_{n}:"
    yield f"  # Statements of list {n}."
    for m in range(5):
        yield f"  deny    domains = +area{(n + m) % 30}"
        yield f"          condition = {value()}"
        yield f"          message = rule {m}: {value()}"
    yield f"  warn    set acl_m_{n} = {value()}"
    yield "  accept"
    yield ""


def router(n: int, value: Callable[[], str]) -> Iterator[str]:
    yield f"router_{n}:"
    yield "  driver = accept"
    yield f"  domains = +area{n % 30}"
    yield f"  condition = {value()}"
    yield f"  set = r_one = {value()}"
    yield f"  set = r_two = {value()}"
    yield f"  address_data = {value()}"
    yield ".ifdef HELO_DOMAIN"
    yield f"  transport = remote_{n % 80}"
    yield ".endif"
    yield ""


def transport(n: int, value: Callable[[], str]) -> Iterator[str]:
    yield f"remote_{n}:"
    yield "  driver = smtp"
    yield f"  hosts = host{n}.example.net"
    yield "  hosts_pipe_connect = *"
    yield "  helo_data = ${if def:sending_ip_address \\"
    table = f"SET_{n % 40:02}_PATH/helo"
    yield f"     {{${{lookup{{$sending_ip_address}}iplsearch{{{table}}} \\"
    yield "        {$value}{$primary_hostname}}} \\"
    yield "     {$primary_hostname}}"
    yield f"  headers_add = X-Area: {value()}"
    yield ""


def configuration() -> str:
    """The text, of LINES lines with EXPANSIONS option values that hold `${`."""
    left = EXPANSIONS
    count = 0

    def value() -> str:
        nonlocal left, count
        count += 1
        text = VALUES[count % len(VALUES)]
        if left == 0:
            return "yes"
        left -= 1
        return text.replace("%d", str(count))

    transports = [line for n in range(80) for line in transport(n, value)]
    left -= 80  # the greetings
    acls = [line for n in range(40) for line in acl(n, value)]
    routers = [line for n in range(60) for line in router(n, value)]
    n = 60
    while left > 0:
        routers += router(n, value)
        n += 1
    parts = [
        *macros(), *main_part(), "", "begin acl", "", *acls, "begin routers", "",
        *routers, "begin transports", "", *transports, "begin retry", "",
    ]  # fmt: skip
    rules = LINES - len(parts)
    assert rules > 0
    parts += [f"host{n}.example.net  *  F,2h,15m; G,16h,1h,1.5; F,4d,6h"
              for n in range(rules)]  # fmt: skip
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    print(configuration(), end="")
