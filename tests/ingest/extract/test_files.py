"""Documents of an office become text, with no network and no model."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.errors import ExtractError
from ingest.extract.extractor import read_file
from tests.file_samples import pdf
from tests.internet.net import Internet


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An internet without a single host: whoever asks for one is found out."""
    with Internet().serve() as net:
        for name, value in net.variables.items():
            monkeypatch.setenv(name, value)
        yield
        assert net.refused == []


def test_pdf_lines_are_joined_into_sentences(tmp_path: Path) -> None:
    path = tmp_path / "rules.pdf"
    path.write_bytes(
        pdf("Night rules", "A drone may fly at night only if its lamp", "can be seen from afar.")
    )
    document = read_file(path)
    assert document.text == (
        "Night rules\nA drone may fly at night only if its lamp can be seen from afar."
    )
    assert (document.title, document.url) == ("Night rules", path.resolve().as_uri())


def test_word_document_keeps_headings_lists_and_tables(tmp_path: Path) -> None:
    import docx

    word = docx.Document()
    word.add_heading("夜间飞行手册", 1)
    word.add_paragraph("无人机夜间飞行需要灯光。飞行前须申请。")
    word.add_heading("Rules", 2)
    word.add_paragraph("Keep it below 120 m", style="List Bullet")
    table = word.add_table(2, 2)
    for row, cells in enumerate([("item", "price"), ("lamp", "80")]):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    path = tmp_path / "manual.docx"
    word.save(str(path))
    assert read_file(path).text == (
        "# 夜间飞行手册\n\n无人机夜间飞行需要灯光。飞行前须申请。\n\n## Rules\n\n"
        "- Keep it below 120 m\n\n| item | price |\n|---|---|\n| lamp | 80 |"
    )


def test_slides_give_their_titles_and_points(tmp_path: Path) -> None:
    import pptx

    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "夜航"
    slide.placeholders[1].text = "带灯\nCheck the lamp"
    path = tmp_path / "deck.pptx"
    deck.save(str(path))
    assert read_file(path).text == "# 夜航\n\n- 带灯\n\n- Check the lamp"


def test_mail_is_titled_by_its_subject(tmp_path: Path) -> None:
    path = tmp_path / "mail.eml"
    path.write_text(
        "From: a@example.com\nTo: b@example.com\nSubject: Night flight\n"
        "Content-Type: text/plain; charset=utf-8\n\nHello,\n\nthe lamp is here.\n"
    )
    document = read_file(path)
    assert document.title == "Night flight"
    assert "the lamp is here." in document.text


@pytest.mark.parametrize(
    "body",
    [
        "<body></body>",
        '<body><div id="root"></div></body>',
        "<body><noscript>You need to enable JavaScript to run this app.</noscript></body>",
    ],
)
def test_saved_page_without_its_text_asks_for_the_address_and_no_browser(
    tmp_path: Path, body: str
) -> None:
    path = tmp_path / "page.html"
    path.write_text(f"<html><head><script src='app.js'></script></head>{body}</html>")
    with pytest.raises(ExtractError) as caught:
        read_file(path)
    assert caught.value.reason == "empty"
    shown = caught.value.full_message
    assert "scripts write it: give its address" in shown.localize("en")
    assert "脚本" in shown.localize("zh")
    assert "Chromium" not in shown.localize("en")


@pytest.mark.parametrize("name", ["broken.pdf", "broken.docx", "broken.pptx"])
def test_broken_file_says_so(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"%PDF-1.7 or not")
    with pytest.raises(ExtractError) as caught:
        read_file(tmp_path / name)
    assert caught.value.reason == "unsupported"
    assert name in caught.value.localize("en")
