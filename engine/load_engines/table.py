"""The table of load engines: what is read, estimated, checked, sliced, played and calibrated."""

from __future__ import annotations

from pathlib import Path

from engine.load_engines.facts import EngineFacts
from engine.load_engines.user_figures import (
    CUSTOM_USER,
    FAST_HTTP_USER,
    GATLING_USER,
    HTTP_USER,
    JMETER_THREAD,
    K6_USER,
    LOCUST_USER,
)
from kernel.table import Table

_AGENT = Path(__file__).parents[1] / "load" / "sliced" / "agent"

LOCUST = EngineFacts(
    name="locust",
    title="Locust",
    agent=_AGENT / "locust",
    entry="engine.readers.program.entries:LocustEntry",
    figures=LOCUST_USER,
    figures_by_user={"FastHttpUser": FAST_HTTP_USER, "HttpUser": HTTP_USER},
)
CUSTOM = EngineFacts(
    name="custom",
    title="custom",
    agent=_AGENT / "custom",
    entry="engine.readers.program.entries:CustomEntry",
    example="{name: custom, command: python3 load.py, files: [load.py]}",
    main_in="command.sh",
    figures=CUSTOM_USER,
)
K6 = EngineFacts(
    name="k6",
    title="k6",
    agent=_AGENT / "k6",
    entry="engine.readers.program.entries:K6Entry",
    example="{name: k6, script: checkout.js}",
    command="k6",
    fetches_version=True,
    # It can make its users only once it knows its share.
    lead_s=10.0,
    figures=K6_USER,
)
JMETER = EngineFacts(
    name="jmeter",
    title="JMeter",
    agent=_AGENT / "jmeter",
    entry="engine.readers.program.entries:JMeterEntry",
    example="{name: jmeter, plan: checkout.jmx}",
    command="jmeter",
    follows_shape=False,
    # https://jmeter.apache.org/api/org/apache/jmeter/util/CustomX509TrustManager.html
    verifies_tls=False,
    figures=JMETER_THREAD,
)
GATLING = EngineFacts(
    name="gatling",
    title="Gatling",
    agent=_AGENT / "gatling",
    entry="engine.readers.program.entries:GatlingEntry",
    example="{name: gatling, simulation: shop.Checkout}",
    command="java",
    follows_shape=False,
    figures=GATLING_USER,
)

LOAD_ENGINES = Table(LOCUST, CUSTOM, K6, JMETER, GATLING)
"""A test may add a row with ``LOAD_ENGINES.extended``; scenario files know those engines that are
there when ``engine.readers`` is first used, so it has to be imported within.
"""
