"""Documents as their readers know them: nothing of them vanishes, and none of it is noise."""

import base64
import io
import json
import sys
import zipfile
from pathlib import Path

import pytest

from ingest.documents import Document
from ingest.errors import ExtractError
from ingest.extract.extractor import read_file
from tests import file_samples
from tests.file_samples import zipped

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def read(path: Path, body: bytes | str) -> Document:
    path.write_bytes(body.encode() if isinstance(body, str) else body)
    return read_file(path)


def word(body: str, **parts: str) -> bytes:
    document = f"<w:document {W}><w:body>{body}</w:body></w:document>"
    return zipped({"word/document.xml": document} | {f"word/{k}.xml": v for k, v in parts.items()})


def run(text: str) -> str:
    return f"<w:r><w:t>{text}</w:t></w:r>"


def test_word_keeps_what_is_inserted_and_drops_what_is_deleted(tmp_path: Path) -> None:
    body = (
        f"<w:p>{run('The fee is ')}<w:del><w:r><w:delText>3</w:delText></w:r></w:del>"
        f"<w:ins>{run('7 percent')}</w:ins>{run(' of the rent.')}</w:p>"
        f"<w:p>{run('The budget is ')}<w:sdt><w:sdtContent>{run('52,000 crowns')}</w:sdtContent>"
        f"</w:sdt>{run(' a year.')}</w:p>"
        f"<w:sdt><w:sdtContent><w:p>{run('Leader: Amal Zaher')}</w:p></w:sdtContent></w:sdt>"
    )
    text = read(tmp_path / "a.docx", word(body)).text
    assert text == (
        "The fee is 7 percent of the rent.\n\nThe budget is 52,000 crowns a year."
        "\n\nLeader: Amal Zaher"
    )


def test_word_keeps_text_boxes_notes_comments_and_formulas(tmp_path: Path) -> None:
    box = f"<w:pict><w:txbxContent><w:p>{run('Hotline 7719')}</w:p></w:txbxContent></w:pict>"
    formula = "<m:oMath xmlns:m='m'><m:f><m:num><m:r><m:t>a</m:t></m:r></m:num><m:den><m:r>"
    formula += "<m:t>2b</m:t></m:r></m:den></m:f></m:oMath>"
    body = (
        f"<w:p>{run('Two years.')}<w:r><w:footnoteReference w:id='2'/></w:r></w:p>"
        f"<w:p>{run('Soon.')}<w:r><w:commentReference w:id='0'/></w:r></w:p>"
        f"<w:p><w:r>{box}</w:r>{run('Drag is')}{formula}</w:p>"
    )
    footnotes = f"<w:footnotes {W}><w:footnote w:id='2'><w:p>{run('Lamps: one year.')}</w:p>"
    comments = f"<w:comments {W}><w:comment w:id='0' w:author='Okoro'><w:p>{run('Week 40.')}</w:p>"
    header = f"<w:hdr {W}><w:p>{run('Contract 4471')}</w:p><w:p>{run('Page 1 of 9')}</w:p></w:hdr>"
    text = read(
        tmp_path / "a.docx",
        word(
            body,
            footnotes=f"{footnotes}</w:footnote></w:footnotes>",
            comments=f"{comments}</w:comment></w:comments>",
            header2=header,
        ),
    ).text
    assert text == (
        "Two years.\n\nLamps: one year.\n\nSoon.\n\nOkoro: Week 40.\n\nDrag is a/2b"
        "\n\nHotline 7719\n\nContract 4471"
    )


def test_word_paragraph_that_begins_with_a_number_sign_is_no_heading(tmp_path: Path) -> None:
    document = read(tmp_path / "bolts.docx", word(f"<w:p>{run('# 5 bolts of steel')}</w:p>"))
    assert document.text == r"\# 5 bolts of steel"


