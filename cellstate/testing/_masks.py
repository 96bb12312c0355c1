"""Random label masks: touching, cut by the edge, in pieces, with holes, one pixel."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from cellstate._movie import Movie

TYPES = (np.uint8, np.uint16, np.int32, np.int64)


@st.composite
def label_masks(
    draw: Callable,
    *,
    max_cells: int = 6,
    sides: tuple[int, int] = (8, 48),
    frames: int | None = None,
) -> np.ndarray:
    """Integer label masks with 0 for background; labels need not be consecutive.

    Cells are ellipses of any size; later ones cover earlier ones, so that some are
    cut in pieces, some vanish, and some touch. Single pixels and holes occur.

    Parameters
    ----------
    max_cells
        Most cells in a frame; there may be none.
    sides
        Smallest and largest height and width in pixels.
    frames
        Number of frames T; None gives one frame without that axis.

    Returns
    -------
    SearchStrategy
        Of arrays (Y, X) or (T, Y, X) of one of several integer types.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(label_masks(max_cells=2))
    ... def test_two_labels_at_most(masks):
    ...     assert len(np.unique(masks[masks > 0])) <= 2
    >>> test_two_labels_at_most()
    """
    shape = draw(st.tuples(st.integers(*sides), st.integers(*sides)))
    kind = draw(st.sampled_from(TYPES))
    stack = [
        _frame(draw, shape, draw(st.integers(0, max_cells)), kind)
        for _ in range(1 if frames is None else frames)
    ]
    return stack[0] if frames is None else np.stack(stack)


def _frame(draw: Callable, shape: tuple[int, int], n: int, kind: type) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    masks = np.zeros(shape, dtype=kind)
    labels = draw(st.lists(st.integers(1, 99), min_size=n, max_size=n, unique=True))
    for label in labels:
        center = [draw(st.floats(0, side - 1)) for side in shape]
        radii = [draw(st.floats(0.6, max(shape) / 3)) for _ in range(2)]
        away = ((y - center[0]) / radii[0]) ** 2 + ((x - center[1]) / radii[1]) ** 2
        hole = draw(st.sampled_from([0.0, 0.0, 0.0, 0.3]))
        masks[(away <= 1) & (away >= hole)] = label
    return masks


@st.composite
def movies(
    draw: Callable, *, max_frames: int = 4, max_cells: int = 4, linked: bool = True
) -> Movie:
    """Small movies with random masks, 1 to 2 channels, linked or not.

    Equal labels in consecutive frames are one cell when `linked`; nothing divides.

    Parameters
    ----------
    max_frames, max_cells
        Most frames; most cells per frame.
    linked
        Whether the movie carries a lineage table.

    Returns
    -------
    SearchStrategy
        Of `Movie`.
    """
    n_frames = draw(st.integers(1, max_frames))
    masks = draw(label_masks(max_cells=max_cells, sides=(16, 40), frames=n_frames))
    channels = draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    images = rng.poisson(20, (n_frames, channels, *masks.shape[1:])).astype(np.uint16)
    images += (masks > 0)[:, None].astype(np.uint16) * 100
    rows = [
        (frame, int(label), int(label), -1)
        for frame in range(n_frames)
        for label in np.unique(masks[frame])
        if label > 0
    ]
    table = pd.DataFrame(rows, columns=["frame", "label", "track", "parent_track"])
    return Movie(
        images=images,
        masks=masks,
        pixel_size=draw(st.sampled_from([0.1, 0.645, 2.0])),
        frame_interval=draw(st.sampled_from([0.05, 0.5])),
        lineage=table.astype(int) if linked else None,
        channels=tuple(f"c{i}" for i in range(channels)),
    )
