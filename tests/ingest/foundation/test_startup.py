"""Words of people, in whatever encoding their terminal sends them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.foundation.startup import decode_argument, decode_input

QUESTION = "无人机夜间飞行需要什么条件?"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_question_is_read_in_the_encoding_it_came_in(encoding: str) -> None:
    assert decode_input(QUESTION.encode(encoding)) == QUESTION


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_argument_of_another_encoding_is_read_as_it_was_meant(encoding: str) -> None:
    assert decode_argument(QUESTION.encode(encoding).decode("utf-8", "surrogateescape")) == QUESTION


@given(st.binary())
def test_any_bytes_become_text_that_can_be_written(body: bytes) -> None:
    decode_input(body).encode()
    decode_argument(body.decode("utf-8", "surrogateescape")).encode()


@given(st.text(st.characters(codec="utf-8")))
def test_sound_text_is_left_alone(text: str) -> None:
    assert decode_argument(text) == text
