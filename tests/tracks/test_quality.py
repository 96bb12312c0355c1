"""Quality of masks and tracks: every number worked out by hand."""

import numpy as np
import pytest

from cellstate._base.errors import LineageError
from cellstate.tracks import match_frame, segmentation_quality, tracking_quality

# Two cells, 4 and 6 px, in three frames: 6 objects and 4 links.
FRAME = np.zeros((4, 12), dtype=int)
FRAME[:2, :2] = 1
FRAME[:2, 5:8] = 2
MASKS = np.stack([FRAME] * 3)
LINEAGE = np.array([(f, c, c, -1) for f in range(3) for c in (1, 2)])
NOTHING = 6 * 10 + 4 * 1.5


def score(masks=MASKS, lineage=LINEAGE, **options):
    return tracking_quality(masks, MASKS, lineage, LINEAGE, **options)


def without(rows):
    return np.delete(LINEAGE, rows, axis=0)


def test_identical_movies_score_one():
    found = score()
    for name in ("seg", "det", "tra", "detection_f1", "link_f1"):
        assert getattr(found, name) == 1, name
    assert np.isnan(found.division_f1)  # neither has a division
    assert (found.n_truth, found.n_links_truth) == (6, 4)


def test_names_of_labels_and_tracks_do_not_matter():
    renamed = np.where(MASKS == 1, 9, np.where(MASKS == 2, 4, 0))
    lineage = LINEAGE.copy()
    lineage[:, 1] = np.where(LINEAGE[:, 1] == 1, 9, 4)
    lineage[:, 2] += 70
    found = score(renamed, np.random.default_rng(0).permutation(lineage))
    assert found.to_dict() == pytest.approx(score().to_dict(), nan_ok=True)
    back = tracking_quality(MASKS, renamed, LINEAGE, lineage)
    assert back.to_dict() == pytest.approx(score().to_dict(), nan_ok=True)


def test_one_object_missed_in_the_middle():
    masks = MASKS.copy()
    masks[1][masks[1] == 2] = 0
    lineage = without(3)
    lineage[lineage[:, 0] == 2, 2] += [0, 1]  # its track breaks
    found = score(masks, lineage)
    assert found.seg == pytest.approx(5 / 6)
    assert found.det == pytest.approx(1 - 10 / 60)
    assert found.tra == pytest.approx(1 - (10 + 2 * 1.5) / NOTHING)
    assert (found.n_missed, found.n_links_missed, found.n_links_extra) == (1, 2, 0)
    assert found.detection_f1 == pytest.approx(2 * 5 / 11)
    assert found.link_f1 == pytest.approx(2 * 2 / 6)


def test_a_link_over_a_gap_is_one_too_many():
    masks = MASKS.copy()
    masks[1][masks[1] == 2] = 0
    found = score(masks, without(3))
    assert found.tra == pytest.approx(1 - (10 + 2 * 1.5 + 1) / NOTHING)


def test_one_object_too_many():
    masks = MASKS.copy()
    masks[1, 3, 10:] = 3
    found = score(masks, np.vstack([LINEAGE, [1, 3, 3, -1]]))
    assert found.seg == 1
    assert found.det == pytest.approx(1 - 1 / 60)
    assert found.tra == pytest.approx(1 - 1 / NOTHING)
    assert (found.n_extra, found.detection_recall) == (1, 1)
    assert found.detection_precision == pytest.approx(6 / 7)
    assert found.link_f1 == 1


def test_two_objects_merged():
    masks = MASKS.copy()
    masks[2][masks[2] == 2] = 1
    found = score(masks, without(5))
    # Of 10 px it shares 4 with one and 6 with the other.
    assert found.seg == pytest.approx((4 + 0.4 + 0.6) / 6)
    assert found.det == pytest.approx(1 - 5 / 60)
    assert (found.n_splits, found.n_missed, found.n_extra) == (1, 0, 0)
    # It is a hit for neither, so neither of the links into it is right.
    assert found.detection_f1 == pytest.approx(2 * 4 / (5 + 6))
    assert found.tra == pytest.approx(1 - (5 + 2 * 1.5) / NOTHING)
    assert found.link_f1 == pytest.approx(2 * 2 / (3 + 4))


def test_one_object_in_two_halves():
    masks = MASKS.copy()
    masks[0][masks[0] == 1] = [1, 1, 3, 3]  # neither half holds more than half
    found = score(masks, np.vstack([LINEAGE, [0, 3, 3, -1]]))
    assert (found.n_missed, found.n_extra, found.n_splits) == (1, 2, 0)
    assert found.det == pytest.approx(1 - (10 + 2) / 60)
    masks[0][masks[0] == 3] = [1, 3]  # three quarters hold it
    assert score(masks, np.vstack([LINEAGE, [0, 3, 3, -1]])).n_missed == 0


def test_exactly_half_is_not_enough():
    assert match_frame([[5, 5, 0, 0]], [[1, 1, 1, 1]]).covered_by.tolist() == [-1]
    assert match_frame([[5, 5, 5, 0]], [[1, 1, 1, 1]]).covered_by.tolist() == [0]


def test_links_that_swap_two_cells():
    lineage = LINEAGE.copy()
    lineage[4:, 2] = [2, 1]
    found = score(lineage=lineage)
    assert found.det == 1
    assert (found.n_links_extra, found.n_links_missed) == (2, 2)
    assert found.tra == pytest.approx(1 - (2 * 1 + 2 * 1.5) / NOTHING)
    assert found.link_f1 == pytest.approx(0.5)


