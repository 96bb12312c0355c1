"""Tables of CellProfiler -> one table, one row per cell, compartments side by side."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from cellstate._base.errors import SchemaError, listing
from cellstate.io._files import existing
from cellstate.io._tables import csv_of

IMAGE, OBJECT = "ImageNumber", "ObjectNumber"
TABLE = "TableNumber"  # several runs in one table: each numbers its images from 1
# What one row is, where several tables are there; then whatever comes first.
PRIMARY = ("Cells", "Nuclei", "Cytoplasm")
LINKING = "Cytoplasm"
NO_OBJECTS = ("Experiment", "Object relationships")
SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
JOINED_IMAGE = (
    *(f"Metadata_{IMAGE}", f"Image_{IMAGE}", IMAGE),
    *(f"Metadata_{o}_{IMAGE}" for o in PRIMARY),
    *(f"{o}_{IMAGE}" for o in PRIMARY),
)


def joined(source: str | Path | Iterable[str | Path]) -> tuple[pd.DataFrame, list[str]]:
    """Return the joined table and its compartments, that of the rows first.

    Columns of a compartment have its name in front, ``Cells_AreaShape_Area``, its
    number too, ``Cells_ObjectNumber``; `ImageNumber` and ``Metadata_...`` have none.

    Raises
    ------
    FileNotFoundError
        A path leads nowhere.
    SchemaError
        Tables that do not name images and objects, or that nothing joins.
    """
    paths = _paths(source)
    tables = {path: _read(path) for path in paths}
    columns = set(tables[paths[0]])
    prefixed = any(_prefixed(c) for c in columns)
    if len(paths) == 1 and (IMAGE not in columns or prefixed):
        return _single_cells(tables[paths[0]], paths[0])
    return _by_object(tables)


def _prefixed(column: str) -> bool:
    return column.startswith(tuple(f"{name}_" for name in PRIMARY))


def _paths(source: str | Path | Iterable[str | Path]) -> list[Path]:
    if not isinstance(source, str | Path):
        return [existing(p, "table") for p in source]
    path = existing(source, "tables")
    if not path.is_dir():
        return [path]
    inside = [p for p in sorted(path.iterdir()) if p.name.endswith(SUFFIXES)]
    found = [p for p in inside if not _stem(p).endswith(NO_OBJECTS)]
    if not found:
        raise SchemaError(
            [
                f"a folder of CellProfiler holds tables {', '.join(SUFFIXES)}; found "
                f"{listing(sorted(p.name for p in path.iterdir()))} in '{path}'. Give "
                "the folder that ExportToSpreadsheet wrote, or the paths of tables."
            ]
        )
    return found


def _stem(path: Path) -> str:
    suffix = next((s for s in SUFFIXES if path.name.endswith(s)), path.suffix)
    return path.name.removesuffix(suffix)


def _read(path: Path) -> pd.DataFrame:
    if path.suffix != ".parquet":
        table = csv_of(path)
    else:
        try:
            table = pd.read_parquet(path)
        except ImportError as error:
            raise ImportError(
                f"'{path}' is Parquet, which pandas reads with pyarrow; it is not "
                "installed. Run pip install pyarrow, or save the table as CSV."
            ) from error
        except Exception as error:  # pyarrow's own errors
            raise SchemaError(
                [f"'{path}' is no whole Parquet table: {error}. Write it again."]
            ) from error
    table.columns = [str(c) for c in table.columns]
    if table.empty:
        raise SchemaError(
            [
                f"a table has at least one row; found {len(table)} rows of "
                f"{table.shape[1]} columns in '{path}'. Export it again."
            ]
        )
    return table


def _by_object(tables: dict[Path, pd.DataFrame]) -> tuple[pd.DataFrame, list[str]]:
    """Join one table per object by image and Parent_ columns."""
    objects, images = {}, None
    for path, table in tables.items():
        name = _stem(path).rsplit("_", 1)[-1]
        if IMAGE not in table:
            raise SchemaError(
                [
                    f"a table of CellProfiler names images in {IMAGE!r}; '{path}' has "
                    f"{listing(table.columns)}. Give one table per object (Cells.csv, "
                    "Nuclei.csv, Image.csv), or one joined table alone."
                ]
            )
        _check_whole(table, IMAGE, path)
        if OBJECT not in table:
            images = table
            _check_once(table, [IMAGE], path)
            continue
        _check_whole(table, OBJECT, path)
        _check_once(table, [IMAGE, OBJECT], path)
        if name in objects:
            raise SchemaError(
                [
                    f"each object has one table; found two of {name!r}, '{path}' the "
                    "second. Give the paths of one run: "
                    "cs.io.read_cellprofiler([cells, nuclei])."
                ]
            )
        objects[name] = table.rename(
            columns={c: f"{name}_{c}" for c in table if c != IMAGE}
        )
    if not objects:
        raise SchemaError(
            [
                f"tables of objects have {OBJECT!r}; found none among "
                f"{listing([p.name for p in tables])}. Give Cells.csv or Nuclei.csv."
            ]
        )
    names = sorted(objects, key=lambda n: _rank(n, PRIMARY))
    base = objects[names[0]]
    for other in names[1:]:
        base = _with(base, names[0], objects, other)
    said = f"{names[0]}_Metadata_"  # where metadata was added to every table
    base = base.rename(
        columns={c: c.removeprefix(f"{names[0]}_") for c in base if c.startswith(said)}
    )
    if images is not None:
        about = images[
            [c for c in images if c == IMAGE or (_about_image(c) and c not in base)]
        ]
        base = base.merge(about, on=IMAGE, how="left")
    return base, names


def _rank(name: str, order: tuple[str, ...]) -> tuple[int, str]:
    return (order.index(name) if name in order else len(order), name)


def _about_image(column: str) -> bool:
    return column.startswith(("Metadata_", "Group_"))


def _with(
    base: pd.DataFrame, name: str, objects: dict[str, pd.DataFrame], other: str
) -> pd.DataFrame:
    """Put the columns of another object beside the one that belongs to it."""
    table, number = objects[other], f"{other}_{OBJECT}"
    up, down = f"{name}_Parent_{other}", f"{other}_Parent_{name}"
    linking = objects.get(LINKING)
    through = [f"{LINKING}_Parent_{n}" for n in (name, other)]
    own = f"{name}_{OBJECT}"
    if up in base:
        base[up] = numbers_of(base[up], up)
        return base.merge(
            table, how="left", left_on=[IMAGE, up], right_on=[IMAGE, number]
        )
    if down in table:
        pairs = table.assign(**{down: numbers_of(table[down], down)})
    elif linking is not None and set(through) <= set(linking):
        links = linking[[IMAGE]].assign(
            **{c: numbers_of(linking[c], c) for c in through}
        )
        pairs = links.merge(
            table, left_on=[IMAGE, through[1]], right_on=[IMAGE, number]
        )
        pairs = pairs.drop(columns=through[1:])
        down = through[0]
    else:
        raise SchemaError(
            [
                f"objects are joined by Parent_ columns; found neither {up!r} nor "
                f"{down!r} nor both in {LINKING}. Give only tables that belong "
                f"together: cs.io.read_cellprofiler([{name}.csv])."
            ]
        )
    pairs = pairs[pairs[down].isin(base[own])]
    several = pairs.duplicated([IMAGE, down])
    if several.any():
        raise SchemaError(
            [
                f"each of {name} has one of {other}; found {int(several.sum())} with "
                "more. Leave that table out, or average it per cell first: "
                f"cs.io.read_cellprofiler([...]) without {other}."
            ]
        )
    if down in base:
        pairs = pairs.rename(columns={down: f"{down}_"})
        down = f"{down}_"
    return base.merge(pairs, how="left", left_on=[IMAGE, own], right_on=[IMAGE, down])


def _single_cells(table: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Bring the names of a joined table, as CytoTable writes it, to ours."""
    image = next((c for c in JOINED_IMAGE if c in table), None)
    found = {c.split("_", 1)[0] for c in table if "_" in c}
    names = [n for n in PRIMARY if n in found]
    if image is None or not names:
        raise SchemaError(
            [
                f"a table of single cells has an image number among "
                f"{listing(JOINED_IMAGE, 2)} and columns {listing(PRIMARY)}_...; found "
                f"{listing(table.columns)} in '{path}'. For any other table use "
                "cs.io.read_table(path, columns={...})."
            ]
        )
    table = table.rename(columns={image: IMAGE})
    table = table.rename(columns=_unprefixed(table))
    for i, name in enumerate(names):
        number = _number_of(table, name, bare=i == 0)
        if number is not None:
            table = table.rename(columns={number: f"{name}_{OBJECT}"})
    own = f"{names[0]}_{OBJECT}"
    if own not in table:
        raise SchemaError(
            [
                f"a table of single cells has an object number, Metadata_{OBJECT} or "
                f"Metadata_{own}; found {listing(table.columns)} in '{path}'. Export "
                "it with its object numbers."
            ]
        )
    runs = next((c for c in (f"Metadata_{TABLE}", TABLE) if c in table), None)
    if runs is not None:
        _check_whole(table, runs, path)
        table = table.rename(columns={runs: TABLE})
    for column in (IMAGE, own):
        _check_whole(table, column, path)
    _check_once(table, [*([TABLE] if runs else []), IMAGE, own], path)
    return table, names


