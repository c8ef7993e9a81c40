"""How long work tells where it stands: one small promise, so that no part prints by itself."""

from types import TracebackType
from typing import Protocol, Self

from ingest.foundation.messages import Message


class Progress(Protocol):
    """Where news of long work goes."""

    def stage(self, name: Message, *, total: int | None = None) -> "ProgressStage":
        """Begin a stretch of work of `total` units, None if nobody knows how many."""
        ...

    def note(self, text: Message) -> None:
        """Say something that is worth a line of its own."""
        ...


class ProgressStage(Protocol):
    """One stretch of work, from `with` to its end."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def advance(self, units: int = 1, *, told: str = "") -> None:
        """Tell that `units` more are done; `told` stands beside the bar ("loss 0.42")."""
        ...


class SilentProgress:
    """Progress that nobody looks at; it is its own stage. `notes` keeps what was said."""

    def __init__(self) -> None:
        self.notes: list[Message] = []

    def stage(self, name: Message, *, total: int | None = None) -> "SilentProgress":
        return self

    def note(self, text: Message) -> None:
        self.notes.append(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def advance(self, units: int = 1, *, told: str = "") -> None:
        return None
