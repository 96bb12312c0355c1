"""Put words, figures and tables on one page, and write it whole or not at all."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from anndata import AnnData

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._movie import Movie
from cellstate.report import _figures as figures
from cellstate.report import _tables as tables
from cellstate.report import _words as words

TEMPLATE = "report.html.jinja"


def write_report(
    adata: AnnData,
    path: str | Path,
    *,
    movie: Movie | Sequence[Movie] | None = None,
    title: str | None = None,
    run: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write one HTML page that needs no other file and no network.

    Images of the flagged cells come first, then figures, tables and what the data
    could not decide. A part whose result is not stored names the call that makes it.

    Parameters
    ----------
    adata
        Whatever was computed.
    path
        Of the page, ending in ``.html``.
    movie
        Images and masks of the cells, one movie or several, for the image strips.
    title
        Of the page; names the movies when None.
    run
        Parameters, inputs and versions of a run, shown at the end.
    overwrite
        Replace what is there.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    FileExistsError
        Something is there and `overwrite` is False.
    ValueError
        Another suffix, or a movie the cells do not come from.

    Examples
    --------
    >>> import numpy as np
    >>> adata = AnnData(np.ones((2, 1)))
    >>> adata.obs["track"], adata.obs["frame"], adata.obs["time"] = 1, [0, 1], [0, .5]
    >>> page = write_report(adata, Path(tempfile.mkdtemp()) / "report.html")
    >>> "cs.tl.rates(adata)" in page.read_text(encoding="utf-8")
    True
    """
    path = _free(Path(path).expanduser(), overwrite)
    extract.check_identity(adata)
    names = extract.movie_codes(adata)[1]
    movies = [movie] if isinstance(movie, Movie) else list(movie or [])
    page = _render(
        title=title or f"Cell-state report: {', '.join(names)}",
        headline=words.headline(adata),
        story=words.story(adata),
        sections=[*_look(adata, movies), *_truth(adata), *_sections(adata)],
        undecided=words.undecided(adata),
        steps=tables.steps(adata),
        run=tables.flat(run or {}),
        versions=tables.versions(),
    )
    _write(path, page)
    return path


def _free(path: Path, overwrite: bool) -> Path:
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(
            f"the page ends in .html; found {path.name!r}. Use e.g. "
            f"'{path / 'report.html'}'."
        )
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"'{path}' is there already; nothing was written. Use write_report(adata, "
            "path, overwrite=True) to replace it."
        )
    return path


def _render(**content: Any) -> str:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    # No line break between a number and its unit.
    environment.filters["tied"] = lambda text: text.replace(" %", "\N{NO-BREAK SPACE}%")
    source = resources.files("cellstate.report").joinpath(TEMPLATE)
    template = environment.from_string(source.read_text(encoding="utf-8"))
    return template.render(**content)


def _write(path: Path, page: str) -> None:
    """Write beside the place, then move: an older page stays until this is whole."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(prefix=f".{path.stem}-", dir=path.parent)
    except OSError as error:
        raise OSError(
            f"'{path.parent}' cannot be written to: {error}. Nothing was written; "
            "choose another folder."
        ) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(page)
        Path(beside).chmod(0o644)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _look(adata: AnnData, movies: list[Movie]) -> list[dict]:
    """People look before they read: image strips of the flagged cells."""
    title, note = "Look at the flagged cells", missing(lambda: get.events(adata))
    if note is None and not movies:
        note = (
            "No movie was given, so there are no pictures. Run "
            "write_report(adata, path, movie=movie, overwrite=True)."
        )
    if note is not None:
        return [{"title": title, "note": note}]
    return [
        {
            "title": title if len(movies) == 1 else f"{title}: {movie.name}",
            "image": figures.strips(adata, movie),
            "alt": "Image strips of flagged cells",
            "caption": words.STRIPS,
        }
        for movie in movies
    ]


def _truth(adata: AnnData) -> list[dict]:
    """Truth beside estimate, for simulated cells; real ones have no such part."""
    compared = words.stored(get.comparison, adata)
    if compared is None:
        return []
    return [
        {
            "title": "Truth beside estimate",
            "image": figures.truth(adata),
            "alt": "Estimated committor against the true one",
            "caption": words.TRUTH,
            "text": words.truth(compared),
            "narrow": True,
            "table": tables.truth(compared),
        }
    ]


def _sections(adata: AnnData) -> list[dict]:
    """Figures and tables in the order of reading."""
    return [
        _section(
            "When cells commit, by lineage",
            lambda: get.events(adata),
            lambda: {
                "image": figures.raster(adata),
                "alt": "Tracks over time by lineage",
                "caption": words.RASTER,
            },
        ),
        _section(
            "State space",
            lambda: extract.basis(adata),
            lambda: {
                "image": figures.state_space(adata),
                "alt": "Cells in state space",
                "caption": words.state_space(adata),
            },
        ),
        _section(
            "Committor along single cells",
            lambda: get.committor(adata),
            lambda: {
                "image": figures.tracks(adata),
                "alt": "Committor against time",
                "caption": words.TRACKS,
            },
        ),
        _section(
            "Can the committor be trusted?",
            lambda: get.calibration(adata),
            lambda: {
                "image": figures.calibration(adata),
                "alt": "Reliability curve",
                "caption": words.CALIBRATION,
                "text": words.calibration(adata, get.calibration(adata)),
                "narrow": True,
            },
        ),
        _section(
            "Rates",
            lambda: get.rates(adata),
            lambda: {
                "image": figures.rates(adata),
                "alt": "Rates with intervals",
                "caption": words.RATES,
                "table": tables.rates(get.rates(adata)),
            },
        ),
        _section(
            "Quality of the cells",
            lambda: get.quality(adata),
            lambda: {"table": tables.quality(get.quality(adata))},
        ),
        _section(
            "Events",
            lambda: get.events(adata),
            lambda: tables.events(get.events(adata)),
        ),
    ]


def _section(
    title: str, reader: Callable[[], object], content: Callable[[], dict]
) -> dict:
    note = missing(reader)
    return {"title": title} | (content() if note is None else {"note": note})


def missing(reader: Callable[[], object]) -> str | None:
    """Say why a result cannot be read and which call makes it; None when it can."""
    try:
        reader()
    except (KeyError, ValueError) as error:
        text = str(error.args[0]) if error.args else str(error)
        return f"Not shown: {text}"
    return None
