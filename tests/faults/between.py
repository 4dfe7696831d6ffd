"""A way between callers and the web that loses answers: the call gets through, what became of it does not come back."""

import random
import socket
import threading
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

CHUNK = 65536


class Between:
    """Listens on ``url`` for as long as the block runs. Of all answers, ``loses`` is the part that is cut off."""

    def __init__(self, url: str, *, loses: float, seed: int) -> None:
        place = urlsplit(url)
        self._to = (place.hostname or "", place.port or 80)
        self._loses, self._rng, self._turn = loses, random.Random(f"between-{seed}"), threading.Lock()  # noqa: S311
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{self._listener.getsockname()[1]}"
        self.lost = 0
        self._open: set[socket.socket] = set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in list(self._open):
            self._close(one)

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                try:
                    web = socket.create_connection(self._to, timeout=5)
                except OSError:
                    caller.close()
                    continue
                web.settimeout(None)
                self._open |= {caller, web}
                threading.Thread(target=self._pump, args=(caller, web, 0.0), daemon=True).start()
                threading.Thread(target=self._pump, args=(web, caller, self._loses), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, loses: float) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                with self._turn:
                    cut = self._rng.random() < loses
                    self.lost += cut
                if cut:
                    break
                target.sendall(data)
        self._close(source)
        self._close(target)

    def _close(self, one: socket.socket) -> None:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            one.close()
        self._open.discard(one)
