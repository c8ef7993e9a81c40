"""Jobs that are read in one go, and what has become of them together."""

from dataclasses import dataclass, field

from ui.jobs.ingest_job import IngestFailure, IngestJob


@dataclass(slots=True, kw_only=True, eq=False)
class IngestBatch:
    """Jobs that were begun while none, or another of them, was running."""

    jobs: list[IngestJob] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether all of them have ended."""
        return all(job.is_over for job in self.jobs)

    @property
    def stored(self) -> int:
        """How many documents were stored."""
        return sum(job.stored for job in self.jobs)

    @property
    def unchanged(self) -> int:
        """How many were as they had been."""
        return sum(job.unchanged for job in self.jobs)

    @property
    def failed(self) -> int:
        """How many could not be read."""
        return sum(job.failed for job in self.jobs)

    @property
    def settled(self) -> int:
        """How many have come to an end, whichever."""
        return sum(job.settled for job in self.jobs)

    @property
    def total(self) -> int:
        """How many there are to read, as far as it is known."""
        return sum(job.total for job in self.jobs)

    @property
    def failures(self) -> list[IngestFailure]:
        """The first failures of each job."""
        return [failure for job in self.jobs for failure in job.failures]

    @property
    def messages(self) -> list[str]:
        """What the jobs said at their end that could not begin."""
        return [job.message for job in self.jobs if job.message]

    def again(self) -> list[IngestJob]:
        """Return jobs that read what could not be read once more, each as it was to be read."""
        return [again for job in self.jobs for again in job.again()]
