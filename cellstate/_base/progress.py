"""One honest progress bar."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm.auto import tqdm

from cellstate._base.settings import settings

T = TypeVar("T")


def progress(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Iterate and show how far it is; silent when ``settings.progress`` is off."""
    yield from tqdm(items, desc=what, total=total, disable=not settings.progress)
