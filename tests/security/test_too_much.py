"""A form that is far too large is answered plainly, and changes nothing."""

import pytest
from django.urls import reverse

from followup.contacts.models import Contact, Draft
from tests import factories as make


@pytest.mark.django_db
def test_a_form_that_is_too_large_is_answered_by_a_page_of_ours(client):
    patient = make.a_patient(make.a_unit())
    client.force_login(patient.user, backend="followup.people.backends.WithoutPassword")
    client.get(reverse("portal:home"))
    answer = client.post(reverse("portal:question", args=["now"]), {"red_flags": "x" * 2_000_000})
    assert answer.status_code == 400
    assert "We could not read what was sent" in answer.content.decode()
    assert not Contact.objects.exists()
    assert not Draft.objects.exists()
