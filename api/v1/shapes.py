"""How things look from outside: the shapes that calls take and give. They describe; they decide nothing."""

from functools import cache
from typing import Any
from uuid import UUID

from rest_framework import serializers

from api.auth import Asked
from followup.callbacks.models import AttemptResult
from followup.callbacks.models import State as CallbackState
from followup.cases.models import AskKind, Kind, Shortage
from followup.clinic.models import SlotKind
from followup.clinic.models import State as AppointmentState
from followup.contacts.models import Channel
from followup.core.errors import Unknown
from followup.messages.models import Channel as MessageChannel
from followup.messages.models import State as MessageState
from followup.people.models import Language


def read(shape: type[serializers.Serializer], request: Asked) -> dict[str, Any]:
    """What was sent, in the right types and without what is null; raises the framework's ValidationError."""
    given = request.query_params if request.method in ("GET", "HEAD") else request.data
    asked = shape(data=given)
    asked.is_valid(raise_exception=True)
    return _said(asked.validated_data)


def _said(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _said(inner) for name, inner in value.items() if inner is not None}
    return value


class Id(serializers.UUIDField):
    """The id of something. One that is none answers like one that nobody has."""

    def to_internal_value(self, data: Any) -> UUID:
        try:
            return UUID(data)
        except (ValueError, TypeError, AttributeError):
            raise Unknown from None


class Moment(serializers.DateTimeField):
    """In an address, where the `+` of an offset has become a space."""

    def to_internal_value(self, value: Any) -> Any:
        return super().to_internal_value(value.strip().replace(" ", "+") if isinstance(value, str) else value)


class Shape(serializers.Serializer):
    """Everything in a shape is always there unless it says otherwise."""

    @classmethod
    def of(cls, row: Any) -> dict[str, Any]:
        """One row in this shape. The shape is made once: to make it, and all that are inside it, takes longer than to fill it."""
        return _made(cls).to_representation(row)


@cache
def _made(shape: type[Shape]) -> Shape:
    return shape()


class With:
    """A row with more beside it, for a shape that shows both."""

    def __init__(self, row: Any, **more: Any):
        self.__dict__.update(more, _row=row)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)


def choice(choices: Any, **more: Any) -> serializers.ChoiceField:
    return serializers.ChoiceField(choices=choices.choices, **more)


def moment(**more: Any) -> serializers.DateTimeField:
    return serializers.DateTimeField(allow_null=True, **more)


# a case and what hangs off it


class CaseShape(Shape):
    """One thing going on. `due`: what is owed by when; `shortage`: which promise cannot be kept unless somebody acts."""

    id = serializers.UUIDField()
    kind = choice(Kind)
    reference = serializers.CharField(help_text="To quote on the phone.")
    step = serializers.CharField()
    step_since = serializers.DateTimeField()
    due = moment()
    at_risk = serializers.SerializerMethodField()
    shortage = choice(Shortage, allow_blank=True)
    opened = serializers.DateTimeField()
    closed = moment()
    outcome = serializers.CharField(allow_blank=True)

    def get_at_risk(self, case: Any) -> bool:
        return case.at_risk_since is not None


class CallbackShape(Shape):
    """The call that is owed. The window is null until it is laid into nurse hours."""

    id = serializers.UUIDField()
    state = choice(CallbackState)
    priority = serializers.IntegerField(min_value=1, max_value=5, help_text="1 is rung first.")
    window_start = moment()
    window_end = moment()
    due = serializers.DateTimeField()
    attempts = serializers.IntegerField()
    unanswered = serializers.IntegerField()


class AppointmentShape(Shape):
    id = serializers.UUIDField()
    state = choice(AppointmentState)
    start = serializers.DateTimeField(source="slot.starts_at")
    end = serializers.DateTimeField(source="slot.ends_at")
    place = serializers.CharField(source="slot.place")
    clinician = serializers.CharField(source="slot.session.person.name")
    slot = serializers.UUIDField(source="slot_id")


class AdditionShape(Shape):
    """Something said after the request was sent. `kind`: words, red_flags, took_back, feels_better, free_now."""

    kind = serializers.CharField()
    text = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()


class AgreedShape(Shape):
    """What a call led to, as the patient may read it."""

    outcome = serializers.CharField()
    also = serializers.ListField(child=serializers.CharField())
    agreed = serializers.CharField(allow_blank=True)
    advice = serializers.ListField(child=serializers.CharField())
    call_again_on = serializers.DateField(allow_null=True)
    at = serializers.DateTimeField()


class OutcomeShape(AgreedShape):
    """What a call led to, as staff read it."""

    note = serializers.CharField(allow_blank=True)
    by = serializers.CharField(source="by.name")


