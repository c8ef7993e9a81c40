"""An answer explained, asked again, listed and forgotten, through the commands themselves."""

import json
import re
import sqlite3
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.engines.ollama_server import OllamaServer
from tests.internet.net import Internet
from tests.journeys.conftest import Shell

NIGHT = "无人机夜间飞行需要什么条件?"
RULE = "夜间飞行要开灯光系统[1]。飞行高度不得超过999米。"
ROBOTS = "How long may robots.txt be cached?"


def explained_id(stderr: str) -> str:
    found = re.search(r"assistant explain ([0-9a-f]{8})$", stderr.strip())
    assert found, stderr
    return found[1]


def test_an_answer_is_explained_and_asked_again(
    shell_with_model: Shell, ollama: OllamaServer, net: Internet, home: Path
) -> None:
    ollama.answer = lambda _: ("先看段落。", RULE)
    asked = shell_with_model("assistant", "ask", NIGHT, "--web")
    id_ = explained_id(asked.stderr)

    shown = shell_with_model("assistant", "explain").stdout
    assert shown == shell_with_model("assistant", "explain", id_[:4]).stdout
    assert id_ in shown
    # Which passage it is depends on which pages came in time.
    assert re.search(r"✓ 夜间飞行要开灯光系统。\n +出自.* \[\d\]：“.+灯光.+”", shown)
    assert re.search(r"✗ 飞行高度不得超过999米。\n +段落中没有：.+", shown)
    assert "可信度 0.50" in shown
    assert re.search("含有“.*夜间飞行", shown)
    assert "词语检索第 1 位" in shown
    assert re.search(r"网页：DuckDuckGo 为“.+”找到 \d+ 个", shown)
    assert max(len(line) for line in shown.splitlines()) < 300
    assert len(shown.splitlines()) < 60

    english = shell_with_model("assistant", "explain", id_, "--lang", "en").stdout
    assert re.search(r"✗ .+\n +in no passage: .+", english)
    assert "no. 1 by words" in english
    assert not re.search("[得依段]据?：", english)

    prompt = shell_with_model("assistant", "explain", id_, "--prompt").stdout
    sent = ollama.asked("/api/chat")[-1]["messages"]
    assert prompt == "".join(f"[{each['role']}]\n{each['content']}\n\n" for each in sent)

    pages, searches = len(net.hits()), ollama.asked("/api/embed")
    ollama.answer = lambda _: ("", "夜间飞行要开灯光系统。")
    again = shell_with_model("assistant", "replay", "last", "--temperature", "0")
    assert ollama.asked("/api/chat")[-1]["messages"] == sent
    assert ollama.asked("/api/chat")[-1]["options"]["temperature"] == 0
    assert (len(net.hits()), ollama.asked("/api/embed")) == (pages, searches)
    assert f"与 {id_} 的文字不同" in again.stdout
    assert "句子：✓ 1 ✗ 1 → ✓ 1" in again.stdout
    assert "可信度：0.50 → 1.00" in again.stdout
    assert "温度：0.60 → 0.00" in again.stdout

    rows = shell_with_model("assistant", "history").stdout.splitlines()
    assert [row[:8] for row in rows] == [explained_id(again.stderr), id_]
    assert rows[0].endswith(id_)  # a replay of it
    assert shell_with_model("assistant", "forget", id_).code == 0
    lines = shell_with_model("assistant", "history", "--json").stdout.splitlines()
    assert [json.loads(line)["parent"] for line in lines] == [id_]
    assert b"https://" in (home / "index" / "web.sqlite").read_bytes()
    shell_with_model("assistant", "forget", "--all")
    assert b"https://" not in (home / "index" / "web.sqlite").read_bytes()
    gone = shell_with_model("assistant", "history")
    assert "还没有留存" in gone.stderr or "no answer is kept yet" in gone.stderr
    assert "error" not in gone.stderr
    assert shell_with_model("assistant", "history", "--json").stdout == ""


def test_json_carries_the_id_and_all_that_is_kept(shell_with_model: Shell, home: Path) -> None:
    asked = shell_with_model("assistant", "ask", ROBOTS, "--web", "--json")
    id_ = asked.answer.answer.id
    kept = json.loads(shell_with_model("assistant", "explain", id_, "--json").stdout)
    assert kept["id"] == id_
    assert kept["question"]["text"] == ROBOTS
    assert kept["model"]["digest"]
    assert kept["answer"]["text"] == asked.answer.answer.text
    assert kept["passages"][0]["ranks"]["words"] is not None
    compared = shell_with_model("assistant", "replay", id_, "--json").stdout.splitlines()[-1]
    difference = json.loads(compared)
    assert (difference["type"], difference["of"]) == ("replay_compared", id_)
    assert difference["same_text"]
    assert difference["same_prompt"]
    modes = [home / "snapshots.sqlite", home / "index"]
    assert [oct(each.stat().st_mode & 0o777) for each in modes] == ["0o600", "0o700"]


