"""Whose certificates are believed: one setting, and every load engine keeps to it."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.load.checks import check_runnable
from engine.load.driver import (
    InjectorGroup,
    LoadPhase,
    LoadResult,
    LoadTask,
    UnrunnableScenarioError,
)
from engine.load.locust import LocustDriver
from engine.load.sliced.driver import SlicedDriver
from engine.load.tls import tls_warnings
from engine.readers import read_scenario
from engine.readers.parsing.errors import BadScenarioError
from engine.readers.program.bundle import pack
from engine.scenario import Scenario, Tls
from engine.scenario.json import scenario_from_json, scenario_to_json
from providers.local.objects import FolderObjects
from tests.engine.load import stand_ins
from tests.engine.load.injectors import Injectors
from tests.engine.load.test_locust import Load
from tests.patience import PATIENCE_S

DEFAULT, CA, OFF = "{}", "{ca: ca.pem}", "{verify: false}"
LOCUSTFILE = """
from locust import FastHttpUser, HttpUser, constant, task
class Slow(HttpUser):
    wait_time = constant(0.3)
    @task
    def visit(self): self.client.get("/")
class Fast(FastHttpUser):
    wait_time = constant(0.3)
    @task
    def visit(self): self.client.get("/")
"""
CURL = """
  name: custom
  results: samples.csv
  command: |
    echo timeStamp,elapsed,success,allThreads > samples.csv
    [ "$LOADMUSTER_TLS_VERIFY" = true ] || insecure=--insecure
    while :; do
      if curl --silent --fail --output /dev/null ${insecure:-} "$LOADMUSTER_TARGET/"; then
        ok=true; else ok=false; fi
      echo "$(date +%s)000,7,$ok,4" >> samples.csv; sleep 0.3
    done
