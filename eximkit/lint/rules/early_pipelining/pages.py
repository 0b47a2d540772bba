"""The pages of EXP101 to EXP111 and EXP113: what a greeting becomes.

Those of the rules around it are in `pages_around.py`; `RULE` has both.
"""

from __future__ import annotations

from eximkit.lint.finding import Severity
from eximkit.lint.rule import Rule
from eximkit.lint.rules.early_pipelining.pages_around import AROUND

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
OPTION = "Exim specification, section 30.4, helo_data and hosts_pipe_connect"

GREETING: tuple[Rule, ...] = (
    Rule(
        "EXP101", "unset-address-in-early-helo", ERROR,
        what="helo_data depends on the local address or port in a way that Exim's own "
        "check does not see.",
        why="With early pipelining Exim writes its EHLO before there is a connection, "
        "so $sending_ip_address is empty and $sending_port is -1. Exim looks only "
        "for the text $sending_ip_address in the option; braces, the port, ACLs, "
        "macros with braces and every other detour escape it. From the second "
        "message to a server on the greeting is wrong.",
        bad="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = [${sending_ip_address}]\n",
        good="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = mail.example.org\n",
        reference=OPTION,
        since="4.92", fix="unsafe",
    ),
    Rule(
        "EXP102", "early-pipelining-suppressed", WARNING,
        what="helo_data contains $sending_ip_address without a def: test, so Exim "
        "never uses early pipelining for this transport.",
        why="Exim refuses early pipelining where the unexpanded option contains that "
        "text and not def:sending_ip_address. It says so nowhere but in a debug "
        "line, and does not even remember what servers offer. A test for the "
        "address, or a constant interface from 4.96 on, brings it back.",
        bad="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = [$sending_ip_address]\n",
        good="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = ${if def:sending_ip_address "
        "{[$sending_ip_address]}{$primary_hostname}}\n",
        reference=OPTION,
        since="4.93", fix="unsafe",
    ),
    Rule(
        "EXP103", "guard-does-not-dominate", ERROR,
        what="helo_data contains def:sending_ip_address, but the address is used where "
        "that test does not protect it.",
        why="Exim takes the mere presence of the test as a promise. A use beside it, "
        "in the wrong branch, or behind an or{} is reached while the address is "
        "empty.",
        bad="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = ${if def:sending_ip_address{}{}}[$sending_ip_address]\n",
        good="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = ${if "
        "def:sending_ip_address{[$sending_ip_address]}{$primary_hostname}}\n",
        reference=OPTION,
        since="4.93", fix="unsafe",
    ),
    Rule(
        "EXP104", "needless-suppression", WARNING,
        what="The text $sending_ip_address stands in helo_data without any effect on "
        "an early greeting: it is escaped, in a branch never taken, or guarded by a "
        "test that Exim does not recognise.",
        why="Exim's check looks at the text alone and switches early pipelining off, "
        "so that round trips are lost for nothing.",
        bad="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = ${if "
        "eq{$sending_ip_address}{}{$primary_hostname}{[$sending_ip_address]}}\n",
        good="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = ${if "
        "def:sending_ip_address{[$sending_ip_address]}{$primary_hostname}}\n",
        reference=OPTION,
        since="4.93", fix="safe",
    ),
    Rule(
        "EXP105", "early-expansion-fails", ERROR,
        what="helo_data cannot be expanded while the local address is empty.",
        why="Exim then opens the connection only to say QUIT and defers the message. "
        "Its record of the server survives, so every retry fails as well until the "
        "record ages out (retry_data_expire, seven days by default); callouts "
        "answer 451.",
        bad="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = r-${reverse_ip:${sending_ip_address}}.example.org\n",
        good="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = ${if "
        "def:sending_ip_address{r-${reverse_ip:$sending_ip_address}.example.org}"
        "{$primary_hostname}}\n",
        reference=OPTION,
        since="4.92", fix="unsafe",
    ),
    Rule(
        "EXP106", "empty-or-malformed-early-helo", ERROR,
        what="While the local address is empty, helo_data gives an empty or malformed "
        "name.",
        why="A server that insists on a valid greeting answers 501, and 503 to the "
        "MAIL that is already in flight. Exim takes that as permanent: every "
        "second message to such a server bounces.",
        bad="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = ${if def:sending_ip_address{[$sending_ip_address]}}\n",
        good="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = ${if "
        "def:sending_ip_address{[$sending_ip_address]}{$primary_hostname}}\n",
        reference="RFC 5321, section 4.1.1.1; " + OPTION,
        since="4.92", fix="safe",
    ),
    Rule(
        "EXP107", "two-identities", INFO,
        what="The test for the address is right, and so the first contact with a "
        "server uses one name and later ones another.",
        why="Nothing breaks, but reputation systems and SPF checks of the greeting see "
        "two names for one host. One name, or a constant interface from 4.96 on, "
        "avoids it.",
        bad="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = ${if "
        "def:sending_ip_address{[$sending_ip_address]}{$primary_hostname}}\n",
        good="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = mail.example.org\n",
        reference=OPTION,
        since="4.93",
    ),
    Rule(
        "EXP108", "opaque-expansion", INFO,
        what="helo_data runs text or code that cannot be seen here: ${expand:} of data "
        "from elsewhere, ${perl}, ${dlfunc}.",
        why="Such code can read any variable, so nothing can be proved about the early "
        "greeting. Hand it what it needs as an argument, behind a test for the "
        "address.",
        bad="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = ${expand:${lookup{helo}lsearch{/etc/exim/names}}}\n",
        good="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = "
        "${lookup{helo}lsearch{/etc/exim/names}{$value}{$primary_hostname}}\n",
        reference="Exim specification, section 11.5",
        since="4.92",
    ),
    Rule(
        "EXP109", "interface-may-be-unbound", WARNING,
        what="helo_data relies on interface for its address, but interface is empty, "
        "or lacks an address of a family in use, or can expand to nothing.",
        why="Only a bound interface makes the local address known before the "
        "connection. For the hosts that it does not serve, early greetings are as "
        "if it were unset.",
        bad="begin routers\n"
        "smart:\n"
        "  driver = manualroute\n"
        "  route_list = * 192.0.2.25\n"
        "  transport = remote_smtp\n"
        "begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  interface = <; 2001:db8::25\n"
        "  helo_data = [$sending_ip_address]\n",
        good="begin routers\n"
        "smart:\n"
        "  driver = manualroute\n"
        "  route_list = * 192.0.2.25\n"
        "  transport = remote_smtp\n"
        "begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  interface = 192.0.2.10\n"
        "  helo_data = [$sending_ip_address]\n",
        reference="Exim specification, section 30.4, interface",
        since="4.92",
    ),
    Rule(
        "EXP110", "wildcard-interface", ERROR,
        what="interface is 0.0.0.0 or ::.",
        why="It counts as bound, so Exim's check is lifted, and helo_data sees just "
        "that: EHLO [0.0.0.0].",
        bad="begin routers\n"
        "smart:\n"
        "  driver = manualroute\n"
        "  route_list = * 192.0.2.25\n"
        "  transport = remote_smtp\n"
        "begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  interface = 0.0.0.0\n"
        "  helo_data = [$sending_ip_address]\n",
        good="begin routers\n"
        "smart:\n"
        "  driver = manualroute\n"
        "  route_list = * 192.0.2.25\n"
        "  transport = remote_smtp\n"
        "begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  interface = 192.0.2.10\n"
        "  helo_data = [$sending_ip_address]\n",
        reference="Exim specification, section 30.4, interface",
        since="4.96",
    ),
    Rule(
        "EXP111", "stale-address", INFO,
        what="An early greeting can carry the local address of an earlier connection "
        "of the same process, although the test for the address holds.",
        why="Exim never resets the variable: the next host of a message, the next "
        "callout of a session and, with serial deliveries and +incoming_interface, "
        "the next transport find the old one. Only a name that does not depend on "
        "the address, or a constant interface, is safe.",
        bad="begin routers\n"
        "mx:\n"
        "  driver = dnslookup\n"
        "  transport = remote_smtp\n"
        "begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = ${if "
        "def:sending_ip_address{[$sending_ip_address]}{$primary_hostname}}\n",
        good="begin routers\n"
        "mx:\n"
        "  driver = dnslookup\n"
        "  transport = remote_smtp\n"
        "begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = mail.example.org\n",
        reference=OPTION + " (observed with 4.96)",
        since="4.92",
    ),
    Rule(
        "EXP113", "server-side-address", WARNING,
        what="helo_data uses an address of the receiving side, or tests the port, "
        "where the local end of the outgoing connection is meant.",
        why="$received_ip_address and its old name $interface_address say where the "
        "message came in; they are empty for local submissions. def:sending_port "
        "is always true, because the port is -1 before the connection.",
        bad="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  helo_data = [$interface_address]\n",
        good="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  helo_data = [$sending_ip_address]\n",
        reference="Exim specification, section 11.9",
        fix="unsafe",
    ),
)  # fmt: skip

RULES: tuple[Rule, ...] = tuple(sorted((*GREETING, *AROUND), key=lambda r: r.code))
RULE: dict[str, Rule] = {rule.code: rule for rule in RULES}
