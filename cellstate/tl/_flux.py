"""Reactive flux and reactive segments of an AnnData."""

from dataclasses import replace

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate.kinetics import Committor, _flux
from cellstate.kinetics._flux import ReactiveFlux, ReactiveSegments
from cellstate.tl._states import masks


def reactive_flux(
    adata: AnnData,
    *,
    groups: str | None = None,
    basis: str = keys.STATE_SPACE,
    key: str = keys.COMMITTOR_RESULT,
    n_bootstrap: int = 200,
    level: float = 0.95,
    key_added: str = keys.REACTIVE_FLUX,
    rng: int | np.random.Generator | None = None,
) -> ReactiveFlux:
    """Flow of cells on their way from A to B, at the cells and between groups.

    Parameters
    ----------
    adata
        With a committor between two states, without horizon, stored under `key`.
    groups
        Categorical obs column, clusters say, between which flux is counted. Cells in
        A and B are nodes of their own. One group, "between", when None.
    basis
        Coordinates in obsm in which the current is measured.
    n_bootstrap, level
        Lineages drawn with replacement, and coverage of the intervals.
    key_added
        Name under ``uns["cellstate"]``.
    rng
        Seed or Generator.

    Returns
    -------
    ReactiveFlux
        The current over the density of cells, in units of the basis per hour, also in
        ``obsm["reactive_current_state"]`` (named after the basis), its sampling error
        in ``obsm["reactive_current_state_error"]``, the density in
        ``obs["reactive_flux_density"]``; flux between the groups, pathways and nu.

    Raises
    ------
    KeyError
        The committor, the basis or the column is missing; the message names the call.
    ValueError
        The committor has a horizon or no source, or cells have no group.
    """
    fitted, in_a, in_b = _between_two_sets(adata, key)
    result = _flux.reactive_flux(
        extract.basis(adata, basis),
        extract.tracks(adata),
        in_a,
        in_b,
        np.asarray(fitted.forward),
        np.asarray(fitted.backward),
        frame_interval=extract.frame_interval(adata),
        groups=None if groups is None else _groups(adata, groups, in_a | in_b),
        names=(fitted.source, fitted.target),
        n_bootstrap=n_bootstrap,
        level=level,
        rng=rng,
    )
    store.put(
        adata,
        key_added,
        result,
        per_cell=_per_cell(key_added, basis),
        inputs=_inputs(key, basis) + (() if groups is None else (groups,)),
        params={"basis": basis, "committor": key, "groups": groups},
        rng=rng,
    )
    return result


def reactive_segments(
    adata: AnnData,
    *,
    key: str = keys.COMMITTOR_RESULT,
    basis: str = keys.STATE_SPACE,
    n_channels: int | None = None,
    n_bootstrap: int = 200,
    level: float = 0.95,
    key_added: str = keys.REACTIVE_SEGMENTS,
    rng: int | np.random.Generator | None = None,
) -> ReactiveSegments:
    """List every excursion outside A and B, and the channels of those from A to B.

    Parameters
    ----------
    adata
        With a committor between two states, without horizon, stored under `key`.
    basis
        Coordinates in obsm in which paths are compared.
    n_channels
        Number of channels; found when None, where one is a possible answer.
    n_bootstrap, level
        Lineages drawn with replacement, and coverage of the intervals.
    key_added
        Name under ``uns["cellstate"]``.
    rng
        Seed or Generator.

    Returns
    -------
    ReactiveSegments
        `table` with one row per excursion, the mean transition-path time (h), and the
        channels with their shares.

    Raises
    ------
    KeyError
        The committor or the basis is missing; the message names the call.
    ValueError
        The committor has a horizon or no source, or fewer paths were seen than
        channels are wanted.
    """
    fitted, in_a, in_b = _between_two_sets(adata, key)
    result = _flux.reactive_segments(
        extract.basis(adata, basis),
        extract.tracks(adata),
        in_a,
        in_b,
        np.asarray(fitted.forward),
        np.asarray(fitted.backward),
        frame_interval=extract.frame_interval(adata),
        names=(fitted.source, fitted.target),
        along=_one_function(adata, fitted, key, in_a | in_b),
        n_channels=n_channels,
        n_bootstrap=n_bootstrap,
        level=level,
        rng=rng,
    )
    movies = np.array(extract.movie_codes(adata)[1])
    named = result.table.assign(movie=movies[result.table["movie"].to_numpy()])
    result = replace(result, table=named)
    store.put(
        adata,
        key_added,
        result,
        inputs=_inputs(key, basis),
        params={"basis": basis, "committor": key},
        rng=rng,
    )
    return result


