"""What can be followed on the screen: labels, visible tracks, and how they end."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cellstate.datasets._cells._population import END_OF_MOVIE, Population
from cellstate.datasets._movie._render import Cast

SEEN = 16  # px; less of a cell in the field is light without a mask
LEFT = "left"
SMALL_LABELS = np.iinfo(np.uint16).max


@dataclass(eq=False)
class Labels:
    """Number cells on the screen as frames go by: label = visible track.

    A cell keeps her label while she is seen without a break. One that left and comes
    back gets a new one.

    Attributes
    ----------
    cast
        What is filmed.
    label
        By row, 0 where the cell is not seen; filled while frames are drawn.
    pixels
        Pixels of the mask, by row.
    """

    cast: Cast
    label: np.ndarray = field(init=False)
    pixels: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.label = np.zeros(self.cast.track.size, dtype=np.int64)
        self.pixels = np.zeros(self.cast.track.size, dtype=np.int64)

    @property
    def dtype(self) -> np.dtype:
        """Smallest type that holds every label there can be."""
        small = self.cast.track.size <= SMALL_LABELS
        return np.dtype(np.uint16 if small else np.uint32)

    def masks(self) -> Iterator[np.ndarray]:
        """Labels of one frame after the other, shape (Y, X)."""
        known: dict[int, int] = {}
        n_labels = 0
        for frame, rows in enumerate(self.cast.rows):
            owner = self.cast.owners(frame)
            pixels = np.bincount(owner.ravel(), minlength=rows.size + 1)[1:]
            seen = np.flatnonzero(pixels >= SEEN)
            tracks = self.cast.track[rows[seen]].tolist()
            labels = []
            for track in tracks:
                n_labels += track not in known
                labels.append(known.get(track, n_labels))
            known = dict(zip(tracks, labels, strict=True))
            self.label[rows[seen]], self.pixels[rows[seen]] = labels, pixels[seen]
            shown = np.zeros(rows.size + 1, dtype=self.dtype)
            shown[seen + 1] = labels
            yield shown[owner]


def visible_tracks(cells: Population, label: np.ndarray) -> pd.DataFrame:
    """One row per visible track.

    Parameters
    ----------
    cells
        The true cells.
    label
        By row of the population, 0 where a cell is not seen.

    Returns
    -------
    DataFrame
        `track`, `parent_track` (the visible track of a mother seen in the frame
        before, else -1), `true_track`, `first_frame`, `last_frame`, `ending`:
        "division", "death", "left" or "end_of_movie".
    """
    seen = np.flatnonzero(label > 0)
    order = seen[np.lexsort((cells.frame[seen], label[seen]))]
    first = np.flatnonzero(np.diff(label[order], prepend=0))
    last = np.append(first[1:], order.size) - 1
    first, last = order[first], order[last] if order.size else order
    births = np.flatnonzero(np.diff(cells.track, prepend=0))
    ends = np.append(births[1:], cells.track.size) - 1
    own = cells.track[first] - 1
    parent = cells.parent_track[first]
    mother = label[ends[np.maximum(parent, 1) - 1]]
    linked = (first == births[own]) & (parent > 0) & (mother > 0)
    at_end = np.where(last == ends[own], cells.ending[own].astype(object), LEFT)
    in_last = cells.frame[last] == cells.n_frames - 1
    return pd.DataFrame(
        {
            "track": label[first],
            "parent_track": np.where(linked, mother, -1),
            "true_track": cells.track[first],
            "first_frame": cells.frame[first],
            "last_frame": cells.frame[last],
            "ending": np.where(in_last, END_OF_MOVIE, at_end).astype(object),
        }
    )
