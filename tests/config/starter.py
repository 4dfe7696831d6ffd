"""Starts an embedded server, prints its conninfo and waits to be killed; run by the tests as root and as nobody."""

import os
import signal
import sys
from pathlib import Path

from changedesk.config.embedded import Server

if len(sys.argv) > 2:
    # The interpreter may stand where only root can enter: become the account after everything is imported.
    os.setgroups([])
    os.setgid(int(sys.argv[3]))
    os.setuid(int(sys.argv[2]))
server = Server(state_dir=Path(sys.argv[1]), settings={"fsync": "off", "shared_buffers": "16MB"})
server.start()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # else it ends us instead of being waited for
if server.process is None:
    sys.exit("no process")
sys.stdout.write(f"{server.process.pid}\n{server.conninfo()}\n")
sys.stdout.flush()
try:
    signal.sigwait({signal.SIGTERM})
finally:
    server.stop()
