"""Any file to rows: encodings, containers, and what is broken in them."""

import codecs
import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.files.charset import codec_of
from finetune.data.files.opening import detect_container, raw_rows
from finetune.data.rows import RejectedRow
from finetune.errors import DataError
from finetune.records import RawRow

LIMIT = 100_000
QUESTION = "无人机进入禁飞区怎么办？"


def rows_of(
    path: Path, *, encoding: str = "auto", limit: int = LIMIT
) -> list[RawRow | RejectedRow]:
    return list(raw_rows(path, encoding=encoding, limit=limit))


def fields_of(rows: Sequence[RawRow | RejectedRow]) -> list[object]:
    return [dict(row.fields) if isinstance(row, RawRow) else None for row in rows]


def written(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("encoding", "mark", "found"),
    [
        ("utf-8", b"", "utf-8"),
        ("utf-8", codecs.BOM_UTF8, "utf-8-sig"),
        ("gbk", b"", "gb18030"),
        ("big5", b"", "big5hkscs"),
        ("utf-16-le", codecs.BOM_UTF16_LE, "utf-16"),
    ],
)
def test_encoding_of_a_table_is_found_out(
    tmp_path: Path, encoding: str, mark: bytes, found: str
) -> None:
    text = "無人機飛行時，電池電量不足，應該立即返航並降落在安全的地方。" * 4
    path = written(tmp_path, "a.csv", mark + f"text,label\n{text},安全\n".encode(encoding))
    assert codec_of(path) == found
    assert fields_of(rows_of(path)) == [{"text": text, "label": "安全"}]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Перед полётом проверьте заряд батареи и погоду."),
        ("cp1253", "Πριν από την πτήση ελέγξτε την μπαταρία και τον καιρό."),
        ("cp932", "飛行の前に電池と天気を確かめてください。"),
    ],
)
def test_tables_of_other_languages_are_read(tmp_path: Path, encoding: str, text: str) -> None:
    path = written(tmp_path, "a.csv", f"text\n{text * 4}\n".encode(encoding))
    assert fields_of(rows_of(path)) == [{"text": text * 4}]


def test_gbk_far_behind_plain_ascii_is_found_out(tmp_path: Path) -> None:
    ascii_rows = "".join(f"row {number},ok\n" for number in range(120_000))
    body = f"text,label\n{ascii_rows}".encode() + f"{QUESTION * 5},问题\n".encode("gbk")
    rows = rows_of(written(tmp_path, "a.csv", body))
    assert fields_of(rows[-1:]) == [{"text": QUESTION * 5, "label": "问题"}]


def test_encoding_that_the_recipe_names_is_taken(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "text\né\n".encode("cp1252"))
    assert fields_of(rows_of(path, encoding="cp1252")) == [{"text": "é"}]


