"""Tables of CellProfiler, CytoTable and pycytominer -> AnnData."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _keys as keys
from cellstate._adata import _store
from cellstate._adata._schema import validate
from cellstate._base.checks import positive
from cellstate._base.errors import SchemaError, listing
from cellstate.io._cellprofiler_files import IMAGE, OBJECT, TABLE, joined
from cellstate.io._cellprofiler_names import FAMILIES, family_of, is_feature, unit_of
from cellstate.io._cellprofiler_tracks import linked
from cellstate.io._tables import free_name, read_table

CENTERS = ("Location_Center", "AreaShape_Center")
RUN = "_run"


def read_cellprofiler(
    folder_or_paths: str | Path | Iterable[str | Path],
    *,
    pixel_size: float | None = None,
    frame_interval: float | None = None,
    name: str = "cellprofiler",
) -> AnnData:
    """Read objects measured by CellProfiler, one row per cell and image.

    Parameters
    ----------
    folder_or_paths
        The folder of ExportToSpreadsheet, or the paths of its tables: one per object
        (Cells, Nuclei, Cytoplasm, or any other) and Image, plain or ``.gz``. Rows are
        Cells, or else Nuclei; other objects are joined by their Parent_ columns. Or
        one joined table of single cells, as CytoTable and pycytominer write it (CSV,
        or Parquet where pyarrow is installed).
    pixel_size
        Micrometres per pixel; without it positions are left out.
    frame_interval
        Hours between images. With it images are the frames of a movie, in the order
        of ImageNumber within Group_Number; without it each image is a movie of one
        frame at 0 h. Needed where objects were tracked.
    name
        Begins the names of movies.

    Returns
    -------
    AnnData
        Measurements in X, named as in a joined table (``Cells_AreaShape_Area``), with
        `family` (CellProfiler's category) and `unit` ("unknown" unless sure; lengths
        and areas stay in px). `label` is ObjectNumber. Metadata_ columns are in obs.
        Tracks follow the parents that TrackObjects names, or else its labels.
        Measurements of whole images are left out.

    Raises
    ------
    FileNotFoundError
        A path leads nowhere.
    SchemaError
        No such tables, nothing that joins them, repeated objects, text where numbers
        are, tracks without `frame_interval`.
    LineageError
        Tracked objects with more than two daughters, or that merge.

    References
    ----------
    Stirling et al., BMC Bioinformatics 22 (2021); Bunten et al., CytoTable,
    github.com/cytomining/CytoTable.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "Cells.csv"
    >>> pd.DataFrame({"ImageNumber": [1, 1], "ObjectNumber": [1, 2],
    ...               "Location_Center_X": [4., 8.], "Location_Center_Y": [2., 6.],
    ...               "AreaShape_Area": [50, 52]}).to_csv(path, index=False)
    >>> adata = read_cellprofiler(path, pixel_size=0.5, name="plate")
    >>> adata.obs_names[1], adata.obsm["spatial"][1], adata.var["unit"].iloc[0]
    ('plate_1:0:2', array([4., 3.]), 'px2')
    """
    for field, value, unit in (
        ("frame_interval", frame_interval, "h between frames"),
        ("pixel_size", pixel_size, "um per pixel"),
    ):
        if value is not None:
            positive(value, field, unit, f"cs.io.read_cellprofiler(..., {field}=...)")
    table, compartments = joined(folder_or_paths)
    table[RUN] = table[TABLE].to_numpy() if TABLE in table else 1
    movie, frame = _movies(table, frame_interval, name)
    track, parent = linked(table, compartments, movie, frame, frame_interval)
    identity = pd.DataFrame(
        {
            keys.MOVIE: movie,
            keys.FRAME: frame,
            keys.LABEL: table[f"{compartments[0]}_{OBJECT}"].to_numpy(),
            keys.TRACK: track,
            keys.PARENT_TRACK: parent,
        }
    )
    made = read_table(
        identity,
        columns={c: c for c in identity},
        frame_interval=1.0 if frame_interval is None else frame_interval,
    )
    features = _features(table, compartments)
    adata = AnnData(
        table[list(features)].to_numpy(dtype=np.float64),
        obs=made.obs,
        var=pd.DataFrame(
            {
                keys.FAMILY: [family_of(n) for n in features.values()],
                keys.UNIT: [unit_of(n) for n in features.values()],
            },
            index=pd.Index(list(features), dtype=object),
        ),
        obsp=dict(made.obsp),
        uns=made.uns,
    )
    for column in (c for c in table if c.startswith("Metadata_")):
        adata.obs[free_name(column, adata.obs)] = _kept(table[column])
    if pixel_size is not None:
        _place(adata, table, compartments[0], pixel_size)
    for about in _store.root(adata)[keys.MOVIES].values():
        about.pop("frame_interval" if frame_interval is None else "", None)
        about |= {} if pixel_size is None else {"pixel_size": float(pixel_size)}
    validate(adata)
    return adata


def _movies(
    table: pd.DataFrame, frame_interval: float | None, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return movie and frame of each row."""
    image, run = table[IMAGE].to_numpy(), table[RUN].to_numpy()
    if frame_interval is None:
        part = image.astype(str)
        frame = np.zeros(len(table), dtype=np.int64)
    else:
        group = table.get("Group_Number", pd.Series(1, index=table.index)).fillna(0)
        part = group.astype(str).str.removesuffix(".0").to_numpy(dtype=object)
        begins = table.groupby([RUN, group.to_numpy()])[IMAGE].transform("min")
        frame = image - begins.to_numpy()
        part = part if len(set(part)) > 1 else np.full(len(table), "", dtype=object)
    several = len(set(run)) > 1
    names = [
        "_".join(p for p in (name, str(r) if several else "", str(q)) if p)
        for r, q in zip(run, part, strict=True)
    ]
    return np.array(names, dtype=object), frame


def _features(table: pd.DataFrame, compartments: list[str]) -> dict[str, str]:
    """Columns that are features -> their names without the compartment."""
    features, texts = {}, []
    for column in table:
        compartment, _, rest = column.partition("_")
        if compartment not in compartments or not is_feature(rest):
            continue
        numeric = pd.api.types.is_numeric_dtype(table[column])
        if not numeric and table[column].isna().all():
            continue
        if numeric:
            features[column] = rest
        elif family_of(rest) in FAMILIES:
            texts.append(column)
    if texts:
        bad = pd.to_numeric(table[texts[0]], errors="coerce").isna()
        raise SchemaError(
            [
                f"measurements are numbers; found text in {len(texts)} columns, "
                f"{listing(texts)}, e.g. {listing(table[texts[0]][bad], 2)}. Export "
                "the table again, or mend these values."
            ]
        )
    return features


def _kept(column: pd.Series) -> np.ndarray:
    """Numbers as they are, anything else as text."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy()
    return column.astype(str).to_numpy(dtype=object)


def _place(
    adata: AnnData, table: pd.DataFrame, compartment: str, pixel_size: float
) -> None:
    for center in CENTERS:
        columns = [f"{compartment}_{center}_{axis}" for axis in "XY"]
        if set(columns) <= set(table):
            xy = table[columns].apply(pd.to_numeric, errors="coerce").to_numpy(float)
            if not np.isfinite(xy).all():
                raise SchemaError(
                    [
                        f"{columns[0]} and {columns[1]} are finite numbers; found "
                        f"{int((~np.isfinite(xy)).any(axis=1).sum())} of {len(xy)} "
                        "rows that are not. Mend them, or leave pixel_size out to "
                        "read without positions."
                    ]
                )
            adata.obsm[keys.SPATIAL] = xy * pixel_size
            return
