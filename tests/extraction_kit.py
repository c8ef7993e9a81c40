"""What the extractor makes of the pages in tests/data/pages."""

from pathlib import Path

from ingest.documents import Document
from ingest.extract.extractor import extract
from tests.page_samples import page

PAGES = Path(__file__).parent / "data" / "pages"


def fixture(name: str) -> Document:
    return extract(page((PAGES / name).read_bytes()))
