"""Movies that come with the package."""

from cellstate.datasets._shipped_movies import hela_h2b, hela_h2b_files

__all__ = ["hela_h2b", "hela_h2b_files"]
