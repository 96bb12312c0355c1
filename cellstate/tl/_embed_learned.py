"""Embeddings learned from crops, and those of the user's own encoders."""

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.random import generator
from cellstate.statespace._learned import (
    Autoencoder,
    EmbeddingDiagnosis,
    Encoder,
    averaged_encoding,
    diagnose,
    fit_autoencoder,
)
from cellstate.tl._embed_modes import RowMask, of_kind, placed
from cellstate.tl._frames import lag_frames
from cellstate.tracks import Tracks


def embed_autoencoder(
    adata: AnnData,
    *,
    n_components: int = 16,
    n_steps: int = 1500,
    contrast: float = 0.05,
    lag: float | None = None,
    batch: str | None = None,
    crops: str = keys.CROPS,
    fit_on: RowMask = None,
    projection: Autoencoder | None = None,
    key_added: str = keys.LEARNED,
    rng: int | np.random.Generator | None = None,
) -> Autoencoder:
    """Learn coordinates of crops that are blind to orientation; ``X_state`` too.

    Parameters
    ----------
    adata
        Tracks and crops, from `cs.pp.crops`.
    n_components, n_steps, contrast
        As `cs.statespace.fit_autoencoder` takes them.
    lag
        Hours after which the contrast term asks for the same cell, and of the VAMP-2
        score; one frame when left out. Cells that are not linked have neither.
    batch
        obs column of what is not the cell's own (day, plate): the decoder is told, so
        that coordinates need not hold it.
    crops
        Name in obsm.
    fit_on
        obs column or boolean mask (n,): train on these rows, place all.
    projection
        Network of other cells: nothing is trained.
    key_added
        Name in obsm.
    rng
        Seed or Generator.

    Returns
    -------
    Autoencoder
        Also under ``uns["cellstate"]["embed_autoencoder"]``. Orientation leak, loss of
        reconstruction and VAMP-2 score are under ``"embed_diagnosis"``, read by
        `cs.get.embedding_diagnosis`. Coordinates are the learned ones, then log
        radius and log brightness of each channel, standardised.

    Examples
    --------
    >>> import cellstate as cs
    >>> movie = cs.datasets.hela_h2b()
    >>> with cs.settings.override(progress=False):
    ...     adata = cs.pp.features(movie)
    ...     _ = cs.pp.crops(adata, movie, size=40)
    ...     model = cs.tl.embed_autoencoder(adata, n_components=4, n_steps=5, rng=0)
    >>> adata.obsm["X_learned"].shape[1]
    6
    """
    pictures, rng = _crops(adata, crops), generator(rng)
    tracks, interval, frames = _timing(adata, lag)
    if projection is None:
        codes, names = _batches(adata, batch)
        projection = fit_autoencoder(
            pictures,
            tracks,
            n_components=n_components,
            n_steps=n_steps,
            contrast=contrast,
            lag_frames=frames,
            batch=codes,
            batch_names=names,
            fit_on=extract.row_mask(adata, fit_on, "fit_on"),
            rng=rng,
        )
    of_kind(projection, Autoencoder)
    coordinates = projection.transform(pictures)
    params = {"n_steps": n_steps, "contrast": contrast, "crops": crops, "batch": batch}
    placed(adata, "autoencoder", projection, coordinates, key_added, params, rng)
    report = diagnose(
        pictures,
        projection.transform,
        coordinates,
        tracks,
        frame_interval=interval,
        lag_frames=frames,
        reconstruction=1 - projection.held_out_loss[-1],
        rng=rng,
    )
    store.put(adata, keys.EMBED_DIAGNOSIS, report, inputs=(key_added,), rng=rng)
    return projection


def embed_encoder(
    adata: AnnData,
    *,
    encoder: Encoder,
    lag: float | None = None,
    crops: str = keys.CROPS,
    key_added: str = keys.LEARNED,
    rng: int | np.random.Generator | None = None,
) -> EmbeddingDiagnosis:
    """Codes of your own model, averaged over quarter turns and reflections.

    Parameters
    ----------
    adata
        Tracks and crops, from `cs.pp.crops`.
    encoder
        A torch module or a function: float32 crops (n, C, H, W) -> codes (n, d).
    lag
        Hours, of the VAMP-2 score; one frame when left out.
    crops
        Name in obsm.
    key_added
        Name in obsm.
    rng
        Seed or Generator, for the angles of the diagnosis.

    Returns
    -------
    EmbeddingDiagnosis
        Also under ``uns["cellstate"]["embed_encoder"]``.

    Examples
    --------
    >>> import cellstate as cs
    >>> movie = cs.datasets.hela_h2b()
    >>> brightness = lambda crops: crops.mean(axis=(2, 3))
    >>> with cs.settings.override(progress=False):
    ...     adata = cs.pp.features(movie)
    ...     _ = cs.pp.crops(adata, movie, size=40)
    ...     found = cs.tl.embed_encoder(adata, encoder=brightness, rng=0)
    >>> found.orientation_leak < 0.05
    True
    """
    pictures, rng = _crops(adata, crops), generator(rng)
    tracks, interval, frames = _timing(adata, lag)

    def encode(turned: np.ndarray) -> np.ndarray:
        return averaged_encoding(turned, encoder)

    coordinates = encode(pictures)
    report = diagnose(
        pictures,
        encode,
        coordinates,
        tracks,
        frame_interval=interval,
        lag_frames=frames,
        rng=rng,
    )
    placed(adata, "encoder", report, coordinates, key_added, {"crops": crops}, rng)
    return report


def _timing(adata: AnnData, lag: float | None) -> tuple[Tracks, float, int]:
    """Tracks, hours between frames, and the lag in frames; NaN where none is linked."""
    tracks = extract.tracks(adata)
    if lag is None and not (tracks.next_row >= 0).any():
        return tracks, np.nan, 1
    interval = extract.frame_interval(adata)
    return (
        tracks,
        interval,
        lag_frames(tracks, interval if lag is None else lag, interval),
    )


def _crops(adata: AnnData, name: str):
    if name not in adata.obsm:
        raise KeyError(
            f"no crops under adata.obsm[{name!r}]; found {list(adata.obsm)}. Run "
            "cs.pp.crops(adata, movies)."
        )
    return adata.obsm[name]


def _batches(
    adata: AnnData, name: str | None
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    if name is None:
        return None, ()
    codes, names = pd.factorize(extract.column(adata, name).astype(str), sort=True)
    return codes.astype(np.int64), tuple(names)
