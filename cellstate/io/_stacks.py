"""Lazy stacks: a frame is decoded when it is asked for, never the whole file."""

import weakref
from collections.abc import Callable
from functools import lru_cache
from operator import index
from pathlib import Path
from threading import Lock
from typing import NoReturn

import numpy as np
from tifffile import TiffFile, TiffPageSeries

from cellstate._base.errors import MovieError, listing
from cellstate._movie import Stack
from cellstate.io._files import check_whole, existing, frame_files, truncated
from cellstate.io._metadata import ome_sides
from cellstate.io._ome_zarr import (
    Multiscale,
    check_square,
    image_of,
    is_zarr,
    labels_of,
)

# Letters that tifffile gives to an axis whose meaning the file does not state.
UNKNOWN_AXES = "QI"


class LazyStack:
    """Frames behind a function that reads one; indexed by an integer only.

    A stack that knows how it was opened, `opened_by` a function with arguments,
    pickles as that call: another process opens the files anew, no pixel travels.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype,
        read: Callable[[int], np.ndarray],
        *,
        opened_by: tuple[Callable, tuple] | None = None,
    ) -> None:
        self._shape, self._dtype, self._read = tuple(shape), np.dtype(dtype), read
        self._opened_by = opened_by

    def __reduce__(self) -> tuple[Callable, tuple]:
        if self._opened_by is None:
            raise TypeError(f"{self!r} does not know how to be opened elsewhere.")
        return self._opened_by

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all frames together."""
        return self._shape

    @property
    def dtype(self) -> np.dtype:
        """Type of the pixels."""
        return self._dtype

    def __len__(self) -> int:
        return self._shape[0]

    def __getitem__(self, frame: int) -> np.ndarray:
        try:
            wanted = index(frame)
        except TypeError:
            raise TypeError(
                f"a stack on disk is read frame by frame, stack[t] with an integer t; "
                f"found {frame!r}. For several frames use "
                "np.stack([stack[t] for t in range(...)])."
            ) from None
        if not -len(self) <= wanted < len(self):
            raise IndexError(
                f"frame {wanted} is asked for; the stack has frames 0 to "
                f"{len(self) - 1}."
            )
        return self._read(wanted % len(self))

    def __repr__(self) -> str:
        return f"LazyStack of shape {self._shape}, {self._dtype}, read from disk"


def read_images(path: str | Path) -> Stack:
    """Open images, shape (T, C, Y, X), without reading the pixels.

    Parameters
    ----------
    path
        A TIFF, OME-TIFF or ImageJ stack with axes among T, C, Y, X in any order
        (a plain multi-page file is T frames of one channel; four unnamed axes are
        T, C, Y, X); a folder with one TIFF per frame, t2 before t10; a ``.npy``
        file of shape (T, Y, X) or (T, C, Y, X); or the folder of an OME-Zarr image
        (NGFF 0.4 or 0.5, full resolution), axes among t, c, y, x in any order.

    Returns
    -------
    Stack
        ``stack[t]`` decodes one frame, shape (C, Y, X).

    Raises
    ------
    FileNotFoundError
        Nothing is there; near names are offered.
    MovieError
        No TIFF, cut short, several z planes or positions, frames of different
        shape or type, pixels that are not square, or file names whose order is not
        clear.
    ImportError
        OME-Zarr without the package zarr.

    Examples
    --------
    >>> import tempfile, tifffile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "images.tif"
    >>> tifffile.imwrite(path, np.arange(80, dtype="uint16").reshape(5, 2, 8))
    >>> stack = read_images(path)
    >>> stack.shape, int(stack[1].sum())
    ((5, 1, 2, 8), 376)
    """
    path = existing(path, "images")
    if is_zarr(path):
        return _zarr_stack(image_of(path), read_images, path)
    if path.is_dir():
        return _folder(path)
    if path.suffix.lower() == ".npy":
        return _npy(path)
    check_whole(path)
    return _tiff(path)


