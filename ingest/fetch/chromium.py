"""One Chromium of our own: found, started with its debugging port on loopback, and always ended."""

import asyncio
import atexit
import base64
import contextlib
import hashlib
import ipaddress
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Collection
from pathlib import Path
from urllib.request import getproxies

from ingest.addresses import LOCAL_NAMES
from ingest.errors import FetchError
from ingest.urls import host_of
from ingest.wording import Wording

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLAYWRIGHT_BUILDS = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
    "chromium_headless_shell-*/chrome-*/headless_shell",
    "chromium_headless_shell-*/chrome-*/chrome-headless-shell",
)
START_S = 20.0
STOP_S = 3.0
POLL_S = 0.02
MAX_PINNED = 8
"""Certificates of SSL_CERT_FILE that Chromium is told of: a bundle of all the world's has more."""

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
    "--disable-gpu",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--disable-features=AutofillServerCommunication,CertificateTransparencyComponentUpdater,"
    "InterestFeedContentSuggestions,MediaRouter,OptimizationGuideModelDownloading,"
    "OptimizationHints,Translate",
    "--blink-settings=imagesEnabled=false",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--metrics-recording-only",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
)


OWN_ERRANDS = (
    "accounts.google.com",
    "clients*.google.com",
    "*.gvt1.com",
    "android.clients.google.com",
    "content-autofill.googleapis.com",
    "mtalk.google.com",
    "optimizationguide-pa.googleapis.com",
    "redirector.gvt1.com",
    "safebrowsing.googleapis.com",
    "safebrowsingohttpgateway.googleapis.com",
    "update.googleapis.com",
)
"""Hosts that Chromium calls on its own account, whatever the flags say. For it they do not exist:
what a person asks is nobody's business."""

PRIVATE_BLOCKS = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
    "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "::1/128",
    "64:ff9b::/96", "2002::/16", "fc00::/7", "fe80::/10",
)  # fmt: skip
"""No wider IPv6 block: Chromium compares an IPv4 address as ::ffff:a.b.c.d, which ::/0 holds."""

PRIVATE_PATTERNS = (
    "0.*", "10.*", "127.*", "169.254.*", "192.168.*", "198.18.*", "198.19.*",
    *(f"100.{second}.*" for second in range(64, 128)),
    *(f"172.{second}.*" for second in range(16, 32)),
    "*:*:*",  # host:port of every IPv6 address: nobody names a page so
)  # fmt: skip
"""Literal addresses that Chromium must not visit, as blocks and as its patterns have them. Our own
rules see each request that a page makes, but not where a redirect on its way leads."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""What NO_PROXY customarily holds, and what a page must reach neither way."""


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


def flags(*, allowed_hosts: Collection[str] = ()) -> list[str]:
    """Return the command line, proxy and trusted certificates of the environment included."""
    chosen = list(FLAGS)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        chosen.append("--no-sandbox")  # Chromium refuses to run as root with it
    proxies = getproxies()
    routes = [f"{scheme}={proxies[scheme]}" for scheme in ("http", "https") if scheme in proxies]
    server = ";".join(routes) or proxies.get("all", "")
    gates = {host_of(proxies[kind]) for kind in ("http", "https", "all") if kind in proxies}
    chosen.append(f"--host-resolver-rules={_names({*allowed_hosts, *gates})}")
    if server:
        around = {host.strip() for host in proxies.get("no", "").split(",")} - {""}
        bypass = _bypass(around - (LOOPBACK - frozenset(allowed_hosts)), gates)
        chosen += [f"--proxy-server={server}", f"--proxy-bypass-list={bypass}"]
    pins = _pins(os.environ.get("SSL_CERT_FILE", ""))
    if pins:
        chosen.append(f"--ignore-certificate-errors-spki-list={','.join(pins)}")
    return chosen


def _names(known: Collection[str]) -> str:
    """Return the rules by which Chromium finds no host of its errands or of the local network.

    `known` are the exceptions: hosts that are allowed, and the proxy itself.
    """
    local = [pattern for name in LOCAL_NAMES for pattern in (name, f"*.{name}")]
    lost = [f"MAP {host} ~NOTFOUND" for host in (*OWN_ERRANDS, *PRIVATE_PATTERNS, *local)]
    return ",".join([*lost, *(f"EXCLUDE {host}" for host in sorted(known))])


