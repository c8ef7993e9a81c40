"""How much of an answer the passages support, as figures and in one plain sentence."""

from dataclasses import dataclass

from assistant.values import SentenceVerdict
from ingest.foundation.messages import Message


@dataclass(slots=True)
class TrustCount:
    """Counts the verdicts on the sentences of one answer."""

    supported: int = 0
    unsupported: int = 0
    """Shown sentences that no passage supports."""
    unchecked: int = 0
    dropped: int = 0
    """Unsupported, and left out of the answer."""

    def add(self, verdict: SentenceVerdict, *, dropped: bool) -> None:
        """Count one sentence."""
        if verdict.kind in ("supported", "re_attached"):
            self.supported += 1
        elif verdict.kind == "unsupported" and dropped:
            self.dropped += 1
        elif verdict.kind == "unsupported":
            self.unsupported += 1
        elif verdict.kind == "unchecked":
            self.unchecked += 1

    @property
    def share(self) -> float | None:
        """The share of the claims shown that a passage supports, None if there was no claim.

        "Unchecked" is neither: it would make trust of what was not compared.
        """
        claims = self.supported + self.unsupported
        return self.supported / claims if claims else None

    @property
    def has_nothing_left(self) -> bool:
        """Whether all that the answer claimed was left out."""
        return self.dropped > 0 and not (self.supported or self.unchecked)

    def note(self) -> Message | None:
        """Return the share as a sentence for people, None if there is nothing to tell."""
        claims = self.supported + self.unsupported
        if not claims:
            return (
                Message(
                    "The sources are in another language: of the statements only the numbers "
                    "were compared."
                )
                if self.unchecked
                else None
            )
        if claims == 1:
            return Message(
                "The one statement stands in the sources."
                if self.supported
                else "The one statement does not stand in the sources as it is said here."
            )
        if not self.unsupported:
            return Message("All {claims} statements stand in the sources.", claims=claims)
        return Message(
            "{supported} of {claims} statements stand in the sources; (?) marks those that do not.",
            supported=self.supported,
            claims=claims,
        )

    def dropped_note(self) -> Message:
        """Return how many sentences were left out, for people."""
        return Message(
            "{count} {count:?sentence that stands in no source was|sentences that stand in no "
            "source were} left out",
            count=self.dropped,
        )
