"""One Chromium of our own: found, started with a debugging socket to us alone, always ended."""

import asyncio
import base64
import contextlib
import hashlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import FetchError
from ingest.foundation.messages import Message
from ingest.web.fetch import supervisor
from ingest.web.fetch.devtools import DevTools, DevToolsClosedError
from ingest.web.urls import host_of

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
OTHER_BROWSER = Message("name another in crawl.browser_path, or set crawl.browser to never")
MAX_PINNED = 8
"""Certificates of SSL_CERT_FILE that Chromium accepts: a bundle of all the world's has more."""
DER_VERSION_TAG = 0xA0

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)

NOWHERE = "http://127.0.0.1:9/"
"""Where Chromium's own services are sent: port 9 is one of those that it never connects to."""

FLAGS = (
    "--headless",
    "--remote-debugging-pipe",  # no port, which any user of this machine could connect to
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
    "--window-size=1280,1024",  # else 800 x 600, for which sites fold their menus and columns
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


def flags(*, gateway: str, agent: str) -> list[str]:
    """Return the command line of a Chromium whose only way out is the proxy at `gateway`.

    It looks no name up (but for the gateway's own address), goes through the gateway even to
    loopback, and trusts the authorities of SSL_CERT_FILE.
    """
    chosen = [
        *FLAGS,
        f"--user-agent={agent}",
        f"--proxy-server={gateway}",
        "--proxy-bypass-list=<-loopback>",
        f"--host-resolver-rules=MAP * ~NOTFOUND,EXCLUDE {host_of(gateway)}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        chosen.append("--no-sandbox")  # Chromium refuses to run as root with it
    bundle = os.environ.get("SSL_CERT_FILE", "")
    if bundle and (pins := _public_key_pins(bundle)):
        chosen.append(f"--ignore-certificate-errors-spki-list={','.join(pins)}")
    return chosen


def _public_key_pins(path: str) -> list[str]:
    """Return the public key hashes of the authorities in a PEM file, none if there are many.

    Chromium reads no SSL_CERT_FILE. A company's own authority is let in by its key instead: a
    chain that shows one of these keys is accepted. That is weaker than a signature check, and
    good for the one thing it is there for: a proxy that the user has told us to trust. Other
    pages keep Chromium's full check.
    """
    try:
        blocks = _CERTIFICATE.findall(Path(path).read_text(encoding="ascii", errors="replace"))
        if len(blocks) > MAX_PINNED:
            return []
        return [public_key_pin(ssl.PEM_cert_to_DER_cert(block)) for block in blocks]
    except (OSError, ValueError, IndexError):
        return []  # no such file, or not what it says: pages then fail with an error that names TLS


def public_key_pin(certificate: bytes) -> str:
    """Return base64(SHA-256(SubjectPublicKeyInfo)) of an X.509 certificate in DER (RFC 7469, 2.4).

    Read by hand: the library that could costs 12 MB, and refuses keys of kinds that it does not
    know (SM2).
    """
    [(body, _), *_] = _der_children(certificate, 0)
    fields = _der_children(certificate, body)  # TBSCertificate (RFC 5280, 4.1)
    # Serial, signature, issuer, validity and subject come first, and before them the version,
    # which certificates of version 1 leave out.
    start, end = fields[6 if certificate[fields[0][0]] == DER_VERSION_TAG else 5]
    return base64.b64encode(hashlib.sha256(certificate[start:end]).digest()).decode()


def _der_children(octets: bytes, start: int) -> list[tuple[int, int]]:
    """Return where each element inside the one at `start` begins and ends (X.690, 8.1)."""

    def content_bounds(position: int) -> tuple[int, int]:
        length, begin = octets[position + 1], position + 2
        if length & 0x80:  # the long form: the lower bits count the octets of the length
            begin += length & 0x7F
            length = int.from_bytes(octets[position + 2 : begin])
        return begin, begin + length

    position, end = content_bounds(start)
    children = []
    while position < end:
        children.append((position, content_bounds(position)[1]))
        position = children[-1][1]
    return children


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

    def __init__(self, *, supervisor: subprocess.Popen[bytes], profile: Path) -> None:
        self._supervisor = supervisor
        self._profile = profile
        self._devtools: DevTools | None = None
        self.pid = 0
        """The process, which leads a process group of its own; 0 until it has started."""

    @property
    def devtools(self) -> DevTools:
        """The connection to it."""
        assert self._devtools is not None, "made by `start`"
        return self._devtools

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended on its own."""
        return self._supervisor.poll() is None

    @classmethod
    async def start(cls, executable: str, *, gateway: str, agent: str) -> "Chromium":
        """Start `executable` on an empty profile and wait until it answers.

        Args:
            executable: path or name of the program.
            gateway: the proxy that is its only way out, "http://127.0.0.1:port".
            agent: its User-Agent.

        Raises:
            FetchError: "unreachable": it does not start.
        """
        program = await asyncio.to_thread(shutil.which, executable)
        if program is None:
            raise will_not_start(executable, "no such program")
        chosen = await asyncio.to_thread(flags, gateway=gateway, agent=agent)
        profile = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=PROFILE_PREFIX))
        ours, theirs = socket.socketpair()
        with theirs:
            command = [program, *chosen, f"--user-data-dir={profile}", "about:blank"]
            process = _start_supervised(profile, command, end=theirs.fileno())
        chromium = cls(supervisor=process, profile=profile)
        try:
            chromium._devtools = await DevTools.connect(ours)
            await chromium._wait_until_it_answers(executable)
        except BaseException:
            await chromium.stop()
            raise
        return chromium

    async def _wait_until_it_answers(self, executable: str) -> None:
        assert self._supervisor.stdout is not None
        try:
            async with asyncio.timeout(START_S):
                self.pid = int(await asyncio.to_thread(self._supervisor.stdout.readline) or 0)
                await self.devtools.send("Browser.getVersion")
        except TimeoutError as error:
            raise will_not_start(executable, f"silent for {START_S:g} s") from error
        except DevToolsClosedError as error:
            if await self.ended(within_s=STOP_S):
                detail = f"exit code {self._supervisor.returncode}"
            else:
                detail = "it does not let us in"
            raise will_not_start(executable, detail) from error

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
        if self._devtools is not None:
            await self._devtools.close()
        self._supervisor.stdin.close()  # from here on it ends also if nobody waits
        if not await self.ended(within_s=STOP_S):
            self._supervisor.kill()
        if self._supervisor.wait() < 0 and self.pid:  # it was killed, and could not do its work
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        await asyncio.to_thread(self._supervisor.stdout.close)  # somebody may still read it
        await asyncio.to_thread(shutil.rmtree, self._profile, ignore_errors=True)


def _start_supervised(profile: Path, command: list[str], *, end: int) -> subprocess.Popen[bytes]:
    """Start `command`, in a process group that does not outlive us, nor does `profile`.

    Args:
        profile: removed when `command` ends.
        command: program and arguments.
        end: file descriptor of Chromium's end of the debugging socket.
    """
    # At once, and not asyncio's way, which can be cancelled half-way: then a Chromium would live
    # that nobody knows of.
    return subprocess.Popen(  # noqa: S603  the user's own browser, and flags of ours
        [sys.executable, "-I", "-S", supervisor.__file__, str(profile), str(end), *command],
        pass_fds=[end],
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
        hint=OTHER_BROWSER,
    )
