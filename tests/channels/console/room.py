"""The desk without a browser: whoever is signed in, posting what they like."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pyotp
from allauth.mfa.totp.internal import auth as totp
from django.test import Client as Browser
from tests.cast import SECRET, Desk

from changedesk import flow
from changedesk.base import clock
from changedesk.base.actor import Actor, Channel
from changedesk.base.ids import SubjectId
from changedesk.channels.terminal.people import SignIn
from changedesk.flow import admit
from changedesk.store import deliveries, settings_read
from changedesk.store.tx import look


class Pages(Browser):
    """Reads texts as people see them: where an address may be folded is no part of it."""

    def request(self, **request: Any) -> Any:
        answer = super().request(**request)
        if not answer.streaming:
            answer.content = answer.content.replace(b"<wbr>", b"")
        return answer


@dataclass
class Room:
    desk: Desk
    other: Desk
    signs: dict[str, SignIn]
    browsers: dict[str, Pages] = field(default_factory=dict)

    def customer(self) -> SubjectId:
        return self.desk.customer(at=clock.now() - timedelta(days=10))

    def actor(self, name: str) -> Actor:
        person = settings_read.person_by_email(self.signs[name].email)
        assert person
        return admit.staff(person.id, "aurora", channel=Channel.PHONE, entry_point="test")

    def as_(self, name: str) -> Pages:
        """Somebody who signed in with both factors."""
        if name not in self.browsers:
            browser, sign = Pages(), self.signs[name]
            browser.post("/accounts/login/", {"login": sign.email, "password": sign.password})
            for _ in range(3):  # a code may be of the half minute that just ended
                code = totp.format_hotp_value(totp.hotp_value(sign.totp_secret, int(clock.now().timestamp()) // 30))
                answer = browser.post("/accounts/2fa/authenticate/", {"code": code})
                if answer.status_code == 302:
                    break
            assert answer.status_code == 302, answer.content
            self.browsers[name] = browser
        return self.browsers[name]

    def post(self, name: str, path: str, **form: Any) -> Any:
        """Post a form of our client's pages, as its own pages would."""
        given = {key.replace("__", "."): value for key, value in form.items()}
        return self.as_(name).post(f"/c/aurora/{path}", {"client": str(self.desk.client), **given})

    def get(self, name: str, path: str) -> Any:
        return self.as_(name).get(f"/c/aurora/{path}")

    def asked(self, name: str = "Ben") -> flow.Receipt:
        """A request for another e-mail address, of which nothing is proved."""
        wish = flow.Wish(
            subject=self.customer(),
            kind="contact_details",
            values={"contact.email": "dana@new.example"},
            reason="customer_request",
            channel=Channel.PHONE,
        )
        return flow.submit([wish], actor=self.actor(name), at=clock.now()).one()

    def waiting(self, name: str = "Ben") -> flow.Receipt:
        """The same, proved and agreed to: it waits for approval."""
        asked, at, actor = self.asked(name), clock.now(), self.actor(name)
        app = flow.challenge(asked.subject, purpose="caller", method="totp", actor=actor, at=at)
        assert flow.confirm(app.id, pyotp.TOTP(SECRET).at(at), actor=actor, at=at).matched
        for purpose, method, path in (
            ("change", "code_sms", "contact.phone_mobile"),
            ("new_contact", "code_email", "contact.email"),
        ):
            at = clock.now()  # the newest message is the one just sent
            made = flow.challenge(
                asked.subject, purpose=purpose, method=method, path=path, ref=asked.ref, actor=actor, at=at
            )
            assert flow.confirm(made.id, self.code(), actor=actor, at=at).matched
        agreed = flow.Agreement(ref=asked.ref, statement="change_of_record", version=1, language="en", way="read_aloud")
        return flow.record_consents([agreed], actor=actor, at=at).one()

    def code(self) -> str:
        with look(self.desk.client) as seen:
            box = deliveries.outbox(seen, before=clock.now() + timedelta(minutes=1))
        assert box[0].message
        found = re.search(r"\b\d{6}\b", f"{box[0].message.subject} {box[0].message.body}")
        assert found
        return found[0]

    def state(self, ref: str) -> str:
        from changedesk.reading.request import request  # noqa: PLC0415 - after Django is set up

        return request(ref, actor=self.actor("Ines"), at=clock.now(), language="en").state
