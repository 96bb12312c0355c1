"""OME-Zarr, opened lazily: NGFF 0.4 on zarr 2 and 0.5 on zarr 3."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cellstate._base.errors import MovieError, listing
from cellstate._movie import LINEAGE_COLUMNS
from cellstate.io._geff_axes import HOURS, MICROMETRES

METADATA = ("zarr.json", ".zgroup", ".zattrs", ".zarray", ".zmetadata")
# What `write_ome_zarr` keeps in the attributes of the image, under this name.
OWN = "cellstate"
LINEAGE = "lineage"
AXES = "tczyx"
# Chunks that hold nothing may be left out; more than this for one that is there is
# a shape that cannot be right.
MOST_BLANK = 1000
SQUARE = 1e-3  # relative difference between the sides of a pixel


@dataclass(frozen=True, eq=False, kw_only=True)
class Multiscale:
    """The full resolution of an image or label image.

    Attributes
    ----------
    path
        Of the group.
    array
        The zarr array.
    axes
        One letter among t, c, z, y, x for each axis of the array.
    stated
        `pixel_size` (um) and `frame_interval` (h), where the file states a unit.
    own
        What `write_ome_zarr` kept; empty for files of other programs.
    channels
        Names of channels; empty where the file has none for each.
    """

    path: Path
    array: Any
    axes: str
    stated: dict[str, float]
    own: dict[str, Any]
    channels: tuple[str, ...]

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each axis."""
        return dict(zip(self.axes, self.array.shape, strict=True))

    @property
    def dtype(self) -> np.dtype:
        """Type of the pixels, in the byte order of this machine."""
        return np.dtype(self.array.dtype).newbyteorder("=")

    def frame(self, t: int) -> np.ndarray:
        """Read one frame, shape (C, Y, X)."""
        place = {"t": t, "z": 0}
        chosen = tuple(place.get(axis, slice(None)) for axis in self.axes)
        self._check_chunks(t)
        try:
            pixels = np.asarray(self.array[chosen])
        except Exception as error:  # codecs raise what the damage happens to hit
            raise MovieError(
                f"frame {t} of '{self.path}' cannot be decoded: "
                f"{type(error).__name__}: {error}. Copy or export it again."
            ) from error
        kept = [a for a in self.axes if a not in place]
        if "c" not in kept:
            pixels, kept = pixels[None], ["c", *kept]
        order = [kept.index(a) for a in "cyx"]
        return np.ascontiguousarray(pixels.transpose(order).astype(self.dtype))

    def _check_chunks(self, t: int) -> None:
        """Refuse frames of our own files that were lost: they would read as 0."""
        if not self.own:
            return
        folder = self.path / self.array.path.rsplit("/", 1)[-1]
        n = self.sizes.get("c", 1)
        keys = [(t, c, 0, 0) if "c" in self.axes else (t, 0, 0) for c in range(n)]
        lost = [
            k
            for k in (self.array.metadata.encode_chunk_key(key) for key in keys)
            if not (folder / k).is_file()
        ]
        if lost:
            raise MovieError(
                f"frame {t} of '{self.path}' has {n} chunks, one per channel; found "
                f"{len(lost)} missing: {listing(lost)}. Copy the folder again."
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class Kept:
    """What an OME-Zarr holds beside images and labels; None where it does not.

    Attributes
    ----------
    name
        Of the movie, if `write_ome_zarr` wrote it.
    channels
        Names of channels; empty where the file has none for each.
    lineage
        Table of `frame, label, track, parent_track`.
    """

    name: str | None
    channels: tuple[str, ...]
    lineage: pd.DataFrame | None


def is_zarr(path: Path) -> bool:
    """Whether a folder is a zarr group or array."""
    return path.is_dir() and (
        path.suffix.lower() == ".zarr" or any((path / f).is_file() for f in METADATA)
    )


def image_of(path: Path) -> Multiscale:
    """Open the image at a path.

    Raises
    ------
    ImportError
        The package zarr is missing.
    MovieError
        No image there, damaged, several z planes, pixels that are not square.
    """
    group = _opened(path)
    try:
        return _multiscale(group, path)
    except MovieError:
        raise
    except Exception as error:
        raise _damaged(path, error) from error


def labels_of(path: Path) -> Multiscale:
    """Open the label image at a path, or the only one of the image there."""
    group = _opened(path)
    try:
        names = _label_names(group)
    except Exception as error:
        raise _damaged(path, error) from error
    if len(names) > 1:
        raise MovieError(
            f"'{path}' has {len(names)} label images, {listing(names)}. Choose one: "
            f"cs.io.read_masks('{path / 'labels' / names[0]}')."
        )
    return image_of(path / "labels" / names[0] if names else path)


def kept_in(path: Path) -> Kept:
    """Return what is beside the image at a path.

    Raises
    ------
    MovieError
        No label image there, or a lineage that is not whole.
    """
    image, group = image_of(path), _opened(path)
    try:
        labelled = bool(_label_names(group))
        linked = bool(image.own.get(LINEAGE))
        lineage = (
            pd.DataFrame({c: group[f"{LINEAGE}/{c}"][...] for c in LINEAGE_COLUMNS})
            if linked
            else None
        )
        if lineage is not None and len(lineage) != image.own["n_objects"]:
            raise ValueError(f"{len(lineage)} of {image.own['n_objects']} rows")
    except Exception as error:
        raise _damaged(path, error) from error
    if not labelled:
        raise MovieError(
            f"'{path}' holds no label image; found {listing(_inside(path))}. "
            "Give masks: cs.io.read_movie(images, masks, ...), or make them with "
            "cs.pp.segment."
        )
    name = image.own.get("name")
    return Kept(
        name=None if name is None else str(name),
        channels=image.channels,
        lineage=lineage,
    )


def _zarr() -> Any:
    try:
        import zarr
    except ImportError as error:
        raise ImportError(
            "OME-Zarr needs the package zarr, version 3, which is not installed. Run "
            'pip install "cellstate[zarr]".'
        ) from error
    return zarr


def _opened(path: Path) -> Any:
    try:
        node = _zarr().open(path, mode="r")
    except ImportError:
        raise
    except Exception as error:  # JSON, missing keys, unknown versions
        raise MovieError(
            f"'{path}' does not open as zarr: {type(error).__name__}: {error}. Give "
            "the folder of an OME-Zarr image, the one that holds its zarr.json or "
            ".zattrs."
        ) from error
    if hasattr(node, "dtype"):
        raise MovieError(
            f"'{path}' is a zarr array of shape {node.shape} without names of axes. "
            "Give the OME-Zarr group that holds it, or the array itself: "
            f"cs.io.read_movie(zarr.open('{path}', mode='r'), ...)."
        )
    return node


def _damaged(path: Path, error: Exception) -> MovieError:
    return MovieError(
        f"'{path}' opens as zarr, but what it says about the image cannot be right: "
        f"{type(error).__name__}: {error}. Export it again as OME-Zarr."
    )


def _ome(group: Any) -> dict[str, Any]:
    """Return what the file says: under "ome" since NGFF 0.5, bare before."""
    attributes = dict(group.attrs)
    return dict(attributes.get("ome") or attributes)


def _inside(path: Path) -> list[str]:
    return sorted(p.name for p in path.iterdir() if p.is_dir())


def _label_names(group: Any) -> list[str]:
    if "labels" not in group:
        return []
    names = _ome(group["labels"]).get("labels", [])
    return [str(n) for n in names]


def _multiscale(group: Any, path: Path) -> Multiscale:
    said = _ome(group)
    if not said.get("multiscales"):
        inside = _inside(path)
        kind = "a plate" if "plate" in said else "a group"
        raise MovieError(
            f"an OME-Zarr image has 'multiscales' in its metadata; '{path}' is {kind} "
            f"without, with {listing(inside)} in it. Give one image: "
            f"cs.io.read_images('{path / (inside[0] if inside else '0')}')."
        )
    multiscale = said["multiscales"][0]
    level = multiscale["datasets"][0]
    array = group[level["path"]]
    named = multiscale.get("axes") or list("tczyx")  # always these before NGFF 0.3
    axes = [{"name": a} if isinstance(a, str) else dict(a) for a in named]
    letters = "".join(str(a["name"]).lower() for a in axes)
    _check_array(array, [str(a["name"]) for a in axes], path)
    scale = _scale(multiscale, level, len(axes))
    own = dict(group.attrs).get(OWN) or {}
    channels = (said.get("omero") or {}).get("channels") or []
    names = tuple(str(c.get("label", "")) for c in channels)
    n_channels = dict(zip(letters, array.shape, strict=True)).get("c", 1)
    whole = len(set(names)) == len(names) == n_channels and all(names)
    _check_count(array, path / level["path"])
    return Multiscale(
        path=path,
        array=array,
        axes=letters,
        stated=_stated(axes, scale, path),
        own=dict(own),
        channels=names if whole else (),
    )


def _check_array(array: Any, names: list[str], path: Path) -> None:
    letters = "".join(names).lower()
    shape = tuple(array.shape)
    wrong = [n for n in names if n.lower() not in AXES]
    if wrong or len(set(letters)) < len(names) or not {"x", "y"} <= set(letters):
        raise MovieError(
            f"axes are among t, c, z, y, x, each once; found {names}, shape {shape}, "
            f"in '{path}'. Save the image with these axes."
        )
    if len(names) != len(shape):
        raise MovieError(
            f"'{path}' names {len(names)} axes, {letters}, for an array of shape "
            f"{shape}. Export it again."
        )
    deep = dict(zip(letters, shape, strict=True)).get("z", 1)
    if deep != 1:
        raise MovieError(
            f"a movie is flat, axes t, c, y, x; found axes {letters}, shape {shape}, "
            f"with {deep} z planes in '{path}'. Project them, "
            f"array.max(axis={letters.index('z')}), and save the result."
        )
    if np.dtype(array.dtype).kind not in "biuf":
        raise MovieError(
            f"pixels are numbers; found {array.dtype} in '{path}'. Save one real "
            "number per pixel and channel."
        )
    if 0 in shape:
        raise MovieError(
            f"an image has at least one pixel; found shape {shape}, axes {letters}, in "
            f"'{path}'."
        )


def _check_count(array: Any, folder: Path) -> None:
    """Refuse an array of which nothing, or next to nothing, is there."""
    spans = array.shards or array.chunks
    expected = math.prod(-(-n // c) for n, c in zip(array.shape, spans, strict=True))
    found = sum(
        f.is_file() and f.name not in METADATA and not f.name.startswith(".")
        for f in folder.rglob("*")
    )
    if expected > MOST_BLANK * found:
        raise MovieError(
            f"'{folder}' states shape {tuple(array.shape)} in {expected} chunks; found "
            f"{found} files of them. Copy or export it again."
        )


def _scale(multiscale: dict, level: dict, n: int) -> np.ndarray:
    """Multiply the scales of the level and of the whole image; 1 where none."""
    scale = np.ones(n)
    for holder in (level, multiscale):
        for change in holder.get("coordinateTransformations") or []:
            if change.get("type") == "scale" and "scale" in change:
                scale = scale * np.asarray(change["scale"], dtype=float).reshape(n)
    return scale


def _stated(axes: list[dict], scale: np.ndarray, path: Path) -> dict[str, float]:
    sizes: dict[str, float] = {}
    stated: dict[str, float] = {}
    for axis, step in zip(axes, scale.tolist(), strict=True):
        name, unit = str(axis["name"]).lower(), str(axis.get("unit") or "").lower()
        if not (math.isfinite(step) and step > 0):
            continue
        if name == "t" and unit in HOURS:
            stated["frame_interval"] = step * HOURS[unit]
        if name in "xy":
            sizes[name] = step * MICROMETRES.get(unit, 1.0)
            if unit in MICROMETRES:
                stated["pixel_size"] = sizes[name]
    if len(sizes) == 2:
        check_square(sizes["x"], sizes["y"], path)
    return stated


def check_square(x: float, y: float, path: Path) -> None:
    """Refuse pixels whose sides differ: one `pixel_size` cannot describe them."""
    if abs(x - y) > SQUARE * max(x, y):
        raise MovieError(
            f"pixels are square, one `pixel_size`; the metadata of '{path}' state "
            f"{x:.6g} along x and {y:.6g} along y. Resample the images to the "
            "larger of the two (masks with order=0), or, if the metadata are wrong, "
            "give the array itself: cs.io.read_movie(array, ...)."
        )
