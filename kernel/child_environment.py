"""What programs that put load on are given of the caller's environment: a short list.

A load generator is steered by dozens of variables (``LOCUST_RUN_TIME``, ``K6_VUS``, ``JAVA_OPTS``,
``PYTHONWARNINGS``). One that is left over from other work would change what a run does, and with it
what later estimates count with; one that is a secret has no business in a program that loads a
target. So what is not named here stays behind, and a run does here what it does on a cloud.
"""

from __future__ import annotations

import re
import site
from collections.abc import Mapping

PASSED = frozenset(
    {
        # Where programs and their parts are found.
        *("PATH", "HOME", "LD_LIBRARY_PATH", "JAVA_HOME", "PYTHONPATH", "PYTHONHOME"),
        *("PYTHONUSERBASE", "PYENV_ROOT", "PYENV_VERSION", "ASDF_DIR", "NVM_DIR", "VIRTUAL_ENV"),
        # Who and where they are.
        *("USER", "LOGNAME", "SHELL", "TZ", "TMPDIR", "LANG", "LANGUAGE"),
        # Whose certificates they believe.
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    }
)
PASSED_PREFIX = "LC_"

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
LOOPBACK = "localhost,127.0.0.1,::1"
_CREDENTIALS = re.compile(r"//[^/@]*@|^[^/@]+@")


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that a load generator gets; no proxy is in it.

    Where the caller's own packages are is said as well, for children that get another home.
    """
    passed = {
        name: value
        for name, value in environment.items()
        if name in PASSED or name.startswith(PASSED_PREFIX)
    }
    return {"PYTHONUSERBASE": site.getuserbase(), **passed}


def proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """The caller's proxies, by either spelling, none of which leads to this computer."""
    named = {
        name: value for name, value in environment.items() if name.upper() in PROXIES and value
    }
    if not named:
        return {}
    besides = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    none = ",".join(filter(None, (besides, LOOPBACK)))
    return {**named, "NO_PROXY": none, "no_proxy": none}


def _without_user(found: re.Match[str]) -> str:
    return "//" if found[0].startswith("//") else ""


def proxies_in_words(environment: Mapping[str, str]) -> str:
    """Which proxies load generators use, for people, without passwords; empty: none."""
    used = {
        name.upper(): _CREDENTIALS.sub(_without_user, value)
        for name, value in proxies(environment).items()
        if name.upper() in PROXIES
    }
    if not used:
        return ""
    named = ", ".join(f"{name} {value}" for name, value in sorted(used.items()))
    return f"requests go through {named}, but for those to this computer"
