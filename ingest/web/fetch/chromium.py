"""A Chromium of our own: finds it, starts it with a private debugging socket, always ends it."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from ingest.errors import FetchError
from ingest.foundation.messages import Message
from ingest.web.fetch import supervisor
from ingest.web.fetch.devtools import DevTools, DevToolsClosedError
from ingest.web.fetch.process_group import Process, list_process_group
from ingest.web.fetch.public_key_pins import read_public_key_pins
from ingest.web.urls import host_of

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLAYWRIGHT_BUILDS = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
    "chromium_headless_shell-*/chrome-*/headless_shell",
    "chromium_headless_shell-*/chrome-*/chrome-headless-shell",
)
"""Where Playwright puts its downloads, newest last."""
PROFILE_PREFIX = "qiuzheng-chromium-"
START_S = 20.0
"""Longest start. It takes 1 to 3 s, on a busy machine 10."""
STOP_S = 5.0
"""For the supervisor to kill the processes and to remove the profile."""
POLL_S = 0.02
OTHER_BROWSER = Message("name another in crawl.browser_path, or set crawl.browser to never")

NOWHERE = "http://127.0.0.1:9/"
"""The address of Chromium's own services: port 9 is one of those that it never connects to."""

FLAGS = (
    # Chromium ignores flags that it does not know, so those of all versions stand side by side.
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
    "--blink-settings=imagesEnabled=false",  # half of the bytes of a page, and no text
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",  # its name until Chromium 130
    "--metrics-recording-only",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",  # macOS would ask the user for a password
    "--window-size=1280,1024",  # else 800 x 600, for which sites fold their menus and columns
)


def find_browser() -> str | None:
    """Return the path of a Chromium or Chrome: on PATH, or downloaded by Playwright; else None."""
    for name in PROGRAMS:
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


def flags(*, gateway: str, user_agent: str) -> list[str]:
    """Return the command line of a Chromium whose only way out is the proxy at `gateway`.

    It looks up no name, uses the gateway for loopback, too, and trusts the authorities of
    SSL_CERT_FILE.
    """
    chosen = [
        *FLAGS,
        f"--user-agent={user_agent}",
        f"--proxy-server={gateway}",
        # Else requests to loopback would use no proxy, and so escape the address rules.
        "--proxy-bypass-list=<-loopback>",
        # A second lock: what finds a way past the proxy finds no address.
        f"--host-resolver-rules=MAP * ~NOTFOUND,EXCLUDE {host_of(gateway)}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        chosen.append("--no-sandbox")  # Chromium refuses to run as root with it
    bundle = os.environ.get("SSL_CERT_FILE", "")
    if bundle and (pins := read_public_key_pins(bundle)):
        chosen.append(f"--ignore-certificate-errors-spki-list={','.join(pins)}")
    return chosen


class Chromium:
    """A running Chromium. Made by `start`, ended by `stop`, or when this process ends.

    It runs under `ingest.web.fetch.supervisor`, which ends it and removes its profile when our end
    of a pipe closes: by `stop`, by our exit, by a crash, or by SIGKILL.
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
        """Whether it, or its supervisor, still runs."""
        return self._supervisor.poll() is None

    @classmethod
    async def start(cls, executable: str, *, gateway: str, user_agent: str) -> "Chromium":
        """Start `executable` on an empty profile and wait until it answers.

        Args:
            executable: path or name of the program.
            gateway: the proxy that is its only way out, "http://127.0.0.1:port".
            user_agent: its User-Agent.

        Raises:
            FetchError: "unreachable": it does not start.
        """
        program = await asyncio.to_thread(shutil.which, executable)
        if program is None:
            raise will_not_start(executable, "no such program")
        chosen_flags = await asyncio.to_thread(flags, gateway=gateway, user_agent=user_agent)
        profile = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=PROFILE_PREFIX))
        ours, theirs = socket.socketpair()
        with theirs:
            command = [program, *chosen_flags, f"--user-data-dir={profile}", "about:blank"]
            process = start_supervised(profile, command, end=theirs.fileno())
        chromium = cls(supervisor=process, profile=profile)
        try:
            chromium._devtools = await DevTools.connect(ours)
            await chromium._wait_until_it_answers(executable)
        except BaseException:  # cancelled, too: nobody else knows the process and its profile
            await chromium.stop()
            raise
        return chromium

    async def _wait_until_it_answers(self, executable: str) -> None:
        assert self._supervisor.stdout is not None
        try:
            async with asyncio.timeout(START_S):
                # In a thread: the supervisor is another Python, whose start takes 20 to 200 ms.
                self.pid = int(await asyncio.to_thread(self._supervisor.stdout.readline) or 0)
                await self.devtools.send("Browser.getVersion")
        except TimeoutError as error:
            raise will_not_start(executable, f"silent for {START_S:g} s") from error
        except DevToolsClosedError as error:
            if await self.has_ended(within_s=STOP_S):
                detail = f"exit code {self._supervisor.returncode}"
            else:
                detail = "it closes the debugging connection"
            raise will_not_start(executable, detail) from error

    async def has_ended(self, *, within_s: float) -> bool:
        """Return whether it ends on its own in the next `within_s` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self.is_alive:  # noqa: ASYNC110  a process sets no asyncio.Event
                    await asyncio.sleep(POLL_S)
        return not self.is_alive

    async def processes(self) -> list[Process]:
        """Return what it consists of at the moment."""
        return await asyncio.to_thread(list_process_group, self.pid)

    async def stop(self) -> None:
        """End it with all its children and remove its profile. May be called twice."""
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        if self._devtools is not None:
            await self._devtools.close()
        self._supervisor.stdin.close()  # from here on it ends even if we are cancelled
        if not await self.has_ended(within_s=STOP_S):
            self._supervisor.kill()
        if self._supervisor.wait() < 0 and self.pid:  # it was killed before it could kill the group
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        # In a thread: `start` may have been cancelled while its thread reads from this pipe.
        await asyncio.to_thread(self._supervisor.stdout.close)
        await asyncio.to_thread(shutil.rmtree, self._profile, ignore_errors=True)


def start_supervised(profile: Path, command: list[str], *, end: int) -> subprocess.Popen[bytes]:
    """Start `command` in a process group that does not outlive us, nor does `profile`.

    Args:
        profile: removed when `command` ends.
        command: program and arguments.
        end: file descriptor of Chromium's end of the debugging socket.
    """
    # Not asyncio.create_subprocess_exec, which can be cancelled half-way: then a Chromium would
    # run that no process knows of.
    return subprocess.Popen(  # noqa: S603  the user's own browser, and flags of ours
        [sys.executable, "-I", "-S", supervisor.__file__, str(profile), str(end), *command],
        pass_fds=[end],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": str(profile)},  # where it leaves folders
        start_new_session=True,  # a terminal sends Ctrl-C to all of its process group
    )


def will_not_start(executable: str, detail: str) -> FetchError:
    """Return the error of a Chromium that does not start."""
    return FetchError(
        Message("{executable} does not start ({detail})", executable=executable, detail=detail),
        url="",
        reason="unreachable",
        hint=OTHER_BROWSER,
    )
