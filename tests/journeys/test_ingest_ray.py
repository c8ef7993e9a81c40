"""`ingest --engine ray` on a real cluster of two nodes, whose workers may be killed."""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.internet.messages import Reply, Request
from tests.internet.net import Internet
from tests.journeys.conftest import Shell

pytestmark = pytest.mark.timeout(900)

PAGES = 24
START_S = 60.0
"""Longest wait for a worker to appear: two nodes share this machine with everything else."""


class Site:
    """One host, which knows how many requests it had at once."""

    def __init__(self, *, delay_s: float) -> None:
        self._delay_s = delay_s
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0
        self.asked: Counter[str] = Counter()

    def __call__(self, request: Request) -> Reply:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            self.asked[request.path] += 1
        time.sleep(self._delay_s)
        with self._lock:
            self._now -= 1
        if request.path == "/robots.txt":
            return Reply(body="User-agent: *\nDisallow: /private\n", content_type="text/plain")
        text = f"<p>Page {request.path} tells how herons nest by the lake in spring.</p>" * 3
        html = f"<html><body><article><h1>Herons {request.path}</h1>{text}</article>"
        return Reply(body=html)


@pytest.fixture
def cluster(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A head and one more node, whose processes see the sample internet as the shell does."""
    import ray.cluster_utils

    for name, value in shell.variables.items():
        monkeypatch.setenv(name, value)
    # The head tells its vendor even that telling is switched off, and asks for cloud metadata: here
    # both would count as requests that our workers make.
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_USAGE_STATS_REPORT_URL", "http://127.0.0.1:9/")
    for name in ("no_proxy", "NO_PROXY"):
        local = "127.0.0.1,localhost,169.254.169.254,metadata.google.internal"
        monkeypatch.setenv(name, local)
    nodes = ray.cluster_utils.Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    try:
        nodes.add_node(num_cpus=1)
        yield str(nodes.address)
    finally:
        nodes.shutdown()


def worker_pids() -> list[int]:
    found = []
    for process in psutil.process_iter(["cmdline", "uids"]):
        title = " ".join(process.info["cmdline"] or [])
        if title.startswith("ray::ReadingWorker") and process.info["uids"].real == os.getuid():
            found.append(process.pid)
    return found


def urls_of(folder: Path, count: int) -> list[str]:
    urls = [f"https://site.test/{number}" for number in range(count)]
    (folder / "urls.txt").write_text("\n".join([*urls, "https://site.test/private/x"]))
    return urls


def test_pages_are_read_by_workers_and_no_host_feels_that_there_are_two(
    shell: Shell, net: Internet, cluster: str
) -> None:
    site = Site(delay_s=0.05)
    net.route("site.test", site)
    urls = urls_of(shell.folder, PAGES)
    shown = shell(
        "ingest",
        "urls.txt",
        *("--engine", "ray", "--address", cluster, "--json"),
        code=3,
        ASSISTANT_CRAWL__PER_HOST="1",
        ASSISTANT_CRAWL__TIMEOUT="60",
    )
    events = [json.loads(line) for line in shown.stdout.splitlines()]
    stored = [event for event in events if event["type"] == "page_stored"]
    assert {event["url"] for event in stored} == set(urls)
    assert all(event["embedded"] == event["chunks"] > 0 for event in stored)
    assert site.most == 1
    assert site.asked["/robots.txt"] == 1
    assert site.asked["/private/x"] == 0
    assert set(site.asked.values()) == {1}


def test_pages_of_a_killed_worker_are_read_by_another(
    shell: Shell, net: Internet, cluster: str
) -> None:
    site = Site(delay_s=0.5)
    net.route("site.test", site)
    urls = urls_of(shell.folder, PAGES)
    before = set(worker_pids())
    # A worker that is started anew takes the processor for seconds, and no page is late for that.
    run = shell.start(
        *("ingest", "urls.txt", "--engine", "ray", "--address", cluster, "--json"),
        ASSISTANT_CRAWL__TIMEOUT="16",
    )
    assert run.stdout is not None
    first = json.loads(run.stdout.readline())
    ours = set(worker_pids()) - before
    assert ours
    os.kill(min(ours), signal.SIGKILL)
    rest, errors = run.communicate(timeout=300)
    assert [line for line in rest.splitlines() if not line.startswith("{")] == [], errors
    events = [first, *(json.loads(line) for line in rest.splitlines())]
    assert run.returncode == 3, errors
    others = [event for event in events if event["type"] != "page_stored"]
    assert [event["url"] for event in others] == ["https://site.test/private/x"], others
    assert sorted(event["url"] for event in events if event not in others) == sorted(urls)
    assert "Traceback" not in errors
    net.clear()
    again = shell("ingest", "urls.txt", code=3)
    assert f"unchanged {PAGES}" in again.stderr


@pytest.mark.parametrize("address", [("--address", "127.0.0.1:9"), ()])
def test_cluster_that_is_not_there_is_one_line(shell: Shell, address: tuple[str, ...]) -> None:
    (shell.folder / "note.md").write_text("# Herons\n\nHerons nest by the lake.\n")
    shown = shell("ingest", "note.md", "--engine", "ray", *address, code=1)
    assert f"the cluster at {address[-1] if address else 'auto'} cannot be used" in shown.stderr
    assert "ray start" in shown.stderr