def reopening(read: Callable[[Path], Stack], path: Path) -> tuple[Callable, tuple]:
    """Give the call that opens a path again in another process, once in each."""
    stat = path.stat()
    return _reopened, (read, path.resolve(), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=16)
def _reopened(read: Callable[[Path], Stack], path: Path, *stamp: int) -> Stack:
    """Open a path, or take the stack opened before; `stamp` tells a new file."""
    return read(path)


def read_masks(path: str | Path) -> Stack:
    """Open label masks, shape (T, Y, X), without reading the pixels.

    Parameters
    ----------
    path
        As for `read_images`, with one channel. Integer labels, 0 for background. Of
        an OME-Zarr image its label image, where there is one.

    Returns
    -------
    Stack
        ``stack[t]`` decodes one frame, shape (Y, X).

    Raises
    ------
    FileNotFoundError
        Nothing is there; near names are offered.
    MovieError
        As for `read_images`; more than one channel; labels that are no integers;
        several label images.

    Examples
    --------
    >>> import tempfile, tifffile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "masks.tif"
    >>> tifffile.imwrite(path, np.eye(6, dtype="uint16")[None].repeat(5, axis=0))
    >>> read_masks(path).shape
    (5, 6, 6)
    """
    path = existing(path, "masks")
    if is_zarr(path):
        stack = _zarr_stack(labels_of(path), read_masks, path)
    else:
        stack = read_images(path)
    t, c, y, x = stack.shape
    if c != 1:
        raise MovieError(
            f"masks have one channel, shape (T, Y, X); found {c} channels in '{path}', "
            f"shape (T, C, Y, X) = {stack.shape}. Save the channel with the labels "
            "alone; if these are frames, write them with tifffile.imwrite('masks.tif', "
            "array, photometric='minisblack', metadata={'axes': 'TYX'})."
        )
    if stack.dtype.kind not in "iu":
        raise MovieError(
            f"masks hold integer labels, 0 for background; found {stack.dtype} in "
            f"'{path}'. Convert with masks.astype('int32') if the values are labels, "
            "or skimage.measure.label(mask > 0.5) if they are probabilities."
        )
    return LazyStack(
        (t, y, x),
        stack.dtype,
        lambda frame: stack[frame][0],
        opened_by=reopening(read_masks, path),
    )


def _zarr_stack(
    image: Multiscale, read: Callable[[Path], Stack], path: Path
) -> LazyStack:
    sizes = image.sizes
    return LazyStack(
        (sizes.get("t", 1), sizes.get("c", 1), sizes["y"], sizes["x"]),
        image.dtype,
        image.frame,
        opened_by=reopening(read, path),
    )


def _tiff(path: Path) -> LazyStack:
    """Open a TIFF stack; the file stays open as long as the stack lives."""
    tif = _opened(path)
    try:
        series = _only_series(tif, path)
        axes, shape = _named_axes(series, path, unknown="TC")
        _check_data(series, path)
        sides = ome_sides(tif.ome_metadata) if tif.ome_metadata else None
        if sides:
            check_square(*sides, path)
        n_leading = len(shape) - series.keyframe.ndim
        if "T" in axes[n_leading:]:
            raise MovieError(
                f"frames are separate pages of a TIFF; found axes {series.axes}, shape "
                f"{series.shape}, in one page of '{path}'. Write it anew: "
                "tifffile.imwrite('new.tif', array, metadata={'axes': 'TYX'})."
            )
    except BaseException as error:
        tif.close()
        if isinstance(error, MovieError) or not isinstance(error, Exception):
            raise
        raise _damaged(path, error) from error
    sizes = dict(zip(axes, shape, strict=True))
    n_frames = sizes.get("T", 1)
    if series.dataoffset is not None:
        tif.close()
        pixels = np.memmap(
            path,
            dtype=tif.byteorder + series.dtype.char,
            mode="r",
            offset=series.dataoffset,
            shape=shape,
        )

        def read(frame: int) -> np.ndarray:
            taken = np.take(pixels, frame, axes.index("T")) if "T" in axes else pixels
            return _to_cyx(taken.astype(series.dtype), axes.replace("T", ""))
    else:
        leading = shape[:n_leading]
        lock = Lock()  # threads share one open file and its position
        pages = np.arange(int(np.prod(leading))).reshape(leading)

        def read(frame: int) -> np.ndarray:
            wanted = np.take(pages, frame, axes.index("T")) if "T" in axes else pages
            with lock:
                decoded = [
                    _decoded(series.pages[i], path, frame) for i in np.ravel(wanted)
                ]
            whole = np.stack(decoded).reshape(*np.shape(wanted), *decoded[0].shape)
            return _to_cyx(whole, axes.replace("T", ""))

    stack = LazyStack(
        (n_frames, sizes.get("C", 1), sizes["Y"], sizes["X"]),
        series.dtype,
        read,
        opened_by=reopening(read_images, path),
    )
    weakref.finalize(stack, tif.close)
    return stack


