"""How much memory a process has held at most."""

import resource
import sys
from pathlib import Path


def peak_bytes(pid: int | None = None) -> int:
    """Return the most that process `pid` (None: this one) has held at once.

    Linux starts VmHWM anew at exec; ru_maxrss would count what the parent held at the fork.
    """
    status = Path(f"/proc/{pid or 'self'}/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
