"""One Chromium of our own: found, started with its debugging port on loopback, and always ended."""

import asyncio
import atexit
import base64
import contextlib
import hashlib
import os
import shutil
import signal
import tempfile
from pathlib import Path
from urllib.request import getproxies

from ingest.errors import FetchError
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


def flags(profile: Path) -> list[str]:
    """Return the command line, proxy and trusted certificates of the environment included."""
    unknown = ",".join(f"MAP {host} ~NOTFOUND" for host in OWN_ERRANDS)
    chosen = [*FLAGS, f"--user-data-dir={profile}", f"--host-resolver-rules={unknown}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        chosen.append("--no-sandbox")  # Chromium refuses to run as root with it
    proxies = getproxies()
    routes = [f"{scheme}={proxies[scheme]}" for scheme in ("http", "https") if scheme in proxies]
    if routes or "all" in proxies:
        bypass = [host for host in proxies.get("no", "").split(",") if host.strip()]
        # Without <-loopback> Chromium would reach our own machine around the proxy. Its errands
        # do go around it, to be resolved, and so not found, by the rules above.
        local = {"localhost", "127.0.0.1", "::1"}
        bypass = [host.strip() for host in bypass if host.strip() not in local]
        bypass = ["<-loopback>", *OWN_ERRANDS, *bypass]
        chosen += [
            f"--proxy-server={';'.join(routes) or proxies['all']}",
            f"--proxy-bypass-list={';'.join(bypass)}",
        ]
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
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415  the same
        Encoding,
        PublicFormat,
    )

    try:
        authorities = x509.load_pem_x509_certificates(Path(pem).read_bytes())
    except (OSError, ValueError):
        return []
    if len(authorities) > MAX_PINNED:
        return []
    keys = [
        authority.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for authority in authorities
    ]
    return [base64.b64encode(hashlib.sha256(key).digest()).decode() for key in keys]


class Chromium:
    """A running Chromium. Made by `start`, ended by `stop`, or at the latest when Python exits."""

    def __init__(self, process: asyncio.subprocess.Process, profile: Path) -> None:
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
        return self._process.returncode is None

    @classmethod
    async def start(cls, executable: str) -> "Chromium":
        """Start `executable` on an empty profile and wait until it listens.

        Raises:
            FetchError: "unreachable": it does not start.
        """
        profile = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="qiuzheng-chromium-"))
        command = [executable, *await asyncio.to_thread(flags, profile), "about:blank"]
        quiet = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
            )
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
                await self._process.wait()
        except TimeoutError:
            pass  # it is killed below
        finally:
            self._kill()
            atexit.unregister(self._abandon)
        await self._process.wait()
        await asyncio.to_thread(shutil.rmtree, self._profile, ignore_errors=True)

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
