"""What of the product the tests execute: ``make coverage`` prints it, and fails nothing.

Measures branches too, in the tests' own process and in every process that they start, and lists
what lies below ``LOW_PERCENT``, the worst first.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LOW_PERCENT = 85.0
ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> int:
    """Run pytest with these arguments, and say what was executed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        environment = os.environ | {"COVERAGE_FILE": str(Path(folder) / "coverage")}
        tests = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "--cov", "--cov-config=pyproject.toml"),
                *("--cov-report=", f"--cov-report=json:{report}", *arguments),
            ],
            cwd=ROOT,
            env=environment,
            check=False,
        )
        if not report.exists():
            sys.stdout.write(f"nothing was measured; pytest ended with {tests.returncode}\n")
            return 0
        measured = json.loads(report.read_text())
    sys.stdout.write("\n".join(lines_of(measured)) + "\n")
    return 0


def lines_of(measured: dict[str, object]) -> list[str]:
    """What is printed of coverage's JSON report."""
    totals, files = measured["totals"], measured["files"]
    assert isinstance(totals, dict)
    assert isinstance(files, dict)
    low = sorted(
        (each["summary"]["percent_covered"], name)
        for name, each in files.items()
        if each["summary"]["percent_covered"] < LOW_PERCENT
    )
    said = f"{len(low)} modules are" if low else "no module is"
    sizes = f"{totals['num_statements']} statements and {totals['num_branches']} branches"
    return [
        f"{totals['percent_covered']:.1f} % of {sizes}; {said} below {LOW_PERCENT:.0f} %",
        *(f"  {percent:5.1f} %  {name}" for percent, name in low),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
