"""Races need rows that every connection sees: they run on the living product's database, like the journeys."""

from tests.journeys.conftest import django_db_setup, live_database, turn, unit

__all__ = ["django_db_setup", "live_database", "turn", "unit"]
