import pytest

from ingest.foundation.server_urls import base_url, is_loopback, is_server_address


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


@pytest.mark.parametrize(
    ("host", "possible"),
    [
        ("", True),
        ("10.0.0.5:8000", True),
        ("https://gpu.example/v1", True),
        ("[::1]:11434", True),
        ("garbage://", False),
        ("http://gpu.example:port", False),
        ("gpu.example:99999", False),
        ("http://[::1", False),
        ("two words", False),
    ],
)
def test_address_that_cannot_be_called_is_known(host: str, possible: bool) -> None:
    assert is_server_address(host) is possible
