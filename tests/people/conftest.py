from types import SimpleNamespace

import pytest
from allauth.mfa.totp.internal import auth as totp


@pytest.fixture(autouse=True)
def a_moment_of_codes(monkeypatch):
    """The clock by which an app makes its codes stands: one made at the end of its 30 seconds would be too old when it is typed."""
    monkeypatch.setattr(totp, "time", SimpleNamespace(time=lambda: 1_795_420_829.9))
