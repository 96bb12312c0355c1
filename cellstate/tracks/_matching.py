"""Found objects against reference objects, frame by frame."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.results import frozen

NONE = -1


@dataclass(frozen=True, eq=False, kw_only=True)
class Matching:
    """The objects of two masks, and which found object covers which reference one.

    Attributes
    ----------
    found, truth
        Frame and label of each object, shape (m, 2) and (n, 2), in that order.
    covered_by
        Per reference object the found object (its row) that holds more than half of
        its pixels, -1 for none, shape (n,).
    jaccard
        Jaccard index of the two, 0 for none, shape (n,).
    """

    found: np.ndarray
    truth: np.ndarray
    covered_by: np.ndarray
    jaccard: np.ndarray

    def __post_init__(self) -> None:
        for name, values in vars(self).items():
            object.__setattr__(self, name, frozen(values))

    @property
    def n_covered(self) -> np.ndarray:
        """Reference objects that each found object covers, shape (m,)."""
        taken = self.covered_by[self.covered_by >= 0]
        return np.bincount(taken, minlength=len(self.found))

    @property
    def partner(self) -> np.ndarray:
        """Row of the found object that covers this reference object and no other, (n,).

        One to one: -1 also where a found object covers several.
        """
        alone = np.append(self.n_covered == 1, False)
        return np.where(alone[self.covered_by], self.covered_by, NONE)


def match_frame(found: ArrayLike, truth: ArrayLike) -> Matching:
    """Match the objects of one frame by the rule of the Cell Tracking Challenge.

    A found object S covers a reference object R if |R and S| > |R| / 2; so at most
    one found object covers R, while S may cover several.

    Parameters
    ----------
    found, truth
        Labels, shape (Y, X), 0 for background; labels need not agree.

    Raises
    ------
    ValueError
        Shapes differ, or a label is negative.

    References
    ----------
    Maska et al., Bioinformatics 30 (2014) 1609.

    Examples
    --------
    >>> match = match_frame([[5, 5, 5, 0, 9]], [[1, 1, 2, 2, 2]])
    >>> match.covered_by.tolist(), match.jaccard.round(2).tolist()
    ([0, -1], [0.67, 0.0])
    """
    return match_frames([found], [truth])


def match_frames(found: Iterable[ArrayLike], truth: Iterable[ArrayLike]) -> Matching:
    """Match every frame, one in memory at a time; see `match_frame`.

    Parameters
    ----------
    found, truth
        Labels of the same frames in the same order, shape (Y, X) each.

    Raises
    ------
    ValueError
        As `match_frame`, or one has more frames than the other.
    """
    parts = []
    n_found = 0
    for frame, (ours, theirs) in enumerate(zip_longest(found, truth)):
        if ours is None or theirs is None:
            shorter = "found" if ours is None else "truth"
            raise ValueError(
                "`found` and `truth` have the same frames; "
                f"`{shorter}` ends after {frame}."
            )
        objects, reference, covered_by, jaccard = _covering(
            _labels(ours, "found", frame), _labels(theirs, "truth", frame)
        )
        rows = np.where(covered_by >= 0, covered_by + n_found, NONE)
        n_found += objects.size
        parts.append((_named(frame, objects), _named(frame, reference), rows, jaccard))
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    names = ("found", "truth", "covered_by", "jaccard")
    return Matching(**dict(zip(names, joined, strict=True)))


def _named(frame: int, labels: np.ndarray) -> np.ndarray:
    return np.column_stack([np.full(labels.size, frame), labels.astype(np.int64)])


def _labels(labels: ArrayLike, name: str, frame: int) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.size and labels.min() < 0:
        raise ValueError(
            f"labels are integers >= 0, 0 for background; found {labels.min()} in "
            f"frame {frame} of `{name}`. Set them to 0: masks[masks < 0] = 0."
        )
    return labels


def _covering(
    found: np.ndarray, truth: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels of both, index of the covering object per reference object, Jaccard."""
    if found.shape != truth.shape:
        raise ValueError(
            f"`found` and `truth` have one shape (Y, X); found {found.shape} and "
            f"{truth.shape}."
        )
    ours, i = np.unique(found, return_inverse=True)
    theirs, j = np.unique(truth, return_inverse=True)
    pair, shared = np.unique(
        i.reshape(-1) * theirs.size + j.reshape(-1), return_counts=True
    )
    i, j = np.divmod(pair, max(theirs.size, 1))
    area_ours = np.bincount(i, shared, ours.size)
    area_theirs = np.bincount(j, shared, theirs.size)
    covered_by = np.full(theirs.size, NONE)
    jaccard = np.zeros(theirs.size)
    hit = (ours[i] > 0) & (theirs[j] > 0) & (2 * shared > area_theirs[j])
    i, j, shared = i[hit], j[hit], shared[hit]
    covered_by[j] = i - np.count_nonzero(ours == 0)
    jaccard[j] = shared / (area_ours[i] + area_theirs[j] - shared)
    kept = theirs > 0
    return ours[ours > 0], theirs[kept], covered_by[kept], jaccard[kept]
