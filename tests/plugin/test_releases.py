"""A box remembers which release of a maker ran, and takes no older one unless it is told to."""

from __future__ import annotations

import pytest
from toy_bundle import toy_bundle

from barocast.plugin.service.model import load_model
from barocast.plugin.service.releases import FILE, Releases
from barocast.plugin.settings import ModelSettings
from barocast.runtime.errors import BundleError, Refused
from barocast.runtime.trust import write_keys


@pytest.fixture
def toys(tmp_path):
    """Releases 3 and 5 of one maker: the second is signed with the first one's key."""
    old, new = toy_bundle(tmp_path / "old", sequence=3), toy_bundle(tmp_path / "new", sequence=5)
    new = type(new)(new.directory, old.key_pem, old.public_key)
    new.resign()
    write_keys(tmp_path / "keys.json", {"toy": old.public_key})
    return old, new, str(tmp_path / "keys.json"), Releases(tmp_path / "state")


def load(toy, trust, releases, **more):
    load_model(ModelSettings(bundle=str(toy.directory), trust=trust, **more), releases).close()


@pytest.mark.req("SEC-02", "P9")
def test_an_older_release_than_one_that_ran_is_refused(toys):
    old, new, trust, releases = toys
    load(old, trust, releases)
    load(new, trust, releases)

    with pytest.raises(
        BundleError, match=r"release 3 is older than 5, which ran here; .*allow_older"
    ) as caught:
        load(old, trust, releases)
    assert caught.value.code is Refused.DOWNGRADE


def test_a_site_may_go_back_and_the_memory_stays(toys):
    old, new, trust, releases = toys
    load(new, trust, releases)
    load(old, trust, releases, allow_older=True)

    with pytest.raises(BundleError, match="older than 5"):
        releases.check(old.read())


@pytest.mark.parametrize("text", ["", "[]", '{"a": "x"}', "{"])
def test_a_torn_memory_forgets_and_stops_nothing(toys, text):
    old, _, trust, releases = toys
    releases.folder.mkdir()
    (releases.folder / FILE).write_text(text)
    load(old, trust, releases)

    assert old.public_key.hex() in (releases.folder / FILE).read_text()


def test_a_folder_that_cannot_be_written_costs_the_memory_only(toys, tmp_path):
    old, _, trust, _ = toys
    (tmp_path / "file").write_text("")
    load(old, trust, Releases(tmp_path / "file" / "state"))

    assert not (tmp_path / "file" / "state").exists()
