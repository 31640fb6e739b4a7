"""`python -m tests.frames`: how smoothly the timeline pans over 2,000 events, and how soon the page is painted.

Figures of one machine at one moment; no test asserts them.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from tests.bench import pack
from tests.bench.process import Server, fasti
from tests.serving import CHROMIUM

MANY, FRAMES, STEP = 2_000, 180, 12
PAN = """async ([frames, step]) => {
  const chart = document.querySelector('.scroller');
  const times = [];
  chart.scrollLeft = 0;
  for (let last = performance.now(), frame = 0; frame < frames; frame++) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    times.push(performance.now() - last);
    last = performance.now();
    chart.scrollLeft += step;
  }
  return times.slice(1).sort((one, other) => one - other);
}"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def main() -> None:
    if CHROMIUM is None:
        raise SystemExit("A Chromium is needed.")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        seed = Path(folder) / "seed"
        pack.write(seed / "bench", MANY)
        environment = {
            "FASTI_SEED_DIR": str(seed), "FASTI_SOURCE_DIR": str(seed / "bench"),
            "FASTI_DATABASE_URL": f"sqlite:///{folder}/fasti.db",
        }  # fmt: skip
        command = fasti("serve", "--port", "{port}")
        with Server("fasti", command, "/health/ready", Path(folder) / "log", environment) as server:
            page = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]).new_page()
            page.goto(f"{server.url}/?kind=event")
            page.wait_for_selector("main .requests")
            sys.stdout.write(f"first contentful paint after {page.evaluate(PAINT):.0f} ms\n")
            for _ in range(4):
                page.get_by_role("button", name="Zoom in").click()
                drawn, times = page.locator("li.item").count(), page.evaluate(PAN, [FRAMES, STEP])
                middle, tail = times[len(times) // 2], times[len(times) * 95 // 100]
                sys.stdout.write(f"{drawn:,} events drawn: a frame in {middle:.1f} ms, 95 % in {tail:.1f} ms\n")


if __name__ == "__main__":
    main()
