"""Mutual TLS: who is let in, who is not and why, from either end."""

from __future__ import annotations

import re
import socket
import ssl
import warnings
from dataclasses import replace

import pytest
from certificates import Authority
from tls_ends import (
    HOST,
    VERSIONS,
    Door,
    answering_host,
    bare,
    client,
    in_background,
    pushes,
)

from barocast.plugin.transports import tls
from barocast.plugin.transports.credentials import tls_context
from barocast.plugin.transports.transport import TransportLost

FOREIGN = "foreign-ca"


def gateway_of(kind, hospital, tmp_path):
    """A gateway with something wrong about it."""
    foreign = Authority(tmp_path, FOREIGN)
    return {
        "foreign": lambda: foreign.issue("gateway", ca=hospital),
        "expired": lambda: hospital.issue("gateway", days=(-9, -1)),
        "early": lambda: hospital.issue("gateway", days=(1, 9)),
        "misnamed": lambda: hospital.issue("gateway", names=("gw.or", "10.0.0.5")),
    }[kind]()


@pytest.mark.req("SEC-11")
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("foreign", r"its certificate is signed by nobody in .*hospital-ca\.pem; add the CA"),
        ("expired", r"its certificate, or a CA of it in .*hospital-ca\.pem, has expired; have it renewed"),
        ("early", r"its certificate is not valid yet; is this box's clock right\?"),
    ],
)
def test_a_bad_certificate_is_refused_from_either_end(box, hospital, tmp_path, door, kind, message):
    bad = gateway_of(kind, hospital, tmp_path)
    with answering_host(bad) as (port, _), pytest.raises(TransportLost, match=f"^{HOST}:{port}: {message}"):
        tls.call(HOST, port, box)
    with in_background(pushes, door.port.port, client(bad), b"MSH"):
        refusal = door.refusal()

    assert re.match(f"{HOST}: {message}", refusal)


def test_a_host_of_another_name_is_refused_until_the_name_is_configured(box, hospital, tmp_path):
    host = gateway_of("misnamed", hospital, tmp_path)
    with (
        answering_host(host) as (port, _),
        pytest.raises(
            TransportLost,
            match=rf"its certificate is not for {HOST}; write a name that it has in \[feed.tls\] peer",
        ),
    ):
        tls.call(HOST, port, box)
    with answering_host(host, lambda line: line.sendall(b"MSH")) as (port, _):
        line = tls.call(HOST, port, replace(box, peer="gw.or"))
        assert line.read(1.0) == b"MSH"
        line.close()


@pytest.mark.req("SEC-11")
@pytest.mark.parametrize(
    ("peer", "let_in"),
    [("", True), ("gw.or", True), ("GW.or", True), ("10.0.0.5", True), ("gw", False), ("10.0.0.6", False)],
)
def test_only_the_caller_that_peer_names_is_let_in(box, hospital, tmp_path, peer, let_in):
    door = Door(replace(box, peer=peer))
    caller = gateway_of("misnamed", hospital, tmp_path)
    with in_background(pushes, door.port.port, client(caller), b"MSH"):
        said = door.heard() if let_in else door.refusal()
        door.port.write(b"MSH")
        door.port.close()

    assert said == (
        b"MSH" if let_in else f"{HOST}: its certificate is not for {peer}, whom [feed.tls] peer names"
    )


@pytest.mark.req("SEC-11")
def test_a_caller_without_a_certificate_is_refused(door, hospital):
    with in_background(pushes, door.port.port, bare(hospital), b"MSH"):
        refusal = door.refusal()

    assert re.search(r"shows no certificate; give it one that .*hospital-ca\.pem signed, or set", refusal)


def test_a_caller_without_a_certificate_is_let_in_where_the_site_says_so(box, hospital):
    door = Door(replace(box, mutual=False, ca=""))
    with in_background(pushes, door.port.port, bare(hospital), b"MSH"):
        assert door.heard() == b"MSH"
        door.port.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_host_that_refuses_our_certificate_is_known_before_the_line_counts_as_open(
    hospital, gateway, tmp_path, version
):
    """Under TLS 1.3 the refusal comes after our side of the handshake is done."""
    ours = Authority(tmp_path, FOREIGN).issue("or3", ca=hospital)
    context = tls_context(gateway, called=True)
    context.maximum_version = version
    with (
        answering_host(gateway, context=context) as (port, _),
        pytest.raises(
            TransportLost, match=r"does not believe .*or3\.pem; have the CA that signed it believed there"
        ),
    ):
        tls.call(HOST, port, ours)


def test_a_host_that_wants_a_certificate_of_ours_says_so(hospital, gateway):
    ours = replace(hospital.issue("or3"), certificate="", key="", mutual=False)
    with (
        answering_host(gateway) as (port, _),
        pytest.raises(
            TransportLost, match=r"wants a certificate of ours; name one in \[feed.tls\] certificate"
        ),
    ):
        tls.call(HOST, port, ours)


def test_our_own_expired_certificate_is_trouble_of_the_line_and_not_its_end(hospital, gateway):
    expired = hospital.issue("or3", days=(-9, -1))
    with answering_host(gateway) as (port, _):
        with pytest.raises(TransportLost, match=r"or3\.pem: expired on .*; put a renewed one there"):
            tls.call(HOST, port, expired)
        socket.create_connection((HOST, port)).close()


def test_a_renewed_certificate_needs_no_restart(hospital, gateway):
    door = Door(hospital.issue("or3", days=(-9, -1)))
    with in_background(pushes, door.port.port, client(gateway), b"MSH"):
        refusal = door.refusal()
    hospital.issue("or3")
    with in_background(pushes, door.port.port, client(gateway), b"MSH"):
        came = door.heard()
        door.port.write(b"ack")
    door.port.close()

    assert re.search(r"or3\.pem: expired on", refusal)
    assert (came, door.told[-1]) == (b"MSH", "")


def test_tls_1_1_is_refused(door, gateway):
    context = client(gateway)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with in_background(pushes, door.port.port, context, b"MSH"):
        assert "speaks no TLS from 1.2 on" in door.refusal()


def test_ciphers_without_forward_secrecy_or_without_aead_are_refused(door, gateway):
    context = client(gateway, ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA256")
    with in_background(pushes, door.port.port, context, b"MSH"):
        assert "has no cipher that is safe" in door.refusal()