def _unprefixed(table: pd.DataFrame) -> dict[str, str]:
    """Image_Metadata_Well -> Metadata_Well, where that name is free."""
    new = {c: c.removeprefix("Image_") for c in table if c.startswith("Image_")}
    return {
        c: n for c, n in new.items() if n.startswith("Metadata_") and n not in table
    }


def _number_of(table: pd.DataFrame, name: str, bare: bool) -> str | None:
    """Return the column with the numbers of an object, by any of its names."""
    options = [
        f"Metadata_{name}_{OBJECT}",
        f"Metadata_{name}_Number_Object_Number",
        f"{name}_{OBJECT}",
        f"{name}_Number_Object_Number",
        f"Metadata_{LINKING}_Parent_{name}",
        f"{LINKING}_Parent_{name}",
    ]
    if bare:
        options += [f"Metadata_{OBJECT}", OBJECT]
    return next((c for c in options if c in table), None)


def numbers_of(column: pd.Series, name: str) -> np.ndarray:
    """Whole numbers; NaN is 0, which means none."""
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    bad = column.notna() & ~((numbers % 1 == 0) & (numbers.abs() < 2**53))
    if bad.any():
        raise SchemaError(
            [
                f"{name} holds whole numbers, 0 or nothing for none; found "
                f"{int(bad.sum())} others: {listing(column[bad], 3)}. Export the table "
                "again."
            ]
        )
    return numbers.fillna(0).astype(np.int64).to_numpy()


def _check_whole(table: pd.DataFrame, column: str, path: Path) -> None:
    numbers = pd.to_numeric(table[column], errors="coerce").astype(float)
    bad = ~(numbers % 1 == 0) | (numbers.abs() > 2**53)
    if bad.any():
        raise SchemaError(
            [
                f"{column} holds whole numbers; found {int(bad.sum())} of {len(table)} "
                f"in '{path}' that are none: {listing(table[column][bad], 3)}. Drop "
                "those rows or export the table again."
            ]
        )
    table[column] = numbers.astype("int64")


def _check_once(table: pd.DataFrame, columns: list[str], path: Path) -> None:
    twice = table.duplicated(columns)
    if twice.any():
        rows = table.loc[twice, columns].to_numpy().tolist()
        raise SchemaError(
            [
                f"{' and '.join(columns)} name one row; found {int(twice.sum())} of "
                f"{len(table)} rows of '{path}' repeated: {listing(rows, 3)}. Give the "
                "tables of one run."
            ]
        )
