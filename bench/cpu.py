"""CPU seconds and memory of a process and all its children, from /proc."""

import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def _stats() -> dict[int, tuple[int, int]]:
    found: dict[int, tuple[int, int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                text = Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            fields = text[text.rindex(")") + 2 :].split()
            found[int(entry.name)] = (int(fields[1]), sum(map(int, fields[11:15])))
    return found


def family(root: int) -> list[int]:
    """The process and its descendants."""
    stats = _stats()
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        if pid in stats:
            found.append(pid)
        todo += [child for child, (parent, _) in stats.items() if parent == pid]
    return found


def seconds(root: int) -> float:
    """CPU seconds used so far by the process, its descendants, and those of them that have ended."""
    stats = _stats()
    return sum(stats[pid][1] for pid in family(root) if pid in stats) / TICK


def memory(root: int) -> int:
    """Proportional set size in bytes: memory that is shared is counted once among those that share it."""
    total = 0
    for pid in family(root):
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        except OSError:
            continue
    return total
