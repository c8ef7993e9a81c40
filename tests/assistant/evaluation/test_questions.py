"""Files of questions: what is understood, and what is refused with its line."""

from pathlib import Path

import pytest

from assistant.errors import EvaluationFileError
from assistant.evaluation.questions import (
    EvaluationQuestion,
    parse_questions,
    read_text_file,
)


def read_questions(path: Path) -> tuple[list[EvaluationQuestion], int]:
    return parse_questions(read_text_file(path), path)


def write(folder: Path, text: str | bytes, name: str = "questions.jsonl") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_answers_pages_and_unanswerable_questions_are_read(tmp_path: Path) -> None:
    text = (
        '{"question": " How hot? ", "answer": "80 °C", "id": 7, "note": "mine"}\n'
        "\n"
        '{"question": "夜间要什么灯？", "answers": ["防撞灯", "防撞灯", 3], "urls": "a.pdf"}\r\n'
        '{"问题": "谁？", "无答案": true}\n'
        '{"question": "How hot?", "answer": "80 °C"}\n'
        '{"question": "How long?", "answer": "2 min", "id": null}\n'
    )
    questions, repeated = read_questions(write(tmp_path, "\ufeff" + text))
    assert questions == [
        EvaluationQuestion(text="How hot?", answers=("80 °C",), id="7"),
        EvaluationQuestion(text="夜间要什么灯？", answers=("防撞灯", "3"), urls=("a.pdf",)),
        EvaluationQuestion(text="谁？", unanswerable=True),
        EvaluationQuestion(text="How long?", answers=("2 min",)),
    ]
    assert repeated == 1


@pytest.mark.parametrize(
    ("name", "body"),
    [
        (
            "q.csv",
            "问题,答案,网址,无答案\n多热？,80度,https://a.test/x,\n谁？,,,是\n".encode("gb18030"),
        ),
        (
            "q.csv",
            "question;answer;url;unanswerable\n多热？;80度;https://a.test/x;no\n谁？;;;yes\n",
        ),
        (
            "q.tsv",
            "question\tanswer\turl\tunanswerable\n多热？\t80度\thttps://a.test/x\t\n谁？\t\t\t1\n",
        ),
    ],
)
def test_tables_say_the_same(name: str, body: str | bytes, tmp_path: Path) -> None:
    questions, _ = read_questions(write(tmp_path, body, name))
    assert questions == [
        EvaluationQuestion(text="多热？", answers=("80度",), urls=("https://a.test/x",)),
        EvaluationQuestion(text="谁？", unanswerable=True),
    ]


def test_lines_of_a_cell_and_columns_of_one_name_are_several_answers(tmp_path: Path) -> None:
    body = 'question,answer,answer\n"Who, and where?","Ann\nBob","Cid, Dan"\n'
    questions, _ = read_questions(write(tmp_path, body, "q.csv"))
    assert questions[0].text == "Who, and where?"
    assert questions[0].answers == ("Ann", "Bob", "Cid, Dan")


GOOD = '{"question": "a?", "answer": "b"}\n'


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        (GOOD + "oops\n", 2, "no JSON"),
        (GOOD + '\n{"question": "a?"', 3, "no JSON"),
        ("[1]\n", 1, "no object in braces"),
        ("[" * 100_000 + "\n", 1, "no JSON"),
        ('{"question": "a?", "anwser": "b"}', 1, 'unknown field "anwser"'),
        ('{"question": "a?", "answer": "b", "answers": "c"}', 1, "is there twice"),
        ('{"question": "a?"}', 1, "nothing is expected"),
        ('{"question": "a?", "answer": ""}', 1, "nothing is expected"),
        ('{"question": "a?", "answer": null, "unanswerable": false}', 1, "nothing is expected"),
        ('{"question": "a?", "answer": "b", "unanswerable": true}', 1, "not both"),
        ('{"question": "a?", "unanswerable": "yes"}', 1, "true or false"),
        ('{"question": "a?", "answer": true}', 1, "answer is a text"),
        ('{"question": "a?", "url": {"x": 1}}', 1, "url is a text"),
        ('{"question": "a?", "answer": "b", "id": [1]}', 1, "id is a text or a number"),
        ('{"question": "  ", "answer": "b"}', 1, "the question is missing"),
        ('{"question": 5, "answer": "b"}', 1, "the question is missing"),
        ('{"answer": "b"}', 1, "the question is missing"),
        (f'{{"question": "{"a" * 4_001}", "answer": "b"}}', 1, "more than 4,000 characters"),
    ],
)
def test_a_row_that_is_no_question_is_named_by_its_line(
    text: str, line: int, why: str, tmp_path: Path
) -> None:
    with pytest.raises(EvaluationFileError) as raised:
        read_questions(write(tmp_path, text))
    assert raised.value.exit_code == 2
    message = str(raised.value.message)
    assert f"questions.jsonl, line {line}: " in message
    assert why in message


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("question,answr\na?,b\n", 'line 1: unknown field "answr"'),
        ("question,answer\na?,b,c\n", "line 2: more cells than columns"),
        ("question,answer\na?,b\nd?,\n", "line 3: nothing is expected"),
        ("answer\nb\n", "line 2: the question is missing"),
        ("question,unanswerable\na?,perhaps\n", "line 2: unanswerable is true or false"),
        ("question,answer\n", "holds no question"),
        (
            'question,answer\na?,b\nc?,"80\nd?,e\nf?,g\n',
            "line 3: a quote that is opened here is not closed",
        ),
        ('question,answer\na?,b\nc?,"80\nd?,"e"\n', "line 3: "),
    ],
)
def test_a_table_names_its_line_too(body: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(EvaluationFileError) as raised:
        read_questions(write(tmp_path, body, "q.csv"))
    assert why in str(raised.value.message)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    for body, why in ((b"", "holds no question"), (b"\n \n", "holds no question"),
                      (b"PK\x03\x04\x00\x00", "is no text")):  # fmt: skip
        with pytest.raises(EvaluationFileError) as raised:
            read_questions(write(tmp_path, body))
        assert why in str(raised.value.message)
    for path in (tmp_path / "missing.jsonl", tmp_path):
        with pytest.raises(EvaluationFileError, match=str(path)):
            read_questions(path)


def test_a_questions_key_is_that_of_what_is_expected_too() -> None:
    one = EvaluationQuestion(text="a?", answers=("b", "c"), id="1")
    assert one.key == EvaluationQuestion(text="a?", answers=("c", "b"), id="2").key
    assert one.key != EvaluationQuestion(text="a?", answers=("b",)).key
    assert one.key != EvaluationQuestion(text="a?", unanswerable=True).key


def test_half_a_surrogate_pair_can_be_saved(tmp_path: Path) -> None:
    text = r'{"question": "a\ud83d?", "answer": "\udc00b", "id": "\ud83d"}'
    (question,), _ = read_questions(write(tmp_path, text))
    assert question.key
    assert (question.text, question.answers, question.id) == ("a??", ("?b",), "?")
