"""Lookups: what `${lookup …}` and lists find in files, databases and the DNS.

Exim specification, chapter 9. What is to be looked up is a `LookupRequest`; the machine
is asked through a `World` only.
"""

from __future__ import annotations

from eximkit.expansion.lookups.kind import Kind, read_kind
from eximkit.expansion.lookups.request import LookupRequest, find, perform
from eximkit.expansion.lookups.table import Deferred

__all__ = ["Deferred", "Kind", "LookupRequest", "find", "perform", "read_kind"]
