"""Behind https:// a page asked for in the clear is sent on; programs and the machine's own questions are not."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def live(settings):
    settings.SECURE_SSL_REDIRECT = True


@pytest.mark.parametrize("path", ["/", "/sign-in/", "/staff/sign-in/", "/nowhere/"])
def test_a_page_is_sent_on(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (301, f"https://testserver{path}")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/api/v1/contacts", "/webhooks/twilio/status"])
def test_a_program_is_answered_where_it_asks(client, path):
    assert client.get(path).status_code != 301


def test_what_a_proxy_asks_over_tls_is_not_sent_round_in_circles(client):
    assert client.get("/sign-in/", secure=True).status_code == 200
