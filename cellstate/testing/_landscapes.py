"""Random landscapes with a source and a target well."""

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from cellstate.systems import Ball, GaussianWells, above, below


@st.composite
def landscapes(
    draw: Callable, *, dimension: int | None = None, max_extra: int = 2
) -> GaussianWells:
    """Two wells, 2 apart, A and B at their bottoms, and a few more wells or hills.

    Barriers are a few D at most, so that every committor is far from rounding.

    Parameters
    ----------
    dimension
        1 or 2; either when None.
    max_extra
        Most wells and hills beside the two.

    Returns
    -------
    SearchStrategy
        Of `cellstate.systems.GaussianWells` with source and target.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> @settings(max_examples=5)
    ... @given(landscapes(dimension=1))
    ... def test_committor_is_half_somewhere(law):
    ...     q = law.committor([[-1.0], [1.0]])
    ...     assert q[0] == 0 and q[1] == 1
    >>> test_committor_is_half_somewhere()
    """
    d = dimension or draw(st.integers(1, 2))
    tail = (0.0,) * (d - 1)
    centers = [(-1.0, *tail), (1.0, *tail)]
    heights = [draw(st.floats(-1.2, -0.4)) for _ in range(2)]
    for _ in range(draw(st.integers(0, max_extra))):
        centers.append(tuple(draw(st.floats(-1.2, 1.2)) for _ in range(d)))
        heights.append(draw(st.floats(-0.5, 0.5)))
    flat = d == 1
    return GaussianWells(
        D=draw(st.floats(0.15, 0.6)),
        heights=tuple(heights),
        centers=tuple(tuple(np.round(c, 6).tolist()) for c in centers),
        widths=tuple(draw(st.floats(0.3, 0.7)) for _ in heights),
        bowl=draw(st.floats(0.1, 0.5)),
        source=below(-0.9) if flat else Ball((-1.0, 0.0), 0.3),
        target=above(0.9) if flat else Ball((1.0, 0.0), 0.3),
    )
