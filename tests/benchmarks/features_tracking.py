"""Segmentation and tracking from raw images: the HeLa movie against its masks.

The default of `cs.pp.segment` and `cs.pp.track` sees the images alone. Its settings
were chosen on frames 0 to 9; frames 10 to 19 are reported apart. Beside it in the same
run: Otsu's threshold with connected components; the same with a watershed of the
distance, both on the image as it is; and the reference masks linked anew.

The reference holds objects that reach further than 25 px into the frame, the field of
interest that the Cell Tracking Challenge gives for these movies. "field" leaves the
others out of both, as the challenge does; "frame" takes all that was found.

The links that come with the movie miss divisions, so links and divisions are judged
twice: by these links, and by the same masks linked by `cs.pp.track` ("anew"). Markers
of the challenge's own truth, at hand for about fifty cells a frame, judge all alike.
The shipped simulated movie has a truth without gaps; no setting was chosen on it.

    python tests/benchmarks/features_tracking.py --data DIR [--frames 20] [--large]
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

import cellstate as cs
from cellstate.morphology import segment_plane

MOVIE = "movies/hela_h2b_ctc02_movie"
UNITS = {"pixel_size": 0.645, "frame_interval": 0.5}
BORDER = 25  # px, of the field of interest
CHOSEN_ON = 10  # frames
GOALS = {"det. F1": 0.95, "link F1": 0.95, "div. F1": 0.7}
# Given to the baselines, so that they do not count specks: px, the least area of ours.
LEAST_AREA = 100
NUCLEUS = 28  # px


def main(arguments: Sequence[str] | None = None) -> pd.DataFrame:
    """Print the table; return it."""
    options = _options(arguments)
    with cs.settings.override(progress=False):
        truth = _cut(_reference(options.data), 0, options.frames)
        anew = cs.pp.track(truth)
        rows, markers = [], {"links as shipped": _markers(truth, options.data)}
        for method, make in METHODS.items():
            start = time.process_time()
            masked = make(truth)
            seconds = time.process_time() - start
            start = time.process_time()
            found = cs.pp.track(masked)
            linking = time.process_time() - start
            per_frame = {
                "segment CPU s": seconds / truth.n_frames,
                "track CPU s": linking / truth.n_frames,
            }
            markers[method] = _markers(found, options.data)
            rows += [
                {"method": method} | row | per_frame
                for row in _scores(found, truth, anew)
            ]
        table = pd.DataFrame(rows)
        print(f"{truth}\n\n{table.round(3).to_string(index=False)}\n")
        print(f"{pd.DataFrame(markers).T.round(3).to_string()}\n")
        _print_goals(table)
        _print_simulated()
        if options.large:
            _print_large(truth)
    return table


def _scores(found: cs.Movie, truth: cs.Movie, anew: cs.Movie) -> list[dict]:
    """Score every area and range of frames."""
    n = truth.n_frames
    parts = {f"0-{n - 1}": (0, n)}
    if n > CHOSEN_ON:
        parts |= {"0-9": (0, CHOSEN_ON), f"10-{n - 1}": (CHOSEN_ON, n)}
    rows = []
    for area, border in (("field", BORDER), ("frame", 0)):
        for frames, (first, last) in parts.items():
            ours, theirs, relinked = (
                _inside(_cut(movie, first, last), border)
                for movie in (found, truth, anew)
            )
            score = cs.tl.tracking_quality(ours, theirs)
            by_anew = cs.tl.tracking_quality(ours, relinked)
            rows.append(
                {
                    "area": area,
                    "frames": frames,
                    "det. F1": score.detection_f1,
                    "prec.": score.detection_precision,
                    "recall": score.detection_recall,
                    "link F1": score.link_f1,
                    "div. F1": score.division_f1,
                    "SEG": score.seg,
                    "DET": score.det,
                    "TRA": score.tra,
                    "div. right": score.n_divisions_right,
                    "of": score.n_divisions_truth,
                    "found": score.n_divisions_found,
                    "anew link F1": by_anew.link_f1,
                    "anew div. F1": by_anew.division_f1,
                    "anew right": by_anew.n_divisions_right,
                    "anew of": by_anew.n_divisions_truth,
                }
            )
    return rows


def _markers(movie: cs.Movie, data: Path) -> dict[str, float]:
    """Judge by the markers, which are too few for an F1.

    A marker is hit if it lies on an object that holds no other; a step is right if
    two hit markers of one cell in consecutive frames lie on one track.
    """
    table = pd.read_csv(data / MOVIE / "gt_markers_partial.csv")
    table = table[table["frame"] < movie.n_frames]
    y, x = (
        table[axis].round().astype(int).clip(0, size - 1)
        for axis, size in zip("yx", movie.masks.shape[1:], strict=True)
    )
    frames = table["frame"].to_numpy()
    table["label"] = np.stack(list(map(movie.labels, range(movie.n_frames))))[
        frames, y, x
    ]
    shared = table.duplicated(["frame", "label"], keep=False) | (table["label"] == 0)
    linked = table.merge(movie.lineage, on=["frame", "label"], how="left")
    linked["hit"] = ~shared.to_numpy()
    earlier = linked.assign(frame=linked["frame"] + 1)
    steps = linked.merge(earlier, on=["gt_track", "frame"], suffixes=("", "_before"))
    right = steps["track"] == steps["track_before"]
    right &= steps["hit"] & steps["hit_before"]
    return {
        "markers": len(linked),
        "hit": linked["hit"].mean(),
        "steps": len(steps),
        "right": right.mean(),
    }


def _ours(truth: cs.Movie) -> cs.Movie:
    return cs.pp.segment(truth.images, channels=truth.channels, **UNITS)


def _by(segmenter: Callable[[np.ndarray], np.ndarray]) -> Callable:
    def segmented(truth: cs.Movie) -> cs.Movie:
        return cs.pp.segment(
            truth.images, channels=truth.channels, method=segmenter, **UNITS
        )

    return segmented


def _bright(image: np.ndarray) -> np.ndarray:
    smooth = ndimage.gaussian_filter(image[0].astype(float), 1)
    return ndimage.binary_fill_holes(smooth > threshold_otsu(smooth))


def _large_enough(labels: np.ndarray) -> np.ndarray:
    small = np.bincount(labels.ravel()) < LEAST_AREA
    return np.where(small[labels], 0, labels)


def _components(image: np.ndarray) -> np.ndarray:
    return _large_enough(ndimage.label(_bright(image))[0])


def _distance_watershed(image: np.ndarray) -> np.ndarray:
    bright = _bright(image)
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(bright), 1)
    parts = ndimage.label(bright)[0]
    tops = peak_local_max(distance, min_distance=NUCLEUS // 3, labels=parts)
    markers = np.zeros(bright.shape, dtype=int)
    markers[tuple(tops.T)] = np.arange(1, len(tops) + 1)
    return _large_enough(watershed(-distance, markers, mask=bright))


def _true_masks(truth: cs.Movie) -> cs.Movie:
    return replace(truth, lineage=None)


OURS = "cs.pp.segment"
METHODS = {
    OURS: _ours,
    "Otsu + components": _by(_components),
    "Otsu + distance watershed": _by(_distance_watershed),
    "reference masks": _true_masks,
}


def _cut(movie: cs.Movie, first: int, last: int) -> cs.Movie:
    """Frames first to last - 1 as a movie of their own."""
    lineage = movie.lineage[movie.lineage["frame"].between(first, last - 1)]
    return replace(
        movie,
        images=np.stack([movie.image(frame) for frame in range(first, last)]),
        masks=np.stack([movie.labels(frame) for frame in range(first, last)]),
        lineage=lineage.assign(frame=lineage["frame"] - first),
    )


def _inside(movie: cs.Movie, border: int) -> cs.Movie:
    """Leave out objects that lie within so many pixels of the edge as a whole."""
    if not border:
        return movie
    masks = np.zeros(movie.masks.shape, dtype=np.int64)
    kept = []
    for frame in range(movie.n_frames):
        labels = movie.labels(frame)
        reaching = np.setdiff1d(labels[border:-border, border:-border], [0])
        masks[frame] = np.where(np.isin(labels, reaching), labels, 0)
        kept += [(frame, label) for label in reaching.tolist()]
    objects = pd.MultiIndex.from_frame(movie.lineage[["frame", "label"]])
    return replace(movie, masks=masks, lineage=movie.lineage[objects.isin(kept)])


def _reference(data: Path) -> cs.Movie:
    folder = data / MOVIE
    if not folder.is_dir():
        raise SystemExit(f"no {folder}; give its parent with --data.")
    return cs.io.read_movie(
        folder / "img.tif",
        folder / "masks_tracked.tif",
        tracks=folder / "man_track.txt",
        channels=("H2B",),
        name="hela",
        **UNITS,
    )


def _print_goals(table: pd.DataFrame) -> None:
    for area in ("field", "frame"):
        row = table[(table["method"] == OURS) & (table["area"] == area)].iloc[0]
        met = [
            f"{name} {row[name]:.3f} (goal {goal}, {_told(row[name] >= goal)})"
            for name, goal in GOALS.items()
        ]
        print(f"{area}: {', '.join(met)}")


def _told(met: bool) -> str:
    return "met" if met else "not met"


def _print_simulated() -> None:
    """Score the simulated movie that is shipped, whose truth is whole."""
    truth = cs.datasets.simulated_differentiation().movie
    units = {name: getattr(truth, name) for name in UNITS}
    found = cs.pp.segment(truth.images, channels=truth.channels, **units)
    score = cs.tl.tracking_quality(cs.pp.track(found), truth)
    print(
        f"simulated, {truth.n_frames} frames: det. F1 {score.detection_f1:.3f}, "
        f"link F1 {score.link_f1:.3f}, div. F1 {score.division_f1:.3f}, "
        f"SEG {score.seg:.3f}, DET {score.det:.3f}, TRA {score.tra:.3f}"
    )


def _print_large(truth: cs.Movie) -> None:
    """Time one frame of 2048 x 2048 px, the last one mirrored until it fills it."""
    frame = truth.image(truth.n_frames - 1)[0]
    pad = [(0, 2048 - side) for side in frame.shape]
    large = np.pad(frame, pad, mode="symmetric")
    start = time.process_time()
    n = segment_plane(large, diameter=NUCLEUS).max()
    print(f"2048 x 2048 px, {n} cells: {time.process_time() - start:.1f} s of CPU")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shared = Path(__file__).parents[3] / "shared" / "data"
    default = Path(os.environ.get("CELLSTATE_DATA", shared))
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--large", action="store_true", help="time 2048 x 2048 px too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
