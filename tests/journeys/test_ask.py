"""From a question to a cited answer, through the command itself."""

import json
import re

import pytest

from assistant.events import (
    AnswerDelta,
    AnswerFinished,
    EvidenceChosen,
    Notice,
    PassagesChosen,
    ReasoningDelta,
    SearchFinished,
    SentenceChecked,
    StageStarted,
)
from ingest.events import PageSkipped, PageStored
from tests.engines.loads import count_loads
from tests.engines.ollama_server import OllamaServer
from tests.engines.replies import Request
from tests.internet.demo import sample_pages
from tests.internet.net import Internet
from tests.journeys.conftest import Shell, Shown

NIGHT = "无人机夜间飞行需要什么条件?"
LETTERS = {
    SearchFinished: "S",
    PageStored: "P",
    PageSkipped: "P",
    PassagesChosen: "C",
    EvidenceChosen: "E",
    ReasoningDelta: "R",
    AnswerDelta: "A",
    SentenceChecked: "A",
    AnswerFinished: "F",
}


def order(shown: Shown) -> str:
    """Return the events as letters, those that may stand anywhere left out."""
    events = [event for event in shown.events if not isinstance(event, StageStarted | Notice)]
    return "".join(LETTERS[type(event)] for event in events)


def test_chinese_question_gets_a_streamed_cited_answer_from_the_web(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    ollama.answer = lambda _: ("先看段落。", "夜间飞行要开灯光系统[1]。")
    shown = shell_with_model("assistant", "ask", NIGHT, "--web", "--show-thinking")
    answer, _, sources = shown.stdout.partition("来源")
    assert "夜间飞行要开灯光系统" in answer
    assert re.search(r"\[\d\] .+ https?://\S+ （读取于 \d{4}-\d\d-\d\d）", sources)
    assert "先看段落" in shown.stderr
    assert "先看段落" not in shown.stdout
    assert "正在搜索网页" in shown.stderr


def test_english_question_gets_an_english_answer(shell_with_model: Shell) -> None:
    shown = shell_with_model("assistant", "ask", "How long may robots.txt be cached?", "--web")
    assert "Sources" in shown.stdout
    assert re.search(r"\[1\] .+ https?://", shown.stdout)
    assert "Searching the web" in shown.stderr


@pytest.mark.parametrize("question", [NIGHT, "How hot should water be for green tea?"])
def test_events_come_in_the_promised_order_as_json(question: str, shell_with_model: Shell) -> None:
    shown = shell_with_model("assistant", "ask", question, "--web", "--json")
    assert re.fullmatch(r"SP*CE[RA]*F", order(shown)), order(shown)
    answer = shown.answer.answer
    assert answer.kind == "model"
    assert answer.usage is not None
    passages = next(e.passages for e in shown.events if isinstance(e, PassagesChosen))
    assert {c.number for c in answer.citations} <= {p.number for p in passages}
    assert answer.citations


def test_without_a_model_the_answer_is_quotes_and_says_so(shell: Shell) -> None:
    shown = shell("assistant", "ask", NIGHT, "--web", "--json")
    answer = shown.answer.answer
    assert answer.kind == "quotes"
    assert answer.citations
    notices = [event for event in shown.events if isinstance(event, Notice)]
    assert any(
        notice.code == "no_model" and "ollama serve" in str(notice.text) for notice in notices
    )


def test_next_question_is_answered_from_the_index_without_the_web(
    shell: Shell, net: Internet
) -> None:
    shell("assistant", "ask", NIGHT, "--web", "--quiet")
    net.clear()
    shown = shell("assistant", "ask", NIGHT, "--json")
    assert shown.answer.answer.citations
    assert net.hits() == []


def test_empty_index_says_how_to_search_the_web(shell: Shell) -> None:
    shown = shell("assistant", "ask", NIGHT, code=3)
    assert "--web" in shown.stdout


def test_page_forbidden_by_robots_is_skipped_with_the_rule_and_the_answer_goes_on(
    shell: Shell, net: Internet
) -> None:
    question = "What do members of the drone club pay?"
    shown = shell("assistant", "ask", question, "--web", "--json")
    skipped = [event for event in shown.events if isinstance(event, PageSkipped)]
    forbidden = [event for event in skipped if event.reason == "robots"]
    assert forbidden
    assert "Disallow" in forbidden[0].robots
    # The others are read, and the answer is made of them alone.
    cited = [citation.url for citation in shown.answer.answer.citations]
    assert cited
    assert forbidden[0].url not in cited


def test_every_stored_page_names_the_robots_rule_that_allowed_it(shell: Shell) -> None:
    shown = shell("assistant", "ask", NIGHT, "--web", "--json")
    stored = [event for event in shown.events if isinstance(event, PageStored)]
    assert len(stored) >= 3
    assert all(event.robots for event in stored)


def test_our_agent_is_honest_and_the_same_for_robots_and_pages(shell: Shell, net: Internet) -> None:
    shell("assistant", "ask", NIGHT, "--web", "--quiet")
    own = {r.headers["user-agent"] for r in net.log if "duckduckgo" not in r.host}
    assert len(own) == 1
    assert re.fullmatch(r"qiuzheng/[\d.]+ \(\+https://\S+\)", own.pop())


def test_question_is_read_from_standard_input(shell: Shell) -> None:
    shown = shell("assistant", "ask", "-", "--web", "--json", stdin=NIGHT + "\n")
    assert shown.answer.answer.citations


@pytest.mark.parametrize("option", [("--fresh",), ("--ledger", "crawl.jsonl")])
def test_option_that_only_the_web_can_honour_needs_the_web(
    option: tuple[str, ...], shell: Shell
) -> None:
    en = shell("assistant", "ask", "How hot?", *option, code=2)
    assert en.stderr.startswith(f"error: {option[0]} needs --web")
    assert len(en.stderr.splitlines()) == 1
    zh = shell("assistant", "ask", "多热？", *option, code=2)
    assert f"{option[0]} 需要 --web" in zh.stderr


def test_top_k_bounds_the_passages(shell: Shell) -> None:
    shown = shell("assistant", "ask", NIGHT, "--web", "--json", "--top-k", "2")
    passages = next(e.passages for e in shown.events if isinstance(e, PassagesChosen))
    assert 1 <= len(passages) <= 2


def test_language_of_the_answer_can_be_chosen(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    shell_with_model("assistant", "ask", NIGHT, "--web", "--lang", "en", "--quiet")
    system = next(r.body["messages"][0] for r in ollama.requests if r.body.get("messages"))
    assert "in English" in system["content"]


def test_slow_page_does_not_hold_up_the_answer(shell: Shell, net: Internet) -> None:
    slow = next(page for page in sample_pages() if page.delay)
    net.page(slow.url, slow.html(), delay=60)
    shown = shell(
        "assistant", "ask", "泡绿茶用多少摄氏度的水?", "--web", "--json", "--deadline", "4",
        ASSISTANT_CRAWL__TIMEOUT="60",
    )  # fmt: skip
    late = [event for event in shown.events if isinstance(event, PageSkipped)]
    assert (slow.url, "deadline") in [(event.url, event.reason) for event in late]
    assert shown.answer.answer.citations


def test_context_length_is_sent_and_the_reply_bounded(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    shell_with_model(
        "assistant", "ask", NIGHT, "--web", "--quiet", ASSISTANT_MODEL__CONTEXT_TOKENS="4096"
    )
    chats = [r.body for r in ollama.requests if r.path == "/api/chat" and r.body["messages"]]
    assert {body["options"]["num_ctx"] for body in chats} == {4096}


def test_search_shows_results_and_reads_no_page(shell: Shell, net: Internet) -> None:
    shown = shell("assistant", "search", "绿茶 水温", "--limit", "3", "--json")
    hits = [json.loads(line) for line in shown.stdout.splitlines()]
    assert 1 <= len(hits) <= 3
    assert hits[0]["rank"] == 1
    assert {request.host for request in net.log} == {"html.duckduckgo.com"}


def test_chat_understands_a_follow_up(shell_with_model: Shell, ollama: OllamaServer) -> None:
    ollama.answer = lambda messages: (
        "",
        "无人机的重量限制是多少?"
        if "追问" in str(messages) or "改写" in str(messages)
        else "好[1]。",
    )
    shown = shell_with_model(
        "assistant", "chat", "--web", stdin=f"{NIGHT}\n它的重量限制呢?\n/quit\n"
    )
    assert "理解为" in shown.stderr
    assert shown.stdout.splitlines().count("来源") == 2


def test_chat_without_a_model_uses_coded_rules_for_a_follow_up(shell: Shell) -> None:
    shown = shell("assistant", "chat", "--web", stdin=f"{NIGHT}\n它的重量限制呢?\n/quit\n")
    assert "理解为" in shown.stderr
    assert "无人机" in shown.stderr.partition("理解为")[2]


def test_a_model_is_loaded_once_for_the_first_question_and_never_for_the_next(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    shell_with_model("assistant", "ask", NIGHT, "--web", "--quiet")
    assert count_loads(ollama.requests) == 1
    shell_with_model("assistant", "ask", NIGHT, "--quiet")
    # The rewriting of a follow-up goes to the same model as its answer.
    shell_with_model("assistant", "chat", stdin=f"{NIGHT}\n它在白天也需要吗？\n")
    chats = [r for r in ollama.requests if r.path == "/api/chat" and r.body.get("messages")]
    assert len(chats) >= 3
    assert count_loads(ollama.requests) == 1


def test_a_warm_up_with_other_options_would_be_counted_as_a_load() -> None:
    def request(**body: object) -> Request:
        return Request(method="POST", path="/api/chat", headers={}, body={"model": "m", **body})

    same = {"options": {"num_ctx": 8192}, "shift": False}
    assert count_loads([request(**same), request(**same, think=True)]) == 1
    assert count_loads([request(options={"num_ctx": 8192}), request(**same)]) == 2
    assert count_loads([request(**same, keep_alive=0), request(**same)]) == 2