def _per_cell(key_added: str, basis: str) -> dict[str, tuple[str, str]]:
    """Where the flux is stored; a second one beside the usual has its own names."""
    prefix = "" if key_added == keys.REACTIVE_FLUX else f"{key_added}_"
    current = f"{prefix}{keys.REACTIVE_CURRENT}_{basis.removeprefix('X_')}"
    return {
        "current": ("obsm", current),
        "standard_error": ("obsm", f"{current}_error"),
        "density": ("obs", f"{key_added}_density"),
    }


def _between_two_sets(
    adata: AnnData, key: str
) -> tuple[Committor, np.ndarray, np.ndarray]:
    """Return the committor and the masks of A and B, or say what it lacks."""
    fitted = get.committor(adata, key)
    if np.isfinite(fitted.horizon) or not fitted.source:
        raise ValueError(
            "reactive paths lead from one state to another however long they take; "
            f"found source={fitted.source!r}, horizon={fitted.horizon:g} h under "
            f"{key!r}. Run cs.tl.committor(adata, 'A', 'B')."
        )
    if fitted.division not in ("random", ""):
        raise ValueError(
            "reactive paths follow one daughter at random; found a committor with "
            f"division={fitted.division!r} under {key!r}. Run "
            "cs.tl.committor(adata, 'A', 'B') without it."
        )
    if np.isnan(fitted.backward).all():
        raise ValueError(
            f"the committor under {key!r} has no past: its backward part is NaN for "
            f"all {adata.n_obs} cells. Run cs.tl.committor(adata, 'A', 'B') on tracks."
        )
    in_a, in_b, _, _ = masks(adata, fitted.source, fitted.target)
    return fitted, in_a, in_b


def _one_function(
    adata: AnnData, fitted: Committor, key: str, inside: np.ndarray
) -> np.ndarray | None:
    """The committor as one function of the state, where it was fitted to tracks."""
    if fitted.model is None:
        return None
    basis = adata.uns[keys.ROOT][key]["params"].get("basis", keys.STATE_SPACE)
    # Inside A and B it is known: asking for it there would take most of the time.
    values = np.full(adata.n_obs, np.nan)
    values[~inside] = fitted.model(extract.basis(adata, basis)[~inside])
    return values


def _groups(adata: AnnData, name: str, inside: np.ndarray) -> np.ndarray:
    column = extract.column(adata, name)
    if pd.api.types.is_float_dtype(column):
        raise ValueError(
            f"`groups`={name!r} must name groups, in texts, whole numbers or "
            f"categories; found {column.dtype}. Cut it: adata.obs['group'] = "
            f"pd.cut(adata.obs[{name!r}], 5)."
        )
    missing = column.isna().to_numpy() & ~inside
    if missing.any():
        raise ValueError(
            f"every cell outside the two states needs a group; found "
            f"{int(missing.sum())} without one in adata.obs[{name!r}], e.g. "
            f"{list(adata.obs_names[missing][:3])}. Name them: "
            f"adata.obs[{name!r}].astype(str)."
        )
    return column.astype(str).to_numpy(dtype=str)


def _inputs(key: str, basis: str) -> tuple[str, ...]:
    return (key, f"{key}_backward", basis, keys.STATE, *keys.TRACKING)
