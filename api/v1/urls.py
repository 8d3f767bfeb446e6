from django.urls import path
from drf_spectacular.views import SpectacularJSONAPIView

from api.v1 import board, callbacks, contacts, people, times, worklists

urlpatterns = [
    path("schema", SpectacularJSONAPIView.as_view(), name="schema"),
    path("contacts", contacts.Contacts.as_view()),
    path("contacts/<uuid:contact_id>", contacts.OneContact.as_view()),
    path("me/cases", people.MyCases.as_view()),
    path("patients/<uuid:patient_id>/cases", people.CasesOfPatient.as_view()),
    path("callbacks", callbacks.Callbacks.as_view()),
    path("callbacks/claim", callbacks.Claim.as_view()),
    path("callbacks/<uuid:callback_id>/extend", callbacks.Extend.as_view()),
    path("callbacks/<uuid:callback_id>/release", callbacks.Release.as_view()),
    path("callbacks/<uuid:callback_id>/dial", callbacks.Dial.as_view()),
    path("callbacks/<uuid:callback_id>/outcome", callbacks.Outcome.as_view()),
    path("slots", times.Slots.as_view()),
    path("appointments", times.Appointments.as_view()),
    path("appointments/<uuid:appointment_id>/cancel", times.Cancel.as_view()),
    path("board", board.Board.as_view(), name="board"),
    path("board/stream", board.stream, name="board_stream"),
    path("messages", worklists.Messages.as_view()),
    path("worklists", worklists.AllWorklists.as_view()),
    *(path(f"worklists/{name}", worklists.worklist(name).as_view()) for name in worklists.WORKLISTS),
]
