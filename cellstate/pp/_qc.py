"""Quality control: flag and count, drop nothing."""

import numpy as np
from anndata import AnnData
from scipy.spatial import cKDTree

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._adata._results import QualityReport
from cellstate._base.checks import positive
from cellstate.tracks import Tracks

AREA, SHARPNESS = "area", "sharpness"


def qc(
    adata: AnnData,
    *,
    min_relative_area: float = 0.2,
    min_sharpness: float = 0.1,
    max_step: float | None = None,
    area_jump: float = 0.7,
    reach: float = 25.0,
) -> QualityReport:
    """Flag cells and links that should not be believed; see ``obs["qc_*"]``.

    Parameters
    ----------
    adata
        From `cs.pp.features`.
    min_relative_area
        A sliver is smaller than this share of its movie's median area.
    min_sharpness
        Blurred: sharpness below this share of its movie's median, in any channel.
    max_step
        A link that moves a cell farther (um) is not trusted; 1.5 times the median
        diameter when None.
    area_jump
        A link that shrinks a cell to less than this share while a track without a
        mother begins within `reach`, or grows it by the inverse while a track is
        lost within `reach`, betrays a division or a merger that the linking missed.
    reach
        Micrometres.

    Returns
    -------
    QualityReport
        Counts; also under ``uns["cellstate"]["qc"]``. ``obs["qc_jump"]`` marks the
        later end of a link; every `tl` function treats that link as broken.
        ``obs["qc_pass"]`` is True where no flag is set.

    Notes
    -----
    Nothing is dropped. To leave flagged cells out:
    ``adata[adata.obs["qc_pass"]].copy()``; their tracks then have gaps.
    """
    if max_step is not None:
        positive(max_step, "max_step", "um", "cs.pp.qc(adata, max_step=20)")
    positive(reach, "reach", "um", "cs.pp.qc(adata, reach=25)")
    for name, share in (
        ("min_relative_area", min_relative_area),
        ("min_sharpness", min_sharpness),
        ("area_jump", area_jump),
    ):
        if not 0 <= share <= 1:
            raise ValueError(
                f"`{name}` is a share and lies between 0 and 1; found {share!r}. "
                f"Use e.g. cs.pp.qc(adata, {name}=0.2)."
            )
    if keys.QC_JUMP in adata.obs:
        del adata.obs[keys.QC_JUMP]  # links are judged afresh
    tracks = extract.tracks(adata)
    area = _feature(adata, AREA)
    sharpness = [n for n in adata.var_names if n.startswith(SHARPNESS)]
    spatial = adata.obsm.get(keys.SPATIAL)
    flags: dict[str, np.ndarray | None] = {
        keys.QC_BORDER: _column(adata, keys.TOUCHES_BORDER),
        keys.QC_SLIVER: None
        if area is None
        else area < min_relative_area * _movie_median(area, tracks),
        keys.QC_FRAGMENTED: None
        if keys.N_COMPONENTS not in adata.obs
        else adata.obs[keys.N_COMPONENTS].to_numpy() > 1,
        keys.QC_BLUR: _blurred(adata, sharpness, tracks, min_sharpness),
        keys.QC_UNDEFINED: ~np.isfinite(_static(adata)).all(axis=1),
    }
    step = np.nan
    if spatial is None:
        flags[keys.QC_JUMP] = None
    else:
        step = max_step
        if step is None:
            diameter = (
                np.nanmedian(np.sqrt(4 * area / np.pi)) if area is not None else 20
            )
            step = float(1.5 * diameter)
        flags[keys.QC_JUMP] = _jumps(
            tracks, np.asarray(spatial), area, step, area_jump, reach
        )
    checked = {k: v for k, v in flags.items() if v is not None}
    for name in keys.QC_FLAGS:
        if name in checked:
            adata.obs[name] = checked[name]
    passed = ~np.any(list(checked.values()), axis=0)
    adata.obs[keys.QC_PASS] = passed
    limits = {
        "min_relative_area": min_relative_area,
        "min_sharpness": min_sharpness,
        "max_step_um": step,
        "area_jump": area_jump,
        "reach_um": reach,
    }
    report = QualityReport(
        flags=tuple(checked),
        counts=np.array([int(v.sum()) for v in checked.values()]),
        not_checked=tuple(k for k, v in flags.items() if v is None),
        n_cells=adata.n_obs,
        n_pass=int(passed.sum()),
        threshold_names=tuple(limits),
        thresholds=np.array(list(limits.values()), dtype=float),
        dead_features=_dead(adata),
    )
    store.put(adata, keys.QC, report)
    return report


