"""W6: auditing the whole log: hash and tree over its documents, fold of sealed values, and an audit as it is run.

The peer of hash and tree is hashlib over the same bytes: one SHA-256 for each document and one for each node.
"""

import hashlib
import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench.stage import Stage, add_client, drain, record, scaled

ENTRIES = 1_000_000
SUBJECTS = 20_000
HASH_BAR = 300_000
FOLD_BAR = 30_000
CORES = 2
WIDTH = 256
STRETCH = 16 * WIDTH


def measure(stage: Stage) -> dict[str, Any]:
    # A client of its own: other measurements fill theirs with rows that no audit would let pass.
    stage = add_client(stage.place, "audited", customers=scaled(SUBJECTS, 2_000))
    entries = _grow(stage, scaled(ENTRIES, 20_000))
    folder = _publish(stage)
    bundles = -(-entries // WIDTH)
    alone = _rate(entries, lambda: [_stretch(folder, low, entries) for low in range(0, bundles, 16)])
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        list(pool.map(_warm, range(CORES)))
        share = -(-bundles // CORES // 16) * 16
        both = _rate(
            entries,
            lambda: list(pool.map(_share, *zip(*[(folder, low, low + share, entries)
                                                 for low in range(0, bundles, share)], strict=True))),
        )  # fmt: skip
    plain = _rate(entries, lambda: _hashlib_alone(folder, bundles, entries))
    fold, folded = _fold(stage)
    whole, peak, verdict = _whole(stage)
    assert verdict.sound, verdict.first
    more = {
        "hash and tree in one process a second": alone,
        "whole audit a second": whole,
        "most memory, MB": peak / 1024,
    }
    return {
        "table": [
            {**_row(f"W6, hash and tree, {entries:,} entries, {CORES} processes", both, plain, HASH_BAR), "more": more},
            _row(f"W6, open, check and fold {folded:,} changes, one process", fold, None, FOLD_BAR),
        ],
        "entries": entries, "hash_and_tree": both, "alone": alone, "hashlib": plain, "fold": fold, "audit": whole,
        "peak_kb": peak,
    }  # fmt: skip


def _row(what: str, ours: float, theirs: float | None, bar: float) -> dict[str, Any]:
    return {
        "what": what, "desk": f"{ours:,.0f}/s", "ratio": ours / bar, "bar": 1.0,
        "baseline": f"{bar:,}/s" if theirs is None else f"{bar:,}/s; hashlib alone {theirs:,.0f}/s",
    }  # fmt: skip


def _rate(count: int, work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def _grow(stage: Stage, wanted: int) -> int:
    from changedesk.base.ids import ClientId  # noqa: PLC0415 - after Django is set up
    from changedesk.store import log  # noqa: PLC0415 - as above
    from changedesk.store.tx import look  # noqa: PLC0415 - as above

    turn = 0
    while True:
        drain(stage)
        with look(ClientId(stage.client)) as seen:
            size = log.size(seen)
        if size >= wanted:
            return size
        record(stage, stage.ids[: wanted - size], first=turn)
        turn += 1


def _publish(stage: Stage) -> Path:
    from changedesk.base.clock import now  # noqa: PLC0415 - after Django is set up
    from changedesk.base.ids import ClientId  # noqa: PLC0415 - as above
    from changedesk.outbound import publish  # noqa: PLC0415 - as above
    from changedesk.store import tile_files  # noqa: PLC0415 - as above

    publish.publish(ClientId(stage.client), at=now(), paced=False)
    return tile_files.of_client(ClientId(stage.client)).root


def _warm(_number: int) -> None:
    from changedesk.ledger import audit  # noqa: F401, PLC0415 - what a process does first


def _documents(folder: Path, low: int, entries: int) -> Iterator[bytes]:
    """The documents of at most 16 bundles, from one on."""
    from changedesk.ledger.tiles import ENTRIES as BUNDLE  # noqa: PLC0415 - in a process of its own
    from changedesk.ledger.tiles import Tile, decode_bundle  # noqa: PLC0415 - as above

    for index in range(low, min(low + 16, -(-entries // WIDTH))):
        width = min(WIDTH, entries - index * WIDTH)
        yield from decode_bundle((folder / Tile(BUNDLE, index, width).path).read_bytes(), width)


def _stretch(folder: Path, low: int, entries: int) -> bytes:
    """Hash the documents of 16 bundles, and the tree over them: a complete subtree of the log's."""
    from changedesk.ledger.audit import hash_all  # noqa: PLC0415 - in a process of its own
    from changedesk.ledger.tree import root_of  # noqa: PLC0415 - as above

    return root_of(hash_all(_documents(folder, low, entries)))


def _share(folder: Path, low: int, high: int, entries: int) -> list[bytes]:
    return [_stretch(folder, at, entries) for at in range(low, min(high, -(-entries // WIDTH)), 16)]


def _hashlib_alone(folder: Path, bundles: int, entries: int) -> None:
    """The same bytes and as many digests, with nothing around them."""
    sha256 = hashlib.sha256
    node = bytes(65)
    for low in range(0, bundles, 16):
        for document in _documents(folder, low, entries):
            sha256(document).digest()
            sha256(node).digest()


def _fold(stage: Stage) -> tuple[float, int]:
    """Open every change's sealed values, check what they commit to, and carry the state from version to version."""
    from changedesk.base.ids import ClientId  # noqa: PLC0415 - after Django is set up
    from changedesk.reading.audit import records, terms_for  # noqa: PLC0415 - as above
    from changedesk.reading.audit.run import Run  # noqa: PLC0415 - as above
    from changedesk.store import audit, tile_files  # noqa: PLC0415 - as above
    from changedesk.store.tile_files import INSTALLATION  # noqa: PLC0415 - as above
    from changedesk.store.tx import look  # noqa: PLC0415 - as above

    client = ClientId(stage.client)
    spent = folded = 0.0
    with look(INSTALLATION) as installation, look(client) as seen:
        run = Run(seen, installation, tile_files.of_client(client), terms_for(client), lambda _share, _note: None)
        for some in audit.subject_ids(seen):
            made = {row.id: records.Record(run, row) for row in audit.subject_rows(seen, some)}
            rows = list(audit.versions(seen, some))
            started = time.perf_counter()
            for row in rows:
                made[row.subject_id].take(row)
            spent += time.perf_counter() - started
            folded += len(rows)
            if folded >= scaled(200_000, 10_000):
                break
    assert not run.found.count
    return folded / spent, int(folded)


def _whole(stage: Stage) -> tuple[float, int, Any]:
    from changedesk.base.clock import now  # noqa: PLC0415 - after Django is set up
    from changedesk.reading import audit  # noqa: PLC0415 - as above

    started = time.perf_counter()
    verdict = audit.audit(actor=stage.actor, at=now())
    rate = verdict.size / (time.perf_counter() - started)
    return rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, verdict
