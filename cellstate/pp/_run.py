"""Run jobs under one of dask's schedulers, here or on a cluster."""

import uuid
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from cellstate._base.progress import progress
from cellstate._base.settings import settings

if TYPE_CHECKING:
    from distributed import Client

LOCAL = ("processes", "threads", "synchronous")
LARGE = "distributed.admin.large-graph-warning-threshold"


def run(
    jobs: list[Callable[[], Any]],
    scheduler: "str | Client",
    n_workers: int | None,
    what: str,
) -> list[Any]:
    """Call every job, in any order; results in the order of the jobs' ends."""
    if isinstance(scheduler, str):
        return _here(jobs, scheduler, n_workers, what)
    done = _on_cluster(jobs, scheduler)
    return list(progress(done, what, total=len(jobs)))


def _here(
    jobs: list[Callable[[], Any]], scheduler: str, n_workers: int | None, what: str
) -> list[Any]:
    from dask import compute, delayed
    from tqdm.dask import TqdmCallback

    run_name = uuid.uuid4().hex  # of this call; dask goes along the names, or back
    tasks = [
        delayed(job, traverse=False)(dask_key_name=f"measure-{run_name}-{i:09d}")
        for i, job in enumerate(jobs)
    ]
    with TqdmCallback(desc=what, disable=not settings.progress):
        # One job at a time to a worker: a job is long, and none waits behind another.
        return list(
            compute(*tasks, scheduler=scheduler, num_workers=n_workers, chunksize=1)
        )


def _on_cluster(jobs: Iterable[Callable[[], Any]], client: "Client") -> Iterator[Any]:
    """Keep two jobs per thread on their way, so that few frames are in memory."""
    import cloudpickle
    import dask
    from distributed import as_completed

    waiting = iter(jobs)

    def send(n: int) -> list:
        # Pickled here and now: frames that go with a job are read in this thread.
        sent = [cloudpickle.dumps(job) for job in islice(waiting, n)]
        # Such a job is large on purpose; distributed would warn of it.
        with dask.config.set({LARGE: "1TB"}):
            return [client.submit(_unpacked, job, pure=False) for job in sent]

    def room() -> int:
        return 2 * max(sum(client.nthreads().values()), 1)  # workers come and go

    running = as_completed(send(room()), with_results=True)
    for _, result in running:
        yield result
        for future in send(room() - running.count()):
            running.add(future)


def _unpacked(job: bytes) -> Any:
    import cloudpickle

    return cloudpickle.loads(job)()
