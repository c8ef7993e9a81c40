"""Functions stay whole in chunks, where langchain's splitters know their language."""

import pytest

from ingest.index.code_units import code_units
from ingest.index.split import split
from tests.ingest.index.test_split import document

PYTHON = "".join(
    f"def number_{n}(value):\n    first = value + {n}\n    other = first * 2\n    return other\n\n"
    for n in range(12)
)
GO = "".join(f"func F{n}() int {{\n\tx := {n}\n\ty := x * 2\n\treturn y\n}}\n\n" for n in range(30))


@pytest.mark.parametrize(
    ("language", "code", "keyword"),
    [("python", PYTHON, "def "), ("py", PYTHON, "def "), ("go", GO, "func ")],
)
def test_each_chunk_of_code_begins_with_a_function_and_ends_with_one(
    language: str, code: str, keyword: str
) -> None:
    chunks = split(document(f"# Code\n\n```{language}\n{code}```\n"), size=400, overlap=100)
    assert len(chunks) > 3
    for chunk in chunks[1:]:
        assert chunk.text.removeprefix(f"```{language}\n").startswith(keyword)
    for chunk in chunks:
        assert chunk.text.count("return") == chunk.text.count(keyword)
        assert chunk.text.rstrip().endswith("```")


@pytest.mark.parametrize("language", ["klingon", "", "text"])
def test_code_in_an_unknown_language_is_cut_at_lines(language: str) -> None:
    assert code_units(PYTHON, 0, len(PYTHON), language=language) == []
    assert len(split(document(f"```{language}\n{PYTHON}```"), size=400, overlap=100)) > 3


def test_a_function_longer_than_a_chunk_is_cut_at_its_lines() -> None:
    body = "".join(f"    value_{n} = compute(value_{n})\n" for n in range(60))
    chunks = split(document(f"```python\ndef long():\n{body}```"), size=400, overlap=100)
    assert all(len(chunk.text) <= 400 for chunk in chunks)
    assert sum("value_59 = " in chunk.text for chunk in chunks) >= 1
