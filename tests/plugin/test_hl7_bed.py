"""A gateway pushes HL7 over real TCP, is acknowledged at once, and the bed forecasts."""

from __future__ import annotations

import socket
import threading

from toy_bundle import toy_bundle

from barocast.plugin.bedside import Bedside
from barocast.plugin.serve import Line, serve
from barocast.plugin.transports.tcp import ListeningTransport
from barocast.plugin.watch import Watch
from barocast.runtime.decoders.mllp import wrap
from barocast.runtime.domain import Risk
from barocast.runtime.engines import OrtEngine
from barocast.runtime.hl7_session import Hl7Session

MINUTES = 20


def message(second: int) -> bytes:
    """ABP of one moment as an IHE PCD-01 gateway sends it; MAP falls by 0.5 mmHg a minute."""
    stamp = f"20260301{8 + second // 3600:02}{second // 60 % 60:02}{second % 60:02}+0000"
    mean = 85 - second / 120
    rows = [
        rf"MSH|^~\&|GW|OR|||{stamp}||ORU^R01^ORU_R01|{second}|P|2.6",
        f"OBR|1|||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|||{stamp}",
        *(
            f"OBX|{i}|NM|{code}^x^MDC|1.1.1.{code}|{value:.1f}|266016^MDC_DIM_MMHG^MDC|||||R|||{stamp}"
            for i, (code, value) in enumerate(((150037, mean + 35), (150038, mean - 18), (150039, mean)), 1)
        ),
    ]
    return wrap("\r".join(rows).encode() + b"\r")


def test_a_pushing_gateway_is_acknowledged_and_forecast_on(tmp_path):
    bundle = toy_bundle(tmp_path / "b").read()
    bed = Bedside(
        name="OR 3", session=Hl7Session(), watch=Watch(bundle, OrtEngine(bundle)), sinks=[], stale_s=90.0
    )
    port = ListeningTransport("127.0.0.1", 0)
    answers: list[bytes] = []

    def push():
        with socket.create_connection(("127.0.0.1", port.port)) as gateway:
            for second in range(0, 60 * MINUTES + 1, 10):
                gateway.sendall(message(second))
                answers.append(gateway.recv(4096))

    gateway = threading.Thread(target=push)
    gateway.start()
    clock = iter(range(10**6))
    serve(
        bed,
        Line(lambda: port),
        clock=lambda: next(clock) * 1e-3,
        until=lambda: not gateway.is_alive(),
        sleep=lambda _: None,
    )
    gateway.join()

    assert len(answers) == 6 * MINUTES + 1
    assert all(b"MSA|AA|" in answer for answer in answers)
    assert isinstance(bed.decision, Risk)
    assert bed.decision.p[1] > 0.3
    assert bed.session.counts.corrupt == 0
