"""Tracks under laws without a potential, one function per law."""

from anndata import AnnData

from cellstate.datasets._laws._sampled import sampled
from cellstate.systems._laws._decisions import ToggleSwitch
from cellstate.systems._laws._irreversible import (
    MaierStein,
    NonEquilibriumLandscape,
    RotationalDoubleWell,
)
from cellstate.systems._laws._ornstein_uhlenbeck import OrnsteinUhlenbeck


def maier_stein(*, D: float = 0.1, **sampling: object) -> AnnData:
    """Simulate cells between two wells without a potential; paths back differ.

    A and B are discs of radius 0.2 around (-1, 0) and (1, 0). The law is not
    reversible: the backward committor is not one minus the forward.

    Parameters
    ----------
    D
        Diffusion.
    **sampling
        Options of `cs.datasets.simulate_tracks`; 100 cells, 400 frames and the
        longest unbiased frame interval when left out.

    Returns
    -------
    AnnData
        Tracks with their truth, as of `cs.datasets.simulate_tracks`.

    References
    ----------
    Maier and Stein, J. Stat. Phys. 83, 291 (1996).

    Examples
    --------
    >>> import cellstate as cs
    >>> round(cs.get.truth(maier_stein(n_cells=2, n_frames=3, rng=0)).k_ab, 3)
    0.058
    """
    return sampled(MaierStein(D=D), sampling, n_frames=400)


def rotational_double_well(
    *, D: float = 1 / 3, circulation: float = 2.0, **sampling: object
) -> AnnData:
    """Simulate cells in two wells around which probability circulates.

    b = -grad V + circulation * J grad V, V = (x^2 - 1)^2 + y^2: the density does not
    depend on the circulation, committors and rates do.

    Parameters
    ----------
    D
        Diffusion.
    circulation
        0 gives a reversible law.
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
    >>> truth = cs.get.truth(rotational_double_well(n_cells=2, n_frames=3, rng=0))
    >>> round(truth.k_ab, 3)
    0.074
    """
    law = RotationalDoubleWell(D=D, circulation=circulation)
    return sampled(law, sampling, n_frames=400)


def toggle_switch(
    *, D: float = 0.05, a: float = 3.0, n: float = 2.0, **sampling: object
) -> AnnData:
    """Simulate cells with two genes that repress each other.

    dx = (a / (1 + y^n) - x) dt + noise, and x and y exchanged.

    Parameters
    ----------
    D
        Diffusion.
    a
        Strength of expression; two states exist above the pitchfork at a_c.
    n
        Hill coefficient.
    **sampling
        Options of `cs.datasets.simulate_tracks`; 100 cells, 400 frames and the
        longest unbiased frame interval when left out.

    Returns
    -------
    AnnData
        Tracks with their truth, as of `cs.datasets.simulate_tracks`.

    References
    ----------
    Gardner, Cantor, Collins, Nature 403, 339 (2000).

    Examples
    --------
    >>> toggle_switch(n_cells=2, n_frames=3, rng=0).var_names.tolist()
    ['x', 'y']
    """
    return sampled(ToggleSwitch(D=D, a=a, n=n), sampling, n_frames=400)


def ornstein_uhlenbeck(
    *,
    D: float = 1.0,
    rate: float = 1.0,
    rotation: float = 0.0,
    d: int = 2,
    **sampling: object,
) -> AnnData:
    """Simulate cells pulled back to the origin, b = -rate x + rotation J x.

    The law for baselines: one state, nothing happens, every answer is a formula. There
    are no sets.

    Parameters
    ----------
    D
        Diffusion.
    rate
        Pull towards the origin.
    rotation
        Angular velocity, in the plane only.
    d
        Dimension, 1 or 2.
    **sampling
        Options of `cs.datasets.simulate_tracks`; 100 cells, 200 frames and the
        longest unbiased frame interval when left out.

    Returns
    -------
    AnnData
        Tracks with their truth; `variance` and `entropy_production` are among its
        numbers.

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = ornstein_uhlenbeck(rotation=0.5, n_cells=2, n_frames=3, rng=0)
    >>> cs.get.truth(cells).number("entropy_production")
    0.5
    """
    law = OrnsteinUhlenbeck(D=D, rate=rate, rotation=rotation, d=d)
    unit = float(sampling.get("time_unit", 1.0))
    numbers = {
        "variance": (law.D / law.rate, "1"),
        "entropy_production": (law.entropy_production() / unit, "1/h"),
    }
    return sampled(law, sampling, numbers, n_frames=200)


def nonequilibrium_landscape(
    *,
    D: float = 0.1,
    circulation: float = 0.5,
    p1: float = 0.0,
    p2: float = 1.0,
    **sampling: object,
) -> AnnData:
    """Simulate cells on the binary-choice landscape with a circulating drift.

    b = -(I + circulation J) grad U: the density e^(-U/D) tells nothing about the
    circulation, tracks do.

    Parameters
    ----------
    D
        Diffusion.
    circulation
        0 gives the reversible law.
    p1, p2
        Of the landscape, as in `binary_choice`.
    **sampling
        Options of `cs.datasets.simulate_tracks`; 100 cells, 400 frames and the
        longest unbiased frame interval when left out.

    Returns
    -------
    AnnData
        Tracks with their truth; `entropy_production` is among its numbers.

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = nonequilibrium_landscape(n_cells=2, n_frames=3, rng=0)
    >>> round(cs.get.truth(cells).number("entropy_production"), 3)
    2.577
    """
    law = NonEquilibriumLandscape(D=D, circulation=circulation, p1=p1, p2=p2)
    unit = float(sampling.get("time_unit", 1.0))
    numbers = {"entropy_production": (law.entropy_production() / unit, "1/h")}
    return sampled(law, sampling, numbers, n_frames=400)
