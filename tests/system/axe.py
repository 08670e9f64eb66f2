"""axe (github.com/dequelabs/axe-core) over an open page: what somebody with other eyes or hands stumbles over."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.system.running import ROOT

SCRIPT = ROOT / "dashboard" / "web" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")
RUN = """
async () => {
    // A wall screen takes no hand, but eyes read it as any other page.
    const untouchable = [...document.querySelectorAll('[inert]')];
    untouchable.forEach((element) => { element.inert = false; });
    try {
        // Without preload: it waits ten seconds for each video that has nothing to show.
        return (await axe.run(document, { resultTypes: ['violations'], preload: false })).violations;
    } finally {
        untouchable.forEach((element) => { element.inert = true; });
    }
}
"""


def assert_accessible(page: Page, where: str) -> None:
    """Fail with each finding of impact serious or critical on what the page shows now: rule, element, measured."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(SCRIPT.read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate(RUN)
    told = [
        f"{finding['id']}: {node['target'][-1]} {node['html'][:160]} {[each.get('data') for each in node['any'][:1]]}"
        for finding in found
        if finding["impact"] in GRAVE
        for node in finding["nodes"]
    ]
    assert not told, "\n".join([where, *told])