class AskedShape(Shape):
    """Something a call left for a clinician, as the patient may read it; `owner` null: any of them."""

    kind = choice(AskKind)
    due = serializers.DateTimeField()
    owner = serializers.SerializerMethodField()
    answered_at = moment()
    to_patient = serializers.CharField(
        allow_blank=True, help_text="The answer in words for the patient, if it has any."
    )

    def get_owner(self, ask: Any) -> str | None:
        return ask.owner.name if ask.owner else None


class PersonShape(Shape):
    id = serializers.UUIDField()
    name = serializers.CharField()
    number = serializers.CharField(help_text="The unit's own number for this person.")


class Answers(Shape):
    """`since` and the ids of red flags are those of the programme."""

    red_flags = serializers.ListField(child=serializers.CharField(), required=False, allow_null=True, max_length=50)
    since = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    scale = serializers.IntegerField(required=False, allow_null=True, help_text="0 to 100.")
    medicine = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    days_left = serializers.IntegerField(required=False, allow_null=True, help_text="0 to 365.")
    sooner = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, help_text="Should a booked visit be sooner: yes, no, nurse."
    )


class Preferred(Shape):
    """How somebody wishes to be reached. Times of day are local, such as 14:30."""

    phone = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    not_before = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    not_after = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    voicemail = serializers.BooleanField(required=False, allow_null=True, default=None)
    interpreter = serializers.BooleanField(required=False, allow_null=True, default=None)
    language = serializers.CharField(required=False, allow_null=True, allow_blank=True)


class ContactRequest(Shape):
    """`patient` is named by staff; who gets in touch for themselves leaves it out."""

    reason = serializers.CharField(help_text="flare, worry, prescription, appointment, other")
    message = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    answers = Answers(required=False, allow_null=True)
    preferred = Preferred(required=False, allow_null=True)
    patient = Id(required=False, allow_null=True)
    channel = choice(Channel, required=False)


class ContactShape(Shape):
    """Where a contact stands. `see_by`: when somebody who feels worse must have been seen, null where that is not promised."""

    id = serializers.UUIDField(source="contact.id")
    reference = serializers.CharField(source="case.reference")
    reason = serializers.CharField(source="contact.reason")
    message = serializers.CharField(source="contact.message", allow_blank=True)
    answers = serializers.DictField(source="contact.answers")
    preferred = serializers.DictField(source="contact.preferred")
    channel = choice(Channel, source="contact.channel")
    received_at = serializers.DateTimeField(source="contact.received_at")
    sent_at = moment(source="contact.sent_at", help_text="Null while only a red flag was ticked and nothing sent yet.")
    follows = serializers.UUIDField(
        source="contact.follows_id",
        allow_null=True,
        help_text="The contact of the same week that this flare-up follows.",
    )
    see_by = moment(source="contact.see_by")
    patient = PersonShape(source="case.patient")
    case = CaseShape()
    callback = CallbackShape(allow_null=True)
    appointment = AppointmentShape(allow_null=True)
    additions = AdditionShape(many=True)
    outcomes = AgreedShape(many=True)
    asks = AskedShape(many=True)


class CaseWithContact(CaseShape):
    contact = ContactShape(allow_null=True, help_text="For a case of kind contact.")


# the call queue