"""
ENGINES = {
    "own users": "  {name: locust, locustfile: own.py}",
    "custom": CURL.strip("\n").replace("${", "$${"),
    "k6": "  {name: k6, script: shop.js}",
    "gatling": "  {name: gatling, simulation: shop.Checkout, classpath: lib, files: [lib]}",
}
USERS = "user_classes: [{name: a, think_time: 300ms, requests: [{path: /}]}]\n"


def certificate(
    name: str, signer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate for loopback that the signer gave; without one, an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if signer is None else signer[0].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key if signer is None else signer[1], hashes.SHA256())
    )
    return made, key


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, bytes]]:
    """An HTTPS server on loopback, and the authority that it has its certificate from."""
    folder = tmp_path_factory.mktemp("tls")
    authority = certificate("An authority that nobody knows")
    own, key = certificate("shop", authority)
    pem = serialization.Encoding.PEM
    (folder / "shop.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + own.public_bytes(pem)
    )

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "shop.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    # The handshake is left to the thread that answers: one that is refused must stop nobody.
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # Two, as in a file of a chain; the first is somebody else's.
    both = certificate("Another")[0].public_bytes(pem) + authority[0].public_bytes(pem)
    yield f"https://127.0.0.1:{server.server_port}", both
    server.shutdown()
    server.server_close()


Read = Callable[..., Scenario]


@pytest.fixture
def read(tmp_path: Path, target: tuple[str, bytes]) -> Read:
    def made(engine: str, tls: str, more: str = "") -> Scenario:
        url, authorities = target
        (tmp_path / "ca.pem").write_bytes(authorities)
        (tmp_path / "own.py").write_text(LOCUSTFILE)
        (tmp_path / "shop.js").write_text("/ 0\n")
        (tmp_path / "shop.jmx").write_text("/\n")
        (tmp_path / "lib").write_text("/ text\n")
        (tmp_path / "tls.yaml").write_text(
            f"name: tls\ntarget: {url}\nload: {{users: 4, duration: 600s}}\n"
            f"tls: {tls}\nload_engine:\n{engine}\n{more}"
        )
        return read_scenario(tmp_path / "tls.yaml")

    return made


Play = Callable[[Scenario], LoadResult]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    """Plays a scenario on one injector that is a process of this computer."""
    stand_ins.install(tmp_path / "bin")
    made: list[Injectors] = []

    def played(scenario: Scenario) -> LoadResult:
        task = LoadTask(
            "r1", scenario, (InjectorGroup(1, 4),), tmp_path / "r1", lifetime_s=2 * PATIENCE_S
        )
        program = scenario.program
        bundles = {} if program is None else {program.bundle_key: pack(program)}
        driver = SlicedDriver(FolderObjects(tmp_path / "objects"), bundles.get, grace_s=20.0)
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        made.append(Injectors(driver, task, environment={"PATH": path}))
        made[-1].boot()
        made[-1].until(lambda now: now.requests > 3 or now.phase is LoadPhase.FAILED)
        made[-1].end()
        result = driver.result(task)
        assert result is not None, made[-1].look()
        return result

    yield played
    for each in made:
        each.end()


def check(result: LoadResult, tls: str) -> None:
    """Certificates of an authority that nobody knows are refused; else they are not, and said."""
    assert result.requests > 3
    said = [each for each in result.warnings if "certificate" in each]
    if tls == DEFAULT:
        assert result.failures == result.requests
    else:
        assert result.failures == 0
    expected = ["the target's certificate was not verified: tls says verify: false"]
    assert said == (expected if tls == OFF else [])


@pytest.mark.parametrize(
    ("engine", "tls"),
    [
        ("own users", DEFAULT),
        ("own users", CA),
        ("own users", OFF),
        ("custom", DEFAULT),
        ("custom", CA),
        ("k6", CA),
        ("k6", OFF),
        ("gatling", DEFAULT),
        ("gatling", CA),
    ],
)
def test_every_engine_keeps_to_the_one_setting(
    engine: str, tls: str, read: Read, play: Play
) -> None:
    check(play(read(ENGINES[engine], tls)), tls)


@pytest.mark.promise("one-setting-for-tls", command="run", provider="local")
@pytest.mark.parametrize(("user", "tls"), [("FastHttpUser", DEFAULT), ("HttpUser", CA)])
def test_locust_s_users_of_a_scenario_keep_to_it_here(
    user: str, tls: str, read: Read, tmp_path: Path
) -> None:
    scenario = read(f"  {{name: locust, user: {user}}}", tls, USERS)
    load = Load(LoadTask("r1", scenario, (InjectorGroup(1, 4),), tmp_path / "r1"))
    try:
        load.start(tmp_path)
        load.until(lambda progress: progress.requests > 3)
    finally:
        load.clear()
    result = LocustDriver().result(load.task)
    assert result is not None
    check(result, tls)


def test_jmeter_takes_any_certificate_and_the_result_says_so(read: Read) -> None:
    jmeter = "  {name: jmeter, plan: shop.jmx}"
    said = list(tls_warnings(read(jmeter, DEFAULT)))
    assert said == ["the target's certificate was not verified: JMeter takes any"]
    with pytest.raises(UnrunnableScenarioError, match=r"tls.ca: JMeter takes any certificate"):
        check_runnable(read(jmeter, CA))


@pytest.mark.parametrize(
    ("tls", "line"),
    [
        ("{ca: none.pem}", "tls.ca: 'none.pem' cannot be read: No such file or directory"),
        ("{ca: own.py}", "tls.ca: 'own.py' holds no certificates in PEM form"),
        ("{ca: ../x.pem}", "tls.ca: '../x.pem' leaves the scenario's folder"),
        ("{ca: ca.pem, verify: false}", "tls: verify: false asks no authority; leave ca or it out"),
        ("{verify: maybe}", "tls.verify: "),
    ],
)
def test_what_is_wrong_with_the_setting_is_one_line(tls: str, line: str, read: Read) -> None:
    with pytest.raises(BadScenarioError, match=r"^[^\n]+$") as refused:
        read("  {name: locust}", tls, USERS)
    assert line in refused.value.message


def test_certificates_are_verified_unless_a_scenario_says_otherwise(read: Read) -> None:
    default = read("  {name: locust}", DEFAULT, USERS)
    assert default.tls == Tls(verify=True, ca_pem=None)
    assert "tls" not in scenario_to_json(default), "as before there was such a setting"
    believing = read("  {name: locust}", CA, USERS)
    assert "BEGIN CERTIFICATE" in (believing.tls.ca_pem or "")
    assert scenario_from_json(scenario_to_json(believing)) == believing
