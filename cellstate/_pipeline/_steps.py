"""The steps of a run, each finished before the next and never done twice."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
from anndata import AnnData

from cellstate import datasets, get, io, pl, pp, tl
from cellstate._adata import _keys as keys
from cellstate._base.checks import fraction, integer
from cellstate._base.errors import MovieError
from cellstate._base.progress import progress
from cellstate._movie import Movie
from cellstate._pipeline._folder import FIGURES, RECORD, RunFolder, write_text
from cellstate.report import write_report


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What decides the outcome of a run besides its inputs.

    Attributes
    ----------
    pixel_size, frame_interval
        Micrometres per pixel, hours between frames.
    target, source, source_keep, target_keep, min_dwell
        As in `cs.tl.define_states`.
    core_fraction
        Share of the cells that the source's density core holds.
    threshold, fdr
        As in `cs.tl.differentiation_events`.
    seed
        Of every random step.
    name, channels
        Of the movie.
    """

    pixel_size: float
    frame_interval: float
    target: str = "division"
    source: str = "density"
    source_keep: str | None = None
    target_keep: str | None = None
    min_dwell: float = 0.0
    core_fraction: float = 0.8
    threshold: float = 0.9
    fdr: float = 0.1
    seed: int = 0
    name: str | None = None
    channels: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("core_fraction", "threshold", "fdr"):
            fraction(getattr(self, name), name)
        integer(self.seed, "seed", 0)
        if not self.min_dwell >= 0:
            raise ValueError(
                f"`min_dwell` must be 0 h or more; found {self.min_dwell!r}."
            )


def run(
    inputs: dict[str, Path], settings: Settings, out: str | Path, *, force: bool = False
) -> AnnData:
    """Run movie -> cells -> committor -> events -> figures -> report.

    Parameters
    ----------
    inputs
        Paths of `images`, `masks` and, if the masks are linked, `tracks`; for a
        simulated movie the `truth` in its folder.
    settings
        All parameters.
    out
        Folder for ``cells.h5ad, events.csv, figures/, report.html, run.json``.
    force
        Overwrite a former run.
    """
    parameters = json.loads(json.dumps(asdict(settings)))
    movie = _opened(inputs, settings, inputs.get("tracks"))
    # Only now: what cannot be opened must not cost a former run.
    folder = RunFolder(out, parameters, inputs, force=force)
    movie = _linked(folder, movie, inputs, settings)
    adata = _measured(folder, movie, inputs)
    adata = _analysed(folder, adata, settings)
    _drawn(folder, adata, movie)
    write_report(
        adata,
        folder.path / "report.html",
        movie=movie,
        run=folder.record,
        overwrite=True,
    )
    folder.complete()
    return adata


def report(out: str | Path) -> Path:
    """Make the report of a finished run anew, with strips if its movie is there."""
    out = Path(out)
    cells = out / "cells.h5ad"
    if not cells.is_file():
        raise FileNotFoundError(
            f"no cells.h5ad in {out}; run cellstate run IMAGES ... -o {out} first."
        )
    record = json.loads((out / RECORD).read_text(encoding="utf-8"))
    adata = io.read(cells)
    return write_report(
        adata,
        out / "report.html",
        movie=_movie_again(adata, record),
        run=record,
        overwrite=True,
    )


def _opened(inputs: dict[str, Path], settings: Settings, tracks: Path | None) -> Movie:
    return io.read_movie(
        inputs["images"],
        inputs["masks"],
        tracks=tracks,
        pixel_size=settings.pixel_size,
        frame_interval=settings.frame_interval,
        name=settings.name,
        channels=settings.channels,
    )


def _linked(
    folder: RunFolder, movie: Movie, inputs: dict[str, Path], settings: Settings
) -> Movie:
    """Link the masks unless tracks were given, or take up the links made before."""
    if movie.lineage is not None:
        return movie
    part = folder.part("lineage.csv")
    if folder.done("link"):
        return _opened(inputs, settings, part)
    movie = pp.track(movie)
    _write_table(movie.lineage, part)
    folder.finish("link")
    return movie


def _measured(folder: RunFolder, movie: Movie, inputs: dict[str, Path]) -> AnnData:
    part = folder.part("measured.h5ad")
    if folder.done("measure"):
        return io.read(part)
    adata = pp.features(movie)
    if "truth" in inputs:
        simulated = datasets.read_simulated(Path(inputs["truth"]).parent)
        datasets.attach_truth(adata, simulated)
    io.write(adata, part, overwrite=True)
    folder.finish("measure")
    return adata


def _analysed(folder: RunFolder, adata: AnnData, settings: Settings) -> AnnData:
    cells = folder.path / "cells.h5ad"
    if folder.done("analyse"):
        return io.read(cells)
    for step in ANALYSIS:
        step(adata, settings)
    if keys.TRUTH in adata.uns[keys.ROOT]:
        tl.compare_with_truth(adata)
    io.write(adata, cells, overwrite=True)
    _write_table(get.events(adata).table, folder.path / "events.csv")
    folder.finish("analyse")
    return adata


# The analysis, in order; every step stores its result in the AnnData.
ANALYSIS = (
    lambda adata, s: pp.qc(adata),
    lambda adata, s: pp.normalize(adata),
    lambda adata, s: tl.embed(adata),
    lambda adata, s: tl.delay_embed(adata),
    lambda adata, s: tl.define_states(
        adata,
        target=s.target,
        source=s.source,
        source_keep=s.source_keep,
        target_keep=s.target_keep,
        min_dwell=s.min_dwell,
        core_fraction=s.core_fraction,
    ),
    lambda adata, s: tl.committor(adata, rng=s.seed),
    lambda adata, s: tl.validate_committor(adata, rng=s.seed),
    lambda adata, s: tl.rates(adata, rng=s.seed),
    lambda adata, s: tl.differentiation_events(adata, threshold=s.threshold, fdr=s.fdr),
)


def _drawn(folder: RunFolder, adata: AnnData, movie: Movie) -> None:
    if folder.done("draw"):
        return
    from matplotlib.figure import Figure

    figures = folder.path / "figures"
    figures.mkdir(exist_ok=True)
    draws = (
        pl.state_space,
        pl.committor_tracks,
        pl.event_raster,
        pl.calibration,
        pl.rates,
        pl.qc,
        lambda adata, ax: pl.event_strips(adata, movie, ax=ax),
    )
    drawings = list(zip(FIGURES, draws, strict=True))
    for name, draw in progress(drawings, "drawing"):
        tall = name in ("event_raster", "event_strips")
        figure = Figure(figsize=(7, 9 if tall else 4.5), layout="constrained")
        draw(adata, ax=figure.add_subplot())
        for suffix in ("pdf", "png"):
            beside = figures / f".{name}.{suffix}"
            figure.savefig(beside, dpi=150, format=suffix)
            beside.replace(figures / f"{name}.{suffix}")
    folder.finish("draw")


def _movie_again(adata: AnnData, record: dict) -> Movie | None:
    """Open the movie of a former run for its pictures; None when it has moved."""
    inputs, settings = record["inputs"], record["parameters"]
    columns = ["frame", "label", "track", "parent_track"]
    try:
        return io.read_movie(
            inputs["images"]["path"],
            inputs["masks"]["path"],
            tracks=adata.obs[columns].reset_index(drop=True),
            pixel_size=settings["pixel_size"],
            frame_interval=settings["frame_interval"],
            name=settings["name"],
            channels=settings["channels"],
        )
    except (OSError, MovieError):
        return None


def _write_table(table: pd.DataFrame, path: Path) -> None:
    write_text(path, table.to_csv(index=False))
