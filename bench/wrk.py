"""HTTP load by wrk with one thread: the script is written at run time, nothing of it is kept."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HEAD = """
local ids = {}
for line in io.lines("%(ids)s") do ids[#ids + 1] = line end
local i = 0
local hdr = {["Authorization"] = "Bearer %(secret)s", ["Content-Type"] = "application/json"}
function init(args) math.randomseed(%(seed)d) end
done = function(s, l, q)
  local e = s.errors
  io.write(string.format('RESULT {"n":%%d,"us":%%d,"p50":%%d,"p99":%%d,"bad":%%d,"sock":%%d}\\n',
    s.requests, s.duration, l:percentile(50), l:percentile(99), e.status, e.connect + e.read + e.write + e.timeout))
end
"""
RECORD = """
local email = '{"path":"contact.email","new":"user%d@example.org"}'
local phone = ',{"path":"contact.phone_mobile","new":"+1202%d"}'
local url = ',{"path":"contact.url","new":"https://site%d.example.org/"}'
local body = '{"items":[{"subject":"%s","changes":[%s],"evidence":{"reference":"CONS-%d"}}]}'
request = function()
  i = i + 1
  local r = math.random(1, 1e9)
  hdr["Idempotency-Key"] = string.format("%d-%d-%d", SEED, i, r)
  local c = string.format(email, r) .. string.format(phone, 2000000 + r % 8000000)
  if i % 2 == 0 then c = c .. string.format(url, r) end
  return wrk.format("POST", "/api/v1/changes", hdr, string.format(body, ids[math.random(#ids)], c, r))
end
"""
READ = """
local path = "/api/v1/customers/%s/timeline?limit=50"
request = function() return wrk.format("GET", string.format(path, ids[math.random(#ids)]), hdr) end
"""


@dataclass(frozen=True)
class Load:
    """What one run gave. Latencies in milliseconds."""

    per_second: float
    p50: float
    p99: float
    count: int
    failed: int


def require() -> None:
    if shutil.which("wrk") is None:
        sys.exit("The load over HTTP is made by wrk. Install it (Debian: apt-get install wrk) and run this again.")


def run(kind: str, url: str, secret: str, ids: Sequence[Any], *, connections: int, seconds: float, seed: int) -> Load:
    """Load ``url`` for some seconds. ``kind`` is RECORD or READ."""
    with tempfile.TemporaryDirectory(prefix="changedesk-wrk-") as folder:
        names = Path(folder, "ids")
        names.write_text("\n".join(map(str, ids)), encoding="ascii")
        script = Path(folder, "load.lua")
        head = HEAD % {"ids": names, "secret": secret, "seed": seed}
        script.write_text(f"local SEED = {seed}\n{head}{kind}", encoding="ascii")
        return load(script, url, connections=connections, seconds=seconds)


def load(
    script: Path, url: str, *, connections: int, seconds: float, environment: Mapping[str, str] | None = None
) -> Load:
    """Load ``url`` by a script that says what came of it as ``HEAD`` does."""
    command = ["wrk", "-t1", "-c", str(connections), "-d", f"{max(1, round(seconds))}s", "--timeout", "20s",
               "-s", str(script), url]  # fmt: skip
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    found = re.search(r"RESULT (.*)", told)
    assert found, told
    got = json.loads(found.group(1))
    return Load(got["n"] / got["us"] * 1e6, got["p50"] / 1e3, got["p99"] / 1e3, got["n"], got["bad"] + got["sock"])
