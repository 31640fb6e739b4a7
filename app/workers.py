"""Work that is spread over processes, where it is enough to make up for starting them."""

import gc
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread
from typing import TypeVar

Task = TypeVar("Task")
Done = TypeVar("Done")
AHEAD = 2
"""How many results a process may be ahead of whoever takes them: what bounds the memory."""

SWEPT = 500_000
"""How many objects are made before Python looks for garbage."""


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

    def start(self, work: Callable[[Task], Done], task: Task) -> Callable[[], Done]:
        """Have one thing done beside all else. What it gives waits for it; without processes, it is done then."""
        return partial(work, task) if self.pool is None else self.pool.submit(work, task).result


@contextmanager
def workers(*, wanted: bool) -> Iterator[Workers]:
    """As many processes as there are cores, if they are `wanted` and there is more than one core."""
    number = min(4, os.cpu_count() or 1)
    if not wanted or number == 1:
        with _seldom_swept():
            yield Workers(None, 1)
        return
    # Started afresh: a fork would share the connections that are open here.
    context = get_context("spawn")
    line, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(number, mp_context=context, initializer=_begin, initargs=(line,))
    try:
        with _seldom_swept():
            yield Workers(pool, number)
    except BaseException:
        # What is under way is for nobody.
        held.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        held.close()
        line.close()


@contextmanager
def _seldom_swept() -> Iterator[None]:
    """Rows by the thousand are no garbage, and looking through them again and again took a tenth of all the time."""
    before = gc.get_threshold()
    gc.set_threshold(SWEPT)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _begin(line: Connection) -> None:
    """What a process is told when it starts: to end when nobody holds the other end of a line any more, be it closed or
    the process killed that all this is done for."""
    gc.set_threshold(SWEPT)

    def watch() -> None:
        with suppress(EOFError):
            line.recv()
        os._exit(1)

    Thread(target=watch, daemon=True).start()
