import asyncio
import base64
import hashlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ingest.errors import FetchError
from ingest.web.fetch import supervisor
from ingest.web.fetch.chromium import Chromium, find_browser, flags
from ingest.web.fetch.public_key_pins import public_key_pin

pytestmark = pytest.mark.anyio

NOWHERE = "http://127.0.0.1:9"
AGENT = "qiuzheng/0.1.0 (+https://example.test/)"
EVENTUALLY_S = 30.0
ERRANDS_S = 3.0
"""Chromium 150 and 156 send the last of the requests that they make at their start after 2 s."""


def is_alive(pid: int) -> bool:
    """Return whether the process is still at work (a zombie is not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def all_end(*pids: int) -> bool:
    """Return whether all of them end."""
    until = time.monotonic() + EVENTUALLY_S
    while any(map(is_alive, pids)) and time.monotonic() < until:
        time.sleep(0.01)
    return not any(map(is_alive, pids))


# The supervisor, with a shell in Chromium's place


class Supervised:
    """A shell script under the supervisor."""

    def __init__(self, folder: Path, script: str) -> None:
        folder.mkdir()
        (folder / "inside").write_text("x")
        self.folder = folder
        self.socket, theirs = socket.socketpair()
        end = theirs.fileno()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", supervisor.__file__, folder, str(end),
                 "/bin/sh", "-c", script],
                pass_fds=[end],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.pipe = self.process.stdin
        self.leader = int(self.process.stdout.readline())

    def child(self, name: str = "child") -> int:
        """Return the process id that the script writes into its folder."""
        place = self.folder / name
        while not (place.exists() and place.read_text().strip()):
            time.sleep(0.005)
        return int(place.read_text())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "profile"


def with_child(folder: Path) -> str:
    """Return a script whose child lives in the same group and would outlive it."""
    return f"sleep 600 & echo $! > {folder}/child; wait"


def test_a_group_ends_with_its_owner_s_pipe_and_its_folder_goes(folder: Path) -> None:
    program = Supervised(folder, with_child(folder))
    pids = (program.leader, program.child(), program.process.pid)
    program.pipe.close()
    program.process.wait(EVENTUALLY_S)
    assert all_end(*pids)
    assert not folder.exists()


def test_children_of_a_program_that_ends_by_itself_end_with_it(folder: Path) -> None:
    program = Supervised(folder, f"sleep 600 & echo $! > {folder}/child; sleep 0.1; exit 7")
    child = program.child()
    assert program.process.wait(EVENTUALLY_S) == 7
    assert all_end(child)
    assert not folder.exists()


@pytest.mark.parametrize("number", supervisor.IGNORED_SIGNALS)
def test_signals_meant_for_the_owner_do_not_end_the_program(
    folder: Path, number: signal.Signals
) -> None:
    program = Supervised(folder, with_child(folder))
    child = program.child()
    program.process.send_signal(number)
    program.pipe.write(b"still here")
    program.pipe.flush()
    time.sleep(0.1)
    assert is_alive(child)
    program.pipe.close()
    program.process.wait(EVENTUALLY_S)
    assert all_end(child)


def test_a_program_that_defies_a_polite_signal_is_ended(folder: Path) -> None:
    stubborn = f"trap '' TERM INT HUP; echo $$ > {folder}/child; while :; do sleep 1; done"
    program = Supervised(folder, stubborn)
    child = program.child()
    program.pipe.close()
    program.process.wait(EVENTUALLY_S)
    assert all_end(child)


def test_a_program_gets_the_signals_that_its_supervisor_ignores(folder: Path) -> None:
    program = Supervised(folder, "kill -TERM $$; sleep 600")
    assert program.process.wait(EVENTUALLY_S) == -signal.SIGTERM & 0xFF


def test_a_program_that_is_not_there_is_exit_code_127(tmp_path: Path) -> None:
    ended = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            supervisor.__file__,
            tmp_path / "x",
            "2",
            tmp_path / "nothing",
        ],
        stdin=subprocess.PIPE,
        capture_output=True,
        timeout=EVENTUALLY_S,
    )
    assert ended.returncode in (127, -signal.SIGKILL & 0xFF)  # the pipe may close first


OWNER = """
import asyncio, sys
from pathlib import Path
from ingest.web.fetch import chromium

