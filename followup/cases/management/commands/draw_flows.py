"""followup draw-flows: draw each kind's table of moves to docs/flows/, as a diagram that a forge shows by itself."""

from pathlib import Path

from django.core.management.base import BaseCommand

from followup.cases.flows import FLOWS, Flow

FOLDER = Path(__file__).resolve().parents[4] / "docs" / "flows"

ABOUT = {
    "contact": "A patient gets in touch. `ringing` begins with the first dial, not when a nurse takes the call.",
    "review": "The yearly form, blood test and call. The two halves `form_in` and `blood_in` are marks on `invited`.",
    "visit": "An ordinary follow-up visit.",
    "referral": "Somebody new is sent to the clinic.",
    "stay": "A patient on the ward.",
}


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def handle(self, **options):
        FOLDER.mkdir(parents=True, exist_ok=True)
        for kind, flow in FLOWS.items():
            (FOLDER / f"{kind}.md").write_text(drawn(flow))
            self.stdout.write(f"docs/flows/{kind}.md")


def drawn(flow: Flow) -> str:
    """The page of one flow: what it is, and every move; a move that staff may make by hand, with a reason, says so."""
    moves = [
        f"    {step} --> {to}" + (" : by hand" if (step, to) in flow.by_hand else "")
        for step, onwards in flow.moves.items()
        for to in onwards
    ]
    lines = [
        f"# The flow of a {flow.kind}",
        "",
        ABOUT[flow.kind],
        "",
        "```mermaid",
        "stateDiagram-v2",
        "    direction TB",
        f"    [*] --> {flow.first}",
        *moves,
        "    closed --> [*]",
        "```",
        "",
        "Drawn from `followup/cases/flows.py` by `followup draw-flows`; a test compares the two.",
        "“By hand”: staff may make this move themselves, with a reason that the journal keeps.",
        "",
    ]
    return "\n".join(lines)