def test_slides_keep_notes_and_the_data_of_charts(tmp_path: Path) -> None:
    import pptx
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE

    deck, written = pptx.Presentation(), io.BytesIO()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Accidents"
    data = CategoryChartData()
    data.categories = ["Oslo", "Bergen"]
    data.add_series("2025", (4, 17))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, 4_000_000, 3_000_000, data)
    slide.notes_slide.notes_text_frame.text = "Bergen needs a new crane."
    deck.save(written)
    text = read(tmp_path / "deck.pptx", written.getvalue()).text
    assert "| Bergen | 17" in text
    assert "Bergen needs a new crane." in text
    assert "\n- \n" not in text


def test_pdf_joins_what_paper_broke_and_drops_what_every_page_repeats(tmp_path: Path) -> None:
    document = read(
        tmp_path / "a.pdf",
        file_samples.pdf("The authori-", "zation of travel needs two signa-", "tures. The end."),
    )
    assert "authorization of travel needs two signatures." in document.text


def test_pdf_named_by_its_metadata_only_where_somebody_gave_a_title(tmp_path: Path) -> None:
    plain = file_samples.pdf("Night rules", "Lamps are lit at six in the evening every day.")
    assert read(tmp_path / "rules.pdf", plain).title == "Night rules"


def test_pages_of_paper_are_known_also_where_a_sentence_goes_on_over_them(tmp_path: Path) -> None:
    pages = (
        ["Night rules", "Lamps are lit at six in the evening every day of the year."],
        [],
        ["The guard walks along the quay and looks at all the moor-"],
        ["ings of the boats.", "Nobody sleeps on board."],
    )
    document = read(tmp_path / "rules.pdf", file_samples.pdf_of_pages(*pages))
    text, starts = document.text, document.page_starts
    assert "\f" not in text
    assert "all the moorings of the boats." in text
    assert len(starts) == 4
    assert [text[start:].split()[0] for start in starts] == ["Night", "The", "The", "ings"]


def test_text_is_checked_to_be_text(tmp_path: Path) -> None:
    sentence = "The ferry leaves at nine."
    assert read(tmp_path / "report", file_samples.pdf(sentence)).text == sentence
    assert read(tmp_path / "letter.txt", file_samples.docx(sentence)).text == sentence
    assert read(tmp_path / "noext", file_samples.docx(sentence)).text == sentence


def test_utf_16_without_its_mark_and_a_stray_nul_are_text(tmp_path: Path) -> None:
    sentence = "The warehouse closes at ten and the guard keeps the key."
    assert read(tmp_path / "a.txt", sentence.encode("utf-16-le")).text == sentence
    assert read(tmp_path / "b.txt", f"{sentence}\0 {sentence}").text == f"{sentence} {sentence}"


def test_workbook_and_separated_values_give_each_row_the_names_of_its_columns(
    tmp_path: Path,
) -> None:
    import openpyxl

    rows = [("Number", "Customer", "City"), *((n, f"Customer {n}", "Cairo") for n in range(200))]
    book, written = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(written)
    separated = "\n".join(";".join(map(str, row)) for row in rows)
    for name, body in (("a.xlsx", written.getvalue()), ("a.csv", separated)):
        text = read(tmp_path / name, body).text
        assert "- Number: 123; Customer: Customer 123; City: Cairo" in text.splitlines()


def test_short_table_stays_a_table(tmp_path: Path) -> None:
    text = read(tmp_path / "a.tsv", "Station\tHeight\nJungfraujoch\t3454 m\n").text
    assert text == "| Station | Height |\n|---|---|\n| Jungfraujoch | 3454 m |"


def test_json_lines_notebooks_and_subtitles_are_sentences(tmp_path: Path) -> None:
    records = "\n".join(json.dumps({"name": n, "price": {"usd": 4}}) for n in ("oak", "elm"))
    assert read(tmp_path / "a.jsonl", records).text == (
        "- name: oak; price.usd: 4\n\n- name: elm; price.usd: 4"
    )
    cells = [
        {"cell_type": "markdown", "source": ["# Tides\n", "They turn."]},
        {"cell_type": "code", "source": "# no heading", "outputs": [{"text": ["42\n"]}]},
    ]
    notebook = read(tmp_path / "a.ipynb", json.dumps({"cells": cells}))
    assert notebook.title == "Tides"
    assert notebook.text == "# Tides\nThey turn.\n\n```\n# no heading\n```\n\n42"
    cues = (
        "1\n00:00:01,000 --> 00:00:02,000\nThe volcano last\n\n2\n00:00:03,000 --> 00:00:04,000\n"
    )
    for name in ("a.srt", "a.txt"):
        assert read(tmp_path / name, f"{cues}<i>erupted in 1867.</i>\n").text == (
            "The volcano last erupted in 1867."
        )


