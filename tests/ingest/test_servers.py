import pytest

from ingest.servers import base_url, is_loopback


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("localhost:1234", "http://localhost:1234"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("http://127.0.0.1:11434/", "http://127.0.0.1:11434"),
        ("https://gpu.example", "https://gpu.example"),
        ("http://gpu.example/ollama/", "http://gpu.example/ollama"),
        ("[::1]:11434", "http://[::1]:11434"),
    ],
)
def test_host_is_read_as_ollama_reads_it(host: str, url: str) -> None:
    assert base_url(host) == url


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:11434", True),
        ("http://[::1]:1", True),
        ("http://api.localhost", True),
        ("http://10.0.0.1", False),
        ("http://localhost.example", False),
    ],
)
def test_this_machine_is_known_by_name(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback
