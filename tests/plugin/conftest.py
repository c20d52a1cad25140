"""A hospital that signs certificates, this box's and a gateway's, and a TLS port of ours."""

from __future__ import annotations

import pytest
from certificates import Authority
from tls_ends import Door


@pytest.fixture
def hospital(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def box(hospital):
    return hospital.issue("or3")


@pytest.fixture
def gateway(hospital):
    return hospital.issue("gateway")


@pytest.fixture
def door(box):
    opened = Door(box)
    yield opened
    opened.port.close()
