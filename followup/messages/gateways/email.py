import smtplib
from contextlib import suppress

from django.core.mail import EmailMultiAlternatives, get_connection
from django.utils.html import escape, urlize

from followup.messages.gateways.answers import Gateway, Never, NotNow, Uncertain, rest
from followup.messages.models import Message


class EmailGateway(Gateway):
    """Mail through the server that EMAIL_URL names: plain text with a plain HTML twin, nothing attached, nothing that tracks."""

    def send(self, message: Message, body: str) -> str:
        own_id = f"<{message.id}@followup>"
        server = get_connection()
        try:
            server.open()
        except (smtplib.SMTPException, OSError) as error:  # nothing was said yet; a wrong password is ours to put right
            raise NotNow("the mail server did not let us in", wait_seconds=rest()) from error
        mail = EmailMultiAlternatives(
            message.subject, body, to=[message.to], headers={"Message-ID": own_id}, connection=server
        )
        mail.attach_alternative(_as_html(body), "text/html")
        try:
            mail.send()
        except smtplib.SMTPRecipientsRefused as error:
            raise Never("recipient refused") from error
        except smtplib.SMTPResponseException as error:
            if 400 <= error.smtp_code < 500:
                raise NotNow(str(error.smtp_code)) from error
            raise Never(str(error.smtp_code)) from error
        except (smtplib.SMTPException, OSError) as error:
            raise Uncertain(type(error).__name__) from error
        finally:
            with suppress(smtplib.SMTPException, OSError):
                server.close()
        return own_id

    def find(self, message: Message, body: str) -> str | None:
        return None  # no mail server can be asked


def _as_html(body: str) -> str:
    paragraphs = "".join(f"<p>{urlize(escape(part)).replace(chr(10), '<br>')}</p>" for part in body.split("\n\n"))
    return f"<!doctype html><html><body>{paragraphs}</body></html>"
