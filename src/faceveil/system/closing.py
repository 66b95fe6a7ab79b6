"""Objects that end with the ``with`` block in which they were opened."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closing(ABC):
    """Closed at the end of the block."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Aborting(Closing):
    """Aborted at the end of the block, unless it was committed by then."""

    @abstractmethod
    def abort(self) -> None: ...

    def close(self) -> None:
        self.abort()
