from __future__ import annotations


async def run_change(scenario, pairing, bench): ...
