"""What A and B are: by expression, by density, or the time before a division."""

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._adata._results import States
from cellstate._base.checks import fraction, integer
from cellstate._base.errors import listing
from cellstate.kinetics import entries_by_dwell
from cellstate.tl import _core_rules as rules
from cellstate.tl._core_rules import DENSITY, Core
from cellstate.tracks import Tracks

DIVISION, NONE = "division", "none"
LONGEST_DWELL = 20  # frames up to which entries are counted


def define_states(
    adata: AnnData,
    *,
    target: str,
    source: str = DENSITY,
    source_keep: str | None = None,
    target_keep: str | None = None,
    min_dwell: float = 0.0,
    basis: str = keys.STATE_SPACE,
    core_fraction: float = 0.5,
    n_frames: int = 1,
) -> States:
    """Name the source A and the target B; every other cell is on the way.

    Where cells hover at the edge of A or B, noise carries them across many times and
    each crossing passes for a transition: rates come out too high, times on the way
    too short. Three remedies: cores that lie well inside the states, a second and
    looser rule for leaving (`source_keep`, `target_keep`), and a shortest stay
    (`min_dwell`). `States.n_entries_source` and `n_entries_target` count entries
    against dwell; choose where they no longer fall.

    Parameters
    ----------
    adata
        Tracks, and ``obsm[basis]`` for density cores.
    target
        "division": the last `n_frames` frames before a division. "density": the
        densest part of the cells outside A. Anything else is an expression over obs
        columns and feature names, as `pandas.DataFrame.eval` takes it:
        ``"area > 300 and condition == 'EGF'"``; ``"committor > 0.9"`` for a core of
        an earlier committor; ``"macrostate == 'm2' and macrostate_certainty > 0.9"``.
    source
        "density": the densest part of the cells outside B, a share `core_fraction`
        of them; "none": no source, for committors with a horizon; or an expression.
        If both are "density" the density must have two modes: A is the densest part
        of the one with more cells, B of the other.
    source_keep, target_keep
        Expression for which a cell that has entered stays, though the first rule no
        longer holds: ``source="x < 1", source_keep="x < 2"``. Daughters inherit their
        mother's stay; it ends at a gap.
    min_dwell
        Hours that a stay must last from its first to its last frame; shorter ones
        become "other". Stays cut off by the beginning or end of a track are kept.
        Does not touch target="division".
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

    Notes
    -----
    New states make a committor that was learned with others stale, also when they
    were made from it: run `cs.tl.committor` again.

    Examples
    --------
    >>> import numpy as np
    >>> adata = AnnData(np.zeros((4, 1)))
    >>> adata.obs["track"], adata.obs["frame"] = 1, range(4)
    >>> adata.obs["time"], adata.obs["x"] = [0, 0.5, 1, 1.5], [0, 1, 2, 3]
    >>> states = define_states(adata, source="x < 1", target="x > 2")
    >>> adata.obs["state"].tolist()
    ['A', 'other', 'other', 'B']
    >>> states = define_states(
    ...     adata, source="x < 1", source_keep="x < 2", target="x > 2")
    >>> adata.obs["state"].tolist()
    ['A', 'A', 'other', 'B']
    """
    extract.check_identity(adata)
    tracks, is_event = extract.tracks(adata), target == DIVISION
    _reject_idle_keeps(source, source_keep, is_event, target_keep)
    n_frames = integer(n_frames, "n_frames", 1)
    dwell = _dwell_frames(adata, min_dwell)
    share = fraction(core_fraction, "core_fraction")
    a, b, unknown = _cores(adata, source, target, basis, share, n_frames)
    if source_keep is not None:
        keep = rules.matching(adata, source_keep, "source_keep")
        a = a.kept_while(tracks, keep, source_keep)
    if target_keep is not None:
        keep = rules.matching(adata, target_keep, "target_keep")
        b = b.kept_while(tracks, keep, target_keep)
    entries = [_entries(tracks, core) for core in (a, b)]
    if dwell:
        a = a.lasting(tracks, dwell, min_dwell) if source != NONE else a
        b = b if is_event else b.lasting(tracks, dwell, min_dwell)
    if source != NONE:
        a.reject_empty()
    b.reject_empty()
    _reject_overlap(adata, a, b)
    labels = _labels(a, b, unknown)
    adata.obs[keys.STATE] = labels
    states = States(
        source_rule=a.rule,
        target_rule=b.rule,
        source_keep=source_keep or "",
        target_keep=target_keep or "",
        min_dwell=float(min_dwell),
        target_is_event=is_event,
        n_source=int(a.inside.sum()),
        n_target=int(b.inside.sum()),
        n_unknown=int((labels == keys.UNKNOWN_STATE).sum()),
        n_short_source=a.n_short,
        n_short_target=b.n_short,
        n_cut_off_source=a.n_cut_off,
        n_cut_off_target=b.n_cut_off,
        dwell_frames=np.arange(LONGEST_DWELL + 1),
        n_entries_source=entries[0],
        n_entries_target=entries[1],
    )
    store.put(adata, keys.STATES, states, inputs=(keys.STATE,))
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


