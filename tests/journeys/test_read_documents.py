"""`assistant read` of files that are no pages."""

import pytest

from ingest.extract.registry import PDF
from tests import file_samples
from tests.file_samples import SENTENCE
from tests.internet.net import Internet
from tests.journeys.conftest import Shell


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (PDF.media_types[0], file_samples.pdf(SENTENCE)),
        ("application/vnd.ms-outlook", file_samples.msg("Tides", SENTENCE)),
    ],
)
def test_document_on_the_web_is_downloaded_and_read(
    shell: Shell, net: Internet, media_type: str, body: bytes
) -> None:
    net.page("https://files.test/tides", body, content_type=media_type)
    assert SENTENCE in shell("assistant", "read", "https://files.test/tides").stdout
