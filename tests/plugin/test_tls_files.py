"""The files of a TLS line: each fault is one line that names the file and the mend, before anything runs."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from certificates import key_pem
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from toy_bundle import toy_bundle

from barocast.plugin.cli import main
from barocast.plugin.doctor.beds import bed
from barocast.plugin.service.house import BedFile
from barocast.plugin.settings import parse_settings
from barocast.plugin.transports.addresses import check_files
from barocast.plugin.transports.credentials import Credentials
from barocast.runtime.errors import SettingsError
from barocast.runtime.trust import write_keys

LISTEN = "tls-listen://127.0.0.1:6661"
DAY_S = 86400.0


def overwritten(path, content):
    Path(path).write_bytes(content)


def configuration(address, tls):
    table = "".join(f"{key} = {json.dumps(value)}\n" for key, value in tls.items())
    return f'[feed]\nkind = "hl7"\naddress = "{address}"\n[feed.tls]\n{table}'


FILES = {"certificate": "or3.pem", "key": "or3.key", "ca": "ca.pem"}


def test_the_table_goes_with_the_address():
    feed = parse_settings(configuration(LISTEN, FILES | {"peer": "gw.or"}), "or3.toml").feed

    assert feed.tls == Credentials("or3.pem", "or3.key", "ca.pem", "gw.or", mutual=True)


@pytest.mark.parametrize(
    ("address", "table", "message"),
    [
        (LISTEN, {}, r"or3.toml: \[feed.tls\] certificate: is needed"),
        (LISTEN, {"certificate": "or3.pem"}, r"\[feed.tls\] ca: is needed"),
        ("tls://gw:6661", {"ca": "ca.pem"}, "certificate: is needed"),
        ("tls://gw:6661", {"mutual": False}, "ca: is needed"),
        ("tls://gw:6661", {"ca": "x", "mutual": False, "key": "or3.key"}, "key: has no certificate"),
        (LISTEN, {"mutual": False, "certificate": "x", "peer": "gw"}, "peer: nobody who calls shows"),
        ("tcp-listen://0.0.0.0:6661", FILES, r"tcp-listen:// is not encrypted; write tls://, tls-listen://"),
        (LISTEN, {"cert": "or3.pem"}, r"\[feed.tls\] cert: unknown; the nearest is 'certificate'"),
        (LISTEN, FILES | {"mutual": "yes"}, r"\[feed.tls\] mutual: must be a bool, not 'yes'"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(address, table, message):
    with pytest.raises(SettingsError, match=message):
        parse_settings(configuration(address, table), "or3.toml")


def test_a_table_that_is_none_is_refused():
    with pytest.raises(SettingsError, match=r"\[feed.tls\]: must be a table"):
        parse_settings('[feed]\nkind = "hl7"\naddress = "tls://x:1"\ntls = true\n', "or3.toml")


@pytest.mark.parametrize("address", [LISTEN, "tls://127.0.0.1:6661"])
def test_sound_files_are_taken_by_either_end(box, address):
    assert check_files(address, box, time.time()) is None


def test_a_key_may_stand_in_the_file_of_its_certificate(box):
    both = Path(box.certificate).read_bytes() + Path(box.key).read_bytes()
    overwritten(box.certificate, both)

    assert check_files(LISTEN, replace(box, key="")) is None


@pytest.mark.parametrize("key", ["certificate", "key", "ca"])
def test_a_missing_file_is_named(box, key):
    missing = replace(box, **{key: "/no/such.pem"})

    with pytest.raises(
        SettingsError,
        match=rf"^/no/such.pem: cannot be read \(No such .*name a PEM file in \[feed.tls\] {key}$",
    ):
        check_files(LISTEN, missing)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("certificate", r"or3\.pem: holds no PEM certificate; name one in"),
        ("key", r"or3\.key: gives no key for .*or3\.pem .*name a PEM private key"),
        ("ca", r"hospital-ca\.pem: holds no PEM certificate; name the CA's"),
    ],
)
def test_a_file_that_holds_something_else_is_named(box, key, message):
    overwritten(getattr(box, key), b"\xff not PEM")

    with pytest.raises(SettingsError, match=message):
        check_files(LISTEN, box)


@pytest.mark.parametrize("other", [ec.SECP256R1(), ec.SECP384R1()])
def test_a_key_of_another_certificate_is_named(box, other):
    overwritten(box.key, key_pem(ec.generate_private_key(other)))

    with pytest.raises(SettingsError, match=r"or3\.key: is not the key of .*or3\.pem; name the two"):
        check_files(LISTEN, box)


def test_an_encrypted_key_is_refused_and_no_terminal_is_asked(box):
    overwritten(box.key, key_pem(ec.generate_private_key(ec.SECP256R1()), b"secret"))

    with pytest.raises(SettingsError, match=r"or3\.key: is encrypted, and nobody is there to type"):
        check_files(LISTEN, box)


def test_a_key_that_is_too_weak_is_told(hospital, box):
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
    Path(box.certificate).write_bytes(hospital.signed("or3", weak, (-1, 30)))
    overwritten(box.key, key_pem(weak))

    with pytest.raises(SettingsError, match=r"or3\.pem are too weak \(EE_KEY_TOO_SMALL\); make them anew"):
        check_files(LISTEN, box)


@pytest.mark.parametrize(
    ("when_s", "message"),
    [
        (40 * DAY_S, r"or3\.pem: expired on \d{4}-.* UTC; put a renewed one there"),
        (-40 * DAY_S, r"or3\.pem: not valid before .* this box's clock says .*: set it"),
    ],
)
def test_a_certificate_out_of_its_time_is_named(box, when_s, message):
    with pytest.raises(SettingsError, match=message):
        check_files(LISTEN, box, time.time() + when_s)


def checked(tmp_path, credentials, address=LISTEN):
    """The status of `barocast run --check` with these files."""
    toy = toy_bundle(tmp_path / "bundle")
    write_keys(tmp_path / "keys.json", {"toy": toy.public_key})
    files = {key: getattr(credentials, key) for key in FILES}
    config = tmp_path / "or3.toml"
    config.write_text(
        configuration(address, files)
        + f'[model]\nbundle = "{toy.directory}"\ntrust = "{tmp_path / "keys.json"}"\n'
    )
    return main(["run", "--config", str(config), "--check"])


def test_run_check_passes_sound_files(tmp_path, box, capsys):
    assert checked(tmp_path, box) == 0
    assert "good; bundle toy-1" in capsys.readouterr().out


def test_run_check_tells_of_an_expired_certificate(tmp_path, hospital, capsys):
    assert checked(tmp_path, hospital.issue("or3", days=(-9, -1))) == 2
    assert "or3.pem: expired on" in capsys.readouterr().err.splitlines()[-1]


def test_run_tells_of_a_missing_file_in_one_line(tmp_path, box, capsys):
    assert checked(tmp_path, replace(box, ca="/no/ca.pem")) == 2
    assert capsys.readouterr().err == (
        "barocast: /no/ca.pem: cannot be read (No such file or directory); name a PEM file in [feed.tls] ca\n"
    )


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp-listen://0.0.0.0:6661", True),
        ("tcp-listen://[::]:6661", True),
        ("tcp-listen://or3.example:6661", True),
        ("tcp-listen://127.0.0.1:6661", False),
        ("tcp-listen://localhost:6661", False),
        ("tcp://10.0.0.9:6661", False),
    ],
)
def test_doctor_says_where_a_network_may_call_us_in_plain(tmp_path, address, said):
    settings = parse_settings(f'[feed]\nkind = "hl7"\naddress = "{address}"\n', "or3.toml")
    found = BedFile("or3", tmp_path / "or3.toml", settings)
    plain = [each for each in bed(found, running=True) if each.topic == "plain"]

    assert [(each.ok, address in each.text) for each in plain] == [(True, True)] * said
