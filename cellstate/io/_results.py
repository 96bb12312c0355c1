"""Write and read an AnnData with its results: whole files or none."""

import shutil
import tempfile
import warnings
from pathlib import Path

import anndata
from anndata import AnnData

from cellstate._adata._schema import validate
from cellstate.io._files import existing
from cellstate.io._zarr_sizes import oversized

SUFFIXES = (".h5ad", ".zarr")


def write(adata: AnnData, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write cells and results to ``.h5ad`` or ``.zarr``, whole or not at all.

    It is written beside the place under another name and moved there when it is
    complete: a failed or interrupted write leaves an older file as it was.

    Parameters
    ----------
    adata
        Passes `cs.validate`, so that it can be read back.
    path
        Ends in ``.h5ad`` (one file) or ``.zarr`` (a folder).
    overwrite
        Replace what is there.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    FileExistsError
        Something is there and `overwrite` is False.
    OSError
        The folder cannot be written to.
    ValueError
        Another suffix; what anndata cannot store.
    SchemaError
        The AnnData breaks the schema.

    Examples
    --------
    >>> import numpy as np
    >>> adata = AnnData(np.ones((2, 1)))
    >>> adata.obs["track"], adata.obs["frame"], adata.obs["time"] = 1, [0, 1], [0, .5]
    >>> path = write(adata, Path(tempfile.mkdtemp()) / "cells.h5ad")
    >>> read(path).n_obs
    2
    """
    path = _suffixed(path)
    validate(adata)
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"'{path}' is there already; nothing was written. Use "
            "cs.io.write(adata, path, overwrite=True) to replace it."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        workplace = Path(tempfile.mkdtemp(prefix=f".{path.stem}-", dir=path.parent))
    except OSError as error:
        raise OSError(
            f"'{path.parent}' cannot be written to: {error}. Nothing was written; "
            "choose another folder in cs.io.write(adata, path)."
        ) from error
    try:
        unfinished = workplace / path.name
        _write_as(adata, unfinished)
        _move(unfinished, path, workplace / "before")
    except OSError as error:
        raise OSError(
            f"writing {adata.n_obs} cells to '{path}' failed: {error}. What was there "
            "before is unchanged; make room or choose another folder."
        ) from error
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    return path


def read(path: str | Path) -> AnnData:
    """Read what `write` wrote, and check it against the schema.

    Parameters
    ----------
    path
        A ``.h5ad`` file or a ``.zarr`` folder.

    Returns
    -------
    AnnData
        Passes `cs.validate`.

    Raises
    ------
    FileNotFoundError
        Nothing is there; near names are offered.
    OSError
        Cut short, damaged, or of another format.
    SchemaError
        The AnnData breaks the schema.

    Examples
    --------
    >>> import numpy as np
    >>> adata = AnnData(np.ones((2, 1)))
    >>> adata.obs["track"], adata.obs["frame"], adata.obs["time"] = 1, [0, 1], [0, .5]
    >>> float(read(write(adata, Path(tempfile.mkdtemp()) / "a.zarr")).obs["time"].max())
    0.5
    """
    path = existing(_suffixed(path), "AnnData")
    load = anndata.read_h5ad if path.suffix == ".h5ad" else anndata.read_zarr
    try:
        wrong = oversized(path) if path.suffix == ".zarr" else None
        if wrong is not None:
            raise ValueError(f"{wrong}.")
        adata = load(path)
    except Exception as error:
        size = sum(p.stat().st_size for p in [path, *path.rglob("*")] if p.is_file())
        raise OSError(
            f"'{path}' is no whole AnnData in {path.suffix[1:]} format ({size} bytes): "
            f"{error} Write it again with cs.io.write(adata, path)."
        ) from error
    validate(adata)
    return adata


def _suffixed(path: str | Path) -> Path:
    path = Path(path).expanduser()
    if path.suffix not in SUFFIXES:
        raise ValueError(
            f"the path ends in one of {list(SUFFIXES)}; found {path.name!r}. Use "
            f"'{path.stem}.h5ad'."
        )
    return path


def _write_as(adata: AnnData, path: Path) -> None:
    if path.suffix == ".h5ad":
        adata.write_h5ad(path, compression="gzip")
        return
    with warnings.catch_warnings():
        # Announcements of the next default concern no one who reads the file back.
        warnings.filterwarnings("ignore", message=".*zarr.*", category=UserWarning)
        adata.write_zarr(path)


def _move(new: Path, path: Path, before: Path) -> None:
    """Put the finished file in its place; a folder has to make way first."""
    if not path.is_dir():
        new.replace(path)
        return
    path.replace(before)
    try:
        new.replace(path)
    except BaseException:
        before.replace(path)
        raise
