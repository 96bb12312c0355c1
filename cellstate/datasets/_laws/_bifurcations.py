"""Tracks near and through bifurcations on a line, one function per law."""

import numpy as np
from anndata import AnnData

from cellstate._base.checks import positive
from cellstate.datasets._cells._population import SOURCE
from cellstate.datasets._laws._sampled import sampled, usual_interval
from cellstate.systems._laws._bifurcations import Pitchfork, SaddleNode
from cellstate.systems._laws._ramp import RampedPitchfork


def pitchfork(
    *, D: float = 0.1, mu: float = 1.0, h: float = 0.0, **sampling: object
) -> AnnData:
    """Simulate cells at a fixed distance from a pitchfork, V = x^4/4 - mu x^2/2 - h x.

    A and B lie beyond the two wells; for mu <= 0 there is one well and no sets.

    Parameters
    ----------
    D
        Diffusion.
    mu
        Bifurcation parameter, 0 at the pitchfork.
    h
        Bias.
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
    >>> truth = cs.get.truth(pitchfork(n_cells=2, n_frames=3, rng=0))
    >>> round(truth.mfpt_ab, 3)
    66.269
    """
    return sampled(Pitchfork(D=D, mu=mu, h=h), sampling, n_frames=400)


def ramped_pitchfork(
    *,
    D: float = 0.01,
    eps: float = 0.05,
    h: float = 0.0,
    r_start: float = -1.0,
    r_stop: float = 1.0,
    **sampling: object,
) -> AnnData:
    """Simulate cells swept through a pitchfork, dx = (r x - x^3 + h) dt + noise.

    r grows from `r_start` by `eps` per unit of time. There are no sets; the committor
    is the chance to end on the right, and events are "right" or "left".

    Parameters
    ----------
    D
        Diffusion.
    eps
        Speed of the ramp.
    h
        Bias towards the right.
    r_start, r_stop
        Ends of the ramp.
    **sampling
        Options of `cs.datasets.simulate_tracks`; 100 cells, the whole ramp and the
        longest unbiased frame interval when left out.

    Returns
    -------
    AnnData
        Tracks with their truth; `chance_right`, the share by the law of the sweep, is
        among its numbers.

    Examples
    --------
    >>> import cellstate as cs
    >>> truth = cs.get.truth(ramped_pitchfork(h=0.02, n_cells=2, n_frames=3, rng=0))
    >>> round(truth.number("chance_right"), 4)
    0.7133
    """
    law = RampedPitchfork(D=D, eps=eps, h=h, r_start=r_start, r_stop=r_stop)
    unit = sampling.get("time_unit", 1.0)
    interval = sampling.get("frame_interval", usual_interval(law, unit))
    positive(interval, "frame_interval", "h", "frame_interval=0.05")
    numbers = {
        "chance_right": (law.chance_right(), "1"),
        "duration": (law.duration * unit, "h"),
    }
    whole = int(np.ceil(law.duration * unit / interval - 1e-9)) + 1
    return sampled(law, sampling, numbers, n_frames=whole)


def saddle_node(*, D: float = 0.02, h: float = 0.2, **sampling: object) -> AnnData:
    """Simulate escape from a well that is about to vanish, V = x^4/4 - x^2/2 - h x.

    Cells start in A, the left well, which ends at the fold h = 2 / (3 sqrt 3); beyond
    it there are no sets and cells start from the stationary law.

    Parameters
    ----------
    D
        Diffusion.
    h
        Tilt towards the right well.
    **sampling
        Options of `cs.datasets.simulate_tracks`; 100 cells, 800 frames and the
        longest unbiased frame interval when left out.

    Returns
    -------
    AnnData
        Tracks with their truth; `fold`, the h at which A ends, is among its numbers.

    Examples
    --------
    >>> import cellstate as cs
    >>> truth = cs.get.truth(saddle_node(n_cells=2, n_frames=3, rng=0))
    >>> round(truth.number("fold"), 6)
    0.3849
    """
    law = SaddleNode(D=D, h=h)
    usual = {"n_frames": 800} | ({"start": SOURCE} if law.source is not None else {})
    return sampled(law, sampling, {"fold": (law.bifurcations["h"][1], "1")}, **usual)
