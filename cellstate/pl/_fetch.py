"""Find what is stored about tracks, for the figures of tracks."""

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._base.errors import listing
from cellstate.events import EventTable
from cellstate.tracks import Tracks

# One track of one movie: its number, or (movie, number) when there are several.
TrackName = int | tuple[str, int]


def track_index(adata: AnnData, tracks: Tracks, name: TrackName) -> int:
    """Return the index of a track, named by number or by (movie, number)."""
    movies = extract.movie_codes(adata)[1]
    movie, number = name if isinstance(name, tuple) else (None, name)
    if movie is not None and movie not in movies:
        raise ValueError(
            f"no movie {movie!r} in adata.obs['movie']; found {listing(movies)}."
        )
    found = tracks.track_id == int(number)
    if movie is not None:
        found &= tracks.track_movie == movies.index(movie)
    where = np.flatnonzero(found)
    if not where.size:
        raise ValueError(
            f"no track {number} in adata.obs['track']; found {tracks.n_tracks} tracks: "
            f"{listing(tracks.track_id)}."
        )
    if where.size > 1:
        having = [movies[m] for m in tracks.track_movie[where]]
        raise ValueError(
            f"track {number} is in {where.size} movies, {listing(having)}; name one: "
            f"({having[0]!r}, {number})."
        )
    return int(where[0])


def track_label(adata: AnnData, tracks: Tracks, index: int) -> str:
    """Name a track in a figure; its movie too when there are several."""
    movies = extract.movie_codes(adata)[1]
    text = f"track {tracks.track_id[index]}"
    return f"{movies[tracks.track_movie[index]]}, {text}" if len(movies) > 1 else text


def events_of(adata: AnnData, committor: str, key: str) -> EventTable | None:
    """Return the event table, None when there is none for this committor."""
    stored = adata.uns.get(keys.ROOT, {}).get(key)
    if stored is None or stored["params"].get("committor") != committor:
        return None
    return get.events(adata, key)


def event_rows(table: EventTable) -> pd.DataFrame:
    """Tracks with status event: smallest q first, then the largest statistic."""
    rows = table.table[table.table["status"].astype(str) == "event"]
    return rows.sort_values(["q", "statistic"], ascending=[True, False])


def committor_words(adata: AnnData, key: str) -> str:
    """Say what a stored committor is the chance of; empty for any other column."""
    stored = adata.uns.get(keys.ROOT, {}).get(key, {})
    if stored.get("kind") != "committor":
        return ""
    source, target = stored["source"], stored["target"]
    horizon = float(stored["horizon"])
    before = f" before {source}" if source else ""
    if np.isfinite(horizon):
        within = f" within {horizon:g} h" if horizon > 0 else " now"
        return f"chance of {target}{before}{within}"
    return f"chance of {target}{before}"
