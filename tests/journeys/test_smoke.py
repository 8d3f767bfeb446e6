from followup.core.models import Heartbeat
from tests.house import until


def test_a_page_that_does_not_exist_is_answered_calmly_and_accessibly(page, base_url, accessible):
    answer = page.goto(f"{base_url}/nowhere")
    assert answer.status == 404
    assert page.locator("h1").count() == 1
    accessible(page)


def test_worker_and_beat_are_alive_in_the_house(house):
    until(lambda: Heartbeat.objects.count() == 2, what="a sign of life from worker and beat")
