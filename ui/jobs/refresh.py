"""Documents of the index that are fetched anew."""

from collections.abc import Iterable

from ingest.index.store.inventory import DocumentLine
from ui.jobs.ingest_job import IngestJob, jobs_for


def jobs_that_read_again(lines: Iterable[DocumentLine]) -> list[IngestJob]:
    """Return the jobs that fetch documents anew, for each collection into that alone."""
    urls: dict[str, list[str]] = {}
    for line in lines:
        # One that it is in: by the default they would be put into another one beside it.
        urls.setdefault(line.collections[0], []).append(line.url)
    return [
        job
        for collection, named in urls.items()
        for job in jobs_for(named, options=("--refresh", "--collection", collection))
    ]
