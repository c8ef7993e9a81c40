"""A small internet of its own for each test, and a browser that sees it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.browser_kit import Kit
from tests.internet.net import Internet


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    internet = Internet()
    with internet.serve():
        for name, value in internet.variables.items():
            monkeypatch.setenv(name, value)
        yield internet


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of this machine stands between a test and its own server."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def kit(net: Internet) -> AsyncIterator[Kit]:
    kit = Kit()
    yield kit
    await kit.close()


@pytest.fixture
async def strict(net: Internet) -> AsyncIterator[Kit]:
    kit = Kit(timeout_s=6.0, max_bytes=100_000)
    yield kit
    await kit.close()
