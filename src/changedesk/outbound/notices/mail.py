"""E-mail over SMTP (RFC 5321), plain text in UTF-8 (RFC 2045), marked as written by a program (RFC 3834)."""

import smtplib
import ssl
from contextlib import suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Final
from uuid import UUID

from changedesk.base.clock import now
from changedesk.outbound.notices.transport import Permanent, Temporary, Unknown
from changedesk.store.deliveries import Message

TIMEOUT_SECONDS: Final = 5.0
_ATOM: Final = "!#$%&'*+-/=?^_`{|}~."
_ACCEPTED: Final = range(200, 300)
_REFUSED_FOR_GOOD: Final = 500


class Mail:
    """One mail server, and the sender that mails come from."""

    state = "sent"
    repeatable = False  # servers do not promise to look at the Message-ID

    def __init__(
        self,
        host: str,
        port: int,
        *,
        sender_email: str,
        sender_name: str = "",
        user: str = "",
        password: str = "",
        starttls: bool = True,
        timeout_seconds: float = TIMEOUT_SECONDS,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._host, self._port, self._timeout = host, port, timeout_seconds
        self._sender_email, self._sender_name = sender_email, sender_name
        self._user, self._password = user, password
        self._starttls, self._context = starttls, context

    def send(self, delivery_id: UUID, message: Message) -> str:
        """Hand a mail over; return its Message-ID, which a second try would have too."""
        letter = self.letter(delivery_id, message)
        try:
            smtp = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            # Nothing was said of this message yet: whatever is wrong is wrong with the server or with our settings.
            raise Temporary(_word(error)) from None
        try:
            _hand_over(smtp, self._sender_email, letter)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                smtp.quit()
            smtp.close()
        return str(letter["Message-ID"])

    def letter(self, delivery_id: UUID, message: Message) -> EmailMessage:
        """Return the mail of a message. Raises Permanent for an address or a subject that no header can hold."""
        domain = self._sender_email.rpartition("@")[2]
        try:
            to = _address(message.to)
            policy = SMTP if to.addr_spec.isascii() else SMTPUTF8
            letter = EmailMessage(policy=policy.clone(cte_type="7bit"))
            letter["From"] = Address(display_name=self._sender_name, addr_spec=self._sender_email)
            letter["To"] = to
            letter["Subject"] = message.subject
        except (ValueError, MessageError, IndexError):
            raise Permanent("header-refused") from None
        letter["Date"] = format_datetime(now())
        letter["Message-ID"] = f"<{delivery_id}@{domain}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(message.body, charset="utf-8")
        return letter

    def _connect(self) -> smtplib.SMTP:
        smtp = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        try:
            smtp.ehlo_or_helo_if_needed()
            if self._starttls:
                smtp.starttls(context=self._context or ssl.create_default_context())
                smtp.ehlo()
            if self._user:
                smtp.login(self._user, self._password)
        except BaseException:
            smtp.close()
            raise
        return smtp


def _address(text: str) -> Address:
    """Return an address whose domain is in ASCII (RFC 5890); its local part may be outside it (RFC 6531)."""
    local, _, domain = text.rpartition("@")
    plain = domain.encode("idna").decode("ascii")
    if local.isascii():
        return Address(addr_spec=f"{local}@{plain}")
    if not all(letter.isalnum() or letter in _ATOM for letter in local):
        raise ValueError("not a dot-atom")
    return Address(username=local, domain=plain)


def _hand_over(smtp: smtplib.SMTP, sender: str, letter: EmailMessage) -> None:
    to = letter["To"].addresses[0].addr_spec
    options = () if to.isascii() else ("SMTPUTF8", "BODY=8BITMIME")
    try:
        _judge(smtp.mail(sender, options)[0])
        _judge(smtp.rcpt(to)[0])
    except smtplib.SMTPNotSupportedError:
        raise Permanent("smtp-address") from None
    except (OSError, smtplib.SMTPException) as error:
        raise Temporary(_word(error)) from None
    try:
        code = smtp.data(letter.as_bytes())[0]
    except smtplib.SMTPDataError as error:
        code = error.smtp_code  # it did not want to hear the text
    except (OSError, smtplib.SMTPException):
        raise Unknown("smtp-no-answer") from None
    _judge(code)


def _judge(code: int) -> None:
    if code not in _ACCEPTED:
        raise (Permanent if code >= _REFUSED_FOR_GOOD else Temporary)(f"smtp-{code}")


def _word(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"smtp-{error.smtp_code}"
    if isinstance(error, ssl.SSLError):
        return "smtp-tls"
    return "smtp-timeout" if isinstance(error, TimeoutError) else "smtp-unreachable"