def test_chat_keeps_its_answers_unless_it_is_private(shell_with_model: Shell) -> None:
    two = f"{ROBOTS}\nHow hot should water for green tea be?\n"
    shell_with_model("assistant", "chat", "--web", stdin=two)
    assert len(shell_with_model("assistant", "history").stdout.splitlines()) == 2
    private = shell_with_model("assistant", "chat", "--web", "--private", stdin=two)
    asked = shell_with_model("assistant", "ask", ROBOTS, "--private")
    off = shell_with_model("assistant", "ask", ROBOTS, ASSISTANT_SNAPSHOTS__ENABLED="false")
    assert len(shell_with_model("assistant", "history").stdout.splitlines()) == 2
    none = shell_with_model("assistant", "ask", ROBOTS, ASSISTANT_SNAPSHOTS__KEEP="0")
    for shown in (private, asked, off, none):
        assert "assistant explain" not in shown.stderr


def test_without_a_model_the_quotes_are_explained_and_have_no_prompt(shell: Shell) -> None:
    asked = shell("assistant", "ask", ROBOTS, "--web")
    id_ = explained_id(asked.stderr)
    shown = shell("assistant", "explain", id_)
    assert "quotes from pages" in shown.stdout
    assert "--prompt" not in shown.stdout
    assert "no prompt" in shell("assistant", "explain", id_, "--prompt", "--lang", "en").stderr
    assert "the same text" in shell("assistant", "replay", id_).stdout


def test_what_only_meaning_found_is_explained_and_chosen_again(
    shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / "visit.md").write_text(
        "# Visiting\n\nVehicles can be parked behind the barn.\n\nThe shelves are empty.\n"
    )
    shell("ingest", str(tmp_path / "visit.md"))
    asked = shell("assistant", "ask", "Where do I leave my car?")
    assert "behind the barn" in asked.stdout
    explained = shell("assistant", "explain", "--lang", "en").stdout
    assert re.search(r"0% of the question, .*meaning \+0\.\d\d", explained)
    assert "behind the barn" in shell("assistant", "replay", "last").stdout


def test_what_was_not_found_is_explained(shell: Shell) -> None:
    shell("assistant", "ask", "Who is Zorgblatt Quux?", code=None)
    shown = shell("assistant", "explain")
    assert "Nothing was found" in shown.stdout
    assert "the web was not searched" in shown.stdout
    failed = shell("assistant", "replay", code=1)
    assert "no passages" in failed.stderr


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("explain", "zzzz"), "zzzz"),
        (("explain",), "no answer is kept yet"),
        (("replay", "last"), "no answer is kept yet"),
        (("forget",), "--all"),
        (("forget", "abcd", "--all"), "given together"),
        (("forget", "abcd"), "no answer"),
    ],
)
def test_what_is_not_there_is_one_clear_line(
    command: tuple[str, ...], says: str, shell: Shell, home: Path
) -> None:
    shown = shell("assistant", *command, "--lang", "en", code=None)
    assert shown.code == 2
    assert len(shown.stderr.splitlines()) == 1
    assert says in shown.stderr or "no answer is kept yet" in shown.stderr
    assert not (home / "snapshots.sqlite").exists()  # looking creates nothing


def test_a_damaged_file_costs_one_line_and_no_answer(shell: Shell, home: Path) -> None:
    (home / "snapshots.sqlite").write_bytes(b"this is no database" * 1000)
    shown = shell("assistant", "ask", ROBOTS, "--web")
    assert "[1]" in shown.stdout
    assert [line for line in shown.stderr.splitlines() if "snapshots.sqlite" in line] == [
        f"note: nothing is kept of the answer: the file of kept answers {home}/snapshots.sqlite is "
        "damaged: delete all kept answers: assistant forget --all"
    ]
    assert "assistant explain" not in shown.stderr
    assert "damaged" in shell("assistant", "explain", "--lang", "en", code=1).stderr
    shell("assistant", "forget", "--all")
    explained_id(shell("assistant", "ask", ROBOTS).stderr)


def test_a_locked_file_is_not_deleted(shell: Shell, home: Path) -> None:
    shell("assistant", "ask", ROBOTS, "--web")
    other = sqlite3.connect(home / "snapshots.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused = shell("assistant", "forget", "--all", "--lang", "en", code=1)
    other.close()
    assert "locked" in refused.stderr
    assert len(shell("assistant", "history").stdout.splitlines()) == 1


@pytest.mark.parametrize(
    "variables",
    [
        {"ASSISTANT_SNAPSHOTS__ENABLED": "false", "ASSISTANT_SNAPSHOTS__DAYS": "0.00000001"},
        {"ASSISTANT_SNAPSHOTS__KEEP": "0"},
    ],
)
def test_what_is_too_old_goes_where_nothing_new_is_kept(
    variables: dict[str, str], shell: Shell
) -> None:
    shell("assistant", "ask", ROBOTS, "--web")
    shell("assistant", "ask", ROBOTS, **variables)
    assert shell("assistant", "history", "--json").stdout == ""


def test_a_locked_file_delays_no_answer(shell: Shell, home: Path) -> None:
    explained_id(shell("assistant", "ask", ROBOTS, "--web").stderr)
    other = sqlite3.connect(home / "snapshots.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    shown = shell("assistant", "ask", ROBOTS)
    other.close()
    assert "[1]" in shown.stdout
    assert shown.stderr.count("nothing was kept of answer") == 1
    assert len(shell("assistant", "history").stdout.splitlines()) == 1


def test_no_key_and_no_server_is_kept(shell: Shell, ollama: OllamaServer, home: Path) -> None:
    secret = "sk-verysecret123"
    variables = {
        "ASSISTANT_MODEL__PROVIDER": "openai",
        "ASSISTANT_MODEL__HOST": f"{ollama.url}/v1",
        "ASSISTANT_MODEL__API_KEY": secret,
        "ASSISTANT_SEARCH__TAVILY__KEY": secret,
        "OLLAMA_API_KEY": secret,
    }
    shell("assistant", "ask", ROBOTS, "--web", **variables)
    kept = shell("assistant", "explain", "--json").stdout
    assert json.loads(kept)["model"]["name"]
    assert secret not in kept
    assert ollama.url not in kept
    assert secret not in bodies(home)


class RefusingKeys(BaseHTTPRequestHandler):
    """Quotes the key that it refuses."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers["Authorization"].removeprefix("Bearer ")
        body = json.dumps({"error": {"message": f"Incorrect API key provided: {key}"}}).encode()
        self.send_response(401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def bodies(home: Path) -> str:
    """Return all that is kept, unpacked."""
    with sqlite3.connect(home / "snapshots.sqlite") as connection:
        rows = connection.execute("SELECT body FROM snapshots").fetchall()
    connection.close()
    assert rows
    return "".join(zlib.decompress(body).decode() for (body,) in rows)


def test_a_refused_key_stands_in_no_message_and_in_nothing_kept(shell: Shell, home: Path) -> None:
    shell("assistant", "ask", ROBOTS, "--web")
    key = "sk-verysecret12345"
    with ThreadingHTTPServer(("127.0.0.1", 0), RefusingKeys) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        shown = shell(
            "assistant",
            "ask",
            ROBOTS,
            "--lang",
            "en",
            code=1,
            ASSISTANT_MODEL__PROVIDER="openai",
            ASSISTANT_MODEL__NAME="m",
            ASSISTANT_MODEL__HOST=f"http://{address}/v1",
            ASSISTANT_MODEL__API_KEY=key,
        )
        server.shutdown()
    assert "Incorrect API key provided: …" in shown.stderr
    for text in (shown.stderr, shown.stdout, bodies(home)):
        assert "verysecret" not in text
    assert address not in bodies(home)
    assert "refused the key" in shell("assistant", "explain", "--lang", "en").stdout


def test_a_password_in_an_address_is_neither_shown_nor_kept(shell: Shell, home: Path) -> None:
    shell("assistant", "ask", ROBOTS, "--web")
    variables = {
        "ASSISTANT_MODEL__PROVIDER": "openai",
        "ASSISTANT_MODEL__NAME": "m",
        "ASSISTANT_MODEL__HOST": "http://user:s3cret@127.0.0.1:9/v1",
    }
    shown = shell("assistant", "ask", ROBOTS, code=1, **variables)
    checked = shell("assistant", "doctor", code=None, **variables)
    assert "http://127.0.0.1:9/v1" in shown.stderr
    for text in (shown.stderr, checked.stdout, checked.stderr, bodies(home)):
        assert "s3cret" not in text
    assert "127.0.0.1:9" not in bodies(home)
