"""The pages of EXP112 and EXP114 to EXP121: what stands around a greeting."""

from __future__ import annotations

from eximkit.lint.finding import Severity
from eximkit.lint.rule import Rule

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
OPTION = "Exim specification, section 30.4, hosts_pipe_connect"

AROUND: tuple[Rule, ...] = (
    Rule(
        "EXP112", "other-option-expanded-early", ERROR,
        what="authenticated_sender, hosts_pipe_connect or the smtp:connect event "
        "depends on the local address.",
        why="With early pipelining they are expanded before the connection: MAIL says "
        "AUTH=a@[], the list never matches, the event can defer the message.",
        bad="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  authenticated_sender = mail@[$sending_ip_address]\n",
        good="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  authenticated_sender = mail@example.org\n",
        reference=OPTION,
        since="4.92", fix="unsafe",
    ),
    Rule(
        "EXP114", "avoid-pipelining-conflict", ERROR,
        what="A host can be in hosts_pipe_connect and in hosts_avoid_pipelining.",
        why="Once its server has been seen to offer early pipelining, Exim starts the "
        "early group and cannot finish it: every later message to that host stays "
        "on the queue, and the log gives no reason.",
        bad="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  hosts_avoid_pipelining = 192.0.2.0/24\n",
        good="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = ! 192.0.2.0/24 : *\n"
        "  hosts_avoid_pipelining = 192.0.2.0/24\n",
        reference=OPTION + " (observed with 4.96)",
        since="4.92", fix="unsafe",
    ),
    Rule(
        "EXP115", "evaluated-before-connect", ERROR,
        what="An option that is always expanded before there is a connection reads the "
        "local address: a router's, return_path, the hosts_… lists, the "
        "tcp:connect event.",
        why="The variable is empty there on every delivery, early or not.",
        bad="begin routers\n"
        "mx:\n"
        "  driver = dnslookup\n"
        "  transport = remote_smtp\n"
        "  set = r_name = x${sending_ip_address}.example.org\n"
        "begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  helo_data = $r_name\n",
        good="begin routers\n"
        "mx:\n"
        "  driver = dnslookup\n"
        "  transport = remote_smtp\n"
        "  set = r_name = mail.example.org\n"
        "begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  helo_data = $r_name\n",
        reference="Exim specification, section 11.9, $sending_ip_address",
    ),
    Rule(
        "EXP116", "early-pipelining-inert", INFO,
        what="hosts_pipe_connect is set, but hosts_avoid_esmtp covers the same hosts.",
        why="HELO is said, no extension can be learnt, and early pipelining is never "
        "used.",
        bad="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  hosts_avoid_esmtp = *\n",
        good="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n",
        reference="Exim specification, section 30.4, hosts_avoid_esmtp",
        since="4.92",
    ),
    Rule(
        "EXP117", "version-dependent", WARNING,
        what="The release named by --exim-version treats this configuration otherwise "
        "than 4.96 and later do.",
        why="4.92 has no check of helo_data; 4.93 to 4.95 have one that takes no "
        "notice of a bound interface. The same file behaves differently after an "
        "upgrade.",
        bad="# judged for Exim 4.95\n"
        "begin routers\n"
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
        good="begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n"
        "  helo_data = mail.example.org\n",
        reference="Exim ChangeLog for 4.96, item JH/27",
        since="4.92",
    ),
    Rule(
        "EXP118", "pipelining-log-missing", WARNING,
        what="hosts_pipe_connect is set and log_selector lacks +pipelining.",
        why="The L field of the log is the only trace of early pipelining: L* used, L "
        "lost. Without the selector nobody sees either.",
        bad="log_selector = +subject\n"
        "begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n",
        good="log_selector = +subject +pipelining\n"
        "begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n",
        reference="Exim specification, section 52.15, pipelining",
        since="4.92", fix="safe",
    ),
    Rule(
        "EXP119", "server-early-without-pipelining", WARNING,
        what="pipelining_connect_advertise_hosts offers early pipelining where "
        "pipelining_advertise_hosts offers no pipelining.",
        why="Exim then offers neither (observed with 4.96), and a client that goes by "
        "an older offer is met with a synchronization error.",
        bad="pipelining_advertise_hosts =\n"
        "pipelining_connect_advertise_hosts = *\n",
        good="pipelining_advertise_hosts = *\n"
        "pipelining_connect_advertise_hosts = *\n",
        reference="Exim specification, chapter 14, pipelining_connect_advertise_hosts",
        since="4.92",
    ),
    Rule(
        "EXP120", "record-never-valid", INFO,
        what="retry_data_expire is so short that what was learnt of a server is "
        "forgotten at once.",
        why="Early pipelining needs the record of an earlier EHLO response; it expires "
        "with this option.",
        bad="retry_data_expire = 0s\n"
        "log_selector = +pipelining\n"
        "begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n",
        good="retry_data_expire = 7d\n"
        "log_selector = +pipelining\n"
        "begin transports\n"
        "remote_smtp:\n"
        "  driver = smtp\n"
        "  hosts_pipe_connect = *\n",
        reference="Exim specification, chapter 14, retry_data_expire",
        since="4.92", fix="unsafe",
    ),
    Rule(
        "EXP121", "connect-acl-slows-early-clients", WARNING,
        what="The connect ACL delays, or refuses after slow look-ups, while early "
        "pipelining is offered.",
        why="The first commands of an early client are already in flight when the ACL "
        "runs: a delay gains nothing against it. Do such work in the HELO or MAIL "
        "ACL, or limit pipelining_connect_advertise_hosts.",
        bad="acl_smtp_connect = check_connect\n"
        "begin acl\n"
        "check_connect:\n"
        "  accept delay = 5s\n",
        good="acl_smtp_helo = check_helo\n"
        "begin acl\n"
        "check_helo:\n"
        "  accept delay = 5s\n",
        reference="Exim specification, chapter 14, pipelining_connect_advertise_hosts",
        since="4.92",
    ),
)  # fmt: skip
