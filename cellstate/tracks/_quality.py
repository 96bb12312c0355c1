"""Segmentation and tracking against a reference: the measures of the CTC and F1."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import integer
from cellstate._base.results import Result
from cellstate.tracks._divisions import divisions, matched_divisions
from cellstate.tracks._links import Links, links
from cellstate.tracks._matching import NONE, Matching, match_frames

# What each repair of the found graph costs (Matula et al. 2015, table 2).
SPLIT, MISSED, EXTRA = 5.0, 10.0, 1.0
EXTRA_LINK, MISSED_LINK, WRONG_KIND = 1.0, 1.5, 1.0


@dataclass(frozen=True, eq=False, kw_only=True)
class SegmentationQuality(Result):
    """How found objects compare with reference objects.

    A found object covers a reference object if it holds more than half of it. A hit
    is a pair that is alone: the found object covers this reference object only.

    Attributes
    ----------
    seg
        Mean over the reference objects of the Jaccard index with what covers them, 0
        where nothing does (SEG).
    det
        1 - min(D, D0) / D0 with D = 5 splits + 10 missed + 1 extra and D0 = 10 times
        the reference objects (DET).
    detection_f1, detection_precision, detection_recall
        Of the hits; NaN where it would be 0 / 0. A found object that covers several
        is a hit for none of them.
    n_found, n_truth, n_hits
        Objects and hits, over all frames.
    n_missed, n_extra, n_splits
        Reference objects that nothing covers; found objects that cover none; cuts
        that would part found objects that cover several.
    """

    kind: ClassVar[str] = "segmentation_quality"
    seg: float
    det: float
    detection_f1: float
    detection_precision: float
    detection_recall: float
    n_found: int
    n_truth: int
    n_hits: int
    n_missed: int
    n_extra: int
    n_splits: int

    def __str__(self) -> str:
        return (
            f"SEG {self.seg:.3f}, DET {self.det:.3f}; detection F1 "
            f"{self.detection_f1:.3f}: {self.n_hits} hits of {self.n_truth}, "
            f"{self.n_found} found"
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class TrackingQuality(SegmentationQuality):
    """How found tracks compare with reference tracks.

    Links join the objects of a track in consecutive frames, and a mother's last to
    each daughter's first object.

    Attributes
    ----------
    tra
        1 - min(A, A0) / A0 with A = D + 1 extra link + 1.5 missed links + 1 links of
        the wrong kind, and A0 the same for nothing found (TRA).
    link_f1, link_precision, link_recall
        Of the links; right if both ends are hits and the reference links the partners.
    division_f1, division_precision, division_recall
        Of the mothers with two daughters; right if, within the tolerance, mother and
        both daughters are hits where both movies show them.
    n_links_found, n_links_truth, n_links_right
        Links.
    n_links_extra, n_links_missed, n_links_wrong_kind
        Repairs that A counts: links between hits that the reference lacks; links of
        the reference that are not found; links inside a track that should lead to a
        daughter, or the other way round.
    n_divisions_found, n_divisions_truth, n_divisions_right
        Divisions.
    """

    kind: ClassVar[str] = "tracking_quality"
    tra: float
    link_f1: float
    link_precision: float
    link_recall: float
    division_f1: float
    division_precision: float
    division_recall: float
    n_links_found: int
    n_links_truth: int
    n_links_right: int
    n_links_extra: int
    n_links_missed: int
    n_links_wrong_kind: int
    n_divisions_found: int
    n_divisions_truth: int
    n_divisions_right: int

    def __str__(self) -> str:
        return (
            f"{super().__str__()}\nTRA {self.tra:.3f}; link F1 {self.link_f1:.3f}: "
            f"{self.n_links_right} right of {self.n_links_truth}, "
            f"{self.n_links_found} found; division F1 {self.division_f1:.3f}: "
            f"{self.n_divisions_right} of {self.n_divisions_truth}, "
            f"{self.n_divisions_found} found"
        )


def segmentation_quality(
    found: Iterable[ArrayLike], truth: Iterable[ArrayLike]
) -> SegmentationQuality:
    """Compare label masks with reference masks.

    Parameters
    ----------
    found, truth
        Labels of the same frames, shape (T, Y, X) or an iterable of (Y, X); 0 for
        background.

    Returns
    -------
    SegmentationQuality
        SEG, DET and detection F1, with counts.

    Raises
    ------
    ValueError
        Shapes differ, a label is negative, or there is no reference object.

    References
    ----------
    Maska et al., Bioinformatics 30 (2014) 1609 (SEG); Matula et al., PLoS ONE 10
    (2015) e0144959 (DET, TRA and their weights).

    Examples
    --------
    One of two cells is missed.

    >>> score = segmentation_quality([[[3, 3, 0, 0]]], [[[1, 1, 0, 2]]])
    >>> score.seg, score.det, round(score.detection_f1, 3)
    (0.5, 0.5, 0.667)
    """
    return SegmentationQuality(**_detection(match_frames(found, truth)))


def tracking_quality(
    found: Iterable[ArrayLike],
    truth: Iterable[ArrayLike],
    found_lineage: ArrayLike,
    truth_lineage: ArrayLike,
    *,
    tolerance: int = 1,
) -> TrackingQuality:
    """Compare linked masks with linked reference masks.

    Parameters
    ----------
    found, truth
        Labels of the same frames, shape (T, Y, X) or an iterable of (Y, X).
    found_lineage, truth_lineage
        Frame, label, track and parent track (-1 none) of every object, shape (n, 4).
    tolerance
        Frames by which a division may be early or late.

    Returns
    -------
    TrackingQuality
        SEG, DET, TRA, and F1 of detection, links and divisions, with counts.

    Raises
    ------
    ValueError
        As `segmentation_quality`; or a lineage and its masks name different objects.

    References
    ----------
    See `segmentation_quality`.

    Examples
    --------
    The link between the two frames is missing.

    >>> masks = [[[1]], [[1]]]
    >>> truth = [[0, 1, 1, -1], [1, 1, 1, -1]]
    >>> score = tracking_quality(masks, masks, [[0, 1, 1, -1], [1, 1, 2, -1]], truth)
    >>> score.det, round(score.tra, 3), score.link_f1  # 1 - 1.5 / (2 * 10 + 1.5)
    (1.0, 0.93, 0.0)
    """
    integer(tolerance, "tolerance", 0)
    match = match_frames(found, truth)
    detection = _detection(match)
    ours = links(match.found, found_lineage, "found")
    theirs = links(match.truth, truth_lineage, "truth")
    linking = _linking(match, ours, theirs)
    repairs = (
        _detection_cost(match)
        + EXTRA_LINK * linking["n_links_extra"]
        + MISSED_LINK * linking["n_links_missed"]
        + WRONG_KIND * linking["n_links_wrong_kind"]
    )
    nothing = MISSED * len(match.truth) + MISSED_LINK * theirs.n
    born, expected = divisions(ours), divisions(theirs)
    right = matched_divisions(match, ours, theirs, tolerance)
    return TrackingQuality(
        **detection,
        **linking,
        tra=1 - min(repairs, nothing) / nothing,
        **_f1("division", right, len(born), len(expected)),
        n_divisions_found=len(born),
        n_divisions_truth=len(expected),
        n_divisions_right=right,
    )


def _repairs(match: Matching) -> tuple[int, int, int]:
    """Splits, missed and extra objects."""
    covers = match.n_covered
    splits = int(np.maximum(covers - 1, 0).sum())
    missed = int(np.count_nonzero(match.covered_by == NONE))
    return splits, missed, int(np.count_nonzero(covers == 0))


def _detection_cost(match: Matching) -> float:
    splits, missed, extra = _repairs(match)
    return SPLIT * splits + MISSED * missed + EXTRA * extra


def _detection(match: Matching) -> dict[str, float | int]:
    n_found, n_truth = len(match.found), len(match.truth)
    if not n_truth:
        raise ValueError(
            "the reference holds at least one object; found no label above 0 in "
            "`truth`. Are `found` and `truth` swapped?"
        )
    splits, missed, extra = _repairs(match)
    hits = int(np.count_nonzero(match.partner >= 0))
    nothing = MISSED * n_truth
    return {
        "seg": float(match.jaccard.mean()),
        "det": 1 - min(_detection_cost(match), nothing) / nothing,
        **_f1("detection", hits, n_found, n_truth),
        "n_found": n_found,
        "n_truth": n_truth,
        "n_hits": hits,
        "n_missed": missed,
        "n_extra": extra,
        "n_splits": splits,
    }


def _linking(match: Matching, ours: Links, theirs: Links) -> dict[str, float | int]:
    """Compare the links; only hits can carry a right one."""
    partner = match.partner
    ends = partner[theirs.ends]
    expected = {
        (int(a), int(b)): kind
        for (a, b), kind in zip(ends, theirs.to_daughter, strict=True)
        if a >= 0 and b >= 0
    }
    hit = np.zeros(len(match.found), dtype=bool)
    hit[partner[partner >= 0]] = True
    right = extra = wrong_kind = 0
    for (a, b), kind in zip(ours.ends.tolist(), ours.to_daughter, strict=True):
        if (a, b) in expected:
            right += 1
            wrong_kind += expected[a, b] != kind
        else:
            extra += bool(hit[a] and hit[b])
    return {
        **_f1("link", right, ours.n, theirs.n),
        "n_links_found": ours.n,
        "n_links_truth": theirs.n,
        "n_links_right": right,
        "n_links_extra": extra,
        "n_links_missed": theirs.n - right,
        "n_links_wrong_kind": int(wrong_kind),
    }


def _f1(what: str, right: int, n_found: int, n_truth: int) -> dict[str, float]:
    def share(part: float, whole: float) -> float:
        return part / whole if whole else float("nan")

    return {
        f"{what}_f1": share(2 * right, n_found + n_truth),
        f"{what}_precision": share(right, n_found),
        f"{what}_recall": share(right, n_truth),
    }
