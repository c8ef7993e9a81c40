"""The demo's internet: every question finds its pages, and each page has its manners."""

import os
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.internet.demo import demo_internet, sample_pages, surroundings, word_search

PAGES = {page.url: page for page in sample_pages()}


@pytest.mark.parametrize(
    ("question", "host"),
    [
        ("无人机夜间飞行需要什么条件？", "yehang.example"),
        ("微型无人机的重量限制是多少？", "feishou.example"),
        ("操控员执照怎么考？", "zhizhao.example"),
        ("适飞空域 120米 真高", "kongyu.example"),
        ("无人机不实名登记罚多少", "xinwen.example"),
        ("绿茶用多少度的水泡？", "chajing.example"),
        ("马拉松赛前减量几周", "paobu.example"),
        ("drone rules at night in the United States", "dronehandbook.example"),
        ("EU open category drone limits", "skyrules.example"),
        ("How does robots.txt work, RFC 9309?", "crawlers.example"),
        ("ollama context length num_ctx", "localmodels.example"),
        ("green tea water temperature", "leafandwater.example"),
    ],
)
def test_a_question_finds_its_page_among_the_first(question: str, host: str) -> None:
    results = word_search(sample_pages())(question)[:3]
    assert host in [httpx.URL(result.url).host for result in results]
    assert all(result.snippet for result in results)


def test_what_has_nothing_to_do_with_the_question_is_not_found() -> None:
    find = word_search(sample_pages())
    assert find("xyzzy") == []
    found = [result.url for result in find("How hot should the water for green tea be?")]
    assert not [url for url in found if "drone" in url]


def test_the_pages_are_real_pages_of_several_kinds() -> None:
    languages = [page.language for page in PAGES.values()]
    assert min(languages.count("zh"), languages.count("en")) >= 8
    assert any(page.by_script for page in PAGES.values())
    assert any(page.delay for page in PAGES.values())
    assert any(page.location in PAGES for page in PAGES.values())
    assert any(page.charset == "gbk" for page in PAGES.values())
    assert any("Disallow: /reports/" in page.robots for page in PAGES.values())
    hosts = [httpx.URL(url).host for url in PAGES]
    assert all(host.endswith(".example") for host in hosts)


def test_every_page_answers_under_its_own_address() -> None:
    net = demo_internet()
    with net.serve():
        trust = ssl.create_default_context(cafile=net.ca_pem)
        with httpx.Client(proxy=net.proxy, verify=trust, timeout=20, trust_env=False) as web:
            for page in PAGES.values():
                reply = web.get(page.url)
                if page.location:
                    assert reply.headers["location"] == page.location
                    continue
                assert page.title in reply.content.decode(page.charset)
                assert "User-agent" in web.get(httpx.URL(page.url).join("/robots.txt")).text
    assert net.refused == []


def test_a_command_on_the_demo_knows_nothing_of_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSISTANT_MODEL__NAME", "my-own")
    net = demo_internet()
    with net.serve():
        environment = surroundings(net, str(tmp_path), "127.0.0.1:11434")
    ours = {name for name in environment if name.startswith("ASSISTANT_")}
    assert ours == {"ASSISTANT_HOME"}
    assert environment["OLLAMA_HOST"] == "127.0.0.1:11434"


def test_serving_prints_the_way_there_and_ends_with_ctrl_c() -> None:
    command = [sys.executable, "-m", "tests.internet.demo", "serve"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as demo:
        assert demo.stdout is not None
        lines = [demo.stdout.readline() for _ in range(8)]
        way = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        trust = ssl.create_default_context(cafile=way["SSL_CERT_FILE"])
        url = "https://chajing.example/paofa/lvcha"
        reply = httpx.get(url, proxy=way["HTTPS_PROXY"], verify=trust, trust_env=False)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=60) == 0
    assert "绿茶" in reply.text


def test_asking_over_the_demo_streams_an_answer_and_leaks_nothing() -> None:
    command = [
        sys.executable,
        "-m",
        "tests.internet.demo",
        "ask",
        "绿茶用多少度的水泡？",
        "--quiet",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "https://chajing.example/paofa/lvcha" in done.stdout
    assert "80" in done.stdout
    assert "outside of the demo" not in done.stderr


def test_the_exit_code_of_the_assistant_is_passed_on() -> None:
    command = [sys.executable, "-m", "tests.internet.demo", "ask", "tea", "--no-such-option"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "no-such-option" in done.stderr
