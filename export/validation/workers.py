"""The same work on every case: by this process, by local processes, or by a Dask cluster.

    each(work, items, Workforce(jobs=2))                        a pool of local processes
    each(work, items, Workforce(scheduler="tcp://host:8786"))   a Dask cluster (extra `cluster`)

`work`, which may hold large arrays, goes once to every process; items go one by one. Answers come in the
items' order. An answer may depend on its item alone: then the figures are the same to the last digit wherever
they are made. An error of ours comes back as it was raised; SettingsError says that the workers are gone.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, TypeVar

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Item = TypeVar("Item")
Answer = TypeVar("Answer")
CONNECT_S = 10.0
"""For which a scheduler, and then its first worker, is waited for."""


@dataclass(frozen=True, slots=True)
class Workforce:
    """Who does the work."""

    jobs: int = 1
    """Local processes."""
    scheduler: str | None = None
    """Address of a Dask scheduler instead."""


def each(work: Callable[[Item], Answer], items: Sequence[Item], workforce: Workforce) -> Iterator[Answer]:
    """Give the answers in the items' order, as they become ready."""
    if workforce.scheduler is not None:
        return _on_cluster(work, items, workforce.scheduler)
    return _on_processes(work, items, workforce.jobs) if workforce.jobs > 1 else map(work, items)


_work: Callable[[Any], Any]
"""What a local process was started for."""


def _begin(work: Callable[[Any], Any]) -> None:
    global _work  # noqa: PLW0603 - a pool's process keeps what it was started with nowhere else
    _work = work


def _do(item: Any) -> Any:  # noqa: ANN401 - any item
    return _work(item)


def _on_processes(work: Callable[[Item], Answer], items: Sequence[Item], jobs: int) -> Iterator[Answer]:
    # `spawn`: a forked child would inherit the threads of onnxruntime, of which only their locks survive.
    with ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (work,)) as pool:
        try:
            yield from pool.map(_do, items)
        except BrokenProcessPool as error:
            raise SettingsError(
                f"--jobs {jobs}: a process was ended from outside, for want of memory perhaps; use fewer"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _on_cluster(work: Callable[[Item], Answer], items: Sequence[Item], scheduler: str) -> Iterator[Answer]:
    try:
        from distributed import Client, KilledWorker  # noqa: PLC0415 `cluster` extra
        from distributed import TimeoutError as Waited  # noqa: PLC0415 likewise
    except ImportError as error:
        raise SettingsError(
            f"--scheduler {scheduler}: Dask is not installed; pip install 'barocast[cluster]'"
        ) from error
    try:
        client: Any = Client(scheduler, timeout=CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]  # Dask leaves it untyped
    except (OSError, ValueError) as error:
        raise SettingsError(f"--scheduler {scheduler}: no scheduler answers there ({error})") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_S)
            shared = client.scatter(work, broadcast=True)
            futures = client.map(_apply, items, [shared] * len(items), pure=False)
            for future in futures:
                yield future.result()
        except (KilledWorker, Waited) as error:
            raise SettingsError(
                f"--scheduler {scheduler}: no worker is left ({error}); start some, with more memory"
            ) from error


def _apply(item: Any, work: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - any item and its answer
    return work(item)
