"""The API by its REST routes, with nothing but Python's standard library (3.9 or newer).

Written to be read: what it does is what a client in any language has to do.
"""

import http.client
import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

PASSING_STATUSES = (408, 429, 502, 503, 504)
ATTEMPTS = 3
TIMEOUT_SECONDS = 30


class Failure(Exception):
    """Why a call failed. Branch on `code`; the sentence is for people, `request_id` for who reads the server's log."""

    def __init__(self, code, message, status=None, meta=None, request_id=None, retry_after=0):
        super().__init__(message)
        self.code = code
        self.status = status  # None when no answer came
        self.fields = (meta or {}).get("fields", {})  # what is wrong with which field, after `validation`
        self.meta = meta
        self.request_id = request_id
        self.retry_after = retry_after

    @property
    def is_passing(self):
        """Whether trying again makes sense."""
        return self.status is None or self.status in PASSING_STATUSES or self.code == "idempotency.in_progress"


def new_key():
    """An Idempotency-Key. Whatever is sent again under one key takes effect once, and gets the first answer again."""
    return str(uuid.uuid4())


class Api:
    """One person on one server. Not to be shared by threads, which would both use up the refresh token."""

    def __init__(self, url, tenant_id=None):
        self.url = url.rstrip("/") + "/api/v1"
        self.tenant_id = tenant_id
        self.tokens = None
        self.refresh_key = None

    def register(self, email, password, name):
        return self._sign_in("/auth/register", {"email": email, "password": password, "name": name})

    def login(self, email, password):
        return self._sign_in("/auth/login", {"email": email, "password": password})

    def get(self, path, **query):
        return self.call("GET", path, query=query)

    def pages(self, path, **query):
        """Every item of a list, however many pages it takes. The cursor is the server's; it means nothing to us."""
        while True:
            page = self.get(path, **query)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    def call(self, method, path, body=None, query=None, key=None):
        """The `data` of the answer. A call that changes something is repeated only with a `key`."""
        used = self.tokens
        try:
            return self._repeated(method, path, body, query, key)
        except Failure as failure:
            # The token has ended: a new one, and the call once more. Every other refusal would be the same again.
            if failure.code != "auth.invalid" or used is None:
                raise
            self._renew()
            return self._repeated(method, path, body, query, key)

    def _sign_in(self, path, body):
        signed_in = self._repeated("POST", path, body, key=new_key())
        self._keep(signed_in["tokens"])
        return signed_in["user"]

    def _keep(self, tokens):
        self.tokens = tokens
        # Drawn with the token it belongs to: a refresh token works once, and one that is sent again under another key
        # looks stolen, which ends the session. Under this key a refresh whose answer was lost is answered again.
        self.refresh_key = new_key()

    def _renew(self):
        body = {"refresh_token": self.tokens["refresh_token"]}
        try:
            self._keep(self._repeated("POST", "/auth/refresh", body, key=self.refresh_key))
        except Failure as failure:
            if failure.status == 401:
                self.tokens = None  # the session is over: somebody has to sign in again
            raise

    def _repeated(self, method, path, body=None, query=None, key=None):
        """Waits out what passes by itself, with the same key and body each time."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._send(method, path, body, query, key)
            except Failure as failure:
                may_repeat = method == "GET" or key is not None
                if attempt == ATTEMPTS or not may_repeat or not failure.is_passing:
                    raise
                # Spread by chance, so that clients that failed together do not come back together.
                time.sleep(max(failure.retry_after, 0.25 * 2**attempt * random.uniform(0.5, 1)))

    def _send(self, method, path, body, query, key):
        address = self.url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers["Idempotency-Key"] = key
        if self.tenant_id is not None:
            headers["X-Tenant-ID"] = self.tenant_id
        if self.tokens is not None and not path.startswith(("/auth/login", "/auth/register", "/auth/refresh")):
            headers["Authorization"] = "Bearer " + self.tokens["access_token"]
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data=data, headers=headers, method=method)
        try:
            with opened(request) as answer:
                status, answered, text = answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise Failure("unreachable", f"{self.url} does not answer: {reason}") from error
        return data_of(status, answered, text)


def opened(request):
    """The answer, which may be a refusal: urllib raises those. Either can still break off as it is read."""
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as refusal:
        return refusal


def data_of(status, headers, text):
    """Opens the envelope: {"success": true, "data": …} or {"success": false, "error": {"code", "message", "meta"}}."""
    if status == 204:
        return None
    retry_after = headers.get("Retry-After", "")
    seconds = int(retry_after) if retry_after.isdigit() else 0
    try:
        envelope = json.loads(text)
        if envelope["success"]:
            return envelope["data"]
        error = envelope["error"]
        code, message, meta = error["code"], error["message"], error.get("meta")
    except (ValueError, KeyError, TypeError) as error:
        # Something in between has answered, such as a proxy with a page of its own.
        sentence = f"an answer with status {status} is not of this API"
        raise Failure("unreadable", sentence, status, retry_after=seconds) from error
    raise Failure(code, message, status, meta, envelope.get("request_id"), seconds)
