"""Messages for one place, sent once or several times: what a command line asks for.

    done = Errand(courier, "mx.example.org", 25, messages).run()

A signal that asks the process to end is heeded at once: the connection is closed, and
what became of the messages is known and logged as far as it can be.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.errors import EximkitError
from eximkit.interop.delivery_log import INTERRUPTED
from eximkit.interop.dialling import resolve
from eximkit.interop.message_ids import message_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from eximkit.interop.courier import Courier, Delivered
    from eximkit.interop.delivery_log import DeliveryLog
    from eximkit.interop.dialling import Target
    from eximkit.smtp.message import Message

_ENDING = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class Errand:
    """What is to be sent where. host: a name or an address.

    repeat: connections, one after the other. log: of what became of the messages, if
    one is to be kept. placed: makes of each target the one to use. before: is called
    before each connection. ended_by: the signal that ended it, 0 for none.
    """

    courier: Courier
    host: str
    port: int
    messages: Sequence[Message]
    repeat: int = 1
    log: DeliveryLog | None = None
    placed: Callable[[Target], Target] | None = None
    before: Callable[[], object] | None = None
    ended_by: int = 0
    _deliveries: list[Delivered] = field(default_factory=list)

    def run(self) -> list[Delivered]:
        """Send. Fewer deliveries than `repeat` if a signal came.

        Raises SettingsError, InputError for what this side cannot do or may not.
        """
        try:
            asyncio.run(self._run())
        except asyncio.CancelledError:
            if not self.ended_by:
                raise
        return self._deliveries

    async def _run(self) -> None:
        with self._heeding_signals():
            targets = await resolve(self.host, self.port)
            if self.placed is not None:
                targets = [self.placed(target) for target in targets]
            while len(self._deliveries) < self.repeat and not self.ended_by:
                if self.before is not None:
                    self.before()
                await self._once(targets)

    async def _once(self, targets: Sequence[Target]) -> None:
        log, messages = self.log, self.messages
        ids = [message_id() for _ in messages] if log else []
        if log:
            log.arrivals(ids, messages)
        try:
            delivered = await self.courier.deliver_to_one_of(targets, messages)
        except EximkitError as error:
            if log:
                # A message that has arrived is not forgotten.
                log.put_off(ids, messages, str(error).partition("\n")[0])
            raise
        if log:
            log.deliveries(ids, delivered)
        self._deliveries.append(delivered)

    @contextmanager
    def _heeding_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)

        def end(number: int) -> None:
            again, self.ended_by = self.ended_by, number
            self.courier.stop(INTERRUPTED)
            if task is not None and (again or not self.courier.busy):
                task.cancel()

        for number in _ENDING:
            loop.add_signal_handler(number, end, number)
        try:
            yield
        finally:
            for number in _ENDING:
                with suppress(RuntimeError):
                    loop.remove_signal_handler(number)