def test_books_letters_and_code(tmp_path: Path) -> None:
    assert read(tmp_path / "a.epub", file_samples.epub("Rye", "It rests.")).title == "Rye"
    assert read(tmp_path / "a.odt", file_samples.odt("It rests.")).text == "It rests."
    assert read(tmp_path / "a.rtf", r"{\rtf1\ansi Rye {\b rests}.\par}").text == "Rye rests."
    code = read(tmp_path / "a.py", "# a comment\nprint(1)\n")
    assert "\n# a comment\n" in code.text
    assert code.title != "a comment"
    assert read(tmp_path / "a.org", "* Rye\nIt rests.\n").title == "Rye"
    assert read(tmp_path / "a.rst", "Rye\n===\n\nIt rests.\n").title == "Rye"
    assert read(tmp_path / "a.tex", "\\section{Rye}\nIt rests.\n").title == "Rye"


def test_markdown_titles_come_from_front_matter_and_underlines(tmp_path: Path) -> None:
    front = "---\ntitle: The Heron service\nauthor: Jo\ndate: 2026-02-03\n---\nIt listens.\n"
    document = read(tmp_path / "a.md", f"{front}\n## Restart\n")
    assert (document.title, document.author) == ("The Heron service", "Jo")
    assert str(document.published) == "2026-02-03"
    assert "author: Jo" in document.text
    fenced = "```\n# apt-get update\n```\n\nInstall notes\n=====\n\nRenew it.\n"
    assert read(tmp_path / "b.md", fenced).title == "Install notes"
    picture = f"# Photo\n\n![x](data:image/png;base64,{'iVBO' * 3000})\n\nBuilt in 1911.\n"
    assert len(read(tmp_path / "c.md", picture).text) < 60
    assert read(tmp_path / "d.md", "<div align=center><h1>Falcon</h1></div>\n").title == "Falcon"


def mail(*lines: str) -> str:
    return "\n".join(lines)


def test_mail_says_who_wrote_when_and_what_is_attached(tmp_path: Path) -> None:
    attached = file_samples.docx("Delivery takes five weeks.")
    import base64

    document = read(
        tmp_path / "a.eml",
        mail(
            "From: Ann <ann@example.com>",
            "To: bob@example.com",
            "Date: Mon, 02 Nov 2026 09:00:00 +0000",
            "Subject: Boiler",
            'Content-Type: multipart/mixed; boundary="x"',
            "",
            "--x",
            "Content-Type: text/plain",
            "",
            "We accept 18,400.",
            "> our price is 19,900",
            "--x",
            "Content-Type: application/octet-stream",
            'Content-Disposition: attachment; filename="terms.docx"',
            "Content-Transfer-Encoding: base64",
            "",
            base64.b64encode(attached).decode(),
            "--x",
            'Content-Type: image/png; name="logo.png"',
            "",
            "x",
            "--x--",
        ),
    )
    assert document.title == "Boiler"
    assert document.author == "Ann <ann@example.com>"
    assert str(document.published) == "2026-11-02"
    for line in ("From: Ann <ann@example.com>", "> our price is 19,900", "## terms.docx"):
        assert line in document.text
    assert "Delivery takes five weeks." in document.text
    (note,) = document.notes
    assert "logo.png is not read" in note.localize("en")


def test_mail_in_utf8_that_names_no_charset_is_read(tmp_path: Path) -> None:
    document = read(
        tmp_path / "a.eml", "Subject: x\nFrom: a@b.test\n\n会议室在三楼，门禁另行通知。"
    )
    assert "会议室在三楼" in document.text
    box = "From a Mon Nov  2 09:00:00 2026\nSubject: one\n\nFirst.\n\n"
    box += "From b Mon Nov  2 09:01:00 2026\nSubject: two\n\nSecond.\n"
    assert "# two\n\nSecond." in read(tmp_path / "a.mbox", box).text
    assert read(tmp_path / "b.eml", "Subject: EOM lunch at noon\nTo: c@d.test\n\n").text


