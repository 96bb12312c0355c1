"""Objects joined over time: the links of a lineage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.errors import LineageError, listing
from cellstate._base.results import frozen


@dataclass(frozen=True, eq=False, kw_only=True)
class Links:
    """Links between objects, earlier to later.

    Attributes
    ----------
    objects
        Frame and label of each object, shape (n, 2).
    track
        Index of the track of each object, shape (n,).
    ends
        Rows of the two objects of each link, shape (e, 2).
    to_daughter
        True for links from a mother's last to a daughter's first object, shape (e,).
    """

    objects: np.ndarray
    track: np.ndarray
    ends: np.ndarray
    to_daughter: np.ndarray

    def __post_init__(self) -> None:
        for name, values in vars(self).items():
            object.__setattr__(self, name, frozen(values))

    @property
    def n(self) -> int:
        """Number of links."""
        return len(self.ends)


def links(objects: np.ndarray, lineage: ArrayLike, name: str) -> Links:
    """Links of a lineage between the objects of its masks.

    Parameters
    ----------
    objects
        Frame and label of each object in the masks, sorted, shape (n, 2).
    lineage
        Frame, label, track and parent track (-1 none), shape (n, 4), in any order.
    name
        Whose they are, for the message.

    Raises
    ------
    LineageError
        Lineage and masks name different objects.
    """
    lineage = np.asarray(lineage, dtype=np.int64).reshape(-1, 4)
    lineage = lineage[np.lexsort((lineage[:, 1], lineage[:, 0]))]
    if not np.array_equal(lineage[:, :2], objects):
        named = set(map(tuple, lineage[:, :2].tolist()))
        seen = set(map(tuple, objects.tolist()))
        raise LineageError(
            f"masks and lineage of `{name}` name the same objects (frame, label); "
            f"{len(seen - named)} are in the masks only, "
            f"{listing(sorted(seen - named), 3)}, and {len(named - seen)} in the "
            f"lineage only, {listing(sorted(named - seen), 3)}. Link the masks anew: "
            "cs.pp.track(movie)."
        )
    if not len(lineage):
        return Links(
            objects=objects,
            track=np.empty(0, dtype=np.int64),
            ends=np.empty((0, 2), dtype=np.int64),
            to_daughter=np.empty(0, dtype=bool),
        )
    names, track = np.unique(lineage[:, 2], return_inverse=True)
    order = np.argsort(track, kind="stable")  # by track, then by frame
    joined = track[order[1:]] == track[order[:-1]]
    within = np.column_stack([order[:-1], order[1:]])[joined]
    starts = np.searchsorted(track[order], np.arange(names.size))
    first, last = order[starts], order[np.r_[starts[1:], order.size] - 1]
    mother = lineage[first, 3]
    at = np.searchsorted(names, mother).clip(max=names.size - 1)
    born = np.flatnonzero(names[at] == mother)
    across = np.column_stack([last[at[born]], first[born]])
    return Links(
        objects=objects,
        track=track,
        ends=np.concatenate([within, across]).astype(np.int64),
        to_daughter=np.repeat([False, True], [len(within), len(across)]),
    )
