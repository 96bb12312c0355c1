"""What A and B are: by expression, by density, or the time before a division."""

import numpy as np
import pandas as pd
from anndata import AnnData
from sklearn.neighbors import NearestNeighbors

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._adata._results import States
from cellstate._base.checks import fraction, integer
from cellstate._base.errors import listing
from cellstate.tracks import outcomes

CORE_NEIGHBOURS = 30


def define_states(
    adata: AnnData,
    *,
    target: str,
    source: str = "density",
    basis: str = keys.STATE_SPACE,
    core_fraction: float = 0.5,
    n_frames: int = 1,
) -> States:
    """Name the source A and the target B; every other cell is on the way.

    Parameters
    ----------
    adata
        Tracks, and ``obsm[basis]`` for density cores.
    target
        "division": the last `n_frames` frames before a division. Anything else is
        an expression over obs columns and feature names, as
        `pandas.DataFrame.eval` takes it: ``"area > 300 and condition == 'EGF'"``.
    source
        "density": the densest part of the cells outside B, a share `core_fraction`
        of them; "none": no source, for committors with a horizon; or an expression.
    basis
        Coordinates in which density is measured.
    core_fraction
        Between 0 and 1.
    n_frames
        Frames before a division that count as B.

    Returns
    -------
    States
        Also under ``uns["cellstate"]["define_states"]``; obs["state"] holds A, B,
        other, or unknown (the track was cut off too early to tell whether the
        cell was about to divide).

    Raises
    ------
    ValueError
        A and B share cells, or one of them is empty.

    Examples
    --------
    >>> import numpy as np
    >>> adata = AnnData(np.zeros((4, 1)))
    >>> adata.obs["track"], adata.obs["frame"] = 1, range(4)
    >>> adata.obs["time"], adata.obs["x"] = [0, 0.5, 1, 1.5], [0, 1, 2, 3]
    >>> states = define_states(adata, source="x < 1", target="x > 2")
    >>> adata.obs["state"].tolist()
    ['A', 'other', 'other', 'B']
    """
    extract.check_identity(adata)
    name = keys.STATE
    is_event = target == "division"
    unknown = np.zeros(adata.n_obs, dtype=bool)
    if is_event:
        in_b, unknown = _before_division(adata, integer(n_frames, "n_frames", 1))
        rule_b = f"last {n_frames} frame(s) before a division"
    else:
        in_b, rule_b = _matches(adata, target, "target"), target
    in_a, rule_a = _source(adata, source, in_b, basis, core_fraction)
    _reject_overlap(adata, in_a, in_b, rule_a, rule_b)
    # A cell in the core of A shortly before its track is cut off stays in A.
    labels = np.full(adata.n_obs, keys.OTHER_STATE, dtype=object)
    labels[unknown] = keys.UNKNOWN_STATE
    labels[in_a], labels[in_b] = keys.SOURCE_STATE, keys.TARGET_STATE
    order = [keys.SOURCE_STATE, keys.TARGET_STATE, keys.OTHER_STATE, keys.UNKNOWN_STATE]
    adata.obs[name] = pd.Categorical(labels, [c for c in order if c in set(labels)])
    states = States(
        source_rule=rule_a,
        target_rule=rule_b,
        target_is_event=is_event,
        n_source=int(in_a.sum()),
        n_target=int(in_b.sum()),
        n_unknown=int((labels == keys.UNKNOWN_STATE).sum()),
    )
    store.put(adata, keys.STATES, states, inputs=(name,))
    return states


