"""Worker threads of which there are few: who does not get one soon is told so, rather than left to wait."""

from collections.abc import Callable
from math import inf
from typing import TypeVar

from anyio import CapacityLimiter, Semaphore, fail_after, to_thread

from app.errors import Problem

T = TypeVar("T")
WAIT = 1.0
"""How many seconds a request waits for its turn."""


class NoTurn(Problem):
    """None was free in time."""

    def __init__(self) -> None:
        super().__init__("unavailable", "As many long questions as can be are being worked on already.")


class Turns:
    """So many at once. `run` raises NoTurn where none is free in time."""

    def __init__(self, number: int) -> None:
        self._free = Semaphore(number)
        # They are counted here, and not a second time.
        self._threads = CapacityLimiter(inf)

    async def run(self, work: Callable[..., T], *given: object, seconds: float | None = None) -> T:
        """What `work` returns. Raises TimeoutError where it takes more `seconds`, and leaves it to its thread."""
        try:
            with fail_after(WAIT):
                await self._free.acquire()
        except TimeoutError:
            raise NoTurn from None
        try:
            with fail_after(seconds):
                return await to_thread.run_sync(
                    work, *given, abandon_on_cancel=seconds is not None, limiter=self._threads
                )
        finally:
            self._free.release()
