"""How the observed future of each cell ends: the base of every censoring rule."""

from dataclasses import dataclass

import numpy as np

from cellstate._base.results import frozen
from cellstate.tracks._tracks import Tracks

ENDINGS = ("division", "end_of_movie", "lost")


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """Last frame of each row's unbroken future, and what happens there.

    Attributes
    ----------
    steps
        Frames from the row to the end of its unbroken track, shape (n,).
    end_row
        The row in which that track ends, shape (n,).
    ending
        Index into `ENDINGS` for every row, shape (n,): division (two daughters
        follow), end of the movie, or lost (vanishes, a gap, a distrusted link).
    """

    steps: np.ndarray
    end_row: np.ndarray
    ending: np.ndarray

    @property
    def divides(self) -> np.ndarray:
        """Rows whose unbroken track ends in a division."""
        return self.ending == ENDINGS.index("division")


def outcomes(tracks: Tracks) -> Outcome:
    """Follow each row along trusted links to the end of its track.

    Examples
    --------
    >>> tracks = Tracks.from_arrays(
    ...     track=[1, 1, 2, 3], frame=[0, 1, 2, 2], time=[0, 0.5, 1, 1],
    ...     parent_track=[-1, -1, 1, 1],
    ... )
    >>> outcome = outcomes(tracks)
    >>> outcome.steps, [ENDINGS[e] for e in outcome.ending[:3]]
    (array([1, 0, 0, 0]), ['division', 'division', 'end_of_movie'])
    """
    end_row = np.arange(tracks.n_rows)
    # Rows in reverse order of time, so that each next row is already done.
    for rows in tracks.by_frame(reverse=True):
        rows = rows[tracks.next_row[rows] >= 0]
        end_row[rows] = end_row[tracks.next_row[rows]]
    ending = np.full(tracks.n_rows, ENDINGS.index("lost"))
    in_last = tracks.frame == tracks.last_frame[tracks.movie]
    ending[in_last] = ENDINGS.index("end_of_movie")
    ending[_division_rows(tracks)] = ENDINGS.index("division")
    return Outcome(
        steps=frozen(tracks.frame[end_row] - tracks.frame),
        end_row=frozen(end_row),
        ending=frozen(ending[end_row]),
    )


def _division_rows(tracks: Tracks) -> np.ndarray:
    """Last rows of mothers whose two daughters appear in the very next frame."""
    mothers = tracks.mother_row()
    seen = np.bincount(mothers[mothers >= 0], minlength=tracks.n_rows)
    return np.flatnonzero(seen == 2)
