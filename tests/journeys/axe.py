"""axe-core, from the package that set-up fetched."""

import re
from pathlib import Path

from playwright.sync_api import Error, Page

SOURCE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
LEFT = re.compile(
    r"context was destroyed|of null \(reading 'documentElement'\)|frame (was|got) detached", re.IGNORECASE
)


def check(page: Page) -> None:
    """Fails with what axe finds serious or critical on the page as it stands, each with its elements."""
    serious = [
        f"{one['id']}: {one['help']}: {', '.join(node['html'][:160] for node in one['nodes'][:5])}"
        for one in _found_on(page)
        if one["impact"] in ("serious", "critical")
    ]
    assert not serious, f"on {page.url}:\n" + "\n".join(serious)


def _found_on(page: Page, pages_left: int = 3) -> list[dict]:
    """What is found on the page that a press leads to, also where the one before is left while it is looked at."""
    page.wait_for_load_state()
    try:
        page.evaluate(SOURCE.read_text())
        return page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)["violations"]
    except Error as error:
        if not (pages_left and LEFT.search(str(error))):
            raise
        return _found_on(page, pages_left - 1)
