"""How long work reports where it is: parts get a `Progress`, so that none prints by itself."""

from types import TracebackType
from typing import Protocol, Self

from ingest.foundation.messages import Message


class Progress(Protocol):
    """Where the progress of long work is reported."""

    def stage(self, name: Message, *, total: int | None = None) -> "ProgressStage":
        """Begin a stage of `total` units, None where the number is not known."""
        ...

    def note(self, text: Message) -> None:
        """Report something that is worth a line of its own."""
        ...


class ProgressStage(Protocol):
    """One stage of the work, from `with` to its end."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def advance(self, units: int = 1, *, detail: str = "") -> None:
        """Report that `units` more are done; `detail` is beside the bar ("loss 0.42")."""
        ...


class SilentProgress:
    """Progress that is not shown; it is its own stage. `notes` keeps what was noted."""

    def __init__(self) -> None:
        self.notes: list[Message] = []

    def stage(self, name: Message, *, total: int | None = None) -> "SilentProgress":
        """Return itself: stages leave nothing behind."""
        return self

    def note(self, text: Message) -> None:
        """Keep the line in `notes`."""
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

    def advance(self, units: int = 1, *, detail: str = "") -> None:
        """Do nothing."""