def test_a_link_of_the_wrong_kind():
    lineage = LINEAGE.copy()
    lineage[5] = [2, 2, 3, 2]  # an only daughter
    found = score(lineage=lineage)
    assert (found.n_links_wrong_kind, found.n_divisions_found) == (1, 0)
    assert found.tra == pytest.approx(1 - 1 / NOTHING)
    assert found.link_f1 == 1


def test_nothing_found_scores_zero():
    found = score(np.zeros_like(MASKS), np.empty((0, 4)))
    assert (found.seg, found.det, found.tra) == (0, 0, 0)
    assert (found.detection_f1, found.link_f1) == (0, 0)
    assert np.isnan(found.detection_precision)


def test_a_score_never_falls_below_zero():
    noise = np.arange(1, MASKS[0].size + 1).reshape(MASKS[0].shape)
    noise = np.kron(noise, np.ones((2, 2), int))
    truth = np.zeros_like(noise)
    truth[3:5, 3:5] = 1  # each of its pixels is another object
    found = segmentation_quality([noise], [truth])
    assert (found.n_missed, found.n_extra) == (1, 48)
    assert found.det == 0


# Divisions: a mother (label 1) parts into 2 and 3 after `last`.


def family(last, n_frames=6, pair=(2, 3)):
    """Mother in the middle until `last`; each daughter on her half of the same area."""
    masks = np.zeros((n_frames, 2, 8), dtype=int)
    rows = []
    for t in range(n_frames):
        if t <= last:
            masks[t, :, 2:6] = 1
            rows.append((t, 1, 1, -1))
        else:
            masks[t, :, :3], masks[t, :, 5:] = pair
            rows += [(t, label, label, 1) for label in pair]
    return masks, np.array(rows)


def divided(found, truth, **options):
    return tracking_quality(found[0], truth[0], found[1], truth[1], **options)


def test_a_division_in_time():
    same = divided(family(2), family(2), tolerance=0)
    assert (same.division_f1, same.n_divisions_right, same.tra) == (1, 1, 1)
    # Labels of the daughters do not matter.
    assert divided(family(2, pair=(8, 5)), family(2), tolerance=0).division_f1 == 1


@pytest.mark.parametrize("last", [1, 3])
def test_a_division_one_frame_off_needs_the_tolerance(last):
    assert divided(family(last), family(2)).division_f1 == 1
    assert divided(family(last), family(2), tolerance=0).division_f1 == 0


def test_a_division_two_frames_off():
    assert divided(family(4), family(2)).division_f1 == 0
    assert divided(family(4), family(2), tolerance=2).division_f1 == 1


def test_a_missed_division():
    masks, lineage = family(2)
    missed = lineage.copy()
    missed[lineage[:, 1] == 2, 2] = 1  # one daughter goes on as the mother
    missed[:, 3] = -1
    found = divided((masks, missed), (masks, lineage))
    assert (found.division_f1, found.division_recall) == (0, 0)
    assert np.isnan(found.division_precision)
    # One link is of the wrong kind, the other missing: 9 objects, 8 links.
    assert (found.n_links_wrong_kind, found.n_links_missed) == (1, 1)
    assert found.tra == pytest.approx(1 - (1 + 1.5) / (9 * 10 + 8 * 1.5))


def test_a_division_with_the_wrong_daughter():
    masks, lineage = family(2)
    masks = np.concatenate([masks, np.zeros_like(masks)], axis=1)
    masks[:, 3, :] = 4
    stranger = [(t, 4, 4, -1) for t in range(6)]
    truth = np.vstack([lineage, stranger])
    found = truth.copy()
    is_3, late_4 = truth[:, 1] == 3, (truth[:, 1] == 4) & (truth[:, 0] > 2)
    found[is_3, 3] = -1
    found[late_4, 2:] = [40, 1]
    result = divided((masks, found), (masks, truth))
    assert (result.n_divisions_found, result.n_divisions_right) == (1, 0)


def test_one_division_is_not_right_twice():
    """Two found mothers in turn, each within the tolerance of the one true division."""
    masks, lineage = family(2)
    truth = lineage.copy()
    # Found: the mother parts, a daughter vanishes, the other parts a frame later.
    early, rows = masks.copy(), []
    early[1, :, :3], early[1, :, 3:5], early[1, :, 5:] = 5, 0, 6
    for t, label, track, parent in lineage.tolist():
        rows += [(1, 5, 5, 1), (1, 6, 6, 1)] if t == 1 else [(t, label, track, parent)]
    found = np.array(rows)
    found[found[:, 1] == 1, 2] = np.where(found[found[:, 1] == 1, 0] < 1, 1, 7)
    found[found[:, 2] == 7, 3] = 5
    found[np.isin(found[:, 2], (2, 3)), 3] = 7
    result = divided((early, found), (masks, truth))
    assert (result.n_divisions_found, result.n_divisions_right) == (2, 1)


# Bad input


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"one shape \(Y, X\); found \(4, 11\)"):
        segmentation_quality(MASKS[:, :, 1:], MASKS)
    with pytest.raises(ValueError, match="`found` ends after 2"):
        segmentation_quality(MASKS[:2], MASKS)


def test_negative_labels_are_refused():
    with pytest.raises(ValueError, match="found -1 in frame 0 of `found`"):
        segmentation_quality(-MASKS.clip(0, 1), MASKS)


def test_a_reference_without_objects_is_refused():
    with pytest.raises(ValueError, match="swapped"):
        segmentation_quality(MASKS, np.zeros_like(MASKS))


def test_a_lineage_of_other_masks_is_refused():
    with pytest.raises(LineageError, match=r"`found`.*1 are in the masks only"):
        score(lineage=without(3))
    with pytest.raises(ValueError, match="tolerance"):
        score(tolerance=-1)
