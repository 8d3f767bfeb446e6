from django.db import IntegrityError, transaction

from followup.messages.models import LocalDelivery, Message


class LocalGateway:
    """Delivers into a table that a page of the demo shows. Takes each message once."""

    def send(self, message: Message, body: str) -> str:
        try:
            with transaction.atomic():
                LocalDelivery.objects.create(message=message, body=body)
        except IntegrityError:
            pass  # taken before; saying so again is what makes a second send harmless
        return f"local-{message.id}"

    def find(self, message: Message, body: str) -> str | None:
        return f"local-{message.id}" if LocalDelivery.objects.filter(message=message).exists() else ""
