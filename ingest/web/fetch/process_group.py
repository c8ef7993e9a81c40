"""The processes that Chromium consists of: a process group, with the memory of each."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process of a browser."""

    pid: int
    memory: int
    """Resident bytes; what is shared with the others is counted in each."""
    is_renderer: bool
    """Whether it shows pages, and can be ended without ending the others."""


def list_process_group(leader: int) -> list[Process]:
    """Return the processes of the group that `leader` leads, [] where there is no way to know."""
    found = []
    for pid, group, memory, command in read_proc() if (PROC / "self").exists() else read_ps():
        if group == leader:
            is_renderer = "--type=renderer" in command
            found.append(Process(pid=pid, memory=memory, is_renderer=is_renderer))
    return found


def read_proc() -> Iterator[tuple[int, int, int, str]]:
    """Yield id, group, resident bytes and command line of every process (proc(5))."""
    page = os.sysconf("SC_PAGE_SIZE")
    for folder in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may have ended by now
            # The second field, the name, may hold spaces and brackets: count from its end.
            fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            command = (folder / "cmdline").read_text(errors="replace")
            yield int(folder.name), int(fields[2]), int(fields[21]) * page, command


def read_ps() -> Iterator[tuple[int, int, int, str]]:
    """Yield the same where there is no /proc, as on macOS."""
    command = ["ps", "-A", "-o", "pid=,pgid=,rss=,args="]
    try:
        shown = subprocess.run(  # noqa: S603  nothing of it comes from outside
            command, capture_output=True, text=True, errors="replace", check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return
    for line in shown.stdout.splitlines():
        pid, group, kibibytes, *arguments = line.split(maxsplit=3)
        yield int(pid), int(group), int(kibibytes) * 1024, "".join(arguments)
