"""Tracks under landscapes in the plane, one function per law."""

from anndata import AnnData

from cellstate._base.checks import integer
from cellstate._base.random import generator
from cellstate.datasets._cells._population import SOURCE
from cellstate.datasets._laws._sampled import sampled
from cellstate.systems._laws._decision import Decision
from cellstate.systems._laws._decisions import BinaryChoice, BinaryFlip
from cellstate.systems._laws._landscapes import TripleWell
from cellstate.systems._laws._mueller import MuellerBrown, RuggedMueller

HOT = 6.0  # times the diffusion at which starts on the way are drawn
CELLS = 200


def triple_well(*, D: float = 1 / 1.67, **sampling: object) -> AnnData:
    """Simulate cells between two deep wells, past a shallow third one or directly.

    A and B are discs of radius 0.25 around (-1, 0) and (1, 0).

    Parameters
    ----------
    D
        Diffusion; 1 / 1.67 and 1 / 6.67 in the reference.
    **sampling
        Options of `cs.datasets.simulate_tracks`; 100 cells, 400 frames and the
        longest unbiased frame interval when left out.

    Returns
    -------
    AnnData
        Tracks with their truth, as of `cs.datasets.simulate_tracks`.

    References
    ----------
    Metzner, Schuette, Vanden-Eijnden, J. Chem. Phys. 125, 084110 (2006).

    Examples
    --------
    >>> import cellstate as cs
    >>> truth = cs.get.truth(triple_well(n_cells=2, n_frames=3, rng=0))
    >>> round(truth.k_ab, 3), truth.source
    (0.038, 'within 0.25 of x = -1, y = 0')
    """
    return sampled(TripleWell(D=D), sampling, n_frames=400)


def mueller_brown(*, D: float = 10.0, **sampling: object) -> AnnData:
    """Simulate short paths in the Mueller-Brown landscape, started all over it.

    Passages from A to B take about 200 units of time at D = 10, and frames 0.00002:
    no movie sees both. Cells therefore start from the law at six times the diffusion,
    where many are on the way, and are followed until most have met A or B.

    Parameters
    ----------
    D
        Diffusion.
    **sampling
        Options of `cs.datasets.simulate_tracks`; 200 cells from the hotter law, 500
        frames and the longest unbiased frame interval when left out.

    Returns
    -------
    AnnData
        Tracks with their truth, as of `cs.datasets.simulate_tracks`.

    References
    ----------
    Mueller and Brown, Theor. Chim. Acta 53, 75 (1979).

    Examples
    --------
    >>> import cellstate as cs
    >>> truth = cs.get.truth(mueller_brown(n_cells=2, n_frames=3, rng=0))
    >>> round(truth.k_ab, 4)
    0.005
    """
    return _launched(MuellerBrown(D=D), MuellerBrown(D=HOT * D), sampling)


def rugged_mueller(*, D: float = 10.0, **sampling: object) -> AnnData:
    """Simulate short paths in the Mueller-Brown landscape with ripples on it.

    Cells start all over the landscape, as in `mueller_brown`.

    Parameters
    ----------
    D
        Diffusion.
    **sampling
        Options of `cs.datasets.simulate_tracks`; 200 cells from the law at six times
        the diffusion, 500 frames and the longest unbiased frame interval when left
        out.

    Returns
    -------
    AnnData
        Tracks with their truth, as of `cs.datasets.simulate_tracks`.

    Examples
    --------
    >>> import cellstate as cs
    >>> truth = cs.get.truth(rugged_mueller(n_cells=2, n_frames=3, rng=0))
    >>> round(truth.k_ab, 4)
    0.0047
    """
    return _launched(RuggedMueller(D=D), RuggedMueller(D=HOT * D), sampling)


def binary_choice(
    *, D: float = 0.05, p1: float = 0.0, p2: float = 0.5, **sampling: object
) -> AnnData:
    """Simulate progenitors that choose between two fates.

    Where the progenitor exists, A is a disc around it, B discs around both fates, and
    cells start in A. Where it does not, A is the left fate, B the right one, and cells
    start from the stationary law; likewise without sets where fates are missing.

    Parameters
    ----------
    D
        Diffusion.
    p1
        Tilt between the fates, negative for the right one.
    p2
        Signal that keeps the progenitor; it ends at 0, the fates at 7/4 (p1 = 0).
    **sampling
        Options of `cs.datasets.simulate_tracks`; 100 cells, 1000 frames and the
        longest unbiased frame interval when left out.

    Returns
    -------
    AnnData
        Tracks with their truth, as of `cs.datasets.simulate_tracks`.

    References
    ----------
    Saez et al., Cell Systems 13 (2022).

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = binary_choice(n_cells=2, n_frames=3, rng=0)
    >>> cells.obs["truth_set"].iloc[0], cs.get.truth(cells).frame_interval
    ('A', 0.005)
    """
    return _decided(BinaryChoice(D=D, p1=p1, p2=p2), sampling)


def binary_flip(
    *, D: float = 0.05, p1: float = -0.5, p2: float = 0.0, **sampling: object
) -> AnnData:
    """Simulate progenitors whose one exit leads to the fate that the signal points at.

    Sets and starts as in `binary_choice`.

    Parameters
    ----------
    D
        Diffusion.
    p1
        Signal that keeps the progenitor.
    p2
        Signal that flips the exit between the fates, at 0.
    **sampling
        Options of `cs.datasets.simulate_tracks`; 100 cells, 1000 frames and the
        longest unbiased frame interval when left out.

    Returns
    -------
    AnnData
        Tracks with their truth, as of `cs.datasets.simulate_tracks`.

    References
    ----------
    Saez et al., Cell Systems 13 (2022).

    Examples
    --------
    >>> binary_flip(n_cells=2, n_frames=3, rng=0).obs["truth_set"].iloc[0]
    'A'
    """
    return _decided(BinaryFlip(D=D, p1=p1, p2=p2), sampling)


def _launched(
    law: MuellerBrown, hot: MuellerBrown, sampling: dict[str, object]
) -> AnnData:
    """Start from the law at a higher temperature unless told otherwise."""
    if "start" in sampling:
        return sampled(law, sampling, n_cells=CELLS, n_frames=500)
    rng = generator(sampling.get("rng"))
    n = integer(sampling.get("n_cells", CELLS), "n_cells", 1)
    given = sampling | {"n_cells": n, "start": hot.sample(n, rng), "rng": rng}
    return sampled(law, given, n_frames=500)


def _decided(law: Decision, sampling: dict[str, object]) -> AnnData:
    """Commitment from the progenitor where there is one."""
    usual: dict[str, object] = {"n_frames": 1000}
    if law.progenitor is not None and None not in law.fates:
        law = law.commitment()
        usual["start"] = SOURCE
    return sampled(law, sampling, **usual)
