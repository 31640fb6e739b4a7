"""Work that is spread over processes, where it is enough to make up for starting them."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from threading import Thread
from typing import TypeVar

Task = TypeVar("Task")
Done = TypeVar("Done")
AHEAD = 3
"""How many results a process may be ahead of whoever takes them: what bounds the memory."""


class Workers:
    """Processes that do one thing to many tasks; without any, the work is done here."""

    def __init__(self, pool: ProcessPoolExecutor | None, number: int) -> None:
        self.pool, self.number = pool, number

    def each(self, work: Callable[[Task], Done], tasks: Iterable[Task]) -> Iterator[Done]:
        """What the work makes of each task, in the tasks' order."""
        if self.pool is None:
            yield from map(work, tasks)
            return
        waiting = deque[Future[Done]]()
        for task in tasks:
            waiting.append(self.pool.submit(work, task))
            if len(waiting) >= AHEAD * self.number:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def workers(*, wanted: bool) -> Iterator[Workers]:
    """As many processes as there are cores, if they are `wanted` and there is more than one core."""
    number = min(4, os.cpu_count() or 1)
    if not wanted or number == 1:
        yield Workers(None, 1)
        return
    # Started afresh: a fork would share the connections that are open here.
    pool = ProcessPoolExecutor(number, mp_context=get_context("spawn"), initializer=_end_with, initargs=(os.getpid(),))
    try:
        yield Workers(pool, number)
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with(parent: int) -> None:
    """End when the process is gone that all this is done for, even if it was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()
