"""Signatures: what is not covered as demanded, or was touched on the way, does not verify."""

from base64 import b64decode, b64encode, urlsafe_b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol import keys
from sync_protocol.compression import compress
from sync_protocol.problems import BadSignature, ClockSkew
from sync_protocol.signing import (
    NEW_ORIGIN,
    WINDOW_S,
    Request,
    Response,
    content_digest,
    sign_request,
    sign_response,
    signature_base,
    verify_request,
    verify_response,
)
from tests.protocol.samples import (
    AUDIENCE,
    HUB_KEY,
    NODE,
    NODE_KEY,
    NODE_KEY_TEXT,
    NOON_S,
    ORIGIN,
    OTHER_ORIGIN,
    STRANGER_KEY,
)

TARGET = "/sync/v1/exchange?wait=1"
BODY = b'{"hello":"hub"}'


def test_the_vector_of_rfc_9421_b_2_6():
    key = keys.read_private(urlsafe_b64decode("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU="))
    assert keys.public_text(key) == "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"
    components = [
        ('"date"', "Tue, 20 Apr 2021 02:07:55 GMT"),
        ('"@method"', "POST"),
        ('"@path"', "/foo"),
        ('"@authority"', "example.com"),
        ('"content-type"', "application/json"),
        ('"content-length"', "18"),
    ]
    params = f'({" ".join(name for name, _ in components)});created=1618884473;keyid="test-key-ed25519"'
    expected = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    assert b64encode(key.sign(signature_base(components, params))).decode() == expected


def test_the_vector_of_rfc_9530_for_an_empty_body():
    assert content_digest(b"") == "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"


def signed(key=NODE_KEY, keyid=NODE, method="POST", target=TARGET, body=BODY, **changes):
    """Method, target, body and headers of a good request."""
    facts = {"encoding": "identity", "audience": AUDIENCE, "origin": ORIGIN, "created_s": NOON_S, **changes}
    return Request(
        method, target, body, tuple(sign_request(key, keyid, Request(method, target, body), **facts).items())
    )


def verify(request, now_s=NOON_S, audience=AUDIENCE):
    known = {NODE: NODE_KEY.public_key(), "stranger": STRANGER_KEY.public_key()}
    return verify_request(request, known.get, audience, now_s)


def with_headers(request, **changes):
    """The request with some headers replaced (a list repeats one, None removes it)."""
    new = {name.replace("_", "-").lower(): value for name, value in changes.items()}
    kept = [(name, value) for name, value in request.headers if name.lower() not in new]
    for name, value in new.items():
        kept += [(name, one) for one in (value if isinstance(value, list) else [value]) if one is not None]
    return Request(request.method, request.target, request.body, tuple(kept))


def value_of(request, name):
    return dict(request.headers)[name]


def test_a_good_request_says_whose_it_is():
    request = signed()
    proof = verify(request)
    assert (proof.keyid, proof.origin, proof.created_s) == (NODE, ORIGIN, NOON_S)
    assert proof.signature == value_of(request, "Signature")


def test_a_get_without_body_or_query_is_signed_alike():
    verify(signed(method="GET", target="/sync/v1/snapshot/x/1", body=b""))


def test_a_new_node_signs_with_the_key_it_brings():
    request = signed(keyid=NODE_KEY_TEXT, origin=NEW_ORIGIN, target="/sync/v1/enrol")
    proof = verify_request(request, keys.read_public, AUDIENCE, NOON_S)
    assert (proof.keyid, proof.origin) == (NODE_KEY_TEXT, NEW_ORIGIN)


@pytest.mark.parametrize(
    "touch",
    [
        lambda r: Request("PUT", r.target, r.body, r.headers),
        lambda r: Request(r.method, "/sync/v1/enrol?wait=1", r.body, r.headers),
        lambda r: Request(r.method, "/sync/v1/exchange", r.body, r.headers),
        lambda r: Request(r.method, "/sync/v1/exchange?wait=2", r.body, r.headers),
        lambda r: Request(r.method, "/sync/v1/exchange/?wait=1", r.body, r.headers),
        lambda r: Request(r.method, "/sync/v1/%65xchange?wait=1", r.body, r.headers),
        lambda r: Request(r.method, r.target, r.body + b" ", r.headers),
        lambda r: Request(r.method, r.target, b"", r.headers),
        lambda r: with_headers(r, content_digest=content_digest(b"other")),
        lambda r: with_headers(r, content_encoding="gzip"),
        lambda r: with_headers(r, x_sync_audience="other.example"),
        lambda r: with_headers(r, x_sync_origin=OTHER_ORIGIN),
        lambda r: with_headers(
            Request(r.method, r.target, b"swapped", r.headers), content_digest=content_digest(b"swapped")
        ),
    ],
)
def test_every_covered_part_matters(touch):
    verify(signed())
    with pytest.raises(BadSignature):
        verify(touch(signed()))


