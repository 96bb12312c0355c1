"""Drift, diffusion and growth of an AnnData."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from anndata import AnnData
from numpy.typing import ArrayLike

from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.checks import choice, fraction
from cellstate.flow import KINDS, FlowFit, fit_regression, symmetry_group
from cellstate.tl import _flow_snapshots as from_snapshots
from cellstate.tl._flow_data import SNAPSHOTS, USES, flow_data
from cellstate.tl._flow_growth import growth_of
from cellstate.tl._flow_neural import refine

REGRESSION, NEURAL = "regression", "neural"
METHODS = (REGRESSION, NEURAL)
# What only fits to snapshots alone take, and what only fits to tracks.
OF_SNAPSHOTS = ("diffusion", "masses")
OF_TRACKS = ("dies", "symmetry", "penalty")


def fit_flow(
    adata: AnnData,
    *,
    basis: str = keys.STATE_SPACE,
    method: str = REGRESSION,
    use: str = "auto",
    drift: str = "free",
    growth: str | None = None,
    diffusion: ArrayLike | None = None,
    masses: Mapping[float, float] | None = None,
    dies: str | np.ndarray | None = None,
    symmetry: Sequence[ArrayLike] | None = None,
    penalty: float | None = None,
    n_epochs: int | None = None,
    n_rollout_rounds: int | None = None,
    device: str | None = None,
    checkpoint: str | Path | None = None,
    level: float = 0.95,
    key_added: str = keys.FLOW_FIT,
    rng: int | np.random.Generator | None = None,
) -> FlowFit:
    """Learn how cells move: dX = b(X, t) dt + sqrt(2 D(X, t)) dW, growth g(X, t).

    Tracks give drift, diffusion and measurement noise by weighted least squares in
    polynomials or Gaussians, whichever predicts held-out lineages best; the noise and
    the length of a step are corrected for. Snapshots beside tracks add the balance of
    probability between their times to the same equations. Snapshots alone give the
    mean velocity of the paths that optimal transport joins cells by, or, for a
    diffusion that is given, the potential that moves one snapshot to the next.

    Parameters
    ----------
    adata
        ``obsm[basis]`` and ``obs["time"]`` (h); tracks, for "tracks" and "both".
    basis
        Coordinates in obsm.
    method
        "regression", or "neural": networks that start from the regression and correct
        it where held-out lineages gain by it.
    use
        "tracks": cells with consecutive frames; "snapshots": all cells, by time;
        "both": the former, and as snapshots the cells that are not followed. "auto"
        takes what is there.
    drift
        "free"; "gradient" (``-M grad V``, with M the diffusion over its mean); "split"
        (a gradient, and whatever is not one held back by a penalty; tracks only).
    growth
        None for none; "events": divisions and deaths along tracks; "counts": masses of
        the snapshots; or an obs column with a rate in 1/h.
    diffusion
        Given D, squares per h: a number or matrix (d, d). Snapshots alone do not
        identify it.
    masses
        Relative number of cells at each time (h), for ``growth="counts"``; the number
        of rows when None.
    dies
        obs column or mask (n,) of the last rows of cells that die.
    symmetry
        Orthogonal matrices (d, d) that generate a group about the origin of `basis`;
        the drift then obeys ``b(R x) = R b(x)`` exactly.
    penalty
        Ridge strength; chosen on held-out lineages when None.
    n_epochs
        Passes over the data, at most; 100 when None ("neural").
    n_rollout_rounds
        Passes that compare rollouts with the next snapshot; none when None ("neural",
        snapshots).
    device
        "auto" (a GPU where there is one), "cpu" or "cuda" ("neural").
    checkpoint
        File to which a training is written every few epochs and from which it goes on
        ("neural").
    level
        Of intervals.
    key_added
        Name under ``uns["cellstate"]``.
    rng
        Seed or Generator: folds, landmarks, networks.

    Returns
    -------
    FlowFit
        Per cell also ``obsm["drift_<basis>"]`` (per h) with its standard error
        ``..._se``, ``obsm["diffusion_<basis>"]`` (n, d * d), ``obs["growth_rate"]``
        (1/h) and ``obs["extrapolated"]``.

    Raises
    ------
    ValueError
        One time point, too few steps, coordinates that do not vary, or something the
        data do not identify: the circulation or diffusion from snapshots alone.

    References
    ----------
    Frishman and Ronceray, Phys. Rev. X 10, 021009 (2020); Vestergaard et al., Phys.
    Rev. E 89, 022726 (2014); Schiebinger et al., Cell 176, 928 (2019).

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = cs.datasets.double_well(n_cells=40, n_frames=200, rng=0)
    >>> fit = cs.tl.fit_flow(cells, rng=0)
    >>> fit.use, bool(0.3 < fit.diffusion([[0.0]])[0, 0, 0] < 0.37)  # truth: 1 / 3
    ('tracks', True)
    """
    choice(method, "method", METHODS)
    choice(use, "use", USES)
    choice(drift, "drift", KINDS)
    data = flow_data(adata, basis, use)
    given = {
        "diffusion": diffusion, "masses": masses, "dies": dies, "symmetry": symmetry,
        "penalty": penalty,
    }  # fmt: skip
    _reject_others(data.use, given)
    training = {
        "n_epochs": n_epochs, "n_rollout_rounds": n_rollout_rounds, "device": device,
        "checkpoint": checkpoint,
    }  # fmt: skip
    training = {name: value for name, value in training.items() if value is not None}
    _reject_training(method, training)
    d = data.x.shape[1]
    if data.use == SNAPSHOTS:
        result = from_snapshots.fit(
            adata, data, drift, growth, from_snapshots.matrix(diffusion, d), masses, rng
        )
    else:
        model, source = growth_of(adata, data, growth, dies)
        result = fit_regression(
            data.x,
            data.steps,
            snapshots=data.snapshots,
            drift=drift,
            symmetry=None if symmetry is None else symmetry_group(symmetry, d),
            growth=model,
            growth_source=source,
            penalty=penalty,
            level=fraction(level, "level"),
            rng=rng,
        )
    if method == NEURAL:
        result = refine(adata, data, result, growth, dies, training, rng)
    _write(adata, data.x, basis, result, key_added)
    store.put(
        adata,
        key_added,
        result,
        inputs=(basis, *(keys.TRACKING if data.tracks is not None else ())),
        params={"basis": basis, "growth": growth, "penalty": penalty},
        rng=rng,
    )
    return result


def _reject_training(method: str, training: Mapping[str, object]) -> None:
    if method != NEURAL and training:
        raise ValueError(
            f"{list(training)} are for method='neural'; found method={method!r}. Leave "
            "them out, or give method='neural'."
        )


def _reject_others(use: str, given: Mapping[str, object]) -> None:
    """Refuse what this kind of data does not take."""
    others = OF_TRACKS if use == SNAPSHOTS else OF_SNAPSHOTS
    for name in others:
        if given[name] is not None:
            fitting = "tracks" if use == SNAPSHOTS else "snapshots alone"
            raise ValueError(
                f"`{name}` is for fits to {fitting}; found use={use!r}. Leave it out, "
                "or choose another `use`."
            )


def _write(
    adata: AnnData, x: np.ndarray, basis: str, fit: FlowFit, key_added: str
) -> None:
    """One value per cell: drift with its error, diffusion, growth, extrapolation."""
    name = basis.removeprefix("X_")
    prefix = "" if key_added == keys.FLOW_FIT else f"{key_added}_"
    known = np.isfinite(x).all(axis=1)
    n, d = x.shape
    cells = x[known]
    time = adata.obs[keys.TIME].to_numpy(dtype=float)[known]

    def filled(values: np.ndarray) -> np.ndarray:
        full = np.full((n, *values.shape[1:]), np.nan)
        full[known] = values
        return full

    drift = f"{prefix}{keys.DRIFT}_{name}"
    adata.obsm[drift] = filled(fit.drift(cells, time))
    adata.obsm[f"{drift}_se"] = filled(fit.standard_error(cells, time))
    spread = fit.diffusion(cells, time).reshape(-1, d * d)
    adata.obsm[f"{prefix}{keys.DIFFUSION}_{name}"] = filled(spread)
    adata.obs[f"{prefix}{keys.GROWTH_RATE}"] = filled(fit.growth_rate(cells, time))
    outside = np.ones(n, dtype=bool)
    outside[known] = fit.extrapolated(cells)
    adata.obs[f"{prefix}{keys.EXTRAPOLATED}"] = outside
