"""Tracks between wells on a line, one function per law."""

from anndata import AnnData

from cellstate.datasets._laws._sampled import sampled
from cellstate.systems._laws._wells import (
    DoubleWell,
    Prinz,
    RotatedDoubleWell,
    TiltedDoubleWell,
)


def double_well(*, D: float = 1 / 3, **sampling: object) -> AnnData:
    """Simulate cells between two equal wells, V = (x^2 - 1)^2.

    A is x <= -1 and B is x >= 1.

    Parameters
    ----------
    D
        Diffusion; the barrier is 1.
    **sampling
        Options of `cs.datasets.simulate_tracks`; 100 cells, 400 frames and the
        longest unbiased frame interval when left out.

    Returns
    -------
    AnnData
        Tracks with their truth, as of `cs.datasets.simulate_tracks`.

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = double_well(n_cells=10, n_frames=20, rng=0)
    >>> cells.shape, round(cs.get.truth(cells).k_ab, 4)
    ((200, 1), 0.0375)
    """
    return sampled(DoubleWell(D=D), sampling, n_frames=400)


def tilted_double_well(
    *, D: float = 1 / 4, tilt: float = 1 / 4, **sampling: object
) -> AnnData:
    """Simulate cells between unequal wells, V = (x^2 - 1)^2 + tilt x.

    A is x <= -1 and B is x >= 0.96.

    Parameters
    ----------
    D
        Diffusion.
    tilt
        Slope added to the potential; positive favours A.
    **sampling
        Options of `cs.datasets.simulate_tracks`; 100 cells, 500 frames and the
        longest unbiased frame interval when left out.

    Returns
    -------
    AnnData
        Tracks with their truth, as of `cs.datasets.simulate_tracks`.

    Examples
    --------
    >>> import cellstate as cs
    >>> truth = cs.get.truth(tilted_double_well(n_cells=2, n_frames=3, rng=0))
    >>> round(truth.k_ab, 5), round(truth.k_ba, 5)
    (0.00534, 0.03459)
    """
    return sampled(TiltedDoubleWell(D=D, tilt=tilt), sampling, n_frames=500)


def rotated_double_well(
    *, D: float = 1 / 3, d: int = 10, seed: int = 0, **sampling: object
) -> AnnData:
    """Simulate cells between two wells hidden in d dimensions.

    The double well lies along one direction of a random rotation; the other
    directions are harmonic and tell nothing.

    Parameters
    ----------
    D
        Diffusion.
    d
        Dimension, at least 2.
    seed
        Of the rotation, not of the cells.
    **sampling
        Options of `cs.datasets.simulate_tracks`; 100 cells, 400 frames and the
        longest unbiased frame interval when left out.

    Returns
    -------
    AnnData
        Tracks with their truth, as of `cs.datasets.simulate_tracks`.

    Examples
    --------
    >>> rotated_double_well(d=5, n_cells=2, n_frames=3, rng=0).var_names.tolist()
    ['x1', 'x2', 'x3', 'x4', 'x5']
    """
    return sampled(RotatedDoubleWell(D=D, d=d, seed=seed), sampling, n_frames=400)


def prinz(*, D: float = 1.0, **sampling: object) -> AnnData:
    """Simulate cells in the four wells of Prinz et al. on a line.

    A is x <= -0.7 and B is x >= 0.7.

    Parameters
    ----------
    D
        Diffusion.
    **sampling
        Options of `cs.datasets.simulate_tracks`; 100 cells, 500 frames and the
        longest unbiased frame interval when left out.

    Returns
    -------
    AnnData
        Tracks with their truth, as of `cs.datasets.simulate_tracks`.

    References
    ----------
    Prinz et al., J. Chem. Phys. 134, 174105 (2011).

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = prinz(n_cells=2, n_frames=3, rng=0)
    >>> cs.get.truth(cells).frame_interval, round(cs.get.truth(cells).nu, 4)
    (0.001, 0.1905)
    """
    return sampled(Prinz(D=D), sampling, n_frames=500)
