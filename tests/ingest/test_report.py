"""What became of pages, as people and as pipes read it."""

import json

import pytest

from ingest.events import PageSkipped
from ingest.foundation.messages import Language, Message
from ingest.report import Report, page_line

PAGE = PageSkipped(
    url="https://a.test/", reason="too_large", detail=Message.bilingual("6 MB", "6 兆字节")
)


@pytest.mark.parametrize(("language", "detail"), [("en", "6 MB"), ("zh", "6 兆字节")])
def test_detail_of_a_skipped_page_is_in_the_language_of_the_command(
    language: Language, detail: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Report(language=language, as_json=True).add(PAGE)
    assert json.loads(capsys.readouterr().out)["detail"] == detail
    assert detail in page_line(PAGE, language)
