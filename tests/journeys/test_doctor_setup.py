"""`doctor` names each part and its fix; `setup` brings the models and writes the settings."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from ingest.index.embed.e5_model import SHA256, EncoderFiles
from tests.cross_encoders import write_cross_encoder
from tests.engines.ollama_server import OllamaServer
from tests.engines.replies import EmbedFault
from tests.internet.duckduckgo import DuckDuckGoSite, fixed
from tests.internet.engines import mojeek
from tests.internet.net import Internet
from tests.internet.search_apis import KEY, SITES
from tests.journeys.conftest import Shell, Shown


def states(shown: Shown) -> dict[str, str]:
    return {check["part"]: check["state"] for check in json.loads(shown.stdout)}


def fixes(shown: Shown) -> dict[str, str]:
    return {check["part"]: check["mend"] for check in json.loads(shown.stdout)}


def test_doctor_finds_everything_well(shell_with_model: Shell, net: Internet) -> None:
    DuckDuckGoSite(fixed("https://weather.test/")).install(net)
    shown = shell_with_model("assistant", "doctor", "--json")
    assert states(shown) == dict.fromkeys(
        ["ollama", "chat model", "embed model", "encoder", "vectors", "browser", "search", "index",
         "disk", "proxy"], "ok",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "said"),
    [("nan", "NaN"), ("zeros", "zeros"), ("empty", "empty"), ("words", "vectors")],
)
def test_doctor_embeds_a_text_and_looks_at_what_comes(
    shell_with_model: Shell, ollama: OllamaServer, fault: EmbedFault, said: str
) -> None:
    sound = shell_with_model("assistant", "doctor", "--lang", "en", code=None)
    assert re.search(r"✓ vectors +ollama:nomic-embed-text.*: 64 numbers, \d+ ms", sound.stdout)
    ollama.embed_faults = {"": fault}
    en = shell_with_model("assistant", "doctor", "--lang", "en", code=None)
    (line,) = [line for line in en.stdout.splitlines() if line.startswith("! vectors")]
    assert said in line
    zh = shell_with_model("assistant", "doctor", "--lang", "zh", "--json", code=None)
    assert states(zh)["vectors"] == "warn"


def test_doctor_misses_no_server_where_answers_are_to_be_quotes(shell: Shell) -> None:
    quotes = {"ASSISTANT_MODEL__PROVIDER": "extractive"}
    shown = shell("assistant", "doctor", "--lang", "en", code=None, **quotes)
    assert re.search(r"✓ chat model +quotes from the pages", shown.stdout)
    assert "ollama" not in shown.stdout.lower()


def test_doctor_loads_the_reranker_that_is_named(shell: Shell, tmp_path: Path) -> None:
    folder = write_cross_encoder(tmp_path / "overlap", vocabulary=["drone"])
    named = {"ASSISTANT_ANSWER__RERANKER": str(folder)}
    shown = shell("assistant", "doctor", "--lang", "en", code=None, **named)
    assert re.search(r"✓ reranker +overlap, 1000 ms a question", shown.stdout)
    (folder / "model.onnx").unlink()
    shown = shell("assistant", "doctor", "--lang", "en", code=None, **named)
    assert re.search(r"! reranker +no cross-encoder in .*model\.onnx is missing", shown.stdout)
    assert "answer.reranker must name a folder" in shown.stdout


@pytest.mark.chromium
def test_doctor_opens_a_page_in_the_browser_and_asks_no_proxy_for_it(
    shell: Shell, net: Internet
) -> None:
    shown = shell("assistant", "doctor", "--json", code=None, ASSISTANT_CRAWL__BROWSER="auto")
    assert states(shown)["browser"] == "ok"
    assert "127.0.0.1" not in {request.host for request in net.log}


BROKEN_BROWSERS = {
    "ends": ("exit 7", "exit code 7"),
    "closes the debugging socket": (
        "exec 3<&- 4>&-; exec sleep 60",
        "it closes the debugging connection",
    ),
}


@pytest.mark.parametrize("script", BROKEN_BROWSERS)
def test_doctor_says_in_one_line_why_no_page_opens_in_the_browser(
    shell: Shell, tmp_path: Path, script: str
) -> None:
    program, detail = BROKEN_BROWSERS[script]
    browser = tmp_path / "chromium"
    browser.write_text(f"#!/bin/sh\n{program}\n")
    browser.chmod(0o755)
    used = {"ASSISTANT_CRAWL__BROWSER": "auto", "ASSISTANT_CRAWL__BROWSER_PATH": str(browser)}
    en = shell("assistant", "doctor", "--lang", "en", code=None, **used)
    (line,) = [line for line in en.stdout.splitlines() if line.startswith("! browser")]
    assert line.endswith(f" no page opens in {browser}: {browser} does not start ({detail})")
    assert "name another in crawl.browser_path" in en.stdout
    zh = shell("assistant", "doctor", "--lang", "zh", code=None, **used)
    assert f"用 {browser} 打不开网页" in zh.stdout


def test_doctor_gives_the_command_that_fixes_each_part(
    shell_with_model: Shell, ollama: OllamaServer, tmp_path: Path
) -> None:
    ollama.models = []
    shown = shell_with_model(
        "assistant", "doctor", "--json", ASSISTANT_EMBED__WEIGHTS=str(tmp_path / "none")
    )
    assert fixes(shown)["chat model"] == "ollama pull deepseek-r1:1.5b"
    assert fixes(shown)["encoder"] == "assistant setup"


def test_a_model_of_a_registry_with_a_port_is_found_without_its_tag(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    ollama.models = ["localhost:5000/me/qwen3:latest"]
    named = {"ASSISTANT_MODEL__NAME": "localhost:5000/me/qwen3"}
    shown = shell_with_model("assistant", "doctor", "--json", code=None, **named)
    assert states(shown)["chat model"] == "ok"
    shell_with_model("assistant", "setup", code=None, **named)
    assert not ollama.asked("/api/pull")


def test_doctor_looks_for_the_embedding_model_on_its_own_server(
    shell: Shell, ollama: OllamaServer
) -> None:
    ollama.embedders = []
    elsewhere = {"ASSISTANT_EMBED__PROVIDER": "ollama", "ASSISTANT_EMBED__HOST": ollama.url}
    openai = {"ASSISTANT_MODEL__PROVIDER": "openai", "ASSISTANT_MODEL__HOST": "http://127.0.0.1:9"}
    for chat in ({}, openai):
        shown = shell("assistant", "doctor", "--json", code=None, **elsewhere, **chat)
        assert fixes(shown)["embed model"] == "ollama pull nomic-embed-text"


def test_doctor_says_which_engine_stands_in(shell: Shell, net: Internet) -> None:
    site = DuckDuckGoSite(fixed())
    site.mode = "403"
    site.install(net)
    mojeek(net, fixed("https://weather.test/"))
    shown = shell("assistant", "doctor", "--json")
    assert states(shown)["search"] == "warn"
    found = next(row["found"] for row in json.loads(shown.stdout) if row["part"] == "search")
    assert "Mojeek answered instead" in found


def test_doctor_names_an_engine_that_does_not_exist(shell: Shell) -> None:
    engines = {"ASSISTANT_SEARCH__ENGINES": '["duckduckgoose"]'}
    shown = shell("assistant", "doctor", "--json", code=1, **engines)
    assert states(shown)["search"] == "fail"
    assert "duckduckgo" in fixes(shown)["search"]


def test_doctor_names_a_key_that_is_missing_or_refused(shell: Shell, net: Internet) -> None:
    SITES["tavily"](fixed("https://weather.test/")).install(net)
    engines = {"ASSISTANT_SEARCH__ENGINES": '["tavily"]'}
    missing = shell("assistant", "doctor", "--json", code=1, **engines)
    assert 'write key = "…" below [search.tavily]' in fixes(missing)["search"]
    engines["ASSISTANT_SEARCH__TAVILY__KEY"] = "sk-another"
    refused = shell("assistant", "doctor", "--json", code=1, **engines)
    assert "correct search.tavily.key in assistant.toml" in fixes(refused)["search"]
    assert "sk-another" not in refused.stdout + refused.stderr
    engines["ASSISTANT_SEARCH__TAVILY__KEY"] = KEY
    assert states(shell("assistant", "doctor", "--json", **engines))["search"] == "ok"


def test_doctor_says_that_a_server_of_ones_own_is_not_started(shell: Shell) -> None:
    engines = {
        "ASSISTANT_SEARCH__ENGINES": '["searxng"]',
        "ASSISTANT_SEARCH__SEARXNG_URL": "http://127.0.0.1:9",
    }
    shown = shell("assistant", "doctor", "--json", code=1, **engines)
    assert "search.searxng_url" in fixes(shown)["search"]


def test_doctor_exits_with_1_when_no_answer_is_possible(shell: Shell, net: Internet) -> None:
    site = DuckDuckGoSite(fixed())
    site.mode = "403"
    site.install(net)
    shown = shell("assistant", "doctor", "--json", code=1)
    assert states(shown)["search"] == "fail"
    assert fixes(shown)["ollama"] == "ollama serve"
    assert "--no-web" in fixes(shown)["search"]


def test_doctor_without_a_network_says_what_to_check(shell: Shell) -> None:
    closed = "http://127.0.0.1:9"
    gone = {"HTTPS_PROXY": closed, "https_proxy": closed, "DDGS_PROXY": closed}
    en = shell("assistant", "doctor", "--json", code=1, **gone)
    assert fixes(en)["search"] == "check the network and HTTPS_PROXY"
    zh = shell("assistant", "doctor", "--lang", "zh", code=1, **gone)
    assert "请检查网络和 HTTPS_PROXY" in zh.stdout


def test_doctor_says_why_a_search_may_be_empty(shell: Shell, net: Internet) -> None:
    DuckDuckGoSite(fixed()).install(net)
    shown = shell("assistant", "doctor", "--json", "--lang", "zh")
    assert states(shown)["search"] == "warn"
    assert "search.exclude" in fixes(shown)["search"]
    assert "请过几分钟再试" in fixes(shown)["search"]


def test_doctor_says_how_chunks_without_vectors_are_found(shell: Shell) -> None:
    tea = "https://leafandwater.example/brewing/green-tea"
    shell("ingest", tea, ASSISTANT_EMBED__PROVIDER="none")
    assert "0 with vectors (the rest is found by words)" in shell("assistant", "doctor").stdout


def test_doctor_names_a_host_that_cannot_be_used(shell: Shell) -> None:
    shown = shell("assistant", "doctor", "--lang", "zh", code=2, OLLAMA_HOST="garbage://")
    assert "$OLLAMA_HOST" in shown.stderr
    assert "ollama serve" not in shown.stderr


def test_doctor_lives_with_a_dead_search_once_the_index_holds_pages(
    shell: Shell, net: Internet
) -> None:
    shell("ingest", "https://leafandwater.example/brewing/green-tea")
    site = DuckDuckGoSite(fixed())
    site.mode = "403"
    site.install(net)
    shown = shell("assistant", "doctor", "--json")
    assert states(shown)["search"] == "warn"
    (index,) = (row["found"] for row in json.loads(shown.stdout) if row["part"] == "index")
    assert index.startswith("1 document, ")


def test_doctor_speaks_to_people_in_their_language(shell_with_model: Shell) -> None:
    shown = shell_with_model("assistant", "doctor", "--lang", "zh")
    assert "有响应" in shown.stdout
    assert "✓" in shown.stdout


def test_doctor_hides_the_password_of_a_proxy(shell: Shell) -> None:
    shown = shell("assistant", "doctor", code=None, all_proxy="http://me:secret@proxy.test:3128")
    assert "proxy.test:3128" in shown.stdout
    assert "secret" not in shown.stdout


def test_setup_pulls_the_models_and_writes_the_settings(
    shell_with_model: Shell, ollama: OllamaServer, home: Path
) -> None:
    ollama.models, ollama.embedders = [], []
    shown = shell_with_model("assistant", "setup", "--model", "qwen3:4b", "--embed-model", "bge-m3")
    pulled = [request.body["model"] for request in ollama.requests if request.path == "/api/pull"]
    assert pulled == ["qwen3:4b", "bge-m3"]
    assert "success" in shown.stderr
    written = tomllib.loads((home / "assistant.toml").read_text("utf-8"))
    assert written["model"]["name"] == "qwen3:4b"
    assert written["embed"]["model"] == "bge-m3"


def pulled_from(server: OllamaServer) -> list[str]:
    return [request.body["model"] for request in server.requests if request.path == "/api/pull"]


def test_setup_pulls_each_model_for_its_provider_from_its_own_server(
    shell: Shell, ollama: OllamaServer
) -> None:
    ollama.models, ollama.embedders = [], []
    on_ollama = {"OLLAMA_HOST": ollama.url}
    for provider in ("builtin", "none"):
        ollama.requests.clear()
        ollama.models = []
        shell("assistant", "setup", **on_ollama, ASSISTANT_EMBED__PROVIDER=provider)
        assert pulled_from(ollama) == ["deepseek-r1:1.5b"]
    with OllamaServer(models=[], embedders=[]) as other:
        shell("assistant", "setup", **on_ollama, ASSISTANT_EMBED__HOST=other.url)
        assert pulled_from(other) == ["nomic-embed-text"]
        ollama.requests.clear()
        openai = {"ASSISTANT_MODEL__PROVIDER": "openai", "ASSISTANT_MODEL__HOST": ollama.url}
        shell("assistant", "setup", **openai)
        assert ollama.requests == []


def test_setup_goes_on_after_a_failed_pull_and_writes_down_what_is_there(
    shell_with_model: Shell, ollama: OllamaServer, home: Path
) -> None:
    ollama.models, ollama.embedders = [], []
    named = ("--model", "missing:4b", "--embed-model", "bge-m3")
    shell_with_model("assistant", "setup", *named, code=1)
    assert pulled_from(ollama) == ["missing:4b", "bge-m3"]
    written = tomllib.loads((home / "assistant.toml").read_text("utf-8"))
    assert written == {"embed": {"model": "bge-m3"}}


def test_setup_says_that_it_is_ollama_that_has_no_network(shell_with_model: Shell) -> None:
    named = ("--model", "offline:1b")
    en = shell_with_model("assistant", "setup", *named, "--lang", "en", code=1)
    (line,) = [line for line in en.stderr.splitlines() if "offline:1b" in line]
    assert "cannot reach its registry" in line
    assert "HTTPS_PROXY" in line
    assert "proxyconnect" in line
    zh = shell_with_model("assistant", "setup", *named, "--lang", "zh", code=1)
    assert "Ollama 自己的网络" in zh.stderr


def test_setup_says_that_a_named_folder_hides_the_encoder(
    shell_with_model: Shell, tmp_path: Path
) -> None:
    named = {"ASSISTANT_EMBED__WEIGHTS": str(tmp_path)}
    shown = shell_with_model("assistant", "setup", "--lang", "en", code=1, **named)
    assert "embed.weights hides the installed encoders" in shown.stderr
    assert "fetching" not in shown.stderr


def test_doctor_shows_the_chosen_encoder_and_only_its_own_shares(shell: Shell, home: Path) -> None:
    kept = EncoderFiles(home / "models", SHA256).pair_weights
    kept.parent.mkdir(parents=True, exist_ok=True)
    shares = json.dumps({f"{one}-{two}": 0.75 for one in ("en", "zh") for two in ("en", "zh")})
    kept.write_text(shares, encoding="utf-8")
    small = shell("assistant", "doctor", "--lang", "en", code=None)
    assert re.search(r"✓ encoder +all-MiniLM-L6-v2\n", small.stdout)
    large = {"ASSISTANT_EMBED__ENCODER": "multilingual-e5-small"}
    preferred = shell("assistant", "doctor", "--lang", "en", code=None, **large)
    assert re.search(r"✓ encoder +multilingual-e5-small .*zh-en 0\.75", preferred.stdout)


def test_setup_keeps_what_a_person_wrote(shell_with_model: Shell, home: Path) -> None:
    path = home / "assistant.toml"
    path.write_text("# mine\n[answer]\npassages = 3  # few\n")
    shell_with_model("assistant", "setup")
    assert "# mine" in path.read_text("utf-8")
    assert tomllib.loads(path.read_text("utf-8"))["answer"]["passages"] == 3


def test_setup_without_ollama_says_how_to_get_it(shell: Shell) -> None:
    shown = shell("assistant", "setup", "--lang", "zh", code=1)
    assert shown.stderr.count("ollama serve") == 1


def test_setup_leaves_the_host_to_the_environment(
    shell_with_model: Shell, ollama: OllamaServer, home: Path
) -> None:
    ollama.models.append("qwen3:4b")
    path = home / "assistant.toml"
    shell_with_model("assistant", "setup")
    assert not path.exists()
    shell_with_model("assistant", "setup", "--model", "qwen3:4b")
    assert tomllib.loads(path.read_text("utf-8")) == {"model": {"name": "qwen3:4b"}}


def test_setup_writes_down_a_host_that_was_named(
    shell_with_model: Shell, ollama: OllamaServer, home: Path
) -> None:
    named = {"ASSISTANT_MODEL__HOST": ollama.url, "ASSISTANT_EMBED__PROVIDER": "builtin"}
    shell_with_model("assistant", "setup", OLLAMA_HOST="127.0.0.1:9", **named)
    written = tomllib.loads((home / "assistant.toml").read_text("utf-8"))
    assert written == {"model": {"host": ollama.url}}


def test_setup_writes_the_default_over_another_choice(shell_with_model: Shell, home: Path) -> None:
    path = home / "assistant.toml"
    path.write_text('[model]\nname = "qwen3:4b"\n', encoding="utf-8-sig")
    shell_with_model("assistant", "setup", "--model", "deepseek-r1:1.5b")
    assert tomllib.loads(path.read_text("utf-8"))["model"]["name"] == "deepseek-r1:1.5b"


@pytest.mark.parametrize("proxy", ["http://me:secret@127.0.0.1:9", "foo://x", "http://x:y"])
def test_doctor_names_a_proxy_that_is_of_no_use_and_mends_it(proxy: str, shell: Shell) -> None:
    every = dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"), proxy)
    shown = shell("assistant", "doctor", "--json", code=None, **every)
    assert states(shown)["proxy"] == "warn"
    assert fixes(shown)["proxy"].endswith("http_proxy https_proxy all_proxy")
    found = next(row["found"] for row in json.loads(shown.stdout) if row["part"] == "proxy")
    assert proxy.rpartition("@")[2] in found
    assert "secret" not in shown.stdout
