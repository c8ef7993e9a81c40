"""One Chromium of our own: found, started with its debugging port on loopback, and always ended."""

import asyncio
import base64
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.errors import FetchError
from ingest.foundation.messages import Message
from ingest.web.fetch import supervisor
from ingest.web.urls import host_of

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLAYWRIGHT_BUILDS = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
    "chromium_headless_shell-*/chrome-*/headless_shell",
    "chromium_headless_shell-*/chrome-*/chrome-headless-shell",
)
PROFILE_PREFIX = "qiuzheng-chromium-"
START_S = 20.0
STOP_S = 5.0
POLL_S = 0.02
PROC = Path("/proc")
MAX_PINNED = 8
"""Certificates of SSL_CERT_FILE that Chromium is told of: a bundle of all the world's has more."""

NOWHERE = "http://127.0.0.1:9/"
"""Where Chromium's own services are sent: port 9 is one of those that it never connects to."""

FLAGS = (
    "--headless",
    "--remote-debugging-port=0",  # any free one, on loopback; DevToolsActivePort says which
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    "--no-service-autorun",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",  # /dev/shm is 64 MB in containers
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-field-trial-config",  # each version of an unbranded build tries other features
    "--disable-gpu",
    "--disable-quic",  # UDP, which no proxy of ours carries
    "--disable-remote-fonts",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--disable-features=AutofillServerCommunication,CertificateTransparencyComponentUpdater,"
    "InterestFeedContentSuggestions,MediaRouter,NetworkTimeServiceQuerying,"
    "OptimizationGuideModelDownloading,OptimizationHints,PreconnectToSearch,Translate",
    # These services have no switch, but an address that can be set: sign-in (ListAccounts), the
    # search engine's AI mode (/async/folae, until 150), push messages, and component updates,
    # which 156 looks for in spite of --disable-component-update.
    f"--gaia-url={NOWHERE}",
    f"--google-base-url={NOWHERE}",
    f"--gcm-checkin-url={NOWHERE}",
    f"--component-updater=url-source={NOWHERE}",
    "--autoplay-policy=user-gesture-required",
    "--blink-settings=imagesEnabled=false",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",  # its name until Chromium 130
    "--metrics-recording-only",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
)


