"""Sums over stopped pairs, by group of lineages, in one pass over the states."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from cellstate.kinetics._committor import BLOCK, Moments
from cellstate.kinetics._stopping import StoppedPairs
from cellstate.statespace._smooth_basis import SINGLE, SmoothBasis

# The basis at all rows is kept when it takes less than this many numbers (200 MB).
KEPT = 25_000_000

# Basis functions of some rows, (rows,) -> (rows, p).
Evaluate = Callable[[np.ndarray], np.ndarray]


def evaluator(basis: SmoothBasis, x: np.ndarray) -> Evaluate:
    """Return what gives the basis at rows of x: looked up when it fits in memory."""
    if len(x) * basis.size < KEPT:
        return basis(x).__getitem__
    if len(x) > SINGLE:
        return lambda rows: basis.rough(x[rows])
    return lambda rows: basis(x[rows])


def usable_pairs(
    pairs: StoppedPairs, known: np.ndarray, group: np.ndarray
) -> np.ndarray:
    """Pairs between defined states of rows that are learned from, as indices."""
    usable = known[pairs.start] & (known[pairs.stop] | pairs.absorbed)
    return np.flatnonzero(usable & (group[pairs.start] >= 0))


def sum_moments(
    evaluate: Evaluate,
    size: int,
    pairs: StoppedPairs,
    known: np.ndarray,
    group: np.ndarray,
    row_weight: np.ndarray | None = None,
) -> Moments:
    """Sum pairs over each group; undefined states are left out.

    Parameters
    ----------
    evaluate, size
        The basis at rows, and its number of functions p.
    pairs
        Stopped pairs among the n rows.
    known
        Rows with a defined state, shape (n,).
    group
        Group of each row, shape (n,); -1 leaves a row out.
    row_weight
        Weight of each start row, shape (n,), as a bootstrap draws it.

    Returns
    -------
    Moments
        Of shape (n_groups, p, p).
    """
    n_groups = int(group.max(initial=0)) + 1
    total = Moments.zeros(n_groups, size)
    chosen = usable_pairs(pairs, known, group)
    weight = pairs.weight
    if row_weight is not None:
        weight = weight * row_weight[pairs.start]
        chosen = chosen[weight[chosen] > 0]
    chosen = chosen[np.lexsort((pairs.start[chosen], group[pairs.start[chosen]]))]
    ends = np.searchsorted(group[pairs.start[chosen]], np.arange(n_groups + 1))
    for g in range(n_groups):
        for part in _blocks(chosen[ends[g] : ends[g + 1]]):
            _add(total, g, evaluate, pairs, part, weight[part])
    return total


def _blocks(chosen: np.ndarray) -> Iterator[np.ndarray]:
    if chosen.size:
        yield from np.array_split(chosen, -(-chosen.size // BLOCK))


def _add(
    total: Moments,
    g: int,
    evaluate: Evaluate,
    pairs: StoppedPairs,
    part: np.ndarray,
    weight: np.ndarray,
) -> None:
    """Add a block of pairs to the sums of group g."""
    going = pairs.gain[part] != 0
    start, stop = pairs.start[part], pairs.stop[part][going]
    # Most stops are starts of other pairs: each state is evaluated once.
    place = np.minimum(np.searchsorted(start, stop), start.size - 1)
    other = start[place] != stop
    place[other] = start.size + np.arange(np.count_nonzero(other))
    phi = evaluate(np.r_[start, stop[other]])
    here, there = phi[: start.size], phi[place]
    weighted = here * weight[:, None].astype(phi.dtype)
    gain = pairs.gain[part][going, None].astype(phi.dtype)
    constant = pairs.constant[part]
    total.gram[g] += weighted.T @ here
    total.step[g] += weighted[going].T @ (there * gain)
    total.met[g] += weighted.T @ constant
    total.at_once[g] += weighted.T @ (constant * (pairs.elapsed[part] == 0))
    total.elapsed[g] += weighted.T @ pairs.elapsed[part].astype(float)


@dataclass(frozen=True, eq=False, kw_only=True)
class Divisions:
    """Mothers and both daughters one frame later, for chances that multiply.

    What is expected of daughter i is ``met_i + psi_i c`` with coefficients c.

    Attributes
    ----------
    group
        Shape (m,).
    phi, psi
        Basis at the mothers (m, p), and at the daughters (2, m, p), 0 where absorbed.
    met
        1 where a daughter is in B, shape (2, m).
    """

    group: np.ndarray
    phi: np.ndarray
    psi: np.ndarray
    met: np.ndarray

    def expected(self, coefficients: np.ndarray) -> np.ndarray:
        """What is expected of the daughters, shape (2, m)."""
        return self.met + self.psi @ coefficients


def divisions_of(
    evaluate: Evaluate, pairs: StoppedPairs, known: np.ndarray, group: np.ndarray
) -> Divisions:
    """Collect the divisions among one-frame pairs; a missing sister is as the other."""
    chosen = usable_pairs(pairs, known, group)
    chosen = chosen[(pairs.weight[chosen] < 1) & (pairs.elapsed[chosen] > 0)]
    chosen = chosen[np.argsort(pairs.start[chosen], kind="stable")]
    mothers, first, count = np.unique(
        pairs.start[chosen], return_index=True, return_counts=True
    )
    both = np.stack([chosen[first], chosen[first + count - 1]])
    stop, going = pairs.stop[both], pairs.gain[both] != 0
    psi = np.stack([evaluate(rows) for rows in stop]) * going[..., None]
    return Divisions(
        group=group[mothers],
        phi=evaluate(mothers),
        psi=psi,
        # A pair of daughters counts twice what it met; here each counts once.
        met=pairs.constant[both] / 2,
    )


def predictions(
    evaluate: Evaluate,
    rows: np.ndarray,
    coefficients: np.ndarray,
    column: np.ndarray,
) -> np.ndarray:
    """Evaluate several fits at rows, each row by the member that `column` tells.

    Parameters
    ----------
    rows
        Shape (r,).
    coefficients
        Shape (m, f, p): m fits of f members, such as the folds of a split.
    column
        Member that judges each row in each fit, shape (m, r).

    Returns
    -------
    ndarray
        Shape (r, m).
    """
    m, f, p = coefficients.shape
    out = np.full((rows.size, m), np.nan)
    flat = coefficients.reshape(m * f, p).T
    for part in _blocks(np.arange(rows.size)):
        phi = evaluate(rows[part])
        values = (phi @ flat.astype(phi.dtype)).reshape(part.size, m, f)
        picked = np.take_along_axis(values, column[:, part].T[..., None], axis=2)
        out[part] = picked[..., 0]
    return out
