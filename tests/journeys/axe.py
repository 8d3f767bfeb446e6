"""axe-core, from the package that set-up fetched."""

from pathlib import Path

from playwright.sync_api import Page

SOURCE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]


def check(page: Page) -> None:
    """Fails with what axe finds serious or critical on the page as it stands, each with its elements."""
    page.evaluate(SOURCE.read_text())
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)["violations"]
    serious = [
        f"{one['id']}: {one['help']}: {', '.join(node['html'][:160] for node in one['nodes'][:5])}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert not serious, f"on {page.url}:\n" + "\n".join(serious)
