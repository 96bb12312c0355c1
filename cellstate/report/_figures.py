"""Figures of the page, drawn by `cs.pl`, as data that stand inside the HTML."""

import base64
from collections.abc import Callable
from io import BytesIO

from anndata import AnnData
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cellstate import pl
from cellstate._adata import _keys as keys
from cellstate._movie import Movie

Draw = Callable[[Axes], Axes]
WIDTH = 7.4  # inches
DPI = 170


def strips(adata: AnnData, movie: Movie) -> str:
    """Strips of the flagged cells, as pixels."""

    def height(ax: Axes) -> float:
        if not ax.images:
            return 0.8
        rows, columns = ax.images[0].get_array().shape[:2]
        return 0.45 + (WIDTH - 0.7) * rows / columns

    return _png(lambda ax: pl.event_strips(adata, movie, ax=ax), height)


def raster(adata: AnnData) -> str:
    """Raster of the tracks."""
    return _svg(
        [lambda ax: pl.event_raster(adata, ax=ax)],
        lambda ax: min(0.9 + 0.055 * abs(ax.get_ylim()[0]), 8.5),
    )


def state_space(adata: AnnData) -> str:
    """Cells coloured by what there is: committor, state, or else time."""
    found = [c for c in (keys.COMMITTOR, keys.STATE) if c in adata.obs] or [keys.TIME]
    components = (0, min(1, adata.obsm[keys.STATE_SPACE].shape[1] - 1))
    draws: list[Draw] = [
        lambda ax, c=c: pl.state_space(adata, color=c, components=components, ax=ax)
        for c in found
    ]
    return _svg(draws, lambda ax: 2.9 if len(found) > 1 else 4.2)


def tracks(adata: AnnData) -> str:
    """Committor along single tracks."""
    return _svg(
        [lambda ax: pl.committor_tracks(adata, ax=ax)],
        lambda ax: max(2.0, 0.7 + 0.55 * ax.get_ylim()[1]),
    )


def calibration(adata: AnnData) -> str:
    """Reliability curve."""
    return _svg([lambda ax: pl.calibration(adata, ax=ax)], lambda ax: 4.0, width=4.2)


def truth(adata: AnnData) -> str:
    """Estimated against true committor, for simulated cells."""
    return _svg(
        [lambda ax: pl.committor_truth(adata, ax=ax)], lambda ax: 4.0, width=4.2
    )


def rates(adata: AnnData) -> str:
    """Rates with intervals."""
    return _svg([lambda ax: pl.rates(adata, ax=ax)], lambda ax: 2.0)


def _figure(draws: list[Draw], height: Callable[[Axes], float], width: float) -> Figure:
    """Draw, then give the figure the height that its content asks for."""
    figure = Figure(figsize=(width, 4), layout="constrained")
    axes = figure.subplots(1, len(draws), squeeze=False)[0]
    for draw, ax in zip(draws, axes, strict=True):
        draw(ax)
    figure.set_size_inches(width, height(axes[0]))
    return figure


def _svg(
    draws: list[Draw], height: Callable[[Axes], float], width: float = WIDTH
) -> str:
    figure, file = _figure(draws, height, width), BytesIO()
    with rc_context({"svg.hashsalt": "cellstate", "svg.fonttype": "path"}):
        figure.savefig(file, format="svg", dpi=DPI, metadata={"Date": None})
    return _data(file, "image/svg+xml")


def _png(draw: Draw, height: Callable[[Axes], float]) -> str:
    figure, file = _figure([draw], height, WIDTH), BytesIO()
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return _data(file, "image/png")


def _data(file: BytesIO, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
