"""Bad input and bad weather: one clear line each, an exit code, nothing lost, no traceback."""

import json
import re
import resource
import sqlite3
import subprocess
from pathlib import Path

import pytest

from assistant.events import AnswerFailed, Notice, PassagesChosen, SearchFinished
from ingest.events import PageSkipped
from tests.engines.ollama_server import OllamaServer
from tests.internet.demo import sample_pages
from tests.internet.duckduckgo import DuckDuckGoSite, Mode, fixed
from tests.internet.engines import mojeek
from tests.internet.net import Internet, Reply
from tests.journeys.conftest import LONGEST_S, Shell, Shown

NIGHT = "无人机夜间飞行需要什么条件?"
CLOSED_PROXY = "http://127.0.0.1:9"


def notices(shown: Shown) -> dict[str, str]:
    return {event.code: str(event.text) for event in shown.events if isinstance(event, Notice)}


def one_line(shown: Shown) -> str:
    """Return the line of the error, which is the only one that says so."""
    lines = [line for line in shown.stderr.splitlines() if line.startswith(("error:", "错误："))]
    assert len(lines) == 1, shown.stderr
    return lines[0]


def search_finds(net: Internet, *urls: str) -> None:
    DuckDuckGoSite(fixed(*urls)).install(net)


# The network


def test_no_network_says_so_and_answers_from_the_index(shell: Shell) -> None:
    shell("assistant", "ask", NIGHT, "--web", "--quiet")
    gone = dict.fromkeys(
        ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "DDGS_PROXY"), CLOSED_PROXY
    )
    shown = shell("assistant", "ask", NIGHT, "--web", "--fresh", "--json", **gone)
    assert "索引" in notices(shown)["search_unavailable"]
    assert shown.answer.answer.citations


@pytest.mark.parametrize("url", ["https://a.test/x", "http://a.test/x"])
def test_proxy_that_does_not_answer_is_named_and_no_site_is_blamed(url: str, shell: Shell) -> None:
    gone = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), CLOSED_PROXY)
    shown = shell("assistant", "read", url, "--lang", "en", code=1, **gone)
    assert "the proxy http://127.0.0.1:9 does not answer" in shown.stderr
    assert "robots" not in shown.stderr
    assert "a.test cannot be reached" not in shown.stderr


@pytest.mark.parametrize("mode", ["ratelimit", "403", "500", "hang"])
def test_search_that_refuses_is_a_notice_and_the_index_answers(
    mode: Mode, shell: Shell, net: Internet
) -> None:
    shell("assistant", "ask", NIGHT, "--web", "--quiet")
    site = DuckDuckGoSite(fixed())
    site.mode = mode
    site.install(net)
    shown = shell(
        *("assistant", "ask", NIGHT, "--web", "--fresh", "--json"), ASSISTANT_SEARCH__TIMEOUT="2"
    )
    assert "DuckDuckGo" in notices(shown)["search_unavailable"]
    assert shown.answer.answer.citations


def test_search_without_results_is_told_apart_from_failure(shell: Shell, net: Internet) -> None:
    search_finds(net)
    shown = shell("assistant", "ask", NIGHT, "--web", "--json", code=3)
    assert "nothing_found" in notices(shown)
    assert "search_unavailable" not in notices(shown)
    assert shown.answer.answer.kind == "nothing"


def test_every_page_refused_by_robots_is_said_page_by_page(shell: Shell, net: Internet) -> None:
    urls = [f"https://closed{n}.test/page" for n in range(3)]
    for number, url in enumerate(urls):
        net.robots(f"closed{number}.test", "User-agent: *\nDisallow: /\n")
        net.page(url, "<p>secret</p>")
    search_finds(net, *urls)
    shown = shell("assistant", "ask", NIGHT, "--web", "--json", code=3)
    skipped = [event for event in shown.events if isinstance(event, PageSkipped)]
    assert {event.reason for event in skipped} == {"robots"}
    assert all("line 2: Disallow: /" in event.robots for event in skipped)
    assert not [path for n in range(3) for path in net.hits(f"closed{n}.test") if path == "/page"]
    assert shown.answer.answer.kind == "nothing"


