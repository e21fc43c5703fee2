"""A walk through the API. Usage: python3 tour.py [address]"""

import sys

from api import Api, Failure, new_key

EMAIL, PASSWORD = "tour@example.org", "correct horse battery"


def main(url):
    api = Api(url)

    print("What a refusal looks like:")
    try:
        api.register("not an address", "short", "Tour")
    except Failure as failure:
        if failure.code != "validation":
            raise
        print(f"  {failure} {failure.fields}")

    try:
        user = api.register(EMAIL, PASSWORD, "Tour")
    except Failure as failure:
        if failure.code != "user.email_taken":  # of an earlier walk
            raise
        user = api.login(EMAIL, PASSWORD)
    print(f"Signed in as {user['email']}")

    for _ in range(2):
        Api(url).login(EMAIL, PASSWORD)
    sessions = list(api.pages("/me/sessions", limit=2))
    print(f"{len(sessions)} sessions, read two at a time")

    key = new_key()
    body = {"name": "Tour", "slug": "tour-" + key[:8]}
    tenant = api.call("POST", "/tenants", body, key=key)
    again = api.call("POST", "/tenants", body, key=key)
    print(f"Sent twice under one key: {'one tenant' if tenant == again else 'two tenants'}")

    # A quarter of an hour later the access token is worth as much as this one.
    api.tokens["access_token"] = "ended"
    renewed = api.get("/auth/me")
    print(f"Renewed, and still {renewed['email']}")

    api.call("DELETE", f"/tenants/{tenant['id']}", key=new_key())
    revoked = api.call("DELETE", "/me/sessions", key=new_key())["revoked"]
    api.call("POST", "/auth/logout")
    print(f"Signed out, here and on {revoked} other devices")


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080")
    except Failure as failure:
        sys.exit(f"{failure} ({failure.code}{', ' + failure.request_id if failure.request_id else ''})")
