"""Names of CellProfiler's measurements: family, unit, and what is no feature."""

# Where an object is, or which it is: kept out of X.
PLACES = ("Center", "BoundingBoxMinimum", "BoundingBoxMaximum")
NO_FEATURES = (
    *("Metadata", "ImageNumber", "ObjectNumber", "Number", "Parent", "Children"),
    *("Location", "FileName", "PathName", "URL", "Group", "Count", "TableNumber"),
    *("Image", "Series", "Frame", "Scaling", "MD5Digest", "ExecutionTime", "Width"),
    *("Height", "Threshold", "ModuleError", "Classify"),
)
FAMILIES = (
    *("AreaShape", "Intensity", "Texture", "Granularity", "Correlation", "Neighbors"),
    *("RadialDistribution", "TrackObjects", "ObjectSkeleton", "Math", "Mean"),
    *("Colocalization", "AreaOccupied"),
)
TRACKING = ("Label", "ParentImageNumber", "ParentObjectNumber")
PIXELS, SQUARE_PIXELS = "px", "px2"
# Start of the name within its family -> unit; a family alone holds for all of it.
UNITS = {
    **dict.fromkeys(
        ("AreaShape_Area", "AreaShape_BoundingBoxArea", "AreaShape_ConvexArea"),
        SQUARE_PIXELS,
    ),
    **dict.fromkeys(
        (
            *("AreaShape_EquivalentDiameter", "AreaShape_MajorAxisLength"),
            *("AreaShape_MinorAxisLength", "AreaShape_MaxFeretDiameter"),
            *("AreaShape_MinFeretDiameter", "AreaShape_MaximumRadius"),
            *("AreaShape_MeanRadius", "AreaShape_MedianRadius"),
            *("AreaShape_Perimeter", "Neighbors_FirstClosestDistance"),
            *("Neighbors_SecondClosestDistance", "TrackObjects_Displacement"),
            *("TrackObjects_DistanceTraveled", "TrackObjects_IntegratedDistance"),
            *("TrackObjects_TrajectoryX", "TrackObjects_TrajectoryY"),
        ),
        PIXELS,
    ),
    **dict.fromkeys(
        (
            *("AreaShape_Eccentricity", "AreaShape_Solidity", "AreaShape_Extent"),
            *("AreaShape_FormFactor", "AreaShape_Compactness", "AreaShape_Zernike"),
            *("AreaShape_EulerNumber", "Correlation_Correlation"),
            *("Correlation_Manders", "Correlation_RWC", "Correlation_Overlap"),
            *("Neighbors_NumberOfNeighbors", "RadialDistribution_FracAtD"),
            *("RadialDistribution_MeanFrac", "RadialDistribution_RadialCV"),
            *("Texture_Correlation", "Texture_InfoMeas", "TrackObjects_Linearity"),
        ),
        "1",
    ),
    "Neighbors_PercentTouching": "%",
    "Neighbors_AngleBetweenNeighbors": "degree",
    "TrackObjects_Lifetime": "frame",
    "TrackObjects_FinalAge": "frame",
}
UNKNOWN = "unknown"


def is_feature(name: str) -> bool:
    """Whether a column, without its compartment, measures the state of an object.

    Examples
    --------
    >>> is_feature("AreaShape_Area"), is_feature("AreaShape_Center_X")
    (True, False)
    """
    family, _, rest = name.partition("_")
    if not rest or family in NO_FEATURES:
        return False
    first = rest.split("_", 1)[0]
    if family == "TrackObjects":
        return first not in (*TRACKING, "Kalman")
    if family == "Neighbors":
        return not first.endswith("ObjectNumber")
    return not (family == "AreaShape" and first in PLACES)


def family_of(name: str) -> str:
    """Return the category of a column, without its compartment.

    Examples
    --------
    >>> family_of("Texture_Contrast_DNA_3_00_256")
    'Texture'
    """
    return name.split("_", 1)[0]


def unit_of(name: str) -> str:
    """Return the unit of a column, without its compartment, where it is sure.

    Examples
    --------
    >>> unit_of("AreaShape_Area"), unit_of("Intensity_MeanIntensity_DNA")
    ('px2', 'unknown')
    """
    parts = name.split("_")
    known = "_".join(parts[:2])
    if known in UNITS:
        return UNITS[known]
    starts = ("Correlation_Manders", "Correlation_RWC", "Texture_InfoMeas")
    return "1" if known.startswith(starts) else UNKNOWN