class Called(Shape):
    """Whom a call is to, as much as a list needs. `reach`: empty, phone_only or no_channel."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    number = serializers.CharField()
    language = choice(Language)
    interpreter = serializers.BooleanField()
    reach = serializers.CharField(allow_blank=True)


class CallbackRow(CallbackShape):
    """A call with its place in the queue. `decide_since`: the last try found nobody, and a person decides."""

    reason = serializers.CharField()
    not_before = serializers.DateTimeField()
    arrived_at = serializers.DateTimeField()
    lease_until = moment()
    claimed_by = serializers.SerializerMethodField()
    decide_since = moment()
    said_free_at = moment(help_text="When they said: I missed your call, I am free now.")
    handed_note = serializers.CharField(allow_blank=True)
    case = CaseShape()
    patient = Called()

    def get_claimed_by(self, callback: Any) -> str | None:
        return callback.claimed_by.name if callback.claimed_by else None


class TryShape(Shape):
    number = serializers.IntegerField()
    at = serializers.DateTimeField()
    result = choice(AttemptResult)
    by = serializers.CharField(source="by.name")


class EnrolmentShape(Shape):
    programme = serializers.CharField(source="programme.key")
    diagnosis = serializers.CharField()
    diagnosed_on = serializers.DateField(allow_null=True)
    group = serializers.CharField()
    group_since_on = serializers.DateField(allow_null=True)
    group_why = serializers.CharField(allow_blank=True)
    medicines = serializers.ListField(child=serializers.JSONField())


class EarlierShape(Shape):
    id = serializers.UUIDField(source="contact.id")
    reason = serializers.CharField(source="contact.reason")
    message = serializers.CharField(source="contact.message", allow_blank=True)
    received_at = serializers.DateTimeField(source="contact.received_at")
    step = serializers.CharField(source="case.step")
    outcome = serializers.CharField(source="case.outcome", allow_blank=True)
    outcomes = OutcomeShape(many=True)


class PatientShape(Called):
    """Everything about the person that the call page shows."""

    personal_number = serializers.CharField(allow_blank=True)
    given_name = serializers.CharField()
    family_name = serializers.CharField()
    born_on = serializers.DateField()
    phone = serializers.CharField(allow_blank=True, help_text="E.164")
    phone_shown = serializers.CharField(allow_blank=True, help_text="As it was typed.")
    texts = serializers.BooleanField()
    email = serializers.CharField(allow_blank=True)
    spoken_language = serializers.CharField(allow_blank=True)
    voicemail = serializers.BooleanField()
    good_to_know = serializers.CharField(allow_blank=True)


class PatientOfCall(PatientShape):
    """As `PatientShape`, with the plan and what went before."""

    enrolment = EnrolmentShape(allow_null=True)
    booked = AppointmentShape(many=True, help_text="Coming times of this person.")
    earlier = EarlierShape(many=True, help_text="The contacts before, newest first.")


class ClaimedShape(CallbackRow):
    """The next call, theirs until `lease_until`, with everything about the patient."""

    tries = TryShape(many=True)
    outcomes = OutcomeShape(many=True, help_text="What calls of this case led to before, newest first.")
    contact = ContactShape()
    patient = PatientOfCall()


class CallRequest(Shape):
    note = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=4000)


class OutcomeRequest(Shape):
    """What the call led to. `slot` and `to` name a time and a clinician of the unit."""

    outcome = serializers.CharField(
        help_text="self_care, clinic_time, prescription, clinician_asked, emergency, group_change, all_well, no_answer, other"
    )
    also = serializers.ListField(child=serializers.CharField(), required=False, allow_null=True, max_length=20)
    note = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    advice = serializers.ListField(child=serializers.CharField(), required=False, allow_null=True, max_length=50)
    slot = Id(required=False, allow_null=True)
    to = Id(required=False, allow_null=True)
    call_again_on = serializers.DateField(required=False, allow_null=True, help_text="Needed with self_care.")
    agreed = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=4000)


class AfterTheCall(CallbackRow):
    """The callback as it is now, and where its contact stands."""

    contact = ContactShape()


# clinic times


class SlotShape(Shape):
    id = serializers.UUIDField()
    kind = choice(SlotKind)
    start = serializers.DateTimeField(source="starts_at")
    end = serializers.DateTimeField(source="ends_at")
    place = serializers.CharField()
    clinician = serializers.CharField(source="session.person.name")


class AppointmentRequest(Shape):
    """Without `slot`: the time that is kept for the case, else the earliest inside its promise."""

    case = Id()
    slot = Id(required=False, allow_null=True)


class AppointmentRow(AppointmentShape):
    """A time with whose it is. `ended_why` says why one was released."""

    ended_why = serializers.CharField(allow_blank=True)
    case = CaseShape()
    patient = PersonShape()


# messages and lists of work


class MessageShape(Shape):
    """Something told on one channel. `unknown`: nobody can say whether it arrived, and it is not sent a second time."""

    id = serializers.UUIDField()
    template = serializers.CharField()
    channel = choice(MessageChannel)
    to = serializers.CharField()
    subject = serializers.CharField(allow_blank=True)
    body = serializers.CharField(help_text="A sign-in code is not kept: dots stand in its place.")
    state = choice(MessageState)
    created_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    attempts = serializers.IntegerField()
    sent_at = moment()
    trouble = serializers.CharField(allow_blank=True)
    settled_at = moment(help_text="When a person dealt with what could not be sent.")
    patient = PersonShape(allow_null=True)
    case = serializers.UUIDField(source="case_id", allow_null=True)


class CaseRow(CaseShape):
    patient = PersonShape()


class AskShape(Shape):
    """Something a call left for a clinician; `owner` null: any of them."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    due = serializers.DateTimeField()
    note = serializers.CharField(allow_blank=True)
    owner = serializers.SerializerMethodField()
    asked_by = serializers.CharField(source="asked_by.name")
    case = CaseRow()

    def get_owner(self, ask: Any) -> str | None:
        return ask.owner.name if ask.owner else None
