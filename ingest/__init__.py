"""Everything between a URL (or a file) and a searchable chunk."""

from pathlib import Path

from ingest.foundation.messages import add_catalogue

add_catalogue(Path(__file__).with_name("translations"))
