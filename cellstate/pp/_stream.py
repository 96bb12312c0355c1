"""Measure movies of any size: block by block, on disk, on many workers."""

import shutil
import warnings
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING

from anndata import AnnData

from cellstate._base.checks import integer
from cellstate._base.errors import MovieError, listing
from cellstate._movie import Movie
from cellstate.pp import _parts as parts
from cellstate.pp._assemble import assemble, check_movies, conditions_of
from cellstate.pp._blocks import Recipe, named_labels, static_table
from cellstate.pp._jobs import Carried, Done, Job, opens_elsewhere
from cellstate.pp._run import LOCAL, run

if TYPE_CHECKING:
    from distributed import Client


def stream_features(
    movies: Movie | Sequence[Movie],
    store: str | Path,
    *,
    condition: str | Sequence[str] | None = None,
    extra: str | None = None,
    frames_per_block: int = 1,
    scheduler: "str | Client" = "processes",
    n_workers: int | None = None,
) -> AnnData:
    """Measure as `cs.pp.features` does, in blocks that are kept on disk when done.

    The values are the same to the bit, whatever the blocks and whoever measures
    them. A run that was killed is carried on by the same call: finished blocks are
    read, the rest is measured. Movies stay on disk; a worker has one frame in
    memory and the cells of one block, this process the AnnData.

    Parameters
    ----------
    movies
        One linked movie or several with the same channels. Stacks of `cs.io` and
        zarr arrays are opened by each worker; frames of other stacks are read here
        and sent.
    store
        Folder for the blocks, new or of an earlier call, which every worker can
        write to: one zarr group per block, with its values and what it was made
        from. One call at a time writes to it.
    condition
        Written to obs["condition"], one for all or one per movie.
    extra
        Further features, as for `cs.pp.features`.
    frames_per_block
        Frames that are measured and written together: more of them make fewer
        files, and lose more when a worker is killed.
    scheduler
        "processes", "threads" or "synchronous" of dask on this machine, or a
        ``distributed.Client``. A script that uses processes guards its calls with
        ``if __name__ == "__main__":``, since workers import it.
    n_workers
        Processes or threads; one for each core when left out. A cluster has its own.

    Returns
    -------
    AnnData
        As `cs.pp.features` returns.

    Raises
    ------
    ImportError
        dask or zarr is not installed.
    MovieError
        As for `cs.pp.features`; a frame that cannot be read or measured, by name; a
        block in the store that was made from other pixels, another pixel size,
        other features or by another version.
    FileExistsError
        `store` is no folder of measured blocks.
    RuntimeError
        A worker died; what is finished is kept.

    Warns
    -----
    UserWarning
        A block in the store is damaged; it is measured again.

    Notes
    -----
    Pixels of finished blocks are read and compared by SHA-256. Lineage and condition
    are no part of a block: cells that are linked anew are not measured anew.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np, pandas as pd, cellstate as cs
    >>> masks = np.zeros((2, 20, 20), int)
    >>> masks[:, 5:9, 4:12] = 7
    >>> lineage = pd.DataFrame(
    ...     {"frame": [0, 1], "label": 7, "track": 1, "parent_track": -1}
    ... )
    >>> movie = cs.Movie(images=masks[:, None] * 10.0, masks=masks, lineage=lineage,
    ...                  pixel_size=0.5, frame_interval=0.25)
    >>> with cs.settings.override(progress=False), tempfile.TemporaryDirectory() as at:
    ...     adata = cs.pp.stream_features(movie, at, scheduler="synchronous")
    ...     same = np.array_equal(adata.X, cs.pp.features(movie).X, equal_nan=True)
    >>> adata.shape, float(adata[0, "area"].X[0, 0]), same
    ((2, 107), 8.0, True)
    """
    _check_dask()
    movies = check_movies(movies)
    conditions_of(condition, len(movies))
    static_table(movies[0].channels, extra)
    integer(frames_per_block, "frames_per_block", 1)
    _check_scheduler(scheduler, n_workers)
    store = parts.open_store(store, [movie.name for movie in movies])
    planned = [_plan(movie, store, frames_per_block) for movie in movies]
    jobs = [
        job
        for movie, given in zip(movies, planned, strict=True)
        for job in _jobs(movie, given, extra)
    ]
    done = _measured(jobs, scheduler, n_workers, store)
    shutil.rmtree(store / parts.UNFINISHED, ignore_errors=True)
    n_cells = sum(found.n_cells for found in done)
    blocks = ((parts.read(part)[0] for part in given) for given in planned)
    return assemble(movies, condition, n_cells, blocks, extra)