def test_pages_that_all_hang_end_at_the_deadline(shell: Shell, net: Internet) -> None:
    urls = [f"https://hang{n}.test/page" for n in range(3)]
    for number, url in enumerate(urls):
        net.robots(f"hang{number}.test", "")
        net.page(url, Reply(fault="hang"))
    search_finds(net, *urls)
    shown = shell("assistant", "ask", NIGHT, "--web", "--json", "--deadline", "2", code=3)
    reasons = [event.reason for event in shown.events if isinstance(event, PageSkipped)]
    assert reasons == ["deadline"] * 3
    assert "3 个网页中有 3 个" in notices(shown)["pages_late"]


def test_engine_that_hangs_leaves_time_for_the_next_one_before_the_deadline(
    shell: Shell, net: Internet
) -> None:
    site = DuckDuckGoSite(fixed())
    site.mode = "hang"
    site.install(net)
    mojeek(net, fixed(sample_pages()[0].url))
    shown = shell(
        *("assistant", "ask", NIGHT, "--web", "--json", "--deadline", "4"),
        code=None,  # whether the one page is read in time is not what this is about
        ASSISTANT_SEARCH__ENGINES='["duckduckgo", "mojeek"]',
    )
    (found,) = [event for event in shown.events if isinstance(event, SearchFinished)]
    assert found.engine == "Mojeek"


# The model


def test_named_model_that_is_missing_is_an_error_with_the_pull_command(
    shell_with_model: Shell,
) -> None:
    shown = shell_with_model("assistant", "ask", NIGHT, "--web", "--model", "qwen9:7b", code=1)
    assert "ollama pull qwen9:7b" in one_line(shown)
    assert shown.stdout == ""


def test_named_model_without_a_server_says_how_to_start_it(shell: Shell) -> None:
    shown = shell("assistant", "ask", NIGHT, "--web", "--model", "qwen3:4b", code=1)
    assert "ollama serve" in one_line(shown)


