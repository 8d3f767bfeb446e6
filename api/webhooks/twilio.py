"""What Twilio tells us. Only what it has signed is heard."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from api.problems import plain
from followup.messages import services as messages
from followup.messages.gateways.twilio import is_genuine
from followup.people.signin import watch


@csrf_exempt
def status(request: HttpRequest) -> HttpResponse:
    """What became of a text; our own id of it stands in the address.

    The same event again, or an older one, changes nothing. What we do not know is answered like what we do: asking again would not help.
    """
    if request.method != "POST":
        return plain(request, 405, headers={"Allow": "POST"})
    address = settings.FOLLOWUP_PUBLIC_URL + request.get_full_path()
    told = request.POST.dict()
    if not is_genuine(address, told, request.headers.get("X-Twilio-Signature", "")):
        watch.tell(watch.Event.BAD_SIGNATURE, request)
        return plain(request, 403)
    try:
        message_id = UUID(request.GET.get("message", ""))
    except ValueError:
        return HttpResponse(status=204)
    messages.note_report(
        message_id,
        reported=told.get("MessageStatus", ""),
        provider_id=told.get("MessageSid", "")[:80],
        trouble=told.get("ErrorCode", "")[:80],
    )
    return HttpResponse(status=204)
