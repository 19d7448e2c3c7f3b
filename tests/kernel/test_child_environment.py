"""What load generators are given of the caller's environment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.child_environment import (
    LOOPBACK,
    PASSED,
    child_environment,
    proxies,
    proxies_in_words,
)

STEERING = {
    "LOCUST_RESET_STATS": "true",
    "LOCUST_TAGS": "slow",
    "LOCUST_PROCESSES": "4",
    "LOCUST_MODE_WORKER": "true",
    "K6_VUS": "1000",
    "JAVA_OPTS": "-Xmx1m",
    "JVM_ARGS": "-Xmx1m",
    "JMETER_HOME": "/nowhere",
    "PYTHONWARNINGS": "error",
    "PYTHONSTARTUP": "x.py",
    "SSLKEYLOGFILE": "/nowhere/keys",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "LOADMUSTER_DB": "postgresql://user:secret@host/db",
    "HTTP_PROXY": "http://proxy:3128",
}


ROOT = Path(__file__).resolve().parents[2]
OF_OUR_OWN_PROGRAMS = {
    "engine/runs/detached.py",  # a controller needs the credentials that its cloud is reached with
}


@pytest.mark.promise("clean-load-environment", command=("run", "calibrate"), provider="local")
def test_nothing_that_steers_a_load_generator_and_no_secret_is_passed_on() -> None:
    given = {**STEERING, "PATH": "/bin", "LC_ALL": "C.UTF-8", "HOME": "/home/ann"}

    assert child_environment({**given, "PYTHONUSERBASE": "/home/ann/.local"}) == {
        "PATH": "/bin",
        "LC_ALL": "C.UTF-8",
        "HOME": "/home/ann",
        "PYTHONUSERBASE": "/home/ann/.local",
    }


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=5)))
def test_what_is_passed_on_is_named(environment: dict[str, str]) -> None:
    passed = child_environment(environment)

    assert all(name in PASSED or name.startswith("LC_") for name in passed)
    assert passed.pop("PYTHONUSERBASE"), "packages are found from another home too"
    assert passed.items() <= environment.items()


def test_proxies_lead_everywhere_but_to_this_computer() -> None:
    assert proxies({}) == {}
    assert proxies({"NO_PROXY": "x.org"}) == {}, "without a proxy there is nothing to go around"
    assert proxies({"https_proxy": "http://p:1", "no_proxy": "x.org", "PATH": "/bin"}) == {
        "https_proxy": "http://p:1",
        "NO_PROXY": f"x.org,{LOOPBACK}",
        "no_proxy": f"x.org,{LOOPBACK}",
    }


@pytest.mark.promise("clean-load-environment", command=("run", "calibrate"), provider="local")
def test_no_child_is_given_the_whole_environment_but_programs_of_our_own() -> None:
    whole = re.compile(r"\*\*os\.environ\b|\benv=os\.environ\b|os\.environ \||os\.environ\.copy")
    found = {
        str(path.relative_to(ROOT))
        for package in ("engine", "kernel", "loadmuster", "pricing", "providers")
        for path in (ROOT / package).rglob("*.py")
        if whole.search(path.read_text(encoding="utf-8"))
    }
    assert found == OF_OUR_OWN_PROGRAMS


def test_proxies_are_told_without_passwords() -> None:
    assert proxies_in_words({"NO_PROXY": "x.org"}) == ""
    given = {"http_proxy": "http://ann:secret@p:3128", "HTTPS_PROXY": "ann:secret@q:1"}
    assert proxies_in_words(given) == (
        "requests go through HTTPS_PROXY q:1, HTTP_PROXY http://p:3128,"
        " but for those to this computer"
    )