def test_model_killed_in_mid_answer_is_one_line_and_what_was_said_stays(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    ollama.replay("midstream_error.body")
    shown = shell_with_model("assistant", "ask", NIGHT, "--web", "--hide-thinking", code=1)
    assert one_line(shown)


def test_prompt_that_the_server_finds_too_long_names_the_setting(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    ollama.fail("too_long")
    shown = shell_with_model("assistant", "ask", NIGHT, "--web", code=1)
    assert "context" in one_line(shown)


def test_model_that_falls_silent_is_given_up(shell_with_model: Shell, ollama: OllamaServer) -> None:
    ollama.fail("hang")
    shown = shell_with_model(
        "assistant", "ask", NIGHT, "--web", code=1, ASSISTANT_MODEL__TIMEOUT="1"
    )
    assert one_line(shown)


@pytest.mark.parametrize(
    ("options", "variables", "code", "exit_code"),
    [
        (("--model", "qwen9:7b"), {}, "model", 1),
        ((), {"ASSISTANT_CHUNK__SIZE": "many"}, "settings", 2),
        ((), {"ASSISTANT_INDEX__FOLDER": "/dev/null"}, "index", 1),
        (("--fresh",), {}, "question", 2),
    ],
)
def test_a_failure_is_the_last_line_of_json_and_one_line_for_people(
    options: tuple[str, ...],
    variables: dict[str, str],
    code: str,
    exit_code: int,
    shell: Shell,
) -> None:
    command = ("assistant", "ask", "夜间飞行?", "--json", *options)
    shown = shell(*command, code=exit_code, **variables)
    written = json.loads(shown.stdout.splitlines()[-1])
    assert written["type"] == "answer_failed"
    assert (written["code"], written["exit_code"]) == (code, exit_code)
    assert written["message"] in one_line(shown)  # one language, that of the question
    failed = shown.events[-1]
    assert isinstance(failed, AnswerFailed)


def test_the_language_of_the_settings_holds_for_messages_too(shell: Shell) -> None:
    english = "How hot should water for green tea be?"
    shown = shell("assistant", "ask", english, "--web", ASSISTANT_ANSWER__LANGUAGE="zh")
    assert "提示：" in shown.stderr
    shown = shell("assistant", "ask", english, "--json", ASSISTANT_ANSWER__LANGUAGE="zh")
    notices = [json.loads(line) for line in shown.stdout.splitlines() if '"notice"' in line]
    assert all(re.search("[\u4e00-\u9fff]", notice["text"]) for notice in notices)
    assert notices


@pytest.mark.parametrize(
    ("options", "variables", "code"),
    [
        (("--model", "nope"), {}, 1),
        (("--web",), {"ASSISTANT_SEARCH__ENGINES": '["nope"]'}, 2),
    ],
)
def test_a_conversation_that_cannot_be_had_ends_before_it_begins(
    options: tuple[str, ...], variables: dict[str, str], code: int, shell: Shell
) -> None:
    shown = shell("assistant", "chat", *options, stdin="hello?\n", code=code, **variables)
    assert "nope" in shown.stderr or "ollama" in shown.stderr
    assert shown.stdout == ""


# The index


def test_index_that_cannot_be_written_is_one_line(shell: Shell, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    shown = shell("assistant", "ask", NIGHT, "--web", code=1, ASSISTANT_INDEX__FOLDER=str(blocked))
    assert str(blocked) in one_line(shown)


def test_full_disk_is_one_line_and_the_index_stays_whole(shell: Shell, home: Path) -> None:
    shell("assistant", "ask", NIGHT, "--web", "--quiet", ASSISTANT_EMBED__PROVIDER="none")
    before = pages_in(home)
    done = subprocess.run(
        shell.line(["assistant", "ask", "How hot should water be for green tea?", "--web"]),
        env=dict(shell.variables) | {"ASSISTANT_EMBED__PROVIDER": "none"},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)),
    )
    shown = Shown(code=done.returncode, stdout=done.stdout, stderr=done.stderr)
    assert shown.code == 1, shown
    assert "Traceback" not in shown.stderr
    assert one_line(shown)
    assert before <= pages_in(home)
    assert shell("assistant", "ask", NIGHT, "--json").answer.answer.citations


def pages_in(home: Path) -> set[str]:
    with sqlite3.connect(home / "index" / "index.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {url for (url,) in connection.execute("SELECT url FROM documents")}


def test_two_processes_at_once_both_answer(shell: Shell) -> None:
    runs = [
        shell.start("assistant", "ask", question, "--web", "--json")
        for question in (NIGHT, "How hot should water be for green tea?")
    ]
    for run in runs:
        stdout, stderr = run.communicate(timeout=LONGEST_S)
        shown = Shown(code=run.returncode, stdout=stdout, stderr=stderr)
        assert shown.code == 0, shown
        assert shown.answer.answer.citations


# What a person types


@pytest.mark.parametrize("question", ["", "   ", "很长" * 50_000])
def test_question_that_cannot_be_asked_is_refused_at_once(
    question: str, shell: Shell, net: Internet
) -> None:
    shown = shell("assistant", "ask", "-", "--web", stdin=question, code=2)
    assert one_line(shown)
    assert net.hits() == []


@pytest.mark.parametrize("command", [("assistant", "search", " "), ("ingest", "")])
def test_nothing_to_search_for_and_nothing_to_store_are_refused_at_once(
    command: tuple[str, ...], shell: Shell, net: Internet
) -> None:
    assert one_line(shell(*command, code=2))
    assert net.hits() == []


def test_broken_settings_file_names_file_and_line(shell: Shell) -> None:
    (shell.folder / "assistant.toml").write_text("[model\n")
    shown = shell("assistant", "ask", NIGHT, code=2)
    assert "assistant.toml" in one_line(shown)
    assert "第 1 行" in one_line(shown)


def test_unknown_setting_is_refused_with_a_suggestion(shell: Shell) -> None:
    (shell.folder / "assistant.toml").write_text("[chnuk]\nsize = 300\n")
    assert "chunk" in one_line(shell("assistant", "ask", NIGHT, code=2))
    (shell.folder / "assistant.toml").unlink()
    shown = shell("ingest", "https://tea.test/", code=2, ASSISTANT_CRAWL__TIMOUT="3")
    assert "ASSISTANT_CRAWL__TIMEOUT" in one_line(shown)


def test_passages_are_shown_even_when_the_model_fails(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    ollama.fail("no_done")
    shown = shell_with_model("assistant", "ask", NIGHT, "--web", "--json", code=1)
    assert any(isinstance(event, PassagesChosen) for event in shown.events)