def _plan(movie: Movie, store: Path, frames_per_block: int) -> list[parts.Part]:
    """Cover the frames by the parts that are there and by new ones, in order."""
    planned, start = [], 0
    there = parts.parts_there(store, movie.name)
    if there and there[-1].stop > movie.n_frames:
        raise MovieError(
            f"the store '{store}' has {there[-1]}, but that movie has "
            f"{movie.n_frames} frames. Give another store, or delete "
            f"'{there[-1].path.parent}' to measure the movie anew."
        )
    for part in [*there, None]:
        stop = movie.n_frames if part is None else part.start
        planned += [
            parts.Part(
                store=store,
                movie=movie.name,
                start=first,
                stop=min(first + frames_per_block, stop),
            )
            for first in range(start, stop, frames_per_block)
        ]
        if part is not None:
            planned.append(part)
            start = part.stop
    return planned


def _jobs(movie: Movie, planned: list[parts.Part], extra: str | None) -> list[Job]:
    recipe, named = Recipe.of(movie, extra), named_labels(movie)
    stacks = {"images": movie.images, "masks": movie.masks}
    carried = {name for name, stack in stacks.items() if not opens_elsewhere(stack)}
    jobs = []
    for part in planned:
        frames = range(part.start, part.stop)
        sent = {
            name: Carried(stack, movie.name, frames) if name in carried else stack
            for name, stack in stacks.items()
        }
        here = {frame: named[frame] for frame in frames if frame in named}
        jobs.append(Job(part=part, recipe=recipe, named=here, **sent))
        # Told before the first frame is measured, where the metadata suffice.
        then = parts.stated(part)
        if then is not None:
            parts.refuse_other(part, then, jobs[-1].made_from())
    return jobs


def _measured(
    jobs: list[Job], scheduler: "str | Client", n_workers: int | None, store: Path
) -> list[Done]:
    what = f"measuring {len({job.recipe.movie for job in jobs})} movies"
    try:
        done = run(jobs, scheduler, n_workers, what)
    except Exception as error:
        if not _is_death(error):
            raise
        whole = sum(job.part.path.exists() for job in jobs)
        raise RuntimeError(
            f"a worker died, of too little memory, by a signal, or at once where a "
            f"script has no `if __name__ == '__main__':`. {error} Finished are {whole} "
            f"of {len(jobs)} blocks in '{store}'. Make the same call again to go on "
            "from there; with fewer `n_workers` if memory is short."
        ) from error
    damaged = [found for found in done if found.damage]
    if damaged:
        warnings.warn(
            f"{len(damaged)} of {len(jobs)} blocks in '{store}' were damaged and are "
            f"measured again: {listing([f'{d.part} ({d.damage})' for d in damaged], 3)}"
        )
    return done


def _is_death(error: Exception) -> bool:
    return isinstance(error, BrokenProcessPool) or type(error).__name__ == (
        "KilledWorker"  # of distributed, which may not be installed
    )


def _check_scheduler(scheduler: "str | Client", n_workers: int | None) -> None:
    if n_workers is not None:
        integer(n_workers, "n_workers", 1)
    if isinstance(scheduler, str) and scheduler in LOCAL:
        return
    if isinstance(scheduler, str) or not hasattr(scheduler, "submit"):
        raise ValueError(
            f"`scheduler` is one of {list(LOCAL)} or a distributed.Client; found "
            f"{scheduler!r}."
        )
    if n_workers is not None:
        raise ValueError(
            f"a cluster has its own workers; found n_workers={n_workers} beside "
            f"{scheduler!r}. Leave n_workers out, or cluster.scale({n_workers})."
        )


def _check_dask() -> None:
    try:
        import dask  # noqa: F401
        import zarr  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"cs.pp.stream_features needs dask and zarr; {error}. Run pip install "
            "'cellstate[scale]', or measure in memory: cs.pp.features(movies)."
        ) from error
