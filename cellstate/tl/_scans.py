"""Whether the rates of an AnnData depend on the lag or on the size of the cores."""

from collections.abc import Sequence

import numpy as np
from anndata import AnnData

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.checks import fraction
from cellstate._base.random import generator
from cellstate.kinetics import RateScan
from cellstate.kinetics import scan_cores as cores_of
from cellstate.kinetics import scan_lags as lags_of
from cellstate.tl._frames import lag_frames, longest_frames
from cellstate.tl._states import masks

# Frames, and committor levels, that are tried when none are named.
LAGS = (1, 2, 5, 10, 20)
CORES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)


def scan_lags(
    adata: AnnData,
    lags: Sequence[float] | None = None,
    *,
    source: str = keys.SOURCE_STATE,
    target: str = keys.TARGET_STATE,
    basis: str = keys.STATE_SPACE,
    level: float = 0.95,
    key_added: str = keys.LAG_SCAN,
    rng: int | np.random.Generator | None = None,
) -> RateScan:
    """Rates with stopped transitions of several lengths; they should not differ.

    Parameters
    ----------
    adata
        Tracks, ``obsm[basis]`` and ``obs["state"]``.
    lags
        Hours, whole numbers of frames; 1, 2, 5, 10 and 20 frames when None, as far
        as the tracks reach.
    source, target
        States in obs["state"].
    basis
        Coordinates in obsm.
    level
        Coverage of the intervals.
    key_added
        Name under ``uns["cellstate"]``.
    rng
        Seed or Generator.

    Returns
    -------
    RateScan
        Draw it with `cs.pl.rate_scan`.
    """
    linked, interval = extract.tracks(adata), extract.frame_interval(adata)
    if lags is None:
        frames = [lag for lag in LAGS if lag <= longest_frames(linked)]
    else:
        frames = [lag_frames(linked, lag, interval) for lag in lags]
    in_a, in_b, _, _ = masks(adata, source, target)
    found = lags_of(
        extract.basis(adata, basis),
        linked,
        in_a,
        in_b,
        frames,
        frame_interval=interval,
        level=fraction(level, "level"),
        names=(source, target),
        rng=_seed(rng),
    )
    inputs = (basis, keys.STATE, *keys.TRACKING)
    store.put(adata, key_added, found, inputs=inputs, rng=rng)
    return found


def scan_cores(
    adata: AnnData,
    cores: Sequence[float] = CORES,
    *,
    key: str = keys.COMMITTOR_RESULT,
    basis: str = keys.STATE_SPACE,
    level: float = 0.95,
    key_added: str = keys.CORE_SCAN,
    rng: int | np.random.Generator | None = None,
) -> RateScan:
    """Rates between ever wider cores, A where q < core and B where q > 1 - core.

    Parameters
    ----------
    adata
        With a committor under `key`, and tracks.
    cores
        Between 0 and 0.5.
    key, basis
        The committor, and the coordinates in which it is fitted anew.
    level
        Coverage of the intervals.
    key_added
        Name under ``uns["cellstate"]``.
    rng
        Seed or Generator.

    Returns
    -------
    RateScan
        Draw it with ``cs.pl.rate_scan(adata, key="core_scan")``.
    """
    fitted = get.committor(adata, key)
    found = cores_of(
        extract.basis(adata, basis),
        extract.tracks(adata),
        np.asarray(fitted.forward),
        list(cores),
        frame_interval=extract.frame_interval(adata),
        level=fraction(level, "level"),
        names=(fitted.source, fitted.target),
        rng=_seed(rng),
    )
    store.put(
        adata,
        key_added,
        found,
        inputs=(key, basis, *keys.TRACKING),
        params={"committor": key},
        rng=rng,
    )
    return found


def _seed(rng: int | np.random.Generator | None) -> int:
    """One seed for all fits of a scan, so that they differ in what is scanned only."""
    return int(generator(rng).integers(2**31))
