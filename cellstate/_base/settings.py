"""Package-wide settings, validated, changed for good or for one block."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass
class Settings:
    """What every call shares.

    Attributes
    ----------
    progress
        Show a progress bar on long steps.
    data_folder
        Where larger public data sets are looked up; the environment variable
        ``CELLSTATE_DATA`` sets it at start.

    Examples
    --------
    >>> from cellstate import settings
    >>> with settings.override(progress=False):
    ...     settings.progress
    False
    """

    progress: bool = True
    data_folder: Path | None = None

    def __setattr__(self, name: str, value: object) -> None:
        known = [f.name for f in fields(self)]
        if name not in known:
            raise AttributeError(f"no setting {name!r}; found {known}.")
        if name == "progress" and not isinstance(value, bool):
            raise TypeError(f"`progress` must be True or False; found {value!r}.")
        if name == "data_folder" and value is not None:
            value = Path(value)
        super().__setattr__(name, value)

    @contextmanager
    def override(self, **changes: object) -> Iterator["Settings"]:
        """Change settings inside a ``with`` block only."""
        before = {name: getattr(self, name) for name in changes}
        try:
            for name, value in changes.items():
                setattr(self, name, value)
            yield self
        finally:
            for name, value in before.items():
                setattr(self, name, value)


settings = Settings(data_folder=os.environ.get("CELLSTATE_DATA"))
