"""Many pages and files at once: what `ingest` is given to read, and runs that resume."""
