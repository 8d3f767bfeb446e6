"""The pages of the patient. Signing in has addresses of its own, beside all rooms."""

from django.urls import path

from followup.portal import agreed, home, reach, tell, times, told

app_name = "portal"

urlpatterns = [
    path("", home.landing, name="landing"),
    path("home/", home.home, name="home"),
    path("where/", home.where, name="where"),
    path("free-now/", home.free_now, name="free_now"),
    path("emergency/", home.emergency, name="emergency"),
    path("tell-us/", tell.start, name="tell_us"),
    path("tell-us/emergency/", tell.emergency, name="tell_emergency"),
    path("tell-us/check/", tell.check, name="check"),
    path("tell-us/sent/", tell.sent, name="sent"),
    path("tell-us/sent/now/", tell.booking, name="booking"),
    path("tell-us/<slug:name>/", tell.question, name="question"),
    path("times/", times.time, name="time"),
    path("times/day/", times.day, name="time_day"),
    path("times/day/<str:on>/", times.pick, name="time_pick"),
    path("times/check/", times.check, name="time_check"),
    path("times/done/", times.done, name="time_done"),
    path("times/none/", times.none_suits, name="time_none"),
    path("times/cancel/", times.cancel, name="time_cancel"),
    path("times/given-back/", times.given_back, name="time_given_back"),
    path("times/<uuid:appointment_id>/calendar.ics", times.calendar, name="time_calendar"),
    path("messages/", told.told, name="messages"),
    path("who-looked/", told.who_looked, name="who_looked"),
    path("how-to-reach-me/", reach.reach, name="reach"),
    path("agreed/<uuid:outcome_id>/", agreed.agreed, name="agreed"),
    path("contacts/", told.earlier, name="contacts"),
    path("demo/messages/", told.demo_messages, name="demo_messages"),
]
