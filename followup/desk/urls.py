"""Where the pages of staff hang."""

from django.urls import path

from followup.desk import alerts, asks, board, call, cases, clinic_day, entry, hands, morning, patients, queue, ways_out

app_name = "desk"
urlpatterns = [
    path("", entry.home, name="home"),
    path("queue/", queue.queue, name="queue"),
    path("queue/rows/", queue.rows, name="queue_rows"),
    path("calls/next/", queue.take_next, name="take_next"),
    path("calls/<uuid:callback_id>/", call.call, name="call"),
    path("calls/<uuid:callback_id>/open/", queue.open_chosen, name="open"),
    path("calls/<uuid:callback_id>/dial/", call.dial, name="dial"),
    path("calls/<uuid:callback_id>/keep/", call.keep, name="keep"),
    path("calls/<uuid:callback_id>/take-over/", hands.take_over, name="take_over"),
    path("calls/<uuid:callback_id>/hand-over/", hands.hand_over, name="hand_over"),
    path("calls/<uuid:callback_id>/later/", hands.later, name="later"),
    path("calls/<uuid:callback_id>/decide/", hands.decide, name="decide"),
    path("going/", hands.going, name="going"),
    path("sign-out/", hands.leave, name="leave"),
    path("patients/", patients.search, name="patients"),
    path("patients/<uuid:patient_id>/", patients.record, name="patient"),
    path("patients/<uuid:patient_id>/request/", patients.enter, name="request"),
    path("board/", board.board, name="board"),
    path("board/rows/<uuid:case_id>/", board.row, name="board_row"),
    path("alerts/", alerts.alerts, name="alerts"),
    path("alerts/told-where/", alerts.told_where, name="told_where"),
    path("alerts/messages/<uuid:message_id>/", alerts.settle_message, name="settle_message"),
    path("alerts/work/<int:row_id>/", alerts.try_again, name="try_again"),
    path("cases/<uuid:case_id>/ways-out/", ways_out.ways_out, name="ways_out"),
    path("cases/<uuid:case_id>/ways-out/take/", ways_out.take, name="take_time"),
    path("cases/<uuid:case_id>/ways-out/trade/", ways_out.trade, name="trade_time"),
    path("cases/<uuid:case_id>/open-time/", ways_out.open_time, name="open_time"),
    path("asks/", asks.asks, name="asks"),
    path("asks/<uuid:ask_id>/", asks.ask, name="ask"),
    path("asks/<uuid:ask_id>/hand/", asks.hand, name="hand_ask"),
    path("cases/<uuid:case_id>/", cases.case, name="case"),
    path("cases/<uuid:case_id>/meeting/", cases.meeting, name="meeting"),
    path("cases/<uuid:case_id>/reopen/", cases.reopen, name="reopen"),
    path("agreed/<uuid:outcome_id>/", cases.agreed, name="agreed"),
    path("morning/", morning.morning, name="morning"),
    path("clinic-day/", clinic_day.clinic_day, name="clinic_day"),
    path("appointments/<uuid:appointment_id>/mark/", clinic_day.mark, name="mark"),
]
