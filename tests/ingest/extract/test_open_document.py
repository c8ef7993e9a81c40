"""OpenDocument files: what stands beside paragraphs, in margins and in cells over several rows."""

import io
import zipfile
from pathlib import Path

from ingest.extract.extractor import read_file


def read(path: Path, kind: str, body: str, **parts: str) -> str:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        file.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        content = f"<document><body><{kind}>{body}</{kind}></body></document>"
        for name, source in {"content.xml": content, **parts}.items():
            file.writestr(name.replace("__", "/"), source)
    path.write_bytes(written.getvalue())
    return read_file(path).text


def test_what_is_anchored_in_a_paragraph_follows_it(tmp_path: Path) -> None:
    text = read(
        tmp_path / "a.odt",
        "text",
        "<p>The choir sings<note><note-citation>1</note-citation><note-body><p>Not if it rains.</p>"
        "</note-body></note> in<s/>the chapel<annotation><creator>Piera</creator><date>2026</date>"
        "<p>At nine?</p></annotation>.<frame><text-box><p>Polenta stand</p></text-box></frame></p>"
        "<p>The load is <frame><object href='./Object 1'/></frame>.</p>",
        **{
            "Object 1__content.xml": "<math><semantics><mfrac><mi>F</mi><mi>A</mi></mfrac>"
            "<annotation>F over A</annotation></semantics></math>",
            "styles.xml": "<styles><header><p>Pro Loco</p></header><footer><p>Page <page-number>3"
            "</page-number></p></footer></styles>",
        },
    )
    assert text.split("\n\n") == [
        *("The choir sings in the chapel.", "Not if it rains.", "Piera: At nine?", "Polenta stand"),
        *("The load is .", "F/A", "Pro Loco"),
    ]


def test_cell_over_several_rows_is_in_each_and_comments_follow_their_cell(tmp_path: Path) -> None:
    text = read(
        tmp_path / "a.ods",
        "spreadsheet",
        "<table name='Days'><table-row><table-cell><p>Day</p></table-cell><table-cell><p>Band</p>"
        "</table-cell></table-row><table-row><table-cell number-rows-spanned='2'><p>Saturday</p>"
        "</table-cell><table-cell><annotation><creator>Bo</creator><p>late</p></annotation>"
        "<p>I Fiulin</p></table-cell></table-row><table-row><covered-table-cell/><table-cell>"
        "<p>Banda Sesia</p></table-cell></table-row></table>",
    )
    assert "| Saturday | I Fiulin Bo: late |\n| Saturday | Banda Sesia |" in text


def test_a_table_within_a_cell_is_a_line_without_bars(tmp_path: Path) -> None:
    def row(*cells: str) -> str:
        inside = "".join(f"<table-cell>{each}</table-cell>" for each in cells)
        return f"<table-row>{inside}</table-row>"

    inner = row("<p>Summer</p>", "<p>SAE 40</p>") + row("<p>Winter</p>", "<p>SAE 10</p>")
    outer = row("<p>Part</p>", "<p>Value</p>") + row("<p>Oil</p>", f"<table>{inner}</table>")
    text = read(tmp_path / "a.odt", "text", f"<table>{outer}</table>")
    assert text.endswith("| Oil | Summer: SAE 40; Winter: SAE 10 |")


def test_items_below_an_item_are_items(tmp_path: Path) -> None:
    text = read(
        tmp_path / "a.odt",
        "text",
        "<list><list-item><p>Stage</p><list><list-item><p>Sound</p></list-item></list>"
        "</list-item></list>",
    )
    assert text == "- Stage\n\n- Sound"


def test_title_of_a_slide_is_a_heading(tmp_path: Path) -> None:
    text = read(
        tmp_path / "a.odp",
        "presentation",
        "<page><frame class='title'><text-box><p>Dogs</p></text-box></frame><notes><frame>"
        "<text-box><p>Slovnaft pays.</p></text-box></frame></notes></page>",
    )
    assert text == "# Dogs\n\nSlovnaft pays."
