"""A configuration with an error ends the run with one clear message, before anything is connected."""

import pytest

from tests.acceptance.deployments import Change
from tests.acceptance.running import Deployment
from twin_adapters.mqtt import MqttSource

MISTAKES = {
    "a misspelt key": (("members = 64", "membres = 64"), "ensemble.membres: unknown key"),
    "an output that the model lacks": (('observes = "pressure"', 'observes = "presure"'), "did you mean pressure?"),
    "a password that is not there": (
        ('# username = "twin"', 'username = "twin"\npassword_env = "NOWHERE"'),
        "mqtt.password_env",
    ),
}


@pytest.mark.parametrize(("mistake", "expected"), MISTAKES.values(), ids=list(MISTAKES))
async def test_it_ends_before_it_connects(deployment: Deployment, mistake: Change, expected: str) -> None:
    deployment.changes = [mistake]
    with deployment.run() as run:
        assert run.process.wait(60) == 2
    message = run.errors.read_text()
    assert run.output.read_text() == ""
    assert message.count("error:") == 1
    assert expected in message
    assert "Traceback" not in message
    async with MqttSource(deployment.client("witness"), []):
        connected = [line for line in deployment.broker.log.read_text().splitlines() if "New client connected" in line]
    assert len(connected) == 1
    assert "witness" in connected[0]
    assert not deployment.store.exists()
