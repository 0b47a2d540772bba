"""SMTP over real sockets: the two sides of early pipelining, run and measured."""
