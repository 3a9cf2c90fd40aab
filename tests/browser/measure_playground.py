"""How fast the playground answers while something is dragged: `python tests/browser/measure_playground.py [scene ...]`.

A script, not a test. A bar or point is dragged for some seconds in each scene, on a server of its own. Latency
is from the pointer's move to the optimum of what it made, as the page measures it; frames are the browser's. On a
machine that others use too, the CPU times say more: of the page's main thread for each move of the pointer, with all
frames and answers that came of it, and of the server for each answer.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from playwright.sync_api import sync_playwright  # noqa: E402

from browser.conftest import ARGUMENTS, OPEN_MS, WAIT_MS, running_server  # noqa: E402

SCENES = ("trap", "anywhere", "sphere", "talk", "circle", "moons", "line")
#: Moves of the pointer, and milliseconds from one to the next.
MOVES, PAUSE_MS = 150, 16

WATCH = """root => {
  const seen = window.measured = { latencies: [], frames: [], answers: Number(root.dataset.answers ?? 0) };
  new MutationObserver(() => {
    if (Number(root.dataset.answers) > seen.answers) seen.latencies.push(Number(root.dataset.latencyLast));
    seen.answers = Number(root.dataset.answers);
  }).observe(root, { attributeFilter: ["data-answers"] });
  let before = performance.now();
  const frame = (now) => {
    seen.frames.push(now - before);
    before = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""


def server_seconds(port: str) -> float:
    """CPU seconds so far of the process that listens on a port of this machine (Linux)."""
    for entry in Path("/proc").iterdir():
        try:
            if (
                entry.name.isdigit()
                and port in (entry / "cmdline").read_text()
                and "streamlit" in (entry / "cmdline").read_text()
            ):
                times = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            continue
    return float("nan")


def page_seconds(session: Any) -> dict[str, float]:
    """CPU seconds so far of the page's main thread."""
    return {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)] if values else float("nan")


def measure(browser: Any, address: str, scene: str) -> None:
    """Drag in one scene, and print a line."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.goto(f"{address}/playground?play={scene}")
    root = page.locator(".cc-play")
    root.wait_for(timeout=OPEN_MS)
    page.locator(".cc-status[data-tone=proved]").wait_for(timeout=WAIT_MS)
    page.wait_for_timeout(1500)
    box = page.locator(".cc-data-box:visible [role=slider]").nth(3).bounding_box()
    x, y = box["x"] + box["width"] / 2.0, box["y"] + box["height"] / 2.0
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.mouse.move(x, y)
    page.mouse.down()
    root.evaluate(WATCH)
    before, server, start = page_seconds(session), server_seconds(address.rsplit(":", 1)[1]), time.monotonic()
    for move in range(MOVES):
        page.mouse.move(x + (move % 40) / 4.0, y + abs(move % 80 - 40) - 20.0)
        page.wait_for_timeout(PAUSE_MS)
    seconds = time.monotonic() - start
    after, served = page_seconds(session), server_seconds(address.rsplit(":", 1)[1]) - server
    seen = page.evaluate("window.measured")
    page.mouse.up()
    frames, latencies = seen["frames"][1:], seen["latencies"]
    script, style, layout, page_cpu = (
        1e3 * (after[name] - before[name]) / MOVES
        for name in ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration", "TaskDuration")
    )
    answers = max(len(latencies), 1)
    print(
        f"{scene:9} latency {quantile(latencies, 0.5):4.0f} ms, p95 {quantile(latencies, 0.95):4.0f}"
        f" | {len(latencies) / seconds:4.1f} answers/s, {1e3 * served / answers:4.0f} ms CPU each"
        f" | {len(frames) / seconds:3.0f} frames/s, p95 {quantile(frames, 0.95):4.0f} ms"
        f" | page {page_cpu:4.1f} ms CPU a move (script {script:4.1f}, style {style:3.1f}, layout {layout:3.1f})"
        f" | load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    context.close()


def main() -> None:
    """Measure the scenes that are named."""
    parser = argparse.ArgumentParser(description="Latency and frames of the playground while something is dragged.")
    parser.add_argument("scene", nargs="*", default=list(SCENES))
    scenes = parser.parse_args().scene
    with running_server() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        for scene in scenes:
            measure(browser, address, scene)
        browser.close()


if __name__ == "__main__":
    main()
