"""Sign-in at a provider (OpenID Connect, authorization code with PKCE). docs/operate/sign-in.md."""
