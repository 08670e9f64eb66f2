"""What a worker holds, by camera: changed by one thread while others go through it."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import Generic, TypeVar

_V = TypeVar("_V")


class Roster(Mapping[str, _V], Generic[_V]):
    """A mapping that is replaced as a whole at each change, so that whoever goes through it sees one state."""

    def __init__(self, items: Mapping[str, _V]) -> None:
        self._items = dict(items)

    def __getitem__(self, camera_id: str) -> _V:
        return self._items[camera_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def items(self) -> ItemsView[str, _V]:
        return self._items.items()

    def values(self) -> ValuesView[_V]:
        return self._items.values()

    def put(self, camera_id: str, value: _V) -> None:
        """In the place of the former one, or at the end."""
        self._items = {**self._items, camera_id: value}

    def remove(self, camera_id: str) -> None:
        """Unknown ones are ignored."""
        self._items = {name: value for name, value in self._items.items() if name != camera_id}