@pytest.mark.parametrize("encoding", ["klingon", "hex"])
def test_unknown_encoding_is_refused_by_name(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, "a.csv", "text\na\n")
    with pytest.raises(DataError, match=f"unknown encoding {encoding}"):
        rows_of(path, encoding=encoding)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf \n", "the file is empty"),
        (b"PK\x03\x04abc", "a ZIP archive"),
        (b"\x1f\x8babc", "a gzip archive"),
        (b"PAR1abc", "no Parquet file that can be read"),
        (b"\x00\x01\x02", "a binary file"),
    ],
)
def test_file_without_text_is_refused_with_its_name(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = written(tmp_path, "data.jsonl", content)
    with pytest.raises(DataError, match=message) as caught:
        rows_of(path)
    assert "data.jsonl" in caught.value.localize("zh")
    assert caught.value.hint.localize("zh")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no data file"):
        rows_of(tmp_path / "none.jsonl")


def test_jsonl_passes_over_blank_lines_and_names_lines(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", '\n{"a": 1}\n  \r\n{"a": 2}\r\n{"a": \n[1]\n{"a": 3}')
    rows = rows_of(path)
    assert [row.source for row in rows] == [f"a.jsonl:{line}" for line in (2, 4, 5, 6, 7)]
    assert fields_of(rows) == [{"a": 1}, {"a": 2}, None, None, {"a": 3}]


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a": ' + "9" * 10_000 + "}"])
def test_json_that_breaks_parsers_is_a_bad_row(tmp_path: Path, body: str) -> None:
    path = written(tmp_path, "a.jsonl", f'{{"a": 1}}\n{body}\n{{"a": 2}}\n')
    assert fields_of(rows_of(path, limit=1_000_000)) == [{"a": 1}, None, {"a": 2}]


def test_row_of_ten_megabytes_is_quarantined_without_being_held(tmp_path: Path) -> None:
    huge = json.dumps({"a": "x" * 10_000_000})
    path = written(tmp_path, "a.jsonl", f'{{"a": 1}}\n{huge}\n{{"a": 2}}\n')
    tracemalloc.start()
    rows = rows_of(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fields_of(rows) == [{"a": 1}, None, {"a": 2}]
    assert isinstance(rows[1], RejectedRow)
    assert "longer than 100,000 bytes" in rows[1].message.localize("en")
    assert len(rows[1].raw) == 2_000
    assert peak < 3_500_000  # the search for the encoding reads blocks of a megabyte


def test_limit_counts_bytes_not_characters(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", json.dumps({"a": "字" * 400}, ensure_ascii=False) + "\n")
    assert fields_of(rows_of(path, limit=1_000)) == [None]
    assert len(fields_of(rows_of(path, limit=2_000))) == 1


@pytest.mark.parametrize("indent", [None, 2])
def test_array_is_read_element_by_element(tmp_path: Path, indent: int | None) -> None:
    given = [{"a": number, "b": [{"a": "},{"}]} for number in range(5_000)]
    path = written(tmp_path, "a.json", json.dumps(given, indent=indent))
    rows = rows_of(path)
    assert fields_of(rows) == given
    assert rows[-1].source == "a.json:5000"


def test_array_is_never_held_whole(tmp_path: Path) -> None:
    rows = json.dumps([{"a": "x" * 1_000} for _ in range(20_000)])
    path = written(tmp_path, "a.json", rows)
    tracemalloc.start()
    count = sum(1 for _ in raw_rows(path, encoding="auto", limit=LIMIT))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 3_500_000


def test_broken_element_of_an_array_costs_itself_alone(tmp_path: Path) -> None:
    body = '[{"a": 1, "b": [{"c": 1}]}, {"a": oops, "b": [{"c": 1}, {"c": 2}]}, {"a": 3}]'
    assert fields_of(rows_of(written(tmp_path, "a.json", body))) == [
        {"a": 1, "b": [{"c": 1}]},
        None,
        {"a": 3},
    ]


def test_broken_first_element_and_cut_last_one_are_named(tmp_path: Path) -> None:
    body = '[{"a" 1}, {"a": 2}, {"a": 3, "b": "never clo'
    assert fields_of(rows_of(written(tmp_path, "a.json", body))) == [None, {"a": 2}, None]


def test_element_that_is_too_long_is_passed_over(tmp_path: Path) -> None:
    given = [{"a": 1}, {"a": 'x{"a": ' * 100_000}, {"a": 3}]
    rows = rows_of(written(tmp_path, "a.json", json.dumps(given)))
    assert fields_of(rows) == [{"a": 1}, None, {"a": 3}]
    assert isinstance(rows[1], RejectedRow)
    assert "longer than" in rows[1].reason.localize("en")


def test_elements_that_are_no_objects_are_bad_rows(tmp_path: Path) -> None:
    rows = rows_of(written(tmp_path, "a.json", '["a", 3, {"a": 1}, null]'))
    assert fields_of(rows) == [None, None, {"a": 1}, None]


def test_objects_spread_over_lines_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", '{\n "a": 1\n}\n{\n "a": 2\n}\n')
    assert detect_container(path, encoding="auto") == "json"
    assert fields_of(rows_of(path)) == [{"a": 1}, {"a": 2}]


@given(
    rows=st.lists(
        st.dictionaries(
            st.text(st.characters(codec="utf-8"), min_size=1), st.text() | st.integers()
        )
        .filter(bool)
        .map(lambda row: {"first": "1", **row}),
        min_size=1,
    ),
    ascii_only=st.booleans(),
)
def test_array_gives_what_a_json_parser_gives(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]], ascii_only: bool
) -> None:
    safe = json.loads(json.dumps(rows).replace("\\ud", "\\\\ud"))
    body = json.dumps(safe, ensure_ascii=ascii_only)
    path = written(tmp_path_factory.mktemp("json"), "a.json", body)
    assert fields_of(rows_of(path)) == safe


def test_table_of_excel_is_read(tmp_path: Path) -> None:
    body = 'sep=;\r\nInstruction;Output;\r\n"a;""b""\r\nc";d;\r\n;;\r\n\r\ne\r\nf;g;h\r\n'
    rows = rows_of(written(tmp_path, "a.csv", codecs.BOM_UTF8 + body.encode()))
    assert fields_of(rows) == [
        {"instruction": 'a;"b"\r\nc', "output": "d"},
        None,
        {"instruction": "e", "output": ""},
        None,
    ]
    assert [row.source for row in rows] == [f"a.csv:{number}" for number in (1, 2, 3, 4)]
    assert "3 cells under 2 columns" in str(getattr(rows[3], "reason", ""))


def test_tabs_make_columns(tmp_path: Path) -> None:
    rows = rows_of(written(tmp_path, "a.tsv", "text\tlabel\na, b\tc\n"))
    assert fields_of(rows) == [{"text": "a, b", "label": "c"}]


def test_quote_that_is_never_closed_costs_one_line(tmp_path: Path) -> None:
    good = "".join(f"t{number},l\n" for number in range(50))
    path = written(tmp_path, "a.csv", f'text,label\na,b\n"open,c\n{good}')
    rows = rows_of(path)
    assert fields_of(rows)[:3] == [{"text": "a", "label": "b"}, None, {"text": "t0", "label": "l"}]
    assert len(rows) == 52
    assert isinstance(rows[1], RejectedRow)
    assert rows[1].raw == '"open,c\n'


def test_inner_quotes_that_are_not_doubled_are_named_not_swallowed(tmp_path: Path) -> None:
    rows = rows_of(written(tmp_path, "a.csv", 'text,label\n"他说"好"。",a\n5" screen,b\n'))
    assert fields_of(rows) == [None, {"text": '5" screen', "label": "b"}]


def test_long_line_and_long_quoted_field_of_a_table_are_quarantined(tmp_path: Path) -> None:
    body = f'text,label\n{"x" * 300_000},a\n"' + "y\n" * 60_000 + '",b\nz,c\n'
    rows = rows_of(written(tmp_path, "a.csv", body))
    assert fields_of(rows)[0] is None
    assert fields_of(rows)[1] is None
    assert fields_of(rows)[-1] == {"text": "z", "label": "c"}


def test_field_above_the_usual_limit_of_csv_is_read(tmp_path: Path) -> None:
    body = f"text,label\n{'x' * 200_000},a\n"
    (row,) = rows_of(written(tmp_path, "a.csv", body), limit=1_000_000)
    assert isinstance(row, RawRow)


@pytest.mark.parametrize(
    ("header", "message"), [("a,A", "two columns are called a"), (",,", "names no columns")]
)
def test_header_that_cannot_be_used_is_refused(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows_of(written(tmp_path, "a.csv", f"{header}\n1,2\n"))