HEADERS = ("Content-Digest", "Content-Encoding", "X-Sync-Audience", "X-Sync-Origin", "Signature-Input", "Signature")


@pytest.mark.parametrize("name", HEADERS)
def test_every_header_is_there_once(name):
    request = signed()
    value = value_of(request, name)
    for values in (
        None,
        [value, value],
        [value, "other"],
        ["", value],
        value + "\r\nX: y",
        value + "é",
        value + "\t\x00",
    ):
        with pytest.raises(BadSignature):
            verify(with_headers(request, **{name.replace("-", "_"): values}))


@pytest.mark.parametrize("name", HEADERS)
def test_names_in_any_case_and_spaces_around_values_mean_the_same(name):
    request = signed()
    value = value_of(request, name)
    others = tuple(pair for pair in request.headers if pair[0] != name)
    verify(Request(request.method, request.target, request.body, (*others, (name.upper(), f" \t{value} "))))


def resigned(old, new, key=NODE_KEY):
    """A request whose Signature-Input differs from ours and is nevertheless signed truly."""
    request = signed()
    params = value_of(request, "Signature-Input").removeprefix("sync=").replace(old, new)
    assert params != value_of(request, "Signature-Input").removeprefix("sync=")
    values = {name.lower(): value for name, value in request.headers}
    path, _, query = request.target.partition("?")
    values |= {"@method": "POST", "@path": path, "@query": f"?{query}", "@authority": "hub.example", "date": "today"}
    names = params[1 : params.index(")")].split()
    base = signature_base([(name, values[name.strip('"')]) for name in names], params)
    signature = b64encode(key.sign(base)).decode()
    return with_headers(request, signature_input=f"sync={params}", signature=f"sync=:{signature}:", date="today")


def test_the_helper_of_these_tests_signs_truly():
    verify(resigned(f"created={NOON_S}", f"created={NOON_S - 1}"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *((f'"{name}"', "") for name in ("@method", "@path", "@query", "content-digest", "content-encoding")),
        *((f' "{name}"', "") for name in ("x-sync-audience", "x-sync-origin")),
        ('"@method" "@path"', '"@path" "@method"'),
        ('"@method"', '"@method" "@method"'),
        ('"x-sync-origin")', '"x-sync-origin" "date")'),
        ('"@path"', '"@path" "@authority"'),
        (';alg="ed25519"', ""),
        (';alg="ed25519"', ';alg="hmac-sha256"'),
        (';alg="ed25519"', ';alg="ED25519"'),
        (';tag="sync-v1"', ""),
        (';tag="sync-v1"', ';tag="sync-v2"'),
        (';tag="sync-v1"', ';tag="sync-v1";nonce="x"'),
        (";created", "; created"),
        ("created=", "expires=9999999999;created="),
        ("created=", "created=0"),
        ("created=", "created=-"),
        (f"created={NOON_S};", ""),
        (f"created={NOON_S}", f'created="{NOON_S}"'),
        (f'keyid="{NODE}"', f"keyid={NODE}"),
        (f'keyid="{NODE}"', 'keyid=""'),
        (f';keyid="{NODE}"', ""),
    ],
)
def test_another_form_is_refused_however_truly_signed(old, new):
    with pytest.raises(BadSignature):
        verify(resigned(old, new))


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda line: line.replace("sync=", "sig1="),
        lambda line: f"{line}, sig1={line.removeprefix('sync=')}",
        lambda line: f"sig1={line.removeprefix('sync=')}, {line}",
        lambda line: f"{line}, {line}",
        lambda line: line.replace(" ", "  ", 1),
        lambda line: line.upper(),
        lambda line: line + ";",
        lambda line: line.replace("1", "\u0661", 1),
    ],
)
@pytest.mark.parametrize("name", ["Signature-Input", "Signature"])
def test_other_labels_and_second_signatures_are_refused(rewrite, name):
    request = signed()
    value = value_of(request, name)
    if rewrite(value) == value:
        return
    with pytest.raises(BadSignature):
        verify(with_headers(request, **{name.replace("-", "_"): rewrite(value)}))


@pytest.mark.parametrize(
    "cut", ["", "sync=::", "sync=:AAAA:", "sync=:" + "A" * 86 + "==:", "sync=:" + "_" * 86 + "==:"]
)
def test_a_signature_is_64_bytes_in_their_one_spelling(cut):
    with pytest.raises(BadSignature):
        verify(with_headers(signed(), signature=cut))
    request = signed()
    good = value_of(request, "Signature")
    digit = good[-4]  # its last four bits are beyond the 64 bytes
    other = next(c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c != digit)
    with pytest.raises(BadSignature):
        verify(with_headers(request, signature=good[:-4] + other + good[-3:]))


def test_a_strangers_key_and_an_unknown_key_get_the_same_words():
    words = set()
    for request in (signed(key=STRANGER_KEY), signed(keyid="nobody"), signed(keyid="stranger")):
        with pytest.raises(BadSignature) as refusal:
            verify(request)
        words.add(refusal.value.detail)
    assert len(words) == 1


