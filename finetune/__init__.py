"""From domain data to a served model, one folder a step."""

from pathlib import Path

from ingest.foundation.messages import add_catalogue

add_catalogue(Path(__file__).with_name("translations"))
