"""The script that an injector boots with: small, and safe whatever the names in it are."""

from __future__ import annotations

import shlex
from pathlib import Path

from msgspec import Struct

from providers.objects import NAME_PLACE, UploadMethod, UploadTicket

_SCRIPT = Path(__file__).with_name("agent") / "bootstrap.sh"


class Bootstrap(Struct, frozen=True):
    """What the script is told.

    Attributes:
        group: Which group of injectors it belongs to.
        bundle_url: Where its work is.
        start_url: Where the start will be.
        ticket: Leave to upload.
        start_wait_s: How long it waits for the start.
        load_s_max: How long after the start its load generator is killed.
        ready_wait_s: How long its load generator may take to come up.
        poll_s: Between two looks for the start.
        report_s: Between two uploads of its reports.
        measure_s: Over how long the machine's processors are measured each time.
        keeps_looks: Whether each of these looks is reported.
    """

    group: int
    bundle_url: str
    start_url: str
    ticket: UploadTicket
    start_wait_s: int
    load_s_max: int
    ready_wait_s: int = 60
    poll_s: int = 1
    report_s: int = 2
    measure_s: int = 10
    keeps_looks: bool = False

    def script(self) -> str:
        """The script, with every value quoted for the shell."""
        settings = {
            "GROUP": str(self.group),
            "BUNDLE_URL": self.bundle_url,
            "START_URL": self.start_url,
            "READY_WAIT_S": str(self.ready_wait_s),
            "START_WAIT_S": str(self.start_wait_s),
            "LOAD_S_MAX": str(self.load_s_max),
            "POLL_S": str(self.poll_s),
            "REPORT_S": str(self.report_s),
            "MEASURE_S": str(self.measure_s),
            "KEEP_LOOKS": "1" if self.keeps_looks else "0",
        }
        lines = [f"{name}={shlex.quote(value)}" for name, value in settings.items()]
        text = _SCRIPT.read_text(encoding="utf-8")
        return text.replace("@SETTINGS@", "\n".join(lines)).replace("@UPLOAD@", self._upload())

    def _upload(self) -> str:
        """How curl is told to send file ``$1`` under the name ``$2``."""
        if self.ticket.method is UploadMethod.POST:
            fields = [f"--form-string {shlex.quote(f'{k}={v}')}" for k, v in self.ticket.fields]
            key = f'--form-string {shlex.quote(f"key={self.ticket.prefix}")}"$2"'
            return " ".join([*fields, key, '--form file=@"$1"', shlex.quote(self.ticket.url)])
        before, _, after = self.ticket.url.partition(NAME_PLACE)
        headers = [f"--header {shlex.quote(f'{k}: {v}')}" for k, v in self.ticket.fields]
        url = f'{shlex.quote(before)}"$2"{shlex.quote(after) if after else ""}'
        return " ".join([*headers, '--upload-file "$1"', url])


def on_this_computer(script: str, number: int) -> str:
    """The script for a machine that is a process of this computer, beside others of its run.

    Args:
        script: As ``Bootstrap.script`` makes it.
        number: Which machine of the run.
    """
    own = f"""name=machine-{number:05}
: "${{LOADMUSTER_CORES:=$(getconf _NPROCESSORS_ONLN)}}"
export LOADMUSTER_CORES
"""
    return own + script
