"""The pictures in docs/flows are drawn from the tables, and cannot go stale."""

import pytest

from followup.cases.flows import FLOWS
from followup.cases.management.commands.draw_flows import FOLDER, drawn


@pytest.mark.parametrize("kind", FLOWS)
def test_the_picture_is_that_of_the_table(kind):
    assert (FOLDER / f"{kind}.md").read_text() == drawn(FLOWS[kind]), "run `followup draw-flows`"


def test_every_kind_has_a_picture_and_no_picture_is_left_over():
    assert {page.stem for page in FOLDER.glob("*.md")} == set(FLOWS)


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_a_flow_hangs_together(flow):
    reached, onwards = {flow.first}, [flow.first]
    while onwards:
        for to in flow.moves[onwards.pop()]:
            if to not in reached:
                reached.add(to)
                onwards.append(to)
    assert reached == set(flow.steps), "every step can be reached, and nothing leads to a step that is not there"
    assert all(flow.allows(*move) for move in flow.by_hand)
