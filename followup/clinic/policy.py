"""Pure decisions about times."""

from datetime import datetime

from followup.core.hours import OpeningHours
from followup.programmes.schema import Rules


def others_may_use_urgent_until(rules: Rules, hours: OpeningHours, at: datetime) -> datetime:
    """Free urgent slots that start before this moment may be given to other kinds."""
    return hours.add_open(at, rules.slots.urgent_falls_to_others_open_hours_before)
