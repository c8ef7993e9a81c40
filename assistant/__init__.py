"""Everything between a question and a cited answer."""

from pathlib import Path

from ingest.foundation.messages import add_catalogue

add_catalogue(Path(__file__).with_name("translations"))
