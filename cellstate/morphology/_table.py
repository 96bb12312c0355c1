"""All static features in column order."""

from collections.abc import Sequence

from cellstate.morphology import (
    contours,
    fourier,
    hull,
    intensity,
    moments,
    neighbours,
    polarity,
    texture,
)
from cellstate.morphology._feature import Feature

GEOMETRY = (
    *moments.SIZE,
    *contours.SIZE,
    *hull.SIZE,
    *moments.SHAPE,
    *contours.SHAPE,
    *hull.SHAPE,
    *fourier.CURVATURE,
    *fourier.MODES,
    *fourier.ALIGNMENT,
    *polarity.BOUNDARY,
    *neighbours.CONTACT,
    *neighbours.CROWD,
)
PER_CHANNEL = (
    *intensity.LEVEL,
    *intensity.BRIGHT_SHAPE,
    *intensity.RADIAL,
    *texture.TEXTURE,
    *polarity.SIGNAL,
)


def feature_table(channels: Sequence[str]) -> tuple[Feature, ...]:
    """Static features of a movie with these channels, in column order.

    Features of the mask come first, then those of each channel, whose names
    end in `_` and the channel. Motility has a table of its own,
    `motility_table`, as it needs tracks and not pictures.

    Parameters
    ----------
    channels
        Names, unique, without "/" and ":"; none gives the features of the mask.

    Returns
    -------
    tuple of Feature
        name, unit, family, meaning and what leaves the value unchanged.

    Raises
    ------
    ValueError
        If a name is empty, repeated or has a forbidden character.

    Examples
    --------
    >>> table = feature_table(["H2B"])
    >>> table[0].name, table[0].unit, table[-1].name
    ('area', 'um2', 'relative_offset_H2B')
    >>> len(table)
    99
    """
    names = checked_channels(channels)
    return GEOMETRY + tuple(f.of_channel(name) for name in names for f in PER_CHANNEL)


def checked_channels(channels: Sequence[str]) -> list[str]:
    """Names of channels, or a ValueError that says what is wrong with them."""
    if isinstance(channels, str):
        raise ValueError(f"`channels` must be a list of names; found {channels!r}.")
    names = [str(name) for name in channels]
    bad = [name for name in names if not name or set(name) & set("/:")]
    if bad or len(set(names)) < len(names):
        raise ValueError(
            "`channels` must be unique, non-empty and without '/' and ':'; "
            f"found {names}."
        )
    return names
