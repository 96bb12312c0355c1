"""What a feature is: a name, a unit, a family, a meaning and what leaves it alone."""

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
    "cellprofiler",
)

# Power of the length unit in each unit; everything is measured in pixels first
# and multiplied by pixel_size ** power once, at the end.
LENGTH_POWER = {
    "1": 0,
    "rad": 0,
    "intensity": 0,
    "um": 1,
    "um2": 2,
    "um3": 3,
    "1/um": -1,
    "1/um2": -2,
    "um/h": 1,
    # As another program gives it, and left so.
    "px": 0,
    "px2": 0,
    "unknown": 0,
}

INVARIANCES = ("translation", "rotation", "reflection", "scale", "gain")
POSE = INVARIANCES[:3]
# What `varies` is for an angle to the axes of the picture, and for what is taken
# over a number of pixels that does not grow with the cell.
TURNED = ("rotation", "reflection")
PER_PIXEL = ("scale",)


@dataclass(frozen=True)
class Feature:
    """One column of the feature matrix.

    Parameters
    ----------
    name
        Column name; intensity features end in `_` and the channel.
    unit
        One of "1", "rad", "intensity", "um", "um2", "um3", "1/um", "1/um2",
        "um/h", "px", "px2", "unknown".
    family
        One of size, contour, fourier, intensity, texture, polarity,
        neighbourhood, motility, cellprofiler.
    meaning
        One line.
    varies
        What changes the value beyond what its unit tells: of translation,
        rotation and reflection of the picture, scale (the cell drawn larger, at
        the same pixel size) and gain (all pixels times a number). A
        unit of length changes with scale, a unit of intensity with gain.

    Examples
    --------
    >>> Feature("area", "um2", "size", "number of pixels").invariance
    ('translation', 'rotation', 'reflection', 'gain')
    >>> extent = Feature("extent", "1", "size", "share of the box", ("rotation",))
    >>> extent.invariant, extent.invariance
    (False, ('translation', 'reflection', 'scale', 'gain'))
    """

    name: str
    unit: str
    family: str
    meaning: str
    varies: tuple[str, ...] = ()

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
        unknown = [change for change in self.varies if change not in INVARIANCES]
        if unknown:
            raise ValueError(
                f"feature {self.name!r} varies with {unknown}; "
                f"known changes are {list(INVARIANCES)}."
            )

    @property
    def invariance(self) -> tuple[str, ...]:
        """What leaves the value unchanged, of `INVARIANCES`."""
        changes = {*self.varies}
        if LENGTH_POWER[self.unit]:
            changes.add("scale")
        if self.unit == "intensity":
            changes.add("gain")
        return tuple(name for name in INVARIANCES if name not in changes)

    @property
    def invariant(self) -> bool:
        """Whether moving, turning and mirroring the picture leave the value alone."""
        return not set(POSE) & set(self.varies)

    def of_channel(self, channel: str) -> "Feature":
        """The same feature, named for one channel."""
        return replace(self, name=f"{self.name}_{channel}")