def _cores(
    adata: AnnData, source: str, target: str, basis: str, share: float, n_frames: int
) -> tuple[Core, Core, np.ndarray]:
    """A, B, and the rows of which nobody can tell, before stays are looked at."""
    unknown = nobody = np.zeros(adata.n_obs, dtype=bool)
    if source == target == DENSITY:
        return *rules.two_modes(adata, basis, share), unknown
    if target == DIVISION:
        inside, unknown = rules.before_division(adata, n_frames)
        rule = f"last {n_frames} frame(s) before a division"
        b = rules.chosen("target", rule, inside)
    elif target != DENSITY:
        b = rules.chosen("target", target, rules.matching(adata, target, "target"))
    else:
        b = None
    if source == NONE:
        a = rules.chosen("source", NONE, nobody)
    elif source == DENSITY:
        a = rules.densest_outside(adata, "source", b.inside, basis, share)
    else:
        a = rules.chosen("source", source, rules.matching(adata, source, "source"))
    if b is None:
        b = rules.densest_outside(adata, "target", a.inside, basis, share)
    return a, b, unknown


def _labels(a: Core, b: Core, unknown: np.ndarray) -> pd.Categorical:
    # A cell in the core of A shortly before its track is cut off stays in A.
    labels = np.full(unknown.size, keys.OTHER_STATE, dtype=object)
    labels[unknown] = keys.UNKNOWN_STATE
    labels[a.inside], labels[b.inside] = keys.SOURCE_STATE, keys.TARGET_STATE
    order = [keys.SOURCE_STATE, keys.TARGET_STATE, keys.OTHER_STATE, keys.UNKNOWN_STATE]
    return pd.Categorical(labels, [c for c in order if c in set(labels)])


def _entries(tracks: Tracks, core: Core) -> np.ndarray:
    return entries_by_dwell(tracks, core.inside, LONGEST_DWELL)


def _dwell_frames(adata: AnnData, min_dwell: float) -> int:
    """Frames that a stay must last from first to last, the next whole number."""
    if not np.isfinite(min_dwell) or min_dwell < 0:
        raise ValueError(
            f"`min_dwell` must be a number of hours, 0 or more; found {min_dwell!r}."
        )
    if min_dwell == 0:
        return 0
    return int(np.ceil(min_dwell / extract.frame_interval(adata) - 1e-6))


def _reject_idle_keeps(
    source: str, source_keep: str | None, is_event: bool, target_keep: str | None
) -> None:
    if source == NONE and source_keep is not None:
        raise ValueError(
            f"source='none' has no cells that could stay; found source_keep="
            f"{source_keep!r}. Leave it out or give a source."
        )
    if is_event and target_keep is not None:
        raise ValueError(
            f"target='division' lasts n_frames frames; found target_keep="
            f"{target_keep!r}. Leave it out, or raise n_frames."
        )


def _reject_overlap(adata: AnnData, a: Core, b: Core) -> None:
    both = a.inside & b.inside
    if both.any():
        kept = (
            "; tighten the rules for staying" if len(a.history + b.history) > 2 else ""
        )
        raise ValueError(
            f"source ({a.rule}) and target ({b.rule}) share {int(both.sum())} cells, "
            f"e.g. {listing(adata.obs_names[both], 3)}; they must be disjoint{kept}."
        )
