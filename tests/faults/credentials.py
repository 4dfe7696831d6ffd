"""Prints credentials for the demonstration's client: a key that may do all that keys may, and two people's."""

import json
import sys
from datetime import timedelta

import django

django.setup()

from changedesk.base.clock import now  # noqa: E402 - tables load after set-up
from changedesk.flow import admit, configure  # noqa: E402
from changedesk.rules import access  # noqa: E402
from changedesk.store import settings_read  # noqa: E402

CLIENT = "aurora"


def main() -> None:
    at = now()
    client = next(one.id for one in settings_read.all_clients() if one.slug == CLIENT)
    actor, ends = access.terminal(client), at + timedelta(days=1)
    key = configure.create_key("load", list(access.SCOPES), entry_point="load", expires_at=ends, actor=actor, at=at)
    told = {"client": str(int(client)), "key": key.secret}
    for name in ("ben", "ines"):
        person = settings_read.person_by_email(f"{name}@demo.example")
        assert person is not None
        told[name] = admit.staff_key(person.id, actor=actor, at=at).secret
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
