"""How well duplicates are found: ``python -m bench.matching`` reads the files of ../shared/data/duplicates.

Prints, for each set and threshold, the pairs that are true, suggested and both, with precision and recall, and
what blocking alone lets through. A true pair is two records that the source says are one person or site.
"""

import csv
import gzip
import io
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from changedesk.rules.matching import BLOCK_MOST, DEFAULT_THRESHOLD, block_keys, candidates

DATA = Path(__file__).parents[2] / "shared" / "data" / "duplicates"


@dataclass(frozen=True)
class Sample:
    """Records as the matcher takes them, and the pairs of places that are one customer."""

    name: str
    records: list[dict[str, str]]
    truth: frozenset[tuple[int, int]]


def rows(name: str) -> list[dict[str, str]]:
    raw = (DATA / name).read_bytes()
    text = (gzip.decompress(raw) if name.endswith("gz") else raw).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True))


def known(parts: dict[str, str]) -> dict[str, str]:
    return {role: text.strip() for role, text in parts.items() if text.strip()}


def febrl(row: dict[str, str], *, with_id: bool) -> dict[str, str]:
    return known({
        "given_name": row["given_name"], "family_name": row["surname"], "birth_date": row["date_of_birth"],
        "street": f"{row['street_number']} {row['address_1']}", "city": row["suburb"],
        "postal_code": row["postcode"], "national_id": row["soc_sec_id"] if with_id else "",
    })  # fmt: skip


def site(row: dict[str, str]) -> dict[str, str]:
    return known({
        "organisation": row["Site name"], "street": row["Address"], "postal_code": row["Zip"],
        "phone": row["Phone"], "city": "",
    })  # fmt: skip


def fake(row: dict[str, str]) -> dict[str, str]:
    return known({
        "given_name": row["first_name"], "family_name": row["surname"], "birth_date": row["dob"],
        "city": row["city"], "email": row["email"],
    })  # fmt: skip


def sample(
    name: str, file: str, read: Callable[[dict[str, str]], dict[str, str]], who: Callable[[dict[str, str]], str]
) -> Sample:
    found = rows(file)
    groups: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(found):
        groups[who(row)].append(place)
    truth = frozenset(pair for group in groups.values() for pair in combinations(group, 2))
    return Sample(name, [read(row) for row in found], truth)


def samples() -> Iterable[Sample]:
    def person(row: dict[str, str]) -> str:
        return row["rec_id"].split("-")[1]

    for number in (1, 2):
        file = f"febrl_dataset{number}.csv.gz"
        yield sample(
            f"febrl {number}, with the number of the state", file, lambda row: febrl(row, with_id=True), person
        )
        yield sample(f"febrl {number}, without it", file, lambda row: febrl(row, with_id=False), person)
    yield sample("Chicago sites", "chicago_sites.csv.gz", site, lambda row: row["True Id"])
    yield sample("splink fake 1000", "splink_fake_1000.csv", fake, lambda row: row["cluster"])


@dataclass(frozen=True)
class Measured:
    """What candidates of one sample are worth, in pairs."""

    truth: int
    suggested: int
    right: int

    @property
    def precision(self) -> float:
        return self.right / self.suggested if self.suggested else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.truth if self.truth else 1.0


def measured(item: Sample, threshold: float = DEFAULT_THRESHOLD) -> Measured:
    pairs = {(pair.left, pair.right) for pair in candidates(item.records, threshold)}
    return Measured(len(item.truth), len(pairs), len(pairs & item.truth))


def blocked(item: Sample) -> tuple[int, float, float]:
    """Return the pairs that share a key, the share of true pairs among them, and the mean number of keys."""
    blocks: dict[str, list[int]] = defaultdict(list)
    keys = [block_keys(record) for record in item.records]
    for place, found in enumerate(keys):
        for key in found:
            blocks[key].append(place)
    near = {pair for block in blocks.values() if len(block) <= BLOCK_MOST for pair in combinations(block, 2)}
    return len(near), len(near & item.truth) / len(item.truth), sum(map(len, keys)) / len(keys)


def main() -> None:
    shifts = [float(text) for text in sys.argv[1:]] or [DEFAULT_THRESHOLD]
    print("| Set | Records | True pairs | Compared | Found by keys | Keys a record | Threshold | Suggested | Precision "
          "| Recall | Seconds |\n|---|---|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    for item in samples():
        near, reach, keys = blocked(item)
        for threshold in shifts:
            start = time.perf_counter()
            result = measured(item, threshold)
            print(
                f"| {item.name} | {len(item.records)} | {result.truth} | {near} | {reach:.3f} | {keys:.1f} "
                f"| {threshold:g} | {result.suggested} | {result.precision:.3f} | {result.recall:.3f} "
                f"| {time.perf_counter() - start:.1f} |"
            )


if __name__ == "__main__":
    main()
