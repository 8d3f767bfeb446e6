"""The page of what was measured is written by the bench."""

from bench import document

CELLS = [
    {"name": "raw", "rate": 4853.2, "beside_the_first": 1.0, "rates": [4871.0, 4835.4]},
    {"name": "product", "rate": 2638.0, "beside_the_first": 0.54, "rates": [2745.0, 2531.0]},
]
GOAL = {"group": "claims", "goal": "A3", "what": "claim beside raw", "aim": "at least 0.4"}
BODY = {
    "on": "2026-11-23",
    "machine": "2 cores",
    "command": "python -m bench",
    "groups": {"claims": {"seconds": 90.4, "rest_seconds": 2.0, "commit_ms": 1.2}},
    "goals": [GOAL | {"seen": "0.54", "met": True}, GOAL | {"goal": "A4", "seen": "0.01 | slow", "met": False}],
    "tables": [{"group": "claims", "title": "Claims, 4 clients", "cells": CELLS}],
    "figures": {},
}


def test_what_people_wrote_above_the_mark_stays_and_what_was_measured_before_is_gone():
    first = document.page("# Speed\n\nWhy it is fast.\n", BODY)
    assert first.startswith(
        f"# Speed\n\nWhy it is fast.\n\n{document.MARK}\n\n## What was measured on 23 November 2026\n"
    )
    again = document.page(first, BODY | {"on": "2026-12-01"})
    assert again == first.replace("23 November", "1 December")


def test_each_group_has_its_cells_and_its_goals_and_what_was_missed_stands_out():
    said = document.page("", BODY)
    assert "missed 1 of 2 goals" in said
    assert "    product                                    2,638/s   0.54 x  rounds: 2,745 2,531\n" in said
    assert "| A3 | claim beside raw | at least 0.4 | 0.54 | yes |\n" in said
    assert "| A4 | claim beside raw | at least 0.4 | 0.01 \\| slow | **no** |\n" in said
    assert "| claims | 90 | 2 | 1.2 ms |\n" in said
