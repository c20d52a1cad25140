"""A stranger's plugin is not even loaded before the site has named it, as it lies there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from barocast.plugin.allowed import check_allowed, check_lines, installed_plugins
from barocast.plugin.settings import parse_settings
from barocast.runtime.errors import SettingsError

SINK = """
print("LOADED")
class Sink:
    guarantee = "best_effort"
make = Sink
"""
BED = '[feed]\nkind = "hl7"\naddress = "tcp-listen://127.0.0.1:0"\n[sinks]\nothers = ["siren"]\n'


@pytest.fixture
def siren(tmp_path, monkeypatch):
    """A package `acme-siren` on the path, as pip would have installed it."""
    info = tmp_path / "acme_siren-1.2.0.dist-info"
    info.mkdir()
    (tmp_path / "acme_siren.py").write_text(SINK)
    (info / "METADATA").write_text("Name: Acme-Siren\nVersion: 1.2.0\n")
    (info / "entry_points.txt").write_text("[barocast.sinks]\nsiren = acme_siren:make\n")
    (info / "RECORD").write_text("acme_siren.py,,\nacme_siren-1.2.0.dist-info/METADATA,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.req("SEC-07")
def test_a_stranger_is_refused_with_the_line_that_would_allow_it_and_never_loaded(siren, capsys):
    with pytest.raises(
        SettingsError, match=r"or3\.toml: 'siren' is offered by acme-siren 1\.2\.0"
    ) as refused:
        parse_settings(BED, "or3.toml")

    (line,) = installed_plugins()
    assert line.startswith("acme-siren==1.2.0 sha256:")
    assert line in str(refused.value)
    assert "LOADED" not in capsys.readouterr().out


def test_one_that_the_site_names_is_let_in(siren):
    (line,) = installed_plugins()

    assert parse_settings(f'{BED}[plugins]\nallow = ["{line}"]\n', "x").sinks.others == ("siren",)


@pytest.mark.req("SEC-07")
@pytest.mark.parametrize("name", ["acme_siren.py", "acme_siren-1.2.0.dist-info/METADATA"])
def test_a_changed_or_missing_file_is_no_longer_what_was_allowed(siren, name):
    (line,) = installed_plugins()
    file = siren / name
    file.write_text(file.read_text() + "\n")
    with pytest.raises(SettingsError, match="as it lies here"):
        check_allowed("barocast.sinks", "siren", [line])

    (siren / "acme_siren.py").unlink()
    with pytest.raises(SettingsError, match="as it lies here"):
        check_allowed("barocast.sinks", "siren", [line])


def test_a_package_that_does_not_say_what_it_brought_is_refused(siren):
    (siren / "acme_siren-1.2.0.dist-info" / "RECORD").unlink()

    with pytest.raises(SettingsError, match="acme-siren: does not say which files it brought"):
        check_allowed("barocast.sinks", "siren", [])


def test_our_own_need_no_permission_and_an_unknown_name_is_not_our_error():
    check_allowed("barocast.monitors", "hl7", [])
    check_allowed("barocast.monitors", "nobody", [])

    assert installed_plugins() == ()


@pytest.mark.parametrize("line", ["acme", "acme==1", "acme==1 sha256:12", "==1 sha256:" + "0" * 64])
def test_a_line_of_another_form_is_refused(line):
    with pytest.raises(SettingsError, match="doctor --plugins"):
        check_lines([line])


@pytest.mark.req("SEC-07")
def test_a_configuration_loads_no_strangers_feed_just_to_list_it(siren):
    (siren / "acme_siren-1.2.0.dist-info" / "entry_points.txt").write_text(
        "[barocast.monitors]\nwire = acme_siren:make\n"
    )
    code = "from barocast.plugin.settings import parse_settings; parse_settings('''{}''', 'x'); print('read')"
    bed = BED.partition("[sinks]")[0]
    done = subprocess.run(
        [sys.executable, "-c", code.format(bed)],
        env={"PYTHONPATH": str(siren)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "read\n"
