"""The chat page: pixels only, fed by the same event stream as the terminal."""

from pathlib import Path

from ingest.foundation.messages import add_catalogue

add_catalogue(Path(__file__).with_name("translations"))
