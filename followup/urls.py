"""Where each room's pages hang."""

from allauth.account import views as account
from django.urls import include, path
from django.views.i18n import set_language

from followup import health
from followup.desk import board, entry
from followup.portal import places, signin

urlpatterns = [
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("", include("api.urls")),
    path("language", set_language, name="set_language"),
    # The door: patients, everybody on the way out, a wall screen, staff.
    path("in", signin.short, name="in"),
    path("sign-in/", signin.address, name="sign_in"),
    path("sign-in/birth/", signin.birth, name="sign_in_birth"),
    path("sign-in/code/", signin.code, name="sign_in_code"),
    path("sign-in/new-code/", signin.new_code, name="sign_in_new_code"),
    path("sign-in/new-number/", signin.new_number, name="sign_in_new_number"),
    path("sign-out/", signin.sign_out, name="sign_out"),
    path("signed-in/", places.signed_in, name="signed_in"),
    path("stay-signed-in/", signin.stay, name="stay_signed_in"),
    path("wall/", board.wall, name="wall"),
    path("wall/rows/<uuid:case_id>/", board.wall_row, name="wall_row"),
    path("wall/<str:key>/", signin.wall, name="wall_enter"),
    path("staff/", entry.home, name="staff_home"),
    path("staff/sign-in/", account.login, name="account_login"),
    path("staff/not-active/", account.account_inactive, name="account_inactive"),
    path("staff/again/", account.reauthenticate, name="account_reauthenticate"),
    path("staff/password/", account.password_change, name="account_change_password"),
    path("staff/security/", include("allauth.mfa.urls")),
    path("desk/", include("followup.desk.urls")),
    path("", include("followup.portal.urls")),
]

handler400 = "followup.faults.not_understood"
handler403 = "followup.faults.not_allowed"
handler404 = "followup.faults.not_found"
handler500 = "followup.faults.broken"
