from __future__ import annotations


async def run_hostile(scenario, pairing, bench): ...
