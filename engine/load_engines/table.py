"""The table of load engines: what is read, estimated, checked, sliced, played and calibrated."""

from __future__ import annotations

from pathlib import Path

from engine.load_engines.facts import EngineFacts, UserFigures
from kernel.table import Table

_AGENT = Path(__file__).parents[1] / "load" / "sliced" / "agent"

LOCUST = EngineFacts(
    name="locust",
    title="Locust",
    agent=_AGENT / "locust",
    entry="engine.readers.program.entries:LocustEntry",
    # HttpUser took 0.6-0.95 ms and 37-40 KiB, measured on one core, and FastHttpUser 0.15-0.25 ms.
    figures=UserFigures(
        memory_kib_per_user=40,
        processor_us_per_request=950,
        processor_us_per_request_least=150,
    ),
)
CUSTOM = EngineFacts(
    name="custom",
    title="custom",
    agent=_AGENT / "custom",
    entry="engine.readers.program.entries:CustomEntry",
    example="{name: custom, command: python3 load.py, files: [load.py]}",
    main_in="command.sh",
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
    figures=UserFigures(
        # https://doc.octoperf.com/private-hosts/on-premise/
        memory_kib_per_user=5 * 1_024,
        payload=250,
        payload_least=200,
        payload_most=1_000,
        payload_source=(
            "Azure Load Testing, at most 250 per engine: "
            "https://learn.microsoft.com/azure/load-testing/how-to-high-scale-load; from 200 for a "
            "task of 2 vCPU (Distributed Load Testing on AWS) to 1,000 for a node (Flood)"
        ),
    ),
)
GATLING = EngineFacts(
    name="gatling",
    title="Gatling",
    agent=_AGENT / "gatling",
    entry="engine.readers.program.entries:GatlingEntry",
    example="{name: gatling, simulation: shop.Checkout}",
    command="java",
    follows_shape=False,
)

LOAD_ENGINES = Table(LOCUST, CUSTOM, K6, JMETER, GATLING)
"""A test may add a row with ``LOAD_ENGINES.extended``; scenario files know those engines that are
there when ``engine.readers`` is first used, so it has to be imported within.
"""
