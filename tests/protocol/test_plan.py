"""Mistakes that are found without a host, and digests that stand for inputs."""

from __future__ import annotations

import json

import pytest

from provisioning.agent.runs.messages import message_of
from provisioning.agent.runs.wire import Decoder, pack
from provisioning.errors import ConfigurationError
from provisioning.protocol.plan import make_plan
from provisioning.protocol.submission import Submission
from provisioning.resources import Command, File, FileSet, Packages, Resource, Service, Unit


def _started(*resources: Resource) -> str:
    (service,) = [each for each in make_plan(resources).resources if isinstance(each, Service)]
    return service.loaded


def test_two_resources_of_one_id_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="two resources are called file:/etc/x") as caught:
        make_plan([File("/etc/x", "a"), File("/etc/x", "b")])
    assert caught.value.hint == "merge them, or give one of them another name"


@pytest.mark.parametrize("reference", ["file:/etc/nothing", "service:nginx"])
def test_a_reference_to_what_does_not_come_before_is_refused(reference: str) -> None:
    with pytest.raises(ConfigurationError, match="which does not come before it"):
        make_plan([Service("nginx", reload_on=(reference,)), File("/etc/x", "a")])


def test_a_resource_and_its_id_are_the_same_reference() -> None:
    file = File("/etc/x", "a")
    assert _started(file, Service("x", reload_on=(file,))) == _started(
        file, Service("x", reload_on=(file.id,))
    )


@pytest.mark.parametrize(
    "other", [File("/etc/x", "b"), File("/etc/x", "a", mode="0600"), File("/etc/x", "a", owner="x")]
)
def test_every_difference_of_an_input_is_another_digest(other: File) -> None:
    file = File("/etc/x", "a")
    service = Service("x", reload_on=("file:/etc/x",))
    assert _started(file, service) != _started(other, service)
    assert _started(file, service) == _started(File("/etc/x", "a"), service)


def test_digests_go_through_resources_that_act_themselves() -> None:
    def digest(text: str) -> str:
        file = File("/etc/x", text)
        made = Command("make", ("make",), on=(file,))
        return _started(file, made, Service("x", reload_on=(made,)))

    assert digest("a") != digest("b")


def test_contents_are_kept_by_digest_and_stay_behind() -> None:
    plan = make_plan([File("/etc/x", "a secret", secret=True), FileSet("s", "/etc", {"y": "text"})])
    assert sorted(plan.blobs.values()) == [b"a secret", b"text"]
    message = json.dumps(message_of(Submission(plan, who="me").request()))
    assert "a secret" not in message
    assert "a secret" not in repr(plan)
    blobs = (blob for resource in plan.resources for blob in resource.blobs())
    assert [blob.data for blob in blobs if blob.secret] == [b"a secret"]


def test_a_plan_is_a_message_and_every_run_has_its_own_id() -> None:
    resources = [File("/etc/x", "a")]
    one, other = make_plan(resources, facts="f"), make_plan(resources)
    assert one.run != other.run
    decoder = Decoder()
    message = message_of(Submission(one, who="me", check=True).request())
    decoder.feed(pack(message))
    assert list(decoder) == [message]
    assert (message["check"], message["diff"], message["facts"]) == (True, False, "f")


def test_packages_are_remembered_by_services_as_an_earlier_homeport_did() -> None:
    """A web server that is restarted loses requests: the digest is that of commit 2364710."""
    plan = make_plan(
        [
            Packages("nginx", ("nginx",), unasked=("/var/www/html/page",)),
            Unit("nginx.service.d/homeport.conf", "x"),
            Service("nginx", restart_on=("packages:nginx", "unit:nginx.service.d/homeport.conf")),
        ]
    )
    service = plan.resources[-1]
    assert isinstance(service, Service)
    assert service.started == ("e49c4491148cab7cd96dedacb5a09acb")
