"""Which tracks commit, when, and how surely."""

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate.events import EventTable, commitment_events
from cellstate.tl._states import masks


def differentiation_events(
    adata: AnnData,
    *,
    key: str = keys.COMMITTOR_RESULT,
    threshold: float = 0.9,
    fdr: float = 0.1,
    key_added: str = keys.EVENTS,
) -> EventTable:
    """Flag per track: event, no_event or undecidable, with time and interval.

    Commitment is the last passage of the committor (a lineage followed at random)
    out of the undecided band [1 - threshold, threshold]; see
    `cellstate.events.commitment_events` for the rules and the null.

    Parameters
    ----------
    adata
        With a committor stored under `key`.
    threshold
        Committed above, uncommitted below 1 - threshold.
    fdr
        False-discovery rate for events that are predicted, not seen.
    key_added
        Name under ``uns["cellstate"]``.

    Returns
    -------
    EventTable
        One row per track; status and time also in ``obs["event"]`` and
        ``obs["event_time"]`` (h).
    """
    fitted = get.committor(adata, key)
    _, in_b, _, is_event = masks(adata, fitted.source or None, fitted.target)
    tracks = extract.tracks(adata)
    result = commitment_events(
        tracks,
        np.asarray(fitted.forward),
        np.asarray(fitted.replicates),
        in_b,
        threshold=threshold,
        fdr=fdr,
        target_is_event=is_event,
        movie_names=extract.movie_codes(adata)[1],
    )
    status = result.table["status"].to_numpy()[tracks.index]
    adata.obs[keys.EVENT] = pd.Categorical(status)
    adata.obs[keys.EVENT_TIME] = result.table["time"].to_numpy()[tracks.index]
    store.put(
        adata,
        key_added,
        result,
        inputs=(key, keys.STATE, *keys.TRACKING),
        params={"committor": key, "threshold": threshold, "fdr": fdr},
    )
    return result
