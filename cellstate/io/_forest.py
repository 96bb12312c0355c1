"""Links between objects -> tracks of cells that end at division."""

from collections.abc import Callable, Sequence

import numpy as np

from cellstate._base.errors import LineageError, listing

NO_PARENT = -1


def rows_of(ids: np.ndarray, wanted: np.ndarray, what: str, source: str) -> np.ndarray:
    """Return the row of each wanted id, or name the ids that have none.

    Raises
    ------
    LineageError
        Ids that repeat, or links to objects that are not there.
    """
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if twice.size:
        raise LineageError(
            f"each {what} has its own id in '{source}'; found {twice.size} of "
            f"{ids.size} repeated: {listing(np.unique(twice))}. Export the file again."
        )
    place = np.minimum(np.searchsorted(ordered, wanted), max(ids.size - 1, 0))
    known = ordered[place] == wanted if ids.size else np.zeros(wanted.size, bool)
    if not known.all():
        raise LineageError(
            f"links join {what}s of '{source}'; found {int((~known).sum())} of "
            f"{wanted.size} link ends at {what}s that are not in it: "
            f"{listing(np.unique(wanted[~known]))}. Export the whole file again."
        )
    return order[place]


def cut_at_divisions(
    frame: np.ndarray,
    links: np.ndarray,
    *,
    name: Callable[[int], object],
    what: str,
    source: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Cut trees of linked objects into tracks, one cell from birth to division.

    A link that skips frames keeps its track whole; the track then has a gap.

    Parameters
    ----------
    frame
        Per object, shape (n,).
    links
        Pairs of rows, shape (m, 2), either end first; the earlier is the mother.
    name
        Row -> what the file calls the object, for messages.
    what, source
        Names of an object and of the file, for messages.

    Returns
    -------
    tuple
        Per object: track, numbered from 1 in the order of first frame and row, and
        mother track (-1 none).

    Raises
    ------
    LineageError
        A link within one frame, an object with two mothers (a merge) or with more
        than two daughters.

    Examples
    --------
    >>> track, parent = cut_at_divisions(
    ...     np.array([0, 1, 2, 2]), np.array([[0, 1], [1, 2], [1, 3]]),
    ...     name=int, what="spot", source="a.xml",
    ... )
    >>> track.tolist(), parent.tolist()
    ([1, 1, 2, 3], [-1, -1, 1, 1])
    """
    links = np.unique(_forward(frame, links, name, what, source), axis=0)
    mother, child = links[:, 0], links[:, 1]
    n = frame.size
    n_mothers = np.bincount(child, minlength=n)
    n_children = np.bincount(mother, minlength=n)
    _reject(
        n_mothers > 1,
        "one mother",
        "merge",
        name,
        what,
        source,
        "Forbid merging in the tracker, or remove one of the links.",
    )
    _reject(
        n_children > 2,
        "at most two daughters",
        "have more",
        name,
        what,
        source,
        "Remove the surplus links in the tracker.",
    )
    goes_on = n_children[mother] == 1
    previous = np.full(n, -1)
    previous[child[goes_on]] = mother[goes_on]
    first = _first_of_chain(previous)
    born = np.flatnonzero(previous < 0)
    born = born[np.argsort(frame[born], kind="stable")]
    number = np.zeros(n, dtype=np.int64)
    number[born] = np.arange(1, born.size + 1)
    track = number[first]
    parent_of_first = np.full(n, NO_PARENT, dtype=np.int64)
    parent_of_first[child[~goes_on]] = track[mother[~goes_on]]
    return track, parent_of_first[first]


def chains(track: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Link the rows of each track in the order of time, shape (m, 2)."""
    order = np.lexsort((frame, track))
    same = track[order][1:] == track[order][:-1]
    return np.column_stack([order[:-1][same], order[1:][same]])


def _first_of_chain(previous: np.ndarray) -> np.ndarray:
    """Follow `previous` to the start, doubling the stride each time."""
    first = np.where(previous >= 0, previous, np.arange(previous.size))
    while True:
        further = first[first]
        if np.array_equal(further, first):
            return first
        first = further


def _forward(
    frame: np.ndarray,
    links: np.ndarray,
    name: Callable[[int], object],
    what: str,
    source: str,
) -> np.ndarray:
    """Turn every link in the direction of time."""
    before, after = frame[links[:, 0]], frame[links[:, 1]]
    flat = np.flatnonzero(before == after)
    if flat.size:
        a, b = links[flat[0]]
        raise LineageError(
            f"links lead from frame to later frame; found {flat.size} of {len(links)} "
            f"in '{source}' that do not, e.g. {what} {name(int(a))} -> "
            f"{name(int(b))} in frame {before[flat[0]]}. Remove them."
        )
    return np.where((before > after)[:, None], links[:, ::-1], links)


def _reject(
    odd: np.ndarray,
    rule: str,
    verb: str,
    name: Callable[[int], object],
    what: str,
    source: str,
    call: str,
) -> None:
    rows: Sequence[int] = np.flatnonzero(odd).tolist()
    if rows:
        raise LineageError(
            f"a cell has {rule}; found {len(rows)} {what}s of '{source}' that {verb}: "
            f"{listing([name(row) for row in rows])}. {call}"
        )
