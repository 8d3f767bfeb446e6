"""What other rooms ask about programmes."""

from followup.programmes.errors import NoSuchProgramme
from followup.programmes.models import Programme


def current(key: str) -> Programme:
    """The newest loaded version. Raises NoSuchProgramme."""
    programme = Programme.objects.filter(key=key).order_by("-version").first()
    if programme is None:
        raise NoSuchProgramme
    return programme


def version(key: str, number: int) -> Programme:
    """One version. Raises NoSuchProgramme."""
    programme = Programme.objects.filter(key=key, version=number).first()
    if programme is None:
        raise NoSuchProgramme
    return programme


def newest() -> list[Programme]:
    """The newest loaded version of each."""
    return list(Programme.objects.order_by("key", "-version").distinct("key"))
