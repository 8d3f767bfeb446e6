"""Who a session belongs to when somebody came in without a password: by a code, or by the key of a wall screen."""

from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.db.models import QuerySet

from followup.core.reads import prepared
from followup.people.models import User


class WithoutPassword(BaseBackend):
    """It lets nobody in by itself: the sign-in pages do, and then name it to Django's `login`."""

    def get_user(self, user_id) -> User | None:
        return _active.first(user_id)


@prepared
def _active(user_id: UUID) -> QuerySet[User]:
    return User.objects.filter(id=user_id, is_active=True)
