"""A gateway pushes HL7 over real TCP, is acknowledged at once, and the bed forecasts."""

from __future__ import annotations

import socket
import threading

from builders import abp_message
from toy_bundle import toy_bundle

from barocast.plugin.bedside import Bedside
from barocast.plugin.desk import Admit, Desk
from barocast.plugin.serve import Line, serve
from barocast.plugin.transports.tcp import ListeningTransport
from barocast.plugin.watch import Watch
from barocast.runtime.domain import Patient, Risk
from barocast.runtime.engines import OrtEngine
from barocast.runtime.sessions.hl7 import Hl7Session

MINUTES = 20


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
                gateway.sendall(abp_message(second))
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


def test_a_new_patients_number_is_heard_once_somebody_says_that_it_is_another(tmp_path):
    """A gateway that names no place: PID-3 stands for the bed until people admit the next."""
    bundle, desk, session = toy_bundle(tmp_path / "b").read(), Desk(), Hl7Session()
    bed = Bedside(name="OR 3", session=session, watch=Watch(bundle, OrtEngine(bundle)), sinks=[], desk=desk)
    bed.other_patient = session.forget_patient
    first, second = (abp_message(0).replace(b"\rOBR", b"\rPID|||%d\rOBR" % number) for number in (11, 12))
    for now_s, message in enumerate((first, second)):
        bed.step(message, float(now_s))
    refused = session.counts.corrupt_by_reason
    desk.put(Admit(Patient()))
    for now_s, data in ((2.0, b""), (3.0, second)):
        bed.step(data, now_s)

    assert refused == {"another bed": 1}
    assert (session.counts.corrupt_by_reason, session.status) == ({"another bed": 1}, "receiving")