script, profile = sys.argv[1:]
Path(profile).mkdir()
held = chromium.start_supervised(Path(profile), ["/bin/sh", "-c", script], end=2)
print(held.pid, int(held.stdout.readline()), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def owner(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, with_child(folder), folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[4],
    )
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_signal_to_the_owner_leaves_anything_behind(
    owner: subprocess.Popen[bytes], folder: Path, number: signal.Signals
) -> None:
    assert owner.stdout is not None
    pids = [int(word) for word in owner.stdout.readline().split()]
    while not (folder / "child").exists():
        time.sleep(0.005)
    owner.send_signal(number)
    owner.wait(EVENTUALLY_S)
    assert all_end(*pids)
    assert not folder.exists()


def test_a_program_talks_to_its_owner_by_3_and_4_and_the_owner_sees_its_end(folder: Path) -> None:
    program = Supervised(folder, "read line <&3; echo got $line >&4; exec 3<&- 4>&-; sleep 600")
    program.socket.settimeout(EVENTUALLY_S)
    program.socket.sendall(b"this\n")
    assert program.socket.recv(100) == b"got this\n"
    assert program.socket.recv(100) == b""
    program.pipe.close()
    assert all_end(program.leader)


# The command line


def test_the_only_way_out_is_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://elsewhere:1")
    monkeypatch.setenv("NO_PROXY", "open.test")
    chosen = flags(gateway=NOWHERE, user_agent=AGENT)
    assert f"--proxy-server={NOWHERE}" in chosen
    assert "--proxy-bypass-list=<-loopback>" in chosen
    assert "--host-resolver-rules=MAP * ~NOTFOUND,EXCLUDE 127.0.0.1" in chosen
    assert not [flag for flag in chosen if "elsewhere" in flag or "open.test" in flag]


def test_authorities_of_the_user_are_trusted_and_a_bundle_of_the_world_s_is_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, bundle = tmp_path / "own.pem", tmp_path / "bundle.pem"
    pem = trustme.CA().cert_pem.bytes()
    own.write_bytes(pem)
    bundle.write_bytes(pem * 100)

    def pins(path: Path | str) -> list[str]:
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        return [flag for flag in flags(gateway=NOWHERE, user_agent=AGENT) if "spki" in flag]

    assert len(pins(own)) == 1
    assert pins(bundle) == []
    assert pins(tmp_path / "nothing.pem") == []
    assert pins("") == []


@pytest.mark.parametrize("key_type", trustme.KeyType)
def test_an_authority_is_listed_by_the_hash_of_its_public_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key_type: trustme.KeyType
) -> None:
    pem = trustme.CA(key_type=key_type).cert_pem.bytes()
    bundle = tmp_path / "own.pem"
    bundle.write_bytes(b"# our proxy\n" + pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    key = x509.load_pem_x509_certificate(pem).public_key()
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = base64.b64encode(hashlib.sha256(info).digest()).decode()
    assert f"--ignore-certificate-errors-spki-list={pin}" in flags(
        gateway=NOWHERE, user_agent=AGENT
    )


def test_an_authority_with_a_key_of_a_kind_that_few_know_hinders_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    p256, sm2 = bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a811ccf5501822d")
    known = trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.bytes()
    unknown = ssl.PEM_cert_to_DER_cert(known.decode()).replace(p256, sm2)
    bundle = tmp_path / "both.pem"
    bundle.write_bytes(ssl.DER_cert_to_PEM_cert(unknown).encode() + known)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    [chosen] = [flag for flag in flags(gateway=NOWHERE, user_agent=AGENT) if "spki" in flag]
    assert public_key_pin(ssl.PEM_cert_to_DER_cert(known.decode())) in chosen


@pytest.mark.parametrize("body", ["", "QUJD", "MIIB", "*"])
def test_what_only_looks_like_a_certificate_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    bundle = tmp_path / "broken.pem"
    bundle.write_text(f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert not [flag for flag in flags(gateway=NOWHERE, user_agent=AGENT) if "spki" in flag]


# Chromium itself


@pytest.fixture
def executable() -> str:
    found = find_browser()
    assert found is not None, "apt-get install chromium"
    return found


@pytest.mark.chromium
async def test_chromium_lists_its_processes_and_stops_with_all_of_them(executable: str) -> None:
    chromium = await Chromium.start(executable, gateway=NOWHERE, user_agent=AGENT)
    assert chromium.is_alive
    assert "Chrome/" in (await chromium.devtools.send("Browser.getVersion"))["product"]
    processes = await chromium.processes()
    while not any(process.is_renderer for process in processes):
        await asyncio.sleep(0.05)
        processes = await chromium.processes()
    assert chromium.pid in {process.pid for process in processes}
    assert all(process.memory > 0 for process in processes if is_alive(process.pid))
    await chromium.stop()
    await chromium.stop()
    assert not chromium.is_alive
    assert all_end(*(process.pid for process in processes))


@pytest.mark.chromium
async def test_chromium_ends_even_if_its_supervisor_is_killed(executable: str) -> None:
    chromium = await Chromium.start(executable, gateway=NOWHERE, user_agent=AGENT)
    processes = await chromium.processes()
    os.kill(parent_of(chromium.pid), signal.SIGKILL)
    await chromium.stop()
    assert all_end(*(process.pid for process in processes))


@pytest.mark.chromium
async def test_a_stopped_chromium_holds_no_file_open(executable: str) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    chromium = await Chromium.start(executable, gateway=NOWHERE, user_agent=AGENT)
    await chromium.stop()
    assert not chromium.is_alive
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.chromium
async def test_chromium_asks_for_nothing_but_the_page(executable: str) -> None:
    requests: list[str] = []

    async def record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await reader.readline()).decode().strip())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(record, "127.0.0.1", 0)
    gateway = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        chromium = await Chromium.start(executable, gateway=gateway, user_agent=AGENT)
        send = chromium.devtools.send
        context = await send("Target.createBrowserContext")  # other services start with each
        await send("Target.createTarget", url="http://page.test/", **context)
        await asyncio.sleep(ERRANDS_S)
        await chromium.stop()
    assert requests[0] == "GET http://page.test/ HTTP/1.1"
    assert [each for each in requests if " http://page.test/" not in each] == []


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.chromium
async def test_giving_up_on_a_start_leaves_nothing_behind(executable: str) -> None:
    before = children()
    starting = asyncio.create_task(Chromium.start(executable, gateway=NOWHERE, user_agent=AGENT))
    while not (started := children() - before):
        await asyncio.sleep(0.005)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert all_end(*started)


def children() -> set[int]:
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


@pytest.mark.parametrize(
    ("program", "detail"), [("/bin/false", "exit code 1"), ("/nowhere/chromium", "no such program")]
)
async def test_a_program_that_is_no_browser_is_named_with_what_it_did(
    program: str, detail: str
) -> None:
    with pytest.raises(FetchError, match=f"{program} does not start .{detail}"):
        await Chromium.start(program, gateway=NOWHERE, user_agent=AGENT)
