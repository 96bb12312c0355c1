"""Package-wide settings, validated, changed for good or for one block."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields


@dataclass
class Settings:
    """What every call shares.

    Attributes
    ----------
    progress
        Show a progress bar on long steps.

    Examples
    --------
    >>> from cellstate import settings
    >>> with settings.override(progress=False):
    ...     settings.progress
    False
    """

    progress: bool = True

    def __setattr__(self, name: str, value: object) -> None:
        known = [f.name for f in fields(self)]
        if name not in known:
            raise AttributeError(f"no setting {name!r}; found {known}.")
        if name == "progress" and not isinstance(value, bool):
            raise TypeError(f"`progress` must be True or False; found {value!r}.")
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


settings = Settings()