def _folder(folder: Path) -> LazyStack:
    """Open a folder of frames; each file is opened once now for its shape."""
    files = frame_files(folder)
    first = _frame_header(files[0])
    for path in files[1:]:
        found = _frame_header(path)
        if found != first:
            raise MovieError(
                f"frames of one movie have one shape and type; '{files[0].name}' has "
                f"{first[1]} px ({first[0]}), {first[2]}, but '{path.name}' has "
                f"{found[1]} px ({found[0]}), {found[2]}, in '{folder}'. Crop or pad "
                "the frames, or move that file out."
            )
    axes, shape, dtype = first
    sizes = dict(zip(axes, shape, strict=True))

    def read(frame: int) -> np.ndarray:
        path = files[frame]
        check_whole(path)
        with _opened(path) as tif:
            pages = [_decoded(page, path, 0) for page in tif.series[0].pages]
        return _to_cyx(np.stack(pages).reshape(shape), axes)

    return LazyStack(
        (len(files), sizes.get("C", 1), sizes["Y"], sizes["X"]),
        dtype,
        read,
        opened_by=reopening(read_images, folder),
    )


def _frame_header(path: Path) -> tuple[str, tuple[int, ...], np.dtype]:
    check_whole(path)
    with _opened(path) as tif:
        try:
            series = _only_series(tif, path)
            axes, shape = _named_axes(series, path, unknown="")
            _check_data(series, path)
        except MovieError:
            raise
        except Exception as error:
            raise _damaged(path, error) from error
        if "T" in axes:
            raise MovieError(
                f"in a folder of frames one file is one frame (axes YX or CYX); found "
                f"axes {series.axes}, shape {series.shape}, in '{path}'. Give the path "
                "of the one file that holds the movie."
            )
        return axes, shape, np.dtype(series.dtype)


def _npy(path: Path) -> LazyStack:
    try:
        with np.errstate(over="raise"):  # a size that no file has
            pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # the header is parsed as Python, which has many errors
        raise MovieError(
            f"'{path}' is no whole .npy array: {error} ({path.stat().st_size} bytes). "
            "Write it again with np.save(path, images)."
        ) from error
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    if pixels.ndim != 4:
        raise MovieError(
            f"a .npy stack has shape (T, Y, X) or (T, C, Y, X); found {pixels.shape} "
            f"in '{path}'."
        )
    return LazyStack(
        pixels.shape,
        pixels.dtype,
        lambda t: np.array(pixels[t]),
        opened_by=reopening(read_images, path),
    )


def _opened(path: Path) -> TiffFile:
    try:
        return TiffFile(path)
    except Exception as error:  # tifffile raises what the damage happens to hit
        raise MovieError(
            f"'{path}' does not open as TIFF: {error} ({path.stat().st_size} bytes). "
            "Export it again as TIFF or OME-TIFF."
        ) from error


def _damaged(path: Path, error: Exception) -> MovieError:
    """Make the error of metadata that tifffile stumbles over."""
    return MovieError(
        f"'{path}' opens as TIFF, but what it says about its pages cannot be right: "
        f"{type(error).__name__}: {error}. Export it again as TIFF or OME-TIFF."
    )


