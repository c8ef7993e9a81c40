"""Streamed replies: the same values however the network cuts the bytes, nothing unbounded."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.foundation.streams import (
    IGNORED_BYTES,
    LineDecoder,
    NDJSONDecoder,
    ServerSentEvent,
    SSEDecoder,
    StreamDecoder,
    StreamFormatError,
    UTF8Transcoder,
    adecode_stream,
    decode_stream,
    parse_json_object,
)


def events(*chunks: bytes) -> list[ServerSentEvent]:
    return list(decode_stream(chunks, SSEDecoder()))


def data(*chunks: bytes) -> list[str]:
    return [event.data for event in events(*chunks)]


def cut(body: bytes, at: Iterable[int]) -> list[bytes]:
    """Return `body` in pieces, cut at the given places."""
    places = [0, *sorted(place % (len(body) + 1) for place in at), len(body)]
    return [body[start:end] for start, end in itertools.pairwise(places)]


CUTS = st.lists(st.integers(min_value=0, max_value=500), max_size=12)
STREAM_TEXT = st.text(alphabet="ab:{}\"' é天\u2028\u0085\ufeff\n\r", max_size=60)
DECODERS: dict[str, Callable[[], StreamDecoder[Any]]] = {
    "lines": LineDecoder,
    "lines with a lone CR": lambda: LineDecoder(lone_cr=True),
    "events": SSEDecoder,
}


@pytest.mark.parametrize("name", DECODERS)
@given(body=STREAM_TEXT | st.sampled_from(["data: a\r\ndata: b\r\n\r\n", "a\r\r\nb\n\rc"]), at=CUTS)
def test_the_cuts_of_the_network_change_nothing(name: str, body: str, at: list[int]) -> None:
    whole = list(decode_stream([body.encode()], DECODERS[name]()))
    assert list(decode_stream(cut(body.encode(), at), DECODERS[name]())) == whole


@given(
    values=st.lists(st.dictionaries(st.text(), st.text() | st.integers(), max_size=3), max_size=5),
    at=CUTS,
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
    last=st.booleans(),
)
def test_ndjson_is_read_back_as_it_was_written(
    values: list[dict[str, Any]], at: list[int], end: str, last: bool
) -> None:
    body = end.join(json.dumps(value, ensure_ascii=False) for value in values)
    chunks = cut((body + (end if last else "")).encode(errors="replace"), at)
    written = json.loads(json.dumps(values, ensure_ascii=False).encode(errors="replace"))
    assert list(decode_stream(chunks, NDJSONDecoder())) == written


@given(
    texts=st.lists(st.text(st.characters(exclude_characters="\r", codec="utf-8")), max_size=5),
    at=CUTS,
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_events_are_read_back_as_they_were_written(
    texts: list[str], at: list[int], end: str
) -> None:
    body = "".join(
        "".join(f"data: {line}{end}" for line in text.split("\n")) + end for text in texts
    )
    assert data(*cut(body.encode(), at)) == texts


def test_only_line_feeds_cut_lines_of_json() -> None:
    body = '{"a": "\u2028\u2029\u0085\x0b\x0c"}\n{"b":\r1}\n'.encode()
    decoder = NDJSONDecoder()
    with pytest.raises(StreamFormatError):  # \x0b and \x0c may not stand bare in JSON at all
        list(decoder.feed(body))
    body = '{"a": "\u2028\u2029\u0085"}\n{"b":\r1}\n'.encode()
    assert list(NDJSONDecoder().feed(body)) == [{"a": "\u2028\u2029\u0085"}, {"b": 1}]


def test_what_stands_before_a_bad_line_is_still_given_out() -> None:
    found = NDJSONDecoder().feed(b'{"a": 1}\n<html>\n{"b": 2}\n')
    assert next(found) == {"a": 1}
    with pytest.raises(StreamFormatError) as caught:
        next(found)
    assert caught.value.text == "<html>"


@pytest.mark.parametrize("line", [b"[1]", b'"text"', b"1", b"null", b"{", b"\xff", b"{}1", b"{}{"])
def test_a_line_that_is_no_object_is_refused(line: bytes) -> None:
    with pytest.raises(StreamFormatError):
        list(decode_stream([line], NDJSONDecoder()))


@pytest.mark.parametrize(
    "body", [b'{"a": 1}{"b": 2}\n', b'{"a": 1} {"b": 2}', b'{\n  "a": 1\n}\n{\r\n "b": 2\r\n}\r\n']
)
def test_objects_that_are_not_one_a_line_are_read(body: bytes) -> None:
    assert list(decode_stream([body], NDJSONDecoder())) == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize("text", [b"[" * 200_000, '{"' + "a" * 200_000, '{"\ud800'])
def test_the_error_keeps_the_head_alone_of_what_came(text: bytes | str) -> None:
    with pytest.raises(StreamFormatError) as caught:
        parse_json_object(text)
    assert 0 < len(caught.value.text) <= IGNORED_BYTES


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    decoders: list[StreamDecoder[Any]] = [
        LineDecoder(max_bytes=100),
        NDJSONDecoder(max_bytes=100),
        SSEDecoder(max_bytes=100),
    ]
    for decoder in decoders:
        with pytest.raises(StreamFormatError, match="over 100 bytes"):
            list(decode_stream([b"data"] * 30, decoder))


def test_an_event_of_endless_lines_is_refused() -> None:
    chunks = [b"data: 12345\n"] * 30
    with pytest.raises(StreamFormatError, match="an event of over 100 bytes"):
        list(decode_stream(chunks, SSEDecoder(max_bytes=100)))


def test_many_short_events_are_no_long_one() -> None:
    chunks = [b"data: 12345\n\n"] * 30
    assert len(list(decode_stream(chunks, SSEDecoder(max_bytes=20)))) == 30


# The examples of the standard, 9.2.6 (https://html.spec.whatwg.org/multipage/server-sent-events.html)
EXAMPLES = {
    "data: YHOO\ndata: +2\ndata: 10\n\n": ["YHOO\n+2\n10"],
    ": a comment\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n": [
        "first event",
        "second event",
        " third event",
    ],
    "data\n\ndata\ndata\n\ndata:": ["", "\n"],
    "data:test\n\ndata: test\n\n": ["test", "test"],
}


@pytest.mark.parametrize("body", EXAMPLES)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_standards_own_examples(body: str, end: str) -> None:
    assert data(body.replace("\n", end).encode()) == EXAMPLES[body]


def test_an_event_has_a_type_for_itself_alone() -> None:
    assert events(b"event: error\ndata: a\n\ndata: b\n\nevent: x\n\ndata: c\n\n") == [
        ServerSentEvent(type="error", data="a"),
        ServerSentEvent(data="b"),
        ServerSentEvent(data="c"),
    ]


def test_an_event_is_given_out_at_its_blank_line_and_not_later() -> None:
    for end in (b"\n", b"\r\n", b"\r"):
        decoder = SSEDecoder()
        assert decoder.feed(b"data: a" + end) == []
        assert decoder.feed(end) == [ServerSentEvent(data="a")]
    # Of "\r\n\r\n" the last byte is not waited for, and is no blank line of its own.
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\r\n\r") == [ServerSentEvent(data="a")]
    assert decoder.feed(b"\ndata: b\n\n") == [ServerSentEvent(data="b")]


def test_an_event_that_was_cut_short_is_dropped() -> None:
    assert data(b'data: {"a": 1}\n\ndata: {"b"') == ['{"a": 1}']
    assert data(b"data: a\n\ndata: first half\n") == ["a"]


def test_a_byte_order_mark_is_passed_over_at_the_start_only() -> None:
    assert data(b"\xef\xbb", b"\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\ndata: c\n\n") == ["a", "c"]
    assert data("data: \ufeffa\n\n".encode()) == ["\ufeffa"]


@pytest.mark.parametrize(
    "body", ['{\n "error": {"message": "no"}\n}', "<!doctype html>\n<p>502</p>", "error: {}\n\n"]
)
def test_what_comes_in_place_of_events_can_be_shown(body: str) -> None:
    decoder = SSEDecoder()
    assert list(decode_stream([body.encode()], decoder)) == []
    assert decoder.ignored.split() == body.split()


def test_no_more_than_a_few_kilobytes_are_kept_of_it() -> None:
    decoder = SSEDecoder()
    for _ in range(100):
        decoder.feed(b"<p>" + b"x" * 3_000 + b"\n")
    assert 4_096 <= len(decoder.ignored) < 10_000


def test_done_is_an_event_like_any_other() -> None:
    assert data(b"data: {}\n\ndata: [DONE]\n\ndata: {}\n\n") == ["{}", "[DONE]", "{}"]


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1252", "gb2312"])
@pytest.mark.parametrize("size", [1, 2, 5, 1_000])
def test_utf_8_is_read_whatever_encoding_is_declared(charset: str, size: int) -> None:
    body = '{"content": "你好，世界 café 🙂"}'.encode()
    transcoder = UTF8Transcoder(charset)
    chunks = [transcoder.feed(body[at : at + size]) for at in range(0, len(body), size)]
    assert b"".join([*chunks, transcoder.feed(b"", final=True)]) == body
    assert UTF8Transcoder(charset).feed(body, final=True) == body


@pytest.mark.parametrize("size", [1, 2, 5, 1_000])
def test_declared_encoding_is_that_of_bytes_that_are_no_utf_8(size: int) -> None:
    text = '{"content": "Olá, é café"}'
    body = text.encode("latin-1")
    transcoder = UTF8Transcoder("iso-8859-1")
    chunks = [transcoder.feed(body[at : at + size]) for at in range(0, len(body), size)]
    assert b"".join([*chunks, transcoder.feed(b"", final=True)]).decode() == text


def test_body_is_in_one_encoding_though_it_begins_like_utf_8() -> None:
    body = "目录：模型不存在".encode("gbk")
    assert body[:2].decode()  # which are one character in UTF-8, too
    assert UTF8Transcoder("gbk").feed(body, final=True).decode() == "目录：模型不存在"


def test_an_async_client_gets_the_same() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in (b"data: a\n", b"\ndata: b\n\n"):
            yield chunk

    async def read() -> list[str]:
        return [event.data async for event in adecode_stream(chunks(), SSEDecoder())]

    assert asyncio.run(read()) == ["a", "b"]
