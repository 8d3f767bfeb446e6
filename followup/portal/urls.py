"""The pages of the patient. Signing in has addresses of its own, beside all rooms."""

from django.urls import path

from followup.portal import agreed, home, tell, told

app_name = "portal"

urlpatterns = [
    path("", home.landing, name="landing"),
    path("home/", home.home, name="home"),
    path("where/", home.where, name="where"),
    path("emergency/", home.emergency, name="emergency"),
    path("tell-us/", tell.start, name="tell_us"),
    path("tell-us/emergency/", tell.emergency, name="tell_emergency"),
    path("tell-us/check/", tell.check, name="check"),
    path("tell-us/sent/", tell.sent, name="sent"),
    path("tell-us/sent/now/", tell.booking, name="booking"),
    path("tell-us/<slug:name>/", tell.question, name="question"),
    path("messages/", told.told, name="messages"),
    path("who-looked/", told.who_looked, name="who_looked"),
    path("agreed/<uuid:outcome_id>/", agreed.agreed, name="agreed"),
    path("contacts/", told.earlier, name="contacts"),
    path("demo/messages/", told.demo_messages, name="demo_messages"),
]
