"""The built-in encoder of today, unpacked once for the tests of a module."""

from pathlib import Path

from ingest.index.embed.e5_file import INSTALL
from ingest.index.embed.e5_model import find_e5_file
from ingest.index.embed.multilingual import MultilingualEmbedder


def open_packaged(base: Path) -> MultilingualEmbedder:
    """Return multilingual-e5-small with its files below `base`, the same for all who ask there."""
    file = find_e5_file(base)
    assert file is not None, INSTALL
    return MultilingualEmbedder(weights=file, cache=base / "encoder", threads=1)
