"""What pip-audit's JSON says, for .ci/lock: 0 nothing known, 1 findings, or a package unanswered, 3 no answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(path: str) -> int:
    """Print one line a finding, and one of the whole."""
    try:
        packages = json.loads(Path(path).read_text())["dependencies"]
    except (ValueError, KeyError):
        return 3
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    if len(skipped) == len(packages):
        return 3
    findings = 0
    for each in packages:
        for found in each.get("vulns", []):
            findings += 1
            mended = ", ".join(found["fix_versions"]) or "none"
            print(f"{each['name']} {each['version']}: {found['id']}, mended in {mended}")
    # a package that the database does not answer for is no package without findings
    left = f", no answer about {', '.join(skipped)}" if skipped else ""
    print(f"audit: {len(packages) - len(skipped)} packages, {findings} known vulnerabilities{left}")
    return int(findings > 0 or bool(skipped))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
