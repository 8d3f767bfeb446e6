"""The sign-in's decisions, walked as tables: no database, no clock."""

from datetime import UTC, datetime, timedelta

import pytest

from followup.people.signin import policy

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)


def ago(**length) -> datetime:
    return NOW - timedelta(**length)


@pytest.mark.parametrize(
    ("sent_at", "age"),
    [
        (NOW, "fresh"),
        (ago(minutes=14, seconds=59), "fresh"),
        (ago(minutes=15), "expired"),
        (ago(hours=1, minutes=59), "expired"),
        (ago(hours=2), "forgotten"),
        (ago(days=9), "forgotten"),
    ],
)
def test_a_code_is_fresh_then_expired_then_forgotten(sent_at, age):
    assert policy.age_of(sent_at, NOW) == age


@pytest.mark.parametrize(
    ("sent_at", "minutes"),
    [(NOW, 15), (ago(seconds=1), 14), (ago(minutes=14), 1), (ago(minutes=14, seconds=1), 0), (ago(hours=1), 0)],
)
def test_a_message_promises_no_minute_that_the_code_does_not_have(sent_at, minutes):
    assert policy.minutes_left(sent_at, NOW) == minutes


@pytest.mark.parametrize(
    ("sends", "again_at"),
    [
        ([], NOW),
        ([ago(seconds=1)], NOW + timedelta(seconds=59)),
        ([ago(seconds=60)], NOW),
        ([ago(minutes=10), ago(minutes=5)], NOW),
        ([ago(minutes=10), ago(minutes=5), ago(minutes=2)], NOW + timedelta(minutes=5)),
        ([ago(minutes=15), ago(minutes=5), ago(minutes=2)], NOW),
        ([ago(minutes=14, seconds=50), ago(minutes=5), ago(seconds=5)], NOW + timedelta(seconds=55)),
    ],
)
def test_three_codes_in_a_quarter_of_an_hour_and_a_minute_between_two(sends, again_at):
    assert policy.next_send_to_same_at(sends, NOW) == again_at


@pytest.mark.parametrize(
    ("wrong", "last", "again_at"),
    [
        (0, None, NOW),
        (9, NOW, NOW),
        (10, NOW, NOW + timedelta(minutes=1)),
        (10, ago(seconds=61), NOW),
        (11, NOW, NOW + timedelta(minutes=2)),
        (13, NOW, NOW + timedelta(minutes=8)),
        (16, NOW, NOW + timedelta(hours=1)),
        (400, NOW, NOW + timedelta(hours=1)),
    ],
)
def test_after_ten_wrong_codes_each_further_one_waits_longer(wrong, last, again_at):
    assert policy.next_try_at(wrong, last, 10, NOW) == again_at


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("123456", "123456"),
        (" 123 456 ", "123456"),
        ("123-456", "123456"),
        ("12–34—56", "123456"),
        ("1 2 3 4 5 6", "123456"),
        ("", None),
        ("12345", None),
        ("1234567", None),
        ("12345a", None),
        ("١٢٣٤٥٦", None),
    ],
)
def test_spaces_and_dashes_in_a_code_are_ignored(typed, digits):
    assert policy.digits_of(typed) == digits


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_a_network_is_one_ipv4_address_or_a_64_of_ipv6(ip, network):
    assert policy.network_of(ip) == network
