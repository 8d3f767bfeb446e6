"""The demo clinic: invented people in every step, so that whoever starts the product sees it alive."""


def welcome() -> str:
    """What the console says when the demo is up: who can sign in, and how. Makes the wall screen a new key."""
    from django.conf import settings

    from followup.demo import clinic  # its rows exist only once Django is set up

    return clinic.welcome(settings.FOLLOWUP_PUBLIC_URL)