def test_bomb_in_a_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("word/document.xml", b"<a>" + b" " * 60_000_000 + b"</a>")
    with pytest.raises(ExtractError, match="takes too much memory") as caught:
        read_file(tmp_path / "a.docx")
    assert caught.value.reason == "too_large"


def attached(name: str, body: bytes) -> str:
    return "\n".join(
        (
            "Subject: Boiler",
            "From: Ann <ann@example.com>",
            f'Content-Type: application/octet-stream; name="{name}"',
            "Content-Transfer-Encoding: base64",
            "",
            base64.encodebytes(body).decode(),
        )
    )


def test_bomb_in_a_mail_leaves_the_mail_readable(tmp_path: Path) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("word/document.xml", b"<a>" + b" " * 60_000_000 + b"</a>")
    document = read(tmp_path / "a.eml", attached("terms.docx", bomb.getvalue()))
    assert "Ann <ann@example.com>" in document.text
    (note,) = document.notes
    assert note.localize("zh") == "读取附件 terms.docx 占用内存过多"


def test_attachment_that_needs_an_extra_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = file_samples.xlsx("Five weeks.")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    document = read(tmp_path / "a.eml", attached("terms.xlsx", terms))
    (note,) = document.notes
    assert "terms.xlsx needs an optional dependency: pip install" in note.localize("en")
    assert "[files]" in note.localize("en")


def test_lines_above_the_head_of_a_sheet_are_no_head(tmp_path: Path) -> None:
    import openpyxl

    book, written = openpyxl.Workbook(), io.BytesIO()
    for row in (["员工通讯录 2025"], [], ["姓名", "部门", "分机"], ["李敏", "采购部", 8002]):
        book.active.append(row)
    book.save(written)
    lines = read(tmp_path / "a.xlsx", written.getvalue()).text.splitlines()
    assert lines[0] == "员工通讯录 2025"
    assert lines[2:] == ["| 姓名 | 部门 | 分机 |", "|---|---|---|", "| 李敏 | 采购部 | 8002 |"]
    table = read(tmp_path / "a.csv", b"Prices of May,,\nitem,price,unit\nrope,4,m\n").text
    assert table.startswith("Prices of May\n\n| item | price | unit |")


def test_a_formula_without_a_value_is_shown_and_counted(tmp_path: Path) -> None:
    import openpyxl

    book, written = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["Item", "Quantity", "Total"])
    book.active.append(["Rope", 40, "=B2*2"])
    book.save(written)
    document = read(tmp_path / "a.xlsx", written.getvalue())
    assert "| Rope | 40 | =B2*2 |" in document.text
    assert "1 formula of sheet Sheet has no value yet" in document.notes[0].localize("en")


def test_pages_of_a_pdf_in_a_mail_are_named(tmp_path: Path) -> None:
    from email.message import EmailMessage

    mail = EmailMessage()
    mail["Subject"] = "Agenda"
    mail.set_content("See below.")
    body = file_samples.pdf_of_pages(["First.", "The budget is 81,000."], ["The vote is late."])
    mail.add_attachment(body, maintype="application", subtype="pdf", filename="agenda.pdf")
    lines = read(tmp_path / "a.eml", mail.as_bytes()).text.splitlines()
    heading = lines.index("##### agenda.pdf, page 2")
    assert "The budget is 81,000." in "\n".join(lines[:heading])
    assert "The vote is late." in "\n".join(lines[heading:])


def test_a_bar_in_a_table_of_a_file_stays_one(tmp_path: Path) -> None:
    short = b"name,command\nlong names,ls | sort\nwords,wc\n"
    assert "| long names | ls \\| sort |" in read(tmp_path / "a.csv", short).text
    long = b"name,command\n" + b"long names,ls | sort\nwords,wc\n" * 30
    assert "name: long names; command: ls | sort" in read(tmp_path / "b.csv", long).text