def masks(
    adata: AnnData, source: str | None, target: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Return rows in `source`, in `target`, of unknown state; and if B is an event."""
    column = extract.column(adata, keys.STATE).astype(str).to_numpy()
    for name, role in ((source, "source"), (target, "target")):
        if name is not None and not (column == name).any():
            found = {
                str(k): int(v) for k, v in pd.Series(column).value_counts().items()
            }
            raise ValueError(
                f"`{role}`={name!r} has no cell in obs['state']; found {found}. Run "
                "cs.tl.define_states(adata, ...) or name a state that is there; "
                "without a source give a horizon: "
                "cs.tl.committor(adata, None, 'B', horizon=1.0)."
            )
    if source == target:
        raise ValueError(f"`source` and `target` are both {source!r}; name two states.")
    in_a = np.zeros(adata.n_obs, bool) if source is None else column == source
    unknown = column == keys.UNKNOWN_STATE
    is_event = False
    if keys.STATES in adata.uns.get(keys.ROOT, {}):
        call = "cs.tl.define_states(adata, ...)"
        is_event = bool(store.read(adata, keys.STATES, States, call).target_is_event)
    return in_a, column == target, unknown, is_event and target == keys.TARGET_STATE


def _before_division(adata: AnnData, n_frames: int) -> tuple[np.ndarray, np.ndarray]:
    outcome = outcomes(extract.tracks(adata))
    near = outcome.steps < n_frames
    in_b = near & outcome.divides
    if not in_b.any():
        tracked = extract.tracks(adata)
        raise ValueError(
            f"target='division' found no division in {tracked.n_tracks} tracks; a "
            "division is a track named by two others in obs['parent_track'] that "
            "begin in the next frame. Link the masks with cs.pp.track(movie), follow "
            "the cells longer, or choose another target, such as 'area > 300'."
        )
    return in_b, near & ~outcome.divides


def _source(
    adata: AnnData, source: str, taken: np.ndarray, basis: str, share: float
) -> tuple[np.ndarray, str]:
    if source == "none":
        return np.zeros(adata.n_obs, dtype=bool), "none"
    if source != "density":
        return _matches(adata, source, "source"), source
    share = fraction(share, "core_fraction")
    x = extract.basis(adata, basis)
    usable = np.flatnonzero(np.isfinite(x).all(axis=1) & ~taken)
    count = min(CORE_NEIGHBOURS, usable.size - 1)
    if count < 1:
        raise ValueError(
            f"a density core needs at least 2 cells with coordinates in {basis!r}; "
            f"found {usable.size}."
        )
    search = NearestNeighbors(n_neighbors=count).fit(x[usable])
    reach = search.kneighbors()[0][:, -1]
    core = np.zeros(adata.n_obs, dtype=bool)
    core[usable[reach <= np.quantile(reach, share)]] = True
    return core, f"densest {100 * share:g} % of the cells in {basis}"


def _matches(adata: AnnData, expression: str, role: str) -> np.ndarray:
    features = [n for n in adata.var_names if n in expression and n not in adata.obs]
    table = adata.obs.copy()
    for name in features:
        table[name] = extract.features(adata[:, name]).ravel()
    try:
        matched = table.eval(expression)
        if not pd.api.types.is_bool_dtype(matched):
            raise TypeError(f"it gives {getattr(matched, 'dtype', matched)}, not bool")
        return matched.to_numpy(dtype=bool)
    except Exception as error:
        raise ValueError(
            f"`{role}`={expression!r} is not an expression over obs columns and "
            f"features ({error}); columns are {listing(adata.obs.columns, 12)}. Use "
            "e.g. target='area > 300', 'division', or source='density'."
        ) from error


def _reject_overlap(
    adata: AnnData, in_a: np.ndarray, in_b: np.ndarray, rule_a: str, rule_b: str
) -> None:
    both = in_a & in_b
    if both.any():
        raise ValueError(
            f"source ({rule_a}) and target ({rule_b}) share {int(both.sum())} cells, "
            f"e.g. {listing(adata.obs_names[both], 3)}; they must be disjoint."
        )
    for mask, role, rule in ((in_a, "source", rule_a), (in_b, "target", rule_b)):
        if not mask.any() and rule != "none":
            raise ValueError(
                f"`{role}` ({rule}) holds none of the {adata.n_obs} cells; choose "
                "another expression."
            )
