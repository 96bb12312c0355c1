"""What a feature is: a name, a unit, a family and one line of meaning."""

from dataclasses import dataclass, replace

FAMILIES = (
    "size",
    "contour",
    "fourier",
    "intensity",
    "texture",
    "polarity",
    "neighbourhood",
    "motility",
)

# Power of the length unit in each unit; everything is measured in pixels first
# and multiplied by pixel_size ** power once, at the end.
LENGTH_POWER = {
    "1": 0,
    "rad": 0,
    "intensity": 0,
    "um": 1,
    "um2": 2,
    "1/um": -1,
    "1/um2": -2,
    "um/h": 1,
}


@dataclass(frozen=True)
class Feature:
    """One column of the feature matrix.

    Parameters
    ----------
    name
        Column name; intensity features end in `_` and the channel.
    unit
        One of "1", "rad", "intensity", "um", "um2", "1/um", "1/um2", "um/h".
    family
        One of size, contour, fourier, intensity, texture, polarity,
        neighbourhood, motility.
    meaning
        One line.
    invariant
        Whether the value is unchanged when the picture is rotated, reflected
        or moved. False for angles and for what leans on the pixel axes.

    Examples
    --------
    >>> Feature("area", "um2", "size", "number of pixels").invariant
    True
    """

    name: str
    unit: str
    family: str
    meaning: str
    invariant: bool = True

    def __post_init__(self):
        if self.unit not in LENGTH_POWER:
            raise ValueError(
                f"feature {self.name!r} has unit {self.unit!r}; "
                f"known units are {list(LENGTH_POWER)}."
            )
        if self.family not in FAMILIES:
            raise ValueError(
                f"feature {self.name!r} has family {self.family!r}; "
                f"known families are {list(FAMILIES)}."
            )

    def of_channel(self, channel: str) -> "Feature":
        """The same feature, named for one channel."""
        return replace(self, name=f"{self.name}_{channel}")