def _bypass(around: Collection[str], gates: Collection[str]) -> str:
    """Return what does not go to the proxy: NO_PROXY's hosts, and what is to be not found here.

    The block that the proxy itself lives in must go to the proxy: around it, the exception for
    the proxy would open the block. <-loopback> takes Chromium's own such exception away.
    """
    blocks = [block for block in PRIVATE_BLOCKS if not any(_holds(block, gate) for gate in gates)]
    return ";".join(["<-loopback>", *OWN_ERRANDS, *blocks, *sorted(around)])


def _holds(block: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(block)
    except ValueError:
        return False  # a name


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
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415  the same
        Encoding,
        PublicFormat,
    )

    try:
        bundle = Path(pem).read_bytes()
        few = bundle.count(b"BEGIN CERTIFICATE") <= MAX_PINNED
        authorities = x509.load_pem_x509_certificates(bundle) if few else []
    except (OSError, ValueError):
        return []
    keys = [
        authority.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for authority in authorities
    ]
    return [base64.b64encode(hashlib.sha256(key).digest()).decode() for key in keys]


class Chromium:
    """A running Chromium. Made by `start`, ended by `stop`, or at the latest when Python exits."""

    def __init__(self, process: subprocess.Popen[bytes], profile: Path) -> None:
        self._process = process
        self._profile = profile
        self.endpoint = ""
        """The WebSocket URL of its DevTools."""
        atexit.register(self._abandon)

    @property
    def pid(self) -> int:
        """The process, which leads a process group of its own."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended on its own."""
        return self._process.poll() is None

    @classmethod
    async def start(cls, executable: str, *, allowed_hosts: Collection[str] = ()) -> "Chromium":
        """Start `executable` on an empty profile and wait until it listens.

        It finds no host of the local network but `allowed_hosts`.

        Raises:
            FetchError: "unreachable": it does not start.
        """
        chosen = await asyncio.to_thread(flags, allowed_hosts=allowed_hosts)
        profile = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="qiuzheng-chromium-"))
        try:
            process = _spawn([executable, *chosen, f"--user-data-dir={profile}", "about:blank"])
        except OSError as error:
            await asyncio.to_thread(shutil.rmtree, profile, ignore_errors=True)
            raise _will_not_start(executable, str(error)) from error
        chromium = cls(process, profile)
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
            raise _will_not_start(executable, f"silent for {START_S:g} s") from error
        if not self.endpoint:
            raise _will_not_start(executable, f"exit code {self._process.returncode}")

    async def _listening(self) -> str:
        """Return the endpoint once it is there, "" if Chromium ends instead."""
        note = self._profile / "DevToolsActivePort"
        while self.is_alive:
            lines = note.read_text().split("\n") if note.exists() else []
            if len(lines) > 1:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            await asyncio.sleep(POLL_S)
        return ""

    async def stop(self) -> None:
        """End it with all its children and remove its profile. May be called twice."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await self._ended()
        except TimeoutError:
            pass  # it is killed below
        finally:
            self._kill()
            atexit.unregister(self._abandon)
        await self._ended()
        await asyncio.to_thread(shutil.rmtree, self._profile, ignore_errors=True)

    async def _ended(self) -> None:
        while self.is_alive:  # noqa: ASYNC110  a process sets no asyncio.Event
            await asyncio.sleep(POLL_S)

    def _abandon(self) -> None:
        """Leave nothing behind when Python exits without `stop`."""
        self._kill()
        shutil.rmtree(self._profile, ignore_errors=True)

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group: renderers outlive a killed parent for a while."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _spawn(command: list[str]) -> subprocess.Popen[bytes]:
    """Start a process group.

    At once, and not asyncio's way, which can be cancelled half-way: then a Chromium would live
    that nobody knows of.
    """
    quiet = subprocess.DEVNULL
    return subprocess.Popen(  # noqa: S603  the user's own browser, and flags of ours
        command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
    )


def _will_not_start(executable: str, detail: str) -> FetchError:
    return FetchError(
        Wording(f"{executable} does not start ({detail})", f"{executable} 无法启动（{detail}）"),
        url="",
        reason="unreachable",
        hint=Wording(
            "name another in crawl.browser_path, or set crawl.browser to never",
            "请在 crawl.browser_path 中指定另一个浏览器，或将 crawl.browser 设为 never",
        ),
    )