def test_a_request_for_another_hub_is_refused():
    with pytest.raises(BadSignature):
        verify(signed(), audience="other.example")


@pytest.mark.parametrize("late_s", [-WINDOW_S, -1, 0, 1, WINDOW_S])
def test_the_window_is_five_minutes_to_both_sides(late_s):
    verify(signed(), now_s=NOON_S + late_s)


@pytest.mark.parametrize("late_s", [-400 * 86_400, -WINDOW_S - 1, WINDOW_S + 1, 20 * 365 * 86_400])
def test_outside_the_window_the_hub_tells_its_time(late_s):
    with pytest.raises(ClockSkew) as refusal:
        verify(signed(), now_s=NOON_S + late_s)
    assert refusal.value.document()["time"] == (NOON_S + late_s) * 1000


def test_who_cannot_sign_does_not_learn_the_time():
    with pytest.raises(BadSignature):
        verify(signed(key=STRANGER_KEY), now_s=NOON_S + WINDOW_S + 1)


def test_the_digest_is_over_the_encoded_bytes():
    message = b'{"a":1}' * 1000
    encoding, body = compress(message)
    request = signed(body=body, encoding=encoding)
    verify(request)
    for swapped in (message, compress(message, "gzip")[1]):
        with pytest.raises(BadSignature):
            verify(Request(request.method, request.target, swapped, request.headers))


def answered(request, status=200, body=b"{}", key=HUB_KEY):
    bare = Response(status, body)
    headers = sign_response(key, bare, "identity", value_of(request, "Signature"), NOON_S)
    return Response(status, body, tuple(headers.items()))


def verify_answer(response, request):
    return verify_response(response, HUB_KEY.public_key(), value_of(request, "Signature"))


def test_a_good_answer_says_when_it_was_signed():
    assert verify_answer(answered(signed()), signed()) == NOON_S


def test_an_answer_belongs_to_its_request():
    with pytest.raises(BadSignature):
        verify_answer(answered(signed()), signed(created_s=NOON_S + 1))


@pytest.mark.parametrize(
    "touch",
    [
        lambda r: Response(201, r.body, r.headers),
        lambda r: Response(r.status, b"{ }", r.headers),
        lambda r: Response(r.status, r.body, r.headers[1:]),
        lambda r: Response(r.status, r.body, r.headers + r.headers[:1]),
        lambda r: Response(r.status, r.body, ()),
        lambda r: Response(r.status, r.body, tuple((n, v.replace("identity", "gzip")) for n, v in r.headers)),
        lambda r: Response(r.status, r.body, tuple((n, v.replace('"signature";req', "")) for n, v in r.headers)),
        lambda r: Response(r.status, r.body, tuple((n, v.replace('keyid="hub"', 'keyid="hob"')) for n, v in r.headers)),
        lambda r: answered(signed(), key=NODE_KEY),
        lambda r: Response(r.status, r.body, signed().headers),
    ],
)
def test_every_part_of_an_answer_matters(touch):
    with pytest.raises(BadSignature):
        verify_answer(touch(answered(signed())), signed())


@pytest.mark.parametrize("status", [200, 401, 409, 503])
def test_refusals_are_signed_alike(status):
    verify_answer(answered(signed(), status=status), signed())


def test_keys_and_signatures_have_one_spelling():
    text = keys.public_text(NODE_KEY)
    assert keys.public_text(keys.read_public(text)) == text == NODE_KEY_TEXT
    assert keys.public_text(NODE_KEY.public_key()) == text
    signature = keys.sign(NODE_KEY, b"m")
    assert keys.verifies(NODE_KEY.public_key(), b"m", signature)
    assert not keys.verifies(NODE_KEY.public_key(), b"n", signature)
    assert not keys.verifies(STRANGER_KEY.public_key(), b"m", signature)
    for wrong in ("", text[:-1], text + "=", text + "A", text[:-1] + "é", signature):
        with pytest.raises(ValueError):
            keys.read_public(wrong)
    for wrong in ("", signature + "==", signature[:-1], signature + "A", "é", text):
        assert not keys.verifies(NODE_KEY.public_key(), b"m", wrong)


def test_a_malleable_signature_is_refused():
    """S + L is the same point equation; an implementation that took it would let a signature have two spellings."""
    order = 2**252 + 27742317777372353535851937790883648493
    raw = b64decode(value_of(signed(), "Signature")[6:-1])
    other = raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")
    with pytest.raises(BadSignature):
        verify(with_headers(signed(), signature=f"sync=:{b64encode(other).decode()}:"))


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200))
def test_any_header_text_is_refused_without_a_crash(text):
    for name in HEADERS:
        if text.strip(" ") == value_of(signed(), name):
            continue
        with pytest.raises(BadSignature):
            verify(with_headers(signed(), **{name.replace("-", "_"): text}))
