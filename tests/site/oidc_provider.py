"""An OpenID Connect provider on the loopback interface, as strict as real ones: each code is good
once, for one client, one address and one code verifier. Tests say who signs in at it, and what it
does wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "recon", "a secret of the client's"


@dataclass
class Provider:
    """`claims` are of whoever signs in; `in_userinfo` are of those that only userinfo has."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    in_userinfo: tuple[str, ...] = ()
    #: Overrides claims of the ID token, after all: what a provider may get wrong.
    wrong: dict[str, Any] = field(default_factory=dict)
    refuses: str = ""
    answers: dict[str, int] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first"}))
    signs_with: RSAKey | None = None
    algorithm: str = "RS256"
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)

    def description(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/end",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            **self.metadata,
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        self.asked.append(query)
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert "openid" in query["scope"].split()
        assert query["code_challenge_method"] == "S256"
        back = {"state": query["state"], "iss": self.url}
        if self.refuses:
            return f"{query['redirect_uri']}?{urlencode(back | {'error': self.refuses})}"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode(back | {'code': code})}"

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        sent = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if sent != f"{CLIENT_ID}:{CLIENT_SECRET}":
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or asked["code_challenge"] != proof
            or asked["redirect_uri"] != form.get("redirect_uri")
        ):
            return 400, {"error": "invalid_grant"}
        token = {"access_token": "for userinfo", "token_type": "Bearer", "expires_in": 300}
        return 200, token | {"id_token": self.id_token(asked)}

    def id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        said = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300}
        said |= {"nonce": asked["nonce"]}
        if "max_age" in asked:
            said |= {"auth_time": now}
        said |= {name: one for name, one in self.claims.items() if name not in self.in_userinfo}
        said |= self.wrong
        if self.algorithm == "none":
            parts = (json.dumps(part).encode() for part in ({"alg": "none"}, said))
            written = (base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
            return ".".join(written) + "."
        key = self.signs_with or self.key
        header = {"alg": self.algorithm, "kid": key.kid}
        return jwt.encode(header, said, key, algorithms=[self.algorithm])

    def answer(self, path: str, body: dict[str, str], headers: Any) -> tuple[int, dict[str, Any]]:
        if path in self.answers:
            return self.answers[path], {}
        if path == "/token":
            return self.exchange(body, headers.get("Authorization", ""))
        if path == "/userinfo":
            assert headers["Authorization"] == "Bearer for userinfo"
        return 200, {
            "/.well-known/openid-configuration": self.description,
            "/keys": lambda: {"keys": [self.key.as_dict(private=False)]},
            "/userinfo": lambda: self.claims,
        }[path]()


@contextmanager
def running(provider: Provider) -> Iterator[Provider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.authorize(dict(parse_qsl(parts.query))))
                self.end_headers()
                return
            self.send(*provider.answer(parts.path, {}, self.headers))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self.send(*provider.answer(self.path, form, self.headers))

        def send(self, status: int, content: dict[str, Any]) -> None:
            sent = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield provider
        server.shutdown()