def _jumps(
    tracks: Tracks,
    position: np.ndarray,
    area: np.ndarray | None,
    max_step: float,
    area_jump: float,
    reach: float,
) -> np.ndarray:
    """Later ends of links that jump, or that hide a missed division or merger."""
    later = np.flatnonzero(tracks.previous_row >= 0)
    before = tracks.previous_row[later]
    moved = np.linalg.norm(position[later] - position[before], axis=1)
    flagged = np.zeros(tracks.n_rows, dtype=bool)
    flagged[later[moved > max_step]] = True
    if area is None:
        return flagged
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = area[later] / area[before]
    orphan = tracks.first_row[tracks.parent < 0]
    lost = tracks.last_row[~tracks.divides]
    last_frame = tracks.last_frame[tracks.movie[lost]]
    lost = lost[tracks.frame[lost] < last_frame]
    shrunk, grown = later[ratio < area_jump], later[ratio > 1 / area_jump]
    flagged[shrunk] |= _near(tracks, position, shrunk, orphan, reach, 0)
    flagged[grown] |= _near(tracks, position, grown, lost, reach, -1)
    return flagged


def _near(
    tracks: Tracks,
    position: np.ndarray,
    rows: np.ndarray,
    others: np.ndarray,
    reach: float,
    shift: int,
) -> np.ndarray:
    """Whether one of `others` lies within reach, `shift` frames from each row."""
    found = np.zeros(rows.size, dtype=bool)
    when = np.stack([tracks.movie, tracks.frame], axis=1)
    for movie, frame in np.unique(when[rows], axis=0):
        here = np.flatnonzero((when[rows] == (movie, frame)).all(axis=1))
        there = others[(when[others] == (movie, frame + shift)).all(axis=1)]
        if there.size:
            tree = cKDTree(position[there])
            distance, _ = tree.query(position[rows[here]], distance_upper_bound=reach)
            found[here] = np.isfinite(distance)
    return found


def _movie_median(values: np.ndarray, tracks: Tracks) -> np.ndarray:
    median = np.full(tracks.last_frame.size, np.nan)
    for m in np.unique(tracks.movie[np.isfinite(values)]):
        median[m] = np.nanmedian(values[tracks.movie == m])
    return median[tracks.movie]


def _blurred(
    adata: AnnData, names: list[str], tracks: Tracks, share: float
) -> np.ndarray | None:
    if not names:
        return None
    flagged = np.zeros(adata.n_obs, dtype=bool)
    for name in names:
        value = _feature(adata, name)
        if np.isfinite(value).any():
            flagged |= value < share * _movie_median(value, tracks)
    return flagged


def _feature(adata: AnnData, name: str) -> np.ndarray | None:
    if name not in adata.var_names:
        return None
    return extract.features(adata[:, name]).ravel()


def _column(adata: AnnData, name: str) -> np.ndarray | None:
    return adata.obs[name].to_numpy(dtype=bool) if name in adata.obs else None


def _dead(adata: AnnData) -> tuple[str, ...]:
    """Features that are undefined or the same in all cells."""
    x = extract.features(adata)
    known = np.isfinite(x)
    low = np.where(known, x, np.inf).min(axis=0)
    high = np.where(known, x, -np.inf).max(axis=0)
    return tuple(str(n) for n in adata.var_names[~(high > low)])


def _static(adata: AnnData) -> np.ndarray:
    """Features that every cell should have: motility needs a past, crowding others.

    A feature that is undefined for all cells is reported by pp.normalize instead.
    """
    x = extract.features(adata)
    keep = np.isfinite(x).any(axis=0)
    if keys.FAMILY in adata.var:
        family = adata.var[keys.FAMILY].to_numpy()
        keep &= ~np.isin(family, ["motility", "neighbourhood"])
    return x[:, keep]
