"""Which model writes questions, and what is kept of its reply."""

import json

import pytest

from assistant.settings import load_settings
from finetune.errors import RecipeError
from finetune.synthesize.teacher import parse_drafts
from finetune.synthesize.teacher_settings import teacher_settings
from ingest.documents import Chunk
from ingest.foundation.messages import Language

PAIR = '{"question": "仓库的面积有多大？", "answer": "仓库面积为9000平方米。"}'

PIECE = Chunk(
    id="c",
    url="u",
    title="T",
    position=0,
    start=0,
    end=1,
    heading="",
    text="仓库面积为9000平方米。",
)


@pytest.mark.parametrize(
    "reply",
    [
        f"[1] 好的，问题如下：[{PAIR}]",
        f'{{"questions": [{PAIR}]}}',
        f'[{{"id": 1, {PAIR[1:]}]',
        f'{{"topic": "仓库", "items": {{"first": {PAIR}}}}}',
        f"```json\n{PAIR}\n```",
        f'[{PAIR}, {{"question": "仓库何时',
        f'[{{"question": "这段文字讲了什么？", "answer": "讲了仓库的面积。"}}, {PAIR}]',
    ],
)
def test_whole_questions_are_kept_whatever_a_teacher_puts_around_them(reply: str) -> None:
    (draft,) = parse_drafts(reply, PIECE, "zh")
    assert (draft.question, draft.answer) == ("仓库的面积有多大？", "仓库面积为9000平方米。")


def questions_kept(question: str) -> list[str]:
    language: Language = "en" if question.isascii() else "zh"
    answer = "It holds about nine litres." if question.isascii() else "面积为9000平方米。"
    reply = json.dumps([{"question": question, "answer": answer}])
    return [draft.question for draft in parse_drafts(reply, PIECE, language)]


@pytest.mark.parametrize(
    "question",
    [
        "《红楼梦》的作者是谁？",
        "18岁以上的人可以报名吗？",
        "以上海为例，地铁有多长？",
        "中文中有多少个声调？",
        "如何恢复原文件？",
        "医务工作者在哪里登记？",
        "这段时间几点开门？",
        "How do I open this text editor?",
        "How high is the passage fee?",
        "Who is the author of Emma?",
    ],
)
def test_a_question_that_names_something_else_is_kept(question: str) -> None:
    assert questions_kept(question) == [question]


@pytest.mark.parametrize(
    "question",
    [
        "作者认为仓库有什么作用？",
        "为什么作者在结尾提到仓库？",
        "文中提到的仓库有多大？",
        "根据原文，仓库有多大？",
        "在文中，仓库有多大？",
        "以上内容讲了什么？",
        "这段话讲了什么？",
        "这段文字的主题是什么？",
        "What is this text about?",
        "What does the author say about trees?",
        "According to the passage, how old is it?",
        "What are the quoted lines about?",
    ],
)
def test_a_question_that_needs_the_text_before_one_is_not(question: str) -> None:
    assert questions_kept(question) == []


@pytest.mark.parametrize("name", ["qwen3:8b", "ollama:", "openai:gpt", "openai:@http://x/v1", ""])
def test_a_teacher_that_cannot_be_meant_is_refused(name: str) -> None:
    with pytest.raises(RecipeError):
        teacher_settings(name, load_settings().model)


def test_a_teacher_is_named_by_its_server() -> None:
    model = teacher_settings("openai:org/model@v2@http://127.0.0.1:8000/v1", load_settings().model)
    assert (model.provider, model.name) == ("openai", "org/model@v2")
    assert model.host == "http://127.0.0.1:8000/v1"
