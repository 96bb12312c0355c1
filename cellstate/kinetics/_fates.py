"""Which of K sets a cell meets first: probabilities and their entropy, from tracks."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse
from scipy.special import xlogy

from cellstate._base.checks import row_mask
from cellstate._base.random import generator
from cellstate._base.results import Result
from cellstate.kinetics._chain import absorption_probabilities
from cellstate.kinetics._sets import Sets
from cellstate.kinetics._track_fits import TrackFits
from cellstate.tracks import Tracks


@dataclass(frozen=True, eq=False, kw_only=True)
class FateProbabilities(Result):
    """Chances of cells to meet each of K sets before the others.

    Attributes
    ----------
    probability
        Shape (n, K); rows add up to 1, NaN where they are not known.
    standard_error
        Over lineages drawn with replacement, (n, K); NaN without refits.
    entropy
        Bits, shape (n,): 0 when the fate is certain, log2 K when all are as likely.
    names
        Of the K sets.
    method
        "tracks" or "transitions".
    residual
        Largest relative residual of the linear solves.
    largest_correction
        How far the sum of the K fits was from 1 before they were made to add up.
    """

    kind: ClassVar[str] = "fate_probabilities"
    probability: np.ndarray
    standard_error: np.ndarray
    entropy: np.ndarray
    names: tuple[str, ...]
    method: str
    residual: float
    largest_correction: float = 0.0


def entropy_bits(probability: np.ndarray) -> np.ndarray:
    """Entropy of each row in bits, shape (n,); NaN rows stay NaN.

    Examples
    --------
    >>> entropy_bits(np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])).tolist()
    [1.0, 0.0]
    """
    return -xlogy(probability, probability).sum(axis=-1) / np.log(2) + 0.0


def fates_from_tracks(
    x: np.ndarray,
    tracks: Tracks,
    sets: dict[str, np.ndarray],
    *,
    lag_frames: int = 1,
    folds: int = 5,
    n_bootstrap: int = 30,
    penalty: float | None = None,
    n_landmarks: int | None = None,
    rng: int | np.random.Generator | None = None,
) -> FateProbabilities:
    """Fit the committor of each set against all others, with the same folds.

    Parameters
    ----------
    x
        States, shape (n, d), NaN where undefined.
    tracks
        Tracks with the same n rows.
    sets
        At least two disjoint boolean masks (n,), by name.
    lag_frames, folds, n_bootstrap, penalty, n_landmarks, rng
        As of `committor_from_tracks`; the penalty is chosen for the set whose number
        of cells is the median.

    Raises
    ------
    ValueError
        Fewer than two sets, an empty one, shared cells, or a set that no track enters.
    """
    rng = generator(rng)
    masks = disjoint(sets, tracks.n_rows)
    anywhere = masks.any(axis=0)
    each = [Sets(source=anywhere & ~one, target=one) for one in masks]
    pairs = [one.forward(tracks, lag_frames, "random", None) for one in each]
    _reject_never_entered(list(sets), [p.constant.sum() for p in pairs])
    fits = TrackFits.prepare(
        x,
        tracks,
        anywhere,
        anywhere,
        lambda pilot: [pilot.to(p) for p in pairs],
        each[0].fate(tracks, None),
        n_landmarks=n_landmarks,
        folds=folds,
        n_bootstrap=n_bootstrap,
        rng=rng,
    )
    judged = [fits.to(p) for p in pairs]
    if penalty is None:
        middle = int(np.argsort(masks.sum(axis=1))[len(masks) // 2])
        penalty, _ = fits.choose_penalty(judged[middle], each[middle], rng)
    found = [one.judge(penalty) for one in judged]
    raw = np.stack([q for q, _ in found], axis=1)
    raw[anywhere] = masks.T[anywhere]
    total = raw.sum(axis=1, keepdims=True)
    probability = raw / np.where(total > 0, total, np.nan)
    again = np.stack([one.replicates(penalty) for one in judged], axis=1)
    error = np.full(raw.shape, np.nan)
    if again.shape[2] > 1:
        again /= again.sum(axis=1, keepdims=True)
        error = np.where(anywhere[:, None], 0.0, np.std(again, axis=2, ddof=1))
    return FateProbabilities(
        probability=probability,
        standard_error=error,
        entropy=entropy_bits(probability),
        names=tuple(sets),
        method="tracks",
        residual=float(max(model.residual for _, model in found)),
        largest_correction=float(np.nanmax(np.abs(total - 1))),
    )


def disjoint(sets: dict[str, np.ndarray], n: int) -> np.ndarray:
    """Masks (K, n) of sets that are not empty and share no row."""
    if len(sets) < 2:
        raise ValueError(
            f"fates need at least two sets; found {list(sets)}. For one set ask for "
            "the time to it: cs.tl.mfpt(adata, 'B')."
        )
    masks = np.stack([row_mask(mask, n, name) for name, mask in sets.items()])
    empty = [name for name, mask in zip(sets, masks, strict=True) if not mask.any()]
    if empty:
        raise ValueError(f"fates {empty} hold none of the {n} cells.")
    shared = np.flatnonzero(masks.sum(axis=0) > 1)
    if shared.size:
        both = [name for name, m in zip(sets, masks, strict=True) if m[shared[0]]]
        raise ValueError(
            f"fates must be disjoint; found {shared.size} cells in more than one, the "
            f"first (row {shared[0]}) in {both}."
        )
    return masks


def _reject_never_entered(names: list[str], entries: list[float]) -> None:
    never = [name for name, n in zip(names, entries, strict=True) if n == 0]
    if never:
        raise ValueError(
            f"no track enters {never} from outside all fates, so nothing can be "
            "learned of the chance to get there. Choose larger sets, leave them out, "
            "or follow the cells longer."
        )


def fates_from_transitions(
    transitions: np.ndarray | sparse.spmatrix, sets: dict[str, np.ndarray]
) -> FateProbabilities:
    """Absorption probabilities of a Markov chain between cells.

    Parameters
    ----------
    transitions
        Rows add up to 1, (n, n).
    sets
        At least two disjoint boolean masks (n,), by name.

    Returns
    -------
    FateProbabilities
        NaN for cells that can reach no set.
    """
    masks = disjoint(sets, np.shape(transitions)[0])
    probability, residual = absorption_probabilities(transitions, list(masks))
    return FateProbabilities(
        probability=probability,
        standard_error=np.full(probability.shape, np.nan),
        entropy=entropy_bits(probability),
        names=tuple(sets),
        method="transitions",
        residual=residual,
    )
