"""Random valid inputs for property tests; needs hypothesis.

>>> from hypothesis import given
>>> from cellstate.testing import label_masks
>>> @given(label_masks())
... def test_labels_count_from_zero(masks):
...     assert masks.min() >= 0
"""

from cellstate.testing._landscapes import landscapes
from cellstate.testing._masks import label_masks, movies
from cellstate.testing._tracks import lineage_tables, tracked_adatas, tracks

__all__ = [
    "label_masks",
    "landscapes",
    "lineage_tables",
    "movies",
    "tracked_adatas",
    "tracks",
]