def _only_series(tif: TiffFile, path: Path) -> TiffPageSeries:
    if len(tif.series) != 1:
        shapes = [f"{s.axes} {s.shape}" for s in tif.series]
        raise MovieError(
            f"one file holds one movie of equal frames; found {len(shapes)} series "
            f"{listing(shapes, 3)} in '{path}'. Save each position apart: "
            "tifffile.imwrite('position_0.tif', tifffile.imread(path, series=0))."
        )
    return tif.series[0]


def _named_axes(
    series: TiffPageSeries, path: Path, unknown: str
) -> tuple[str, tuple[int, ...]]:
    """Name every axis T, C, Y or X; `unknown` names those the file does not."""
    axes, shape = series.axes, tuple(series.shape)
    deep = [n for a, n in zip(axes, shape, strict=True) if a == "Z" and n > 1]
    if deep:
        raise MovieError(
            f"a movie is flat, axes T, C, Y, X; found axes {axes}, shape {shape}, with "
            f"{deep[0]} z planes in '{path}'. Project them, "
            f"tifffile.imread(path).max(axis={axes.index('Z')}), and save the result; "
            "if Z is really time, write it anew with metadata={'axes': 'TYX'}."
        )
    kept = [(a, n) for a, n in zip(axes, shape, strict=True) if a != "Z"]
    free = iter(unknown if sum(a in UNKNOWN_AXES for a, _ in kept) > 1 else unknown[:1])
    named = "".join(
        next(free, "?") if a in UNKNOWN_AXES else "C" if a == "S" else a
        for a, _ in kept
    )
    if set(named) - set("TCYX") or len(set(named)) < len(named) or "Y" not in named:
        raise MovieError(
            f"axes are among T, C, Y, X, each once; found {axes}, shape {shape}, in "
            f"'{path}'. Write it anew with axes named: tifffile.imwrite('new.tif', "
            "array, metadata={'axes': 'TCYX'})."
        )
    return named, tuple(n for _, n in kept)


def _check_data(series: TiffPageSeries, path: Path) -> None:
    """Compare the bytes that the pages name with the length of the file."""
    size = path.stat().st_size
    if series.dataoffset is not None:
        end = series.dataoffset + series.nbytes
    else:
        page = series.pages[len(series.pages) - 1]
        if page is None:
            _missing_page(path, len(series.pages) - 1)
        spans = zip(page.dataoffsets, page.databytecounts, strict=False)
        end = max(offset + count for offset, count in spans)
    if end > size:
        raise truncated(
            path,
            f"pixels of {len(series.pages)} pages up to byte {end}",
            size,
            f"{_whole_pages(series, size)} whole pages",
        )


def _whole_pages(series: TiffPageSeries, size: int) -> int:
    if series.dataoffset is not None:
        page = series.nbytes // len(series.pages)
        return max(0, size - series.dataoffset) // page
    return sum(
        page is not None and max(page.dataoffsets) + max(page.databytecounts) <= size
        for page in series.pages
    )


def _decoded(page: object, path: Path, frame: int) -> np.ndarray:
    if page is None:
        _missing_page(path, frame)
    try:
        return page.asarray()
    except Exception as error:
        codec = "imagecodecs" in str(error)
        advice = (
            "Install the decoder: pip install imagecodecs."
            if codec
            else "The file may be cut short or damaged; copy or export it again."
        )
        raise MovieError(
            f"frame {frame} of '{path}' cannot be decoded, expected {page.shape} "
            f"{page.dtype}: {error} {advice}"
        ) from error


def _missing_page(path: Path, frame: int) -> NoReturn:
    raise MovieError(
        f"the metadata of '{path}' name a page that is not in the file (frame "
        f"{frame}). Export it again."
    )


def _to_cyx(pixels: np.ndarray, axes: str) -> np.ndarray:
    """Order the axes of one frame as (C, Y, X)."""
    if "C" not in axes:
        pixels, axes = pixels[None], "C" + axes
    return np.ascontiguousarray(pixels.transpose([axes.index(a) for a in "CYX"]))
