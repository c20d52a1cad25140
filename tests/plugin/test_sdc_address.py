"""SDC without its library: addresses, the queue between its threads and ours, and what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

from barocast.plugin.transports.addresses import check_address
from barocast.plugin.transports.credentials import Credentials
from barocast.plugin.transports.sdc import Queue
from barocast.runtime.decoders.sdc import SdcDecoder
from barocast.runtime.decoders.sdc_record import record
from barocast.runtime.errors import SettingsError

LOST = {"is": "lost", "why": "unreadable", "count": 1}
SIZE = len(record(LOST))
WITHOUT = "import sys; sys.modules['sdc11073'] = None; from barocast.plugin.cli import main; "


@pytest.mark.parametrize(
    "address",
    [
        "sdc://10.0.0.7:6464/a1b2c3",
        "sdc://10.0.0.7:6464",
        "sdc://?interface=10.0.0.5",
        "sdc://?interface=10.0.0.5&epr=urn:uuid:8c26f673-fdbf-4380-b5ad-9e2454a65b6b",
    ],
)
def test_an_address_names_a_device_or_a_way_to_find_one(address):
    assert check_address(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "sdc://",
        "sdc://10.0.0.7",
        "sdc://10.0.0.7:none/x",
        "sdc://?epr=urn:uuid:1",
        "sdc://?interface=eth0",
        "sdc://?interface=10.0.0.5&epr=monitor",
        "sdc://10.0.0.7:6464/x?interface=10.0.0.5",
        "sdc://10.0.0.7:6464/x?epr=urn:uuid:1",
        "sdc://10.0.0.7:6464/x?tls=/etc/ssl",
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(address):
    with pytest.raises(SettingsError, match="address"):
        check_address(address)


def test_tls_needs_its_files_and_plain_sdc_takes_none():
    with pytest.raises(SettingsError, match="certificate: is needed"):
        check_address("sdcs://10.0.0.7:6464/x", Credentials(ca="ca.pem"))
    with pytest.raises(SettingsError, match="not encrypted"):
        check_address("sdc://10.0.0.7:6464/x", Credentials("c.pem", "k.pem", "ca.pem"))


def run(command):
    return subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)


def test_without_the_library_a_bed_says_what_to_install(tmp_path):
    config = tmp_path / "or3.toml"
    config.write_text('[feed]\nkind = "sdc"\naddress = "sdc://10.0.0.7:6464/x"\n')
    done = run(f"{WITHOUT} sys.exit(main(['run', '--config', {str(config)!r}]))")

    assert done.returncode == 2
    assert done.stderr.strip().splitlines() == [
        "barocast: sdc:// needs the library sdc11073, an extra; run: pip install 'barocast[sdc]'"
    ]


def test_without_the_library_recorded_bytes_are_decoded_all_the_same(tmp_path):
    (tmp_path / "feed.raw").write_bytes(record(LOST))
    done = run(f"{WITHOUT} sys.exit(main(['decode', '--feed', 'sdc', {str(tmp_path / 'feed.raw')!r}]))")

    assert (done.returncode, done.stderr) == (0, "")
    assert '"corrupt_by_reason": {"unreadable": 1}' in done.stdout


def test_no_command_loads_the_library_unasked():
    done = run("import sys, barocast.plugin.run, barocast.plugin.monitors; print('sdc11073' in sys.modules)")

    assert done.stdout.strip() == "False"


def test_records_leave_the_queue_whole_and_in_order():
    queue = Queue()
    for count in (1, 2, 3):
        queue.put(LOST | {"count": count})

    assert queue.take(0.0) == b"".join(record(LOST | {"count": count}) for count in (1, 2, 3))
    assert queue.take(0.0) == b""


def test_what_the_queue_cannot_hold_is_counted_where_it_is_missing():
    queue = Queue(most=3 * SIZE)
    for _ in range(5):
        queue.put(LOST)
    decoder = SdcDecoder()
    decoder.feed(queue.take(0.0))
    queue.put(LOST)
    decoder.feed(queue.take(0.0))

    assert decoder.counts.corrupt_by_reason == {"unreadable": 4, "overrun": 2}


def test_the_queue_never_holds_more_than_it_may():
    queue = Queue(most=3 * SIZE)
    for _ in range(100):
        queue.put(LOST)

    assert len(queue.take(0.0)) <= 3 * SIZE
