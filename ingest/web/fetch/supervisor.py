"""Ends a program when the process that wanted it has ended, in whatever way.

    python -I -S supervisor.py FOLDER SOCKET PROGRAM [ARGUMENT…]

A process that is killed (-9) can tidy nothing up, so this one does it. Its standard input is a
pipe of which its owner, and nobody else, holds the other end: when that closes, or the program
ends, everything in the program's process group is killed and FOLDER is removed. It prints the
program's process id, which is that of the group, and ends with the program's exit code. The
program gets the file descriptor SOCKET as 3 and as 4 (Chromium's --remote-debugging-pipe).

Started before Chromium, which must not wait for it: only what imports in no time is imported.
"""

import os
import select
import signal
import sys
import time

DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Meant for the owner, who may still need the program to end well."""
CLEAR_S = 3.0
"""Longest try to remove the folder: what was killed may write for another moment."""
DEBUGGING = (3, 4)
"""Where Chromium reads commands of the DevTools protocol, and where it writes."""
NOT_FOUND = 127
"""Exit code of a program that cannot be started, as shells have it."""


def main(folder: str, end: str, *command: str) -> int:
    """Run `command` until it or our owner ends, and return its exit code."""
    bell, rope = os.pipe()
    os.set_blocking(rope, False)
    signal.set_wakeup_fd(rope)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # rings the bell
    for number in DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    leader = start(command, int(end))
    os.close(int(end))  # else our owner would not notice that the program has closed it
    code = None
    try:
        os.write(sys.stdout.fileno(), b"%d\n" % leader)
        code = wait(leader, bell)
    finally:
        kill(leader)
        if code is None:
            code = os.waitstatus_to_exitcode(os.waitpid(leader, 0)[1])
        clear(folder)
    return code


def start(command: tuple[str, ...], end: int) -> int:
    """Start `command` as the leader of a new process group and return its id.

    It inherits the file descriptor `end` as 3 and 4.
    """
    leader = os.fork()
    if leader:
        return leader
    try:
        os.setsid()
        for number in DEAF_TO:
            signal.signal(number, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        for descriptor in DEBUGGING:
            os.dup2(end, descriptor)
        if end not in DEBUGGING:
            os.close(end)  # a third copy would outlive the program's own closing of the socket
        os.execvp(command[0], command)  # noqa: S606  what our owner has chosen
    finally:
        os._exit(NOT_FOUND)


def wait(leader: int, bell: int) -> int | None:
    """Return the leader's exit code once it has ended, None once our owner has let go of us."""
    owner = sys.stdin.fileno()
    while True:
        ready, _, _ = select.select([owner, bell], [], [])
        if owner in ready and not os.read(owner, 1):
            return None
        if bell in ready:
            os.read(bell, 1)
            ended, status = os.waitpid(leader, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)


def kill(leader: int) -> None:
    """Kill the group, and the leader also where it has not made its group yet."""
    for send in (os.killpg, os.kill):
        try:
            send(leader, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def clear(folder: str) -> None:
    """Remove `folder` with all that is in it."""
    import shutil  # noqa: PLC0415  half of the time that we take to start

    until = time.monotonic() + CLEAR_S
    while os.path.exists(folder) and time.monotonic() < until:  # noqa: PTH110  pathlib takes longer
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) & 0xFF)
