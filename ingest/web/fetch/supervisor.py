"""Ends a program when the process that started it has ended, in whatever way.

    python -I -S supervisor.py FOLDER SOCKET PROGRAM [ARGUMENT…]

A process that is killed (SIGKILL) cannot clean up, so this one does. Its standard input is a pipe
whose other end only its owner holds: when that closes, or the program ends, everything in the
program's process group is killed and FOLDER is removed. It prints the program's process id, which
is that of the group, and ends with the program's exit code. The program gets the file descriptor
SOCKET as 3 and as 4 (Chromium's --remote-debugging-pipe).

Chromium waits for this process to start, so it imports only modules that load at once.
"""

import os
import select
import signal
import sys
import time

IGNORED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Sent to the owner's whole group or session; the owner decides when the program ends."""
REMOVE_S = 3.0
"""Longest attempt to remove the folder: what was killed may write for another moment."""
DEBUGGING = (3, 4)
"""Where Chromium reads commands of the DevTools protocol, and where it writes."""
NOT_FOUND = 127
"""Exit code of a program that cannot be started, as shells have it."""


def main(folder: str, end: str, *command: str) -> int:
    """Run `command` until it or our owner ends, and return its exit code."""
    # The end of a child is a signal, the end of the owner an end of file. `select` waits for both
    # once signals are written to a pipe (the "self-pipe trick"); a handler has to be there, or
    # Python writes nothing.
    wakeup, written = os.pipe()
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in IGNORED_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    leader = start(command, int(end))
    os.close(int(end))  # else the owner would not see the end of file when the program closes it
    code = None
    try:
        os.write(sys.stdout.fileno(), b"%d\n" % leader)
        code = wait(leader, wakeup)
    finally:
        # Before the exit code is collected: until then no other process can get the group's id.
        kill(leader)
        if code is None:
            code = os.waitstatus_to_exitcode(os.waitpid(leader, 0)[1])
        remove(folder)
    return code


def start(command: tuple[str, ...], end: int) -> int:
    """Start `command` as the leader of a new process group and return its id.

    It inherits the file descriptor `end` as 3 and 4.
    """
    leader = os.fork()
    if leader:
        return leader
    try:
        os.setsid()  # the group that `kill` ends, and away from the terminal's Ctrl-C
        for number in IGNORED_SIGNALS:
            signal.signal(number, signal.SIG_DFL)  # ignored signals stay ignored after exec
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        for descriptor in DEBUGGING:
            os.dup2(end, descriptor)
        if end not in DEBUGGING:
            os.close(end)  # a third copy would outlive the program's own closing of the socket
        os.execvp(command[0], command)  # noqa: S606  what our owner has chosen
    finally:
        os._exit(NOT_FOUND)  # exec failed; nothing of the parent may run in this copy of it


def wait(leader: int, wakeup: int) -> int | None:
    """Return the leader's exit code once it has ended, None once our owner has.

    Args:
        leader: its process id.
        wakeup: gets a byte for each signal.
    """
    owner = sys.stdin.fileno()
    while True:
        ready, _, _ = select.select([owner, wakeup], [], [])
        if owner in ready and not os.read(owner, 1):
            return None
        if wakeup in ready:
            os.read(wakeup, 1)
            ended, status = os.waitpid(leader, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)


def kill(leader: int) -> None:
    """Kill the group, and the leader by itself if it has not made its group yet."""
    for send in (os.killpg, os.kill):
        try:
            send(leader, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def remove(folder: str) -> None:
    """Remove `folder` with all that is in it."""
    import shutil  # noqa: PLC0415  half of the time that a start takes

    until = time.monotonic() + REMOVE_S
    while os.path.exists(folder) and time.monotonic() < until:  # noqa: PTH110  pathlib takes longer
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) & 0xFF)
