"""What SendGrid's answers and signatures mean, read without a network."""

from __future__ import annotations

import base64
import json
import time

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from drip.core.delivery import Answer, Refused, SenderRefused, Submitted, TryLater, Unknown
from drip.mail.sendgrid import answer_of, verify_signature
from drip.mail.transport import Reply

# Refused -------------------------------------------------------------------------------------------------------------


def answer_to(status: int, message: str = "", field: str | None = None, **headers: str) -> Answer:
    """What the door makes of such an answer to three people; an underscore in a header's name stands for a hyphen."""
    body = json.dumps({"errors": [{"message": message, "field": field}]}).encode() if message else b""
    reply = Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)
    return answer_of(reply, recipients=3, secrets=[])


def test_a_bad_address_is_named() -> None:
    """A 400 about one address is that recipient's, by position."""
    answer = answer_to(400, "Does not contain a valid address.", "personalizations.1.to.0.email")
    assert isinstance(answer, Refused)
    assert (1, True, False) == (answer.position, answer.bad_address, answer.about_letter)


@pytest.mark.parametrize("field", ["personalizations.2.substitutions", "personalizations[2].headers"])
def test_another_fault_of_one_recipient_is_hers_but_not_her_addresss(field: str) -> None:
    """A 400 about what we wrote for one person names her and does not condemn her address."""
    answer = answer_to(400, "Bad value", field)
    assert isinstance(answer, Refused)
    assert (2, False, False) == (answer.position, answer.bad_address, answer.about_letter)


def test_an_address_that_stands_twice_is_not_a_bad_address() -> None:
    """SendGrid's complaint about duplicates echoes the address, names the field, and condemns nobody."""
    text = "Each email address in the personalization block should be unique. We found [bo@example.org] in personalizations.1.to"
    answer = answer_to(400, text, "personalizations")
    assert isinstance(answer, Refused)
    assert (1, False) == (answer.position, answer.bad_address)
    assert "bo@example.org" not in answer.reason


@pytest.mark.parametrize("field", ["from.email", "subject", "content.1.value", "reply_to", "headers"])
def test_a_fault_of_all_is_about_the_letter(field: str) -> None:
    """A 400 about what everybody shares is nobody's."""
    answer = answer_to(400, "Invalid", field)
    assert isinstance(answer, Refused)
    assert answer.about_letter
    assert answer.position is None


def test_a_400_that_names_nobody() -> None:
    """A 400 with `field: null`, or one about a person who is not in the request, leaves the position open."""
    for field in (None, "personalizations", "personalizations.3.to.0.email"):
        answer = answer_to(400, "Bad Request", field)
        assert isinstance(answer, Refused)
        assert (None, False, False) == (answer.position, answer.bad_address, answer.about_letter)


def test_a_request_that_is_too_large() -> None:
    """413 comes as HTML and says only that."""
    assert Refused("413", too_large=True) == answer_of(
        Reply(413, {}, b"<html>413 Request Entity Too Large</html>"), recipients=3, secrets=[]
    )


@pytest.mark.parametrize(
    ("status", "message", "remedy"),
    [
        (401, "The provided authorization grant is invalid, expired, or revoked", "SENDGRID_API_KEY"),
        (401, "Maximum credits exceeded", "credits are spent"),
        (403, "The from address does not match a verified Sender Identity.", "Sender Authentication"),
        (403, "access forbidden", "Mail Send"),
        (404, "not found", "DRIP_SENDGRID_URL"),
        (200, "", "sandbox mode"),
        (418, "", "support"),
    ],
)
def test_a_refused_sender_gets_a_remedy(status: int, message: str, remedy: str) -> None:
    """What is the sender's trouble is nobody else's, and each kind says what to do."""
    answer = answer_to(status, message)
    assert isinstance(answer, SenderRefused)
    assert remedy in answer.remedy


def test_a_rate_limit_says_until_when() -> None:
    """429 tells the instant at which to go on; the wait is 1 to 3,600 seconds, or unknown."""
    soon = str(int(time.time()) + 60)
    cases = {"": None, "soon": None, soon: 60.0, "1": 1.0, "999999999999": 3_600.0}
    for reset_at, seconds in cases.items():
        answer = answer_to(429, "too many requests", X_RateLimit_Reset=reset_at)
        assert isinstance(answer, TryLater)
        assert answer.retry_after_seconds == (seconds if seconds is None else pytest.approx(seconds, abs=3))


def test_503_is_tried_later_and_other_5xx_are_uncertain() -> None:
    """Only 503 promises that nothing was taken in."""
    assert isinstance(answer_to(503), TryLater)
    for status in (500, 502, 504, 599, 204):
        assert isinstance(answer_to(status), Unknown)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["errors", "field", "message"]), inner),
    ),
    st.integers(200, 599),
)
def test_no_body_of_a_refusal_raises(body: object, status: int) -> None:
    """Whatever JSON stands where errors should, there is an answer."""
    answer = answer_of(Reply(status, {}, json.dumps(body).encode()), recipients=3, secrets=[])
    assert (202 == status) is isinstance(answer, Submitted)


# The webhook's signature ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def signer() -> ec.EllipticCurvePrivateKey:
    """A key such as SendGrid signs with."""
    return ec.generate_private_key(ec.SECP256R1())


def public(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    """The public half as SendGrid's page shows it."""
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def signed(key: ec.EllipticCurvePrivateKey, timestamp: str, body: bytes) -> str:
    """The signature that SendGrid would send."""
    return base64.b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()


def test_a_signature_covers_every_byte(signer: ec.EllipticCurvePrivateKey) -> None:
    """The right key, time and bytes are accepted, the line break at the end included; any other byte is not."""
    body = b'[{"event":"delivered"}]\r\n'
    signature = signed(signer, "1700000000", body)
    assert verify_signature(public(signer), signature, "1700000000", body)
    assert not verify_signature(public(signer), signature, "1700000000", body.rstrip())
    assert not verify_signature(public(signer), signature, "1700000001", body)
    assert not verify_signature(public(ec.generate_private_key(ec.SECP256R1())), signature, "1700000000", body)


def test_another_kind_of_key_is_refused() -> None:
    """A key on another curve, or of another kind, verifies nothing."""
    other = ec.generate_private_key(ec.SECP384R1())
    assert not verify_signature(public(other), signed(other, "1", b"x"), "1", b"x")
    assert not verify_signature(public(rsa.generate_private_key(65537, 2048)), "AAAA", "1", b"x")


@given(st.text(), st.text(), st.text(), st.binary())
def test_a_malformed_signature_is_false(key: str, signature: str, timestamp: str, body: bytes) -> None:
    """Nothing that a stranger can send makes it raise."""
    assert not verify_signature(key, signature, timestamp, body)


@given(signature=st.text() | st.binary().map(lambda raw: base64.b64encode(raw).decode()), timestamp=st.text())
def test_a_malformed_signature_under_a_good_key_is_false(
    signer: ec.EllipticCurvePrivateKey, signature: str, timestamp: str
) -> None:
    """The same with our real key: only the two header values are a stranger's."""
    assert not verify_signature(public(signer), signature, timestamp, b"[]")
