"""Keys that stand for a member of staff: for a day, by their own hand, with the roles of the moment."""

import uuid
from datetime import timedelta
from functools import partial

import httpx
import pytest
from tests.cast import Desk
from tests.channels.api.desk import Caller, fresh

from changedesk.base.actor import Actor, ActorType, Channel, Role
from changedesk.base.clock import now
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow import admit, configure
from changedesk.rules import access

ROLES = frozenset({Role.SUPERVISOR})


def invited(home: Desk, *roles: Role) -> int:
    actor = access.terminal(home.client)
    address = f"{uuid.uuid4().hex}@desk.example"
    return configure.invite(address, "Omar", roles, team="three", actor=actor, at=now())


def staff(home: Desk, number: int, role: Role) -> Actor:
    return Actor(home.client, ActorType.STAFF, f"s{number}", Channel.SYSTEM, "test", roles=frozenset({role}))


def test_a_staff_key_is_that_person_until_the_day_ends(home: Desk) -> None:
    omar = invited(home, Role.SUPERVISOR)
    at = now()
    secret = admit.staff_key(omar, actor=staff(home, omar, Role.SUPERVISOR), at=at).secret
    actor = admit.key(f"Bearer {secret}", at=at + timedelta(hours=9, minutes=59))
    assert (actor.id, actor.type, actor.roles, actor.team) == (f"s{omar}", ActorType.STAFF, ROLES, "three")
    with pytest.raises(admit.CredentialEnded):
        admit.key(f"Bearer {secret}", at=at + timedelta(hours=10))


def test_a_staff_key_ends_with_the_job(http: httpx.Client, home: Desk) -> None:
    omar = invited(home, Role.SUPERVISOR)
    actor = access.terminal(home.client)
    caller = Caller(http, admit.staff_key(omar, actor=actor, at=now()).secret)
    assert caller.get("/change-requests").status_code == 200
    configure.set_membership(omar, [Role.SUPERVISOR], team="three", active=False, actor=actor, at=now())
    gone = caller.get("/change-requests")
    assert (gone.status_code, gone.json()["code"]) == (401, "credential-ended")


def test_a_staff_key_ends_with_the_sign_in_that_it_was_made_by(home: Desk) -> None:
    """Whoever had got in, and made one, is out when the sign-in is reset."""
    terminal, at = access.terminal(home.client), now()
    anew = partial(configure.set_sign_in, password="another phrase", totp_secret="JBSWY3DP")
    for end in (configure.reset_sign_in, anew):
        omar = invited(home, Role.SUPERVISOR)
        secret = admit.staff_key(omar, actor=staff(home, omar, Role.SUPERVISOR), at=at).secret
        assert admit.key(f"Bearer {secret}", at=at).id == f"s{omar}"
        end(omar, actor=terminal, at=at)
        with pytest.raises(admit.CredentialEnded):
            admit.key(f"Bearer {secret}", at=at)


def test_nobody_makes_a_key_that_decides_as_somebody_else(home: Desk) -> None:
    omar, ada = invited(home, Role.SUPERVISOR), invited(home, Role.ADMINISTRATOR)
    with pytest.raises(Forbidden):
        admit.staff_key(omar, actor=staff(home, ada, Role.ADMINISTRATOR), at=now())


def test_a_staff_key_is_for_who_works_there(home: Desk) -> None:
    omar = invited(home, Role.SUPERVISOR)
    with pytest.raises(NotFound):
        admit.staff_key(omar, actor=access.terminal(fresh("borealis").client), at=now())
