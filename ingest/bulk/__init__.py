"""Many pages and files at once: what `ingest` is told to read, and runs that go on after a stop."""