def find_browser() -> str | None:
    """Return the path of a Chromium or Chrome: on PATH, or downloaded by Playwright; else None."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    chosen = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    caches = (Path.home() / ".cache/ms-playwright", Path.home() / "Library/Caches/ms-playwright")
    for folder in [Path(chosen)] if chosen else caches:
        for pattern in PLAYWRIGHT_BUILDS:
            builds = sorted(path for path in folder.glob(pattern) if os.access(path, os.X_OK))
            if builds:
                return str(builds[-1])
    return None


def flags(*, gateway: str) -> list[str]:
    """Return the command line of a Chromium whose only way out is the proxy at `gateway`.

    It looks no name up (but for the gateway's own address), goes through the gateway even to
    loopback, and trusts the authorities of SSL_CERT_FILE.
    """
    chosen = [
        *FLAGS,
        f"--proxy-server={gateway}",
        "--proxy-bypass-list=<-loopback>",
        f"--host-resolver-rules=MAP * ~NOTFOUND,EXCLUDE {host_of(gateway)}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        chosen.append("--no-sandbox")  # Chromium refuses to run as root with it
    pins = _pins(os.environ.get("SSL_CERT_FILE", ""))
    if pins:
        chosen.append(f"--ignore-certificate-errors-spki-list={','.join(pins)}")
    return chosen


def _pins(pem: str) -> list[str]:
    """Return the public key hashes of the authorities in `pem`, none if they are many or none.

    Chromium reads no SSL_CERT_FILE. A company's own authority is let in by its key instead: a
    chain that shows one of these keys is accepted. That is weaker than a signature check, and
    good for the one thing it is there for: a proxy that the user has told us to trust. Other
    pages keep Chromium's full check.
    """
    if not pem:
        return []
    from cryptography import x509  # noqa: PLC0415  comes with crawl4ai, not with the base install

    try:
        bundle = Path(pem).read_bytes()
        few = bundle.count(b"BEGIN CERTIFICATE") <= MAX_PINNED
        authorities = x509.load_pem_x509_certificates(bundle) if few else []
    except (OSError, ValueError):
        return []
    return [pin for pin in map(_pin, authorities) if pin]


def _pin(authority: "Certificate") -> str:
    """Return the hash of a public key, "" if it is of a kind unknown to us, such as SM2."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  as above
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415  as above
        Encoding,
        PublicFormat,
    )

    try:
        key = authority.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return ""
    octets = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(octets).digest()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process of a browser."""

    pid: int
    memory: int
    """Resident bytes; what is shared with the others is counted in each."""
    is_renderer: bool
    """Whether it shows pages, and can be ended without ending the others."""


class Chromium:
    """A running Chromium. Made by `start`, ended by `stop`, or when this process ends.

    It runs under `ingest.web.fetch.supervisor`, which ends it and removes its profile when our end
    of a pipe closes: by `stop`, by our exit, by a crash, or by a kill that leaves us no last word.
    """

    def __init__(self, supervisor: subprocess.Popen[bytes], profile: Path) -> None:
        self._supervisor = supervisor
        self._profile = profile
        self.endpoint = ""
        """The WebSocket URL of its DevTools."""
        self.pid = 0
        """The process, which leads a process group of its own; 0 until it has started."""

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended on its own."""
        return self._supervisor.poll() is None

    @classmethod
    async def start(cls, executable: str, *, gateway: str) -> "Chromium":
        """Start `executable` on an empty profile and wait until it listens.

        Args:
            executable: path or name of the program.
            gateway: the proxy that is its only way out, "http://127.0.0.1:port".

        Raises:
            FetchError: "unreachable": it does not start.
        """
        program = await asyncio.to_thread(shutil.which, executable)
        if program is None:
            raise will_not_start(executable, "no such program")
        chosen = await asyncio.to_thread(flags, gateway=gateway)
        profile = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=PROFILE_PREFIX))
        command = [program, *chosen, f"--user-data-dir={profile}", "about:blank"]
        chromium = cls(_supervised(profile, command), profile)
        try:
            await chromium._wait_until_listening(executable)
        except BaseException:
            await chromium.stop()
            raise
        return chromium

    async def _wait_until_listening(self, executable: str) -> None:
        try:
            async with asyncio.timeout(START_S):
                self.endpoint = await self._listening()
        except TimeoutError as error:
            raise will_not_start(executable, f"silent for {START_S:g} s") from error
        if not self.endpoint:
            raise will_not_start(executable, f"exit code {self._supervisor.returncode}")

    async def _listening(self) -> str:
        """Return the endpoint once it is there, "" if Chromium ends instead."""
        assert self._supervisor.stdout is not None
        self.pid = int(await asyncio.to_thread(self._supervisor.stdout.readline) or 0)
        note = self._profile / "DevToolsActivePort"
        while self.is_alive:
            lines = note.read_text().split("\n") if note.exists() else []
            if len(lines) > 1:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            await asyncio.sleep(POLL_S)
        return ""

    async def ended(self, *, within_s: float) -> bool:
        """Return whether it ends on its own in the next `within_s` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self.is_alive:  # noqa: ASYNC110  a process sets no asyncio.Event
                    await asyncio.sleep(POLL_S)
        return not self.is_alive

    async def processes(self) -> list[Process]:
        """Return what it consists of at the moment."""
        return await asyncio.to_thread(_group, self.pid)

    async def stop(self) -> None:
        """End it with all its children and remove its profile. May be called twice."""
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        self._supervisor.stdin.close()  # from here on it ends also if nobody waits
        if not await self.ended(within_s=STOP_S):
            self._supervisor.kill()
        if self._supervisor.wait() < 0 and self.pid:  # it was killed, and could not do its work
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        await asyncio.to_thread(self._supervisor.stdout.close)  # somebody may still read it
        await asyncio.to_thread(shutil.rmtree, self._profile, ignore_errors=True)


def _supervised(profile: Path, command: list[str]) -> subprocess.Popen[bytes]:
    """Start `command`, in a process group that does not outlive us, nor does `profile`.

    At once, and not asyncio's way, which can be cancelled half-way: then a Chromium would live
    that nobody knows of.
    """
    return subprocess.Popen(  # noqa: S603  the user's own browser, and flags of ours
        [sys.executable, "-I", "-S", supervisor.__file__, str(profile), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": str(profile)},  # it leaves folders there, too
        start_new_session=True,  # Ctrl-C in a terminal is for us alone
    )


def _group(leader: int) -> list[Process]:
    """Return the processes of a group, [] where the system does not tell."""
    found = []
    for pid, group, memory, command in (
        _listed_by_linux() if (PROC / "self").exists() else _listed_by_ps()
    ):
        if group == leader:
            is_renderer = "--type=renderer" in command
            found.append(Process(pid=pid, memory=memory, is_renderer=is_renderer))
    return found


def _listed_by_linux() -> Iterator[tuple[int, int, int, str]]:
    """Yield id, group, resident bytes and command line of every process (proc(5))."""
    page = os.sysconf("SC_PAGE_SIZE")
    for folder in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may have ended by now
            fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            command = (folder / "cmdline").read_text(errors="replace")
            yield int(folder.name), int(fields[2]), int(fields[21]) * page, command


def _listed_by_ps() -> Iterator[tuple[int, int, int, str]]:
    """Yield the same where there is no /proc, as on macOS."""
    asked = ["ps", "-A", "-o", "pid=,pgid=,rss=,args="]
    try:
        shown = subprocess.run(asked, capture_output=True, text=True, errors="replace", check=True)  # noqa: S603  nothing of it comes from outside
    except (OSError, subprocess.CalledProcessError):
        return
    for line in shown.stdout.splitlines():
        pid, group, kibibytes, *command = line.split(maxsplit=3)
        yield int(pid), int(group), int(kibibytes) * 1024, "".join(command)


def will_not_start(executable: str, detail: str) -> FetchError:
    """Return why there is no browser."""
    return FetchError(
        Message("{executable} does not start ({detail})", executable=executable, detail=detail),
        url="",
        reason="unreachable",
        hint=Message("name another in crawl.browser_path, or set crawl.browser to never"),
    )
